/*
 * lagring.h: where the primary's WAL was when, in shared memory (ops/lag.h), for the views of replication.
 *
 * On a member the ha worker writes it: on the leader its own position, while it holds the lease; elsewhere the
 * leader's, as each of its beats brings it. On a primary without a cluster the monitor does, once a second. On another
 * server nobody can know, and it stays empty. A write is a copy of some 24 kB in memory, never waits and never fails.
 */
#ifndef HA_SERVER_LAGRING_H
#define HA_SERVER_LAGRING_H

#include "core/node.h"
#include "ops/lag.h"

/* Of the ha worker, at each turn. */
extern void ha_lagring_follow(const HaNode *node);

/* Of the monitor: nothing on a member and in recovery. */
extern void ha_lagring_take(void);

/* Of any process: a copy, empty when nothing is known or the library was not preloaded. In the caller's memory. */
extern HaLagRing *ha_lagring_read(void);

#endif
