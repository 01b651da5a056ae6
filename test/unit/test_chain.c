/*
 * test_chain.c: epoch chains and their comparison (R12, R33, R38, E9, S34).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/chain.h"
#include "core/prng.h"

static HaChain
chain_of(uint32_t count, const HaEpoch *epochs)
{
	HaChain chain = {.count = count};

	for (uint32_t i = 0; i < count; i++)
		chain.epoch[i] = epochs[i];
	return chain;
}

#define CHAIN(...) \
	chain_of((uint32_t) (sizeof((HaEpoch[]){__VA_ARGS__}) / sizeof(HaEpoch)), (HaEpoch[]){__VA_ARGS__})

static void
assert_comparison(HaComparison found, HaLineage lineage, HaLsn fork)
{
	assert_int_equal(found.lineage, lineage);
	assert_int_equal(found.fork, fork);
}

static void
test_valid(void **state)
{
	HaChain full = {.count = HA_CHAIN_MAX};
	HaChain chain;

	(void) state;
	chain = (HaChain){0};
	assert_true(ha_chain_valid(&chain));
	chain = CHAIN({0, 1, 0}, {3, 2, 100}, {4, 2, 100});
	assert_true(ha_chain_valid(&chain));
	chain = CHAIN({0, 0, 0});
	assert_false(ha_chain_valid(&chain));
	chain = CHAIN({HA_TERM_MAX, 1, 0});
	assert_false(ha_chain_valid(&chain));
	chain = CHAIN({HA_TERM_MAX - 1, 1, 0});
	assert_true(ha_chain_valid(&chain));
	chain = CHAIN({3, 1, 0}, {3, 2, 100});
	assert_false(ha_chain_valid(&chain));
	chain = CHAIN({3, 1, 0}, {2, 2, 100});
	assert_false(ha_chain_valid(&chain));
	chain = CHAIN({3, 1, 100}, {4, 2, 99});
	assert_false(ha_chain_valid(&chain));

	for (uint32_t i = 0; i < HA_CHAIN_MAX; i++)
		full.epoch[i] = (HaEpoch){i, 1, i};
	assert_true(ha_chain_valid(&full));
	full.count = HA_CHAIN_MAX + 1;
	assert_false(ha_chain_valid(&full));
	full.count = UINT32_MAX;
	assert_false(ha_chain_valid(&full));
}

static void
test_last_and_at(void **state)
{
	HaChain empty = {0};
	HaChain chain = CHAIN({1, 1, 10}, {2, 2, 20}, {3, 3, 20}, {4, 4, 30});

	(void) state;
	assert_null(ha_chain_last(&empty));
	assert_null(ha_chain_at(&empty, 5));
	assert_int_equal(ha_chain_last(&chain)->term, 4);

	/* The epoch of the last byte before the position: one that starts there has no byte yet. */
	assert_null(ha_chain_at(&chain, 0));
	assert_null(ha_chain_at(&chain, 10));
	assert_int_equal(ha_chain_at(&chain, 11)->term, 1);
	assert_int_equal(ha_chain_at(&chain, 20)->term, 1);
	assert_int_equal(ha_chain_at(&chain, 21)->term, 3);
	assert_int_equal(ha_chain_at(&chain, 30)->term, 3);
	assert_int_equal(ha_chain_at(&chain, UINT64_MAX)->term, 4);
}

static void
test_append_drops_the_oldest(void **state)
{
	HaChain chain = {0};

	(void) state;
	for (uint32_t i = 0; i < HA_CHAIN_MAX + 3; i++)
	{
		ha_chain_append(&chain, (HaEpoch){i, i + 1, i * 10});
		assert_true(ha_chain_valid(&chain));
	}
	assert_int_equal(chain.count, HA_CHAIN_MAX);
	assert_int_equal(chain.epoch[0].term, 3);
	assert_int_equal(ha_chain_last(&chain)->term, HA_CHAIN_MAX + 2);
}

