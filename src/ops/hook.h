/*
 * hook.h: at which changes of a member the operator's commands run.
 *
 * Judged by what the member is now and was before, so that a change that was not seen in time (the sender restarted)
 * is made up for, and short flaps leave no command behind that contradicts the present. Only a fence and a rejoin are
 * read from events. Pure.
 */
#ifndef HA_OPS_HOOK_H
#define HA_OPS_HOOK_H

#include "ops/alert.h"
#include "wire/status.h"

/* kind, name of the setting after "on_" and of HAOPS_EVENT, when */
#define HA_HOOK_LIST(X) \
	X(OPENING, "opening", "this member was promoted, and takes writes when the command has ended") \
	X(PROMOTE, "promote", "this member became the leader and takes writes") \
	X(FENCE, "fence", "this member leads, but its lease ran out: it refuses commits") \
	X(DEMOTE, "demote", "this member leads no more, or stops while it leads") \
	X(REJOIN, "rejoin", "this member came back and follows the leader") \
	X(LEADER_CHANGE, "leader_change", "this member learned of another leader than before")

typedef enum HaHook
{
#define HA_HOOK_ENUM(kind, name, when) HA_HOOK_##kind,
	HA_HOOK_LIST(HA_HOOK_ENUM)
#undef HA_HOOK_ENUM
	HA_HOOK_COUNT
} HaHook;

#define HA_HOOK_BIT(hook) (1u << (hook))

/* What was seen last; all zero at the start of the server. */
typedef struct HaHookState
{
	HaTerm opening_term;		/* the last one in which this member was about to take writes */
	bool leads;
	HaId leader;
	HaId leader_before;			/* for the command's information */
	uint64_t run;				/* of this member */
	uint64_t number;			/* of its last event that was looked at */
} HaHookState;

extern const char *ha_hook_name(HaHook hook);

/* Takes note of the present; returns the hooks to run, as bits, to be run in the order of the enum. */
extern uint32_t ha_hook_step(HaHookState *state, const HaStatus *status, HaEventLog log);

/* The server stops, or has died: the hooks to run. Leads no more afterwards. */
extern uint32_t ha_hook_stop(HaHookState *state);

#endif
