/*
 * client.c: writes, and the fence they pass; see client.h.
 */
#include "test/sim/world.h"

/* ---- Shared memory ---- */

bool
sim_fence_lease_valid(const SimWorld *w, const SimHost *h)
{
	return h->fence.lease_until_us != 0 && sim_clock_now(h, w->now).boot_us < h->fence.lease_until_us;
}

/* The commit is over; what the client knows is counted. */
static void
end_commit(SimHost *h, SimCommit *c)
{
	(void) h;
	c->phase = SIM_COMMIT_NONE;
	c->due = SIM_NEVER;
}

static void
set_timer(SimHost *h)
{
	SimUs due = SIM_NEVER;

	for (int i = 0; i < SIM_COMMITS_MAX; i++)
	{
		const SimCommit *c = &h->fence.commit[i];

		if (c->phase != SIM_COMMIT_NONE && c->due < due)
			due = c->due;
	}
	sim_timer_set(h, SIM_TIMER_COMMIT, due);
}

void
sim_fence_reset(SimWorld *w, SimHost *h)
{
	for (int i = 0; i < SIM_COMMITS_MAX; i++)
	{
		w->counts.unknown += h->fence.commit[i].phase != SIM_COMMIT_NONE;
		h->fence.commit[i].phase = SIM_COMMIT_NONE;
	}
	h->fence.lease_until_us = 0;
	h->fence.stall_until = 0;
	h->fence.gate = (HaGate){0};
	h->fence.seq++;
	sim_timer_set(h, SIM_TIMER_COMMIT, SIM_NEVER);
}

/* ---- Judging ---- */

/* The member whose slot this is: names, and so slots, are of one life of a member only. */
static HaId
slot_member(const SimWorld *w, const SimHost *h, uint32_t host)
{
	const SimSlot *slot = &h->pg.slot[host];
	const HaMember *member = slot->active ? ha_register_member(&h->durable.reg, slot->member) : NULL;
	HaUuid incarnation = sim_incarnation(&w->host[host]);

	return member != NULL && ha_uuid_equal(&member->incarnation, &incarnation) ? member->id : 0;
}

/* Do enough distinct members hold the record, by what their walsenders were told (R31, R33)? */
static bool
rules_met(const SimWorld *w, const SimHost *h, const SimCommit *c)
{
	const HaGate *gate = &h->fence.gate;
	HaLsn lsn = w->wal.record[c->record].end;
	HaSet holders = 0;

	for (uint32_t i = 0; i < w->host_count; i++)
	{
		HaId id = h->pg.slot[i].flush >= lsn ? slot_member(w, h, i) : 0;

		if (id != 0 && ha_set_has(gate->joined, id))
			holders |= ha_set_of(id);
	}
	for (uint32_t i = 0; i < gate->rule_count; i++)
	{
		if (!ha_sync_satisfied(&gate->rule[i], h->id, holders))
			return false;
	}
	return true;
}

/* The last look at lease and term, and then the acknowledgement or a closed connection (R22). */
static void
finish(SimWorld *w, SimHost *h, SimCommit *c)
{
	bool ours = h->fence.gate.open && h->fence.gate.term == c->term;

	if (ours && sim_fence_lease_valid(w, h))
	{
		w->counts.acked++;
		sim_check_ack(w, h, c);
	}
	else
		w->counts.unknown++;
	end_commit(h, c);
	sim_worker_wake(w, h);
}

/* A commit that waits looks at the gate as it is now; what it saw before does not matter any more. */
static void
judge(SimWorld *w, SimHost *h, SimCommit *c)
{
	const HaGate *gate = &h->fence.gate;

	c->seq = h->fence.seq;
	if (!gate->open || gate->term != c->term)
	{
		w->counts.unknown++;
		end_commit(h, c);
		sim_worker_wake(w, h);
		return;
	}
	if (!rules_met(w, h, c))
		return;
	c->phase = SIM_COMMIT_JUDGED;
	c->rule_count = gate->rule_count;
	memcpy(c->rule, gate->rule, sizeof(c->rule));
	sim_check_judged(w, h, c);
	c->due = w->now + (sim_chance(w, 100) ? sim_between(w, 0, 20 * SIM_MS) : 0);
	if (c->due < h->fence.stall_until)
		c->due = h->fence.stall_until;
	if (c->due <= w->now)
		finish(w, h, c);
}

