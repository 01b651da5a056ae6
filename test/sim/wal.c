/*
 * wal.c: the tree of records; see wal.h.
 */
#include "test/sim/wal.h"

void
sim_wal_begin(SimWal *wal)
{
	wal->record[0] = (SimRecord){.parent = -1, .depth = 0, .term = 0, .tli = 1, .start = 0, .end = 1000};
	wal->count = 1;
}

bool
sim_wal_room(const SimWal *wal)
{
	return wal->count < SIM_RECORDS_MAX - 64;
}

int
sim_wal_append(SimWal *wal, int parent, HaTerm term, HaTli tli, HaLsn bytes, bool rogue)
{
	SimRecord *r = &wal->record[wal->count];
	const SimRecord *before = &wal->record[parent];

	assert(wal->count < SIM_RECORDS_MAX);
	*r = (SimRecord){.parent = parent, .depth = before->depth + 1, .term = term, .tli = tli,
		.tli_start = tli == before->tli ? before->tli_start : before->end, .start = before->end,
		.end = before->end + bytes, .rogue = rogue};
	return wal->count++;
}

/* The ancestor of `tip` at this depth. */
static int
at_depth(const SimWal *wal, int tip, int depth)
{
	while (wal->record[tip].depth > depth)
		tip = wal->record[tip].parent;
	return tip;
}

bool
sim_wal_holds(const SimWal *wal, int outer, int inner)
{
	return at_depth(wal, outer, wal->record[inner].depth) == inner;
}

int
sim_wal_fork(const SimWal *wal, int a, int b)
{
	a = at_depth(wal, a, wal->record[b].depth);
	b = at_depth(wal, b, wal->record[a].depth);
	while (a != b)
	{
		a = wal->record[a].parent;
		b = wal->record[b].parent;
	}
	return a;
}

int
sim_wal_back(const SimWal *wal, int tip, int steps)
{
	while (steps-- > 0 && wal->record[tip].parent >= 0)
		tip = wal->record[tip].parent;
	return tip;
}

int
sim_wal_at(const SimWal *wal, int tip, HaLsn lsn)
{
	if (lsn > wal->record[tip].end)
		return -1;
	while (wal->record[tip].start >= lsn && wal->record[tip].parent >= 0)
		tip = wal->record[tip].parent;
	return tip;
}

HaPosition
sim_wal_position(const SimWal *wal, int tip)
{
	return (HaPosition){wal->record[tip].term, wal->record[tip].end};
}
