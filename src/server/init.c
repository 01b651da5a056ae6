/*
 * init.c: what happens when the server loads the library.
 *
 * In the postmaster, in this order: the settings; the preflight, which may turn the process into the pg_haops
 * program; shared memory, the fence and the workers. Everywhere else (a backend that loads it by a function call,
 * single-user and bootstrap mode, pg_upgrade) nothing at all.
 */
#include "server/compat.h"

#include "fmgr.h"
#include "server/door.h"
#include "server/fence.h"
#include "server/guc.h"
#include "server/guc_monitor.h"
#include "server/guc_sender.h"
#include "server/preflight.h"
#include "server/shmem.h"
#include "server/standby.h"
#include "server/workers.h"
#include "utils/guc.h"

PG_MODULE_MAGIC;

extern PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress || !IsPostmasterEnvironment || IsUnderPostmaster ||
		IsBinaryUpgrade)
		return;

	ha_guc_define();
	ha_guc_sender_define();
	ha_guc_monitor_define();
	MarkGUCPrefixReserved("pg_haops");
	ha_preflight_install();
	ha_shmem_install(ha_preflight_before_recovery);
	ha_standby_install();
	ha_workers_register(ha_preflight_member);
	if (!ha_preflight_member)
		return;
	ha_fence_install();
	ha_door_install();
}
