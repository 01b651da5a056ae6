/*
 * outbox.c: see outbox.h.
 */
#include <assert.h>
#include <string.h>

#include "ops/outbox.h"

#define SECOND_US (INT64_C(1000) * 1000)
#define RETRY_MAX_S 60
#define BROKEN_FIRST_S 15
#define BROKEN_MAX_S 300
#define THROTTLE_FIRST_S 5

void
ha_outbox_start(HaOutbox *outbox, uint64_t seed)
{
	memset(outbox, 0, sizeof(*outbox));
	ha_prng_seed(&outbox->prng, seed);
}

/* ---- Who speaks, and when ---- */

static bool
is_done(const HaOutbox *outbox, const HaEventKey *key)
{
	uint32_t kept = outbox->done_count < HA_OUTBOX_DONE_MAX ? outbox->done_count : HA_OUTBOX_DONE_MAX;

	for (uint32_t i = 0; i < kept; i++)
		if (ha_event_compare(&outbox->done[i], key) == 0)
			return true;
	return false;
}

/* This member's place in the order of those who speak when the leader does not; the event's origin comes first. */
static uint32_t
rank_of(const HaStatus *status, HaId origin)
{
	uint32_t rank = 1;

	if (status->id == origin)
		return 0;
	if (!status->has_register)
		return rank;
	for (HaSet s = ha_register_data(&status->reg); s != 0; s &= s - 1)
		rank += ha_set_first(s) < status->id && ha_set_first(s) != origin;
	return rank;
}

/* How long this member waits with an event of this origin, beyond what its kind asks for. */
static HaUs
patience(const HaStatus *status, HaId origin)
{
	bool leads = ha_role_leads(status->role);
	HaUs us = rank_of(status, origin) * HA_OUTBOX_RANK_US;

	if (leads && status->gate.open && status->lease_left_us > 0)
		return 0;
	if (!leads && status->leader != 0 && status->promise_left_us > 0)
		us += HA_OUTBOX_STEP_IN_US;
	return us;
}

/* Microseconds from now until this member may post the alert; 0 = now. */
static HaUs
time_to_wait(const HaAlert *alert, const HaStatus *status, int64_t wall_us)
{
	int64_t stood_us = wall_us - alert->event->key.wall_us;
	int64_t wanted_us = ha_alert_from_us(alert) - alert->event->key.wall_us;

	/* Clocks of two members differ: an event of the future is one of this moment. */
	if (stood_us < 0)
		stood_us = 0;
	wanted_us += patience(status, alert->event->key.origin);
	return wanted_us > stood_us ? wanted_us - stood_us : 0;
}

bool
ha_outbox_next(const HaOutbox *outbox, HaEventLog log, const HaStatus *status, int64_t wall_us,
			   HaUs mono_us, HaAlert *alert, HaUs *wait_us)
{
	bool found = false;

	*wait_us = HA_US_NEVER;
	if (status->role == HA_ROLE_HELD)
		return false;
	for (uint32_t i = 0; i < log.count; i++)
	{
		HaAlert next;
		HaUs wait;

		if (log.record[i].key.wall_us < wall_us - HA_ALERT_AGE_MAX_US || is_done(outbox, &log.record[i].key) ||
			!ha_alert_of(log, i, &next) || ha_alert_marked(log, i))
			continue;
		wait = time_to_wait(&next, status, wall_us);
		if (wait == 0 && (!found || next.severity > alert->severity))
		{
			*alert = next;
			found = true;
		}
		if (wait > 0 && wait < *wait_us)
			*wait_us = wait;
	}
	if (found && mono_us < outbox->not_before_us)
	{
		*wait_us = outbox->not_before_us - mono_us;
		return false;
	}
	return found;
}

/* ---- What the receiver said ---- */

/* Doubles with each failure in a row, between first and most, and spreads by half around it. */
static HaUs
back_off(HaOutbox *outbox, int64_t first_s, int64_t most_s)
{
	int64_t base_s = first_s;

	for (uint32_t i = 1; i < outbox->failures && base_s < most_s; i++)
		base_s *= 2;
	if (base_s > most_s)
		base_s = most_s;
	return base_s * SECOND_US / 2 + (HaUs) ha_prng_below(&outbox->prng, (uint32_t) (base_s * SECOND_US));
}

static HaUs
pause_after(HaOutbox *outbox, HaVerdict verdict, int64_t retry_after_s)
{
	HaUs asked_us = (retry_after_s < BROKEN_MAX_S ? retry_after_s : BROKEN_MAX_S) * SECOND_US;
	HaUs us = HA_OUTBOX_GAP_US;

	if (verdict == HA_VERDICT_RETRY)
		us = back_off(outbox, 1, RETRY_MAX_S);
	else if (verdict == HA_VERDICT_THROTTLE)
		us = back_off(outbox, THROTTLE_FIRST_S, RETRY_MAX_S);
	else if (verdict == HA_VERDICT_BROKEN)
		us = back_off(outbox, BROKEN_FIRST_S, BROKEN_MAX_S);
	if (us < HA_OUTBOX_GAP_US)
		us = HA_OUTBOX_GAP_US;
	return us > asked_us ? us : asked_us;
}

bool
ha_outbox_result(HaOutbox *outbox, const HaEventKey *event, HaVerdict verdict, int64_t retry_after_s, HaUs mono_us)
{
	bool tell;

	assert(retry_after_s >= 0);
	if (verdict == HA_VERDICT_PLAIN && outbox->plain)
		verdict = HA_VERDICT_BROKEN;
	outbox->plain = verdict == HA_VERDICT_PLAIN;
	if (verdict == HA_VERDICT_DELIVERED)
	{
		outbox->done[outbox->done_count++ % HA_OUTBOX_DONE_MAX] = *event;
		outbox->failures = 0;
		tell = outbox->failing;
		outbox->failing = false;
	}
	else if (verdict == HA_VERDICT_PLAIN)
		tell = false;
	else
	{
		/* One failure may be chance; a broken channel is told at once. */
		outbox->failures++;
		tell = !outbox->failing && (verdict == HA_VERDICT_BROKEN || outbox->failures >= 3);
		outbox->failing |= tell;
	}
	outbox->not_before_us = mono_us + pause_after(outbox, verdict, retry_after_s);
	return tell;
}
