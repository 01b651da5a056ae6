/*
 * poster_send.h: one attempt of the poster: a message is laid out and begun, and what came of it is told to whom it
 * concerns.
 */
#ifndef HA_SERVER_POSTER_SEND_H
#define HA_SERVER_POSTER_SEND_H

#include "server/poster_lanes.h"
#include "wire/status.h"

/* What a turn works with. */
typedef struct HaPosterTurn
{
	const HaStatus *status;
	HaEventLog	log;
	const char *cluster;
	HaNow		now;
	int64		wall_us;
	HaUs		wait_us;		/* until the next turn at the latest */
} HaPosterTurn;

/* An answer came, or none did: to the events' marks, the post, the trial. The lane is free afterwards. */
extern void ha_poster_conclude(HaPosterLane *lane, HaVerdict verdict, const char *reason, int64 retry_after_s,
							   const HaPosterTurn *turn);

/* Begins with the alert, or with several when very many wait; `meant` is the lane whose news they are. */
extern void ha_poster_send_events(HaPosterLane *lane, HaPosterLane *meant, HaEventLog log, const HaAlert *alert,
								  const HaPosterTurn *turn);

/* Begins with a post, which is READY. */
extern void ha_poster_send_post(HaPosterLane *lane, HaPost *post, const HaPosterTurn *turn);

/* Begins with a test or a heartbeat. */
extern void ha_poster_send_words(HaPosterLane *lane, HaWork work, const HaPosterTurn *turn);

/* Writes an answer down, unless the post is another one by now. */
extern void ha_poster_answer(HaPost *post, int64 number, HaVerdict verdict, uint32 told, const char *reason);

/* Wakes who waits for a test. */
extern void ha_poster_wake_asker(void);

#endif
