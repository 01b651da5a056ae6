/*
 * test_codec.c: bytes and back, within bounds, and in one way only.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/prng.h"
#include "test/unit/support/sample.h"
#include "wire/codec.h"

/* ---- Numbers and bytes ---- */

static void
test_layout_is_little_endian(void **state)
{
	const uint8_t wanted[] = {
		0x01,
		0x03, 0x02,
		0x07, 0x06, 0x05, 0x04,
		0x0F, 0x0E, 0x0D, 0x0C, 0x0B, 0x0A, 0x09, 0x08,
		0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
		0x01,
		0x02, 0x00, 'h', 'a',
		0xAA, 0xBB,
	};
	uint8_t bytes[sizeof(wanted)];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));

	(void) state;
	ha_put_u8(&writer, 1);
	ha_put_u16(&writer, 0x0203);
	ha_put_u32(&writer, 0x04050607);
	ha_put_u64(&writer, UINT64_C(0x08090A0B0C0D0E0F));
	ha_put_i64(&writer, -2);
	ha_put_bool(&writer, true);
	ha_put_text(&writer, "ha", 8);
	ha_put_bytes(&writer, (uint8_t[]){0xAA, 0xBB}, 2);
	assert_false(writer.bad);
	assert_int_equal(writer.used, sizeof(wanted));
	assert_memory_equal(bytes, wanted, sizeof(wanted));
}

static void
test_numbers_return(void **state)
{
	const int64_t signed_numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN, INT64_MIN + 1};
	uint8_t bytes[64];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;

	(void) state;
	ha_put_u8(&writer, UINT8_MAX);
	ha_put_u16(&writer, UINT16_MAX);
	ha_put_u32(&writer, UINT32_MAX);
	ha_put_u64(&writer, UINT64_MAX);
	ha_put_bool(&writer, false);
	reader = ha_reader(bytes, writer.used);
	assert_int_equal(ha_get_u8(&reader), UINT8_MAX);
	assert_int_equal(ha_get_u16(&reader), UINT16_MAX);
	assert_int_equal(ha_get_u32(&reader), UINT32_MAX);
	assert_true(ha_get_u64(&reader) == UINT64_MAX);
	assert_false(ha_get_bool(&reader));
	assert_true(ha_reader_done(&reader));

	writer = ha_writer(bytes, sizeof(bytes));
	for (size_t i = 0; i < 6; i++)
		ha_put_i64(&writer, signed_numbers[i]);
	reader = ha_reader(bytes, writer.used);
	for (size_t i = 0; i < 6; i++)
		assert_true(ha_get_i64(&reader) == signed_numbers[i]);
	assert_true(ha_reader_done(&reader));
}

static void
test_reader_stays_bad(void **state)
{
	const uint8_t bytes[] = {1, 2, 3, 4, 5};
	uint8_t copy[4] = {9, 9, 9, 9};
	HaReader reader = ha_reader(bytes, sizeof(bytes));

	(void) state;
	assert_int_equal(ha_get_u16(&reader), 0x0201);
	assert_int_equal(ha_get_u32(&reader), 0);
	assert_true(reader.bad);
	/* There would be enough for this one, but what comes after an error means nothing. */
	assert_int_equal(ha_get_u8(&reader), 0);
	ha_get_bytes(&reader, copy, sizeof(copy));
	assert_memory_equal(copy, ((uint8_t[4]){0}), sizeof(copy));
	assert_false(ha_reader_done(&reader));
}

static void
test_writer_stays_bad(void **state)
{
	uint8_t bytes[4] = {9, 9, 9, 9};
	HaWriter writer = ha_writer(bytes, 3);

	(void) state;
	ha_put_u16(&writer, 1);
	ha_put_u16(&writer, 1);
	assert_true(writer.bad);
	ha_put_u8(&writer, 1);
	assert_int_equal(writer.used, 2);
	assert_int_equal(bytes[2], 9);
	assert_int_equal(bytes[3], 9);
}

static void
test_core_types_return(void **state)
{
	const HaUuid uuid = sample_uuid(0x5E);
	uint8_t bytes[64];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;
	HaUuid read;

	(void) state;
	ha_put_id(&writer, HA_ID_MAX);
	ha_put_position(&writer, (HaPosition){HA_TERM_MAX - 1, UINT64_MAX});
	ha_put_version(&writer, (HaVersion){5, UINT64_MAX});
	ha_put_uuid(&writer, &uuid);
	assert_false(writer.bad);
	reader = ha_reader(bytes, writer.used);
	assert_int_equal(ha_get_id(&reader), HA_ID_MAX);
	assert_int_equal(ha_position_compare(ha_get_position(&reader), (HaPosition){HA_TERM_MAX - 1, UINT64_MAX}), 0);
	assert_int_equal(ha_version_compare(ha_get_version(&reader), (HaVersion){5, UINT64_MAX}), 0);
	read = ha_get_uuid(&reader);
	assert_true(ha_uuid_equal(&read, &uuid));
	assert_true(ha_reader_done(&reader));
}

