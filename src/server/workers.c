/*
 * workers.c: see workers.h.
 */
#include "server/compat.h"

#include "server/workers.h"

#include "postmaster/bgworker.h"

#define RESTART_S 1

static void
register_one(const char *name, const char *function)
{
	BackgroundWorker worker = {0};

	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_haops %s", name);
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_haops %s", name);
	strlcpy(worker.bgw_library_name, "pg_haops", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	worker.bgw_start_time = BgWorkerStart_PostmasterStart;
	worker.bgw_restart_time = RESTART_S;
	RegisterBackgroundWorker(&worker);
}

void
ha_workers_register(void)
{
	register_one("ha", "ha_worker_ha_main");
	register_one("keeper", "ha_worker_keeper_main");
	register_one("sender", "ha_worker_sender_main");
}
