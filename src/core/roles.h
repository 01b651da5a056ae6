/*
 * roles.h: the roles of a member and the only ways between them, as one table.
 *
 * Every change of a role goes through ha_roles_find(); what is not in the table cannot happen (R44). The table is
 * what haops.roles shows, what the reachability test walks (R41), and where the logged sentence stands.
 */
#ifndef HA_CORE_ROLES_H
#define HA_CORE_ROLES_H

#include "core/types.h"

typedef enum HaRole
{
	HA_ROLE_HELD,				/* takes no part: unknown to the register, or an assertion failed */
	HA_ROLE_FOLLOWER,
	HA_ROLE_CANDIDATE,
	HA_ROLE_ELECTED,			/* won; its first register write is not on a majority yet */
	HA_ROLE_PROMOTING,			/* PostgreSQL is leaving recovery */
	HA_ROLE_OPENING,			/* the epoch is being registered and secured; writes are still closed */
	HA_ROLE_LEADER,
	HA_ROLE_HANDING_OVER,
	HA_ROLE_RESIGNING,			/* last will: lease closed, commits draining */
	HA_ROLE_RESIGNED,			/* nothing more to say in this run */
	HA_ROLE_REJOINING,			/* restart as a standby is asked for */
	HA_ROLE_COUNT
} HaRole;

/* What makes a role change. */
typedef enum HaTrigger
{
	HA_TRIGGER_STAND,			/* promise over, or told to */
	HA_TRIGGER_WON,
	HA_TRIGGER_DROPPED,			/* election timeout, or another candidate is ahead */
	HA_TRIGGER_SECURED,			/* the write that the role waited for is on a majority */
	HA_TRIGGER_PROMOTED,
	HA_TRIGGER_PROMOTION_FAILED,
	HA_TRIGGER_OPENED,
	HA_TRIGGER_DEPOSED,			/* a higher term */
	HA_TRIGGER_HAND_OVER,
	HA_TRIGGER_TAKEN_BACK,
	HA_TRIGGER_RESIGN,
	HA_TRIGGER_DRAINED,
	HA_TRIGGER_REJOIN,
	HA_TRIGGER_RESUMED,			/* the ha worker came back, PostgreSQL went on as a primary of this term */
	HA_TRIGGER_FORCED,			/* R42 */
	HA_TRIGGER_HOLD,
	HA_TRIGGER_ADOPTED,			/* the register names this member (again) */
	HA_TRIGGER_RESTARTED,		/* the ha worker was started again */
	HA_TRIGGER_COUNT
} HaTrigger;

typedef struct HaTransition
{
	HaRole from;
	HaTrigger trigger;
	HaRole to;
	const char *sentence;		/* what is logged; no arguments */
} HaTransition;

extern const HaTransition ha_roles_table[];
extern const size_t ha_roles_count;

/* The only transition from `from` by `trigger`, NULL when there is none. */
extern const HaTransition *ha_roles_find(HaRole from, HaTrigger trigger);

/* One word, as in SQL, log, metrics and documentation. */
extern const char *ha_role_name(HaRole role);
extern const char *ha_trigger_name(HaTrigger trigger);

/* True in the roles that send beats: this node won hard.term and has not lost it. */
static inline bool
ha_role_leads(HaRole role)
{
	return role == HA_ROLE_ELECTED || role == HA_ROLE_PROMOTING || role == HA_ROLE_OPENING ||
		role == HA_ROLE_LEADER || role == HA_ROLE_HANDING_OVER;
}

#endif
