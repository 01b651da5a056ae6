/*
 * shmem.h: the one struct that all processes of the server share.
 *
 * It survives nothing: a start of the server and a crash restart of its backends begin with zeroes, so with a closed
 * lease and a closed gate (fail closed).
 *
 * Who writes what is said at each field. Nobody takes a lock: the ha worker must never wait for a process that was
 * stopped at a bad moment. Values of more than a word lie in boxes (two copies and a version): there is one writer,
 * it never waits, and readers try again when it was faster. No pointer and no descriptor stands here.
 */
#ifndef HA_SERVER_SHMEM_H
#define HA_SERVER_SHMEM_H

#include "server/compat.h"

#include "core/node.h"
#include "ops/hook.h"
#include "ops/lag.h"
#include "port/atomics.h"
#include "server/monitor.h"
#include "server/posts.h"
#include "wire/event.h"
#include "wire/frame.h"
#include "wire/status.h"

/* ---- Boxes ---- */

typedef struct HaBox
{
	pg_atomic_uint64 version;	/* copies[version & 1] is the value; 0 = never written */
} HaBox;

/* `copies` are two values of `size` bytes, one after the other. One process writes a box. */
extern void ha_box_write(HaBox *box, void *copies, const void *value, size_t size);

/* False as long as nothing was written (`value` is all zero then), or when the writer was always faster. */
extern bool ha_box_read(const HaBox *box, const void *copies, void *value, size_t size);

/* ---- What lies in the boxes ---- */

/* By what commits are judged (gate.h). */
typedef struct HaGateView
{
	HaGate gate;
	HaId self;
	uint64_t generation;		/* grows with each gate that must drain, over restarts of the ha worker too */
} HaGateView;

/*
 * Whose slot is whose, by the register's members. Written before the gate. A life is a number of this server's own: it
 * grows when another member, or another incarnation of the same, comes to an id; 0 = nobody ever.
 */
typedef struct HaOwner
{
	char slot[NAMEDATALEN];		/* pg_haops_<name>, empty without a data member */
	HaUuid incarnation;
	uint32_t life;
	bool may_lead;				/* after a failover */
} HaOwner;

typedef struct HaOwners
{
	HaOwner owner[HA_ID_MAX + 1];	/* by id */
} HaOwners;

/* The events that this member has heard of, oldest first: the same on all members. */
typedef struct HaEventList
{
	uint32_t count;
	HaEventRecord record[HA_EVENTS_KEPT];
} HaEventList;

enum
{
	HA_RESTORED_NOT_YET,
	HA_RESTORED_READY,			/* to be taken by the ha worker */
	HA_RESTORED_TAKEN
};

/* The settings that the ha worker wants in force (control.h). */
#define HA_CONNINFO_SIZE 1024
#define HA_SYNC_NAMES_SIZE 768

typedef struct HaOrders
{
	uint32_t number;
	HaId upstream;				/* 0 = no WAL is to be received */
	char slot[NAMEDATALEN];		/* this member's, on the upstream */
	char conninfo[HA_CONNINFO_SIZE];
	char sync_names[HA_SYNC_NAMES_SIZE];
} HaOrders;

/* Why the WAL receiver ended last (standby.h). */
#define HA_RECEIVER_ERROR_SIZE 256

typedef struct HaReceiverError
{
	char		text[HA_RECEIVER_ERROR_SIZE];
	bool		wal_missing;	/* its source does not have the WAL any more */
	HaLsn		lsn;			/* how far the WAL that is held went then */
} HaReceiverError;

/* ---- Small queues; many writers, one reader ---- */

#define HA_REQUESTS_MAX 8
#define HA_SAYS_MAX 16
#define HA_LOG_LINES_MAX 64
#define HA_LOG_LINE_SIZE 384

typedef struct HaRequestSlot
{
	pg_atomic_uint32 state;		/* requests.c */
	int asker;					/* index of its PGPROC */
	HaRequest request;
	HaReply reply;
} HaRequestSlot;

typedef struct HaSaySlot
{
	pg_atomic_uint32 state;
	uint32_t kind;
	HaSeverity severity;
	char text[HA_EVENT_TEXT_SIZE];
} HaSaySlot;

/* One writer (the ha worker), one reader (the keeper, who may wait for the log). */
typedef struct HaLogLine
{
	HaSeverity severity;
	char text[HA_LOG_LINE_SIZE];
} HaLogLine;

/* A commit in flight, and by which gate (gate.c). One per process. */
typedef union HaFlight
{
	pg_atomic_uint64 word;
	char pad[PG_CACHE_LINE_SIZE];
} HaFlight;

/* ---- The struct ---- */

