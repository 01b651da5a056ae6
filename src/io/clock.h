/*
 * clock.h: the one place that reads clocks.
 *
 * Leases and promises are counted by BOOTTIME and MONOTONIC only (R9, R19); neither jumps when somebody sets
 * the time. The wall clock is for texts that people read and decides nothing. Both readings are vDSO calls of
 * some 20 ns.
 */
#ifndef HA_IO_CLOCK_H
#define HA_IO_CLOCK_H

#include "core/types.h"

/* Both clocks, in microseconds. Never fails. */
extern HaNow ha_clock_now(void);

/*
 * Microseconds since 1970 by the wall clock, for the texts of events; it may jump, and differs between
 * machines.
 */
extern int64_t ha_clock_wall_us(void);

#endif
