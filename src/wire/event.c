/*
 * event.c: see event.h.
 */
#include "wire/event.h"

static_assert(HA_EVENTS_PER_FRAME * (4 + 8 + 8 + 8 + 8 + 4 + 1 + 4 + 8 + 8 + 2 + HA_EVENT_TEXT_SIZE) < 60000,
			  "a batch fits into a frame");

/* What the members' names for kinds beyond the core's are. */
static const char *const other_name[] = {"hook", "alert", "server", "peer", "readiness"};

static int
compare_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int
ha_event_compare(const HaEventKey *a, const HaEventKey *b)
{
	if (a->wall_us != b->wall_us)
		return a->wall_us < b->wall_us ? -1 : 1;
	if (a->origin != b->origin)
		return compare_number(a->origin, b->origin);
	if (a->run != b->run)
		return compare_number(a->run, b->run);
	return compare_number(a->number, b->number);
}

const char *
ha_event_name(uint32_t kind)
{
	if (kind < HA_NOTE_COUNT)
		return ha_note_name((HaNoteKind) kind);
	if (kind >= HA_EVENT_KIND_OTHER && kind - HA_EVENT_KIND_OTHER < sizeof(other_name) / sizeof(other_name[0]))
		return other_name[kind - HA_EVENT_KIND_OTHER];
	return "event";
}

static bool
printable(char c)
{
	return c >= ' ' && c <= '~';
}

void
ha_event_set_text(HaEventRecord *record, const char *text)
{
	size_t i = 0;

	memset(record->text, 0, sizeof(record->text));
	for (; text[i] != '\0' && i < sizeof(record->text) - 1; i++)
		record->text[i] = printable(text[i]) ? text[i] : '?';
}

static bool
text_valid(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (!printable(*text))
			return false;
	}
	return true;
}

static bool
key_valid(const HaEventKey *key)
{
	return key->origin >= 1 && key->origin <= HA_ID_MAX && key->number > 0 && key->wall_us >= 0;
}

static void
put_key(HaWriter *writer, const HaEventKey *key)
{
	writer->bad |= !key_valid(key);
	ha_put_id(writer, key->origin);
	ha_put_u64(writer, key->run);
	ha_put_u64(writer, key->number);
	ha_put_i64(writer, key->wall_us);
}

static void
get_key(HaReader *reader, HaEventKey *key)
{
	key->origin = ha_get_id(reader);
	key->run = ha_get_u64(reader);
	key->number = ha_get_u64(reader);
	key->wall_us = ha_get_i64(reader);
	reader->bad |= !key_valid(key);
}

void
ha_put_event(HaWriter *writer, const HaEventRecord *record)
{
	writer->bad |= record->kind > HA_EVENT_KIND_MAX || (uint32_t) record->severity > HA_SEVERITY_CRITICAL ||
		memchr(record->text, '\0', sizeof(record->text)) == NULL || !text_valid(record->text);
	if (writer->bad)
		return;
	put_key(writer, &record->key);
	ha_put_term(writer, record->term);
	ha_put_u32(writer, record->kind);
	ha_put_u8(writer, (uint8_t) record->severity);
	ha_put_id(writer, record->member);
	ha_put_u64(writer, record->lsn);
	ha_put_i64(writer, record->value);
	ha_put_text(writer, record->text, sizeof(record->text));
}

void
ha_get_event(HaReader *reader, HaEventRecord *record)
{
	memset(record, 0, sizeof(*record));
	get_key(reader, &record->key);
	record->term = ha_get_term(reader);
	record->kind = ha_get_u32_max(reader, HA_EVENT_KIND_MAX);
	record->severity = (HaSeverity) ha_get_u8(reader);
	record->member = ha_get_id(reader);
	record->lsn = ha_get_u64(reader);
	record->value = ha_get_i64(reader);
	ha_get_text(reader, record->text, sizeof(record->text));
	reader->bad |= (uint32_t) record->severity > HA_SEVERITY_CRITICAL || !text_valid(record->text);
	if (reader->bad)
		memset(record, 0, sizeof(*record));
}

void
ha_put_event_batch(HaWriter *writer, const HaEventBatch *batch)
{
	writer->bad |= batch->count > HA_EVENTS_PER_FRAME;
	ha_put_bool(writer, batch->more);
	ha_put_u32(writer, batch->count);
	for (uint32_t i = 0; !writer->bad && i < batch->count; i++)
		ha_put_event(writer, &batch->record[i]);
}

void
ha_get_event_batch(HaReader *reader, HaEventBatch *batch)
{
	batch->more = ha_get_bool(reader);
	batch->count = ha_get_u32_max(reader, HA_EVENTS_PER_FRAME);
	for (uint32_t i = 0; i < batch->count; i++)
		ha_get_event(reader, &batch->record[i]);
	if (reader->bad)
		batch->count = 0;
}

void
ha_put_event_keys(HaWriter *writer, const HaEventKeys *keys)
{
	writer->bad |= keys->count > HA_EVENTS_KEPT;
	ha_put_u32(writer, keys->count);
	for (uint32_t i = 0; !writer->bad && i < keys->count; i++)
	{
		writer->bad |= i > 0 && ha_event_compare(&keys->key[i - 1], &keys->key[i]) >= 0;
		put_key(writer, &keys->key[i]);
	}
}

void
ha_get_event_keys(HaReader *reader, HaEventKeys *keys)
{
	keys->count = ha_get_u32_max(reader, HA_EVENTS_KEPT);
	for (uint32_t i = 0; i < keys->count; i++)
	{
		get_key(reader, &keys->key[i]);
		reader->bad |= i > 0 && ha_event_compare(&keys->key[i - 1], &keys->key[i]) >= 0;
	}
	if (reader->bad)
		keys->count = 0;
}
