/*
 * clock.c: see clock.h.
 */
#include "io/clock.h"

#include <stdlib.h>
#include <time.h>

static int64_t
read_us(clockid_t clock)
{
	struct timespec time;

	/*
	 * Fails only for a clock that the kernel does not have: then no lease could be counted, so nothing may go
	 * on.
	 */
	if (clock_gettime(clock, &time) != 0)
		abort();
	return (int64_t) time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

HaNow
ha_clock_now(void)
{
	HaNow now;

	now.boot_us = read_us(CLOCK_BOOTTIME);
	now.mono_us = read_us(CLOCK_MONOTONIC);
	return now;
}

int64_t
ha_clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}
