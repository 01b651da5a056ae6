/*
 * lane.c: see lane.h.
 */
#include <assert.h>
#include <string.h>

#include "core/mutant.h"
#include "ops/lane.h"

#define SECOND_US (INT64_C(1000) * 1000)
#define RETRY_FIRST_S 1
#define RETRY_MAX_S 60
#define BROKEN_FIRST_S 15
#define BROKEN_MAX_S 300
#define THROTTLE_FIRST_S 5
#define ASKED_MAX_S 3600
#define AHEAD_US (2 * SECOND_US)

/* One failure may be chance. */
#define TELL_AFTER 3

void
ha_lane_start(HaLane *lane, HaUs gap_us, HaUs hold_us, uint64_t seed, HaUs now_us)
{
	assert(gap_us > 0 && hold_us >= 0);
	memset(lane, 0, sizeof(*lane));
	lane->gap_us = gap_us;
	lane->spaced_us = HA_MUTANT(LANE_STARTS_AT_ONCE) ? now_us - gap_us : now_us;
	lane->hold_us = hold_us;
	ha_prng_seed(&lane->prng, seed);
	lane->events_last = ha_prng_below(&lane->prng, 2) == 1;
}

HaUs
ha_lane_next_us(const HaLane *lane)
{
	HaUs spaced_us = lane->spaced_us + lane->gap_us;

	return spaced_us > lane->pause_us ? spaced_us : lane->pause_us;
}

HaUs
ha_lane_wait_us(const HaLane *lane, HaUs now_us)
{
	HaUs next_us = ha_lane_next_us(lane);

	return next_us > now_us ? next_us - now_us : 0;
}

HaUs
ha_lane_claim_wait_us(HaUs next_us, HaUs now_us)
{
	HaUs claim_us = next_us - (HA_MUTANT(CLAIMED_WHEN_FREE) ? 0 : AHEAD_US);

	return claim_us > now_us ? claim_us - now_us : 0;
}

HaLaneLoad
ha_lane_choose(HaLane *lane, bool events, bool alerts)
{
	bool again = lane->plain && (lane->events_last ? events : alerts);

	if (!events && !alerts)
		return HA_LANE_NOTHING;
	if (!again)
		lane->events_last = events && !(alerts && lane->events_last && !HA_MUTANT(EVENTS_FIRST));
	return lane->events_last ? HA_LANE_EVENTS : HA_LANE_ALERTS;
}

void
ha_lane_sent(HaLane *lane, HaUs now_us)
{
	lane->under_way = true;
	ha_lane_keep_distance(lane, now_us);
}

void
ha_lane_set_gap(HaLane *lane, HaUs gap_us)
{
	assert(gap_us > 0);
	if (HA_MUTANT(LONG_GAP_STAYS) && lane->spaced_us + lane->gap_us > lane->pause_us)
		lane->pause_us = lane->spaced_us + lane->gap_us;
	lane->gap_us = gap_us;
}

void
ha_lane_keep_distance(HaLane *lane, HaUs now_us)
{
	lane->spaced_us = now_us;
}

void
ha_lane_changed(HaLane *lane)
{
	if (lane->state == HA_LANE_HELD)
		return;
	lane->failures = 0;
	lane->pause_us = 0;
}

/* Doubles with each failure in a row, between first and most, and spreads by half around it. */
static HaUs
back_off(HaLane *lane, int64_t first_s, int64_t most_s)
{
	int64_t base_s = first_s;

	for (uint32_t i = 1; i < lane->failures && base_s < most_s; i++)
		base_s *= 2;
	if (base_s > most_s)
		base_s = most_s;
	return base_s * SECOND_US / 2 + (HaUs) ha_prng_below(&lane->prng, (uint32_t) (base_s * SECOND_US));
}

static HaUs
pause_after(HaLane *lane, HaVerdict verdict, int64_t retry_after_s)
{
	HaUs asked_us = (retry_after_s < ASKED_MAX_S ? retry_after_s : ASKED_MAX_S) * SECOND_US;
	HaUs us = 0;

	if (HA_MUTANT(HOLD_IGNORED) && verdict == HA_VERDICT_THROTTLE)
		return us;
	if (verdict == HA_VERDICT_RETRY)
		us = back_off(lane, RETRY_FIRST_S, RETRY_MAX_S);
	else if (verdict == HA_VERDICT_THROTTLE)
		us = lane->hold_us > 0 ? lane->hold_us : back_off(lane, THROTTLE_FIRST_S, RETRY_MAX_S);
	else if (verdict == HA_VERDICT_BROKEN)
		us = back_off(lane, BROKEN_FIRST_S, BROKEN_MAX_S);
	return us > asked_us ? us : asked_us;
}

static HaLaneState
state_after(HaVerdict verdict)
{
	switch (verdict)
	{
		case HA_VERDICT_THROTTLE:
			return HA_LANE_HELD;
		case HA_VERDICT_BROKEN:
			return HA_LANE_BROKEN;
		default:
			return HA_LANE_FAILING;
	}
}

bool
ha_lane_result(HaLane *lane, HaVerdict verdict, int64_t retry_after_s, HaUs now_us)
{
	bool tell = false;
	HaUs pause_us;

	assert(retry_after_s >= 0);
	lane->under_way = false;
	if (verdict == HA_VERDICT_PLAIN && lane->plain)
		verdict = HA_VERDICT_BROKEN;
	lane->plain = verdict == HA_VERDICT_PLAIN;
	if (verdict == HA_VERDICT_DELIVERED)
	{
		tell = lane->told;
		lane->told = false;
		if (lane->state != HA_LANE_HELD)
			lane->pause_us = 0;	/* what it waited for is over */
		lane->failures = 0;
		lane->failing_since_us = 0;
		lane->state = HA_LANE_WORKING;
	}
	else if (verdict != HA_VERDICT_PLAIN)
	{
		lane->failures++;
		if (lane->failing_since_us == 0)
			lane->failing_since_us = now_us > 0 ? now_us : 1;
		lane->state = state_after(verdict);
		tell = !lane->told && (verdict == HA_VERDICT_BROKEN || lane->failures >= TELL_AFTER);
		lane->told |= tell;
	}
	ha_lane_keep_distance(lane, now_us);
	pause_us = pause_after(lane, verdict, retry_after_s);
	if (pause_us > 0 && now_us + pause_us > lane->pause_us)
		lane->pause_us = now_us + pause_us;
	return tell;
}

bool
ha_lane_gave_up(const HaLane *lane, HaUs fallback_us, HaUs now_us)
{
	bool rests = lane->under_way || ha_lane_next_us(lane) > now_us || HA_MUTANT(GAVE_UP_FOR_GOOD);

	return lane->failing_since_us != 0 && now_us - lane->failing_since_us >= fallback_us && rests;
}

const char *
ha_lane_state_name(HaLaneState state)
{
	static const char *const name[] = {
		[HA_LANE_WORKING] = "working",[HA_LANE_FAILING] = "failing",[HA_LANE_HELD] = "held",
		[HA_LANE_BROKEN] = "broken",
	};

	return name[state];
}
