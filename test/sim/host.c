/*
 * host.c: machines: their clocks, losing power, standing still, and how a schedule begins; see world.h.
 */
#include "test/sim/world.h"

#include <stdio.h>

/* ---- Clocks ---- */

static HaUs
elapsed(const SimClock *c, SimUs since, SimUs now)
{
	return now <= since ? 0 : (now - since) * c->rate / 1000000;
}

HaNow
sim_clock_now(const SimHost *h, SimUs now)
{
	const SimClock *c = &h->clock;

	return (HaNow){c->boot_us + elapsed(c, c->boot_at, now), c->mono_us + elapsed(c, c->mono_at, now)};
}

SimUs
sim_clock_when(const SimHost *h, HaUs boot_us)
{
	const SimClock *c = &h->clock;

	if (boot_us <= c->boot_us)
		return c->boot_at;
	return c->boot_at + ((boot_us - c->boot_us) * 1000000 + c->rate - 1) / c->rate;
}

/* Counts on from here. */
static void
rebase(SimWorld *w, SimHost *h)
{
	SimClock *c = &h->clock;
	HaNow now = sim_clock_now(h, w->now);

	c->boot_us = now.boot_us;
	c->mono_us = now.mono_us;
	c->boot_at = c->boot_at > w->now ? c->boot_at : w->now;
	c->mono_at = c->mono_at > w->now ? c->mono_at : w->now;
}

void
sim_clock_set_rate(SimWorld *w, SimHost *h, int64_t rate)
{
	rebase(w, h);
	h->clock.rate = rate;
}

void
sim_clock_still(SimWorld *w, SimHost *h, SimUs until, bool boot_too)
{
	rebase(w, h);
	if (h->clock.mono_at < until)
		h->clock.mono_at = until;
	if (!boot_too)
		return;
	if (h->clock.boot_at < until)
		h->clock.boot_at = until;
	h->still_boot_us = h->clock.boot_us;
}

void
sim_clock_reboot(SimWorld *w, SimHost *h)
{
	h->clock.boot_us = h->clock.mono_us = sim_between(w, 1000 * SIM_MS, 60000 * SIM_MS);
	h->clock.boot_at = h->clock.mono_at = w->now;
	h->still_boot_us = -1;
}

/* ---- Machines ---- */

void
sim_host_crash(SimWorld *w, SimHost *h, SimUs down_for)
{
	if (!h->powered)
		return;
	sim_say(w, h, "the host loses power");
	h->powered = false;
	h->halted_until = h->worker_until = 0;
	sim_worker_end(w, h);
	if (!h->witness)
		sim_pg_crash(w, h, true);
	for (int i = 0; i < SIM_TIMER_COUNT; i++)
		sim_timer_set(h, (SimTimer) i, SIM_NEVER);
	sim_timer_set(h, SIM_TIMER_POWER, w->now + down_for);
}

void
sim_host_power(SimWorld *w, SimHost *h)
{
	if (!h->powered)
	{
		h->powered = true;
		sim_clock_reboot(w, h);
		sim_say(w, h, "the host boots");
	}
	if (h->out)
		return;
	if (h->witness)
		sim_worker_start(w, h);
	else if (h->pg.state == SIM_PG_DOWN)
		sim_pg_start(w, h);
}

void
sim_host_halt(SimWorld *w, SimHost *h, SimUs length)
{
	if (w->now + length <= h->halted_until)
		return;
	sim_timer_put_off(h, w->now + length - (h->halted_until > w->now ? h->halted_until : w->now));
	h->halted_until = w->now + length;
}

/* ---- How a schedule begins ---- */

static void
host_begin(SimWorld *w, SimHost *h, uint32_t index, bool witness, bool spare)
{
	static const int64_t extreme[] = {900000, 1100000, 1000000};

	h->index = index;
	h->life = 1;
	h->id = spare ? 0 : index + 1;
	h->witness = witness;
	h->powered = true;
	h->out = spare;
	h->halted_until = h->worker_until = h->slow_disk_until = 0;
	h->disk_trap = SIM_DISK_WELL;
	h->running = h->pending = h->leaving = h->drain_asked = false;
	h->latch_at = SIM_NEVER;
	h->runs = 0;
	h->saved_ok = false;
	h->times = (HaTimes){w->plan.promise_ms, w->plan.beat_ms};
	h->next_due = h->rest_due = SIM_NEVER;
	for (int i = 0; i < SIM_TIMER_COUNT; i++)
		h->timer[i] = SIM_NEVER;
	sim_clock_reboot(w, h);
	h->clock.rate = sim_chance(w, 500) ? extreme[sim_below(w, 3)] : sim_between(w, 900000, 1100000);
	memset(&h->pg, 0, sizeof(h->pg));
	memset(&h->fence, 0, sizeof(h->fence));
	h->pg.tli_newest = 1;
	h->pg.consistent_at = -1;
	h->pg.rejoin_leader = SIM_HOSTS_MAX;
}

/* A register as `create` and some `join`s leave it; who created it may have lost its standbys before. */
static void
first_register(SimWorld *w, HaRegister *reg)
{
	HaSet data = 0;

	memset(reg, 0, sizeof(*reg));
	reg->version = (HaVersion){0, 1};
	reg->leader = 1;
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		const SimHost *h = &w->host[i];
		HaMember *member = &reg->member[reg->member_count];

		if (h->out)
			continue;
		reg->member_count++;
		member->id = h->id;
		member->incarnation = sim_incarnation(h);
		member->flags = h->witness ? 0 : HA_MEMBER_DATA;
		member->priority = h->witness ? 0 : 100;
		snprintf(member->name, sizeof(member->name), "h%u-%u", h->index, h->life);
		reg->voters |= ha_set_of(h->id);
		data |= h->witness ? 0 : ha_set_of(h->id);
	}
	reg->chain = (HaChain){.count = 1, .epoch = {{0, 1, 0}}};
	reg->tli_max = 1;
	reg->k_wanted = w->setup.k;
	reg->rule.sync = w->setup.k > 0;
	if (w->setup.k == 0)
		return;
	reg->rule.k = sim_chance(w, 300) ? 0 : w->setup.k;
	reg->rule.sync_set = reg->rule.k == 0 ? ha_set_of(1) : data;
	reg->k_min = sim_chance(w, 300) ? sim_below(w, w->setup.k + 1) : 0;
}

void
sim_hosts_begin(SimWorld *w)
{
	uint32_t members = w->setup.data + w->setup.witnesses;
	HaRegister reg;

	w->host_count = members + (members < SIM_HOSTS_MAX && sim_chance(w, 400) ? 1 : 0);
	for (uint32_t i = 0; i < w->host_count; i++)
		host_begin(w, &w->host[i], i, i >= w->setup.data && i < members, i >= members);
	first_register(w, &reg);
	sim_check_begin(w, &reg);
	for (uint32_t i = 0; i < members; i++)
	{
		SimHost *h = &w->host[i];

		memset(&h->durable, 0, sizeof(h->durable));
		h->durable.cluster.byte[0] = 1;
		h->durable.system_id = 1;
		h->durable.id = h->id;
		h->durable.incarnation = sim_incarnation(h);
		h->durable.reg = reg;
		h->durable.chain = reg.chain;
		sim_timer_set(h, SIM_TIMER_POWER, sim_between(w, 0, 500 * SIM_MS));
	}
}
