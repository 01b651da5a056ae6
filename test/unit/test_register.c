/*
 * test_register.c: what a register may hold, and what is read from it (R25 to R30).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/register.h"
#include "test/unit/support/sample.h"

static HaRegister reg;

static int
begin(void **state)
{
	(void) state;
	sample_register(&reg);
	return 0;
}

/* One change to a valid register makes it invalid; then it is valid again. */
#define ASSERT_BREAKS(change) \
	do { \
		HaRegister saved_ = reg; \
		assert_true(ha_register_valid(&reg)); \
		change; \
		assert_false(ha_register_valid(&reg)); \
		reg = saved_; \
	} while (0)

static void
test_valid_members(void **state)
{
	(void) state;
	ASSERT_BREAKS(reg.member_count = HA_MEMBERS_MAX + 1);
	ASSERT_BREAKS(reg.member_count = UINT32_MAX);
	ASSERT_BREAKS(reg.member[1].id = 0);
	ASSERT_BREAKS(reg.member[1].id = HA_ID_MAX + 1);
	ASSERT_BREAKS(reg.member[1].id = 1);
	ASSERT_BREAKS(memcpy(reg.member[1].name, "n1", 3));
	ASSERT_BREAKS(reg.member[0].name[0] = '\0');
	ASSERT_BREAKS(memset(reg.member[0].name, 'x', sizeof(reg.member[0].name)));
	ASSERT_BREAKS(memset(reg.member[0].peer_host, '1', sizeof(reg.member[0].peer_host)));
	ASSERT_BREAKS(memset(reg.member[0].sql_host, '1', sizeof(reg.member[0].sql_host)));
	ASSERT_BREAKS(reg.member[0].sql_host[2] = '\n');
	ASSERT_BREAKS(reg.member[0].peer_host[2] = ' ');
	ASSERT_BREAKS(reg.member[0].peer_host[2] = '\x7f');
	ASSERT_BREAKS(reg.member[0].priority = 1001);
	ASSERT_BREAKS(reg.member[0].flags |= 2);
}

static void
test_valid_sets(void **state)
{
	(void) state;
	ASSERT_BREAKS(reg.voters = 0);
	ASSERT_BREAKS(reg.voters |= ha_set_of(9));
	ASSERT_BREAKS(reg.voters |= 1);
	ASSERT_BREAKS(reg.voters_previous = ha_set_of(9));
	/* A witness holds no data. */
	ASSERT_BREAKS(reg.rule.sync_set |= ha_set_of(3));
	ASSERT_BREAKS(reg.rule.sync_set |= ha_set_of(9));
	ASSERT_BREAKS(reg.rule.k = HA_MEMBERS_MAX + 1);
	ASSERT_BREAKS(reg.k_wanted = HA_MEMBERS_MAX + 1);
	ASSERT_BREAKS(reg.k_min = reg.k_wanted + 1);
}

static void
test_valid_numbers(void **state)
{
	(void) state;
	ASSERT_BREAKS(reg.version.term = HA_TERM_MAX);
	ASSERT_BREAKS(reg.tli_max = 2);
	ASSERT_BREAKS(reg.chain.count = HA_CHAIN_MAX + 1);
	ASSERT_BREAKS(reg.chain.epoch[2].term = 3);
}

static void
test_largest_is_valid(void **state)
{
	(void) state;
	sample_register_largest(&reg);
	assert_true(ha_register_valid(&reg));
}

static void
test_names(void **state)
{
	const char *good[] = {"a", "N1", "_x", "n-1", "9", "abcdefghijklmnopqrstuvwxyz01234"};
	const char *bad[] = {"", "-n", "n 1", "n.1", "n/1", "../n", "n\n", "\xc3\xa4", "n'1", "n\"1", "n;1",
						 "abcdefghijklmnopqrstuvwxyz012345"};

	(void) state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(ha_name_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ha_name_valid(bad[i]));
}

