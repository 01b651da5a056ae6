/*
 * workers.h: the background workers of pg_haops, each with one duty.
 */
#ifndef HA_SERVER_WORKERS_H
#define HA_SERVER_WORKERS_H

#include "server/compat.h"

#define HA_VERSION "1.0"

/* Registers them with the postmaster; called once, in _PG_init, and only when this server is a member. */
extern void ha_workers_register(void);

/* Their entry points, found by name. */
extern PGDLLEXPORT void ha_worker_ha_main(Datum arg);
extern PGDLLEXPORT void ha_worker_keeper_main(Datum arg);
extern PGDLLEXPORT void ha_worker_sender_main(Datum arg);

#endif