static void
test_nothing_at_all(void **state)
{
	HaWriter writer = ha_writer(NULL, 0);
	HaReader reader = ha_reader(NULL, 0);

	(void) state;
	ha_put_bytes(&writer, NULL, 0);
	ha_get_bytes(&reader, NULL, 0);
	assert_false(writer.bad);
	assert_true(ha_reader_done(&reader));
	ha_put_u8(&writer, 1);
	assert_true(writer.bad);
	assert_int_equal(ha_get_u8(&reader), 0);
	assert_true(reader.bad);
}

static void
test_not_done_with_bytes_left(void **state)
{
	const uint8_t bytes[] = {1, 2};
	HaReader reader = ha_reader(bytes, sizeof(bytes));

	(void) state;
	ha_get_u8(&reader);
	assert_false(reader.bad);
	assert_false(ha_reader_done(&reader));
}

static void
test_ranges(void **state)
{
	uint8_t bytes[8];
	HaWriter writer;
	HaReader reader;

	(void) state;
	for (int value = 0; value < 256; value++)
	{
		bytes[0] = (uint8_t) value;
		reader = ha_reader(bytes, 1);
		assert_int_equal(ha_get_bool(&reader), value == 1);
		assert_int_equal(reader.bad, value > 1);
	}
	for (uint32_t value = 0; value < 5; value++)
	{
		writer = ha_writer(bytes, sizeof(bytes));
		ha_put_u32(&writer, value);
		reader = ha_reader(bytes, writer.used);
		assert_int_equal(ha_get_u32_max(&reader, 3), value <= 3 ? value : 0);
		assert_int_equal(reader.bad, value > 3);
	}
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_id(&writer, HA_ID_MAX);
	assert_false(writer.bad);
	ha_put_id(&writer, HA_ID_MAX + 1);
	assert_true(writer.bad);
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_term(&writer, HA_TERM_MAX);
	assert_true(writer.bad);
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_u64(&writer, HA_TERM_MAX);
	reader = ha_reader(bytes, sizeof(bytes));
	assert_int_equal(ha_get_term(&reader), 0);
	assert_true(reader.bad);
}

/* ---- Texts ---- */

static void
test_text_returns_filled_up(void **state)
{
	uint8_t bytes[16];
	char text[6];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;

	(void) state;
	ha_put_text(&writer, "abc\0?", 6);
	ha_put_text(&writer, "", 1);
	ha_put_text(&writer, "abcde", 6);
	assert_false(writer.bad);
	reader = ha_reader(bytes, writer.used);
	memset(text, '?', sizeof(text));
	ha_get_text(&reader, text, sizeof(text));
	assert_memory_equal(text, "abc\0\0\0", 6);
	ha_get_text(&reader, text, sizeof(text));
	assert_memory_equal(text, "\0\0\0\0\0\0", 6);
	ha_get_text(&reader, text, sizeof(text));
	assert_string_equal(text, "abcde");
	assert_true(ha_reader_done(&reader));
}

static void
test_text_refused(void **state)
{
	const uint8_t too_long[] = {6, 0, 'a', 'b', 'c', 'd', 'e', 'f'};
	const uint8_t with_zero[] = {3, 0, 'a', 0, 'c'};
	const uint8_t cut[] = {3, 0, 'a', 'b'};
	const struct
	{
		const uint8_t *bytes;
		size_t size;
	} cases[] = {{too_long, sizeof(too_long)}, {with_zero, sizeof(with_zero)}, {cut, sizeof(cut)}};
	uint8_t bytes[16];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));

	(void) state;
	for (size_t i = 0; i < 3; i++)
	{
		HaReader reader = ha_reader(cases[i].bytes, cases[i].size);
		char text[6];

		ha_get_text(&reader, text, sizeof(text));
		assert_true(reader.bad);
		assert_memory_equal(text, "\0\0\0\0\0\0", 6);
	}
	ha_put_text(&writer, "abc", 3);
	assert_true(writer.bad);
	assert_int_equal(writer.used, 0);
}

