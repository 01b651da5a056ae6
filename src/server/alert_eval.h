/*
 * alert_eval.h: which rules are due on this node, and what came of them; of the alerts worker.
 *
 * On the leader the results go into the book (alert_book.h). On another node the newest of each rule is kept as JSON,
 * for the leader to ask for (haops.alert_observed()):
 *
 *     [{"rule": "disk_used", "at_us": 123, "rows": [{"value": "91", "labels": {"path": "/data"}}], "known": true,
 *       "why": null}]
 *
 * at_us is of that node's BOOTTIME; haops.alert_observed() puts the age in seconds in its place.
 */
#ifndef HA_SERVER_ALERT_EVAL_H
#define HA_SERVER_ALERT_EVAL_H

#include "server/compat.h"

#include "core/types.h"
#include "server/alert_book.h"
#include "wire/status.h"

/*
 * Evaluates the rules that are due, each in a transaction of its own, when `leads` those of the leader and of every
 * node, else those of standbys and of every node. Returns a list of HaResult, in the current memory context, which
 * point to `rules`. `node` is this node's name, `*wait_us` becomes the time until the next one is due.
 */
extern List *ha_eval_due(List *rules, bool leads, const char *node, HaUs *wait_us);

/* Has all of them evaluated in the next turn: after a change of role. */
extern void ha_eval_all_due(void);

/* Keeps what this node found, for the leader. */
extern void ha_eval_publish(List *results);

/*
 * Asks the other data members what they found: a list of HaResult. Who is not reached, or answers nothing of use, is
 * not known. Of the leader; takes up to two seconds for each member that hangs.
 */
extern List *ha_eval_ask_members(List *rules, const HaStatus *status, const char *database);

/* Writes down which rules could be evaluated, where that changed. In a transaction. */
extern void ha_eval_note(List *results);

#endif
