/*
 * disk.c: writes of the state file; see disk.h.
 */
#include "test/sim/copy.h"
#include "test/sim/world.h"

static void
saved(SimHost *h)
{
	sim_copy_hard(&h->durable, &h->node.hard);
}

/* A write that did not end well: the old state or the new one is there. */
static void
either(SimWorld *w, SimHost *h)
{
	if (sim_chance(w, 500))
		saved(h);
}

bool
sim_disk_persist(SimWorld *w, SimHost *h)
{
	uint32_t trap = h->disk_trap;

	h->disk_trap = SIM_DISK_WELL;
	if (trap == SIM_DISK_FAILS)
	{
		either(w, h);
		sim_say(w, h, "the state file cannot be written: the ha worker ends");
		sim_worker_end(w, h);
		sim_timer_set(h, SIM_TIMER_WORKER, w->now + sim_between(w, 10 * SIM_MS, 3000 * SIM_MS));
		return false;
	}
	if (trap == SIM_DISK_TORN)
	{
		either(w, h);
		sim_say(w, h, "power is lost while the state file is written");
		sim_host_crash(w, h, sim_between(w, 500 * SIM_MS, 8000 * SIM_MS));
		return false;
	}
	if (w->now < h->slow_disk_until && sim_chance(w, 700))
	{
		SimUs length = sim_between(w, SIM_MS, sim_chance(w, 100) ? 4000 * SIM_MS : 300 * SIM_MS);

		h->pending = true;
		sim_timer_set(h, SIM_TIMER_PERSIST, w->now + length);
		return false;
	}
	saved(h);
	return true;
}

void
sim_disk_timer(SimWorld *w, SimHost *h)
{
	if (!h->pending)
		return;
	/* A frozen worker goes on from here when it thaws. */
	if (w->now < h->worker_until || w->now < h->halted_until)
	{
		sim_timer_set(h, SIM_TIMER_PERSIST,
					  (h->worker_until > h->halted_until ? h->worker_until : h->halted_until) + 1);
		return;
	}
	h->pending = false;
	saved(h);
	sim_worker_effects_rest(w, h, &h->fx);
}
