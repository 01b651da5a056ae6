/*
 * client.h: clients that write, and the fence through which every commit of theirs goes (design.md 4.1).
 *
 * A commit asks lease and gate before it writes; is flushed; waits until the gate's rules are met by distinct members
 * that have joined; and asks lease and term once more before it is acknowledged. Between two of these steps any
 * amount of time may pass. Shared memory lives as long as the postmaster and not longer.
 */
#ifndef HA_SIM_CLIENT_H
#define HA_SIM_CLIENT_H

#include "core/node.h"
#include "test/sim/sim.h"

#define SIM_COMMITS_MAX 8

typedef enum SimCommitPhase
{
	SIM_COMMIT_NONE,
	SIM_COMMIT_BEGUN,			/* let through before the commit record; it is written when due */
	SIM_COMMIT_FLUSHING,
	SIM_COMMIT_WAITING,			/* for the rules of the gate */
	SIM_COMMIT_JUDGED			/* the rules were met; lease and term are asked when due */
} SimCommitPhase;

typedef struct SimCommit
{
	SimCommitPhase phase;
	SimUs due;
	int record;
	HaTerm term;
	uint64_t seq;				/* publication of the gate that it saw last */
	uint32_t rule_count;		/* JUDGED: by which rules */
	HaSyncRule rule[2];
} SimCommit;

/* Shared memory, as the backends see it. */
typedef struct SimFence
{
	HaUs lease_until_us;
	HaGate gate;
	uint64_t seq;				/* counts what was published */
	SimUs stall_until;			/* backends stand still (swap, SIGSTOP) */
	SimCommit commit[SIM_COMMITS_MAX];
} SimFence;

typedef struct SimClients
{
	SimUs due;
	SimUs every;				/* mean time between writes */
	uint32_t astray;			/* per mille that go to any node rather than to the leader */
} SimClients;

/* A client writes. */
extern void sim_client_turn(struct SimWorld *w);

/* Shared memory is empty, backends are gone: what was in flight has an unknown outcome. */
extern void sim_fence_reset(struct SimWorld *w, struct SimHost *h);
extern void sim_fence_publish_lease(struct SimWorld *w, struct SimHost *h, HaUs until_us);
extern void sim_fence_publish_gate(struct SimWorld *w, struct SimHost *h, const HaGate *gate);
/* True when no commit is in flight that saw something older than this publication. */
extern bool sim_fence_drained(const struct SimHost *h, uint64_t seq);
extern bool sim_fence_lease_valid(const struct SimWorld *w, const struct SimHost *h);
/* Something that commits wait for has happened: WAL flushed here or reported from a standby. */
extern void sim_fence_progress(struct SimWorld *w, struct SimHost *h);
extern void sim_fence_timer(struct SimWorld *w, struct SimHost *h);

#endif
