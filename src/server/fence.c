/*
 * fence.c: see fence.h.
 *
 * Which paths acknowledge durable effects, and where each is checked (S37):
 *
 *	COMMIT, autocommit, COMMIT in a procedure, a commit of logical replication's apply: XACT_EVENT_PRE_COMMIT, COMMIT
 *	PREPARE TRANSACTION: XACT_EVENT_PRE_PREPARE and PREPARE
 *	COMMIT PREPARED, ROLLBACK PREPARED: at PRE_COMMIT they are done already (E1), so ProcessUtility is asked before
 *	nextval, setval, messages for logical decoding outside of the transaction, restore points: without an xid and
 *		perhaps without WAL of their own; a call of these functions makes the transaction one that writes
 *	large objects, TRUNCATE, CREATE DATABASE, VACUUM FULL, ANALYZE and the like: by their xid, as any other
 *	NOTIFY alone: takes its xid after PRE_COMMIT, so it is judged after the commit only
 *	plain VACUUM, CHECKPOINT, pruning and hint bits of a SELECT: nothing that a client could miss later; not checked
 *
 * Parallel workers write no commit record; their leader does. Callbacks are registered in the postmaster and inherited.
 */
#include "server/compat.h"

#include "server/fence.h"

#include <signal.h>
#include <sys/socket.h>

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "io/clock.h"
#include "libpq/libpq.h"
#include "libpq/libpq-be.h"
#include "nodes/parsenodes.h"
#include "server/gate.h"
#include "server/guc.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/fmgroids.h"

#define LEASE_POLL_MS 10
#define COMMIT_BYTES 8192		/* what is still to be written: more than a usual commit record */
#define QUORUM_POLL_MS_MAX 10

/* What is known of this process' present transaction. */
static struct
{
	bool		effect;				/* it called a function with a durable effect that needs no xid */
	bool		admitted;			/* passed the check before its record was written */
	bool		wrote;				/* it has WAL that the quorum must hold */
	bool		remote;				/* a client waits for the answer */
	HaTerm		term;				/* in which it was admitted */
	XLogRecPtr	last_commit_end;	/* XactLastCommitEnd before it */
	bool		synchronous_raised;
	int			synchronous_saved;
	bool		cancel_ignored;
	struct sigaction cancel_saved;
} current;

static bool keeps_records = false;	/* see ha_fence_keeps_records() */
static ProcessUtility_hook_type prev_process_utility_hook = NULL;
static object_access_hook_type prev_object_access_hook = NULL;

/* ---- Before the commit record ---- */

static void
refuse(const HaGateView *view)
{
	HaStatus   *status = palloc(sizeof(HaStatus));
	const HaMember *leader = NULL;

	pg_atomic_fetch_add_u64(&ha_shmem->refused, 1);
	if (ha_shmem_status(status) && status->leader != status->id)
		leader = ha_register_member(&status->reg, status->leader);
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg("the transaction is refused: this server does not hold the lease of the leader"),
			 leader != NULL ?
			 errdetail("The leader of term %llu is member \"%s\" at %s, port %u.",
					   (unsigned long long) status->term, leader->name, leader->sql_host, leader->sql_port) :
			 view->gate.open ?
			 errdetail("This server leads term %llu, but no majority of the members answers it.",
					   (unsigned long long) view->gate.term) :
			 errdetail("No leader is known in term %llu.", (unsigned long long) status->term),
			 errhint("Nothing was committed. Send the transaction again to the leader.")));
}

static void
refuse_for_lag(void)
{
	pg_atomic_fetch_add_u64(&ha_shmem->refused, 1);
	ereport(ERROR,
			(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
			 errmsg("the transaction is refused: no standby that could take over is near enough"),
			 errdetail("All of them lack more than pg_haops.async_lag_limit (%d kB) of this server's WAL.",
					   ha_guc_async_lag_limit_kb),
			 errhint("Nothing was committed. pg_stat_replication tells how far the standbys are.")));
}

/* Sleeps until the latch is set or the time is up. False when the postmaster is gone. */
static bool
wait_for_latch(long timeout_ms)
{
	int			events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_POSTMASTER_DEATH, timeout_ms,
								   PG_WAIT_EXTENSION);

	if (events & WL_LATCH_SET)
		ResetLatch(MyLatch);
	return (events & WL_POSTMASTER_DEATH) == 0;
}

/* The setting and what PostgreSQL derives from it, as SET would. */
static void
set_synchronous_commit(int level)
{
	assign_synchronous_commit(level, NULL);
	synchronous_commit = level;
}

