/*
 * outbox.h: which alert this member posts next, and when; and what follows from the receiver's answer.
 *
 * The leader posts at once. When no leader is known, the others wait by their rank, so that one of them speaks; when
 * the leader is there and has not posted for a minute (its way to the receiver may be cut), they do it in its place.
 * A message may therefore come twice, never not at all (fail open); it carries its event's number, by which people
 * see that two are one. A member that takes no part (a copy that nobody adopted) posts nothing.
 *
 * Pure: times come in. Two clocks: wall time for what is compared with events, monotonic for waiting.
 */
#ifndef HA_OPS_OUTBOX_H
#define HA_OPS_OUTBOX_H

#include "core/prng.h"
#include "ops/alert.h"
#include "wire/status.h"

#define HA_OUTBOX_DONE_MAX 64

/* Between two requests, so that a robot's limits hold: at most 5 a second and 100 a minute. */
#define HA_OUTBOX_GAP_US (INT64_C(700) * 1000)

#define HA_OUTBOX_RANK_US (INT64_C(10) * 1000 * 1000)
#define HA_OUTBOX_STEP_IN_US (INT64_C(60) * 1000 * 1000)

/* What an answer means (alerting.md A.1). */
typedef enum HaVerdict
{
	HA_VERDICT_DELIVERED,
	HA_VERDICT_RETRY,			/* not now: network, 5xx, an answer that is none */
	HA_VERDICT_THROTTLE,		/* too fast, or a busy hour */
	HA_VERDICT_PLAIN,			/* the card was refused: the same as a plain text, at once */
	HA_VERDICT_BROKEN			/* the channel: address, signature, clock, keyword; people must mend it */
} HaVerdict;

typedef struct HaOutbox
{
	HaEventKey done[HA_OUTBOX_DONE_MAX];	/* posted by this process; the marks may not be in the log yet */
	uint32_t done_count;		/* all ever; the newest HA_OUTBOX_DONE_MAX are kept */
	HaUs not_before_us;			/* monotonic */
	uint32_t failures;			/* in a row */
	bool plain;					/* the next one goes as plain text */
	bool failing;				/* people were told (by an event) that nothing can be delivered */
	HaPrng prng;
} HaOutbox;

extern void ha_outbox_start(HaOutbox *outbox, uint64_t seed);

/*
 * The alert to post now: the most severe, then the oldest. False when there is none; then `wait_us` says after how
 * long to ask again at the latest, when nothing changes before (HA_US_NEVER = not by time).
 */
extern bool ha_outbox_next(const HaOutbox *outbox, HaEventLog log, const HaStatus *status, int64_t wall_us,
						   HaUs mono_us, HaAlert *alert, HaUs *wait_us);

/*
 * What the receiver said to `event`. True when people should be told by an event: the channel has failed for the
 * first time (verdict not DELIVERED), or works again. `retry_after_s`: as the receiver asked, 0 = it did not.
 */
extern bool ha_outbox_result(HaOutbox *outbox, const HaEventKey *event, HaVerdict verdict, int64_t retry_after_s,
							 HaUs mono_us);

#endif
