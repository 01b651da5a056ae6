/*
 * record.c: see record.h.
 */
#include "wire/record.h"
#include "wire/checksum.h"
#include "wire/codec.h"

static const uint8_t magic[8] = {'p', 'g', 'H', 'A', 's', 't', 'a', 't'};

#define OFFSET_FORMAT 8
#define OFFSET_PAYLOAD 56
#define OFFSET_CRC (HA_RECORD_SIZE - 4)
#define PAYLOAD_MAX (OFFSET_CRC - OFFSET_PAYLOAD)

#define HARD_BYTES_MAX \
	(16 + 8 + 4 + 16 + 8 + 8 + 4 + 8 + 8 + 4 + 1 + HA_REGISTER_BYTES_MAX + HA_CHAIN_BYTES_MAX)

_Static_assert(HARD_BYTES_MAX <= PAYLOAD_MAX, "the largest state must fit into a slot");

static const char *const texts[HA_RECORD_ERROR_COUNT] = {
	[HA_RECORD_OK] = "the slot is whole",
	[HA_RECORD_EMPTY] = "the slot was never written",
	[HA_RECORD_NOT_OURS] = "the slot does not begin like a state of pg_haops",
	[HA_RECORD_TORN] = "the slot's checksum does not match: it was half written, or damaged",
	[HA_RECORD_NEWER] = "the slot was written by a newer release of pg_haops",
	[HA_RECORD_IMPOSSIBLE] = "the slot's checksum matches, but it holds values that cannot be",
};

const char *
ha_record_text(HaRecordError error)
{
	assert(error < HA_RECORD_ERROR_COUNT);
	return texts[error];
}

static bool
register_held(const HaRegister *reg)
{
	return reg->version.term != 0 || reg->version.number != 0;
}

bool
ha_record_hard_valid(const HaHard *hard)
{
	return hard->id >= 1 && hard->id <= HA_ID_MAX && hard->voted_for <= HA_ID_MAX &&
		hard->term < HA_TERM_MAX && hard->joined_term < HA_TERM_MAX && hard->led_term < HA_TERM_MAX &&
		hard->promise_ms <= HA_PROMISE_MS_MAX &&
		(!register_held(&hard->reg) || ha_register_valid(&hard->reg)) && ha_chain_valid(&hard->chain);
}

static void
put_hard(HaWriter *writer, const HaHard *hard)
{
	bool held = register_held(&hard->reg);

	ha_put_uuid(writer, &hard->cluster);
	ha_put_u64(writer, hard->system_id);
	ha_put_id(writer, hard->id);
	ha_put_uuid(writer, &hard->incarnation);
	ha_put_u64(writer, hard->run);
	ha_put_term(writer, hard->term);
	ha_put_id(writer, hard->voted_for);
	ha_put_term(writer, hard->joined_term);
	ha_put_term(writer, hard->led_term);
	ha_put_u32(writer, hard->promise_ms);
	ha_put_bool(writer, held);
	if (held)
		ha_put_register(writer, &hard->reg);
	ha_put_chain(writer, &hard->chain);
	writer->bad |= !ha_record_hard_valid(hard);
}

static void
get_hard(HaReader *reader, HaHard *hard)
{
	hard->cluster = ha_get_uuid(reader);
	hard->system_id = ha_get_u64(reader);
	hard->id = ha_get_id(reader);
	hard->incarnation = ha_get_uuid(reader);
	hard->run = ha_get_u64(reader);
	hard->term = ha_get_term(reader);
	hard->voted_for = ha_get_id(reader);
	hard->joined_term = ha_get_term(reader);
	hard->led_term = ha_get_term(reader);
	hard->promise_ms = ha_get_u32(reader);
	if (ha_get_bool(reader))
	{
		ha_get_register(reader, &hard->reg);
		reader->bad |= !register_held(&hard->reg);
	}
	ha_get_chain(reader, &hard->chain);
	reader->bad |= !ha_record_hard_valid(hard);
}

