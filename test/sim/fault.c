/*
 * fault.c: what goes wrong; see fault.h.
 */
#include "test/sim/world.h"

static const char *const fault_name[SIM_FAULT_COUNT] = {
#define SIM_FAULT_NAME(name, text) #name,
	SIM_FAULT_LIST(SIM_FAULT_NAME)
#undef SIM_FAULT_NAME
};

static const char *const fault_text[SIM_FAULT_COUNT] = {
#define SIM_FAULT_TEXT(name, text) text,
	SIM_FAULT_LIST(SIM_FAULT_TEXT)
#undef SIM_FAULT_TEXT
};

int
sim_fault_by_name(const char *name)
{
	for (int i = 0; i < SIM_FAULT_COUNT; i++)
	{
		if (strcmp(fault_name[i], name) == 0)
			return i;
	}
	return -1;
}

/* ---- The plan ---- */

/* Most schedules take only some of the faults, each with a weight of its own. */
static void
draw_weights(SimWorld *w)
{
	SimPlan *plan = &w->plan;
	uint32_t density = 150 + sim_below(w, 700);

	plan->weight_sum = 0;
	for (int i = 0; i < SIM_FAULT_COUNT; i++)
	{
		plan->weight[i] = sim_chance(w, density) ? 1 + sim_below(w, 8) : 0;
		if (i == SIM_FAULT_SNAPSHOT)
			plan->weight[i] = sim_chance(w, 15) ? 8 : 0;
		if (i == SIM_FAULT_STATE_LOST && plan->weight[i] > 1)
			plan->weight[i] = 1;
		if ((w->setup.without >> i) & 1)
			plan->weight[i] = 0;
		plan->weight_sum += plan->weight[i];
	}
	/* Cut links are whole again some time, in every schedule. */
	plan->weight[SIM_FAULT_HEAL] += 2;
	plan->weight_sum += 2;
}

static void
draw_weather(SimWorld *w, bool harsh)
{
	SimNet *net = &w->net;
	SimUs promise = (SimUs) w->plan.promise_ms * SIM_MS;

	net->delay_min = sim_between(w, 50, harsh ? 5 * SIM_MS : SIM_MS);
	net->delay_max = net->delay_min + sim_between(w, 100, harsh ? promise / 8 : 5 * SIM_MS);
	net->loss = harsh && sim_chance(w, 600) ? sim_below(w, 300) : 0;
	net->repeat = sim_chance(w, 300) ? sim_below(w, 200) : 0;
	net->late = harsh && sim_chance(w, 400) ? 1 + sim_below(w, 50) : 0;
	net->late_max = net->delay_max + promise * 3 / 2;
}

void
sim_fault_plan(SimWorld *w)
{
	static const uint32_t promises[] = {1000, 2000, 3000};
	SimPlan *plan = &w->plan;
	SimUs promise;

	plan->promise_ms = promises[sim_below(w, 3)];
	plan->beat_ms = plan->promise_ms / (sim_chance(w, 700) ? 3 + sim_below(w, 2) : 5 + sim_below(w, 3));
	promise = (SimUs) plan->promise_ms * SIM_MS;
	plan->every = promise / 8 + sim_between(w, 0, promise * 3 / 2);
	plan->due = promise / 2;
	plan->calm_at = promise * 2 + plan->every * (3 + sim_below(w, 18));
	plan->at_leader = sim_chance(w, 500) ? 500 : 100;
	plan->slow_promotion = sim_chance(w, 300) ? 300 : 20;
	plan->isolate_next = SIM_HOSTS_MAX;
	plan->tainted = false;
	draw_weights(w);
	draw_weather(w, sim_chance(w, 500));
	w->clients = (SimClients){.due = promise * 3 / 2, .every = promise / 8 + sim_between(w, 0, promise),
		.astray = sim_chance(w, 500) ? 200 : 30};
}

/* ---- Choosing ---- */

static SimHost *
victim(SimWorld *w)
{
	SimHost *leader = sim_chance(w, w->plan.at_leader) ? sim_leader(w) : NULL;

	return leader != NULL ? leader : &w->host[sim_below(w, w->host_count)];
}

