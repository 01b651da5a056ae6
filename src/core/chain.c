/*
 * chain.c: see chain.h.
 */
#include "core/chain.h"

bool
ha_chain_valid(const HaChain *chain)
{
	if (chain->count > HA_CHAIN_MAX)
		return false;
	for (uint32_t i = 0; i < chain->count; i++)
	{
		const HaEpoch *epoch = &chain->epoch[i];

		if (epoch->tli == 0 || epoch->term >= HA_TERM_MAX)
			return false;
		if (i > 0 && (epoch->term <= epoch[-1].term || epoch->start < epoch[-1].start))
			return false;
	}
	return true;
}

const HaEpoch *
ha_chain_at(const HaChain *chain, HaLsn lsn)
{
	for (uint32_t i = chain->count; i-- > 0;)
	{
		if (chain->epoch[i].start < lsn)
			return &chain->epoch[i];
	}
	return NULL;
}

void
ha_chain_append(HaChain *chain, HaEpoch epoch)
{
	const HaEpoch *last = ha_chain_last(chain);

	assert(last == NULL || (epoch.term > last->term && epoch.start >= last->start));
	(void) last;
	if (chain->count == HA_CHAIN_MAX)
	{
		memmove(&chain->epoch[0], &chain->epoch[1], sizeof(HaEpoch) * (HA_CHAIN_MAX - 1));
		chain->count--;
	}
	chain->epoch[chain->count++] = epoch;
}

HaTli
ha_chain_tli_max(const HaChain *chain)
{
	HaTli tli_max = 0;

	for (uint32_t i = 0; i < chain->count; i++)
	{
		if (chain->epoch[i].tli > tli_max)
			tli_max = chain->epoch[i].tli;
	}
	return tli_max;
}

bool
ha_chain_names(const HaChain *chain, HaTli tli, HaLsn start)
{
	/* Mostly it is the last one that is asked for. */
	for (uint32_t i = chain->count; i-- > 0;)
	{
		const HaEpoch *epoch = &chain->epoch[i];

		if (epoch->tli == tli && (epoch->start == start || epoch->start == 0 || start == 0))
			return true;
	}
	return false;
}

void
ha_chain_cut(HaChain *chain, HaLsn lsn)
{
	while (chain->count > 1 && chain->epoch[chain->count - 1].start >= lsn)
		chain->count--;
}

static bool
epoch_equal(const HaEpoch *a, const HaEpoch *b)
{
	return a->term == b->term && a->tli == b->tli && a->start == b->start;
}

/* Index of the equal epoch in the chain, -1 when it is not there. */
static int
find_epoch(const HaChain *chain, const HaEpoch *wanted)
{
	for (uint32_t i = 0; i < chain->count; i++)
	{
		if (epoch_equal(&chain->epoch[i], wanted))
			return (int) i;
	}
	return -1;
}

/* Two histories under one timeline number: the files look alike, the bytes do not (E9). pg_rewind sees nothing then. */
static bool
collides(const HaEpoch *from, const HaChain *leader, HaTli tli)
{
	const HaEpoch *end = leader->epoch + leader->count;

	for (; from != NULL && from < end; from++)
	{
		if (from->tli == tli)
			return true;
	}
	return false;
}

HaComparison
ha_chain_compare(const HaChain *own, HaLsn own_lsn, HaTli own_tli, HaLsn own_tli_start, const HaChain *leader)
{
	const HaComparison clone = {HA_LINEAGE_CLONE, 0};
	bool foreign = own_tli != 0 && !ha_chain_names(own, own_tli, own_tli_start);
	const HaEpoch *common = NULL;	/* the newest held epoch that the leader has too */
	const HaEpoch *stray = NULL;	/* the oldest held epoch after it, which the leader has not */
	const HaEpoch *held;
	const HaEpoch *next;			/* the leader's first epoch after the common one */
	HaLsn fork = own_lsn;

	/* The end lies on a timeline that no own epoch names: WAL of a promotion by hand (S34), from there on. */
	if (foreign && own_tli_start != 0 && own_tli_start < own_lsn)
		fork = own_tli_start;
	held = ha_chain_at(own, fork);
	if (held == NULL)
		return clone;
	if (foreign && own_tli_start == 0)
		fork = held->start;
	for (uint32_t i = 0; &own->epoch[i] <= held; i++)
	{
		if (find_epoch(leader, &own->epoch[i]) >= 0)
			common = &own->epoch[i];
	}
	if (common == NULL)
		return clone;
	if (common < held)
		stray = common + 1;
	next = &leader->epoch[find_epoch(leader, common)] + 1;
	if (next == leader->epoch + leader->count)
		next = NULL;

	if (!foreign && stray == NULL && (next == NULL || own_lsn <= next->start))
		return (HaComparison){HA_LINEAGE_STREAM, 0};
	if (foreign && collides(next, leader, own_tli))
		return clone;
	for (const HaEpoch *e = stray; e != NULL && e <= held; e++)
	{
		if (collides(next, leader, e->tli))
			return clone;
	}
	if (stray != NULL && stray->start < fork)
		fork = stray->start;
	if (next != NULL && next->start < fork)
		fork = next->start;
	return (HaComparison){HA_LINEAGE_REWIND, fork};
}