/* ---- Chain and register ---- */

static void
test_chain_returns(void **state)
{
	uint8_t bytes[HA_CHAIN_BYTES_MAX];
	HaRegister reg;
	HaChain chain;

	(void) state;
	sample_register_largest(&reg);
	for (uint32_t count = 0; count <= HA_CHAIN_MAX; count++)
	{
		HaWriter writer = ha_writer(bytes, sizeof(bytes));
		HaReader reader;

		reg.chain.count = count;
		ha_put_chain(&writer, &reg.chain);
		assert_false(writer.bad);
		assert_int_equal(writer.used, 4 + 20 * count);
		reader = ha_reader(bytes, writer.used);
		memset(&chain, 0xFF, sizeof(chain));
		ha_get_chain(&reader, &chain);
		assert_true(ha_reader_done(&reader));
		assert_int_equal(chain.count, count);
		for (uint32_t i = 0; i < HA_CHAIN_MAX; i++)
		{
			HaEpoch wanted = i < count ? reg.chain.epoch[i] : (HaEpoch){0, 0, 0};

			assert_int_equal(chain.epoch[i].term, wanted.term);
			assert_int_equal(chain.epoch[i].tli, wanted.tli);
			assert_int_equal(chain.epoch[i].start, wanted.start);
		}
	}
}

static void
test_chain_refused(void **state)
{
	uint8_t bytes[HA_CHAIN_BYTES_MAX];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;
	HaChain chain = {.count = 2, .epoch = {{3, 1, 0}, {3, 2, 10}}};

	(void) state;
	ha_put_chain(&writer, &chain);
	assert_true(writer.bad);
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_u32(&writer, HA_CHAIN_MAX + 1);
	reader = ha_reader(bytes, sizeof(bytes));
	ha_get_chain(&reader, &chain);
	assert_true(reader.bad);
	assert_int_equal(chain.count, 0);

	/* Two epochs of one term. */
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_u32(&writer, 2);
	for (uint32_t i = 0; i < 2; i++)
	{
		ha_put_u64(&writer, 3);
		ha_put_u32(&writer, 1 + i);
		ha_put_u64(&writer, 10 * i);
	}
	reader = ha_reader(bytes, writer.used);
	ha_get_chain(&reader, &chain);
	assert_true(reader.bad);
	assert_int_equal(chain.count, 0);
	assert_int_equal(chain.epoch[0].term, 0);
}

static size_t
encode(const HaRegister *reg, uint8_t *bytes, size_t size)
{
	HaWriter writer = ha_writer(bytes, size);

	ha_put_register(&writer, reg);
	return writer.bad ? 0 : writer.used;
}

/* No padding is compared: the same bytes come out of what was read. */
static void
assert_returns(const HaRegister *reg)
{
	uint8_t bytes[HA_REGISTER_BYTES_MAX];
	uint8_t again[HA_REGISTER_BYTES_MAX];
	size_t used = encode(reg, bytes, sizeof(bytes));
	HaReader reader = ha_reader(bytes, used);
	HaRegister read;

	assert_true(used > 0);
	memset(&read, 0xFF, sizeof(read));
	ha_get_register(&reader, &read);
	assert_true(ha_reader_done(&reader));
	assert_int_equal(encode(&read, again, sizeof(again)), used);
	assert_memory_equal(bytes, again, used);
	assert_int_equal(read.version.term, reg->version.term);
	assert_int_equal(read.version.number, reg->version.number);
	assert_int_equal(read.leader, reg->leader);
	assert_int_equal(read.voters, reg->voters);
	assert_int_equal(read.voters_previous, reg->voters_previous);
	assert_int_equal(read.rule.sync, reg->rule.sync);
	assert_int_equal(read.rule.k, reg->rule.k);
	assert_int_equal(read.rule.sync_set, reg->rule.sync_set);
	assert_int_equal(read.k_wanted, reg->k_wanted);
	assert_int_equal(read.k_min, reg->k_min);
	assert_int_equal(read.paused, reg->paused);
	assert_int_equal(read.tli_max, reg->tli_max);
	assert_int_equal(read.checkpoint_term, reg->checkpoint_term);
	assert_int_equal(read.forced_term, reg->forced_term);
	assert_int_equal(read.member_count, reg->member_count);
	for (uint32_t i = 0; i < reg->member_count; i++)
		assert_memory_equal(&read.member[i], &reg->member[i], sizeof(HaMember));
}

