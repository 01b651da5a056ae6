/*
 * test_record.c: slots of the state file: what returns, what is refused, and what a crash can leave (R4, R5).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/prng.h"
#include "test/unit/support/sample.h"
#include "wire/checksum.h"
#include "wire/codec.h"
#include "wire/record.h"

#define SECTOR 512
#define SECTORS (HA_RECORD_SIZE / SECTOR)

/* The state with this sequence number; what changes with it lies in many sectors. */
static void
make_record(HaRecord *record, uint64_t sequence)
{
	memset(record, 0, sizeof(*record));
	record->sequence = sequence;
	memset(record->binding.byte, 0xB1, sizeof(record->binding.byte));
	sample_hard_largest(&record->hard);
	record->hard.run = sequence;
	for (uint32_t i = 0; i < record->hard.reg.member_count; i++)
		record->hard.reg.member[i].incarnation.byte[0] = (uint8_t) sequence;
	for (uint32_t i = 0; i < record->hard.chain.count; i++)
		record->hard.chain.epoch[i].start += sequence;
	record->hard.reg.chain = record->hard.chain;
}

static void
encode(uint64_t sequence, uint8_t slot[HA_RECORD_SIZE])
{
	HaRecord record;

	make_record(&record, sequence);
	assert_int_equal(ha_record_encode(&record, slot), HA_RECORD_OK);
}

/* Puts the right CRC over whatever the slot holds. */
static void
seal(uint8_t slot[HA_RECORD_SIZE])
{
	HaWriter tail = ha_writer(slot + HA_RECORD_SIZE - 4, 4);

	ha_put_u32(&tail, ha_checksum_crc32c(slot, HA_RECORD_SIZE - 4));
}

static HaRecordError
decode(const uint8_t slot[HA_RECORD_SIZE])
{
	HaRecord record;
	const HaRecord nothing = {0};
	HaRecordError error = ha_record_decode(slot, &record);

	if (error != HA_RECORD_OK)
		assert_memory_equal(&record, &nothing, sizeof(record));
	return error;
}

