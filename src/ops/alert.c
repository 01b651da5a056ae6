/*
 * alert.c: see alert.h.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/alert.h"

static const struct
{
	const char *name;
	int64_t hold_us;
	bool mended;
} alerts[HA_ALERT_COUNT] = {
#define HA_ALERT_ROW(kind, name, hold_ms, mended) {name, INT64_C(1000) * hold_ms, mended},
	HA_ALERT_LIST(HA_ALERT_ROW)
#undef HA_ALERT_ROW
};

/* Events that make an alert of their own, whatever else happened. */
static const struct
{
	uint32_t event;
	HaAlertKind alert;
} plain[] = {
	{HA_NOTE_PAUSED, HA_ALERT_PAUSED},
	{HA_NOTE_RESUMED, HA_ALERT_RESUMED},
	{HA_NOTE_MUST_CLONE, HA_ALERT_MUST_CLONE},
	{HA_NOTE_ROGUE, HA_ALERT_ROGUE},
	{HA_NOTE_FORCED, HA_ALERT_FORCED},
};

const char *
ha_alert_name(HaAlertKind kind)
{
	assert((unsigned) kind < HA_ALERT_COUNT);
	return alerts[kind].name;
}

int64_t
ha_alert_from_us(const HaAlert *alert)
{
	return alert->event->key.wall_us + alerts[alert->kind].hold_us;
}

static bool
same_event(const HaEventKey *a, const HaEventKey *b)
{
	return a->origin == b->origin && a->run == b->run && a->number == b->number;
}

/* Of one member: true when b happened there after a. */
static bool
later(const HaEventKey *a, const HaEventKey *b)
{
	return a->origin == b->origin && (b->run != a->run ? b->run > a->run : b->number > a->number);
}

/* ---- Marks ---- */

void
ha_alert_mark_text(const HaAlert *alert, const char *channel, char text[HA_EVENT_TEXT_SIZE])
{
	const HaEventKey *key = &alert->event->key;

	snprintf(text, HA_EVENT_TEXT_SIZE, "posted to %s: %s, event %" PRIu32 "/%" PRIu64 "/%" PRIu64, channel,
			 ha_alert_name(alert->kind), key->origin, key->run, key->number);
}

/* Reads digits and the character after them. */
static bool
read_number(const char **from, char closing, uint64_t *number)
{
	int digits = 0;

	for (*number = 0; **from >= '0' && **from <= '9' && digits < 19; digits++)
		*number = *number * 10 + (uint64_t) (*(*from)++ - '0');
	return digits > 0 && *(*from)++ == closing;
}

bool
ha_alert_mark_key(const HaEventRecord *record, const char *channel, HaEventKey *key)
{
	static const char head[] = "posted to ";
	static const char middle[] = ", event ";
	const char *from;
	uint64_t origin;

	memset(key, 0, sizeof(*key));
	if (record->kind != HA_EVENT_KIND_ALERT || record->severity != HA_SEVERITY_INFO ||
		strncmp(record->text, head, sizeof(head) - 1) != 0)
		return false;
	from = record->text + sizeof(head) - 1;
	if (channel != NULL && (strncmp(from, channel, strlen(channel)) != 0 || from[strlen(channel)] != ':'))
		return false;
	from = strstr(from, middle);
	if (from == NULL)
		return false;
	from += sizeof(middle) - 1;
	if (!read_number(&from, '/', &origin) || origin == 0 || origin > HA_ID_MAX || !read_number(&from, '/', &key->run) ||
		!read_number(&from, '\0', &key->number))
		return false;
	key->origin = (HaId) origin;
	return true;
}

/* Two members that miss the same leader say the same. */
static bool
same_story(const HaEventRecord *a, const HaEventRecord *b)
{
	return same_event(&a->key, &b->key) ||
		(a->kind == HA_NOTE_LEADER_LOST && b->kind == HA_NOTE_LEADER_LOST && a->term == b->term);
}

bool
ha_alert_marked(HaEventLog log, uint32_t index)
{
	for (uint32_t i = 0; i < log.count; i++)
	{
		HaEventKey key;

		if (!ha_alert_mark_key(&log.record[i], log.channel, &key))
			continue;
		for (uint32_t j = 0; j < log.count; j++)
			if (same_event(&log.record[j].key, &key) && same_story(&log.record[j], &log.record[index]))
				return true;
	}
	return false;
}

/* ---- What became of it ---- */

/* True when a leader opened in a later term than that of the record. */
static bool
opened_after(HaEventLog log, const HaEventRecord *record)
{
	for (uint32_t i = 0; i < log.count; i++)
		if (log.record[i].kind == HA_NOTE_OPENED && log.record[i].term > record->term)
			return true;
	return false;
}

/* True when the same member said `kind` later. */
static bool
said_after(HaEventLog log, const HaEventRecord *record, uint32_t kind)
{
	for (uint32_t i = 0; i < log.count; i++)
		if (log.record[i].kind == kind && later(&record->key, &log.record[i].key))
			return true;
	return false;
}

/* The index of the last event of this kind that the record's member said before it; log.count = none. */
static uint32_t
said_before(HaEventLog log, const HaEventRecord *record, uint32_t kind)
{
	uint32_t last = log.count;

	for (uint32_t i = 0; i < log.count; i++)
		if (log.record[i].kind == kind && later(&log.record[i].key, &record->key) &&
			(last == log.count || later(&log.record[last].key, &log.record[i].key)))
			last = i;
	return last;
}

