/*
 * world.c: the clock of the world, its loop, hosts, and the ha worker's process; see world.h.
 */
#include "test/sim/world.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- Chance ---- */

uint32_t
sim_below(SimWorld *w, uint32_t n)
{
	return ha_prng_below(&w->prng, n);
}

SimUs
sim_between(SimWorld *w, SimUs from, SimUs to)
{
	return from + (SimUs) ha_prng_below(&w->prng, (uint32_t) (to - from + 1));
}

bool
sim_chance(SimWorld *w, uint32_t n)
{
	return n != 0 && ha_prng_below(&w->prng, 1000) < n;
}

/* ---- Trace ---- */

void
sim_say(const SimWorld *w, const SimHost *h, const char *format, ...)
{
	va_list args;

	if (!w->trace)
		return;
	printf("%11.3f ", (double) w->now / 1000);
	if (h != NULL)
		printf("h%u %-9s t%-3llu ", h->index, h->running ? ha_role_name(h->node.role) : "-",
			   (unsigned long long) h->node.hard.term);
	else
		printf("%17s", "");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void
sim_hash(SimWorld *w, uint64_t value)
{
	w->hash = (w->hash ^ value) * UINT64_C(0x100000001B3);
	w->hash ^= w->hash >> 29;
}

/* ---- Hosts ---- */

void
sim_timer_set(SimHost *h, SimTimer timer, SimUs due)
{
	bool put_off = h->timer[timer] == h->rest_due && due > h->rest_due;

	h->timer[timer] = due;
	if (timer != SIM_TIMER_TURN && due < h->rest_due)
		h->rest_due = due;
	else if (timer != SIM_TIMER_TURN && put_off)
	{
		/* It was the earliest: look for the next one. */
		h->rest_due = SIM_NEVER;
		for (int i = SIM_TIMER_TURN + 1; i < SIM_TIMER_COUNT; i++)
			h->rest_due = h->timer[i] < h->rest_due ? h->timer[i] : h->rest_due;
	}
	due = h->timer[SIM_TIMER_TURN];
	h->next_due = due < h->rest_due ? due : h->rest_due;
}

void
sim_timer_put_off(SimHost *h, SimUs by)
{
	for (int i = 0; i < SIM_TIMER_COUNT; i++)
	{
		if (h->timer[i] != SIM_NEVER)
			h->timer[i] += by;
	}
	if (h->rest_due != SIM_NEVER)
		h->rest_due += by;
	if (h->next_due != SIM_NEVER)
		h->next_due += by;
	if (h->latch_at != SIM_NEVER)
		h->latch_at += by;
}

HaUuid
sim_incarnation(const SimHost *h)
{
	HaUuid uuid = {{0}};

	uuid.byte[0] = (uint8_t) (h->index + 1);
	uuid.byte[1] = (uint8_t) h->life;
	return uuid;
}

SimHost *
sim_host_by_incarnation(SimWorld *w, const HaUuid *incarnation)
{
	SimHost *h;

	if (incarnation->byte[0] == 0 || incarnation->byte[0] > w->host_count)
		return NULL;
	h = &w->host[incarnation->byte[0] - 1];
	return h->life == incarnation->byte[1] ? h : NULL;
}

SimHost *
sim_host_of(SimWorld *w, const HaRegister *reg, HaId id)
{
	const HaMember *member = ha_register_member(reg, id);

	if (member != NULL)
		return sim_host_by_incarnation(w, &member->incarnation);
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		if (w->host[i].id == id)
			return &w->host[i];
	}
	return NULL;
}

SimHost *
sim_host_at(SimWorld *w, const HaRegister *reg, HaId id)
{
	const HaMember *member = ha_register_member(reg, id);
	uint8_t place = member == NULL ? 0 : member->incarnation.byte[0];

	return place >= 1 && place <= w->host_count ? &w->host[place - 1] : sim_host_of(w, reg, id);
}

SimHost *
sim_leader(SimWorld *w)
{
	SimHost *leader = NULL;

	for (uint32_t i = 0; i < w->host_count; i++)
	{
		SimHost *h = &w->host[i];

		if (!h->running || h->out || (h->node.role != HA_ROLE_LEADER && h->node.role != HA_ROLE_OPENING))
			continue;
		if (leader == NULL || h->node.hard.term > leader->node.hard.term)
			leader = h;
	}
	return leader;
}