static void
test_register_returns(void **state)
{
	HaRegister reg;

	(void) state;
	sample_register(&reg);
	assert_returns(&reg);
	reg.paused = true;
	reg.forced_term = 6;
	reg.voters_previous = ha_set_of(1) | ha_set_of(2);
	reg.k_wanted = 2;
	reg.k_min = 1;
	assert_returns(&reg);
	sample_register_largest(&reg);
	assert_returns(&reg);
}

static void
test_register_bound_is_exact(void **state)
{
	uint8_t bytes[HA_REGISTER_BYTES_MAX];
	HaRegister reg;

	(void) state;
	sample_register_largest(&reg);
	assert_int_equal(encode(&reg, bytes, sizeof(bytes)), HA_REGISTER_BYTES_MAX);
	assert_int_equal(encode(&reg, bytes, sizeof(bytes) - 1), 0);
}

static void
test_register_refused(void **state)
{
	uint8_t bytes[HA_REGISTER_BYTES_MAX];
	HaRegister reg;

	(void) state;
	sample_register(&reg);
	reg.voters = 0;
	assert_int_equal(encode(&reg, bytes, sizeof(bytes)), 0);
	sample_register(&reg);
	reg.leader = HA_ID_MAX + 1;
	assert_int_equal(encode(&reg, bytes, sizeof(bytes)), 0);
	sample_register(&reg);
	reg.forced_term = HA_TERM_MAX;
	assert_int_equal(encode(&reg, bytes, sizeof(bytes)), 0);
}

/* Cut anywhere, it is refused; and a buffer that is too small is never written beyond (the sanitizer looks on). */
static void
test_register_cut(void **state)
{
	uint8_t bytes[HA_REGISTER_BYTES_MAX];
	HaRegister reg;
	size_t used;

	(void) state;
	sample_register(&reg);
	used = encode(&reg, bytes, sizeof(bytes));
	for (size_t size = 0; size < used; size++)
	{
		const HaRegister nothing = {0};
		uint8_t *cut = test_malloc(size + 1);
		HaReader reader = ha_reader(cut, size);

		memcpy(cut, bytes, size);
		ha_get_register(&reader, &reg);
		assert_true(reader.bad);
		assert_memory_equal(&reg, &nothing, sizeof(reg));
		sample_register(&reg);
		cut[size] = 0xEE;
		assert_int_equal(encode(&reg, cut, size), 0);
		assert_int_equal(cut[size], 0xEE);
		test_free(cut);
	}
}

/* Whatever bytes are accepted are the one encoding of what they say. */
static void
test_register_has_one_encoding(void **state)
{
	uint8_t good[HA_REGISTER_BYTES_MAX];
	uint8_t bytes[HA_REGISTER_BYTES_MAX];
	uint8_t again[HA_REGISTER_BYTES_MAX];
	HaRegister reg;
	HaPrng prng;
	size_t used;
	int accepted = 0;

	(void) state;
	ha_prng_seed(&prng, 3);
	sample_register(&reg);
	used = encode(&reg, good, sizeof(good));
	for (int round = 0; round < 200000; round++)
	{
		HaReader reader = ha_reader(bytes, used);

		memcpy(bytes, good, used);
		for (uint32_t n = ha_prng_below(&prng, 3) + 1; n > 0; n--)
			bytes[ha_prng_below(&prng, (uint32_t) used)] = (uint8_t) ha_prng_next(&prng);
		ha_get_register(&reader, &reg);
		if (reader.bad)
			continue;
		accepted++;
		assert_true(ha_register_valid(&reg));
		assert_int_equal(encode(&reg, again, sizeof(again)), reader.used);
		assert_memory_equal(again, bytes, reader.used);
	}
	assert_true(accepted > 1000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout_is_little_endian),
		cmocka_unit_test(test_numbers_return),
		cmocka_unit_test(test_reader_stays_bad),
		cmocka_unit_test(test_writer_stays_bad),
		cmocka_unit_test(test_core_types_return),
		cmocka_unit_test(test_nothing_at_all),
		cmocka_unit_test(test_not_done_with_bytes_left),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_text_returns_filled_up),
		cmocka_unit_test(test_text_refused),
		cmocka_unit_test(test_chain_returns),
		cmocka_unit_test(test_chain_refused),
		cmocka_unit_test(test_register_returns),
		cmocka_unit_test(test_register_bound_is_exact),
		cmocka_unit_test(test_register_refused),
		cmocka_unit_test(test_register_cut),
		cmocka_unit_test(test_register_has_one_encoding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
