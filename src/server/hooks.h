/*
 * hooks.h: runs the operator's commands at changes of this member (S61). A part of the sender worker.
 *
 * One at a time, in the order of the changes, each with the facts of its own change in its environment:
 * HAOPS_EVENT, HAOPS_CLUSTER, HAOPS_MEMBER, HAOPS_LEADER, HAOPS_LEADER_HOST, HAOPS_LEADER_PORT, HAOPS_OLD_LEADER,
 * HAOPS_TERM, HAOPS_TIMELINE, HAOPS_PGDATA; and PATH and LANG. Nothing else of the server's environment. How each
 * ended, and what it wrote (escaped, cut), becomes an event. A command that hangs delays the next ones by its deadline
 * and nothing else: neither the ha worker nor a failover waits for it.
 */
#ifndef HA_SERVER_HOOKS_H
#define HA_SERVER_HOOKS_H

#include "ops/hook.h"

/* Sets the sender's hooks up; once in the process. */
extern void ha_hooks_start(void);

/* Takes note of what this member is now; what is to run is queued. */
extern void ha_hooks_look(const HaStatus *status, HaEventLog log, const char *cluster);

/* Goes on: starts the next one, looks after the one that runs. Never waits. */
extern void ha_hooks_serve(HaNow now);

/* Milliseconds until ha_hooks_serve() should be called at the latest, -1 = no need. */
extern int	ha_hooks_wait_ms(void);

/* The server stops: ends what runs, and runs what a stop asks for, limit_ms at the most. */
extern void ha_hooks_stop(int limit_ms);

/* The postmaster has died: starts what that asks for and leaves it alone. Never waits. */
extern void ha_hooks_last_will(void);

#endif
