/*
 * outbox.c: see outbox.h.
 */
#include <string.h>

#include "ops/outbox.h"

void
ha_outbox_start(HaOutbox *outbox)
{
	memset(outbox, 0, sizeof(*outbox));
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

/* True when another member leads, as far as this one knows. */
static bool
is_led(const HaStatus *status)
{
	return !ha_role_leads(status->role) && status->leader != 0 && status->promise_left_us > 0;
}

/* How long this member waits with an event of this origin, beyond what its kind asks for. */
static HaUs
patience(const HaStatus *status, HaId origin)
{
	HaUs us = rank_of(status, origin) * HA_OUTBOX_RANK_US;

	if (ha_role_leads(status->role) && status->gate.open && status->lease_left_us > 0)
		return 0;
	return is_led(status) ? us + HA_OUTBOX_STEP_IN_US : us;
}

/* When the leader's last message to the channel was taken, wall time; 0 = none is known. */
static int64_t
leader_spoke_us(HaEventLog log, const HaStatus *status)
{
	int64_t last_us = 0;

	for (uint32_t i = 0; i < log.count; i++)
	{
		HaEventKey key;

		if (log.record[i].key.origin == status->leader && log.record[i].key.wall_us > last_us &&
			ha_alert_mark_key(&log.record[i], log.channel, &key))
			last_us = log.record[i].key.wall_us;
	}
	return last_us;
}

/*
 * Microseconds from now until this member may post the alert; 0 = now. A leader that posts, and only has much to say,
 * is not helped: two together would be too much for the receiver.
 */
static HaUs
time_to_wait(const HaAlert *alert, const HaStatus *status, int64_t spoke_us, int64_t wall_us)
{
	int64_t stood_us = wall_us - alert->event->key.wall_us;
	int64_t wanted_us = ha_alert_from_us(alert) - alert->event->key.wall_us;

	/* Clocks of two members differ: an event of the future is one of this moment. */
	if (stood_us < 0)
		stood_us = 0;
	wanted_us += patience(status, alert->event->key.origin);
	if (is_led(status) && spoke_us > alert->event->key.wall_us)
		wanted_us += spoke_us - alert->event->key.wall_us;
	return wanted_us > stood_us ? wanted_us - stood_us : 0;
}

/* Good news are for those who get warnings, too: they heard of the bad ones. */
static bool
below(const HaAlert *alert, HaSeverity least)
{
	return alert->severity < least && !(alert->mended && least < HA_SEVERITY_CRITICAL);
}

bool
ha_outbox_next(const HaOutbox *outbox, HaEventLog log, HaSeverity least, const HaStatus *status, int64_t wall_us,
			   HaAlert *alert, HaUs *wait_us)
{
	int64_t spoke_us = leader_spoke_us(log, status);
	bool found = false;

	*wait_us = HA_US_NEVER;
	if (status->role == HA_ROLE_HELD)
		return false;
	for (uint32_t i = 0; i < log.count; i++)
	{
		HaAlert next;
		HaUs wait;

		if (log.record[i].key.wall_us < wall_us - HA_ALERT_AGE_MAX_US || is_done(outbox, &log.record[i].key) ||
			!ha_alert_of(log, i, &next) || below(&next, least) || ha_alert_marked(log, i))
			continue;
		wait = time_to_wait(&next, status, spoke_us, wall_us);
		if (wait == 0 && (!found || next.severity > alert->severity))
		{
			*alert = next;
			found = true;
		}
		if (wait > 0 && wait < *wait_us)
			*wait_us = wait;
	}
	return found;
}

void
ha_outbox_done(HaOutbox *outbox, const HaEventKey *event)
{
	outbox->done[outbox->done_count++ % HA_OUTBOX_DONE_MAX] = *event;
}