static SimUs
promises(SimWorld *w, SimUs tenths_from, SimUs tenths_to)
{
	return sim_between(w, tenths_from, tenths_to) * (SimUs) w->plan.promise_ms * SIM_MS / 10;
}

/* Most outages are short, some are long. */
static SimUs
down_time(SimWorld *w)
{
	return sim_chance(w, 700) ? promises(w, 1, 15) : promises(w, 15, 80);
}

/* ---- Faults of the network ---- */

static void
cut_sides(SimWorld *w, HaSet side)
{
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		for (uint32_t j = 0; j < w->host_count; j++)
		{
			if (((side >> i) & 1) != ((side >> j) & 1))
				w->net.cut[i][j] = true;
		}
	}
}

/* One of a host's two ports is blocked, for all or in one direction. */
static void
block_port(SimWorld *w, const SimHost *h, bool blocked[SIM_HOSTS_MAX][SIM_HOSTS_MAX])
{
	uint32_t way = sim_below(w, 3);

	for (uint32_t i = 0; i < w->host_count; i++)
	{
		if (way != 1)
			blocked[h->index][i] = true;
		if (way != 2)
			blocked[i][h->index] = true;
	}
}

static void
strike_network(SimWorld *w, SimFault fault)
{
	SimHost *h = victim(w);
	uint32_t other = sim_below(w, w->host_count);

	switch (fault)
	{
		case SIM_FAULT_PARTITION:
			cut_sides(w, sim_below(w, (uint32_t) 1 << w->host_count));
			break;
		case SIM_FAULT_ISOLATE:
			cut_sides(w, (HaSet) 1 << h->index);
			break;
		case SIM_FAULT_ONE_WAY:
			if (sim_chance(w, 500))
				w->net.cut[h->index][other] = true;
			else
				w->net.cut[other][h->index] = true;
			break;
		case SIM_FAULT_PAIR:
			w->net.cut[h->index][other] = w->net.cut[other][h->index] = true;
			break;
		case SIM_FAULT_PEER_PORT:
			block_port(w, h, w->net.deaf);
			break;
		case SIM_FAULT_SQL_PORT:
			block_port(w, h, w->net.dry);
			break;
		case SIM_FAULT_HEAL:
			sim_net_heal(&w->net);
			break;
		case SIM_FAULT_STREAM_BROKEN:
			sim_stream_break(w, h);
			break;
		default:
			draw_weather(w, sim_chance(w, 600));
			break;
	}
}

/* ---- Faults of processes ---- */

/* The server ends; its ha worker may get to say a last will. */
static void
end_server(SimWorld *w, SimHost *h, bool cleanly)
{
	HaEvent event = {.kind = HA_EVENT_RESIGN,
		.reason = cleanly ? HA_RESIGN_STOPPING : sim_chance(w, 200) ? HA_RESIGN_WAL_BROKEN : HA_RESIGN_POSTMASTER_DIED};

	if (h->witness)
	{
		sim_worker_end(w, h);
		sim_timer_set(h, SIM_TIMER_WORKER, w->now + down_time(w));
		return;
	}
	if (!sim_pg_alive(h) || h->pg.state == SIM_PG_DYING)
		return;
	sim_pg_die(w, h, cleanly, down_time(w));
	h->leaving = true;
	if (!cleanly && sim_chance(w, 250))
		sim_worker_end(w, h);
	else if (sim_worker_awake(w, h))
		sim_worker_turn(w, h, &event);
}

static void
stop_worker(SimWorld *w, SimHost *h)
{
	if (!h->running)
		return;
	sim_say(w, h, "the ha worker is killed");
	sim_worker_end(w, h);
	sim_timer_set(h, SIM_TIMER_WORKER, w->now + (sim_chance(w, 700) ? sim_between(w, SIM_MS, 1000 * SIM_MS) :
												 promises(w, 3, 20)));
}