/*
 * Synchronous mode: the wait for standbys can't be cancelled (R34, E6, E14), nor avoided by synchronous_commit (R35).
 * A cancel that came before is honoured now, while the transaction can still be aborted.
 */
static void
harden(const HaGate *gate)
{
	bool		sync = gate->rule_count > 0 && (gate->rule[0].sync || gate->rule[gate->rule_count - 1].sync);

	if (sync && synchronous_commit < SYNCHRONOUS_COMMIT_REMOTE_FLUSH)
	{
		current.synchronous_saved = synchronous_commit;
		current.synchronous_raised = true;
		set_synchronous_commit(SYNCHRONOUS_COMMIT_REMOTE_FLUSH);
	}
	if (ha_gate_waits(gate))
	{
		struct sigaction ignore = {.sa_handler = SIG_IGN};

		sigemptyset(&ignore.sa_mask);
		if (sigaction(SIGINT, &ignore, &current.cancel_saved) == 0)
			current.cancel_ignored = true;
		CHECK_FOR_INTERRUPTS();
	}
}

static void
soften(void)
{
	if (current.synchronous_raised)
		set_synchronous_commit(current.synchronous_saved);
	if (current.cancel_ignored)
		sigaction(SIGINT, &current.cancel_saved, NULL);
	current.synchronous_raised = false;
	current.cancel_ignored = false;
}

/* Waits for an open gate, a valid lease and a standby that is near enough, and enters; or raises the error. */
static void
admit(void)
{
	HaUs		deadline_us = 0;
	HaGateView	view;

	for (;;)
	{
		bool		open = ha_gate_enter(HA_FLIGHT_WRITING) && ha_gate_look(&view) == HA_GATE_OPEN;
		HaUs		now_us;

		if (open && (ha_guc_async_lag_limit_kb == 0 ||
					 ha_gate_within_lag(&view, GetXLogInsertRecPtr() + COMMIT_BYTES)))
			break;
		ha_gate_leave();
		now_us = ha_clock_now().boot_us;
		if (deadline_us == 0)
			deadline_us = now_us + ha_guc_fence_wait_ms * HA_US_PER_MS;
		if (now_us >= deadline_us || !wait_for_latch(LEASE_POLL_MS))
		{
			if (open)
				refuse_for_lag();
			refuse(&view);
		}
		CHECK_FOR_INTERRUPTS();
	}
	current.admitted = true;
	current.term = view.gate.term;
	current.wrote = XactLastRecEnd != InvalidXLogRecPtr;
	current.remote = whereToSendOutput == DestRemote;
	if (!keeps_records)
		harden(&view.gate);
}

static void
before_commit(void)
{
	current.last_commit_end = XactLastCommitEnd;
	if (!current.admitted && (current.effect || TransactionIdIsValid(GetTopTransactionIdIfAny())))
		admit();
}

/* ---- After the record is flushed: nothing may be thrown from here on ---- */

/*
 * The decision: acknowledge or not. Waits as long as the quorum is missing, and for the lease as long as
 * pg_haops.fence_wait. lsn = 0: the lease alone decides.
 */
static bool
judge(HaTerm term, HaLsn lsn)
{
	HaUs		deadline_us = 0;
	long		poll_ms = 1;

	for (;;)
	{
		HaGateView	view;
		HaGateView	again;
		HaVerdictOfGate verdict;
		HaUs		now_us;

		ha_gate_enter(HA_FLIGHT_JUDGING);
		verdict = ha_gate_look(&view);
		if (verdict == HA_GATE_CLOSED || view.gate.term != term)
			return false;
		if (verdict == HA_GATE_OPEN && (lsn == 0 || ha_gate_quorum(&view, lsn)))
		{
			/* Counting took time: the lease must still be there after it. */
			if (!ha_gate_waits(&view.gate))
				return true;
			if (ha_gate_look(&again) == HA_GATE_OPEN && again.generation == view.generation)
				return true;
			continue;
		}
		ha_gate_leave();

		now_us = ha_clock_now().boot_us;
		if (verdict == HA_GATE_OPEN)
			deadline_us = 0;
		else if (deadline_us == 0)
			deadline_us = now_us + ha_guc_fence_wait_ms * HA_US_PER_MS;
		if (ProcDiePending || (deadline_us != 0 && now_us >= deadline_us) || !wait_for_latch(poll_ms))
			return false;
		poll_ms = Min(poll_ms * 2, QUORUM_POLL_MS_MAX);
	}
}

/* ---- The closed door ---- */

static void
mute_nothing(void)
{
}

static int
mute_zero(void)
{
	return 0;
}

static bool
mute_false(void)
{
	return false;
}

