/*
 * worker_alerts.c: the alerts worker: evaluates the rules on every node and, on the leader, keeps the alerts and hands
 * what is to be told to the sender.
 *
 * It lives in one database, pg_haops.database, and idles as long as the extension is not there. What goes wrong in a
 * turn is logged once and tried again; the tables are the truth, so nothing is lost by it. On a node that may not
 * acknowledge commits it rests: what can be said then is said by the sender, out of the cluster's events.
 */
#include "server/compat.h"

#include "server/workers.h"

#include "access/xact.h"
#include "io/clock.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "server/alert_book.h"
#include "server/alert_eval.h"
#include "server/alert_post.h"
#include "server/event_spool.h"
#include "server/fence.h"
#include "server/gate.h"
#include "server/guc_monitor.h"
#include "server/monitor_query.h"
#include "server/shmem.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#define TURN_MS 1000
#define ABSENT_MS 10000			/* between two looks for the extension */
#define FAILED_MS 5000			/* until the next try after an error */
#define LOAD_US (5000 * HA_US_PER_MS)	/* the rules are read so often, or when one is due */
#define ASK_US (15000 * HA_US_PER_MS)	/* the other members are asked so often */
#define EXPIRE_US ((HaUs) 3600 * 1000 * HA_US_PER_MS)
#define QUERY_LIMIT_MS 5000

typedef enum Part
{
	REST,						/* held, fenced, or in between */
	OBSERVE,					/* a standby */
	LEAD
} Part;

static MemoryContext of_rules;	/* the rules, until they are read again */
static MemoryContext of_turn;
static List *rules = NIL;
static HaUs loaded_us = 0;
static HaUs asked_us = 0;
static HaUs expired_us = 0;
static Part part = REST;
static HaStatus status;

/* ---- Small questions ---- */

static Part
part_now(void)
{
	HaGateView	view;

	if (!ha_guc_monitor || !ha_shmem_status(&status) || !status.has_register || status.role == HA_ROLE_HELD)
		return REST;
	if (RecoveryInProgress())
		return OBSERVE;
	return ha_gate_look(&view) == HA_GATE_OPEN ? LEAD : REST;
}

static const char *
node_name(void)
{
	for (uint32 i = 0; i < status.reg.member_count; i++)
	{
		if (status.reg.member[i].id == status.id)
			return status.reg.member[i].name;
	}
	return "this node";
}

/*
 * Microseconds since 1970 that run on steadily while this process lives, whatever happens to the wall clock; they agree
 * with it at the start.
 */
static int64
steady_us(void)
{
	static int64 offset_us = 0;
	HaUs		now_us = ha_clock_now().boot_us;

	if (offset_us == 0)
		offset_us = ha_clock_wall_us() - now_us;
	return now_us + offset_us;
}

static bool
extension_is_here(void)
{
	return ha_monitor_query("SELECT 1 FROM pg_extension WHERE extname = 'pg_haops' AND extversion = $1", 1,
							(const char *const[]) {HA_VERSION}, QUERY_LIMIT_MS) != NULL;
}

/* ---- Turns ---- */

static void
load_rules(void)
{
	loaded_us = ha_clock_now().boot_us;
	rules = NIL;
	MemoryContextReset(of_rules);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(of_rules);
	rules = ha_rule_load(NULL);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(of_turn);
}

/* What the others found, now and then. */
static List *
ask_members(void)
{
	HaUs		now_us = ha_clock_now().boot_us;

	if (now_us - asked_us < ASK_US)
		return NIL;
	asked_us = now_us;
	return ha_eval_ask_members(rules, &status, ha_guc_database);
}

static int
round_of(List *results)
{
	int			news;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	news = ha_book_round(rules, results, status.cluster.byte, steady_us());
	ha_eval_note(results);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(of_turn);
	return news;
}

static void
expire(void)
{
	HaUs		now_us = ha_clock_now().boot_us;

	if (expired_us != 0 && now_us - expired_us < EXPIRE_US)
		return;
	expired_us = now_us;
	(void) ha_monitor_query(psprintf("SELECT haops.alert_expire(interval '%d s')", ha_guc_sample_retention_s), 0, NULL,
							QUERY_LIMIT_MS);
}

/* Since when the oldest critical news wait, for the heartbeat. */
static void
publish_waiting(void)
{
	char	   *waiting = ha_monitor_query("SELECT (extract(epoch FROM min(d.created_at)) * 1000000)::bigint"
										   " FROM haops.alert_delivery d WHERE d.severity = 'critical'"
										   " AND d.state IN ('queued', 'sending', 'failed')", 0, NULL, QUERY_LIMIT_MS);

	pg_atomic_write_u64(&ha_shmem->alerts_waiting_us, waiting != NULL ? strtou64(waiting, NULL, 10) : 0);
}

static int
lead(void)
{
	HaUs		wait_us;
	List	   *results = ha_eval_due(rules, true, node_name(), &wait_us);
	int			next_ms;

	results = list_concat(results, ask_members());
	if (results != NIL)
	{
		(void) round_of(results);
		publish_waiting();
	}
	pg_atomic_write_u64(&ha_shmem->alerts_round_us, (uint64) ha_clock_now().boot_us);
	next_ms = ha_alert_post(node_name());
	expire();
	if (next_ms >= 0)
		wait_us = Min(wait_us, next_ms * HA_US_PER_MS);
	return (int) Min(wait_us / HA_US_PER_MS, TURN_MS);
}

