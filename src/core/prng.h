/*
 * prng.h: a small seeded generator (xorshift64*), for jitter and for the simulator.
 *
 * Not for secrets. The same seed gives the same numbers everywhere.
 */
#ifndef HA_CORE_PRNG_H
#define HA_CORE_PRNG_H

#include "core/types.h"

typedef struct HaPrng
{
	uint64_t state;
} HaPrng;

/* Any seed will do, 0 too. */
static inline void
ha_prng_seed(HaPrng *prng, uint64_t seed)
{
	/* One round of splitmix64 spreads seeds that differ in one bit, and never leaves the state zero. */
	seed += UINT64_C(0x9E3779B97F4A7C15);
	seed = (seed ^ (seed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	seed = (seed ^ (seed >> 27)) * UINT64_C(0x94D049BB133111EB);
	prng->state = (seed ^ (seed >> 31)) | 1;
}

static inline uint64_t
ha_prng_next(HaPrng *prng)
{
	uint64_t x = prng->state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	prng->state = x;
	return x * UINT64_C(0x2545F4914F6CDD1D);
}

/* A number in 0..n-1; n = 0 gives 0. The bias is below n / 2^32. */
static inline uint32_t
ha_prng_below(HaPrng *prng, uint32_t n)
{
	return (uint32_t) (((ha_prng_next(prng) >> 32) * (uint64_t) n) >> 32);
}

#endif
