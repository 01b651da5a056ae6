/*
 * engine.h: one member at work: the decisions of the core joined to the disk, the network and the server.
 *
 * The owner (the ha worker, the witness) makes an engine with a table of functions for what only it can do (HaWorld),
 * and then turns:
 *
 *	facts = ...;										a data node: read shared memory
 *	ha_engine_facts(engine, &facts);					every turn; cheap when nothing changed
 *	ha_engine_serve(engine);							messages, timers
 *	wait for ha_engine_fd(), a latch, until ha_engine_wake_us()
 *
 * The engine reads the clock itself, anew for each event: a message must never be counted from a moment before it was
 * received (R9, R19). Effects are carried out in one place and order (drive/effects): lease closed, persisted, sent,
 * acted. When persisting fails, world.fatal() is called, which must not return (R4).
 *
 * One thread. The world's functions are called inside ha_engine_facts/serve/..., must not block, and must not call
 * into the engine, except for the functions that are marked "callable from the world".
 */
#ifndef HA_DRIVE_ENGINE_H
#define HA_DRIVE_ENGINE_H

#include "core/node.h"
#include "io/key.h"
#include "io/store.h"
#include "wire/event.h"
#include "wire/frame.h"
#include "wire/status.h"

typedef struct HaEngine HaEngine;

/*
 * What the owner does for the engine. Any function may be NULL: nothing to do (a witness), but fatal.
 * The node is valid during the call only.
 */
typedef struct HaWorld
{
	void *self;

	/* Lower the lease in shared memory to zero, now; before anything is persisted or sent (R7). */
	void (*close_lease) (void *self);

	/* Publish node->lease_until_us (0 = closed) for node->hard.term. */
	void (*publish_lease) (void *self, const HaNode *node);

	/* Publish node->gate; then ha_engine_drained() once no commit is in flight that saw an older generation. */
	void (*publish_gate) (void *self, const HaNode *node);

	/* node->upstream changed (also once at the start): receive WAL from this member, 0 = from nobody (R13). */
	void (*upstream) (void *self, const HaNode *node, HaId id);

	/* The register changed (also called once at the start): slots, names and addresses, synchronous_standby_names. */
	void (*members) (void *self, const HaNode *node);

	void (*promote) (void *self, const HaNode *node);
	void (*checkpoint) (void *self, const HaNode *node);
	/* Come back as a standby of `leader` (0 = not known yet): HA_ACT_REJOIN. */
	void (*rejoin) (void *self, const HaNode *node, HaComparison comparison, HaId leader);

	/* An event happened here (own), or was heard of from another member. Keep it for the views; log it when own. */
	void (*event) (void *self, const HaEventRecord *record, bool own);

	/* The answer to a request that came through ha_engine_request(). */
	void (*reply) (void *self, const HaReply *reply);

	/* For the log alone: of connections and the like; rate-limited, printable ASCII. */
	void (*log) (void *self, HaSeverity severity, const char *text);

	/* The state could not be made durable, or a rule broke: end the process. Must not return. */
	void (*fatal) (void *self, const char *text);
} HaWorld;

typedef struct HaEngineOptions
{
	HaStore *store;				/* open; the caller's, who closes it after ha_engine_close() */
	HaKey key;					/* the cluster's secret */
	HaTimes times;
	char listen_host[HA_HOST_SIZE];	/* empty: the own peer address in the register */
	uint16_t listen_port;		/* 0: with an empty host the register's; else any free one (tests) */
	char software[HA_STATUS_SOFTWARE_SIZE];	/* version of pg_haops, for the status */
} HaEngineOptions;

/*
 * Begins a run: counts it and persists that before anything is heard or said (R3, R10). NULL with a sentence in
 * `error` when that fails. `engine_name`: "builtin" (4.4 of the design: the only one now).
 */
extern HaEngine *ha_engine_open(const char *engine_name, const HaEngineOptions *options, const HaWorld *world,
								char *error, size_t error_size);

/* Ends it without a word (ha_engine_resign() is for that). The store stays open. */
extern void ha_engine_close(HaEngine *engine);

/* ---- Turns ---- */

/* The facts about the local PostgreSQL; not for a witness. */
extern void ha_engine_facts(HaEngine *engine, const HaPg *pg);

/* Handles what has arrived and what is due. Never waits. */
extern void ha_engine_serve(HaEngine *engine);

/* One epoll descriptor, readable when there is something to serve. The same for the engine's whole life. */
extern int ha_engine_fd(const HaEngine *engine);

/* BOOTTIME in microseconds at which ha_engine_serve() wants to be called at the latest. */
extern HaUs ha_engine_wake_us(const HaEngine *engine);

/* No commit is in flight any more that saw a gate or lease older than `generation`; lsn: the end of the WAL. */
extern void ha_engine_drained(HaEngine *engine, uint64_t generation, HaLsn lsn);

/* Last will (S1, S11): lease closed, resignation on its way. Then turn until HA_ROLE_RESIGNED, and flush. */
extern void ha_engine_resign(HaEngine *engine, HaResignReason reason);

/* Waits until all that is queued for the peers has left, limit_us at the most. The only function that waits. */
extern void ha_engine_flush(HaEngine *engine, HaUs limit_us);

/* ---- Asking ---- */

/*
 * A request from this machine (SQL, a signal). world.reply() brings the answer under request->number, which the caller
 * chooses; perhaps before this function returns. A follower passes it on to the leader, except HA_REQUEST_FORCE; it is
 * answered NOT_LEADER when there is none, and not at all when the leader dies meanwhile: wait with a deadline.
 */
extern void ha_engine_request(HaEngine *engine, const HaRequest *request);

extern void ha_engine_set_times(HaEngine *engine, HaTimes times);

/* ---- Looking (callable from the world) ---- */

/* The node, to be read only; its contents change with every turn. */
extern const HaNode *ha_engine_node(const HaEngine *engine);

extern void ha_engine_status(const HaEngine *engine, HaStatus *status);

/* The events held, oldest first: how many, and one of them (valid until the next turn). */
extern uint32_t ha_engine_event_count(const HaEngine *engine);
extern const HaEventRecord *ha_engine_event(const HaEngine *engine, uint32_t index);

/*
 * Adds an event of this member that the core does not know of: kind HA_EVENT_KIND_... Passed on to the others, and
 * told to world.event(), from within which it must not be called.
 */
extern void ha_engine_say(HaEngine *engine, uint32_t kind, HaSeverity severity, const char *text);

/* Takes back an event of any member that was known before this start. Told to world.event() unless it is known. */
extern void ha_engine_restore(HaEngine *engine, const HaEventRecord *record);

#endif