static void
test_crc32c(void **state)
{
	uint8_t bytes[32];

	(void) state;
	/* RFC 3720, appendix B.4, and the check value of the catalogues. */
	assert_int_equal(ha_checksum_crc32c("123456789", 9), 0xE3069283);
	assert_int_equal(ha_checksum_crc32c("", 0), 0);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(ha_checksum_crc32c(bytes, sizeof(bytes)), 0x8A9136AA);
	memset(bytes, 0xFF, sizeof(bytes));
	assert_int_equal(ha_checksum_crc32c(bytes, sizeof(bytes)), 0x62A8AB43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	assert_int_equal(ha_checksum_crc32c(bytes, sizeof(bytes)), 0x46DD794E);
}

static void
test_returns(void **state)
{
	uint8_t slot[HA_RECORD_SIZE];
	uint8_t again[HA_RECORD_SIZE];
	HaRecord record;
	HaRecord read;

	(void) state;
	memset(&record, 0, sizeof(record));
	record.sequence = UINT64_MAX;
	memset(record.binding.byte, 0xB1, sizeof(record.binding.byte));
	sample_hard(&record.hard);
	assert_int_equal(ha_record_encode(&record, slot), HA_RECORD_OK);
	assert_int_equal(ha_record_decode(slot, &read), HA_RECORD_OK);
	assert_true(read.sequence == UINT64_MAX);
	assert_memory_equal(read.binding.byte, record.binding.byte, HA_BINDING_SIZE);
	assert_true(ha_uuid_equal(&read.hard.cluster, &record.hard.cluster));
	assert_true(ha_uuid_equal(&read.hard.incarnation, &record.hard.incarnation));
	assert_true(read.hard.system_id == record.hard.system_id);
	assert_int_equal(read.hard.id, 2);
	assert_int_equal(read.hard.run, 12);
	assert_int_equal(read.hard.term, 7);
	assert_int_equal(read.hard.voted_for, 1);
	assert_int_equal(read.hard.joined_term, 7);
	assert_int_equal(read.hard.led_term, 5);
	assert_int_equal(read.hard.promise_ms, 3000);
	assert_int_equal(ha_version_compare(read.hard.reg.version, (HaVersion){7, 3}), 0);
	assert_string_equal(read.hard.reg.member[2].name, "w3");
	assert_int_equal(read.hard.chain.count, 3);
	assert_int_equal(ha_record_encode(&read, again), HA_RECORD_OK);
	assert_memory_equal(slot, again, HA_RECORD_SIZE);
}

static void
test_layout(void **state)
{
	const uint8_t head[] = {'p', 'g', 'H', 'A', 's', 't', 'a', 't', 1, 0, 0, 0};
	uint8_t slot[HA_RECORD_SIZE];

	(void) state;
	encode(0x0102, slot);
	assert_memory_equal(slot, head, sizeof(head));
	assert_int_equal(slot[16], 2);
	assert_int_equal(slot[17], 1);
	assert_int_equal(slot[24], 0xB1);
	assert_int_equal(slot[55], 0xB1);
	assert_memory_equal(slot + 56, ((uint8_t[2]){0xC1, 0xC1}), 2);
}

/* A member that has no register yet; whatever else stands in it is not kept. */
static void
test_no_register(void **state)
{
	uint8_t slot[HA_RECORD_SIZE];
	HaRecord record;
	const HaRegister nothing = {0};

	(void) state;
	make_record(&record, 1);
	record.hard.reg.version = (HaVersion){0, 0};
	assert_int_equal(ha_record_encode(&record, slot), HA_RECORD_OK);
	assert_int_equal(ha_record_decode(slot, &record), HA_RECORD_OK);
	assert_memory_equal(&record.hard.reg, &nothing, sizeof(nothing));
}

static void
test_encode_refuses(void **state)
{
	const uint8_t zero[HA_RECORD_SIZE] = {0};
	uint8_t slot[HA_RECORD_SIZE];
	HaRecord good;
	HaRecord bad;

	(void) state;
#define ASSERT_REFUSED(change) \
	do { \
		bad = good; \
		change; \
		assert_int_equal(ha_record_encode(&bad, slot), HA_RECORD_IMPOSSIBLE); \
		assert_memory_equal(slot, zero, sizeof(slot)); \
	} while (0)
	make_record(&good, 1);
	ASSERT_REFUSED(bad.sequence = 0);
	ASSERT_REFUSED(bad.hard.id = 0);
	ASSERT_REFUSED(bad.hard.id = HA_ID_MAX + 1);
	ASSERT_REFUSED(bad.hard.voted_for = HA_ID_MAX + 1);
	ASSERT_REFUSED(bad.hard.term = HA_TERM_MAX);
	ASSERT_REFUSED(bad.hard.joined_term = HA_TERM_MAX);
	ASSERT_REFUSED(bad.hard.led_term = HA_TERM_MAX);
	ASSERT_REFUSED(bad.hard.promise_ms = HA_PROMISE_MS_MAX + 1);
	ASSERT_REFUSED(bad.hard.reg.voters = 0);
	ASSERT_REFUSED(bad.hard.chain.count = HA_CHAIN_MAX + 1);
#undef ASSERT_REFUSED
}

static void
test_every_byte_flipped(void **state)
{
	uint8_t slot[HA_RECORD_SIZE];

	(void) state;
	encode(9, slot);
	for (size_t at = 0; at < HA_RECORD_SIZE; at++)
	{
		const uint8_t flips[] = {(uint8_t) (1u << (at % 8)), 0xFF};

		for (int i = 0; i < 2; i++)
		{
			slot[at] ^= flips[i];
			assert_int_equal(decode(slot), at < 8 ? HA_RECORD_NOT_OURS : HA_RECORD_TORN);
			slot[at] ^= flips[i];
		}
	}
	assert_int_equal(decode(slot), HA_RECORD_OK);
}

/* Written up to some byte, with zeros or with old bytes behind. */
static void
test_every_length(void **state)
{
	uint8_t whole[HA_RECORD_SIZE];
	uint8_t old[HA_RECORD_SIZE];
	uint8_t slot[HA_RECORD_SIZE] = {0};

	(void) state;
	encode(9, whole);
	encode(7, old);
	assert_int_equal(decode(slot), HA_RECORD_EMPTY);
	for (size_t length = 0; length < HA_RECORD_SIZE; length++)
	{
		HaRecordError error = decode(slot);

		assert_true(error == HA_RECORD_EMPTY || error == HA_RECORD_NOT_OURS || error == HA_RECORD_TORN);
		slot[length] = whole[length];
		old[length] = whole[length];
		error = decode(old);
		assert_true(error == HA_RECORD_TORN || memcmp(old, whole, HA_RECORD_SIZE) == 0 || length < 16);
	}
	assert_memory_equal(slot, whole, HA_RECORD_SIZE);
}

/* With a right checksum, and still wrong: what no crash does. */
static void
test_sealed_nonsense(void **state)
{
	uint8_t slot[HA_RECORD_SIZE];
	HaPrng prng;

	(void) state;
	encode(9, slot);
	slot[8] = 2;
	seal(slot);
	assert_int_equal(decode(slot), HA_RECORD_NEWER);
	slot[8] = 0;
	seal(slot);
	assert_int_equal(decode(slot), HA_RECORD_IMPOSSIBLE);

	encode(9, slot);
	memset(slot + 16, 0, 8);
	seal(slot);
	assert_int_equal(decode(slot), HA_RECORD_IMPOSSIBLE);

	/* A length that is too long, too short, or one byte off. */
	for (int length = 0; length < 65536; length += 251)
	{
		encode(9, slot);
		slot[12] = (uint8_t) length;
		slot[13] = (uint8_t) (length >> 8);
		seal(slot);
		assert_int_equal(decode(slot), HA_RECORD_IMPOSSIBLE);
	}
	encode(9, slot);
	memset(slot + 12, 0xFF, 4);
	seal(slot);
	assert_int_equal(decode(slot), HA_RECORD_IMPOSSIBLE);

	/* Something behind the payload. */
	encode(9, slot);
	slot[HA_RECORD_SIZE - 5] = 1;
	seal(slot);
	assert_int_equal(decode(slot), HA_RECORD_IMPOSSIBLE);

	/* Anything at all: nothing breaks, and what is accepted has this one encoding. */
	ha_prng_seed(&prng, 11);
	for (int round = 0; round < 2000; round++)
	{
		uint8_t again[HA_RECORD_SIZE];
		HaRecord record;

		encode(9, slot);
		for (uint32_t n = 1 + ha_prng_below(&prng, 4); n > 0; n--)
			slot[56 + ha_prng_below(&prng, 6000)] = (uint8_t) ha_prng_next(&prng);
		seal(slot);
		if (ha_record_decode(slot, &record) != HA_RECORD_OK)
			continue;
		assert_int_equal(ha_record_encode(&record, again), HA_RECORD_OK);
		assert_memory_equal(slot, again, HA_RECORD_SIZE);
	}
}

/* ---- Two slots ---- */

static void
mix(uint8_t mixed[HA_RECORD_SIZE], const uint8_t *old, const uint8_t *new, unsigned new_sectors)
{
	for (unsigned i = 0; i < SECTORS; i++)
		memcpy(mixed + i * SECTOR, ((new_sectors >> i) & 1 ? new : old) + i * SECTOR, SECTOR);
}

static uint64_t
chosen(const uint8_t slot[2][HA_RECORD_SIZE])
{
	HaChoice choice;

	return ha_record_choose(slot[0], slot[1], &choice) == HA_RECORD_OK ? choice.record.sequence : 0;
}

/* Every way in which the sectors of one slot can be torn, in either slot, while the other one is whole. */
static void
test_every_torn_write(void **state)
{
	uint8_t slot[2][HA_RECORD_SIZE];
	uint8_t old[HA_RECORD_SIZE];
	uint8_t new[HA_RECORD_SIZE];
	unsigned differing = 0;

	(void) state;
	encode(7, old);
	encode(9, new);
	for (unsigned i = 0; i < SECTORS; i++)
		differing |= (memcmp(old + i * SECTOR, new + i * SECTOR, SECTOR) != 0 ? 1u : 0) << i;
	assert_true(__builtin_popcount(differing) >= 12);
	for (int torn = 0; torn < 2; torn++)
	{
		encode(8, slot[1 - torn]);
		for (unsigned sectors = 0; sectors < 1u << SECTORS; sectors++)
		{
			if ((sectors & ~differing) != 0)
				continue;
			mix(slot[torn], old, new, sectors);
			assert_int_equal(chosen(slot), memcmp(slot[torn], new, HA_RECORD_SIZE) == 0 ? 9 : 8);
		}
	}
}

/* Both torn at once, which no save does: the answer is a state that once was whole, or none. */
static void
test_both_torn(void **state)
{
	uint8_t slot[2][HA_RECORD_SIZE];
	uint8_t old[2][HA_RECORD_SIZE];
	uint8_t new[HA_RECORD_SIZE];
	HaPrng prng;

	(void) state;
	ha_prng_seed(&prng, 5);
	encode(7, old[0]);
	encode(8, old[1]);
	encode(9, new);
	for (int round = 0; round < 3000; round++)
	{
		uint64_t wanted = 0;

		for (int i = 0; i < 2; i++)
		{
			unsigned sectors = (unsigned) ha_prng_next(&prng);

			if (ha_prng_below(&prng, 4) == 0)
				sectors = ha_prng_below(&prng, 2) == 0 ? 0 : UINT32_MAX;
			mix(slot[i], old[i], new, sectors);
			if (memcmp(slot[i], old[i], HA_RECORD_SIZE) == 0 && wanted < 7 + (uint64_t) i)
				wanted = 7 + (uint64_t) i;
			if (memcmp(slot[i], new, HA_RECORD_SIZE) == 0)
				wanted = 9;
		}
		assert_int_equal(chosen(slot), wanted);
	}
}

static void
test_choice(void **state)
{
	uint8_t slot[2][HA_RECORD_SIZE];
	HaChoice choice;

	(void) state;
	encode(8, slot[0]);
	encode(9, slot[1]);
	assert_int_equal(ha_record_choose(slot[0], slot[1], &choice), HA_RECORD_OK);
	assert_int_equal(choice.slot, 1);
	assert_int_equal(choice.record.hard.run, 9);
	assert_false(choice.other_lost);

	/* The same state twice, as it is at rest. */
	encode(9, slot[0]);
	assert_int_equal(ha_record_choose(slot[0], slot[1], &choice), HA_RECORD_OK);
	assert_int_equal(choice.record.sequence, 9);
	assert_false(choice.other_lost);

	memset(slot[0], 0, HA_RECORD_SIZE);
	assert_int_equal(ha_record_choose(slot[0], slot[1], &choice), HA_RECORD_OK);
	assert_int_equal(choice.slot, 1);
	assert_true(choice.other_lost);
	memset(slot[1], 0xFF, HA_RECORD_SIZE);
	assert_int_equal(ha_record_choose(slot[0], slot[1], &choice), HA_RECORD_EMPTY);
	assert_int_equal(choice.record.sequence, 0);
}

/* What is no accident of a crash leaves no choice, even beside a good slot. */
static void
test_no_choice(void **state)
{
	uint8_t slot[2][HA_RECORD_SIZE];
	HaRecord record;
	HaChoice choice;

	(void) state;
	for (int odd = 0; odd < 2; odd++)
	{
		encode(9, slot[1 - odd]);
		encode(8, slot[odd]);
		slot[odd][8] = 2;
		seal(slot[odd]);
		assert_int_equal(ha_record_choose(slot[0], slot[1], &choice), HA_RECORD_NEWER);
		encode(8, slot[odd]);
		slot[odd][HA_RECORD_SIZE - 5] = 1;
		seal(slot[odd]);
		assert_int_equal(ha_record_choose(slot[0], slot[1], &choice), HA_RECORD_IMPOSSIBLE);
	}
	encode(9, slot[0]);
	make_record(&record, 9);
	record.hard.voted_for = 3;
	assert_int_equal(ha_record_encode(&record, slot[1]), HA_RECORD_OK);
	assert_int_equal(ha_record_choose(slot[0], slot[1], &choice), HA_RECORD_IMPOSSIBLE);
}

static void
test_texts(void **state)
{
	(void) state;
	for (int error = 0; error < HA_RECORD_ERROR_COUNT; error++)
	{
		const char *text = ha_record_text((HaRecordError) error);

		assert_non_null(text);
		assert_true(strlen(text) > 10);
		assert_true(text[strlen(text) - 1] != '.');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crc32c),
		cmocka_unit_test(test_returns),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_no_register),
		cmocka_unit_test(test_encode_refuses),
		cmocka_unit_test(test_every_byte_flipped),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_sealed_nonsense),
		cmocka_unit_test(test_every_torn_write),
		cmocka_unit_test(test_both_torn),
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_no_choice),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
