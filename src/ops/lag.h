/*
 * lag.h: how far a standby is behind the primary: in bytes, in time, and in a word where a number would lie.
 *
 * Time is measured against a ring of positions that the primary has had, each with the moment at which it was there:
 * a standby lags by the time since the primary passed the position that the standby has replayed. So an idle primary's
 * standby lags by nothing, a cut-off one's lag grows, and it is the same at any depth of a cascade.
 *
 * Pure: positions and moments come in; moments are of one machine's BOOTTIME. One thread at a time for each ring.
 */
#ifndef HA_OPS_LAG_H
#define HA_OPS_LAG_H

#include "core/types.h"

/* ---- The ring ---- */

#define HA_LAG_SAMPLES_MAX 1024
#define HA_LAG_SPACING_US (100 * HA_US_PER_MS)	/* samples of growing positions are not nearer than that */

typedef struct HaLagSample
{
	HaLsn lsn;
	HaUs first_us;				/* the primary was seen at lsn, not beyond it, from first_us */
	HaUs last_us;				/* to last_us */
} HaLagSample;

/*
 * Oldest first, positions and moments grow. When it is full, every second one of the older half is given up: the ring
 * reaches back to its beginning, the older the coarser. All zero = empty.
 */
typedef struct HaLagRing
{
	uint32_t count;
	HaLagSample sample[HA_LAG_SAMPLES_MAX];
} HaLagRing;

/*
 * The primary is at lsn now. Positions behind the last one are another primary's after a failover: what the one before
 * wrote beyond it counts no more. Moments must not go back.
 */
extern void ha_lag_add(HaLagRing *ring, HaLsn lsn, HaUs now_us);

/* The newest sample, NULL when there is none. */
extern const HaLagSample *ha_lag_last(const HaLagRing *ring);

/*
 * For how long the primary has been beyond lsn. *exact is false when that was before the first sample: the answer is
 * then the least that it can be. -1 for an empty ring.
 */
extern HaUs ha_lag_since(const HaLagRing *ring, HaLsn lsn, HaUs now_us, bool *exact);

/* Bytes of WAL a second, over the last window_us at the most; -1 when less than HA_LAG_RATE_US are known. */
#define HA_LAG_RATE_US (10 * 1000 * HA_US_PER_MS)

extern int64_t ha_lag_rate(const HaLagRing *ring, HaUs now_us, HaUs window_us);

/* ---- The verdict ---- */

/* state, its word, what it means */
#define HA_LAG_STATE_LIST(X) \
	X(STREAMING, "streaming", "it receives and is near") \
	X(CATCHUP, "catchup", "it receives, and is far behind or was until now") \
	X(STALLED, "stalled", "connected, but it takes no WAL") \
	X(PAUSED, "paused", "its replay is paused") \
	X(NO_RECEIVER, "no_receiver", "nothing connects it with its source of WAL") \
	X(WAL_MISSING, "wal_missing", "its source has removed WAL that it needs: it must be made anew") \
	X(ARCHIVE_ONLY, "archive_only", "it reads the archive and has no source to stream from") \
	X(JOINING, "joining", "its WAL is not compared with the leader's yet") \
	X(UNKNOWN, "unknown", "nobody has heard of it lately, or nobody knows the primary")

typedef enum HaLagState
{
#define HA_LAG_STATE_ENUM(state, word, meaning) HA_LAG_##state,
	HA_LAG_STATE_LIST(HA_LAG_STATE_ENUM)
#undef HA_LAG_STATE_ENUM
	HA_LAG_STATE_COUNT
} HaLagState;

extern const char *ha_lag_state_name(HaLagState state);

typedef enum HaLagReceiver
{
	HA_LAG_RECEIVER_NONE,
	HA_LAG_RECEIVER_STARTING,	/* there is a process, but no stream yet */
	HA_LAG_RECEIVER_CATCHUP,	/* what the sender calls so */
	HA_LAG_RECEIVER_STREAMING
} HaLagReceiver;

/* What is known of a standby. */
typedef struct HaLagFacts
{
	bool heard;					/* lately enough for the rest to be true; else the state is UNKNOWN */
	bool joined;				/* its positions can be compared with the primary's (R12) */
	bool primary_heard;			/* primary_lsn is of now, or nearly */
	bool paused;
	bool wal_missing;			/* its source does not have the WAL that it needs next */
	bool wants_receiver;		/* it has somebody to stream from */
	HaLagReceiver receiver;
	HaUs measured_us;			/* replay lag as the sender measured it last; it may be long ago. -1 = not known */
	HaUs silent_us;				/* since the connection brought anything, -1 = not known */
	HaLsn flush_lsn;			/* 0 = not known */
	HaLsn replay_lsn;			/* 0 = not known, or it does not replay */
	HaLsn primary_lsn;			/* end of the primary's WAL, 0 = not known */
} HaLagFacts;

typedef struct HaLag
{
	HaLagState state;
	int64_t bytes;				/* that the primary has and it has not replayed; -1 = not known */
	int64_t flush_bytes;		/* that the primary has and it has not on disk; -1 = not known */
	HaUs time_us;				/* since the primary is beyond what it has replayed; 0 = level; -1 = not known */
	HaUs at_least_us;			/* when time_us is not known: it is longer than this, if not -1 */
} HaLag;

/* Connected, yet for longer than this without the primary's WAL: not merely streaming. */
#define HA_LAG_FAR_US (10 * 1000 * HA_US_PER_MS)

extern HaLag ha_lag_judge(const HaLagFacts *facts, const HaLagRing *ring, HaUs now_us);

#endif
