/*
 * fuzz_chain.c: two chains, compared. The first byte says where they come from.
 *
 * Even: both are decoded, so they are valid and otherwise anything. Odd: the rest is a history that can have happened:
 * some epochs shared, then each side its own. Then the truth is known byte by byte, and the comparison must tell it.
 */
#include <stdlib.h>

#include "wire/codec.h"

#define CHECK(claim) ((claim) ? (void) 0 : abort())

static HaChain own;
static HaChain leader;

static bool
holds(const HaChain *chain, const HaEpoch *epoch)
{
	for (uint32_t i = 0; i < chain->count; i++)
	{
		if (chain->epoch[i].term == epoch->term && chain->epoch[i].tli == epoch->tli &&
			chain->epoch[i].start == epoch->start)
			return true;
	}
	return false;
}

static void
compare_anything(HaReader *reader)
{
	HaLsn lsn;
	HaTli tli;
	HaComparison found;
	const HaEpoch *held;

	ha_get_chain(reader, &own);
	ha_get_chain(reader, &leader);
	lsn = ha_get_u64(reader);
	tli = ha_get_u32(reader);
	if (reader->bad)
		return;
	held = ha_chain_at(&own, lsn);
	found = ha_chain_compare(&own, lsn, tli, 0, &leader);
	switch (found.lineage)
	{
		case HA_LINEAGE_STREAM:
			CHECK(found.fork == 0 && held != NULL && holds(&leader, held));
			break;
		case HA_LINEAGE_REWIND:
			CHECK(found.fork < lsn);
			break;
		case HA_LINEAGE_CLONE:
			CHECK(found.fork == 0);
			break;
		default:
			abort();
	}
	found = ha_chain_compare(&own, lsn, 0, 0, &own);
	CHECK(found.lineage == (held != NULL ? HA_LINEAGE_STREAM : HA_LINEAGE_CLONE));
}

/* Whose byte this is: terms are unique, and the last epoch that starts at or before it wrote it. */
static HaTerm
writer_of(const HaChain *chain, HaLsn position)
{
	HaTerm term = 0;

	for (uint32_t i = 0; i < chain->count; i++)
	{
		if (chain->epoch[i].start <= position)
			term = chain->epoch[i].term;
	}
	return term;
}

/*
 * One byte an epoch: what it adds to start and timeline; every promotion takes a new timeline. Our terms are odd once
 * the histories have parted.
 */
static void
grow(HaChain *chain, HaReader *reader, bool odd)
{
	uint8_t count = ha_get_u8(reader) % 6;

	for (; count > 0 && !reader->bad; count--)
	{
		uint8_t step = ha_get_u8(reader);
		HaEpoch last = *ha_chain_last(chain);
		HaTerm term = (last.term / 2 + 1) * 2 + odd;

		ha_chain_append(chain, (HaEpoch){term, last.tli + 1 + step / 32 % 4, last.start + step % 32});
	}
}

/* True when the leader wrote, after the parting, on a timeline that we wrote on too: pg_rewind may see nothing. */
static bool
timelines_collide(HaLsn fork)
{
	for (uint32_t i = 0; i < own.count; i++)
	{
		for (uint32_t j = 0; j < leader.count; j++)
		{
			if (own.epoch[i].start >= fork && own.epoch[i].tli == leader.epoch[j].tli &&
				own.epoch[i].term != leader.epoch[j].term)
				return true;
		}
	}
	return false;
}

static void
compare_histories(HaReader *reader)
{
	HaLsn lsn;
	HaLsn fork = 0;
	HaComparison found;

	own = (HaChain){.count = 1, .epoch = {{0, 1, 0}}};
	grow(&own, reader, false);
	leader = own;
	grow(&leader, reader, false);
	grow(&own, reader, true);
	lsn = 1 + ha_get_u8(reader);
	if (reader->bad)
		return;
	while (fork < lsn && writer_of(&own, fork) == writer_of(&leader, fork))
		fork++;
	found = ha_chain_compare(&own, lsn, 0, 0, &leader);
	if (fork == lsn)
		CHECK(found.lineage == HA_LINEAGE_STREAM);
	else if (found.lineage == HA_LINEAGE_CLONE)
		CHECK(timelines_collide(fork));
	else
	{
		CHECK(found.lineage == HA_LINEAGE_REWIND && found.fork == fork);
		/* Else pg_rewind would say that there is nothing to do. */
		CHECK(ha_chain_at(&own, lsn)->tli != ha_chain_last(&leader)->tli);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HaReader reader = ha_reader(data, size);

	if (ha_get_u8(&reader) % 2 == 0)
		compare_anything(&reader);
	else
		compare_histories(&reader);
	return 0;
}
