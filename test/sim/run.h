/*
 * run.h: running many schedules of one topology and mode, and telling what came of it.
 */
#ifndef HA_SIM_RUN_H
#define HA_SIM_RUN_H

#include "test/sim/world.h"

typedef struct SimTopology
{
	const char *name;
	uint32_t data;
	uint32_t witnesses;
} SimTopology;

extern const SimTopology sim_topologies[];
extern const uint32_t sim_topology_count;

/* Faults that must not happen, for all runs from here on: bits of SimFault. */
extern uint64_t sim_run_without;

/* One schedule; an assertion of the core counts as a violation. True when all is well. */
extern bool sim_run_one(SimWorld *w, const SimTopology *topology, bool sync, uint64_t seed, bool trace);

/* A list of seeds, one after the other; ends at the first violation and says how to see it again. */
extern bool sim_run_many(SimWorld *w, const SimTopology *topology, bool sync, uint64_t first, uint64_t seeds,
						 bool trace);

/* Each seeded bug over the topologies until it is found; a table on the standard output. True when all are. */
extern bool sim_mutants_run(SimWorld *w, uint64_t limit, const char *only);

/* Makes this bug alive, NULL or "none" = no bug. False when there is no such bug or the build holds none. */
extern bool sim_mutants_choose(const char *name);

#endif
