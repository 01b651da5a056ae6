/*
 * run.c: schedules by the thousand; see run.h.
 */
#include "test/sim/run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

/* Every so many schedules one is run twice, and must tell the same story. */
#define TWICE_EVERY 64

/* From so many schedules on, a run that tested nothing is a failure. */
#define ENOUGH_TO_TELL 500

const SimTopology sim_topologies[] = {
	{"3", 3, 0}, {"2w", 2, 1}, {"5", 5, 0}, {"4w", 4, 1}, {"7", 7, 0},
};
const uint32_t sim_topology_count = sizeof(sim_topologies) / sizeof(sim_topologies[0]);

uint64_t sim_run_without = 0;

static sigjmp_buf aborted;

static void
on_abort(int signal_number)
{
	(void) signal_number;
	siglongjmp(aborted, 1);
}

bool
sim_run_one(SimWorld *w, const SimTopology *topology, bool sync, uint64_t seed, bool trace)
{
	SimSetup setup = {.data = topology->data, .witnesses = topology->witnesses, .sync = sync, .trace = trace,
		.without = sim_run_without};

	signal(SIGABRT, on_abort);
	if (sigsetjmp(aborted, 1) != 0)
	{
		sim_fail(w, NULL, "no_assertion", "an assert() of the core failed");
		return false;
	}
	return sim_world_run(w, &setup, seed);
}

static void
print_counts(const SimCounts *c, uint64_t schedules, double seconds, uint64_t stories)
{
	printf("  %.0f schedules/s, %.0f steps/s; per 1000 schedules: %llu elections, %llu opened, %llu acknowledged,"
		   " %llu unknown, %llu refused,\n", (double) schedules / seconds, (double) c->steps / seconds,
		   (unsigned long long) (c->elections * 1000 / schedules), (unsigned long long) (c->opened * 1000 / schedules),
		   (unsigned long long) (c->acked * 1000 / schedules), (unsigned long long) (c->unknown * 1000 / schedules),
		   (unsigned long long) (c->refused * 1000 / schedules));
	printf("  %llu rules, %llu lists, %llu hand-overs, %llu rewinds, %llu clones, %llu faults, %llu snapshots, %llu"
		   " forced, %llu steps\n", (unsigned long long) (c->sync_changes * 1000 / schedules),
		   (unsigned long long) (c->member_changes * 1000 / schedules),
		   (unsigned long long) (c->hand_overs * 1000 / schedules),
		   (unsigned long long) (c->rewinds * 1000 / schedules), (unsigned long long) (c->clones * 1000 / schedules),
		   (unsigned long long) (c->faults * 1000 / schedules), (unsigned long long) (c->tainted * 1000 / schedules),
		   (unsigned long long) (c->forced * 1000 / schedules), (unsigned long long) (c->steps * 1000 / schedules));
	printf("  stories %016llx\n", (unsigned long long) stories);
}

static bool
tested_something(const SimCounts *c, bool sync, uint64_t schedules)
{
	if (schedules < ENOUGH_TO_TELL)
		return true;
	return c->elections > schedules && c->opened > schedules && c->acked > schedules && c->hand_overs > 0 &&
		c->member_changes > 0 && c->rewinds > 0 && (!sync || c->sync_changes > 0);
}

static bool
same_twice(SimWorld *w, const SimTopology *topology, bool sync, uint64_t seed)
{
	SimCounts counts = w->counts;
	uint64_t hash = w->hash;

	if (!sim_run_one(w, topology, sync, seed, false))
		return false;
	w->counts = counts;
	if (w->hash != hash)
		sim_fail(w, NULL, "same_seed_same_story", "another trace at the second time");
	return w->hash == hash;
}

bool
sim_run_many(SimWorld *w, const SimTopology *topology, bool sync, uint64_t first, uint64_t seeds, bool trace)
{
	const char *mode = sync ? "sync" : "async";
	clock_t start = clock();
	uint64_t stories = 0;	/* the hashes of all schedules in one: two builds that print the same told the same */

	memset(&w->counts, 0, sizeof(w->counts));
	for (uint64_t seed = first; seed < first + seeds; seed++)
	{
		bool well = sim_run_one(w, topology, sync, seed, trace);

		if (well && seed % TWICE_EVERY == 0)
			well = same_twice(w, topology, sync, seed);
		stories = (stories ^ w->hash) * UINT64_C(0x100000001B3);
		stories ^= stories >> 29;
		if (well)
			continue;
		printf("topology %s, %s, seed %llu: VIOLATION of %s: %s\n", topology->name, mode, (unsigned long long) seed,
			   w->check.failed, w->check.text);
		printf("  see it again: sim --topology %s --mode %s --first %llu --seeds 1 --trace\n", topology->name, mode,
			   (unsigned long long) seed);
		return false;
	}
	printf("topology %s, %s: %llu schedules from seed %llu, no violation\n", topology->name, mode,
		   (unsigned long long) seeds, (unsigned long long) first);
	print_counts(&w->counts, seeds, (double) (clock() - start + 1) / CLOCKS_PER_SEC, stories);
	if (tested_something(&w->counts, sync, seeds))
		return true;
	printf("  but this run tested nothing\n");
	return false;
}
