/*
 * pg.c: the server's life: start, crash, stop, promotion, writing; see pg.h.
 */
#include "test/sim/world.h"

bool
sim_pg_alive(const SimHost *h)
{
	return h->pg.state != SIM_PG_DOWN && h->pg.state != SIM_PG_REJOINING;
}

bool
sim_pg_receptive(const SimHost *h)
{
	return h->pg.state == SIM_PG_STANDBY || (h->pg.state == SIM_PG_STARTING && h->pg.waiting);
}

void
sim_pg_set_tip(SimWorld *w, SimHost *h, int tip)
{
	h->pg.tip = h->pg.insert = h->pg.replayed = tip;
	h->pg.partial = 0;
	h->pg.tli = w->wal.record[tip].tli;
}

/* ---- What the ha worker reads ---- */

HaPg
sim_pg_facts(const SimWorld *w, const SimHost *h)
{
	const SimPg *pg = &h->pg;
	const SimRecord *end = &w->wal.record[pg->tip];
	bool primary = pg->epoch != 0;
	bool caught_up = w->now >= pg->settle_at;
	const SimRecord *replayed = &w->wal.record[caught_up ? pg->tip : pg->replayed];
	HaPg facts = {0};

	if (!sim_pg_alive(h))
		return facts;
	facts.state = primary ? HA_PG_PRIMARY : pg->state == SIM_PG_STARTING ? HA_PG_STARTING : HA_PG_STANDBY;
	facts.blocks = pg->blocks | (w->now < pg->paused_until ? HA_BLOCK_PAUSED_REPLAY : 0) |
		(pg->state == SIM_PG_STARTING ? HA_BLOCK_INCONSISTENT : 0);
	if (primary)
	{
		facts.flush_lsn = end->end;
		facts.replay_lsn = w->wal.record[pg->end_of_recovery].end;
		facts.tli = pg->tli;
		facts.tli_start = facts.replay_lsn;
		facts.checkpointed = pg->checkpointed;
		return facts;
	}
	facts.receiving = pg->stream.conf != 0 || pg->stream.wanted != 0 || pg->stream.state != SIM_STREAM_OFF;
	facts.receiver_running = pg->stream.state >= SIM_STREAM_IDLE;
	facts.promoting = pg->state == SIM_PG_PROMOTING;
	facts.settled = (pg->state != SIM_PG_STARTING || pg->waiting) && caught_up;
	facts.flush_lsn = pg->flush_known ? end->end + pg->partial : 0;
	facts.replay_lsn = replayed->end;
	facts.tli = replayed->tli;
	facts.tli_start = replayed->tli_start;
	return facts;
}

/* ---- Start and end ---- */

/* What of the WAL is there when nobody had time to flush the rest. */
static void
cut_off(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	int beyond = w->wal.record[pg->insert].depth - w->wal.record[pg->tip].depth;

	sim_pg_set_tip(w, h, sim_wal_back(&w->wal, pg->insert, (int) sim_below(w, (uint32_t) beyond + 1)));
}

/* Nothing of the server runs any more. */
static void
silence(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;

	sim_fence_reset(w, h);
	sim_stream_off(w, h);
	sim_stream_break(w, h);
	cut_off(w, h);
	pg->stream.conf = pg->stream.wanted = 0;
	pg->epoch = pg->promote_term = 0;
	pg->checkpointed = pg->stopping = false;
	sim_timer_set(h, SIM_TIMER_CONF, SIM_NEVER);
	sim_timer_set(h, SIM_TIMER_FLUSH, SIM_NEVER);
	sim_timer_set(h, SIM_TIMER_CHECKPOINT, SIM_NEVER);
	sim_timer_set(h, SIM_TIMER_PG, SIM_NEVER);
}

/*
 * Always as a standby (R36), and with no receiver until the ha worker says from where: what stood in the settings is
 * from before the vote that may have been given since (R13).
 */
static void
recover(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	bool long_recovery = w->calm_from == SIM_NEVER && sim_chance(w, 50);

	pg->state = SIM_PG_STARTING;
	pg->flush_known = false;
	pg->waiting = false;
	pg->replayed = sim_wal_back(&w->wal, pg->tip, (int) sim_below(w, 4));
	pg->settle_at = SIM_NEVER;
	pg->paused_until = 0;
	pg->blocks = 0;
	sim_timer_set(h, SIM_TIMER_PG, w->now + sim_between(w, 20 * SIM_MS, long_recovery ? 4000 * SIM_MS : 300 * SIM_MS));
	sim_timer_set(h, SIM_TIMER_WORKER, w->now + sim_between(w, SIM_MS, 30 * SIM_MS));
}

