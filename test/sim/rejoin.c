/*
 * rejoin.c: what the program does to a stopped server so that it can follow; see pg.h.
 *
 * The ha worker does not run meanwhile. What is assumed of the program, beyond running pg_rewind:
 *	- It copies only from a node that holds WAL of the deciding term or a later one, so that nothing that this member
 *	  shares with the leader is given up.
 *	- It compares the chains itself with those of the very source that it copies from, and clones when they collide, or
 *	  when pg_rewind finds nothing to do.
 *	- When the copy is done, and before PostgreSQL starts, the state file's chain becomes the source's.
 *	- As long as nothing was touched, and nobody to copy from is found, it gives up after a while and starts the server
 *	  as it is: its vote may be needed. Once something was touched it goes on until it succeeds.
 */
#include "test/sim/world.h"

#define TRIES_MAX 8

void
sim_rejoin_begin(SimWorld *w, SimHost *h, const HaEffects *fx)
{
	SimPg *pg = &h->pg;
	SimHost *leader = fx->rejoin_leader == 0 ? NULL : sim_host_of(w, &h->node.hard.reg, fx->rejoin_leader);
	HaTerm term = h->node.hard.term;

	if (!sim_pg_alive(h) || pg->state == SIM_PG_DYING)
		return;
	sim_say(w, h, "rejoin asked for: %s from %llu",
			fx->rejoin.lineage == HA_LINEAGE_STREAM ? "restart" :
			fx->rejoin.lineage == HA_LINEAGE_REWIND ? "rewind" : "clone", (unsigned long long) fx->rejoin.fork);
	pg->rejoin = fx->rejoin;
	pg->rejoin_leader = leader != NULL ? leader->index : SIM_HOSTS_MAX;
	pg->rejoin_term = term;
	pg->rejoin_tries = 0;
	if (pg->epoch != 0 && sim_chance(w, 700))
	{
		/* Stopped cleanly, with a shutdown checkpoint; else by SIGQUIT. */
		sim_pg_write(w, h);
		sim_pg_flushed(w, h);
	}
	sim_worker_end(w, h);
	sim_pg_crash(w, h, true);
	pg->state = SIM_PG_REJOINING;
	sim_timer_set(h, SIM_TIMER_PG, w->now + sim_between(w, 30 * SIM_MS, 400 * SIM_MS));
}

/* Can this node be copied from? */
static bool
fit(SimWorld *w, const SimHost *h, const SimHost *source)
{
	const HaEpoch *epoch;

	if (source == h || source->out || !source->powered || !sim_pg_alive(source) || source->witness ||
		source->pg.state == SIM_PG_STARTING || w->now < source->halted_until || !sim_net_linked(&w->net, h, source))
		return false;
	epoch = ha_chain_at(&source->durable.chain, w->wal.record[source->pg.tip].end);
	return epoch != NULL && epoch->term >= h->pg.rejoin_term && source->pg.epoch != SIM_ROGUE_TERM;
}

static SimHost *
find_source(SimWorld *w, SimHost *h)
{
	SimHost *leader = sim_leader(w);

	if (h->pg.rejoin_leader < SIM_HOSTS_MAX && fit(w, h, &w->host[h->pg.rejoin_leader]))
		return &w->host[h->pg.rejoin_leader];
	return leader != NULL && fit(w, h, leader) ? leader : NULL;
}

/* What pg_rewind sees of the source's timeline: its control file, which a checkpoint brings up to date (E9b). */
static HaTli
control_file_tli(const SimWorld *w, const SimHost *source)
{
	if (source->pg.epoch != 0 && !source->pg.checkpointed)
		return w->wal.record[source->pg.end_of_recovery].tli;
	return w->wal.record[source->pg.tip].tli;
}

/* Is pg_rewind the right tool against this source, and does it see that it has to do something? */
static bool
rewindable(const SimWorld *w, const SimHost *h, const SimHost *source)
{
	const SimRecord *end = &w->wal.record[h->pg.tip];
	HaComparison how = ha_chain_compare(&h->durable.chain, end->end, end->tli, end->tli_start, &source->durable.chain);

	return how.lineage != HA_LINEAGE_CLONE && end->tli != control_file_tli(w, source);
}

void
sim_rejoin_copy(SimWorld *w, SimHost *h, SimHost *source, bool whole)
{
	int fork = sim_wal_fork(&w->wal, h->pg.tip, source->pg.tip);
	int copied = source->pg.tip;

	if (whole || h->pg.half_done || !rewindable(w, h, source))
	{
		w->counts.clones++;
		h->pg.tli_newest = source->pg.tli_newest;
	}
	else
	{
		/* A base backup brings all WAL that it needs; pg_rewind what there was when it copied pg_wal. */
		w->counts.rewinds++;
		copied = sim_wal_back(&w->wal, copied, (int) sim_below(w, 3));
		if (!sim_wal_holds(&w->wal, copied, fork))
			copied = fork;
		if (source->pg.tli_newest > h->pg.tli_newest)
			h->pg.tli_newest = source->pg.tli_newest;
	}
	h->durable.chain = source->durable.chain;
	h->durable.joined_term = 0;
	h->pg.half_done = false;
	h->pg.consistent_at = copied == source->pg.tip ? -1 : source->pg.tip;
	sim_pg_set_tip(w, h, copied);
	sim_say(w, h, "copied from h%u up to %llu", source->index, (unsigned long long) w->wal.record[h->pg.tip].end);
}

void
sim_rejoin_timer(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	SimHost *source;

	if (pg->rejoin.lineage == HA_LINEAGE_STREAM && !pg->half_done)
	{
		sim_pg_start(w, h);
		return;
	}
	source = find_source(w, h);
	if (source != NULL)
		sim_rejoin_copy(w, h, source, pg->rejoin.lineage == HA_LINEAGE_CLONE);
	else if (pg->half_done || ++pg->rejoin_tries < TRIES_MAX)
	{
		sim_timer_set(h, SIM_TIMER_PG, w->now + sim_between(w, 100 * SIM_MS, 400 * SIM_MS));
		return;
	}
	sim_pg_start(w, h);
}
