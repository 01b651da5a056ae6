/*
 * world.h: what the engine asks of this server (drive/engine.h, HaWorld), and what has to be looked after between two
 * of its steps. Of the ha worker.
 */
#ifndef HA_SERVER_WORLD_H
#define HA_SERVER_WORLD_H

#include "drive/engine.h"

/* The table of functions for ha_engine_open(). */
extern const HaWorld ha_world;

/* Before the engine is opened: a closed gate, so that nothing is left of what an earlier ha worker published. */
extern void ha_world_begin(void);

/* One turn: facts, messages, requests, commits that have drained; then publishes the views. */
extern void ha_world_turn(HaEngine *engine);

/* BOOTTIME at which the next turn is wanted: earlier than the engine says while PostgreSQL is waited for. */
extern HaUs ha_world_wake_us(const HaEngine *engine);

/*
 * The server's processes are being killed after a crash: resigns the term without a look at PostgreSQL, whose locks may
 * be held by the dead. Waits for commits that are being judged, no longer than limit_us.
 */
extern void ha_world_resign_in_crash(HaEngine *engine, HaUs limit_us);

/* Commits that are only being written are not waited for any more: the server ends. */
extern void ha_world_hurry(void);

#endif
