/*
 * mutants.c: the seeded bugs of core/mutant.h, and how soon each is found; see run.h.
 *
 * A simulator that never finds anything may be blind. Each bug is run over the topologies and modes, a slice of seeds
 * at a time, until a checker finds it; what was found where is printed as a table.
 */
#include "test/sim/run.h"

#include <stdio.h>

#ifdef HA_MUTANTS

int ha_mutant = HA_MUTANT_NONE;

#define SLICE 500

typedef struct Mutant
{
	int number;
	const char *name;
	const char *text;
} Mutant;

static const Mutant mutants[] = {
#define MUTANT_ROW(name, text) {HA_MUTANT_##name, #name, text},
	HA_MUTANT_LIST(MUTANT_ROW)
#undef MUTANT_ROW
};

bool
sim_mutants_choose(const char *name)
{
	ha_mutant = HA_MUTANT_NONE;
	if (name == NULL || strcmp(name, "none") == 0)
		return true;
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++)
	{
		if (strcmp(mutants[i].name, name) == 0)
			ha_mutant = mutants[i].number;
	}
	return ha_mutant != HA_MUTANT_NONE;
}

/* A slice in one topology and mode; the number of schedules until it was found, 0 = not yet. */
static uint64_t
look(SimWorld *w, const SimTopology *topology, bool sync, uint64_t first)
{
	for (uint64_t seed = first; seed < first + SLICE; seed++)
	{
		if (!sim_run_one(w, topology, sync, seed, false))
			return seed;
	}
	return 0;
}

static bool
find(SimWorld *w, const Mutant *mutant, uint64_t limit)
{
	uint64_t run = 0;

	for (uint64_t first = 1; run < limit; first += SLICE)
	{
		/* The last topology is the largest and the slowest; what it could find, the others do. */
		for (uint32_t i = 0; i < 2 * (sim_topology_count - 1) && run < limit; i++)
		{
			const SimTopology *topology = &sim_topologies[i / 2];
			bool sync = i % 2 == 0;
			uint64_t seed = look(w, topology, sync, first);

			if (seed != 0)
			{
				run += seed - first + 1;
				printf("| %-26s | %-3s %-5s | %9llu | %llu | %s |\n", mutant->name, topology->name,
					   sync ? "sync" : "async", (unsigned long long) run, (unsigned long long) seed, w->check.failed);
				fflush(stdout);
				return true;
			}
			run += SLICE;
		}
	}
	printf("| %-26s |           | %9llu | not found | %s |\n", mutant->name, (unsigned long long) run, mutant->text);
	fflush(stdout);
	return false;
}

bool
sim_mutants_run(SimWorld *w, uint64_t limit, const char *only)
{
	bool all = true;

	printf("| seeded bug | topology, mode | schedules until found | seed | found by |\n|---|---|---|---|---|\n");
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++)
	{
		if (only != NULL && strcmp(only, mutants[i].name) != 0)
			continue;
		ha_mutant = mutants[i].number;
		all = find(w, &mutants[i], limit) && all;
	}
	ha_mutant = HA_MUTANT_NONE;
	return all;
}

#else

bool
sim_mutants_choose(const char *name)
{
	return name == NULL || strcmp(name, "none") == 0;
}

bool
sim_mutants_run(SimWorld *w, uint64_t limit, const char *only)
{
	(void) w;
	(void) limit;
	(void) only;
	printf("this build holds no seeded bugs: compile with -DHA_MUTANTS\n");
	return false;
}

#endif