bool
ha_alert_came_back(HaEventLog log, uint32_t index)
{
	static const uint32_t fell[] = {
		HA_NOTE_DEPOSED, HA_NOTE_DIVERGED, HA_NOTE_RESTART, HA_NOTE_MUST_CLONE, HA_NOTE_ROGUE
	};
	const HaEventRecord *record = &log.record[index];
	uint32_t joined = said_before(log, record, HA_NOTE_JOINED);
	uint32_t opened = said_before(log, record, HA_NOTE_OPENED);
	uint32_t before = joined;

	if (record->kind != HA_NOTE_JOINED)
		return false;
	if (opened != log.count && (before == log.count || later(&log.record[before].key, &log.record[opened].key)))
		before = opened;
	if (before != log.count && (before == opened || log.record[before].key.run != record->key.run))
		return true;
	for (size_t i = 0; i < sizeof(fell) / sizeof(fell[0]); i++)
	{
		uint32_t at = said_before(log, record, fell[i]);

		if (at != log.count && (before == log.count || later(&log.record[before].key, &log.record[at].key)))
			return true;
	}
	return false;
}

/* ---- The alerts ---- */

/* The last opening before the record's: in a lower term, or in the same one by the same member; NULL = unknown. */
static const HaEventRecord *
opened_before(HaEventLog log, const HaEventRecord *record)
{
	const HaEventRecord *last = NULL;

	for (uint32_t i = 0; i < log.count; i++)
	{
		const HaEventRecord *other = &log.record[i];

		if (other->kind == HA_NOTE_OPENED && (other->term < record->term || later(&other->key, &record->key)) &&
			(last == NULL || other->term >= last->term))
			last = other;
	}
	return last;
}

/* True when the leader of `term` handed over to the member, as it was asked to. */
static bool
handed_over(HaEventLog log, HaTerm term, HaId member)
{
	for (uint32_t i = 0; i < log.count; i++)
		if (log.record[i].kind == HA_NOTE_HANDING_OVER && log.record[i].term == term &&
			log.record[i].member == member && !said_after(log, &log.record[i], HA_NOTE_HAND_OVER_ABORTED))
			return true;
	return false;
}

static HaAlertKind
kind_of_opened(HaEventLog log, HaAlert *alert)
{
	const HaEventRecord *before = opened_before(log, alert->event);

	alert->previous = before != NULL ? before->key.origin : 0;
	if (before == NULL || before->key.origin == alert->event->key.origin)
		return HA_ALERT_FIRST_LEADER;
	alert->severity = HA_SEVERITY_WARNING;
	if (!handed_over(log, before->term, alert->event->key.origin))
		return HA_ALERT_FAILOVER;
	alert->severity = HA_SEVERITY_INFO;
	return HA_ALERT_SWITCHOVER;
}

/* The kind of alert that a record makes by what the log holds, HA_ALERT_COUNT = none. */
static HaAlertKind
kind_of(HaEventLog log, uint32_t index, HaAlert *alert)
{
	const HaEventRecord *record = alert->event;
	uint32_t before;

	switch (record->kind)
	{
		case HA_NOTE_OPENED:
			return kind_of_opened(log, alert);
		case HA_NOTE_FENCED:
			if (said_after(log, record, HA_NOTE_UNFENCED) || said_after(log, record, HA_NOTE_OPENED) ||
				opened_after(log, record))
				return HA_ALERT_COUNT;
			return HA_ALERT_FENCED;
		case HA_NOTE_UNFENCED:
			before = said_before(log, record, HA_NOTE_FENCED);
			return before != log.count && ha_alert_marked(log, before) ? HA_ALERT_UNFENCED : HA_ALERT_COUNT;
		case HA_NOTE_LEADER_LOST:
			alert->severity = HA_SEVERITY_CRITICAL;
			if (said_after(log, record, HA_NOTE_LEADER_FOUND) || opened_after(log, record))
				return HA_ALERT_COUNT;
			return HA_ALERT_NO_LEADER;
		case HA_NOTE_JOINED:
			return ha_alert_came_back(log, index) ? HA_ALERT_REJOINED : HA_ALERT_COUNT;
		case HA_EVENT_KIND_READINESS:
			return record->severity == HA_SEVERITY_INFO ? HA_ALERT_READY : HA_ALERT_UNREADY;
		case HA_EVENT_KIND_HOOK:
			return record->severity == HA_SEVERITY_INFO ? HA_ALERT_COUNT : HA_ALERT_HOOK_FAILED;
	}
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (plain[i].event == record->kind)
			return plain[i].alert;

	/* A copy that nobody adopted stays silent: it may be a restored backup or a test. */
	if (record->kind < HA_EVENT_KIND_OTHER && record->kind != HA_NOTE_NOT_ADOPTED &&
		record->severity == HA_SEVERITY_CRITICAL)
		return HA_ALERT_TROUBLE;
	return HA_ALERT_COUNT;
}

bool
ha_alert_of(HaEventLog log, uint32_t index, HaAlert *alert)
{
	assert(index < log.count);
	memset(alert, 0, sizeof(*alert));
	alert->event = &log.record[index];
	alert->severity = alert->event->severity;
	alert->kind = kind_of(log, index, alert);
	if (alert->kind == HA_ALERT_COUNT)
		return false;
	alert->mended = alerts[alert->kind].mended;
	return true;
}
