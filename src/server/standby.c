/*
 * standby.c: see standby.h.
 */
#include "server/compat.h"

#include "server/standby.h"

#include "access/xlogrecovery.h"
#include "mb/pg_wchar.h"
#include "replication/walreceiver.h"
#include "storage/spin.h"

#define WAL_NAME_LENGTH 24

static emit_log_hook_type prev_emit_log_hook = NULL;

/* ---- Why the receiver ended ---- */

/* The name of a segment of WAL somewhere in the text, which is the same in every language. */
static bool
names_segment(const char *text)
{
	size_t		run = 0;

	for (; *text != '\0' && run < WAL_NAME_LENGTH; text++)
		run = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'F') ? run + 1 : 0;
	return run == WAL_NAME_LENGTH;
}

/*
 * The source sent an error that names a segment, "requested WAL segment ... has already been removed"; or the slot was
 * invalidated, which 18 says instead.
 */
static bool
tells_missing_wal(const ErrorData *error)
{
	return error->sqlerrcode == ERRCODE_PROTOCOL_VIOLATION &&
		(names_segment(error->message) || strstr(error->message, "can no longer access replication slot") != NULL);
}

static HaLsn
held(void)
{
	return Max(GetWalRcvFlushRecPtr(NULL, NULL), GetXLogReplayRecPtr(NULL));
}

static void
keep_error(const ErrorData *error)
{
	HaReceiverError kept = {.wal_missing = tells_missing_wal(error), .lsn = held()};

	strlcpy(kept.text, error->message, sizeof(kept.text));
	kept.text[pg_mbcliplen(kept.text, (int) strlen(kept.text), sizeof(kept.text) - 1)] = '\0';
	for (char *c = kept.text; *c != '\0'; c++)
	{
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
	ha_box_write(&ha_shmem->receiver_error_box, ha_shmem->receiver_error, &kept, sizeof(kept));
}

/* One receiver lives at a time, so the box has one writer. */
static void
emit_log(ErrorData *error)
{
	if (MyBackendType == B_WAL_RECEIVER && error->elevel >= FATAL && error->sqlerrcode != ERRCODE_ADMIN_SHUTDOWN &&
		error->message != NULL && ha_shmem != NULL)
		keep_error(error);
	if (prev_emit_log_hook)
		prev_emit_log_hook(error);
}

void
ha_standby_install(void)
{
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = emit_log;
}

/* ---- What it is ---- */

static HaLagReceiver
receiver_of(WalRcvState state, int pid)
{
	if (pid == 0 || state == WALRCV_STOPPED)
		return HA_LAG_RECEIVER_NONE;
	return state == WALRCV_STREAMING ? HA_LAG_RECEIVER_STREAMING : HA_LAG_RECEIVER_STARTING;
}

/* What PostgreSQL hides until it has taken passwords out is not looked at either. */
static void
read_receiver(HaStandby *standby)
{
	WalRcvState state;
	bool		ready;

	SpinLockAcquire(&WalRcv->mutex);
	standby->receiver_pid = (int) WalRcv->pid;
	state = WalRcv->walRcvState;
	ready = WalRcv->ready_to_display;
	if (ready)
	{
		standby->source_lsn = WalRcv->latestWalEnd;
		standby->heard_at = WalRcv->lastMsgReceiptTime;
		standby->source_port = WalRcv->sender_port;
		memcpy(standby->source_host, WalRcv->sender_host, sizeof(standby->source_host));
		memcpy(standby->slot, WalRcv->slotname, sizeof(standby->slot));
	}
	SpinLockRelease(&WalRcv->mutex);
	standby->receiver = receiver_of(state, standby->receiver_pid);
	if (standby->receiver == HA_LAG_RECEIVER_STREAMING && !ready)
		standby->receiver = HA_LAG_RECEIVER_STARTING;
}

void
ha_standby_read(HaStandby *standby)
{
	memset(standby, 0, sizeof(*standby));
	standby->paused = GetRecoveryPauseState() != RECOVERY_NOT_PAUSED;
	read_receiver(standby);
	standby->replay_lsn = GetXLogReplayRecPtr(&standby->replay_tli);
	standby->flush_lsn = Max(GetWalRcvFlushRecPtr(NULL, NULL), standby->replay_lsn);
	if (ha_shmem == NULL ||
		!ha_box_read(&ha_shmem->receiver_error_box, ha_shmem->receiver_error, &standby->error, sizeof(standby->error)))
		return;
	standby->has_error = standby->error.lsn == standby->flush_lsn;
	if (!standby->error.wal_missing && standby->receiver == HA_LAG_RECEIVER_STREAMING)
		standby->has_error = false;
}