/* ---- The ha worker ---- */

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

/* ---- The loop ---- */

static void
host_timer(SimWorld *w, SimHost *h)
{
	int timer = 0;

	while (h->timer[timer] != h->next_due)
		timer++;
	sim_timer_set(h, (SimTimer) timer, SIM_NEVER);
	switch ((SimTimer) timer)
	{
		case SIM_TIMER_TURN:
			if (sim_worker_awake(w, h))
				sim_worker_turn(w, h, NULL);
			else if (h->running && !h->pending)
				sim_timer_set(h, SIM_TIMER_TURN,
							  (h->worker_until > h->halted_until ? h->worker_until : h->halted_until) + 1);
			break;
		case SIM_TIMER_PERSIST:
			sim_disk_timer(w, h);
			break;
		case SIM_TIMER_WORKER:
			sim_worker_start(w, h);
			break;
		case SIM_TIMER_POWER:
			sim_host_power(w, h);
			break;
		case SIM_TIMER_PG:
			sim_pg_timer(w, h);
			break;
		case SIM_TIMER_CONF:
			sim_stream_conf(w, h);
			break;
		case SIM_TIMER_STREAM:
			sim_stream_timer(w, h);
			break;
		case SIM_TIMER_FLUSH:
			sim_pg_flushed(w, h);
			break;
		case SIM_TIMER_COMMIT:
			sim_fence_timer(w, h);
			break;
		case SIM_TIMER_CHECKPOINT:
			h->pg.checkpointed = h->pg.state == SIM_PG_PRIMARY;
			sim_worker_wake(w, h);
			break;
		case SIM_TIMER_COUNT:
			break;
	}
}

/* The next thing that happens. False when the schedule is over. */
static bool
next(SimWorld *w)
{
	SimUs due = sim_net_due(&w->net);
	SimHost *host = NULL;

	for (SimHost *h = w->host; h < w->host + w->host_count; h++)
	{
		bool first = h->next_due < due;

		host = first ? h : host;
		due = first ? h->next_due : due;
	}
	if (w->plan.due < due || w->clients.due < due || w->operator.due < due)
	{
		if (w->plan.due <= w->clients.due && w->plan.due <= w->operator.due)
		{
			w->now = w->plan.due;
			sim_fault_strike(w);
		}
		else if (w->clients.due <= w->operator.due)
		{
			w->now = w->clients.due;
			sim_client_turn(w);
		}
		else
		{
			w->now = w->operator.due;
			sim_operator_turn(w);
			return !sim_check_settled(w);
		}
		return true;
	}
	if (due == SIM_NEVER)
		return false;
	if (due > w->now)
		w->now = due;
	if (host != NULL)
		host_timer(w, host);
	else
		sim_net_deliver(w);
	return true;
}

/* Chance, time and what everybody holds at the end belong to the story. */
static void
hash_end(SimWorld *w)
{
	sim_hash(w, w->prng.state);
	sim_hash(w, (uint64_t) w->now);
	sim_hash(w, (uint64_t) w->wal.count << 32 ^ w->check.written_count);
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		const SimHost *h = &w->host[i];

		sim_hash(w, h->durable.term ^ (uint64_t) h->pg.tip << 32);
		sim_hash(w, h->durable.reg.version.number ^ h->durable.run << 32);
	}
}

bool
sim_world_run(SimWorld *w, const SimSetup *setup, uint64_t seed)
{
	w->setup = *setup;
	w->trace = setup->trace;
	w->now = 0;
	w->calm_from = SIM_NEVER;
	w->hash = seed;
	ha_prng_seed(&w->prng, seed);
	w->setup.k = 0;
	if (setup->sync)
		w->setup.k = 1 + (sim_chance(w, setup->data >= 4 ? 500 : 150) && setup->data > 2);
	sim_wal_begin(&w->wal);
	sim_fault_plan(w);
	sim_net_begin(w);
	sim_hosts_begin(w);
	sim_operator_begin(w);
	while (next(w) && w->check.failed == NULL)
		;
	if (w->check.failed == NULL)
		sim_check_end(w);
	hash_end(w);
	return w->check.failed == NULL;
}
