/*
 * test_prng.c: the generator gives the same numbers everywhere, and passable ones.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/prng.h"

/* Computed apart, from the published definitions of splitmix64 and xorshift64*. */
static void
test_known_numbers(void **state)
{
	const uint64_t from_0[] = {UINT64_C(0x7BBCB40D550682D0), UINT64_C(0xDE7FE413D00CC9FD),
							   UINT64_C(0xB3C638353C668C91)};
	const uint64_t from_42[] = {UINT64_C(0x31B0ECE7C4F697A2), UINT64_C(0x9008A3B1CB686F03),
								UINT64_C(0x7C7173ABD97BE16F)};
	HaPrng a;
	HaPrng b;

	(void) state;
	ha_prng_seed(&a, 0);
	ha_prng_seed(&b, 42);
	for (int i = 0; i < 3; i++)
	{
		assert_true(ha_prng_next(&a) == from_0[i]);
		assert_true(ha_prng_next(&b) == from_42[i]);
	}
}

static void
test_never_stuck(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 100000; seed++)
	{
		HaPrng prng;

		ha_prng_seed(&prng, seed);
		assert_true(prng.state != 0);
		ha_prng_seed(&prng, ~seed);
		assert_true(prng.state != 0);
		ha_prng_next(&prng);
		assert_true(prng.state != 0);
	}
}

static void
test_below(void **state)
{
	HaPrng prng;
	int seen[7] = {0};

	(void) state;
	ha_prng_seed(&prng, 1);
	for (int i = 0; i < 70000; i++)
	{
		uint32_t n = ha_prng_below(&prng, 7);

		assert_true(n < 7);
		seen[n]++;
	}
	for (int i = 0; i < 7; i++)
		assert_in_range(seen[i], 9500, 10500);
	assert_int_equal(ha_prng_below(&prng, 0), 0);
	assert_int_equal(ha_prng_below(&prng, 1), 0);
	for (int i = 0; i < 1000; i++)
		assert_true(ha_prng_below(&prng, UINT32_MAX) < UINT32_MAX);
}

/* Seeds that differ in one bit give numbers that differ in about half of theirs. */
static void
test_neighbouring_seeds(void **state)
{
	int differing = 0;

	(void) state;
	for (int bit = 0; bit < 64; bit++)
	{
		HaPrng a;
		HaPrng b;

		ha_prng_seed(&a, 5);
		ha_prng_seed(&b, 5 ^ (UINT64_C(1) << bit));
		differing += __builtin_popcountll(ha_prng_next(&a) ^ ha_prng_next(&b));
	}
	assert_in_range(differing / 64, 24, 40);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_numbers),
		cmocka_unit_test(test_never_stuck),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_neighbouring_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
