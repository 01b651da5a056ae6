/*
 * monitor_usage.h: the use of indexes on the other members, which only they count: asked there, stored here.
 */
#ifndef HA_SERVER_MONITOR_USAGE_H
#define HA_SERVER_MONITOR_USAGE_H

#include "server/compat.h"

/*
 * Asks all other members that have a server for their counters in this database and stores what they said, or why they
 * did not (haops.index_usage_member). Of the monitor's job, outside of a transaction. Raises errors as queries do.
 */
extern void ha_monitor_usage_collect(Oid database, int32 limit_ms);

#endif