static int
observe(void)
{
	HaUs		wait_us;
	List	   *results = ha_eval_due(rules, false, node_name(), &wait_us);

	if (results != NIL)
		ha_eval_publish(results);
	return (int) Min(wait_us / HA_US_PER_MS, TURN_MS);
}

/* Another part than before: nothing that was known is taken over. */
static void
change_part(Part to)
{
	ha_book_forget();
	ha_eval_all_due();
	loaded_us = 0;
	asked_us = 0;
	if (to == LEAD)
		ha_alert_reclaim();
	else
		pg_atomic_write_u64(&ha_shmem->alerts_round_us, 0);
	part = to;
}

/* The next turn begins anew: with what the tables say, and with what was claimed and not handed over. */
static void
change_part_later(void)
{
	ha_book_forget();
	loaded_us = 0;
	part = REST;
}

/* One turn; returns the milliseconds until the next one at the latest. */
static int
turn(void)
{
	Part		now = part_now();

	if (now == REST)
	{
		if (part != REST)
			change_part(REST);
		return TURN_MS;
	}
	if (loaded_us == 0 && !extension_is_here())
		return ABSENT_MS;
	if (now != part)
		change_part(now);
	if (ha_clock_now().boot_us - loaded_us > LOAD_US || loaded_us == 0)
		load_rules();
	return now == LEAD ? lead() : observe();
}

/* ---- What goes wrong ---- */

/* Told once, until something else goes wrong or all was well in between. */
static void
complain(const char *text)
{
	static char told[256] = "";

	if (text == NULL)
		told[0] = '\0';
	else if (strncmp(told, text, sizeof(told) - 1) != 0)
	{
		strlcpy(told, text, sizeof(told));
		ereport(WARNING,
				(errmsg("pg_haops: alerts can't be evaluated in database \"%s\": %s", ha_guc_database, text),
				 errhint("It is tried again every few seconds.")));
	}
}

static int
guarded_turn(void)
{
	volatile int wait_ms = FAILED_MS;

	PG_TRY();
	{
		wait_ms = turn();
		complain(NULL);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(of_turn);
		HOLD_INTERRUPTS();
		disable_all_timeouts(false);
		error = CopyErrorData();
		FlushErrorState();
		AbortCurrentTransaction();
		RESUME_INTERRUPTS();
		MemoryContextSwitchTo(of_turn);
		change_part_later();
		complain(error->message);
	}
	PG_END_TRY();
	pgstat_report_stat(true);
	return wait_ms;
}

/* ---- The process ---- */

static void
prepare_session(void)
{
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("lock_timeout", "200ms", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("jit", "off", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("max_parallel_workers_per_gather", "0", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("pg_stat_statements.track", "none", PGC_SUSET, PGC_S_SESSION);
	SetConfigOption("application_name", "pg_haops alerts", PGC_SUSET, PGC_S_SESSION);
	ha_fence_keeps_records();
}

/* True when there is a database of that name that takes connections. */
static bool
database_is_there(const char *name)
{
	char	   *found;

	found = ha_monitor_query("SELECT 1 FROM pg_database WHERE datname = $1 AND datallowconn", 1,
							 (const char *const[]) {name}, QUERY_LIMIT_MS);
	return found != NULL;
}

/*
 * Who can't connect to a database is ended by the server with a line in its log. So that there is one line and not one
 * a second, the next process waits without a database until there is one.
 */
static void
connect_to(const char *database)
{
	if (pg_atomic_exchange_u32(&ha_shmem->alerts_database_bad, 1) == 0)
	{
		BackgroundWorkerInitializeConnection(database, NULL, 0);
		pg_atomic_write_u32(&ha_shmem->alerts_database_bad, 0);
		return;
	}
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	while (strcmp(database, ha_guc_database) == 0 && !database_is_there(database))
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ABSENT_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
	}
	pg_atomic_write_u32(&ha_shmem->alerts_database_bad, 0);
	proc_exit(1);
}

void
ha_worker_alerts_main(Datum arg)
{
	char	   *database;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	database = pstrdup(ha_guc_database);
	connect_to(database);
	prepare_session();
	ha_shmem_attach(&ha_shmem->alerts_proc);
	of_rules = AllocSetContextCreate(TopMemoryContext, "pg_haops rules", ALLOCSET_DEFAULT_SIZES);
	of_turn = AllocSetContextCreate(TopMemoryContext, "pg_haops alerts turn", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		int			wait_ms;

		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(of_turn);
		MemoryContextReset(of_turn);
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			if (strcmp(database, ha_guc_database) != 0)
				proc_exit(1);	/* it is started again, in the other one */
		}
		ha_event_spool_restore();
		wait_ms = guarded_turn();
		wait_ms = Min(wait_ms, ha_event_spool_keep());
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, Max(wait_ms, 1), PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
}
