/*
 * monitor_query.h: one query of the monitor's jobs, in a transaction of its own.
 */
#ifndef HA_SERVER_MONITOR_QUERY_H
#define HA_SERVER_MONITOR_QUERY_H

#include "server/compat.h"

/*
 * The first column of the first row as text, palloc'd in the caller's context; NULL when there is none. All values are
 * texts. Raises an error after limit_ms, and whatever else the query raises: then the transaction is the caller's to
 * abort.
 */
extern char *ha_monitor_query(const char *query, int count, const char *const *value, int32 limit_ms);

#endif