void
sim_pg_start(SimWorld *w, SimHost *h)
{
	if (h->pg.half_done)
	{
		/* The marker of an interrupted rewind is found first (S43). */
		h->pg.state = SIM_PG_REJOINING;
		sim_timer_set(h, SIM_TIMER_PG, w->now + sim_between(w, 20 * SIM_MS, 100 * SIM_MS));
		return;
	}
	sim_say(w, h, "PostgreSQL starts with WAL up to %llu", (unsigned long long) w->wal.record[h->pg.tip].end);
	recover(w, h);
}

void
sim_pg_crash(SimWorld *w, SimHost *h, bool machine_too)
{
	bool rejoining = h->pg.state == SIM_PG_REJOINING;

	silence(w, h);
	h->pg.state = SIM_PG_DOWN;
	if (!machine_too)
		sim_timer_set(h, SIM_TIMER_POWER, w->now + h->pg.down_for);
	if (rejoining && h->pg.rejoin.lineage != HA_LINEAGE_STREAM && sim_chance(w, 300))
		h->pg.half_done = true;
}

void
sim_pg_die(SimWorld *w, SimHost *h, bool cleanly, SimUs down_for)
{
	SimPg *pg = &h->pg;

	if (!sim_pg_alive(h) || pg->state == SIM_PG_DYING)
		return;
	sim_say(w, h, cleanly ? "the server is stopped" : "the postmaster is killed");
	pg->state = SIM_PG_DYING;
	pg->down_for = down_for;
	pg->stopping = cleanly;
	if (!cleanly)
	{
		sim_stream_off(w, h);
		sim_stream_break(w, h);
	}
	sim_timer_set(h, SIM_TIMER_PG, w->now + sim_between(w, 5 * SIM_MS, 100 * SIM_MS));
}

void
sim_pg_crash_restart(SimWorld *w, SimHost *h)
{
	if (!sim_pg_alive(h) || h->pg.state == SIM_PG_DYING)
		return;
	sim_say(w, h, "a backend is killed: crash restart");
	sim_worker_end(w, h);
	silence(w, h);
	recover(w, h);
}

/* ---- Promotion ---- */

void
sim_pg_promote(SimWorld *w, SimHost *h, bool by_hand)
{
	SimPg *pg = &h->pg;
	bool slow = w->calm_from == SIM_NEVER && sim_chance(w, w->plan.slow_promotion);

	/* A promotion that is under way already, for whatever reason, is the one that is asked for now. */
	if (pg->state == SIM_PG_PROMOTING && !by_hand)
		pg->promote_term = h->node.hard.term;
	if (pg->state != SIM_PG_STANDBY)
		return;
	pg->state = SIM_PG_PROMOTING;
	pg->promote_term = by_hand ? SIM_ROGUE_TERM : h->node.hard.term;
	sim_timer_set(h, SIM_TIMER_PG,
				  w->now + sim_between(w, 25 * SIM_MS, slow ? 5000 * SIM_MS : 100 * SIM_MS));
}

static void
promoted(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	bool rogue = pg->promote_term == SIM_ROGUE_TERM;

	sim_stream_off(w, h);
	pg->stream.conf = 0;
	pg->settle_at = 0;
	pg->partial = 0;
	pg->state = SIM_PG_PRIMARY;
	pg->epoch = pg->promote_term;
	pg->end_of_recovery = pg->tip;
	pg->tli = ++pg->tli_newest;
	/*
	 * One case is given up (7.4): by hand, on the number and at the very place of an epoch that the chain names and
	 * that was never received, with a crash before the ha worker has seen it.
	 */
	while (rogue && (ha_chain_names(&h->durable.chain, pg->tli, w->wal.record[pg->tip].end) ||
					 ha_chain_names(&h->node.hard.chain, pg->tli, w->wal.record[pg->tip].end)))
		pg->tli = ++pg->tli_newest;
	pg->checkpointed = false;
	pg->tip = pg->insert = sim_wal_append(&w->wal, pg->tip, rogue ? 0 : pg->epoch, pg->tli,
										  50 + sim_below(w, 100), rogue);
	sim_timer_set(h, SIM_TIMER_CHECKPOINT, w->now + sim_between(w, 5000 * SIM_MS, 60000 * SIM_MS));
	sim_say(w, h, "PostgreSQL is a primary on timeline %u from %llu", pg->tli,
			(unsigned long long) w->wal.record[pg->end_of_recovery].end);
	if (rogue)
		sim_stream_break(w, h);
	else
		sim_check_promoted(w, h, pg->epoch, pg->end_of_recovery);
	sim_worker_wake(w, h);
}