static void
test_tli_max(void **state)
{
	HaChain empty = {0};
	HaChain chain = CHAIN({1, 1, 0}, {2, 5, 10}, {3, 4, 20});

	(void) state;
	assert_int_equal(ha_chain_tli_max(&empty), 0);
	assert_int_equal(ha_chain_tli_max(&chain), 5);
}

static void
test_names(void **state)
{
	HaChain empty = {0};
	HaChain chain = CHAIN({0, 1, 0}, {3, 2, 100}, {4, 3, 200});

	(void) state;
	assert_false(ha_chain_names(&empty, 1, 0));
	assert_true(ha_chain_names(&chain, 2, 100));
	assert_false(ha_chain_names(&chain, 2, 99));
	assert_false(ha_chain_names(&chain, 4, 200));
	/* Not known where it began: the number alone decides. */
	assert_true(ha_chain_names(&chain, 3, 0));
	assert_false(ha_chain_names(&chain, 4, 0));
	/* The first epoch of a cluster begins at 0, wherever its timeline did. */
	assert_true(ha_chain_names(&chain, 1, 55));
}

static void
test_cut(void **state)
{
	HaChain empty = {0};
	HaChain chain = CHAIN({0, 1, 0}, {3, 2, 100}, {4, 3, 200}, {5, 4, 200});

	(void) state;
	ha_chain_cut(&empty, 5);
	assert_int_equal(empty.count, 0);
	ha_chain_cut(&chain, 201);
	assert_int_equal(chain.count, 4);
	/* What begins where the WAL ends holds no byte. */
	ha_chain_cut(&chain, 200);
	assert_int_equal(chain.count, 2);
	ha_chain_cut(&chain, 101);
	assert_int_equal(chain.count, 2);
	ha_chain_cut(&chain, 0);
	assert_int_equal(chain.count, 1);
	assert_int_equal(chain.epoch[0].tli, 1);
}

static void
test_compare_stream(void **state)
{
	HaChain leader = CHAIN({0, 1, 0}, {3, 2, 100}, {7, 3, 200});
	HaChain behind = CHAIN({0, 1, 0}, {3, 2, 100});
	HaChain older = CHAIN({0, 1, 0});

	(void) state;
	assert_comparison(ha_chain_compare(&leader, 250, 3, 0, &leader), HA_LINEAGE_STREAM, 0);
	assert_comparison(ha_chain_compare(&behind, 150, 2, 0, &leader), HA_LINEAGE_STREAM, 0);
	assert_comparison(ha_chain_compare(&behind, 200, 2, 0, &leader), HA_LINEAGE_STREAM, 0);
	assert_comparison(ha_chain_compare(&older, 100, 1, 0, &leader), HA_LINEAGE_STREAM, 0);
	assert_comparison(ha_chain_compare(&older, 50, 0, 0, &leader), HA_LINEAGE_STREAM, 0);
	/* An epoch of one's own without a byte in it is no divergence. */
	behind = CHAIN({0, 1, 0}, {5, 2, 90});
	assert_comparison(ha_chain_compare(&behind, 90, 1, 0, &leader), HA_LINEAGE_STREAM, 0);
}

static void
test_compare_rewind(void **state)
{
	HaChain leader = CHAIN({0, 1, 0}, {3, 2, 100}, {7, 4, 200});
	HaChain own;

	(void) state;
	/* The old leader wrote on after the new one had branched off. */
	own = CHAIN({0, 1, 0}, {3, 2, 100});
	assert_comparison(ha_chain_compare(&own, 201, 2, 0, &leader), HA_LINEAGE_REWIND, 200);
	own = CHAIN({0, 1, 0});
	assert_comparison(ha_chain_compare(&own, 300, 1, 0, &leader), HA_LINEAGE_REWIND, 100);
	/* An epoch that the leader never had, begun before and after the leader's. */
	own = CHAIN({0, 1, 0}, {3, 2, 100}, {5, 3, 150});
	assert_comparison(ha_chain_compare(&own, 151, 3, 0, &leader), HA_LINEAGE_REWIND, 150);
	own = CHAIN({0, 1, 0}, {3, 2, 100}, {5, 3, 250});
	assert_comparison(ha_chain_compare(&own, 260, 3, 0, &leader), HA_LINEAGE_REWIND, 200);
	/* The leader has nothing after the common epoch yet. */
	leader = CHAIN({0, 1, 0}, {3, 2, 100});
	assert_comparison(ha_chain_compare(&own, 260, 3, 0, &leader), HA_LINEAGE_REWIND, 250);
}

