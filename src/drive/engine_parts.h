/*
 * engine_parts.h: the seam for engines, and the built-in one, as the files behind engine.h see them. Only they include
 * it:
 *
 *	engine.c	 the door, and the table of engines
 *	builtin.c	 the built-in quorum: opening, turns, frames
 *	effects.c	 what a step asks for, in the one order
 *	ask.c		 requests and their answers
 *	view.c		 status
 *	gossip.c	 events
 */
#ifndef HA_DRIVE_ENGINE_PARTS_H
#define HA_DRIVE_ENGINE_PARTS_H

#include "drive/engine.h"
#include "drive/gossip.h"
#include "io/peer.h"

/*
 * The seam for other engines (4.4 of the design): what an engine must do. Another one keeps the same HaNode as its
 * record, so that neither the server nor the program knows which engine runs.
 */
typedef struct HaEngineKind
{
	const char *name;
	HaEngine *(*open) (const HaEngineOptions *options, const HaWorld *world, char *error, size_t error_size);
	void (*close) (HaEngine *engine);
	void (*event) (HaEngine *engine, HaEvent *event);
	void (*serve) (HaEngine *engine);
	int (*fd) (const HaEngine *engine);
	HaUs (*wake_us) (const HaEngine *engine);
	void (*flush) (HaEngine *engine, HaUs limit_us);
	void (*request) (HaEngine *engine, const HaRequest *request);
	void (*set_times) (HaEngine *engine, HaTimes times);
	void (*say) (HaEngine *engine, uint32_t kind, HaSeverity severity, const char *text);
	void (*restore) (HaEngine *engine, const HaEventRecord *record);
	void (*status) (const HaEngine *engine, HaStatus *status);
	const HaNode *(*node) (const HaEngine *engine);
	const HaGossip *(*events) (const HaEngine *engine);
} HaEngineKind;

struct HaEngine
{
	const HaEngineKind *kind;
};

extern const HaEngineKind ha_builtin_engine;

/* Requests that wait for an answer; more than that can't: the core takes one at a time. */
#define PENDING_MAX 16

/* A request under way: where its answer goes. */
typedef struct HaPending
{
	uint64_t number;			/* ours, as the core or the leader knows it; 0 = free */
	uint64_t asked;				/* the asker's */
	HaLink link;				/* on which it was asked; 0 = by the owner of the engine */
} HaPending;

typedef struct HaBuiltin
{
	HaEngine engine;			/* first */
	HaNode node;
	HaStore *store;
	HaWorld world;
	HaPeers *peers;				/* NULL during the start: nothing is said then */
	HaEffects effects;			/* of the step under way */
	bool stepping;
	HaId upstream;				/* last told to the world */
	bool upstream_told;
	HaVersion members;			/* the same */
	char software[HA_STATUS_SOFTWARE_SIZE];

	HaGossip gossip;
	HaUs ask_us;				/* when to ask a member for events */
	HaId ask_last;				/* who was asked last */

	HaPending pending[PENDING_MAX];
	uint64_t pending_last;		/* number of the newest */

	/* Of the frame under way; too large for the stack. */
	HaMessageBox box;
	HaEventKeys keys;
	HaEventBatch batch;
	HaStatus status;
} HaBuiltin;

/* ---- builtin.c ---- */

/* One event to its end: reads the clock, steps, carries out. */
extern void ha_builtin_step(HaBuiltin *b, HaEvent *event);

/* ---- effects.c ---- */

/* Carries out b->effects: close, persist, send, act. */
extern void ha_effects_run(HaBuiltin *b);

/* An own event: kept, told to the world and to all members. The record's key is filled in here. */
extern void ha_effects_event(HaBuiltin *b, HaEventRecord *record);

/* ---- ask.c ---- */

/* A request; link 0: from the owner of the engine. */
extern void ha_ask_request(HaBuiltin *b, HaLink link, const HaRequest *request);

/* The core's answer (to b->effects.request_number), and the leader's to what was passed on. */
extern void ha_ask_answered(HaBuiltin *b);
extern void ha_ask_reply(HaBuiltin *b, const HaReply *reply);

/* ---- view.c ---- */
extern void ha_view_status(const HaBuiltin *b, HaStatus *status);

#endif
