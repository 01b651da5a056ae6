/*
 * worker_monitor.c: the monitor's worker: knows what is due where, and has it done, one job at a time.
 *
 * It reads nothing but the list of databases. A database without the extension is looked at once in a while; a duty
 * that failed is tried again later each time. On a standby it keeps samples of its own in shared memory (samples.h).
 */
#include "server/compat.h"

#include "server/monitor.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "io/clock.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "server/gate.h"
#include "server/guc_monitor.h"
#include "server/lagring.h"
#include "server/preflight.h"
#include "server/samples.h"
#include "server/shmem.h"
#include "server/workers.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define TURN_MS 1000
#define LIST_US (10 * 1000 * HA_US_PER_MS)		/* between two looks at the list of databases */
#define FIRST_LOOK_US (2000 * HA_US_PER_MS)		/* after the start of the worker */
#define ABSENT_US (60 * 1000 * HA_US_PER_MS)	/* until a database is asked again whether it has the extension */
#define ABSENT_EACH_US (1000 * HA_US_PER_MS)	/* and so much more for each database: one look a second at the most */
#define PATIENCE_US (3600 * 1000 * HA_US_PER_MS)	/* the longest time between two tries of what fails */
#define DUTY_LIMIT_MS 10000
#define JOB_LIMIT_US ((HaUs) 120 * 1000 * HA_US_PER_MS)	/* all duties, and all members asked in vain */
#define JOB_POLL_MS 1000		/* its end sets our latch */

/* What is known of a database. */
typedef struct Place
{
	Oid			database;		/* the key */
	uint32		round;			/* in which it was last seen in the list */
	HaUs		due_us[HA_DUTY_COUNT];
	uint32		failures[HA_DUTY_COUNT];
} Place;

static HTAB *places;
static HaDutyRuns *runs;		/* what is published */
static uint32 round_number;

/* A member writes only while it may acknowledge commits, and does not begin with samples before that. */
static bool
may_write(void)
{
	HaGateView	view;

	return ha_guc_monitor && !RecoveryInProgress() && (!ha_preflight_member || ha_gate_look(&view) == HA_GATE_OPEN);
}

/* ---- The databases ---- */

/* All that one can connect to, but templates: a job in one would stand in the way of CREATE DATABASE. */
static void
look_at_databases(HaUs now_us)
{
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;
	HASH_SEQ_STATUS seq;
	Place	   *place;

	round_number++;
	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		bool		found;

		if (!database->datallowconn || database->datistemplate)
			continue;
		place = hash_search(places, &database->oid, HASH_ENTER, &found);
		place->round = round_number;
		for (HaDuty duty = 0; !found && duty < HA_DUTY_COUNT; duty++)
		{
			place->due_us[duty] = now_us + FIRST_LOOK_US;
			place->failures[duty] = 0;
		}
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();

	hash_seq_init(&seq, places);
	while ((place = hash_seq_search(&seq)) != NULL)
	{
		if (place->round != round_number)
			(void) hash_search(places, &place->database, HASH_REMOVE, NULL);
	}
}

/* ---- What came of it ---- */

static bool
is_gone(Oid database)
{
	return hash_search(places, &database, HASH_FIND, NULL) == NULL;
}

static void
note(const HaDutyRun *run)
{
	uint32		i = 0;

	while (i < runs->count && (runs->run[i].database != run->database || runs->run[i].duty != run->duty))
		i++;
	for (uint32 old = 0; i == HA_DUTY_RUNS_MAX && old < runs->count; old++)
	{
		if (is_gone(runs->run[old].database))
			i = old;
	}
	if (i == HA_DUTY_RUNS_MAX)
		return;
	runs->run[i] = *run;
	runs->count = Max(runs->count, i + 1);
}

/* When the duty is to be tried again. */
static HaUs
wait_after(Place *place, const HaDutyRun *run)
{
	HaUs		interval_us = (HaUs) ha_guc_duty_s[run->duty] * 1000 * HA_US_PER_MS;

	if (run->outcome == HA_DUTY_ABSENT)
		return Max(interval_us, Max(ABSENT_US, hash_get_num_entries(places) * ABSENT_EACH_US));
	if (run->outcome == HA_DUTY_DONE)
	{
		place->failures[run->duty] = 0;
		return interval_us;
	}
	place->failures[run->duty] = Min(place->failures[run->duty] + 1, 10);
	return Min(interval_us << place->failures[run->duty], Max(PATIENCE_US, interval_us));
}

static void
complain(const Place *place, const HaDutyRun *run)
{
	if (run->outcome == HA_DUTY_FAILED && place->failures[run->duty] == 1)
		ereport(WARNING,
				(errmsg("pg_haops: the monitor could not take its sample of %s in database %u: %s",
						ha_duty_name[run->duty], run->database, run->text),
				 errhint("It is tried again later; see the view haops.monitor.")));
}

