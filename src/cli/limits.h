/*
 * limits.h: the settings that a standby may not have lower than its primary (S60).
 *
 * PostgreSQL pauses the replay of such a standby, and does not start it again. So they matter when the leadership goes
 * to a member that has them higher: switchover looks before, and doctor says which hand-over it would be.
 */
#ifndef HA_CLI_LIMITS_H
#define HA_CLI_LIMITS_H

#include "cli/reach.h"

#define HA_LIMITS_COUNT 5

typedef struct HaLimits
{
	bool known;
	long value[HA_LIMITS_COUNT];
	bool pending[HA_LIMITS_COUNT];	/* the configuration has another value, which a restart brings */
} HaLimits;

extern const char *const ha_limits_name[HA_LIMITS_COUNT];

/* What the SQL of ha_limits_ask() gives, a line for each setting; false when it is not that. */
extern bool ha_limits_read(const char *text, HaLimits *limits);

/* Asks the member's PostgreSQL, as the replication role. */
extern bool ha_limits_ask(const HaKey *key, const HaMember *member, HaLimits *limits, HaFault *fault);

/*
 * The first setting, from number `from` on, that is lower than in `primary`, for a standby that goes on, or, when
 * `restarts`, is started anew; HA_LIMITS_COUNT when there is none.
 */
extern int ha_limits_lower(const HaLimits *standby, const HaLimits *primary, bool restarts, int from);

#endif
