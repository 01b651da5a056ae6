/*
 * test_members.c: what is shown of a member (ops/members).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/members.h"

static HaStatus status;

/* n1 leads and tells; n2 follows; n3 is a witness. */
static int
set_up(void **state)
{
	HaRegister *reg = &status.reg;

	(void) state;
	memset(&status, 0, sizeof(status));
	status.has_register = true;
	status.id = status.leader = 1;
	status.term = 5;
	status.role = HA_ROLE_LEADER;
	status.promise_ms = 3000;
	status.lease_left_us = 2000 * HA_US_PER_MS;
	reg->member_count = 3;
	reg->voters = 0xe;
	ha_chain_append(&reg->chain, (HaEpoch){0, 1, 0});
	ha_chain_append(&reg->chain, (HaEpoch){5, 2, 1000});
	status.summary_count = 3;
	for (uint32_t i = 0; i < 3; i++)
	{
		reg->member[i].id = status.summary[i].id = i + 1;
		reg->member[i].flags = i < 2 ? HA_MEMBER_DATA : 0;
		reg->member[i].name[0] = 'n';
		reg->member[i].name[1] = (char) ('1' + i);
		status.summary[i].joined_term = 5;
	}
	status.summary[0].position = (HaPosition){5, 3000};
	status.summary[1].position = (HaPosition){5, 2500};
	return 0;
}

static HaMemberRow
row(HaId id)
{
	return ha_members_row(&status, ha_register_member(&status.reg, id));
}

static void
is(HaId id, const char *role, const char *state, bool well)
{
	HaMemberRow r = row(id);

	assert_string_equal(r.role, role);
	assert_string_equal(r.state, state);
	assert_int_equal(r.well, well);
}

static void
test_all_well(void **state)
{
	HaMemberRow r;

	(void) state;
	is(1, "leader", "leader", true);
	is(2, "standby", "following", true);
	is(3, "witness", "voting", true);
	r = row(1);
	assert_true(r.lsn == 3000 && r.tli == 2 && r.lag_bytes == 0 && r.lease_ms == 2000 && r.sync == NULL);
	r = row(2);
	assert_true(r.lsn == 2500 && r.tli == 2 && r.lag_bytes == 500 && r.seen_ms == 0 && r.lease_ms == -1);
	assert_string_equal(r.sync, "async");
	assert_string_equal(r.kind, "data");
	r = row(3);
	assert_true(r.lsn == 0 && r.lag_bytes == -1 && r.sync == NULL);
	assert_string_equal(r.kind, "witness");
}

static void
test_states(void **state)
{
	(void) state;
	status.lease_left_us = 0;
	is(1, "leader", "fenced", false);
	status.reg.paused = true;
	is(1, "leader", "leader", true);

	status.summary[1].blocks = 1;
	is(2, "standby", "blocked", false);
	status.summary[1].joined_term = 4;
	is(2, "standby", "joining", false);
	status.summary[1].primary = true;
	is(2, "standby", "deposed primary", false);
	status.summary[1].seen_ms = 3001;
	is(2, "standby", "silent", false);
	status.summary[1].seen_ms = UINT32_MAX;
	assert_true(row(2).seen_ms == -1);
	status.reg.voters = 2;
	is(2, "learner", "silent", false);
	status.summary_count = 0;
	is(2, "learner", "unknown", false);
}

static void
test_learner_is_not_well(void **state)
{
	(void) state;
	status.reg.voters = 2;
	is(2, "learner", "following", false);
	is(3, "witness", "voting", false);
}

/* What the last leader said of the others is no news. */
static void
test_no_leader(void **state)
{
	(void) state;
	status.leader = 0;
	status.id = 2;
	status.role = HA_ROLE_CANDIDATE;
	is(1, "standby", "unknown", false);
	is(2, "standby", "candidate", false);
	is(3, "witness", "unknown", false);
	assert_true(row(1).seen_ms == -1 && row(1).lag_bytes == -1 && row(1).lsn == 3000);
}

/* Told by a standby: the leader's lease is the leader's to know. */
static void
test_told_by_another(void **state)
{
	(void) state;
	status.id = 2;
	status.role = HA_ROLE_FOLLOWER;
	status.lease_left_us = 0;
	is(1, "leader", "leader", true);
	assert_true(row(1).lease_ms == -1);
}

static void
test_sync(void **state)
{
	(void) state;
	status.reg.rule = (HaSyncRule){true, 1, 0x6};
	assert_string_equal(row(2).sync, "quorum");
	status.reg.rule.sync_set = 0x2;
	assert_string_equal(row(2).sync, "async");
	status.reg.rule = (HaSyncRule){true, 0, 0x6};
	assert_string_equal(row(2).sync, "async");
	assert_null(row(1).sync);
}

/* WAL of a term that the leader has not: its timeline is not known, although its position lies in the chain. */
static void
test_foreign_term(void **state)
{
	(void) state;
	status.summary[1].position = (HaPosition){4, 2500};
	assert_true(row(2).lsn == 2500 && row(2).tli == 0);
}

static void
test_blocks(void **state)
{
	int bit = 0;

	(void) state;
	assert_string_equal(ha_members_next_block(0x41, &bit), "replay paused");
	assert_string_equal(ha_members_next_block(0x41, &bit), "settings overridden");
	assert_null(ha_members_next_block(0x41, &bit));
	bit = 0;
	assert_null(ha_members_next_block(0, &bit));
	assert_string_equal(ha_members_name(&status, 2), "n2");
	assert_null(ha_members_name(&status, 9));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_well, set_up),
		cmocka_unit_test_setup(test_states, set_up),
		cmocka_unit_test_setup(test_learner_is_not_well, set_up),
		cmocka_unit_test_setup(test_no_leader, set_up),
		cmocka_unit_test_setup(test_told_by_another, set_up),
		cmocka_unit_test_setup(test_sync, set_up),
		cmocka_unit_test_setup(test_foreign_term, set_up),
		cmocka_unit_test_setup(test_blocks, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
