/*
 * workers.c: see workers.h.
 */
#include "server/compat.h"

#include "server/workers.h"

#include "postmaster/bgworker.h"

#define RESTART_S 1

static void
register_one(const char *name, const char *function, BgWorkerStartTime start)
{
	BackgroundWorker worker = {0};

	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_haops %s", name);
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_haops %s", name);
	strlcpy(worker.bgw_library_name, "pg_haops", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, function, sizeof(worker.bgw_function_name));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS;
	if (start != BgWorkerStart_PostmasterStart)
		worker.bgw_flags |= BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = start;
	worker.bgw_restart_time = RESTART_S;
	RegisterBackgroundWorker(&worker);
}

void
ha_workers_register(bool member)
{
	if (member)
	{
		register_one("ha", "ha_worker_ha_main", BgWorkerStart_PostmasterStart);
		register_one("keeper", "ha_worker_keeper_main", BgWorkerStart_PostmasterStart);
		register_one("sender", "ha_worker_sender_main", BgWorkerStart_PostmasterStart);
		register_one("alerts", "ha_worker_alerts_main", BgWorkerStart_ConsistentState);
	}
	register_one("monitor", "ha_worker_monitor_main", BgWorkerStart_ConsistentState);
}
