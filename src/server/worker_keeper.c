/*
 * worker_keeper.c: the keeper, for what the ha worker must not wait for: the log, the settings, the control file,
 * checkpoints and replication slots.
 *
 * Nothing is decided here. When the keeper hangs or dies, the lease goes on.
 */
#include "server/compat.h"

#include "server/workers.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "access/timeline.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "io/clock.h"
#include "postmaster/bgworker.h"
#include "postmaster/bgwriter.h"
#include "postmaster/interrupt.h"
#include "replication/syncrep.h"
#include "server/facts.h"
#include "server/guc.h"
#include "server/guc_sender.h"
#include "server/shmem.h"
#include "server/slots.h"
#include "storage/ipc.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#define REJOINED_FILE "rejoined"
#define REST_MS 1000
#define OPENING_SPARE_MS 2000	/* for a hook that still runs when on_opening is to begin */
#define CHECKPOINT_POLL_MS 50
#define NOT_IN_CHARGE_US (5000 * HA_US_PER_MS)

/* ---- Settings ---- */

/*
 * The settings that the ha worker ordered are not in force: server.conf is not included, or something that counts more
 * stands elsewhere. Followed for a while: a reload takes its time.
 */
static bool
in_charge(void)
{
	static HaUs wrong_since_us = 0;
	static HaOrders orders;
	HaUs		now_us = ha_clock_now().boot_us;

	if (!ha_box_read(&ha_shmem->orders_box, ha_shmem->orders, &orders, sizeof(orders)) ||
		(ha_guc_orders_number == (int) orders.number &&
		 strcmp(PrimaryConnInfo, orders.conninfo) == 0 &&
		 strcmp(SyncRepStandbyNames, orders.sync_names) == 0))
	{
		wrong_since_us = 0;
		return true;
	}
	if (wrong_since_us == 0)
		wrong_since_us = now_us;
	return now_us - wrong_since_us < NOT_IN_CHARGE_US;
}

static void
complain_about_charge(bool charge)
{
	static bool said = false;

	if (charge == !said)
		return;
	said = !charge;
	if (charge)
	{
		ha_shmem_say(HA_EVENT_KIND_SERVER, HA_SEVERITY_INFO, "the settings that pg_haops keeps are in force again");
		return;
	}
	ha_shmem_say(HA_EVENT_KIND_SERVER, HA_SEVERITY_WARNING,
				 "settings that pg_haops keeps are overridden: this member can't become the leader");
	ereport(WARNING,
			(errmsg("pg_haops: primary_conninfo or synchronous_standby_names are not as it wrote them"),
			 errdetail("This member can't become the leader."),
			 errhint("postgresql.conf must end with the include of server.conf, and postgresql.auto.conf must"
					 " hold neither of the two.")));
}

static void
publish_settings(void)
{
	static bool said = false;
	bool		charge = in_charge();
	HaTimes		times;

	if (ha_guc_times(&times))
	{
		pg_atomic_write_u32(&ha_shmem->promise_ms, times.promise_ms);
		pg_atomic_write_u32(&ha_shmem->beat_ms, times.beat_ms);
		said = false;
	}
	else if (!said)
	{
		said = true;
		ereport(WARNING,
				(errmsg("pg_haops.promise (%u ms) must be at least three times pg_haops.beat (%u ms)",
						times.promise_ms, times.beat_ms),
				 errdetail("The values that were in force before stay in force.")));
	}
	pg_atomic_write_u32(&ha_shmem->stall_limit_ms, (uint32) ha_guc_stall_limit_ms);
	pg_atomic_write_u32(&ha_shmem->opening_limit_ms, ha_guc_hook[HA_HOOK_OPENING][0] == '\0' ? 0 :
						(uint32) ha_guc_hook_timeout_ms + OPENING_SPARE_MS);
	complain_about_charge(charge);
	pg_atomic_write_u32(&ha_shmem->config_blocks,
						ha_facts_config_blocks() | (charge ? 0 : HA_BLOCK_NOT_IN_CHARGE));
}

/* ---- Checkpoints ---- */

/* True while a checkpoint that was asked for has not ended. */
static bool
look_at_checkpoints(void)
{
	static uint32 served = 0;
	static bool waiting = false;
	uint32		asked = pg_atomic_read_u32(&ha_shmem->checkpoint_asked);
	bool		whole;
	ControlFileData *control;

	if (asked != served && !RecoveryInProgress())
	{
		served = asked;
		waiting = true;
		RequestCheckpoint(CHECKPOINT_FORCE | CHECKPOINT_IMMEDIATE);
	}
	control = get_controlfile(DataDir, &whole);
	if (whole)
		pg_atomic_write_u32(&ha_shmem->checkpoint_tli, control->checkPointCopy.ThisTimeLineID);
	if (waiting && whole && !RecoveryInProgress() &&
		control->checkPointCopy.ThisTimeLineID == GetWALInsertionTimeLine())
	{
		waiting = false;
		ha_shmem_wake(&ha_shmem->ha_proc);
	}
	pfree(control);
	return waiting;
}

/* ---- Timelines ---- */

/* Where a standby's timeline began, from its history file: read once for each timeline. */
static void
look_at_history(void)
{
	TimeLineID	tli;
	List	   *history;

	if (!RecoveryInProgress())
		return;
	(void) GetXLogReplayRecPtr(&tli);
	if (tli == 0 || tli == pg_atomic_read_u32(&ha_shmem->history_tli))
		return;
	history = readTimeLineHistory(tli);
	pg_atomic_write_u32(&ha_shmem->history_tli, 0);
	pg_write_barrier();
	pg_atomic_write_u64(&ha_shmem->history_start, ((TimeLineHistoryEntry *) linitial(history))->begin);
	pg_write_barrier();
	pg_atomic_write_u32(&ha_shmem->history_tli, tli);
}

/* ---- The process ---- */

/* Not before the startup process has read the slots that there are, which it has done when recovery is consistent. */
static void
look_at_slots(void)
{
	static HaStatus status;

	if ((HotStandbyActive() || !RecoveryInProgress()) && ha_shmem_status(&status))
		ha_slots_keep(&status);
	ha_slots_end_decoding();
}

/* What a rewind before this start has discarded becomes an event: the program left it in a file (S47). */
static void
tell_what_was_discarded(void)
{
	char		path[MAXPGPATH];
	char		text[HA_EVENT_TEXT_SIZE];
	int			fd;
	ssize_t		length;

	ha_guc_state_path(REJOINED_FILE, path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[Max(length, 0)] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0' || ha_shmem_say(HA_EVENT_KIND_SERVER, HA_SEVERITY_WARNING, text))
		unlink(path);
}

void
ha_worker_keeper_main(Datum arg)
{
	MemoryContext turn;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	ha_shmem_attach(&ha_shmem->keeper_proc);

	/* A SIGHUP that came while this process was being started is lost: the handler was not ours yet. */
	ConfigReloadPending = true;
	tell_what_was_discarded();

	turn = AllocSetContextCreate(TopMemoryContext, "pg_haops turn", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(turn);
	while (!ShutdownRequestPending)
	{
		bool		hurry;

		MemoryContextReset(turn);
		CHECK_FOR_INTERRUPTS();
		ha_shmem_log_drain();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
		}
		publish_settings();
		hurry = look_at_checkpoints();
		look_at_history();
		look_at_slots();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 hurry ? CHECKPOINT_POLL_MS : REST_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
	}
	ha_shmem_log_drain();
	proc_exit(1);				/* 0 would mean: never start again */
}
