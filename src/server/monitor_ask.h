/*
 * monitor_ask.h: what another member of the cluster says to a query. Of the monitor's jobs, outside of a transaction.
 */
#ifndef HA_SERVER_MONITOR_ASK_H
#define HA_SERVER_MONITOR_ASK_H

#include "server/compat.h"

#include "core/node.h"

/*
 * Asks in the member's database of this name; the first column of all rows, a line each, palloc'd. NULL when it is not
 * to be reached within the limit, says an error or too much: then `why`, one line, says so. Gives up when the process
 * is interrupted, and takes that interrupt.
 */
extern char *ha_monitor_ask(const HaMember *member, const char *database, const char *query, int32 limit_ms, char *why,
							size_t why_size);

#endif