void
sim_pg_adopt(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	const HaEpoch *own = ha_chain_last(&h->node.hard.chain);
	int r = pg->insert;

	if (pg->epoch != 0)
		pg->epoch = own->term;
	for (; w->wal.record[r].start >= own->start && r > 0; r = w->wal.record[r].parent)
	{
		w->wal.record[r].term = own->term;
		w->wal.record[r].rogue = false;
	}
	sim_check_promoted(w, h, own->term, r);
}

void
sim_pg_checkpoint(SimWorld *w, SimHost *h)
{
	SimUs due = w->now + sim_between(w, 10 * SIM_MS, 800 * SIM_MS);

	if (h->pg.state == SIM_PG_PRIMARY && !h->pg.checkpointed && due < h->timer[SIM_TIMER_CHECKPOINT])
		sim_timer_set(h, SIM_TIMER_CHECKPOINT, due);
}

/* ---- Writing ---- */

int
sim_pg_write(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	bool rogue = pg->epoch == SIM_ROGUE_TERM;

	if (!sim_wal_room(&w->wal))
		return pg->insert;
	pg->insert = sim_wal_append(&w->wal, pg->insert, rogue ? 0 : pg->epoch, pg->tli, 10 + sim_below(w, 90), rogue);
	if (h->timer[SIM_TIMER_FLUSH] == SIM_NEVER)
		sim_timer_set(h, SIM_TIMER_FLUSH, w->now + sim_between(w, 100, sim_chance(w, 50) ? 200 * SIM_MS : 3 * SIM_MS));
	return pg->insert;
}

void
sim_pg_flushed(SimWorld *w, SimHost *h)
{
	if (!sim_pg_alive(h) || h->pg.epoch == 0)
		return;
	h->pg.tip = h->pg.insert;
	sim_stream_push(w, h);
	sim_fence_progress(w, h);
}

/* ---- What ends in time ---- */

/* Local WAL is replayed. A rewound server is not whole yet when it has not reached where its source was. */
static void
recovered(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;

	if (pg->waiting)
	{
		sim_worker_wake(w, h);
		return;
	}
	pg->settle_at = w->now + sim_between(w, 0, 20 * SIM_MS);
	sim_timer_set(h, SIM_TIMER_PG, pg->settle_at);
	if (pg->consistent_at >= 0 && !sim_wal_holds(&w->wal, pg->tip, pg->consistent_at))
		pg->waiting = true;
	else
	{
		pg->state = SIM_PG_STANDBY;
		pg->consistent_at = -1;
	}
	if (pg->stream.conf != 0)
	{
		pg->stream.state = SIM_STREAM_CONNECTING;
		sim_timer_set(h, SIM_TIMER_STREAM, w->now + sim_between(w, SIM_MS, 10 * SIM_MS));
	}
	sim_worker_wake(w, h);
}

void
sim_pg_received(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;

	if (pg->consistent_at < 0 || pg->state != SIM_PG_STARTING)
		return;
	if (sim_wal_holds(&w->wal, pg->tip, pg->consistent_at))
	{
		pg->consistent_at = -1;
		pg->state = SIM_PG_STANDBY;
		pg->waiting = false;
		sim_worker_wake(w, h);
	}
	else if (!sim_wal_holds(&w->wal, pg->consistent_at, pg->tip))
	{
		/* "unexpected timeline ID, before reaching minimum recovery point": it has to be cloned. */
		sim_say(w, h, "PostgreSQL can't become consistent with this WAL");
		sim_worker_end(w, h);
		sim_pg_crash(w, h, true);
		pg->half_done = true;
		sim_timer_set(h, SIM_TIMER_POWER, w->now + sim_between(w, 100 * SIM_MS, 1000 * SIM_MS));
	}
}

static void
dying(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;

	if (!pg->stopping)
	{
		sim_worker_end(w, h);
		sim_pg_crash(w, h, false);
		return;
	}
	/* The shutdown checkpoint is written, and the walsenders send it before they end. */
	pg->stopping = false;
	if (pg->epoch != 0)
	{
		sim_pg_write(w, h);
		sim_pg_flushed(w, h);
	}
	sim_timer_set(h, SIM_TIMER_PG, w->now + sim_between(w, SIM_MS, 60 * SIM_MS));
}

void
sim_pg_timer(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;

	switch (pg->state)
	{
		case SIM_PG_STARTING:
			recovered(w, h);
			break;
		case SIM_PG_STANDBY:
			sim_worker_wake(w, h);		/* replay has come to the end of the WAL */
			break;
		case SIM_PG_PROMOTING:
			promoted(w, h);
			break;
		case SIM_PG_DYING:
			dying(w, h);
			break;
		case SIM_PG_REJOINING:
			sim_rejoin_timer(w, h);
			break;
		case SIM_PG_DOWN:
		case SIM_PG_PRIMARY:
			break;
	}
}
