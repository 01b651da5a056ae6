/*
 * test_clock.c: the clocks go on, in microseconds, and side by side.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>

#include "io/clock.h"

static void
test_goes_on(void **state)
{
	HaNow first = ha_clock_now();
	HaNow last = first;

	(void) state;
	for (int i = 0; i < 100000; i++)
	{
		HaNow now = ha_clock_now();

		assert_true(now.boot_us >= last.boot_us && now.mono_us >= last.mono_us);
		last = now;
	}
	assert_true(last.boot_us > first.boot_us && last.mono_us > first.mono_us);
	/* Both count microseconds: between two readings they went on by as much, but for the reading itself. */
	assert_true((last.boot_us - first.boot_us) - (last.mono_us - first.mono_us) < 1000000);
	assert_true((last.mono_us - first.mono_us) - (last.boot_us - first.boot_us) < 1000000);
	/* BOOTTIME counts the time of suspension too. */
	assert_true(last.boot_us >= last.mono_us - 1000000);
}

/* Microseconds since 1970: some time between the years 2020 and 2120. */
static void
test_wall_clock(void **state)
{
	(void) state;
	assert_in_range(ha_clock_wall_us(), INT64_C(1577836800000000), INT64_C(4733510400000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_wall_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
