/*
 * worker.c: the ha worker's process on a host: its turns, and the effects of a step in their one order; see world.h.
 */
#include "test/sim/world.h"

/* ---- The process ---- */

bool
sim_worker_awake(const SimWorld *w, const SimHost *h)
{
	return h->running && !h->pending && w->now >= h->worker_until && w->now >= h->halted_until;
}

void
sim_worker_wake(SimWorld *w, SimHost *h)
{
	SimUs due = w->now + 20;

	if (!h->running || h->latch_at <= due)
		return;
	h->latch_at = due;
	if (due < h->timer[SIM_TIMER_TURN])
		sim_timer_set(h, SIM_TIMER_TURN, due);
}

void
sim_worker_end(SimWorld *w, SimHost *h)
{
	(void) w;
	h->running = false;
	h->pending = false;
	h->leaving = false;
	h->drain_asked = false;
	sim_timer_set(h, SIM_TIMER_TURN, SIM_NEVER);
	sim_timer_set(h, SIM_TIMER_PERSIST, SIM_NEVER);
}

/* ---- Effects ---- */

/* Notes, as far as anything but a reader of the trace looks at them. */
static void
take_notes(SimWorld *w, SimHost *h, const HaEffects *fx)
{
	for (uint32_t i = 0; i < fx->note_count; i++)
	{
		const HaNote *note = &fx->note[i];
		char text[256];

		if (note->kind == HA_NOTE_ASSERTION && !w->plan.tainted)
			sim_fail(w, h, "no_assertion", "the core stopped itself: R%lld", (long long) note->value);
		if (note->kind == HA_NOTE_HANDING_OVER)
			w->counts.hand_overs++;
		if (note->kind == HA_NOTE_WENT_BACK)
		{
			SimHost *other = sim_host_of(w, &h->node.hard.reg, note->member);

			if (other != NULL)
				w->check.restored[other->index] = false;
		}
		if (!w->trace)
			continue;
		ha_note_text(note, NULL, text, sizeof(text));
		sim_say(w, h, "  note %s: %s", ha_note_name(note->kind), text);
	}
}

static void
act(SimWorld *w, SimHost *h, const HaEffects *fx)
{
	if (fx->acts & HA_ACT_LEASE)
		sim_fence_publish_lease(w, h, h->node.lease_until_us);
	if (fx->acts & HA_ACT_GATE)
	{
		sim_fence_publish_gate(w, h, &h->node.gate);
		h->drain_asked = true;
		h->drain_seq = h->fence.seq;
		sim_worker_wake(w, h);
	}
	if (h->pg.stream.wanted != h->node.upstream && !h->witness)
		sim_stream_want(w, h, h->node.upstream);
	if (fx->acts & HA_ACT_REPLY)
		sim_operator_reply(w, h, fx);
	if (h->witness)
		return;
	if (fx->acts & HA_ACT_PROMOTE)
	{
		sim_check_promotion_asked(w, h);
		sim_pg_promote(w, h, false);
	}
	if (fx->acts & HA_ACT_CHECKPOINT)
		sim_pg_checkpoint(w, h);
	if (fx->acts & HA_ACT_REJOIN)
		sim_rejoin_begin(w, h, fx);
}

void
sim_worker_effects_rest(SimWorld *w, SimHost *h, const HaEffects *fx)
{
	if (fx->persist)
		sim_check_written(w, h);
	if (ha_role_leads(h->node.role))
		sim_check_committed(w, h);
	for (uint32_t i = 0; i < fx->send_count; i++)
	{
		sim_check_sent(w, h, &fx->send[i]);
		sim_net_send(w, h, &fx->send[i]);
	}
	take_notes(w, h, fx);
	act(w, h, fx);
	if (h->running)
	{
		SimUs due = sim_clock_when(h, h->node.wake_us) + sim_below(w, 200);

		if (due <= w->now)
			due = w->now + 1;
		sim_timer_set(h, SIM_TIMER_TURN, due < h->latch_at ? due : h->latch_at);
	}
}