static void
strike_process(SimWorld *w, SimFault fault)
{
	SimHost *h = victim(w);

	switch (fault)
	{
		case SIM_FAULT_HOST_CRASH:
			sim_host_crash(w, h, down_time(w));
			break;
		case SIM_FAULT_POSTMASTER_KILLED:
			end_server(w, h, false);
			break;
		case SIM_FAULT_CLEAN_STOP:
			end_server(w, h, true);
			break;
		case SIM_FAULT_WORKER_KILLED:
			stop_worker(w, h);
			break;
		case SIM_FAULT_BACKEND_KILLED:
			if (!h->witness)
				sim_pg_crash_restart(w, h);
			break;
		case SIM_FAULT_WORKER_FROZEN:
			h->worker_until = w->now + promises(w, 1, 30);
			break;
		case SIM_FAULT_BACKENDS_FROZEN:
			h->fence.stall_until = w->now + promises(w, 1, 15);
			break;
		default:
			sim_host_halt(w, h, promises(w, 1, 30));
			break;
	}
}

/* ---- Faults of clocks, disks and PostgreSQL ---- */

static void
stand_still(SimWorld *w, SimHost *h, bool boot_too)
{
	SimUs length = promises(w, 1, 30);

	sim_say(w, h, boot_too ? "the machine stands still" : "the machine sleeps");
	sim_clock_still(w, h, w->now + length, boot_too);
	sim_host_halt(w, h, length);
}

static void
pause_replay(SimWorld *w, SimHost *h)
{
	SimPg *pg = &h->pg;

	if (h->witness || pg->state != SIM_PG_STANDBY)
		return;
	if (w->now >= pg->settle_at)
		pg->replayed = pg->tip;
	pg->paused_until = w->now + promises(w, 1, 40);
	pg->settle_at = pg->paused_until + SIM_MS;
	sim_timer_set(h, SIM_TIMER_PG, pg->settle_at);
}

/* A machine goes back to an older state of its disks; from here on no safety is claimed (reliability.md 7.4). */
static void
restore_snapshot(SimWorld *w, SimHost *h)
{
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		SimHost *other = &w->host[i];

		if (!other->saved_ok || other->out || other->durable.run <= other->saved.run)
			continue;
		sim_host_crash(w, other, promises(w, 1, 5));
		sim_say(w, other, "restored from a snapshot of run %llu", (unsigned long long) other->saved.run);
		w->check.restored[i] = true;
		other->durable = other->saved;
		sim_pg_set_tip(w, other, other->saved_tip);
		other->saved_ok = false;
		w->plan.tainted = true;
		return;
	}
	h->saved_ok = !h->out && h->powered;
	h->saved = h->durable;
	h->saved_tip = h->pg.tip;
}

static void
lose_state(SimWorld *w, SimHost *h)
{
	uint32_t out = 0;

	for (uint32_t i = 0; i < w->host_count; i++)
		out += w->host[i].out;
	/* One at a time: what a majority forgets, nobody can know. */
	if (out > 0 || h->out)
		return;
	sim_say(w, h, "the state file is lost");
	sim_worker_end(w, h);
	if (!h->witness)
		sim_pg_crash(w, h, true);
	h->out = true;
}

static void
strike_rest(SimWorld *w, SimFault fault)
{
	SimHost *h = victim(w);
	static const uint32_t blocks[] = {HA_BLOCK_APPLY_DELAY, HA_BLOCK_FSYNC_OFF, HA_BLOCK_INCONSISTENT, 0, 0};

	switch (fault)
	{
		case SIM_FAULT_VM_PAUSED:
		case SIM_FAULT_SUSPENDED:
			stand_still(w, h, fault == SIM_FAULT_VM_PAUSED);
			break;
		case SIM_FAULT_CLOCK_RATE:
			sim_clock_set_rate(w, h, sim_between(w, 900000, 1100000));
			break;
		case SIM_FAULT_DISK_SLOW:
			h->slow_disk_until = w->now + promises(w, 3, 60);
			break;
		case SIM_FAULT_DISK_FAILS:
			h->disk_trap = SIM_DISK_FAILS;
			break;
		case SIM_FAULT_DISK_TORN:
			h->disk_trap = SIM_DISK_TORN;
			break;
		case SIM_FAULT_REPLAY_PAUSED:
			pause_replay(w, h);
			break;
		case SIM_FAULT_BLOCKED:
			h->pg.blocks = blocks[sim_below(w, 5)];
			sim_worker_wake(w, h);
			break;
		case SIM_FAULT_PROMOTED_BY_HAND:
			sim_pg_promote(w, h, true);
			break;
		case SIM_FAULT_WISH:
			sim_operator_ask(w);
			break;
		case SIM_FAULT_STATE_LOST:
			lose_state(w, h);
			break;
		case SIM_FAULT_PROMISE_CHANGED:
			h->times.promise_ms = w->plan.promise_ms / 2 + sim_below(w, w->plan.promise_ms);
			h->times.beat_ms = h->times.promise_ms / (3 + sim_below(w, 4));
			h->node.times = h->times;
			break;
		case SIM_FAULT_BUSY_WAL:
			if (!h->witness && h->pg.state == SIM_PG_PRIMARY)
				sim_pg_write(w, h);
			break;
		default:
			restore_snapshot(w, h);
			break;
	}
}