static void
test_compare_clone(void **state)
{
	HaChain leader = CHAIN({0, 1, 0}, {3, 2, 100});
	HaChain own;

	(void) state;
	own = (HaChain){0};
	assert_comparison(ha_chain_compare(&own, 50, 1, 0, &leader), HA_LINEAGE_CLONE, 0);
	assert_comparison(ha_chain_compare(&leader, 50, 1, 0, &own), HA_LINEAGE_CLONE, 0);
	assert_comparison(ha_chain_compare(&leader, 0, 1, 0, &leader), HA_LINEAGE_CLONE, 0);
	/* The leader's chain was cut: nothing in common any more. */
	own = CHAIN({0, 1, 0}, {1, 2, 50});
	leader = CHAIN({3, 3, 100}, {4, 4, 200});
	assert_comparison(ha_chain_compare(&own, 60, 2, 0, &leader), HA_LINEAGE_CLONE, 0);
	/* E9: both were promoted to timeline 2, apart; pg_rewind would see nothing to do. */
	leader = CHAIN({0, 1, 0}, {3, 2, 100});
	own = CHAIN({0, 1, 0}, {2, 2, 90});
	assert_comparison(ha_chain_compare(&own, 95, 2, 0, &leader), HA_LINEAGE_CLONE, 0);
	/* The same further on: two epochs of our own, the second with the number that the leader's one has. */
	leader = CHAIN({0, 1, 0}, {3, 2, 100}, {7, 4, 250});
	own = CHAIN({0, 1, 0}, {3, 2, 100}, {5, 3, 200}, {6, 4, 300});
	assert_comparison(ha_chain_compare(&own, 350, 4, 0, &leader), HA_LINEAGE_CLONE, 0);
	assert_comparison(ha_chain_compare(&own, 300, 3, 0, &leader), HA_LINEAGE_REWIND, 200);
	leader = CHAIN({0, 1, 0}, {3, 2, 100}, {7, 5, 250}, {8, 6, 260});
	own = CHAIN({0, 1, 0}, {3, 2, 100}, {4, 6, 200});
	assert_comparison(ha_chain_compare(&own, 350, 6, 0, &leader), HA_LINEAGE_CLONE, 0);
	/* The same numbers but for the start: not the same epoch. */
	leader = CHAIN({0, 1, 0}, {3, 2, 100});
	own = CHAIN({0, 1, 0}, {3, 2, 90});
	assert_comparison(ha_chain_compare(&own, 95, 2, 0, &leader), HA_LINEAGE_CLONE, 0);
}

/* S34: PostgreSQL was promoted by hand, and no epoch of the own chain names its timeline. */
static void
test_compare_promoted_by_hand(void **state)
{
	HaChain leader = CHAIN({0, 1, 0}, {3, 2, 100}, {7, 4, 200});
	HaChain own = CHAIN({0, 1, 0}, {3, 2, 100});

	(void) state;
	assert_comparison(ha_chain_compare(&own, 150, 3, 0, &leader), HA_LINEAGE_REWIND, 100);
	assert_comparison(ha_chain_compare(&own, 250, 3, 0, &leader), HA_LINEAGE_REWIND, 100);
	/* Where that timeline began is known: there is no need to throw more away; or less, for another reason. */
	assert_comparison(ha_chain_compare(&own, 150, 3, 140, &leader), HA_LINEAGE_REWIND, 140);
	assert_comparison(ha_chain_compare(&own, 250, 3, 240, &leader), HA_LINEAGE_REWIND, 200);
	own = CHAIN({0, 1, 0}, {3, 2, 100}, {5, 3, 120});
	assert_comparison(ha_chain_compare(&own, 250, 9, 240, &leader), HA_LINEAGE_REWIND, 120);
	/* A number that the chain names, but begun elsewhere, is another timeline. */
	own = CHAIN({0, 1, 0}, {3, 2, 100});
	assert_comparison(ha_chain_compare(&own, 150, 2, 100, &leader), HA_LINEAGE_STREAM, 0);
	assert_comparison(ha_chain_compare(&own, 150, 2, 95, &leader), HA_LINEAGE_CLONE, 0);
	/* To the very number that the leader took, at once or later. */
	assert_comparison(ha_chain_compare(&own, 250, 4, 0, &leader), HA_LINEAGE_CLONE, 0);
	leader = CHAIN({0, 1, 0}, {3, 2, 100}, {7, 4, 200}, {8, 5, 300});
	assert_comparison(ha_chain_compare(&own, 250, 5, 0, &leader), HA_LINEAGE_CLONE, 0);
	/* Not known: then only the chains speak. */
	assert_comparison(ha_chain_compare(&own, 150, 0, 0, &leader), HA_LINEAGE_STREAM, 0);
}

