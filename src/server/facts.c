/*
 * facts.c: see facts.h.
 */
#include "server/compat.h"

#include "access/xlogrecovery.h"
#include "io/clock.h"
#include "replication/walreceiver.h"
#include "server/facts.h"
#include "server/shmem.h"
#include "storage/spin.h"

/* Longer than any receiver takes to connect again, and than the promise by which the loss of the leader is noticed. */
#define NO_WAL_US (15 * 1000 * HA_US_PER_MS)
#define RECEIVER_LIVES_US (1000 * HA_US_PER_MS)

int
ha_facts_receiver_pid(void)
{
	int			pid;

	SpinLockAcquire(&WalRcv->mutex);
	pid = (int) WalRcv->pid;
	SpinLockRelease(&WalRcv->mutex);
	return pid;
}

/* Launched counts as alive: the postmaster may start it at any moment. */
static bool
receiver_alive(void)
{
	bool		alive;

	SpinLockAcquire(&WalRcv->mutex);
	alive = WalRcv->walRcvState != WALRCV_STOPPED || WalRcv->pid != 0;
	SpinLockRelease(&WalRcv->mutex);
	return alive;
}

bool
ha_facts_orders_read(uint32_t orders_number)
{
	return pg_atomic_read_u32(&ha_shmem->startup_number) == orders_number;
}

/*
 * The startup process waits here only after it found no next record in the archive, in pg_wal and from a receiver. So
 * when no receiver was alive just before, and none can be started, replay has come to the end of the local WAL (R14).
 */
static bool
waits_at_end(void)
{
	uint32		proc = pg_atomic_read_u32(&ha_shmem->startup_proc);

	return proc != 0 &&
		ProcGlobal->allProcs[proc - 1].wait_event_info == WAIT_EVENT_RECOVERY_RETRIEVE_RETRY_INTERVAL;
}

/*
 * The leader is heard, its WAL is wanted, and for a good while no receiver lived for longer than it takes to be refused
 * (S25, S49). When the leader is lost nothing is wanted any more, so this keeps nobody from standing then.
 */
static bool
gets_no_wal(HaId upstream)
{
	static HaUs since_us = 0;
	static HaUs receiver_since_us = 0;
	static int	receiver = 0;
	HaUs		now_us = ha_clock_now().boot_us;
	int			pid = ha_facts_receiver_pid();

	if (pid != receiver)
		receiver_since_us = now_us;
	receiver = pid;
	if (upstream == 0 || (pid != 0 && now_us - receiver_since_us >= RECEIVER_LIVES_US))
		since_us = 0;
	else if (since_us == 0)
		since_us = now_us;
	return since_us != 0 && now_us - since_us >= NO_WAL_US;
}

static void
read_standby(HaPg *pg, uint32_t orders_number, HaId orders_upstream)
{
	bool		alive = receiver_alive();

	/* In this order: the receiver, where replay stands, then the positions. */
	pg_memory_barrier();
	pg->receiver_running = alive;
	pg->receiving = alive || orders_upstream != 0 || !ha_facts_orders_read(orders_number);
	pg->settled = !pg->receiving && waits_at_end();
	pg_memory_barrier();
	pg->flush_lsn = GetWalRcvFlushRecPtr(NULL, NULL);
	pg->replay_lsn = GetXLogReplayRecPtr(&pg->tli);
	pg->state = HotStandbyActive() ? HA_PG_STANDBY : HA_PG_STARTING;
	if (pg_atomic_read_u32(&ha_shmem->history_tli) == pg->tli)
		pg->tli_start = pg_atomic_read_u64(&ha_shmem->history_start);
	pg->promoting = PromoteIsTriggered();
	pg->blocks = pg_atomic_read_u32(&ha_shmem->config_blocks);
	if (gets_no_wal(orders_upstream))
		pg->blocks |= HA_BLOCK_NO_WAL;
	if (GetRecoveryPauseState() != RECOVERY_NOT_PAUSED)
		pg->blocks |= HA_BLOCK_PAUSED_REPLAY;
	if (pg->state == HA_PG_STARTING)
		pg->blocks |= HA_BLOCK_INCONSISTENT;
}

static void
read_primary(HaPg *pg)
{
	pg->flush_lsn = GetFlushRecPtr(&pg->tli);
	pg->replay_lsn = GetXLogReplayRecPtr(NULL);
	pg->tli_start = pg->replay_lsn;
	pg->state = HA_PG_PRIMARY;
	pg->checkpointed = pg_atomic_read_u32(&ha_shmem->checkpoint_tli) == pg->tli;
}

void
ha_facts_read(HaPg *pg, uint32_t orders_number, HaId orders_upstream)
{
	memset(pg, 0, sizeof(*pg));
	if (RecoveryInProgress())
		read_standby(pg, orders_number, orders_upstream);
	else
		read_primary(pg);
}

uint32_t
ha_facts_config_blocks(void)
{
	uint32_t	blocks = 0;

	if (recovery_min_apply_delay > 0)
		blocks |= HA_BLOCK_APPLY_DELAY;
	if (recoveryTarget != RECOVERY_TARGET_UNSET)
		blocks |= HA_BLOCK_RECOVERY_TARGET;
	if (!EnableHotStandby)
		blocks |= HA_BLOCK_NOT_IN_CHARGE;	/* without it nobody can tell when recovery is consistent */
	if (!enableFsync)
		blocks |= HA_BLOCK_FSYNC_OFF;
	if (!fullPageWrites)
		blocks |= HA_BLOCK_PAGE_WRITES_OFF;
	return blocks;
}
