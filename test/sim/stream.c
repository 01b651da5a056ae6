/*
 * stream.c: WAL receivers and walsenders; see pg.h.
 *
 * PostgreSQL's own checks are made: a walsender looks whether the timeline that is asked for is in its history and
 * reaches as far. It can't tell two histories under one timeline number apart (E9). One check is the library's: a
 * server serves WAL only as the elected primary of the term that the standby says it has joined.
 */
#include "test/sim/world.h"

void
sim_stream_want(SimWorld *w, SimHost *h, HaId upstream)
{
	bool slow = w->calm_from == SIM_NEVER && sim_chance(w, 50);

	h->pg.stream.wanted = upstream;
	sim_timer_set(h, SIM_TIMER_CONF, w->now + sim_between(w, SIM_MS, slow ? 800 * SIM_MS : 10 * SIM_MS));
}

static void
connect_later(SimWorld *w, SimHost *h, SimUs at_most)
{
	h->pg.stream.state = SIM_STREAM_CONNECTING;
	sim_timer_set(h, SIM_TIMER_STREAM, w->now + sim_between(w, SIM_MS, at_most));
}

void
sim_stream_off(SimWorld *w, SimHost *h)
{
	SimStream *s = &h->pg.stream;

	if (s->state >= SIM_STREAM_IDLE && sim_chance(w, 500))
		w->host[s->up].pg.slot[h->index].active = false;
	s->state = SIM_STREAM_OFF;
	sim_timer_set(h, SIM_TIMER_STREAM, SIM_NEVER);
}

void
sim_stream_conf(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;

	if (pg->state == SIM_PG_PRIMARY || !sim_pg_alive(h))
	{
		pg->stream.conf = pg->stream.wanted;
		return;
	}
	if (pg->stream.conf != pg->stream.wanted)
	{
		sim_stream_off(w, h);
		pg->stream.conf = pg->stream.wanted;
		if (pg->stream.conf != 0 && sim_pg_receptive(h))
			connect_later(w, h, 5 * SIM_MS);
	}
	if (sim_pg_receptive(h) && pg->settle_at > w->now)
		sim_timer_set(h, SIM_TIMER_PG, pg->settle_at);
	sim_worker_wake(w, h);
}

void
sim_stream_break(SimWorld *w, SimHost *h)
{
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		SimHost *other = &w->host[i];

		h->pg.slot[i].active = false;
		if (other->pg.stream.state >= SIM_STREAM_IDLE && other->pg.stream.up == h->index)
			connect_later(w, other, 200 * SIM_MS);
	}
	if (h->pg.stream.state >= SIM_STREAM_IDLE)
		connect_later(w, h, 200 * SIM_MS);
}

/* ---- WAL on its way ---- */

/* Asks for what comes next, or waits for more. */
static void
fetch(SimWorld *w, SimHost *h)
{
	SimStream *s = &h->pg.stream;
	const SimHost *up = &w->host[s->up];
	SimUs from = up->halted_until > w->now ? up->halted_until : w->now;

	s->state = SIM_STREAM_IDLE;
	if (w->wal.record[up->pg.tip].end <= w->wal.record[h->pg.tip].end)
		return;
	s->state = SIM_STREAM_BUSY;
	s->target = up->pg.tip;
	sim_timer_set(h, SIM_TIMER_STREAM, from + sim_between(w, w->net.delay_min, w->net.delay_max));
}

/* Does the walsender find the position in its own history? */
static bool
accepted(const SimWorld *w, const SimHost *h, const SimHost *up)
{
	const SimRecord *end = &w->wal.record[h->pg.tip];
	int there = sim_wal_at(&w->wal, up->pg.tip, end->end);

	return there >= 0 && w->wal.record[there].tli == end->tli;
}

static void
connect(SimWorld *w, SimHost *h)
{
	SimStream *s = &h->pg.stream;
	SimHost *up = sim_host_of(w, &h->durable.reg, s->conf);
	SimSlot *slot;

	/* Only a primary that was elected serves WAL, and only to who has joined its very term (S34, R33). */
	if (up == NULL || up == h || !up->powered || !sim_pg_alive(up) || w->now < up->halted_until ||
		up->pg.epoch == 0 || up->pg.epoch != h->durable.joined_term || !sim_net_linked(&w->net, h, up) ||
		!accepted(w, h, up))
	{
		connect_later(w, h, 250 * SIM_MS);
		return;
	}
	slot = &up->pg.slot[h->index];
	s->up = up->index;
	s->conn = ++slot->conn;
	slot->active = true;
	slot->flush = 0;
	slot->member = h->id;
	h->pg.flush_known = true;
	h->pg.partial = 0;
	sim_net_report(w, h, up, s->conn, w->wal.record[h->pg.tip].end);
	fetch(w, h);
}