typedef struct HaShmem
{
	/* What each commit reads. Written by the ha worker. */
	pg_atomic_uint64 lease_until_us;	/* BOOTTIME; 0 = closed; PG_INT64_MAX = paused, no lease needed (R29) */
	pg_atomic_uint64 lease_term;
	pg_atomic_uint64 generation;		/* the gate's, see HaGateView */
	pg_atomic_uint32 drain_wanted;		/* somebody waits for flights to end: tell the ha worker's latch */
	HaBox gate_box;
	HaGateView gate[2];
	char pad[PG_CACHE_LINE_SIZE];

	/* Written by the ha worker. */
	HaBox owners_box;
	HaOwners owners[2];
	HaBox status_box;
	HaStatus status[2];
	HaBox events_box;
	HaEventList events[2];
	HaBox orders_box;
	HaOrders orders[2];

	/* Events of before this start, from the alerts worker to the ha worker (event_spool.c). */
	pg_atomic_uint32 restored_state;
	HaEventList restored;
	HaBox lag_box;						/* on a primary without a cluster: written by the monitor */
	HaLagRing lag[2];
	pg_atomic_uint64 changes;			/* grows with each event and each change of role, leader or register */
	pg_atomic_uint32 checkpoint_asked;	/* grows; the keeper asks for a checkpoint */

	/* Written by the WAL receiver when it dies. */
	HaBox receiver_error_box;
	HaReceiverError receiver_error[2];

	/* Log lines of the ha worker: it adds at `head`, whoever may block takes at `tail`. */
	pg_atomic_uint32 log_head;
	pg_atomic_uint32 log_tail;
	HaLogLine log_line[HA_LOG_LINES_MAX];

	/* Written by the startup process, when it reads the configuration (guc.c). */
	pg_atomic_uint32 startup_proc;		/* index of its PGPROC + 1, 0 = unknown */
	pg_atomic_uint32 startup_number;	/* of the orders that it has read */

	/* Written by the keeper: what it read in the configuration and in the control file. */
	pg_atomic_uint32 promise_ms;
	pg_atomic_uint32 beat_ms;
	pg_atomic_uint32 stall_limit_ms;
	pg_atomic_uint32 config_blocks;		/* HA_BLOCK_... that come from settings */
	pg_atomic_uint32 checkpoint_tli;	/* of the last complete checkpoint */
	pg_atomic_uint64 history_start;		/* where the timeline history_tli began; written before it */
	pg_atomic_uint32 history_tli;

	/* Whose latch to set: index of the PGPROC + 1, 0 = not running. Written by each. */
	pg_atomic_uint32 ha_proc;
	pg_atomic_uint32 keeper_proc;
	pg_atomic_uint32 sender_proc;
	pg_atomic_uint32 alerts_proc;

	/* Set once by the ha worker: the postmaster ends and becomes the program that rejoins (preflight.h). */
	pg_atomic_uint32 rejoin_asked;
	HaComparison rejoin;
	HaId rejoin_leader;

	/* From any process to the ha worker. */
	HaRequestSlot request[HA_REQUESTS_MAX];
	HaSaySlot say[HA_SAYS_MAX];

	/* The command that holds up a promotion, on_opening. */
	pg_atomic_uint32 opening_limit_ms;	/* for how long it may; 0 = there is none. Written by the keeper */
	pg_atomic_uint64 opening_done_term;	/* the last term for which it has ended. Written by the sender */

	/* The sender's own: what it saw last, kept over its restarts (hooks.h). */
	HaHookState hook_state;

	/* The monitor's: what came of its duties; and its one job at a time, see monitor.h. */
	HaBox duties_box;
	HaDutyRuns duties[2];
	HaBox samples_box;
	HaSamples samples[2];
	HaJob job;

	/*
	 * Alerts (posts.h). Written by the sender: which channels there are. Posts go both ways; the trial is an
	 * operator's. Written by the alerts worker: what this node found, for the leader; when its last whole round ended
	 * (BOOTTIME), and since when the oldest critical news wait (wall; 0 = none do).
	 */
	HaBox channels_box;
	HaChannelViews channels[2];
	HaPost post[HA_CHANNELS_MAX];
	HaPost trial;
	pg_atomic_uint32 trial_asker;		/* index of its PGPROC + 1 */
	HaBox observed_box;
	HaObserved observed[2];
	pg_atomic_uint32 alerts_database_bad;	/* could not be connected to (worker_alerts.c) */
	pg_atomic_uint64 alerts_round_us;
	pg_atomic_uint64 alerts_waiting_us;

	/* Which walsender the door let in last for each member: its process and its life, one word (gate.c). */
	pg_atomic_uint64 sender[HA_ID_MAX + 1];

	/* Counters for the views. */
	pg_atomic_uint64 refused;			/* commits refused before they were written */
	pg_atomic_uint64 unacknowledged;	/* connections closed after the commit, without an acknowledgement */

	uint32_t flight_count;
	HaFlight flight[FLEXIBLE_ARRAY_MEMBER];
} HaShmem;

/* NULL unless the library was preloaded and shared memory is there. */
extern HaShmem *ha_shmem;

/*
 * Installs the hooks that ask for the memory and set it up; called once, in _PG_init. `started` is called in the
 * postmaster each time that it has been set up: at a start, and at a restart of the backends.
 */
extern void ha_shmem_install(void (*started) (void));

/* For functions of SQL: raises one clear error unless the library was preloaded. */
extern void ha_shmem_require(void);

/* ---- Reading, in any process ---- */

/* False (and all zero) when the ha worker has not published anything yet. */
extern bool ha_shmem_status(HaStatus *status);
extern bool ha_shmem_events(HaEventList *list);

/* ---- Latches ---- */

/* Makes this process the one that *field names, until it exits; its latch is set when there is news for it. */
extern void ha_shmem_attach(pg_atomic_uint32 *field);

/* Sets the latch of the process that *field names, if there is one. Safe in every place, never blocks. */
extern void ha_shmem_wake(pg_atomic_uint32 *field);

/* ---- Queues ---- */

/*
 * From any process but the ha worker: an event of this member that the core does not know of (HA_EVENT_KIND_...); it
 * is passed on to the other members. False when the queue is full.
 */
extern bool ha_shmem_say(uint32_t kind, HaSeverity severity, const char *text);

/* Of the ha worker: takes one of them. */
extern bool ha_shmem_hear(uint32_t *kind, HaSeverity *severity, char text[HA_EVENT_TEXT_SIZE]);

/* Of the ha worker: a line for the server's log, written by the keeper. When there is no room the line is lost. */
extern void ha_shmem_log(HaSeverity severity, const char *text);

/* Writes the waiting lines to the log. Of the keeper; and of the ha worker when it ends. */
extern void ha_shmem_log_drain(void);

#endif