/* The one order (node.h): close, persist, send, act. */
static void
carry_out(SimWorld *w, SimHost *h)
{
	const HaEffects *fx = &h->fx;

	sim_hash(w, (uint64_t) w->now ^ (uint64_t) h->index << 56 ^ (uint64_t) h->node.role << 48);
	sim_hash(w, h->node.hard.term ^ (uint64_t) fx->acts << 32 ^ (uint64_t) fx->send_count << 56);
	if (fx->close_lease)
		sim_fence_publish_lease(w, h, 0);
	if (fx->persist && !sim_disk_persist(w, h))
		return;
	sim_worker_effects_rest(w, h, fx);
}

/* ---- Turns ---- */

static void
step(SimWorld *w, SimHost *h, const HaEvent *event)
{
	SimBefore before = sim_check_before(h);

	w->counts.steps++;
	ha_step(&h->node, event, &h->fx);
	sim_check_step(w, h, event, &h->fx, &before);
	carry_out(w, h);
}

/*
 * What is true or not of a server, in one number. Compared one by one the compiler reads all of them at once, and the
 * processor waits until the last one that was just written has arrived.
 */
static uint32_t
fact_bits(const HaPg *pg)
{
	return (uint32_t) pg->state << 5 | (uint32_t) pg->receiving << 4 | (uint32_t) pg->receiver_running << 3 |
		(uint32_t) pg->settled << 2 | (uint32_t) pg->promoting << 1 | (uint32_t) pg->checkpointed;
}

static bool
facts_equal(const HaPg *a, const HaPg *b)
{
	return fact_bits(a) == fact_bits(b) && a->flush_lsn == b->flush_lsn && a->replay_lsn == b->replay_lsn &&
		a->tli == b->tli && a->tli_start == b->tli_start && a->blocks == b->blocks;
}

void
sim_worker_turn(SimWorld *w, SimHost *h, HaEvent *event)
{
	uint32_t runs = h->runs;
	HaEvent own = {.now = sim_clock_now(h, w->now)};
	bool told = false;

	h->latch_at = SIM_NEVER;
	if (!h->witness)
	{
		HaPg facts = sim_pg_facts(w, h);

		if (!facts_equal(&facts, &h->told))
		{
			h->told = facts;
			own.kind = HA_EVENT_PG;
			own.pg = &h->told;
			step(w, h, &own);
			told = true;
		}
	}
	if (event != NULL && sim_worker_awake(w, h) && h->runs == runs)
	{
		event->now = own.now;
		step(w, h, event);
		told = true;
	}
	if (h->drain_asked && sim_worker_awake(w, h) && h->runs == runs && sim_fence_drained(h, h->drain_seq))
	{
		h->drain_asked = false;
		own.kind = HA_EVENT_DRAINED;
		own.generation = h->node.gate.generation;
		own.lsn = w->wal.record[h->pg.insert].end;
		step(w, h, &own);
		told = true;
	}
	if (!told && sim_worker_awake(w, h) && h->runs == runs)
	{
		own.kind = HA_EVENT_TICK;
		step(w, h, &own);
	}
	/* A server that ends has no more use for its worker when the last will is said. */
	if (h->leaving && h->running && !h->pending && h->node.role == HA_ROLE_RESIGNED)
		sim_worker_end(w, h);
}

void
sim_worker_start(SimWorld *w, SimHost *h)
{
	sim_timer_set(h, SIM_TIMER_WORKER, SIM_NEVER);
	if (h->running || !h->powered || h->out || (!h->witness && (!sim_pg_alive(h) || h->pg.state == SIM_PG_DYING)))
		return;
	h->running = true;
	h->pending = false;
	h->leaving = false;
	h->drain_asked = false;
	h->latch_at = SIM_NEVER;
	h->runs++;
	h->told = (HaPg){0};
	ha_node_start(&h->node, &h->durable, h->times, sim_clock_now(h, w->now), ha_prng_next(&w->prng), &h->fx);
	sim_say(w, h, "the ha worker starts, run %llu", (unsigned long long) h->node.hard.run);
	sim_check_started(w, h);
	carry_out(w, h);
}
