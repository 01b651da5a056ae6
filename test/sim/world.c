/*
 * world.c: chance, the trace, timers, who is who, and the loop of a schedule; see world.h.
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
