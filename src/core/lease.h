/*
 * lease.h: the arithmetic of promise and lease (R9, R19, R20).
 *
 * The leader's lease runs for 0.8 x promise from the moment at which a round was first sent. No clock discipline that
 * Linux accepts makes one node's elapsed time differ from another's by more than 1.224, and 0.8 < 1 / 1.224: so the
 * lease is over before the first follower's promise is.
 */
#ifndef HA_CORE_LEASE_H
#define HA_CORE_LEASE_H

#include "core/types.h"

#define HA_PROMISE_MS_MIN 150
#define HA_PROMISE_MS_MAX 60000

/* A moment after which both clocks have advanced far enough. */
typedef struct HaUntil
{
	HaUs boot_us;
	HaUs mono_us;
} HaUntil;

static inline HaUntil
ha_until(HaNow now, HaUs length_us)
{
	return (HaUntil){now.boot_us + length_us, now.mono_us + length_us};
}

/* Over only when both clocks say so (R9); {0, 0} is long over. */
static inline bool
ha_until_over(HaUntil until, HaNow now)
{
	return now.boot_us >= until.boot_us && now.mono_us >= until.mono_us;
}

/* The later end of two, clock by clock: a promise is never shortened by a second one. */
static inline HaUntil
ha_until_later(HaUntil a, HaUntil b)
{
	return (HaUntil){a.boot_us > b.boot_us ? a.boot_us : b.boot_us,
					 a.mono_us > b.mono_us ? a.mono_us : b.mono_us};
}

/* BOOTTIME until which a round sent at start_us lets the leader acknowledge; the guard is a fiftieth of the promise. */
extern HaUs ha_lease_end(HaUs start_us, uint32_t promise_ms);

/*
 * The start of the newest round that a majority supports: acked_us[id] is the newest round that member `id` answered,
 * 0 for none. Only members of `voters` count, each once (R20). 0 when no majority has answered any round.
 */
extern HaUs ha_lease_start(const HaUs acked_us[HA_ID_MAX + 1], uint32_t voters);

#endif
