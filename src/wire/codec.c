/*
 * codec.c: see codec.h.
 *
 * Two functions touch the buffer, take_room() and take_bytes(); all bounds are checked there.
 */
#include "wire/codec.h"

/* ---- Numbers and bytes ---- */

/* Room for `count` more bytes, NULL (and bad) when there is none. */
static uint8_t *
take_room(HaWriter *writer, size_t count)
{
	uint8_t *room;

	assert(writer->used <= writer->size);
	if (writer->bad || count > writer->size - writer->used)
	{
		writer->bad = true;
		return NULL;
	}
	room = writer->data + writer->used;
	writer->used += count;
	return room;
}

/* The next `count` bytes, NULL (and bad) when there are fewer. */
static const uint8_t *
take_bytes(HaReader *reader, size_t count)
{
	const uint8_t *bytes;

	assert(reader->used <= reader->size);
	if (reader->bad || count > reader->size - reader->used)
	{
		reader->bad = true;
		return NULL;
	}
	bytes = reader->data + reader->used;
	reader->used += count;
	return bytes;
}

static void
put_number(HaWriter *writer, uint64_t value, size_t width)
{
	uint8_t *room = take_room(writer, width);

	for (size_t i = 0; room != NULL && i < width; i++)
		room[i] = (uint8_t) (value >> (8 * i));
}

static uint64_t
get_number(HaReader *reader, size_t width)
{
	const uint8_t *bytes = take_bytes(reader, width);
	uint64_t value = 0;

	for (size_t i = 0; bytes != NULL && i < width; i++)
		value |= (uint64_t) bytes[i] << (8 * i);
	return value;
}

void
ha_put_u8(HaWriter *writer, uint8_t value)
{
	put_number(writer, value, 1);
}

void
ha_put_u16(HaWriter *writer, uint16_t value)
{
	put_number(writer, value, 2);
}

void
ha_put_u32(HaWriter *writer, uint32_t value)
{
	put_number(writer, value, 4);
}

void
ha_put_u64(HaWriter *writer, uint64_t value)
{
	put_number(writer, value, 8);
}

void
ha_put_i64(HaWriter *writer, int64_t value)
{
	put_number(writer, (uint64_t) value, 8);
}

void
ha_put_bool(HaWriter *writer, bool value)
{
	put_number(writer, value ? 1 : 0, 1);
}

void
ha_put_bytes(HaWriter *writer, const void *bytes, size_t count)
{
	uint8_t *room = take_room(writer, count);

	if (room != NULL && count > 0)
		memcpy(room, bytes, count);
}

uint8_t
ha_get_u8(HaReader *reader)
{
	return (uint8_t) get_number(reader, 1);
}

uint16_t
ha_get_u16(HaReader *reader)
{
	return (uint16_t) get_number(reader, 2);
}

uint32_t
ha_get_u32(HaReader *reader)
{
	return (uint32_t) get_number(reader, 4);
}

uint64_t
ha_get_u64(HaReader *reader)
{
	return get_number(reader, 8);
}

int64_t
ha_get_i64(HaReader *reader)
{
	uint64_t value = get_number(reader, 8);

	/* The two's complement, without a conversion that C leaves to the compiler. */
	return value <= INT64_MAX ? (int64_t) value : -(int64_t) ~value - 1;
}

bool
ha_get_bool(HaReader *reader)
{
	uint8_t value = ha_get_u8(reader);

	reader->bad |= value > 1;
	return value == 1;
}

void
ha_get_bytes(HaReader *reader, void *bytes, size_t count)
{
	const uint8_t *from = take_bytes(reader, count);

	if (count == 0)
		return;
	if (from == NULL)
		memset(bytes, 0, count);
	else
		memcpy(bytes, from, count);
}

uint32_t
ha_get_u32_max(HaReader *reader, uint32_t max)
{
	uint32_t value = ha_get_u32(reader);

	if (value <= max)
		return value;
	reader->bad = true;
	return 0;
}

void
ha_put_text(HaWriter *writer, const char *text, size_t size)
{
	const char *end = memchr(text, '\0', size);

	assert(size >= 1 && size <= 65536);
	if (end == NULL)
	{
		writer->bad = true;
		return;
	}
	ha_put_u16(writer, (uint16_t) (end - text));
	ha_put_bytes(writer, text, (size_t) (end - text));
}

void
ha_get_text(HaReader *reader, char *text, size_t size)
{
	size_t length = ha_get_u16(reader);

	assert(size >= 1 && size <= 65536);
	memset(text, 0, size);
	if (length >= size)
	{
		reader->bad = true;
		return;
	}
	ha_get_bytes(reader, text, length);
	if (memchr(text, '\0', length) != NULL)
	{
		reader->bad = true;
		memset(text, 0, size);
	}
}

/* ---- The core's types ---- */

void
ha_put_id(HaWriter *writer, HaId id)
{
	writer->bad |= id > HA_ID_MAX;
	ha_put_u32(writer, id);
}

HaId
ha_get_id(HaReader *reader)
{
	return ha_get_u32_max(reader, HA_ID_MAX);
}

void
ha_put_term(HaWriter *writer, HaTerm term)
{
	writer->bad |= term >= HA_TERM_MAX;
	ha_put_u64(writer, term);
}

HaTerm
ha_get_term(HaReader *reader)
{
	HaTerm term = ha_get_u64(reader);

	if (term < HA_TERM_MAX)
		return term;
	reader->bad = true;
	return 0;
}

void
ha_put_uuid(HaWriter *writer, const HaUuid *uuid)
{
	ha_put_bytes(writer, uuid->byte, sizeof(uuid->byte));
}

