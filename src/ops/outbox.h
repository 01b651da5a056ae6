/*
 * outbox.h: which alert out of the cluster's events this member posts next to a channel, and when.
 *
 * The leader posts at once. When no leader is known, the others wait by their rank, so that one of them speaks; when
 * the leader is there and has not posted for a minute (its way to the receiver may be cut), they do it in its place.
 * A message may therefore come twice, never not at all (fail open); it carries its event's number, by which people
 * see that two are one. A member that takes no part (a copy that nobody adopted) posts nothing.
 *
 * How requests keep their distance, and what follows from an answer, is lane.h's. Pure: wall time comes in.
 */
#ifndef HA_OPS_OUTBOX_H
#define HA_OPS_OUTBOX_H

#include "ops/alert.h"
#include "wire/status.h"

#define HA_OUTBOX_DONE_MAX 64

#define HA_OUTBOX_RANK_US (INT64_C(10) * 1000 * 1000)
#define HA_OUTBOX_STEP_IN_US (INT64_C(60) * 1000 * 1000)

/* Of one channel. */
typedef struct HaOutbox
{
	HaEventKey done[HA_OUTBOX_DONE_MAX];	/* posted by this process; the marks may not be in the log yet */
	uint32_t done_count;		/* all ever; the newest HA_OUTBOX_DONE_MAX are kept */
} HaOutbox;

extern void ha_outbox_start(HaOutbox *outbox);

/*
 * The alert to post now, of those with `least` severity at least (good news: for all but critical): the most severe,
 * then the oldest. log.channel is the outbox's channel. False when there is none; then `wait_us` says after how long to
 * ask again at the latest, when nothing changes before (HA_US_NEVER = not by time).
 */
extern bool ha_outbox_next(const HaOutbox *outbox, HaEventLog log, HaSeverity least, const HaStatus *status,
						   int64_t wall_us, HaAlert *alert, HaUs *wait_us);

/* The receiver has taken it. */
extern void ha_outbox_done(HaOutbox *outbox, const HaEventKey *event);

#endif
