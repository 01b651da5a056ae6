/*
 * lane.h: when the next request may go to a channel, and what follows from the receiver's answer.
 *
 * Requests to one channel keep a distance by which the receiver's limits hold whatever came before: also after a
 * restart, when nobody knows what was sent a moment ago (a lane starts with one distance to wait). So there is no
 * budget to save up and no burst; what gathers meanwhile goes into one message. A receiver that throttles is left alone
 * for as long as it asks, or as its vendor says; one that refuses (a wrong address, a signature) is tried ever more
 * rarely, and while it rests between these attempts its fallback takes what waits, after `fallback_us`.
 *
 * Pure; monotonic times come in.
 */
#ifndef HA_OPS_LANE_H
#define HA_OPS_LANE_H

#include "core/prng.h"
#include "core/types.h"

/* What an answer means (alerting.md A.1 to A.5). */
typedef enum HaVerdict
{
	HA_VERDICT_DELIVERED,
	HA_VERDICT_RETRY,			/* not now: network, 5xx, an answer that is none */
	HA_VERDICT_THROTTLE,		/* too fast, or a busy hour */
	HA_VERDICT_PLAIN,			/* this rendering was refused: the same as a plain text, at once */
	HA_VERDICT_BROKEN			/* the channel: address, signature, clock, keyword; people must mend it */
} HaVerdict;

typedef enum HaLaneState
{
	HA_LANE_WORKING,
	HA_LANE_FAILING,			/* the last requests failed; it is tried again */
	HA_LANE_HELD,				/* the receiver throttles */
	HA_LANE_BROKEN				/* it refuses */
} HaLaneState;

/* What a request carries. */
typedef enum HaLaneLoad
{
	HA_LANE_NOTHING,
	HA_LANE_EVENTS,				/* events of the cluster */
	HA_LANE_ALERTS				/* alerts by rules */
} HaLaneLoad;

typedef struct HaLane
{
	HaUs gap_us;				/* between two requests */
	HaUs spaced_us;				/* from when the gap counts: the last request or answer, the start, see keep_distance */
	HaUs hold_us;				/* after a throttle, unless the receiver asks for more; 0 = by failures in a row */
	HaUs pause_us;				/* it rests until then after a failure; 0 = it does not */
	HaUs failing_since_us;		/* 0 = it works */
	uint32_t failures;			/* in a row */
	HaLaneState state;
	bool plain;					/* the next request is to be plain text */
	bool told;					/* people were told (by an event) that nothing can be delivered */
	bool under_way;				/* a request is */
	bool events_last;			/* it told of events of the cluster; drawn by lot at the start */
	HaPrng prng;
} HaLane;

/* `gap_us` > 0. The first request may go after one gap. */
extern void ha_lane_start(HaLane *lane, HaUs gap_us, HaUs hold_us, uint64_t seed, HaUs now_us);

/* When the next request may go. */
extern HaUs ha_lane_next_us(const HaLane *lane);

/* Microseconds until it may go; 0 = now. */
extern HaUs ha_lane_wait_us(const HaLane *lane, HaUs now_us);

/*
 * Microseconds until alerts are to be claimed for a lane whose next request may go at `next_us`; 0 = now. They are
 * claimed so early that they are ready when it is: or an event of the cluster would always come before them.
 */
extern HaUs ha_lane_claim_wait_us(HaUs next_us, HaUs now_us);

/*
 * What the next request is to carry, when these wait. Both take turns: neither can keep the other from being told, also
 * where each process lives for one request only. What was refused as a card goes again before anything else.
 */
extern HaLaneLoad ha_lane_choose(HaLane *lane, bool events, bool alerts);

/* A request goes now. */
extern void ha_lane_sent(HaLane *lane, HaUs now_us);

/* Another distance, longer or shorter, also from the last request on. */
extern void ha_lane_set_gap(HaLane *lane, HaUs gap_us);

/* Somebody else may have sent one now: the distance is kept from that, too. */
extern void ha_lane_keep_distance(HaLane *lane, HaUs now_us);

/* People changed the channel, which may have mended it: it is tried at once, unless the receiver throttles. */
extern void ha_lane_changed(HaLane *lane);

/*
 * What the receiver said. True when people should be told by an event: the channel fails (verdict not DELIVERED), or
 * works again. `retry_after_s`: as the receiver asked, 0 = it did not.
 */
extern bool ha_lane_result(HaLane *lane, HaVerdict verdict, int64_t retry_after_s, HaUs now_us);

/*
 * True when it has failed for so long that what waits is to go through the fallback channel. When its own next attempt
 * is due it is false: then the channel is tried with what waits, or it would never be seen to work again.
 */
extern bool ha_lane_gave_up(const HaLane *lane, HaUs fallback_us, HaUs now_us);

extern const char *ha_lane_state_name(HaLaneState state);	/* working failing held broken */

#endif