HaUuid
ha_get_uuid(HaReader *reader)
{
	HaUuid uuid = {{0}};

	ha_get_bytes(reader, uuid.byte, sizeof(uuid.byte));
	return uuid;
}

void
ha_put_version(HaWriter *writer, HaVersion version)
{
	ha_put_term(writer, version.term);
	ha_put_u64(writer, version.number);
}

HaVersion
ha_get_version(HaReader *reader)
{
	HaVersion version;

	version.term = ha_get_term(reader);
	version.number = ha_get_u64(reader);
	return version;
}

void
ha_put_position(HaWriter *writer, HaPosition position)
{
	ha_put_term(writer, position.wal_term);
	ha_put_u64(writer, position.lsn);
}

HaPosition
ha_get_position(HaReader *reader)
{
	HaPosition position;

	position.wal_term = ha_get_term(reader);
	position.lsn = ha_get_u64(reader);
	return position;
}

void
ha_put_member(HaWriter *writer, const HaMember *member)
{
	ha_put_id(writer, member->id);
	ha_put_uuid(writer, &member->incarnation);
	ha_put_u32(writer, member->flags);
	ha_put_u32(writer, member->priority);
	ha_put_text(writer, member->name, sizeof(member->name));
	ha_put_text(writer, member->peer_host, sizeof(member->peer_host));
	ha_put_text(writer, member->sql_host, sizeof(member->sql_host));
	ha_put_u16(writer, member->peer_port);
	ha_put_u16(writer, member->sql_port);
}

void
ha_get_member(HaReader *reader, HaMember *member)
{
	memset(member, 0, sizeof(*member));
	member->id = ha_get_id(reader);
	member->incarnation = ha_get_uuid(reader);
	member->flags = ha_get_u32(reader);
	member->priority = ha_get_u32(reader);
	ha_get_text(reader, member->name, sizeof(member->name));
	ha_get_text(reader, member->peer_host, sizeof(member->peer_host));
	ha_get_text(reader, member->sql_host, sizeof(member->sql_host));
	member->peer_port = ha_get_u16(reader);
	member->sql_port = ha_get_u16(reader);
}

void
ha_put_chain(HaWriter *writer, const HaChain *chain)
{
	if (!ha_chain_valid(chain))
	{
		writer->bad = true;
		return;
	}
	ha_put_u32(writer, chain->count);
	for (uint32_t i = 0; i < chain->count; i++)
	{
		ha_put_term(writer, chain->epoch[i].term);
		ha_put_u32(writer, chain->epoch[i].tli);
		ha_put_u64(writer, chain->epoch[i].start);
	}
}

void
ha_get_chain(HaReader *reader, HaChain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->count = ha_get_u32_max(reader, HA_CHAIN_MAX);
	for (uint32_t i = 0; i < chain->count; i++)
	{
		chain->epoch[i].term = ha_get_term(reader);
		chain->epoch[i].tli = ha_get_u32(reader);
		chain->epoch[i].start = ha_get_u64(reader);
	}
	reader->bad |= !ha_chain_valid(chain);
	if (reader->bad)
		memset(chain, 0, sizeof(*chain));
}

static void
put_rule(HaWriter *writer, const HaSyncRule *rule)
{
	ha_put_bool(writer, rule->sync);
	ha_put_u32(writer, rule->k);
	ha_put_u32(writer, rule->sync_set);
}

static void
get_rule(HaReader *reader, HaSyncRule *rule)
{
	rule->sync = ha_get_bool(reader);
	rule->k = ha_get_u32(reader);
	rule->sync_set = ha_get_u32(reader);
}

void
ha_put_register(HaWriter *writer, const HaRegister *reg)
{
	if (!ha_register_valid(reg))
	{
		writer->bad = true;
		return;
	}
	ha_put_version(writer, reg->version);
	ha_put_id(writer, reg->leader);
	ha_put_u32(writer, reg->member_count);
	for (uint32_t i = 0; i < reg->member_count; i++)
		ha_put_member(writer, &reg->member[i]);
	ha_put_u32(writer, reg->voters);
	ha_put_u32(writer, reg->voters_previous);
	put_rule(writer, &reg->rule);
	ha_put_u32(writer, reg->k_wanted);
	ha_put_u32(writer, reg->k_min);
	ha_put_bool(writer, reg->paused);
	ha_put_chain(writer, &reg->chain);
	ha_put_u32(writer, reg->tli_max);
	ha_put_term(writer, reg->checkpoint_term);
	ha_put_term(writer, reg->forced_term);
}

void
ha_get_register(HaReader *reader, HaRegister *reg)
{
	memset(reg, 0, sizeof(*reg));
	reg->version = ha_get_version(reader);
	reg->leader = ha_get_id(reader);
	reg->member_count = ha_get_u32_max(reader, HA_MEMBERS_MAX);
	for (uint32_t i = 0; i < reg->member_count; i++)
		ha_get_member(reader, &reg->member[i]);
	reg->voters = ha_get_u32(reader);
	reg->voters_previous = ha_get_u32(reader);
	get_rule(reader, &reg->rule);
	reg->k_wanted = ha_get_u32(reader);
	reg->k_min = ha_get_u32(reader);
	reg->paused = ha_get_bool(reader);
	ha_get_chain(reader, &reg->chain);
	reg->tli_max = ha_get_u32(reader);
	reg->checkpoint_term = ha_get_term(reader);
	reg->forced_term = ha_get_term(reader);
	reader->bad |= !ha_register_valid(reg);
	if (reader->bad)
		memset(reg, 0, sizeof(*reg));
}
