/*
 * replication_view.c: see replication_parts.h.
 */
#include "server/compat.h"

#include "api/replication_parts.h"
#include "access/xlogrecovery.h"
#include "io/clock.h"
#include "replication/walreceiver.h"
#include "server/gate.h"
#include "server/lagring.h"
#include "server/preflight.h"
#include "storage/lwlock.h"
#include "storage/spin.h"
#include "utils/backend_status.h"
#include "utils/timestamp.h"

/* ---- Senders ---- */

static const PgBackendStatus *
process_of(int pid)
{
	int			count = pgstat_fetch_stat_numbackends();

	for (int i = 1; i <= count; i++)
	{
		const PgBackendStatus *process = ha_backend_status(i);

		if (process->st_procpid == pid)
			return process;
	}
	return NULL;
}

/* Who takes a base backup is no standby: not the connection that copies, nor the one for WAL, which replays none. */
static bool
takes_backup(const HaSender *sender)
{
	return sender->state == WALSNDSTATE_BACKUP ||
		(sender->apply_lsn == 0 &&
		 (strcmp(sender->name, "pg_basebackup") == 0 || strcmp(sender->name, "pg_rewind") == 0));
}

/* A walsender with a database decodes: its receiver is a subscriber, see haops.replication_slots. */
static bool
describe(HaSender *sender)
{
	const PgBackendStatus *process = process_of(sender->pid);

	if (process == NULL || process->st_databaseid != InvalidOid)
		return false;
	strlcpy(sender->name, process->st_appname != NULL ? process->st_appname : "", sizeof(sender->name));
	return !takes_backup(sender);
}

static void
read_senders(HaReplication *replication)
{
	replication->sender = palloc0(sizeof(HaSender) * Max(max_wal_senders, 1));
	for (int i = 0; i < max_wal_senders; i++)
	{
		WalSnd	   *walsnd = &WalSndCtl->walsnds[i];
		HaSender   *sender = &replication->sender[replication->sender_count];

		memset(sender, 0, sizeof(*sender));
		SpinLockAcquire(&walsnd->mutex);
		sender->pid = (int) walsnd->pid;
		sender->state = walsnd->state;
		sender->sent_lsn = walsnd->sentPtr;
		sender->flush_lsn = walsnd->flush;
		sender->apply_lsn = walsnd->apply;
		sender->apply_lag_us = walsnd->applyLag;
		sender->replied_at = walsnd->replyTime;
		SpinLockRelease(&walsnd->mutex);
		if (sender->pid != 0 && describe(sender))
			replication->sender_count++;
	}
}

/* ---- Slots ---- */

static void
read_slots(HaReplication *replication)
{
	replication->slot = palloc0(sizeof(HaSlot) * Max(max_replication_slots, 1));
	if (max_replication_slots == 0)
		return;
	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		HaSlot	   *copy = &replication->slot[replication->slot_count];

		if (!slot->in_use || SlotIsLogical(slot))
			continue;
		SpinLockAcquire(&slot->mutex);
		memcpy(copy->name, NameStr(slot->data.name), NAMEDATALEN);
		copy->pid = (int) slot->active_pid;
		copy->restart_lsn = slot->data.restart_lsn;
		copy->lost = ha_slot_is_lost(slot);
		SpinLockRelease(&slot->mutex);
		replication->slot_count++;
	}
	LWLockRelease(ReplicationSlotControlLock);
}

const HaSlot *
ha_replication_slot_of(const HaReplication *replication, int pid)
{
	for (int i = 0; i < replication->slot_count; i++)
	{
		if (pid != 0 && replication->slot[i].pid == pid)
			return &replication->slot[i];
	}
	return NULL;
}

/* ---- The primary ---- */

/* This server writes. A member that does so without the lease may have been deposed. */
static void
look_at_self(HaReplication *replication)
{
	HaGateView	view;

	replication->own_lsn = GetFlushRecPtr(&replication->primary_tli);
	replication->primary_lsn = replication->own_lsn;
	replication->primary_heard = !ha_preflight_member || ha_gate_look(&view) == HA_GATE_OPEN;
	replication->primary_note = "this server does not hold the lease, so another may lead: the lag is not known";
}

static void
look_at_leader(HaReplication *replication)
{
	const HaLagSample *last = ha_lag_last(replication->ring);
	const HaEpoch *epoch;

	replication->own_lsn = Max(GetWalRcvFlushRecPtr(NULL, NULL), GetXLogReplayRecPtr(NULL));
	replication->primary_note = "the primary's position is not known here: measured against its source only";
	if (replication->status == NULL)
		return;
	replication->primary_note = "the leader has not been heard lately: the lag is not known";
	epoch = ha_chain_last(&replication->status->reg.chain);
	replication->primary_tli = epoch != NULL ? epoch->tli : 0;
	if (last == NULL)
		return;
	replication->primary_lsn = last->lsn;
	replication->primary_age_us = replication->now_us - last->last_us;
	replication->primary_heard =
		replication->primary_age_us <= (HaUs) replication->status->promise_ms * HA_US_PER_MS;
}

HaReplication *
ha_replication_read(void)
{
	HaReplication *replication = palloc0(sizeof(HaReplication));
	HaStatus   *status = palloc(sizeof(HaStatus));

	if (ha_shmem != NULL && ha_shmem_status(status) && status->has_register)
		replication->status = status;
	/* Positions of standbys first, then the primary's: so it is not behind them, nor the lag too small. */
	read_senders(replication);
	read_slots(replication);
	replication->ring = ha_lagring_read();
	replication->now_us = ha_clock_now().boot_us;
	replication->now = GetCurrentTimestamp();
	replication->recovery = RecoveryInProgress();
	if (replication->recovery)
		look_at_leader(replication);
	else
		look_at_self(replication);
	return replication;
}
