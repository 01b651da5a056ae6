/*
 * poster_lanes.h: the lanes of the poster: one for each channel file, with what is under way in it.
 */
#ifndef HA_SERVER_POSTER_LANES_H
#define HA_SERVER_POSTER_LANES_H

#include "server/compat.h"

#include "ops/outbox.h"
#include "server/posts.h"

typedef enum HaWork
{
	HA_WORK_NONE,
	HA_WORK_EVENT,
	HA_WORK_POST,
	HA_WORK_TRIAL,
	HA_WORK_HEARTBEAT
} HaWork;

typedef struct HaPosterLane
{
	HaChannelView view;			/* what is published of it */
	bool		used;			/* the place is taken */
	uint64		file_hash;		/* of what its file says; 0 = not read yet */
	int32		heartbeat_s;
	int32		fallback_after_s;
	HaLane		lane;
	HaOutbox	outbox;
	HaWebhook  *hook;
	HaUs		heartbeat_us;	/* when the last one went (monotonic); 0 = none yet */

	/* What is under way. */
	HaWork		work;
	struct HaPosterLane *meant; /* HA_WORK_EVENT: whose news it is; another lane's, when this is its fallback */
	uint32		event_count;	/* HA_WORK_EVENT: what is told of, the first `told` of them in this message */
	HaAlert		alert[HA_BULLETIN_NOTICES_MAX];	/* each points to its event */
	HaEventRecord event[HA_BULLETIN_NOTICES_MAX];
	HaPost	   *post;
	int64		number;
	uint32		told;
} HaPosterLane;

extern HaPosterLane ha_poster_lane[HA_CHANNELS_MAX];

/* Once in the process. */
extern void ha_poster_lanes_start(uint64_t seed);
extern void ha_poster_lanes_stop(void);
extern int	ha_poster_lanes_fd(void);

/* Reads the directory when that is due, and makes and drops lanes. `now`: both clocks. */
extern void ha_poster_lanes_look(HaNow now, bool at_once);

/* Reads the channel's file for an attempt; false with a sentence. The caller wipes the channel. */
extern bool ha_poster_lanes_read(const HaPosterLane *lane, HaChannel *channel, char *reason, size_t size);

/* Makes what is known of the lanes visible to others, when it changed. */
extern void ha_poster_lanes_publish(HaNow now);

#endif
