/*
 * test_readiness.c: would a failover succeed now, and what stands against it (ops/readiness).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/readiness.h"
#include "test/unit/support/sample.h"

static HaStatus status;
static HaSummary *n2;
static HaSummary *w3;

/* n1 leads term 7; n2 and the witness w3 answer. */
static int
start(void **state)
{
	(void) state;
	memset(&status, 0, sizeof(status));
	sample_register(&status.reg);
	status.has_register = true;
	status.id = 1;
	status.role = HA_ROLE_LEADER;
	status.term = 7;
	status.promise_ms = 3000;
	status.summary_count = 3;
	for (uint32_t i = 0; i < 3; i++)
		status.summary[i] = (HaSummary){.id = i + 1, .seen_ms = 100, .joined_term = 7, .position = {7, 0x6000000}};
	status.summary[0].primary = true;
	n2 = &status.summary[1];
	w3 = &status.summary[2];
	return 0;
}

static void
expect(HaReadiness readiness, HaId best)
{
	HaId found = 99;

	assert_int_equal(ha_readiness(&status, &found), readiness);
	assert_int_equal(found, best);
	assert_int_equal(ha_readiness(&status, NULL), readiness);
}

static void
test_ready(void **state)
{
	(void) state;
	expect(HA_READINESS_READY, 2);
}

static void
test_only_the_leader_knows(void **state)
{
	(void) state;
	status.role = HA_ROLE_FOLLOWER;
	expect(HA_READINESS_UNKNOWN, 0);
	status.role = HA_ROLE_LEADER;
	status.has_register = false;
	expect(HA_READINESS_UNKNOWN, 0);
}

static void
test_paused(void **state)
{
	(void) state;
	status.reg.paused = true;
	expect(HA_READINESS_PAUSED, 2);
}

static void
test_nobody_else_may_lead(void **state)
{
	(void) state;
	status.reg.member[1].priority = 0;
	expect(HA_READINESS_NO_STANDBY, 0);
}

static void
test_majority(void **state)
{
	(void) state;
	w3->seen_ms = 3001;
	expect(HA_READINESS_NO_MAJORITY, 2);
	w3->seen_ms = 3000;
	expect(HA_READINESS_READY, 2);
	n2->seen_ms = UINT32_MAX;
	expect(HA_READINESS_NO_MAJORITY, 0);
}

static void
test_blocked_standby(void **state)
{
	(void) state;
	n2->blocks = HA_BLOCK_PAUSED_REPLAY;
	expect(HA_READINESS_NONE_READY, 0);
	n2->blocks = 0;
	n2->joined_term = 6;
	expect(HA_READINESS_NONE_READY, 0);
}

/* Two standbys of which one holds every commit: with k = 1, either may hold what the other lacks. */
static void
test_data_quorum(void **state)
{
	(void) state;
	status.reg.member[2].flags = HA_MEMBER_DATA;
	status.reg.rule.sync_set |= ha_set_of(3);
	expect(HA_READINESS_READY, 2);
	status.reg.voters = ha_set_of(1) | ha_set_of(2);
	status.reg.member_count = 2;
	status.summary_count = 2;
	status.reg.voters = ha_set_of(2);
	expect(HA_READINESS_NO_DATA_QUORUM, 2);
	status.reg.rule = (HaSyncRule){false, 0, 0};
	expect(HA_READINESS_READY, 2);
}

static void
test_the_furthest_wins(void **state)
{
	(void) state;
	status.reg.member[2].flags = HA_MEMBER_DATA;
	status.reg.rule = (HaSyncRule){false, 0, 0};
	expect(HA_READINESS_READY, 2);
	status.reg.member[2].priority = 200;
	expect(HA_READINESS_READY, 3);
	n2->position.lsn++;
	expect(HA_READINESS_READY, 2);
}

static void
test_texts(void **state)
{
	(void) state;
	for (int i = 0; i < HA_READINESS_COUNT; i++)
	{
		assert_int_equal(ha_readiness_of_text(ha_readiness_text((HaReadiness) i, false)), i);
		assert_true(strlen(ha_readiness_text((HaReadiness) i, true)) > 0);
	}
	assert_int_equal(ha_readiness_of_text("something else"), HA_READINESS_COUNT);
	assert_int_equal(ha_readiness_of_text(""), HA_READINESS_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ready, start),
		cmocka_unit_test_setup(test_only_the_leader_knows, start),
		cmocka_unit_test_setup(test_paused, start),
		cmocka_unit_test_setup(test_nobody_else_may_lead, start),
		cmocka_unit_test_setup(test_majority, start),
		cmocka_unit_test_setup(test_blocked_standby, start),
		cmocka_unit_test_setup(test_data_quorum, start),
		cmocka_unit_test_setup(test_the_furthest_wins, start),
		cmocka_unit_test(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
