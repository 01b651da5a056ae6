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
	HaUs newest_us[HA_ID_MAX + 1];	/* what the voters have answered, the newest first */
	int count = 0;

	for (HaSet s = voters; s != 0; s &= s - 1)
	{
		HaUs round_us = acked_us[ha_set_first(s)];
		int i = count++;

		for (; i > 0 && newest_us[i - 1] < round_us; i--)
			newest_us[i] = newest_us[i - 1];
		newest_us[i] = round_us;
	}
	return count == 0 ? 0 : newest_us[ha_majority_of(count) - 1];
}