/* Tells the other end how far the WAL is flushed; later, when nothing gets through now. */
static void
report(SimWorld *w, SimHost *h)
{
	SimStream *s = &h->pg.stream;
	SimHost *up = &w->host[s->up];

	s->owed = sim_net_blocked(&w->net, h->index, up->index);
	if (!s->owed)
		sim_net_report(w, h, up, s->conn, w->wal.record[h->pg.tip].end + h->pg.partial);
	else if (s->state == SIM_STREAM_IDLE)
		sim_timer_set(h, SIM_TIMER_STREAM, w->now + sim_between(w, 20 * SIM_MS, 400 * SIM_MS));
}

/* Some or all of what was under way is here, perhaps with a part of the next record. */
static void
take_in(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	const SimHost *up = &w->host[pg->stream.up];
	int target = pg->stream.target;
	int before = pg->tip;
	SimUs lag = sim_between(w, 100, sim_chance(w, 30) ? 1000 * SIM_MS : 4 * SIM_MS);

	if (w->now >= pg->settle_at)
		pg->replayed = before;
	pg->partial = 0;
	if (!sim_wal_holds(&w->wal, target, before))
	{
		/* Two histories under one number: the bytes of the other follow. */
		const SimRecord *r = &w->wal.record[target];

		if (sim_wal_room(&w->wal) && r->end > w->wal.record[before].end)
			target = sim_wal_append(&w->wal, before, r->term, r->tli, r->end - w->wal.record[before].end, r->rogue);
		else
			target = before;
	}
	else if (sim_chance(w, 120))
	{
		int records = w->wal.record[target].depth - w->wal.record[before].depth;
		int back = 1 + (int) sim_below(w, (uint32_t) records);
		int next = sim_wal_back(&w->wal, target, back - 1);

		target = sim_wal_back(&w->wal, target, back);
		pg->partial = sim_below(w, (uint32_t) (w->wal.record[next].end - w->wal.record[next].start));
	}
	pg->tip = pg->insert = target;
	pg->settle_at = (pg->settle_at > w->now ? pg->settle_at : w->now) + lag;
	if (up->pg.tli > pg->tli_newest)
		pg->tli_newest = up->pg.tli;
	sim_check_received(w, h, up);
}

static void
arrival(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;
	SimHost *up = &w->host[pg->stream.up];

	if (sim_net_blocked(&w->net, up->index, h->index))
	{
		if (sim_chance(w, 300))
			connect_later(w, h, 500 * SIM_MS);
		else
			sim_timer_set(h, SIM_TIMER_STREAM, w->now + sim_between(w, 20 * SIM_MS, 200 * SIM_MS));
		return;
	}
	take_in(w, h);
	if (up->powered && sim_pg_alive(up) && up->pg.slot[h->index].conn == pg->stream.conn)
	{
		fetch(w, h);
		report(w, h);
	}
	else
		connect_later(w, h, 200 * SIM_MS);
	sim_pg_received(w, h);
}

void
sim_stream_timer(SimWorld *w, SimHost *h)
{
	if (h->pg.stream.state == SIM_STREAM_CONNECTING)
		connect(w, h);
	else if (h->pg.stream.state == SIM_STREAM_BUSY)
		arrival(w, h);
	else if (h->pg.stream.state == SIM_STREAM_IDLE && h->pg.stream.owed)
		report(w, h);
}

void
sim_stream_push(SimWorld *w, SimHost *h)
{
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		SimHost *other = &w->host[i];

		if (other->pg.stream.state == SIM_STREAM_IDLE && other->pg.stream.up == h->index)
			fetch(w, other);
	}
}

void
sim_stream_report(SimWorld *w, SimHost *h, uint32_t from, uint32_t conn, HaLsn lsn)
{
	SimSlot *slot = &h->pg.slot[from];

	if (!sim_pg_alive(h) || !slot->active || slot->conn != conn)
		return;
	if (lsn > slot->flush)
		slot->flush = lsn;
	sim_fence_progress(w, h);
}
