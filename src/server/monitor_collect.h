/*
 * monitor_collect.h: what only the other members know (counters, settings): asked there, stored here.
 */
#ifndef HA_SERVER_MONITOR_COLLECT_H
#define HA_SERVER_MONITOR_COLLECT_H

#include "server/compat.h"

/*
 * Asks all other members that have a server, in this database, the query of haops.<domain>_query(), and stores what
 * they said by haops.<domain>_store(), or why they did not by haops.<domain>_missed(). Of the monitor's job, outside of
 * a transaction. Raises errors as queries do.
 */
extern void ha_monitor_collect(const char *domain, Oid database, int32 limit_ms);

#endif
