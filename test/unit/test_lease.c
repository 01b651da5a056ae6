/*
 * test_lease.c: the arithmetic of promise and lease (R9, R19, R20).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/lease.h"
#include "core/quorum.h"

/*
 * Linux lets nobody set a clock's tick beyond 9000..11000 of 10000, nor its frequency beyond 500 ppm, and a crystal
 * may be 200 ppm off: so elapsed time is measured with a factor between these two, in ten thousandths.
 */
#define CLOCK_SLOWEST 8993
#define CLOCK_FASTEST 11007

/*
 * A leader on the slowest clock, a follower on the fastest, and the round took no time at all to arrive: the lease is
 * still over before the promise is.
 */
static void
test_lease_ends_before_the_promise(void **state)
{
	(void) state;
	for (uint32_t promise_ms = HA_PROMISE_MS_MIN; promise_ms <= HA_PROMISE_MS_MAX; promise_ms++)
	{
		int64_t lease_us = ha_lease_end(0, promise_ms);
		int64_t promise_us = promise_ms * HA_US_PER_MS;

		/* lease / slowest < promise / fastest, in real time */
		assert_true(lease_us * CLOCK_FASTEST < promise_us * CLOCK_SLOWEST);
		/* ... and not by giving the lease away: it lasts for more than three quarters of the promise. */
		assert_true(lease_us * 4 > promise_us * 3);
	}
}

static void
test_lease_counts_from_the_send(void **state)
{
	(void) state;
	assert_int_equal(ha_lease_end(0, 3000), 2340000);
	assert_int_equal(ha_lease_end(77, 3000), 2340077);
	assert_int_equal(ha_lease_end(INT64_C(1) << 61, 60000) - (INT64_C(1) << 61), 46800000);
}

/* The newest round that a majority answered, the slow way: sort, and take what stands at the majority's place. */
static HaUs
slow_lease_start(const HaUs acked_us[HA_ID_MAX + 1], HaSet voters)
{
	HaUs sorted[HA_ID_MAX];
	int n = 0;

	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		int at = n;

		if (!ha_set_has(voters, id))
			continue;
		for (; at > 0 && sorted[at - 1] < acked_us[id]; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = acked_us[id];
		n++;
	}
	return n == 0 ? 0 : sorted[n / 2];
}

/* Six members with four rounds each, and every list of voters among them. */
static void
test_lease_start(void **state)
{
	(void) state;
	for (unsigned code = 0; code < 4096; code++)
	{
		HaUs acked_us[HA_ID_MAX + 1] = {0};

		for (HaId id = 1; id <= 6; id++)
			acked_us[id] = 1000 * ((code >> (2 * (id - 1))) & 3);
		for (HaSet voters = 0; voters < 128; voters += 2)
			assert_int_equal(ha_lease_start(acked_us, voters), slow_lease_start(acked_us, voters));
	}
}

/* Who does not vote does not count, however often it answers. */
static void
test_lease_start_ignores_strangers(void **state)
{
	HaUs acked_us[HA_ID_MAX + 1];

	(void) state;
	for (HaId id = 0; id <= HA_ID_MAX; id++)
		acked_us[id] = 5000;
	acked_us[1] = 9000;
	acked_us[2] = acked_us[3] = 0;
	assert_int_equal(ha_lease_start(acked_us, ha_set_of(1) | ha_set_of(2) | ha_set_of(3)), 0);
	assert_int_equal(ha_lease_start(acked_us, 0), 0);
}

static void
test_until_needs_both_clocks(void **state)
{
	HaUntil until = ha_until((HaNow){1000, 500}, 100);

	(void) state;
	assert_false(ha_until_over(until, (HaNow){1099, 599}));
	/* The machine was suspended: BOOTTIME went on, MONOTONIC did not. */
	assert_false(ha_until_over(until, (HaNow){9000, 599}));
	assert_false(ha_until_over(until, (HaNow){1099, 9000}));
	assert_true(ha_until_over(until, (HaNow){1100, 600}));
	assert_true(ha_until_over((HaUntil){0, 0}, (HaNow){0, 0}));
}

static void
test_until_is_never_shortened(void **state)
{
	HaUntil later = ha_until_later((HaUntil){10, 99}, (HaUntil){50, 20});

	(void) state;
	assert_int_equal(later.boot_us, 50);
	assert_int_equal(later.mono_us, 99);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lease_ends_before_the_promise),
		cmocka_unit_test(test_lease_counts_from_the_send),
		cmocka_unit_test(test_lease_start),
		cmocka_unit_test(test_lease_start_ignores_strangers),
		cmocka_unit_test(test_until_needs_both_clocks),
		cmocka_unit_test(test_until_is_never_shortened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