static void
test_versions(void **state)
{
	(void) state;
	assert_int_equal(ha_version_compare((HaVersion){1, 9}, (HaVersion){2, 1}), -1);
	assert_int_equal(ha_version_compare((HaVersion){2, 1}, (HaVersion){1, 9}), 1);
	assert_int_equal(ha_version_compare((HaVersion){2, 1}, (HaVersion){2, 2}), -1);
	assert_int_equal(ha_version_compare((HaVersion){2, 2}, (HaVersion){2, 1}), 1);
	assert_int_equal(ha_version_compare((HaVersion){2, 2}, (HaVersion){2, 2}), 0);
}

static void
test_members(void **state)
{
	(void) state;
	assert_string_equal(ha_register_member(&reg, 2)->name, "n2");
	assert_null(ha_register_member(&reg, 0));
	assert_null(ha_register_member(&reg, 4));
	assert_ptr_equal(ha_register_member_mut(&reg, 3), &reg.member[2]);
	assert_null(ha_register_member_mut(&reg, 4));
	assert_int_equal(ha_register_members(&reg), ha_set_of(1) | ha_set_of(2) | ha_set_of(3));
	assert_int_equal(ha_register_data(&reg), ha_set_of(1) | ha_set_of(2));
	reg.voters = ha_set_of(2) | ha_set_of(3);
	assert_int_equal(ha_register_data_voters(&reg), ha_set_of(2));
}

/* R18: not a witness, not a learner, not priority 0, not a stranger. */
static void
test_may_lead(void **state)
{
	(void) state;
	assert_true(ha_register_may_lead(&reg, 1));
	assert_true(ha_register_may_lead(&reg, 2));
	assert_false(ha_register_may_lead(&reg, 3));
	assert_false(ha_register_may_lead(&reg, 4));
	assert_false(ha_register_may_lead(&reg, 0));
	reg.member[0].priority = 0;
	assert_false(ha_register_may_lead(&reg, 1));
	reg.voters = ha_set_of(1) | ha_set_of(3);
	assert_false(ha_register_may_lead(&reg, 2));
}

static void
test_drop(void **state)
{
	const HaMember nobody = {0};

	(void) state;
	ha_register_drop(&reg, 9);
	assert_int_equal(reg.member_count, 3);
	ha_register_drop(&reg, 1);
	assert_int_equal(reg.member_count, 2);
	assert_int_equal(reg.member[0].id, 2);
	assert_int_equal(reg.member[1].id, 3);
	assert_memory_equal(&reg.member[2], &nobody, sizeof(nobody));
	assert_int_equal(reg.rule.sync_set, ha_set_of(2));
	/* The voters are the caller's business; without them the register is not valid. */
	assert_false(ha_register_valid(&reg));
	reg.voters &= ~ha_set_of(1);
	assert_true(ha_register_valid(&reg));
}

static void
test_drop_from_a_full_list(void **state)
{
	(void) state;
	sample_register_largest(&reg);
	ha_register_drop(&reg, HA_MEMBERS_MAX);
	assert_int_equal(reg.member_count, HA_MEMBERS_MAX - 1);
	ha_register_drop(&reg, 1);
	assert_int_equal(reg.member_count, HA_MEMBERS_MAX - 2);
	assert_int_equal(reg.member[0].id, 2);
}

static void
test_free_id(void **state)
{
	(void) state;
	assert_int_equal(ha_register_free_id(&reg), 4);
	ha_register_drop(&reg, 2);
	assert_int_equal(ha_register_free_id(&reg), 2);
	reg = (HaRegister){0};
	assert_int_equal(ha_register_free_id(&reg), 1);
	sample_register_largest(&reg);
	assert_int_equal(ha_register_free_id(&reg), HA_MEMBERS_MAX + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_valid_members, begin),
		cmocka_unit_test_setup(test_valid_sets, begin),
		cmocka_unit_test_setup(test_valid_numbers, begin),
		cmocka_unit_test_setup(test_largest_is_valid, begin),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_versions),
		cmocka_unit_test_setup(test_members, begin),
		cmocka_unit_test_setup(test_may_lead, begin),
		cmocka_unit_test_setup(test_drop, begin),
		cmocka_unit_test_setup(test_drop_from_a_full_list, begin),
		cmocka_unit_test_setup(test_free_id, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
