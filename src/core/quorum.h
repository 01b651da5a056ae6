/*
 * quorum.h: sets of members, majorities, and the data quorum.
 *
 * All functions are pure. A majority is always that of the configured voters, never of those who can be seen.
 */
#ifndef HA_CORE_QUORUM_H
#define HA_CORE_QUORUM_H

#include "core/types.h"

static inline HaSet
ha_set_of(HaId id)
{
	return id >= 1 && id <= HA_ID_MAX ? (HaSet) 1 << id : 0;
}

static inline bool
ha_set_has(HaSet set, HaId id)
{
	return (set & ha_set_of(id)) != 0;
}

/* Number of members in the set. */
static inline int
ha_set_count(HaSet set)
{
	int count = 0;

	/* Sets are small; without a processor's own instruction the compiler would call a function. */
	for (; set != 0; set &= set - 1)
		count++;
	return count;
}

/* The lowest member of the set, 0 when it is empty. Loops: for (s = set; (id = ha_set_first(s)) != 0; s &= s - 1). */
static inline HaId
ha_set_first(HaSet set)
{
	return set == 0 ? 0 : (HaId) __builtin_ctz(set);
}

/* How many of n voters are a majority. */
static inline int
ha_majority_of(int n)
{
	return n / 2 + 1;
}

/* True when `yes` holds a majority of `voters`. An empty list of voters has no majority. */
extern bool ha_majority(HaSet yes, HaSet voters);

/* The same in both lists while a change of voters is uncommitted; previous = 0 means that there is none (R20, R26). */
extern bool ha_majority_joint(HaSet yes, HaSet voters, HaSet voters_previous);

/*
 * The rule by which commits are acknowledged: flushed on the leader and on k members of sync_set other than the
 * leader (R31). k = 0 in asynchronous mode, and when the leader was allowed to go on alone.
 */
typedef struct HaSyncRule
{
	bool sync;					/* false: asynchronous mode, no data quorum is asked for */
	uint32_t k;
	HaSet sync_set;
} HaSyncRule;

/* True when the members in `holders` (the leader excluded or not) make a commit of `leader` acknowledgeable. */
extern bool ha_sync_satisfied(const HaSyncRule *rule, HaId leader, HaSet holders);

/*
 * R15, the data part: may the granting data members `granted` elect, when `last_leader` acknowledged under `rule`?
 * True iff last_leader is among them or they leave fewer than k others of the set behind:
 * |G & S'| >= |S'| - k + 1 with S' = sync_set without last_leader. Every set that passes meets every set of holders.
 * In asynchronous mode any data member passes.
 */
extern bool ha_data_quorum(const HaSyncRule *rule, HaId last_leader, HaSet granted);

#endif
