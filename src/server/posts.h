/*
 * posts.h: what the alerts worker and the sender tell each other through shared memory: messages on their way, answers,
 * and what channels there are.
 *
 * A post is one message for one channel. It goes FREE -> READY (filled in by the alerts worker) -> TAKEN (by the
 * sender) -> DONE (with the answer) -> FREE (when the answer was recorded). It lives no longer than shared memory: what
 * was not recorded is claimed again from the table, with the same ids.
 */
#ifndef HA_SERVER_POSTS_H
#define HA_SERVER_POSTS_H

#include "server/compat.h"

#include "io/channel.h"
#include "port/atomics.h"

#define HA_POST_JSON_SIZE 65536
#define HA_POST_ANSWER_SIZE 320

typedef enum HaPostState
{
	HA_POST_FREE,
	HA_POST_FILLING,			/* a trial that somebody prepares */
	HA_POST_READY,
	HA_POST_TAKEN,
	HA_POST_DONE
} HaPostState;

typedef struct HaPost
{
	pg_atomic_uint32 state;
	int64		number;			/* of the claim */
	char		channel[HA_CHANNEL_NAME_SIZE];	/* by which it is to go */
	uint32		length;
	char		json[HA_POST_JSON_SIZE];	/* see io/message.h */

	/* The answer. */
	HaVerdict	verdict;
	uint32		told;			/* of its notices, the first ones */
	char		answer[HA_POST_ANSWER_SIZE];
} HaPost;

/* A channel as the sender has read it, without secrets. */
typedef struct HaChannelView
{
	char		name[HA_CHANNEL_NAME_SIZE];
	HaChannelType type;
	HaSeverity	severity;
	bool		events;
	bool		resolved;
	bool		usable;			/* its file is well */
	char		fallback[HA_CHANNEL_NAME_SIZE];
	HaLaneState state;
	bool		gave_up;		/* what waits goes through the fallback */
	uint32		failures;		/* in a row */
	HaUs		not_before_us;	/* BOOTTIME */
	int64		tried_us;		/* wall; 0 = never by this process */
	char		answer[HA_POST_ANSWER_SIZE];	/* the last one, or what is wrong with the file */
} HaChannelView;

typedef struct HaChannelViews
{
	uint32		count;
	HaChannelView channel[HA_CHANNELS_MAX];
} HaChannelViews;

/* What a node that does not lead found: an array of JSON, see alert_observed.h. */
typedef struct HaObserved
{
	uint32		length;
	char		json[HA_POST_JSON_SIZE];
} HaObserved;

#endif
