/*
 * test_quorum.c: majorities and data quorums, over every set there is of up to seven members (R15, R20, R26, R31).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/quorum.h"

/* Members 1 to 7: every set is a number from 0 to 127, shifted by one, as no member is number 0. */
#define MEMBERS 7
#define SETS (1u << MEMBERS)
#define SET(n) ((HaSet) (n) << 1)

static void
test_sets(void **state)
{
	(void) state;
	assert_int_equal(ha_set_of(0), 0);
	assert_int_equal(ha_set_of(1), 2);
	assert_int_equal(ha_set_of(HA_ID_MAX), (HaSet) 1 << 31);
	assert_int_equal(ha_set_of(HA_ID_MAX + 1), 0);
	assert_int_equal(ha_set_of(UINT32_MAX), 0);
	assert_true(ha_set_has(SET(5), 3));
	assert_false(ha_set_has(SET(5), 2));
	assert_false(ha_set_has(UINT32_MAX, 0));
	assert_int_equal(ha_set_count(SET(0x55)), 4);
	assert_int_equal(ha_set_first(0), 0);
	assert_int_equal(ha_set_first(SET(4)), 3);
}

/* The loop that the header shows visits every member once, in order. */
static void
test_set_loop(void **state)
{
	(void) state;
	for (unsigned n = 0; n < SETS; n++)
	{
		HaSet visited = 0;
		HaId last = 0;
		HaId id;

		for (HaSet s = SET(n); (id = ha_set_first(s)) != 0; s &= s - 1)
		{
			assert_true(id > last);
			last = id;
			visited |= ha_set_of(id);
		}
		assert_int_equal(visited, SET(n));
	}
}

static void
test_majority_of_configured_voters(void **state)
{
	(void) state;
	assert_false(ha_majority(SET(0x7F), 0));
	for (unsigned voters = 1; voters < SETS; voters++)
	{
		for (unsigned yes = 0; yes < SETS; yes++)
		{
			bool more_than_half = 2 * ha_set_count(SET(yes & voters)) > ha_set_count(SET(voters));

			assert_int_equal(ha_majority(SET(yes), SET(voters)), more_than_half);
		}
	}
}

static void
test_majorities_intersect(void **state)
{
	(void) state;
	for (unsigned voters = 1; voters < SETS; voters++)
	{
		for (unsigned a = 0; a < SETS; a++)
		{
			if (!ha_majority(SET(a), SET(voters)))
				continue;
			for (unsigned b = 0; b < SETS; b++)
			{
				if (ha_majority(SET(b), SET(voters)))
					assert_int_not_equal(a & b & voters, 0);
			}
		}
	}
}

/* While the list of voters changes, what is decided meets every majority of the old list and of the new one (R26). */
static void
test_joint_majority(void **state)
{
	(void) state;
	for (unsigned now = 1; now < SETS; now++)
	{
		for (unsigned was = 0; was < SETS; was++)
		{
			for (unsigned yes = 0; yes < SETS; yes++)
			{
				bool wanted = ha_majority(SET(yes), SET(now)) && (was == 0 || ha_majority(SET(yes), SET(was)));

				assert_int_equal(ha_majority_joint(SET(yes), SET(now), SET(was)), wanted);
			}
		}
	}
	assert_false(ha_majority_joint(SET(0x7F), 0, SET(1)));
}

static void
test_sync_satisfied(void **state)
{
	const HaSyncRule rule = {true, 2, SET(0x7)};
	const HaSyncRule alone = {true, 0, SET(0x7)};
	const HaSyncRule async = {false, 2, SET(0x7)};

	(void) state;
	/* The leader does not count for itself, nor does who is not in the set. */
	assert_true(ha_sync_satisfied(&rule, 1, SET(0x6)));
	assert_false(ha_sync_satisfied(&rule, 1, SET(0x3)));
	assert_false(ha_sync_satisfied(&rule, 1, SET(0xB)));
	assert_true(ha_sync_satisfied(&rule, 4, SET(0x3)));
	assert_true(ha_sync_satisfied(&alone, 1, 0));
	assert_true(ha_sync_satisfied(&async, 1, 0));
}

/* Is there a set of holders that lets `leader` acknowledge, and that `granted` does not meet? */
static bool
can_be_missed(const HaSyncRule *rule, HaId leader, HaSet granted)
{
	for (unsigned holders = 0; holders < SETS; holders++)
	{
		if (ha_sync_satisfied(rule, leader, SET(holders)) &&
			(granted & (SET(holders) | ha_set_of(leader))) == 0)
			return true;
	}
	return false;
}

/*
 * R15 for every set S, every k and every last leader: who wins has met every set that could have acknowledged; and the
 * rule refuses nobody who has.
 */
static void
test_data_quorum_meets_every_acknowledgement(void **state)
{
	(void) state;
	for (unsigned set = 0; set < SETS; set++)
	{
		for (uint32_t k = 0; k <= (uint32_t) ha_set_count(SET(set)); k++)
		{
			HaSyncRule rule = {true, k, SET(set)};

			for (HaId leader = 1; leader <= MEMBERS; leader++)
			{
				for (unsigned granted = 0; granted < SETS; granted++)
					assert_int_equal(ha_data_quorum(&rule, leader, SET(granted)),
									 !can_be_missed(&rule, leader, SET(granted)));
			}
		}
	}
}

static void
test_data_quorum_async(void **state)
{
	const HaSyncRule async = {false, 0, 0};

	(void) state;
	assert_false(ha_data_quorum(&async, 1, 0));
	assert_true(ha_data_quorum(&async, 1, SET(2)));
}

/* The leader that was allowed to go on alone is the only one who may be elected. */
static void
test_data_quorum_alone(void **state)
{
	const HaSyncRule alone = {true, 0, SET(0x3)};

	(void) state;
	assert_true(ha_data_quorum(&alone, 1, SET(0x1)));
	assert_false(ha_data_quorum(&alone, 1, SET(0x7E)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_set_loop),
		cmocka_unit_test(test_majority_of_configured_voters),
		cmocka_unit_test(test_majorities_intersect),
		cmocka_unit_test(test_joint_majority),
		cmocka_unit_test(test_sync_satisfied),
		cmocka_unit_test(test_data_quorum_meets_every_acknowledgement),
		cmocka_unit_test(test_data_quorum_async),
		cmocka_unit_test(test_data_quorum_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
