/*
 * lease.c: see lease.h.
 */
#include "core/lease.h"
#include "core/mutant.h"
#include "core/quorum.h"

HaUs
ha_lease_end(HaUs start_us, uint32_t promise_ms)
{
	HaUs promise_us = (HaUs) promise_ms * HA_US_PER_MS;

	if (HA_MUTANT(LEASE_WHOLE_PROMISE))
		return start_us + promise_us;
	return start_us + promise_us * 4 / 5 - promise_us / 50;
}

HaUs
ha_lease_start(const HaUs acked_us[HA_ID_MAX + 1], HaSet voters)
{
	int needed = ha_majority_of(ha_set_count(voters));
	HaUs best = 0;

	/* The answer is one of the rounds: the newest that enough voters have answered or passed. */
	for (HaSet s = voters; s != 0; s &= s - 1)
	{
		HaUs round_us = acked_us[ha_set_first(s)];
		int supporters = 0;

		for (HaSet t = voters; t != 0; t &= t - 1)
			supporters += acked_us[ha_set_first(t)] >= round_us;
		if (supporters >= needed && round_us > best)
			best = round_us;
	}
	return best;
}