HaRecordError
ha_record_encode(const HaRecord *record, uint8_t slot[HA_RECORD_SIZE])
{
	HaWriter payload = ha_writer(slot + OFFSET_PAYLOAD, PAYLOAD_MAX);
	HaWriter head = ha_writer(slot, OFFSET_PAYLOAD);
	HaWriter tail = ha_writer(slot + OFFSET_CRC, 4);

	memset(slot, 0, HA_RECORD_SIZE);
	put_hard(&payload, &record->hard);
	if (payload.bad || record->sequence == 0)
	{
		memset(slot, 0, HA_RECORD_SIZE);
		return HA_RECORD_IMPOSSIBLE;
	}
	ha_put_bytes(&head, magic, sizeof(magic));
	ha_put_u32(&head, HA_RECORD_FORMAT);
	ha_put_u32(&head, (uint32_t) payload.used);
	ha_put_u64(&head, record->sequence);
	ha_put_bytes(&head, record->binding.byte, sizeof(record->binding.byte));
	ha_put_u32(&tail, ha_checksum_crc32c(slot, OFFSET_CRC));
	assert(!head.bad && head.used == OFFSET_PAYLOAD && !tail.bad);
	return HA_RECORD_OK;
}

static bool
all_zero(const uint8_t *bytes, size_t count)
{
	/* Each byte is the one before it, and the first is zero. */
	return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

/* What can be said without the payload. */
static HaRecordError
check_frame(const uint8_t slot[HA_RECORD_SIZE])
{
	HaReader format = ha_reader(slot + OFFSET_FORMAT, 4);
	HaReader crc = ha_reader(slot + OFFSET_CRC, 4);

	if (all_zero(slot, HA_RECORD_SIZE))
		return HA_RECORD_EMPTY;
	if (memcmp(slot, magic, sizeof(magic)) != 0)
		return HA_RECORD_NOT_OURS;
	if (ha_get_u32(&crc) != ha_checksum_crc32c(slot, OFFSET_CRC))
		return HA_RECORD_TORN;
	switch (ha_get_u32(&format))
	{
		case HA_RECORD_FORMAT:
			return HA_RECORD_OK;
		case 0:
			return HA_RECORD_IMPOSSIBLE;
		default:
			return HA_RECORD_NEWER;
	}
}

HaRecordError
ha_record_decode(const uint8_t slot[HA_RECORD_SIZE], HaRecord *record)
{
	HaRecordError error = check_frame(slot);
	HaReader head = ha_reader(slot + OFFSET_FORMAT + 4, OFFSET_PAYLOAD - OFFSET_FORMAT - 4);
	HaReader payload;
	uint32_t length;

	memset(record, 0, sizeof(*record));
	if (error != HA_RECORD_OK)
		return error;
	length = ha_get_u32_max(&head, PAYLOAD_MAX);
	record->sequence = ha_get_u64(&head);
	ha_get_bytes(&head, record->binding.byte, sizeof(record->binding.byte));
	payload = ha_reader(slot + OFFSET_PAYLOAD, length);
	get_hard(&payload, &record->hard);
	if (!ha_reader_done(&head) || !ha_reader_done(&payload) || record->sequence == 0 ||
		!all_zero(slot + OFFSET_PAYLOAD + length, PAYLOAD_MAX - length))
	{
		memset(record, 0, sizeof(*record));
		return HA_RECORD_IMPOSSIBLE;
	}
	return HA_RECORD_OK;
}

HaRecordError
ha_record_choose(const uint8_t first[HA_RECORD_SIZE], const uint8_t second[HA_RECORD_SIZE], HaChoice *choice)
{
	HaRecord record[2];
	HaRecordError error[2];

	memset(choice, 0, sizeof(*choice));
	error[0] = ha_record_decode(first, &record[0]);
	error[1] = ha_record_decode(second, &record[1]);
	for (int i = 0; i < 2; i++)
	{
		if (error[i] == HA_RECORD_NEWER || error[i] == HA_RECORD_IMPOSSIBLE)
			return error[i];
	}
	if (error[0] != HA_RECORD_OK && error[1] != HA_RECORD_OK)
		return error[0];
	if (error[0] == HA_RECORD_OK && error[1] == HA_RECORD_OK && record[0].sequence == record[1].sequence &&
		memcmp(first, second, HA_RECORD_SIZE) != 0)
		return HA_RECORD_IMPOSSIBLE;

	choice->other_lost = error[0] != HA_RECORD_OK || error[1] != HA_RECORD_OK;
	if (choice->other_lost)
		choice->slot = error[0] == HA_RECORD_OK ? 0 : 1;
	else
		choice->slot = record[0].sequence >= record[1].sequence ? 0 : 1;
	choice->record = record[choice->slot];
	return HA_RECORD_OK;
}