static int
mute_message(char type, const char *text, size_t length)
{
	return 0;
}

static void
mute_message_later(char type, const char *text, size_t length)
{
}

static const PQcommMethods muted = {
	.comm_reset = mute_nothing,
	.flush = mute_zero,
	.flush_if_writable = mute_zero,
	.is_send_pending = mute_false,
	.putmessage = mute_message,
	.putmessage_noblock = mute_message_later,
};

/*
 * Closes the connection without an acknowledgement (E5). PostgreSQL's own way is whereToSendOutput = DestNone, which
 * lets the CommandComplete out that the executor has already been told to send. So everything that would be sent from
 * now on goes nowhere, and the socket takes no more either; the process ends when it next looks at its interrupts.
 */
static void
close_door(bool told)
{
	pg_atomic_fetch_add_u64(&ha_shmem->unacknowledged, 1);
	if (!told)
		ereport(WARNING,
				(errcode(ERRCODE_TRANSACTION_RESOLUTION_UNKNOWN),
				 errmsg("the connection is closed without an acknowledgement of the commit"),
				 errdetail("The transaction is committed on this server, but the lease or the quorum was lost"
						   " before that could be acknowledged; it may not survive."),
				 errhint("Ask the leader for the outcome, with pg_xact_status() or by what was written.")));
	ProcDiePending = true;
	InterruptPending = true;
	if (MyProcPort == NULL)
		return;
	PqCommMethods = &muted;
	shutdown(MyProcPort->sock, SHUT_WR);
	if (current.remote)
		whereToSendOutput = DestRemote;	/* else the process would ask its standard input for commands */
}

static void
after_commit(bool prepared)
{
	bool		moved = prepared || XactLastCommitEnd != current.last_commit_end;
	HaLsn		lsn = 0;
	bool		acknowledge = true;

	if (current.admitted)
	{
		if (moved && current.wrote && !keeps_records)
			lsn = prepared ? GetFlushRecPtr(NULL) : XactLastCommitEnd;
		acknowledge = judge(current.term, lsn);
	}
	else if (moved && TransactionIdIsValid(GetTopTransactionIdIfAny()))
		acknowledge = judge(pg_atomic_read_u64(&ha_shmem->lease_term), 0);
	else
		return;
	ha_gate_leave();

	/* PostgreSQL's own wait was cut by a SIGTERM: it has told the client, but would still let the answer out. */
	if (current.admitted && current.remote && whereToSendOutput == DestNone)
		close_door(true);
	else if (!acknowledge)
		close_door(false);
}

static void
forget(void)
{
	soften();
	memset(&current, 0, sizeof(current));
}

static void
on_transaction(XactEvent event, void *arg)
{
	if (ha_shmem == NULL)
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			before_commit();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			after_commit(event == XACT_EVENT_PREPARE);
			forget();
			break;
		case XACT_EVENT_ABORT:
			if (current.admitted)
				ha_gate_leave();
			forget();
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break;
	}
}

/* ---- What is done before any commit callback runs ---- */

static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	if (IsA(pstmt->utilityStmt, TransactionStmt) && ha_shmem != NULL && !RecoveryInProgress())
	{
		TransactionStmtKind kind = ((TransactionStmt *) pstmt->utilityStmt)->kind;

		if ((kind == TRANS_STMT_COMMIT_PREPARED || kind == TRANS_STMT_ROLLBACK_PREPARED) && !current.admitted)
		{
			admit();
			current.wrote = true;
		}
	}
	if (prev_process_utility_hook)
		prev_process_utility_hook(pstmt, query, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, query, read_only_tree, context, params, environment, dest, completion);
}

static void
object_access(ObjectAccessType access, Oid class_id, Oid object_id, int sub_id, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class_id, object_id, sub_id, arg);
	if (access != OAT_FUNCTION_EXECUTE || class_id != ProcedureRelationId)
		return;
	switch (object_id)
	{
		case F_NEXTVAL:
		case F_SETVAL_REGCLASS_INT8:
		case F_SETVAL_REGCLASS_INT8_BOOL:
		case HA_OID_LOGICAL_EMIT_MESSAGE_TEXT:
		case HA_OID_LOGICAL_EMIT_MESSAGE_BYTEA:
		case F_PG_CREATE_RESTORE_POINT:
			current.effect = true;
			break;
		default:
			break;
	}
}

void
ha_fence_install(void)
{
	RegisterXactCallback(on_transaction, NULL);
	prev_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	prev_object_access_hook = object_access_hook;
	object_access_hook = object_access;
}

void
ha_fence_keeps_records(void)
{
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_SESSION);
	keeps_records = true;
}
