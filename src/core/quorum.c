/*
 * quorum.c: see quorum.h. The intersection of what is accepted here is brute-forced in test/unit/test_quorum.c.
 */
#include "core/quorum.h"
#include "core/mutant.h"

bool
ha_majority(HaSet yes, HaSet voters)
{
	return voters != 0 && ha_set_count(yes & voters) >= ha_majority_of(ha_set_count(voters));
}

bool
ha_majority_joint(HaSet yes, HaSet voters, HaSet voters_previous)
{
	if (!ha_majority(yes, voters))
		return false;
	return voters_previous == 0 || HA_MUTANT(NEW_VOTERS_ONLY) || ha_majority(yes, voters_previous);
}

bool
ha_sync_satisfied(const HaSyncRule *rule, HaId leader, HaSet holders)
{
	HaSet others = rule->sync_set & ~ha_set_of(leader);

	return !rule->sync || ha_set_count(holders & others) >= (int) rule->k;
}

bool
ha_data_quorum(const HaSyncRule *rule, HaId last_leader, HaSet granted)
{
	HaSet others = rule->sync_set & ~ha_set_of(last_leader);

	if (!rule->sync || HA_MUTANT(NO_DATA_QUORUM))
		return granted != 0;
	if (ha_set_has(granted, last_leader))
		return true;
	if (HA_MUTANT(WITNESS_IS_DATA))
		return ha_set_count(granted) >= ha_set_count(others) - (int) rule->k + 1;
	return ha_set_count(granted & others) >= ha_set_count(others) - (int) rule->k + 1;
}
