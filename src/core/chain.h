/*
 * chain.h: the epoch chain, whose WAL a node holds.
 *
 * An epoch is the WAL that one leader wrote: (term, timeline, start LSN). A chain is the list of them, oldest first,
 * with strictly growing terms and starts that never go back. PostgreSQL's timeline number alone does not tell whose
 * WAL it is: two nodes that were promoted apart take the same number (E9). The chain does.
 *
 * The oldest entry of a new cluster is (0, timeline, 0): the WAL from before the first election. When a chain grows
 * beyond HA_CHAIN_MAX its oldest entry is dropped.
 */
#ifndef HA_CORE_CHAIN_H
#define HA_CORE_CHAIN_H

#include "core/types.h"

#define HA_CHAIN_MAX 64

typedef struct HaEpoch
{
	HaTerm term;
	HaTli tli;
	HaLsn start;				/* end of the WAL before it; its own bytes are those after */
} HaEpoch;

typedef struct HaChain
{
	uint32_t count;
	HaEpoch epoch[HA_CHAIN_MAX];
} HaChain;

/* What a node that wants to follow must do first (rejoin, R38). */
typedef enum HaLineage
{
	HA_LINEAGE_STREAM,			/* its WAL is a prefix of the leader's: follow */
	HA_LINEAGE_REWIND,			/* it has WAL after `fork` that the leader has not */
	HA_LINEAGE_CLONE			/* no common epoch, or one timeline number with two histories: pg_rewind would lie */
} HaLineage;

typedef struct HaComparison
{
	HaLineage lineage;
	HaLsn fork;					/* last common position when lineage is REWIND, else 0 */
} HaComparison;

/* True when the chain could have been made by this code; asked of every chain that comes from outside. */
extern bool ha_chain_valid(const HaChain *chain);

/* The last epoch, NULL when the chain is empty. */
static inline const HaEpoch *
ha_chain_last(const HaChain *chain)
{
	return chain->count == 0 ? NULL : &chain->epoch[chain->count - 1];
}

/* The epoch that the last byte before lsn belongs to (the last with start < lsn), NULL when none. */
extern const HaEpoch *ha_chain_at(const HaChain *chain, HaLsn lsn);

/* Adds an epoch. Its term must be above the last one's and its start not before the last one's. */
extern void ha_chain_append(HaChain *chain, HaEpoch epoch);

/* The highest timeline number in the chain (R17). */
extern HaTli ha_chain_tli_max(const HaChain *chain);

/*
 * True when some epoch of the chain was written on this timeline, beginning there. start = 0: not known, the number
 * alone decides. The first epoch of a cluster begins at 0 whatever its timeline's beginning.
 */
extern bool ha_chain_names(const HaChain *chain, HaTli tli, HaLsn start);

/* Drops the epochs that begin at or after lsn, but never the first: what is held ends there. */
extern void ha_chain_cut(HaChain *chain, HaLsn lsn);

/*
 * Compares the WAL that is held (its chain and its end) with the leader's chain. `own_tli` and `own_tli_start` say on
 * which timeline PostgreSQL itself sees the end, 0 when not known: an end on a timeline that the own chain does not
 * name was written outside the cluster (a promotion by hand, S34).
 */
extern HaComparison ha_chain_compare(const HaChain *own, HaLsn own_lsn, HaTli own_tli, HaLsn own_tli_start,
									 const HaChain *leader);

#endif
