/*
 * guc_monitor.h: the settings of the monitor.
 */
#ifndef HA_SERVER_GUC_MONITOR_H
#define HA_SERVER_GUC_MONITOR_H

#include "server/monitor.h"

extern bool ha_guc_monitor;		/* pg_haops.monitor */
extern int ha_guc_duty_s[HA_DUTY_COUNT];	/* pg_haops.<duty>_interval; 0 = never */

/* pg_haops.sample_retention, in seconds; the samples' own functions read it by its name. */
extern int ha_guc_sample_retention_s;

/* pg_haops.database: where the rules of alerts stand. */
extern char *ha_guc_database;

/* Called once, in _PG_init, while the library is being preloaded. */
extern void ha_guc_monitor_define(void);

#endif
