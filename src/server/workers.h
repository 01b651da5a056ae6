/*
 * workers.h: the background workers of pg_haops, each with one duty.
 */
#ifndef HA_SERVER_WORKERS_H
#define HA_SERVER_WORKERS_H

#include "server/compat.h"

#define HA_VERSION "1.0"

/*
 * Registers them with the postmaster; called once, in _PG_init. On a server that is no member only the monitor, which
 * has its uses there too.
 */
extern void ha_workers_register(bool member);

/* Their entry points, found by name. */
extern PGDLLEXPORT void ha_worker_ha_main(Datum arg);
extern PGDLLEXPORT void ha_worker_keeper_main(Datum arg);
extern PGDLLEXPORT void ha_worker_sender_main(Datum arg);
extern PGDLLEXPORT void ha_worker_monitor_main(Datum arg);
extern PGDLLEXPORT void ha_worker_job_main(Datum arg);
extern PGDLLEXPORT void ha_worker_alerts_main(Datum arg);

#endif