/* ---- A job ---- */

/* Waits until it has ended; ends it when it takes too long. False when no worker could be had. */
static bool
let_work(Oid database)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;
	HaUs		limit_us = ha_clock_now().boot_us + JOB_LIMIT_US;
	bool		ended = false;
	pid_t		pid;

	snprintf(worker.bgw_name, BGW_MAXLEN, "pg_haops monitor job");
	snprintf(worker.bgw_type, BGW_MAXLEN, "pg_haops monitor job");
	strlcpy(worker.bgw_library_name, "pg_haops", sizeof(worker.bgw_library_name));
	strlcpy(worker.bgw_function_name, "ha_worker_job_main", sizeof(worker.bgw_function_name));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		return false;
	while (GetBackgroundWorkerPid(handle, &pid) != BGWH_STOPPED)
	{
		if (!ended && (ShutdownRequestPending || ha_clock_now().boot_us > limit_us))
		{
			TerminateBackgroundWorker(handle);
			ended = true;
		}
		ha_lagring_take();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, JOB_POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(handle);
	return true;
}

/* Has done what is due in this database. */
static void
serve(Place *place)
{
	HaJob	   *job = &ha_shmem->job;
	HaUs		now_us = ha_clock_now().boot_us;
	bool		any = false;
	bool		ran;

	memset(job, 0, sizeof(*job));
	job->database = place->database;
	job->limit_ms = DUTY_LIMIT_MS;
	for (HaDuty duty = 0; duty < HA_DUTY_COUNT; duty++)
	{
		job->due[duty] = ha_guc_duty_s[duty] > 0 && now_us >= place->due_us[duty];
		any = any || job->due[duty];
	}
	if (!any)
		return;
	ran = let_work(place->database);
	for (HaDuty duty = 0; duty < HA_DUTY_COUNT; duty++)
	{
		HaDutyRun  *report = &job->report[duty];

		if (!job->due[duty])
			continue;
		if (!job->reported[duty])
		{
			memset(report, 0, sizeof(*report));
			report->database = place->database;
			report->duty = duty;
			report->outcome = HA_DUTY_FAILED;
			report->began = GetCurrentTimestamp();
			strlcpy(report->text, ran ? "its worker ended early; see the server's log" :
					"there is no free background worker; raise max_worker_processes", HA_DUTY_TEXT_SIZE);
		}
		place->due_us[duty] = now_us + wait_after(place, report);
		complain(place, report);
		note(report);
	}
	ha_box_write(&ha_shmem->duties_box, ha_shmem->duties, runs, sizeof(*runs));
}

static void
serve_all(void)
{
	static HaUs looked_us = 0;
	HaUs		now_us = ha_clock_now().boot_us;
	HASH_SEQ_STATUS seq;
	Place	   *place;

	if (looked_us == 0 || now_us - looked_us > LIST_US)
	{
		looked_us = now_us;
		look_at_databases(now_us);
	}
	hash_seq_init(&seq, places);
	while ((place = hash_seq_search(&seq)) != NULL)
	{
		if (!ShutdownRequestPending && may_write())
			serve(place);
	}
}

/* What a standby can do: no tables, no jobs. */
static void
sample_standby(void)
{
	static HaUs due_us = 0;
	HaUs		now_us = ha_clock_now().boot_us;

	if (!ha_guc_monitor || ha_guc_duty_s[HA_DUTY_HEALTH] == 0 || now_us < due_us)
		return;
	due_us = now_us + (HaUs) ha_guc_duty_s[HA_DUTY_HEALTH] * 1000 * HA_US_PER_MS;
	ha_samples_take();
}

/* ---- The process ---- */

void
ha_worker_monitor_main(Datum arg)
{
	HASHCTL		control = {.keysize = sizeof(Oid), .entrysize = sizeof(Place)};
	MemoryContext turn;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	places = hash_create("pg_haops monitored databases", 32, &control, HASH_ELEM | HASH_BLOBS);
	runs = MemoryContextAllocZero(TopMemoryContext, sizeof(HaDutyRuns));
	turn = AllocSetContextCreate(TopMemoryContext, "pg_haops turn", ALLOCSET_SMALL_SIZES);
	while (!ShutdownRequestPending)
	{
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		MemoryContextSwitchTo(turn);
		MemoryContextReset(turn);
		ha_lagring_take();
		if (RecoveryInProgress())
			sample_standby();
		else if (may_write())
			serve_all();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, TURN_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	proc_exit(1);				/* 0 would mean: never start again */
}
