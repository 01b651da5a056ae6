/*
 * town.h: a few members in one process, for scenarios that are told step by step (test_scenarios.c).
 *
 * Virtual time in milliseconds, a network whose links can be cut one way, a PostgreSQL of a few lines: WAL as a list
 * of records, streaming, promotion, restart as a standby, rewind. Everything happens when the scenario says so; chance
 * is the simulator's business (test/sim).
 */
#ifndef TOWN_H
#define TOWN_H

#include <stdio.h>

#include "core/node.h"

#define TOWN_MAX 5
#define TOWN_WAL_MAX 4000
#define TOWN_QUEUE_MAX 4096

typedef struct TownHouse
{
	HaNode node;
	HaHard disk;				/* what was persisted */
	HaPg pg;
	bool witness;
	bool worker;				/* the ha worker runs */
	bool server;				/* PostgreSQL runs */
	bool frozen;				/* SIGSTOP of everything */
	bool rejoining;				/* restart was asked for */
	HaComparison rejoin;
	HaUs promote_us;			/* when a requested promotion ends, 0 = none */
	HaUs restart_us;			/* when a requested restart ends */
	uint64_t drain;				/* gate generation to be answered */
	HaUs lease_us;				/* as in shared memory: it outlives the worker */
	HaGate gate;
	uint32_t wal[TOWN_WAL_MAX];	/* record numbers; the LSN of n records is town_lsn(n) */
	uint32_t wal_count;
	uint32_t acked_count;		/* commits that this house acknowledged */
	HaUs acked_last_us;
	uint32_t replies;
	HaAnswer answer;
} TownHouse;

typedef struct TownLetter
{
	HaMessage message;
	HaRegister reg;
	HaSummary summary[HA_MEMBERS_MAX];
	HaUs due_us;
} TownLetter;

typedef struct Town
{
	int count;
	HaUs now_us;
	TownHouse house[TOWN_MAX + 1];	/* by member id */
	HaSet cut_to[TOWN_MAX + 1];	/* members that this one's letters do not reach */
	HaTli tli_next;
	uint32_t record_next;
	TownLetter *queue;
	uint32_t queue_head, queue_tail;
	uint32_t acked[TOWN_WAL_MAX];	/* all acknowledged records */
	uint32_t acked_count;
	uint32_t notes[HA_NOTE_COUNT];	/* how often each was told, all members */
	FILE *trace;				/* what everybody does, line by line; NULL = not told */
} Town;

/* `data` nodes with ids 1.., then `witnesses`; k = 0: asynchronous. All run; nobody leads yet. `trace` may be NULL. */
extern Town *town_new(int data, int witnesses, uint32_t k, FILE *trace);
extern void town_free(Town *town);

/* Lets time pass. */
extern void town_run(Town *town, int ms);

/* Runs until somebody leads and is open with a valid lease, ms_max at the most. His id, 0 when nobody does. */
extern HaId town_until_leader(Town *town, int ms_max);

/* Who leads now, open, with a lease that is valid by shared memory; fails the test when there are two. */
extern HaId town_leader(Town *town);

/* One commit on this node at this moment: true when it was acknowledged within wait_ms. */
extern bool town_commit(Town *town, HaId id, int wait_ms);

/* True when the node's WAL holds every record that was ever acknowledged. */
extern bool town_holds_acked(const Town *town, HaId id);

/* Faults. kill: with_will = only the postmaster, the worker says its last will; else the whole machine. */
extern void town_kill(Town *town, HaId id, bool with_will);
extern void town_stop(Town *town, HaId id);	/* a clean stop, with the last WAL sent */
extern void town_start(Town *town, HaId id);	/* as a standby */
extern void town_freeze(Town *town, HaId id, bool frozen);
extern void town_kill_worker(Town *town, HaId id);
extern void town_start_worker(Town *town, HaId id);
extern void town_crash_restart(Town *town, HaId id);	/* one backend killed: the postmaster starts over */
extern void town_promote_by_hand(Town *town, HaId id);
extern void town_cut(Town *town, HaSet from, HaSet to);	/* one way; call twice for both */
extern void town_heal(Town *town);
extern HaAnswer town_request(Town *town, HaId id, HaRequest request);

extern HaLsn town_lsn(uint32_t records);

#endif