void
sim_fault_strike(SimWorld *w)
{
	SimPlan *plan = &w->plan;
	uint32_t left = sim_below(w, plan->weight_sum);
	int fault = 0;

	if (w->now >= plan->calm_at)
	{
		sim_fault_calm(w);
		return;
	}
	plan->due = w->now + plan->every / 8 + sim_below(w, (uint32_t) (plan->every * 7 / 4));
	if (plan->due > plan->calm_at)
		plan->due = plan->calm_at;
	w->counts.faults++;
	if (plan->isolate_next < SIM_HOSTS_MAX)
	{
		sim_say(w, NULL, "FAULT at a bad moment: h%u hears nobody", plan->isolate_next);
		cut_sides(w, (HaSet) 1 << plan->isolate_next);
		plan->isolate_next = SIM_HOSTS_MAX;
		return;
	}
	while (left >= plan->weight[fault])
		left -= plan->weight[fault++];
	sim_say(w, NULL, "FAULT %s: %s", fault_name[fault], fault_text[fault]);
	if (fault <= SIM_FAULT_WEATHER || fault == SIM_FAULT_STREAM_BROKEN)
		strike_network(w, (SimFault) fault);
	else if (fault <= SIM_FAULT_ALL_FROZEN || fault == SIM_FAULT_BACKENDS_FROZEN)
		strike_process(w, (SimFault) fault);
	else
		strike_rest(w, (SimFault) fault);
}

/* ---- The calm ---- */

/* Whatever stood still goes on at once; its clocks do too. */
static void
release(SimWorld *w, SimHost *h)
{
	SimUs left = h->halted_until - w->now;

	h->worker_until = h->slow_disk_until = 0;
	h->disk_trap = SIM_DISK_WELL;
	h->fence.stall_until = 0;
	sim_fence_progress(w, h);
	if (left > 0)
	{
		h->halted_until = w->now;
		sim_timer_put_off(h, -left);
	}
	if (h->clock.boot_at > w->now)
		h->clock.boot_at = w->now;
	if (h->clock.mono_at > w->now)
		h->clock.mono_at = w->now;
	for (int i = 0; i < SIM_TIMER_COUNT; i++)
	{
		SimUs soon = w->now + sim_between(w, SIM_MS, 200 * SIM_MS);

		/* Nothing waits longer than it must: not for a boot, a restart, a slow promotion. */
		if (h->timer[i] != SIM_NEVER && h->timer[i] > soon && i != SIM_TIMER_TURN)
			sim_timer_set(h, (SimTimer) i, soon);
	}
	h->pg.blocks = 0;
	h->pg.paused_until = 0;
	if (h->pg.settle_at > w->now && h->pg.settle_at != SIM_NEVER)
		h->pg.settle_at = w->now;
	h->times = (HaTimes){w->plan.promise_ms, w->plan.beat_ms};
	h->node.times = h->times;
	if (h->running && !h->pending)
		sim_timer_set(h, SIM_TIMER_TURN, w->now + 1);
}

void
sim_fault_calm(SimWorld *w)
{
	sim_say(w, NULL, "CALM");
	w->calm_from = w->now;
	w->plan.due = SIM_NEVER;
	w->clients.every = (SimUs) w->plan.promise_ms * SIM_MS / 2;
	sim_net_heal(&w->net);
	draw_weather(w, false);
	w->net.loss = w->net.late = 0;
	for (uint32_t i = 0; i < w->host_count; i++)
		release(w, &w->host[i]);
}