void
sim_fence_progress(SimWorld *w, SimHost *h)
{
	for (int i = 0; i < SIM_COMMITS_MAX; i++)
	{
		SimCommit *c = &h->fence.commit[i];

		if (c->phase == SIM_COMMIT_FLUSHING && sim_wal_holds(&w->wal, h->pg.tip, c->record))
			c->phase = SIM_COMMIT_WAITING;
		if (c->phase == SIM_COMMIT_WAITING && w->now < h->fence.stall_until)
			c->due = h->fence.stall_until;
		else if (c->phase == SIM_COMMIT_WAITING)
			judge(w, h, c);
	}
	set_timer(h);
}

void
sim_fence_timer(SimWorld *w, SimHost *h)
{
	for (int i = 0; i < SIM_COMMITS_MAX; i++)
	{
		SimCommit *c = &h->fence.commit[i];

		if (c->phase == SIM_COMMIT_NONE || c->due > w->now)
			continue;
		c->due = SIM_NEVER;
		if (w->now < h->fence.stall_until)
			c->due = h->fence.stall_until;
		else if (c->phase == SIM_COMMIT_BEGUN)
		{
			c->record = sim_pg_write(w, h);
			c->phase = SIM_COMMIT_FLUSHING;
		}
		else if (c->phase == SIM_COMMIT_WAITING)
			judge(w, h, c);
		else if (c->phase == SIM_COMMIT_JUDGED)
			finish(w, h, c);
	}
	set_timer(h);
}

/* ---- Publishing ---- */

void
sim_fence_publish_lease(SimWorld *w, SimHost *h, HaUs until_us)
{
	h->fence.lease_until_us = until_us;
	if (until_us != 0)
		sim_check_lease(w, h);
}

void
sim_fence_publish_gate(SimWorld *w, SimHost *h, const HaGate *gate)
{
	bool stalled = w->now < h->fence.stall_until;

	h->fence.gate = *gate;
	h->fence.seq++;
	if (gate->open)
		sim_check_gate(w, h);
	/* Commits that wait are woken and look at the new gate; those past it, or still writing, are in flight. */
	for (int i = 0; i < SIM_COMMITS_MAX; i++)
	{
		SimCommit *c = &h->fence.commit[i];

		if (c->phase == SIM_COMMIT_WAITING && stalled)
			c->due = h->fence.stall_until;
		else if (c->phase == SIM_COMMIT_WAITING)
			judge(w, h, c);
	}
	set_timer(h);
}

bool
sim_fence_drained(const SimHost *h, uint64_t seq)
{
	for (int i = 0; i < SIM_COMMITS_MAX; i++)
	{
		if (h->fence.commit[i].phase != SIM_COMMIT_NONE && h->fence.commit[i].seq < seq)
			return false;
	}
	return true;
}

/* ---- Clients ---- */

static SimHost *
choose_node(SimWorld *w)
{
	SimHost *open = NULL;
	uint32_t start = sim_below(w, w->host_count);

	if (sim_chance(w, w->clients.astray))
		return &w->host[start];
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		SimHost *h = &w->host[(start + i) % w->host_count];

		if (h->pg.state == SIM_PG_PRIMARY && h->fence.gate.open)
			open = h;
	}
	return open;
}

void
sim_client_turn(SimWorld *w)
{
	SimHost *h = choose_node(w);

	w->clients.due = w->now + w->clients.every / 4 + sim_below(w, (uint32_t) (w->clients.every * 3 / 2));
	if (h == NULL || h->witness || !h->powered || h->pg.state != SIM_PG_PRIMARY || w->now < h->halted_until)
		return;
	if (w->now < h->fence.stall_until)
		return;
	if (!h->fence.gate.open || !sim_fence_lease_valid(w, h))
	{
		w->counts.refused++;
		return;
	}
	for (int i = 0; i < SIM_COMMITS_MAX; i++)
	{
		SimCommit *c = &h->fence.commit[i];
		SimUs gap = sim_chance(w, 150) ? sim_between(w, 0, 50 * SIM_MS) : 0;

		if (c->phase != SIM_COMMIT_NONE)
			continue;
		*c = (SimCommit){.phase = SIM_COMMIT_BEGUN, .due = w->now + gap, .term = h->fence.gate.term,
			.seq = h->fence.seq};
		if (gap == 0)
			sim_fence_timer(w, h);
		else
			set_timer(h);
		return;
	}
}
