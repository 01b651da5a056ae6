/*
 * fault.h: what goes wrong, how often: a swarm.
 *
 * Each schedule draws for every fault whether it exists at all and with what weight, so that some schedules see
 * nothing but partitions and others nothing but failing disks: what a uniform mix hides, a swarm finds.
 */
#ifndef HA_SIM_FAULT_H
#define HA_SIM_FAULT_H

#include "test/sim/sim.h"

#define SIM_FAULT_LIST(X) \
	X(PARTITION, "two sides that do not hear each other") \
	X(ISOLATE, "one host hears nobody") \
	X(ONE_WAY, "one direction of one link is cut") \
	X(PAIR, "one link is cut: connectivity is not transitive") \
	X(PEER_PORT, "the peer port of one host is blocked, PostgreSQL's is not") \
	X(SQL_PORT, "PostgreSQL's port of one host is blocked, the peer port is not") \
	X(HEAL, "all links are whole again") \
	X(WEATHER, "delay and loss change") \
	X(HOST_CRASH, "a host loses power") \
	X(POSTMASTER_KILLED, "the postmaster is killed") \
	X(WORKER_KILLED, "the ha worker ends, PostgreSQL goes on") \
	X(BACKEND_KILLED, "crash restart of the backends") \
	X(CLEAN_STOP, "the server is stopped cleanly") \
	X(WORKER_FROZEN, "the ha worker is stopped for a while") \
	X(ALL_FROZEN, "all processes of a host are stopped for a while") \
	X(BACKENDS_FROZEN, "the backends alone are stopped for a while") \
	X(VM_PAUSED, "a machine stands still with its clocks") \
	X(SUSPENDED, "a machine sleeps: MONOTONIC stands, BOOTTIME goes on") \
	X(CLOCK_RATE, "a clock's rate changes within the bounds") \
	X(DISK_SLOW, "the state file's disk is slow") \
	X(DISK_FAILS, "the next write of the state file fails") \
	X(DISK_TORN, "power is lost during the next write of the state file") \
	X(STREAM_BROKEN, "a replication connection breaks") \
	X(REPLAY_PAUSED, "replay is paused for a while") \
	X(BLOCKED, "a node may not stand for a while") \
	X(PROMOTED_BY_HAND, "pg_ctl promote on a standby") \
	X(WISH, "the operator wants something") \
	X(STATE_LOST, "a member loses its state file") \
	X(PROMISE_CHANGED, "a member's promise and beat are set anew") \
	X(BUSY_WAL, "WAL is written that no client waits for") \
	X(SNAPSHOT, "a machine is restored from an older snapshot")

typedef enum SimFault
{
#define SIM_FAULT_ENUM(name, text) SIM_FAULT_##name,
	SIM_FAULT_LIST(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
	SIM_FAULT_COUNT
} SimFault;

typedef struct SimPlan
{
	SimUs due;
	SimUs every;				/* mean time between faults */
	SimUs calm_at;				/* when they stop */
	uint32_t weight[SIM_FAULT_COUNT];
	uint32_t weight_sum;
	uint32_t promise_ms;
	uint32_t beat_ms;
	uint32_t at_leader;			/* per mille that hit the leader, if there is one */
	uint32_t slow_promotion;	/* per mille that take seconds */
	uint32_t isolate_next;		/* host that is cut off by the next fault, SIM_HOSTS_MAX = chance decides */
	bool tainted;				/* a snapshot was restored: no safety is claimed from here on */
} SimPlan;

/* The fault of this name, -1 = there is none. */
extern int sim_fault_by_name(const char *name);

/* Draws the plan of a schedule. */
extern void sim_fault_plan(struct SimWorld *w);
extern void sim_fault_strike(struct SimWorld *w);
/* All faults end: links whole, disks quick, everything runs or will soon. */
extern void sim_fault_calm(struct SimWorld *w);

#endif
