/*
 * test_status.c: a member's status, there and back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/prng.h"
#include "test/unit/support/sample.h"
#include "wire/frame.h"
#include "wire/status.h"

static uint8_t bytes[HA_FRAME_MAX];
static uint8_t again[HA_FRAME_MAX];

static HaStatus
sample_status(void)
{
	HaStatus status = {
		.system_id = 5,
		.id = 2,
		.run = 9,
		.software = "1.0",
		.wall_us = -1,
		.role = HA_ROLE_LEADER,
		.term = 64,
		.leader = 2,
		.voted_for = 2,
		.joined_term = 64,
		.position = {64, 77},
		.promise_ms = 3000,
		.beat_ms = 500,
		.lease_left_us = 2000000,
		.committed = {64, 2},
		.shift = HA_SHIFT_WRITE,
		.gate = {.generation = 3, .term = 64, .open = true, .rule_count = 2, .joined = 6},
		.pg = {.state = HA_PG_PRIMARY, .flush_lsn = 77, .tli = 4, .checkpointed = true},
		.reaches = 0xFE,
		.reached_by = 0xFC,
		.summary_count = HA_MEMBERS_MAX,
		.has_register = true,
	};

	status.cluster = sample_uuid(0xC1);
	status.incarnation = sample_uuid(2);
	status.gate.rule[1] = (HaSyncRule){true, 1, 6};
	for (uint32_t i = 0; i < HA_MEMBERS_MAX; i++)
		status.summary[i].id = i + 1;
	sample_register_largest(&status.reg);
	status.chain = status.reg.chain;
	return status;
}

static void
test_the_largest_returns(void **state)
{
	HaStatus status = sample_status();
	HaStatus found;
	HaFrameHead head = {.type = HA_FRAME_STATUS_R};
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader body;
	size_t length;

	(void) state;
	ha_frame_begin(&writer, &head);
	ha_put_status(&writer, &status);
	length = ha_frame_end(&writer);
	assert_true(length > 0 && length < HA_FRAME_MAX / 2);
	assert_int_equal(ha_frame_open(bytes, length, &head, &body), HA_FRAME_OK);
	ha_get_status(&body, &found);
	assert_true(ha_reader_done(&body));
	assert_int_equal(found.role, HA_ROLE_LEADER);
	assert_string_equal(found.software, "1.0");
	assert_int_equal(found.reg.member_count, HA_MEMBERS_MAX);
	assert_int_equal(found.gate.rule[1].sync_set, 6);
	assert_int_equal(found.pg.state, HA_PG_PRIMARY);
	assert_ptr_equal(ha_status_summary(&found, 3), &found.summary[2]);
	assert_null(ha_status_summary(&found, 30));
	writer = ha_writer(again, sizeof(again));
	ha_frame_begin(&writer, &head);
	ha_put_status(&writer, &found);
	assert_int_equal(ha_frame_end(&writer), length);
	assert_memory_equal(again, bytes, length);
}

static void
test_impossible_ones_are_not_written(void **state)
{
	const HaStatus good = sample_status();
	HaStatus bad;
	HaWriter writer;

	(void) state;
#define REFUSED(change) \
	do { \
		bad = good; \
		change; \
		writer = ha_writer(bytes, sizeof(bytes)); \
		ha_put_status(&writer, &bad); \
		assert_true(writer.bad); \
	} while (0)
	REFUSED(bad.id = 0);
	REFUSED(bad.role = HA_ROLE_COUNT);
	REFUSED(bad.shift = HA_SHIFT_WRITE + 1);
	REFUSED(bad.pg.state = HA_PG_PRIMARY + 1);
	REFUSED(bad.gate.rule_count = 3);
	REFUSED(bad.summary_count = HA_MEMBERS_MAX + 1);
	REFUSED(bad.lease_left_us = -1);
	REFUSED(memcpy(bad.software, "1.0\n", 5));
	REFUSED(memset(bad.software, 'x', sizeof(bad.software)));
	REFUSED(bad.reg.voters = 0);
	REFUSED(bad.chain.count = HA_CHAIN_MAX + 1);
#undef REFUSED
}

static void
test_damage_is_seen_or_harmless(void **state)
{
	HaStatus status = sample_status();
	HaStatus found;
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaPrng prng;
	uint32_t refused = 0;

	(void) state;
	ha_put_status(&writer, &status);
	ha_prng_seed(&prng, 2);
	for (size_t at = 0; at < writer.used; at++)
	{
		uint8_t was = bytes[at];
		HaReader reader = ha_reader(bytes, writer.used);

		bytes[at] = (uint8_t) (was ^ (1u << ha_prng_below(&prng, 8)));
		ha_get_status(&reader, &found);
		if (!ha_reader_done(&reader))
			refused++;
		else
		{
			HaWriter copy = ha_writer(again, sizeof(again));

			ha_put_status(&copy, &found);
			assert_false(copy.bad);
			assert_int_equal(copy.used, writer.used);
			assert_memory_equal(again, bytes, writer.used);
		}
		bytes[at] = was;
	}
	assert_true(refused > 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_largest_returns),
		cmocka_unit_test(test_impossible_ones_are_not_written),
		cmocka_unit_test(test_damage_is_seen_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
