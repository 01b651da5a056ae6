/*
 * sim.h: the few types that every part of the simulator shares.
 */
#ifndef HA_SIM_SIM_H
#define HA_SIM_SIM_H

#include "core/node.h"

#define SIM_HOSTS_MAX 8
#define SIM_NEVER INT64_MAX
#define SIM_MS ((SimUs) 1000)
#define SIM_ROGUE_TERM UINT64_MAX

/* Microseconds of real time since the schedule began. */
typedef int64_t SimUs;

struct SimWorld;
struct SimHost;

/* What a schedule is about; the seed decides the rest. */
typedef struct SimSetup
{
	uint32_t data;				/* data nodes at the start */
	uint32_t witnesses;
	bool sync;
	bool trace;
	uint64_t without;			/* faults that must not happen: bits of SimFault */
	uint32_t k;					/* drawn by the schedule; 0 = asynchronous */
} SimSetup;

/* What happened; a run that tested nothing must be seen. */
typedef struct SimCounts
{
	uint64_t steps;
	uint64_t elections;			/* terms that were won */
	uint64_t opened;
	uint64_t acked;
	uint64_t refused;
	uint64_t unknown;
	uint64_t sync_changes;		/* registered rules */
	uint64_t member_changes;	/* registered lists of voters or members */
	uint64_t hand_overs;		/* that ended with another leader */
	uint64_t rewinds;
	uint64_t clones;
	uint64_t faults;
	uint64_t forced;			/* survivors made leaders by the operator */
	uint64_t tainted;			/* schedules with a restored snapshot */
} SimCounts;

#endif