/* ---- The truth, byte by byte ---- */

/*
 * Random histories: the leader and we share some epochs, then part. Every term writes its own bytes, so the truth is
 * seen by asking at each position whose byte it is: the last epoch that starts at or before it.
 */
static HaTerm
writer_of(const HaChain *chain, HaLsn position)
{
	HaTerm term = 0;

	for (uint32_t i = 0; i < chain->count; i++)
	{
		if (chain->epoch[i].start <= position)
			term = chain->epoch[i].term;
	}
	return term;
}

static void
grow(HaChain *chain, HaPrng *prng, uint32_t count, HaTerm parity, HaTli *tli)
{
	for (uint32_t i = 0; i < count; i++)
	{
		HaEpoch last = *ha_chain_last(chain);
		HaTerm term = (last.term / 2 + 1 + ha_prng_below(prng, 2)) * 2 + parity;

		ha_chain_append(chain, (HaEpoch){term, ++*tli, last.start + ha_prng_below(prng, 5)});
	}
}

static void
test_compare_agrees_with_the_bytes(void **state)
{
	HaPrng prng;
	int seen[3] = {0};

	(void) state;
	ha_prng_seed(&prng, 7);
	for (int round = 0; round < 200000; round++)
	{
		HaChain own = CHAIN({0, 1, 0});
		HaChain leader;
		HaTli tli = 1;
		HaLsn own_lsn;
		HaLsn fork = 0;
		HaComparison found;

		grow(&own, &prng, ha_prng_below(&prng, 4), 0, &tli);
		leader = own;
		grow(&leader, &prng, ha_prng_below(&prng, 3), 0, &tli);
		grow(&own, &prng, ha_prng_below(&prng, 3), 1, &tli);
		own_lsn = 1 + ha_prng_below(&prng, 30);
		while (fork < own_lsn && writer_of(&own, fork) == writer_of(&leader, fork))
			fork++;

		found = ha_chain_compare(&own, own_lsn, 0, 0, &leader);
		seen[found.lineage]++;
		if (fork == own_lsn)
			assert_comparison(found, HA_LINEAGE_STREAM, 0);
		else
		{
			assert_comparison(found, HA_LINEAGE_REWIND, fork);
			/* What is left after the rewind can follow, unless nothing is left. */
			if (fork > 0)
				assert_comparison(ha_chain_compare(&own, fork, 0, 0, &leader), HA_LINEAGE_STREAM, 0);
		}
	}
	assert_true(seen[HA_LINEAGE_STREAM] > 10000 && seen[HA_LINEAGE_REWIND] > 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_last_and_at),
		cmocka_unit_test(test_append_drops_the_oldest),
		cmocka_unit_test(test_tli_max),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_compare_stream),
		cmocka_unit_test(test_compare_rewind),
		cmocka_unit_test(test_compare_clone),
		cmocka_unit_test(test_compare_promoted_by_hand),
		cmocka_unit_test(test_compare_agrees_with_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
