/*
 * pg.h: the stand-in for PostgreSQL: what a node's server is doing, its WAL, streaming, promotion and rejoin.
 *
 * It keeps what matters to the members and is known to hurt (reliability.md 2.3): a receiver that takes time to stop
 * and goes on reporting, records that arrived in part, replay that lags, a flush position that is unknown after a
 * restart (E12), timeline numbers that two nodes may choose alike, walsenders that see nothing wrong then (E9),
 * pg_rewind that finds nothing to do (E9, E9b), a crash restart that comes back in recovery (E16).
 */
#ifndef HA_SIM_PG_H
#define HA_SIM_PG_H

#include "core/node.h"
#include "test/sim/sim.h"

typedef enum SimPgState
{
	SIM_PG_DOWN,
	SIM_PG_STARTING,			/* in recovery, not consistent yet */
	SIM_PG_STANDBY,
	SIM_PG_PROMOTING,			/* still in recovery */
	SIM_PG_PRIMARY,
	SIM_PG_DYING,				/* the postmaster is gone, or stops; orphans are at work */
	SIM_PG_REJOINING			/* the program works on the data directory */
} SimPgState;

typedef enum SimStreamState
{
	SIM_STREAM_OFF,
	SIM_STREAM_CONNECTING,
	SIM_STREAM_IDLE,
	SIM_STREAM_BUSY				/* WAL up to `target` is under way */
} SimStreamState;

/* A WAL receiver. */
typedef struct SimStream
{
	SimStreamState state;
	HaId conf;					/* settings in force: whom to follow, 0 = nobody */
	HaId wanted;				/* settings as written */
	uint32_t up;				/* host at the other end */
	uint32_t conn;
	int target;
	bool owed;					/* a report could not be sent */
} SimStream;

/* The other end: what a walsender knows of its standby. */
typedef struct SimSlot
{
	bool active;
	uint32_t conn;
	HaId member;				/* whose slot it is, by its own account */
	HaLsn flush;
} SimSlot;

typedef struct SimPg
{
	SimPgState state;
	int tip;					/* last whole record that is flushed */
	int insert;					/* primary: last record written; tip or later */
	HaLsn partial;				/* standby: bytes beyond tip that arrived */
	bool flush_known;			/* standby: a receiver has run since the start (E12) */
	int replayed;				/* standby: last record replayed before settle_at */
	SimUs settle_at;			/* when replay will stand at the end of the WAL */
	SimUs paused_until;			/* replay is paused */
	HaTli tli;					/* primary: of the WAL it writes */
	HaTli tli_newest;			/* newest history file here: a promotion takes the next one */
	HaTerm epoch;				/* primary: term of the election behind it; SIM_ROGUE_TERM = none */
	HaTerm promote_term;		/* the same for the promotion under way */
	int end_of_recovery;		/* primary: last record before the promotion */
	bool checkpointed;
	uint32_t blocks;
	HaComparison rejoin;
	uint32_t rejoin_leader;		/* host, SIM_HOSTS_MAX = unknown */
	HaTerm rejoin_term;			/* term in which it was decided */
	uint32_t rejoin_tries;
	int consistent_at;			/* record that replay must reach before the data is whole, -1 = it is whole */
	bool waiting;				/* STARTING: all local WAL is replayed, more is needed to be whole */
	bool half_done;				/* a rewind or clone was interrupted: it must be done again */
	bool stopping;				/* a clean stop: the shutdown checkpoint is still to come */
	SimUs down_for;				/* after DYING: how long until the service manager starts it */
	SimStream stream;
	SimSlot slot[SIM_HOSTS_MAX];
} SimPg;

/* ---- pg.c: the server ---- */
extern HaPg sim_pg_facts(const struct SimWorld *w, const struct SimHost *h);
extern void sim_pg_start(struct SimWorld *w, struct SimHost *h);
/* Everything is gone at once; WAL that was written but not flushed may survive when the machine does. */
extern void sim_pg_crash(struct SimWorld *w, struct SimHost *h, bool machine_too);
/* kill -9 of the postmaster, or a clean stop: it lives on for a moment, then is down for `down_for`. */
extern void sim_pg_die(struct SimWorld *w, struct SimHost *h, bool cleanly, SimUs down_for);
/* A backend was killed: the same postmaster comes back in recovery, shared memory empty (E16). */
extern void sim_pg_crash_restart(struct SimWorld *w, struct SimHost *h);
extern void sim_pg_promote(struct SimWorld *w, struct SimHost *h, bool by_hand);
/* The member takes what PostgreSQL was promoted to, whoever asked for it, as the epoch of the term that it won. */
extern void sim_pg_adopt(struct SimWorld *w, struct SimHost *h);
extern void sim_pg_checkpoint(struct SimWorld *w, struct SimHost *h);
/* Adds a record; it is flushed a little later. Returns it. */
extern int sim_pg_write(struct SimWorld *w, struct SimHost *h);
extern void sim_pg_flushed(struct SimWorld *w, struct SimHost *h);
/* SIM_TIMER_PG has come. */
extern void sim_pg_timer(struct SimWorld *w, struct SimHost *h);
extern bool sim_pg_alive(const struct SimHost *h);
/* Does the startup process wait for WAL, so that a receiver may run? */
extern bool sim_pg_receptive(const struct SimHost *h);
/* WAL has come: a server that was not whole may be now, or never will be. */
extern void sim_pg_received(struct SimWorld *w, struct SimHost *h);
/* Puts the end of the WAL somewhere else: after a rewind, a clone, a restored snapshot. */
extern void sim_pg_set_tip(struct SimWorld *w, struct SimHost *h, int tip);

/* ---- rejoin.c: the program's work on a stopped server ---- */
extern void sim_rejoin_begin(struct SimWorld *w, struct SimHost *h, const HaEffects *fx);
extern void sim_rejoin_timer(struct SimWorld *w, struct SimHost *h);
/* Rewinds to the source or clones it, with the chain that goes with it; the server is down. */
extern void sim_rejoin_copy(struct SimWorld *w, struct SimHost *h, struct SimHost *source, bool whole);

/* ---- stream.c: replication ---- */
/* The ha worker wants WAL from this member: settings are written, and come into force a little later. */
extern void sim_stream_want(struct SimWorld *w, struct SimHost *h, HaId upstream);
extern void sim_stream_conf(struct SimWorld *w, struct SimHost *h);
extern void sim_stream_timer(struct SimWorld *w, struct SimHost *h);
/* The receiver is gone at once. */
extern void sim_stream_off(struct SimWorld *w, struct SimHost *h);
/* Connections to and from this server break. */
extern void sim_stream_break(struct SimWorld *w, struct SimHost *h);
/* WAL of this server was flushed: its standbys get it. */
extern void sim_stream_push(struct SimWorld *w, struct SimHost *h);
extern void sim_stream_report(struct SimWorld *w, struct SimHost *h, uint32_t from, uint32_t conn, HaLsn lsn);

#endif
