/*
 * monitor_job.c: one job of the monitor: the due duties of one database, each in transactions of its own.
 *
 * No duty waits: statement_timeout and lock_timeout stand over each. What it does is not counted by pg_stat_statements,
 * whose housekeeping must not be made by us. The extension is asked for its version before anything of it is called.
 */
#include "server/compat.h"

#include "server/monitor.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "postmaster/bgworker.h"
#include "server/fence.h"
#include "server/monitor_collect.h"
#include "server/monitor_query.h"
#include "server/shmem.h"
#include "server/workers.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

#define LOCK_LIMIT "200ms"

const char *const ha_duty_name[HA_DUTY_COUNT] = {
#define NAME(duty, name, domain, collects, seconds) name,
	HA_DUTY_LIST(NAME)
#undef NAME
};

static const char *const domain_of[HA_DUTY_COUNT] = {
#define DOMAIN(duty, name, domain, collects, seconds) domain,
	HA_DUTY_LIST(DOMAIN)
#undef DOMAIN
};

static const bool collects[HA_DUTY_COUNT] = {
#define COLLECTS(duty, name, domain, collects, seconds) collects,
	HA_DUTY_LIST(COLLECTS)
#undef COLLECTS
};

/* Is our extension here, in our version, and does it have this function? */
static bool
is_here(const char *function, int32 limit_ms)
{
	return ha_monitor_query("SELECT 1 FROM pg_catalog.pg_extension e"
							" JOIN pg_catalog.pg_depend d ON d.refobjid = e.oid"
							" JOIN pg_catalog.pg_proc p ON p.oid = d.objid"
							" AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass"
							" WHERE d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.deptype = 'e'"
							" AND e.extname = 'pg_haops' AND e.extversion = $1 AND p.proname = $2 AND p.pronargs = 0",
							2, (const char *const[]) {HA_VERSION, function}, limit_ms) != NULL;
}

static HaDutyOutcome
carry_out(HaJob *job, HaDuty duty)
{
	char	   *take = psprintf("%s_take", domain_of[duty]);

	if (!is_here(take, job->limit_ms))
		return HA_DUTY_ABSENT;
	(void) ha_monitor_query(psprintf("SELECT haops.%s()", take), 0, NULL, job->limit_ms);
	if (collects[duty])
		ha_monitor_collect(domain_of[duty], job->database, job->limit_ms);
	return HA_DUTY_DONE;
}

/* The duty's report, whatever became of it. */
static void
run(HaJob *job, HaDuty duty)
{
	HaDutyRun  *report = &job->report[duty];
	MemoryContext before = CurrentMemoryContext;

	memset(report, 0, sizeof(*report));
	report->database = job->database;
	report->duty = duty;
	report->began = GetCurrentTimestamp();
	PG_TRY();
	{
		report->outcome = carry_out(job, duty);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(before);
		HOLD_INTERRUPTS();
		disable_all_timeouts(false);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
		report->outcome = HA_DUTY_FAILED;
		strlcpy(report->text, error->message, HA_DUTY_TEXT_SIZE);
		report->text[pg_mbcliplen(report->text, (int) strlen(report->text), HA_DUTY_TEXT_SIZE - 1)] = '\0';
		FreeErrorData(error);
	}
	PG_END_TRY();
	report->took_ms = (int32) Min((GetCurrentTimestamp() - report->began) / 1000, PG_INT32_MAX);
	pg_write_barrier();
	job->reported[duty] = true;
}

void
ha_worker_job_main(Datum arg)
{
	HaJob	   *job = &ha_shmem->job;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(job->database, InvalidOid, 0);
	SetConfigOption("lock_timeout", LOCK_LIMIT, PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("pg_stat_statements.track", "none", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("application_name", "pg_haops monitor", PGC_SUSET, PGC_S_SESSION);
	ha_fence_keeps_records();
	for (HaDuty duty = 0; duty < HA_DUTY_COUNT; duty++)
	{
		CHECK_FOR_INTERRUPTS();
		if (job->due[duty])
			run(job, duty);
	}
	proc_exit(0);
}
