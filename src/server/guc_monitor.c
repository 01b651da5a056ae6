/*
 * guc_monitor.c: see guc_monitor.h.
 */
#include "server/compat.h"

#include "server/guc_monitor.h"
#include "utils/guc.h"

#define DAY_S 86400

bool		ha_guc_monitor = true;
char	   *ha_guc_database = NULL;
int			ha_guc_duty_s[HA_DUTY_COUNT];
int			ha_guc_sample_retention_s = 7 * DAY_S;
static int	unused_index_after_s = 30 * DAY_S;	/* read by haops.unused_indexes */

void
ha_guc_monitor_define(void)
{
	DefineCustomBoolVariable("pg_haops.monitor",
							 "Whether samples are taken where a view needs a history.",
							 NULL,
							 &ha_guc_monitor, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("pg_haops.database",
							   "Database in which the rules of alerts stand and are evaluated.",
							   "It needs the extension: CREATE EXTENSION pg_haops.",
							   &ha_guc_database, "postgres",
							   PGC_SIGHUP, 0, NULL, NULL, NULL);
#define DEFINE(duty, name, domain, collects, seconds) \
	DefineCustomIntVariable("pg_haops." name "_interval", \
							"Time between two samples of " name ".", \
							"Zero: none are taken.", \
							&ha_guc_duty_s[HA_DUTY_##duty], seconds, 0, DAY_S, \
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	HA_DUTY_LIST(DEFINE)
#undef DEFINE
	DefineCustomIntVariable("pg_haops.sample_retention",
							"For how long samples are kept.",
							NULL,
							&ha_guc_sample_retention_s, 7 * DAY_S, 3600, 400 * DAY_S,
							PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_haops.unused_index_after",
							"How long an index must not have been used to be called unused.",
							"Until all counters go back so far: insufficient history.",
							&unused_index_after_s, 30 * DAY_S, 0, 400 * DAY_S,
							PGC_USERSET, GUC_UNIT_S, NULL, NULL, NULL);
}
