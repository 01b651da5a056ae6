/*
 * gate.c: see gate.h.
 */
#include "server/compat.h"

#include "server/gate.h"

#include <signal.h>

#include "access/xlog_internal.h"
#include "io/clock.h"
#include "replication/syncrep.h"
#include "replication/walsender_private.h"
#include "server/guc.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

/* A flight is one word: generation * FLIGHT_UNIT + HaFlightKind, 0 = none. */
#define FLIGHT_UNIT 4

/* ---- Publishing: the ha worker ---- */

void
ha_gate_close_lease(void)
{
	pg_atomic_write_u64(&ha_shmem->lease_until_us, 0);
	pg_memory_barrier();
}

void
ha_gate_publish_lease(HaTerm term, HaUs until_us)
{
	if (pg_atomic_read_u64(&ha_shmem->lease_term) != term)
	{
		ha_gate_close_lease();
		pg_atomic_write_u64(&ha_shmem->lease_term, term);
		pg_memory_barrier();
	}
	pg_atomic_write_u64(&ha_shmem->lease_until_us, (uint64) until_us);
}

void
ha_gate_slot_name(const char *member, char name[NAMEDATALEN])
{
	snprintf(name, NAMEDATALEN, "pg_haops_%s", member);
	for (char *c = name; *c != '\0'; c++)
	{
		if (*c == '-')
			*c = '_';
		else if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	}
}

void
ha_gate_publish_owners(const HaRegister *reg)
{
	HaOwners	owners;

	ha_box_read(&ha_shmem->owners_box, ha_shmem->owners, &owners, sizeof(owners));
	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		const HaMember *member = ha_register_member(reg, id);
		HaOwner    *owner = &owners.owner[id];

		owner->slot[0] = '\0';
		owner->may_lead = ha_register_may_lead(reg, id);
		if (member == NULL || !(member->flags & HA_MEMBER_DATA))
			continue;
		ha_gate_slot_name(member->name, owner->slot);
		if (owner->life == 0 || !ha_uuid_equal(&owner->incarnation, &member->incarnation))
			owner->life++;
		owner->incarnation = member->incarnation;
	}
	ha_box_write(&ha_shmem->owners_box, ha_shmem->owners, &owners, sizeof(owners));
}

void
ha_gate_publish(const HaGate *gate, HaId self, bool fresh)
{
	HaGateView	view = {.gate = *gate, .self = self};

	view.generation = pg_atomic_read_u64(&ha_shmem->generation) + (fresh ? 1 : 0);
	ha_box_write(&ha_shmem->gate_box, ha_shmem->gate, &view, sizeof(view));

	/* Whoever still enters with the older generation has it written down before it looks again. */
	pg_memory_barrier();
	pg_atomic_write_u64(&ha_shmem->generation, view.generation);
	pg_memory_barrier();
}

/* A process that is gone has left: its end, however it came, acknowledged nothing. Its PGPROC may still name it. */
static bool
lives(const PGPROC *proc)
{
	int			pid = proc->pid;

	return pid > 0 && kill(pid, 0) == 0;
}

bool
ha_gate_drained(bool writing)
{
	uint64		generation = pg_atomic_read_u64(&ha_shmem->generation);

	for (uint32 i = 0; i < ha_shmem->flight_count; i++)
	{
		uint64		flight = pg_atomic_read_u64(&ha_shmem->flight[i].word);
		const PGPROC *proc = &ProcGlobal->allProcs[i];

		if (flight == 0 || flight / FLIGHT_UNIT >= generation)
			continue;
		if (flight % FLIGHT_UNIT == HA_FLIGHT_WRITING && (!writing || proc->syncRepState == SYNC_REP_WAITING))
			continue;
		if (lives(proc))
			return false;
	}
	return true;
}

bool
ha_gate_drained_by_death(void)
{
	for (uint32 i = 0; i < ha_shmem->flight_count; i++)
	{
		if (pg_atomic_read_u64(&ha_shmem->flight[i].word) % FLIGHT_UNIT == HA_FLIGHT_JUDGING &&
			lives(&ProcGlobal->allProcs[i]))
			return false;
	}
	return true;
}

HaLsn
ha_gate_wal_end(void)
{
	XLogRecPtr	lsn = GetXLogInsertRecPtr();
	uint32		offset = XLogSegmentOffset(lsn, wal_segment_size);

	/* Behind a page's header there is nothing yet that could be flushed. */
	if (offset == SizeOfXLogLongPHD || (offset > XLOG_BLCKSZ && offset % XLOG_BLCKSZ == SizeOfXLogShortPHD))
		lsn -= offset % XLOG_BLCKSZ;
	if (GetFlushRecPtr(NULL) < lsn)
		XLogSetAsyncXactLSN(lsn);
	return lsn;
}

/* ---- Judging: any process ---- */

HaVerdictOfGate
ha_gate_look(HaGateView *view)
{
	uint64		until_us;
	uint64		term;

	if (!ha_box_read(&ha_shmem->gate_box, ha_shmem->gate, view, sizeof(*view)) || !view->gate.open)
		return HA_GATE_CLOSED;
	until_us = pg_atomic_read_u64(&ha_shmem->lease_until_us);
	pg_read_barrier();
	term = pg_atomic_read_u64(&ha_shmem->lease_term);
	pg_memory_barrier();
	if (term != view->gate.term)
		return HA_GATE_NO_LEASE;
	return (uint64) ha_clock_now().boot_us < until_us ? HA_GATE_OPEN : HA_GATE_NO_LEASE;
}

static HaFlight *
my_flight(void)
{
	int			number = MyProc == NULL ? -1 : ha_my_proc_number();

	return number >= 0 && (uint32) number < ha_shmem->flight_count ? &ha_shmem->flight[number] : NULL;
}

bool
ha_gate_enter(HaFlightKind kind)
{
	HaFlight   *flight = my_flight();
	uint64		generation;

	if (flight == NULL)
		return false;

	/* Written down first, then looked at again: the ha worker sees one of the two. */
	do
	{
		generation = pg_atomic_read_u64(&ha_shmem->generation);
		pg_atomic_exchange_u64(&flight->word, generation * FLIGHT_UNIT + kind);
	} while (pg_atomic_read_u64(&ha_shmem->generation) != generation);
	return true;
}

void
ha_gate_leave(void)
{
	HaFlight   *flight = my_flight();

	if (flight == NULL)
		return;
	pg_atomic_exchange_u64(&flight->word, 0);
	if (pg_atomic_read_u32(&ha_shmem->drain_wanted) != 0)
		ha_shmem_wake(&ha_shmem->ha_proc);
}

/* ---- Who receives ---- */

static uint64
sender_word(const HaOwner *owner, int pid)
{
	return (uint64) owner->life << 32 | (uint32) pid;
}

static void
sender_gone(int code, Datum id)
{
	pg_atomic_uint64 *sender = &ha_shmem->sender[DatumGetUInt32(id)];
	uint64		word = pg_atomic_read_u64(sender);

	if ((uint32) word == (uint32) MyProcPid)
		pg_atomic_compare_exchange_u64(sender, &word, 0);
}

bool
ha_gate_admit_sender(const HaUuid *incarnation)
{
	HaOwners	owners;

	ha_box_read(&ha_shmem->owners_box, ha_shmem->owners, &owners, sizeof(owners));
	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		const HaOwner *owner = &owners.owner[id];

		if (owner->slot[0] == '\0' || !ha_uuid_equal(&owner->incarnation, incarnation))
			continue;
		before_shmem_exit(sender_gone, UInt32GetDatum(id));
		pg_atomic_write_u64(&ha_shmem->sender[id], sender_word(owner, MyProcPid));
		return true;
	}
	return false;
}

bool
ha_gate_is_sender(HaId id, pid_t pid)
{
	HaOwners	owners;

	return ha_box_read(&ha_shmem->owners_box, ha_shmem->owners, &owners, sizeof(owners)) &&
		pg_atomic_read_u64(&ha_shmem->sender[id]) == sender_word(&owners.owner[id], pid);
}

/* ---- The quorum ---- */

bool
ha_gate_waits(const HaGate *gate)
{
	for (uint32 i = 0; i < gate->rule_count; i++)
	{
		if (gate->rule[i].sync && gate->rule[i].k > 0)
			return true;
	}
	return false;
}

/* What the walsender process `pid` knows to be flushed by its standby; 0 when it does not stream. */
static XLogRecPtr
flushed_by(pid_t pid)
{
	for (int i = 0; i < max_wal_senders; i++)
	{
		WalSnd	   *walsnd = &WalSndCtl->walsnds[i];
		XLogRecPtr	flush = InvalidXLogRecPtr;

		SpinLockAcquire(&walsnd->mutex);
		if (walsnd->pid == pid && (walsnd->state == WALSNDSTATE_STREAMING || walsnd->state == WALSNDSTATE_STOPPING))
			flush = walsnd->flush;
		SpinLockRelease(&walsnd->mutex);
		if (flush != InvalidXLogRecPtr)
			return flush;
	}
	return InvalidXLogRecPtr;
}

/* The members among `wanted` whose slot's walsender has flushed up to lsn, and was let in for their present life. */
static HaSet
holders(HaSet wanted, HaLsn lsn)
{
	HaOwners	owners;
	pid_t		pid[HA_ID_MAX + 1] = {0};
	HaSet		set = 0;
	HaId		id;

	if (!ha_box_read(&ha_shmem->owners_box, ha_shmem->owners, &owners, sizeof(owners)))
		return 0;

	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];

		if (!slot->in_use)
			continue;
		for (HaSet s = wanted; (id = ha_set_first(s)) != 0; s &= s - 1)
		{
			const char *name = owners.owner[id].slot;

			if (name[0] == '\0' || strcmp(NameStr(slot->data.name), name) != 0)
				continue;
			SpinLockAcquire(&slot->mutex);
			pid[id] = slot->active_pid;
			SpinLockRelease(&slot->mutex);
		}
	}
	LWLockRelease(ReplicationSlotControlLock);

	for (HaSet s = wanted; (id = ha_set_first(s)) != 0; s &= s - 1)
	{
		if (pid[id] != 0 && flushed_by(pid[id]) >= lsn &&
			pg_atomic_read_u64(&ha_shmem->sender[id]) == sender_word(&owners.owner[id], pid[id]))
			set |= ha_set_of(id);
	}
	return set;
}

bool
ha_gate_quorum(const HaGateView *view, HaLsn lsn)
{
	const HaGate *gate = &view->gate;
	HaSet		wanted = 0;
	HaSet		have = 0;

	if (gate->rule_count == 0)
		return false;
	for (uint32 i = 0; i < gate->rule_count; i++)
	{
		if (gate->rule[i].sync && gate->rule[i].k > 0)
			wanted |= gate->rule[i].sync_set;
	}
	wanted &= gate->joined & ~ha_set_of(view->self);
	if (wanted != 0)
		have = holders(wanted, lsn);
	for (uint32 i = 0; i < gate->rule_count; i++)
	{
		if (!ha_sync_satisfied(&gate->rule[i], view->self, have))
			return false;
	}
	return ha_gate_within_lag(view, lsn);
}

bool
ha_gate_within_lag(const HaGateView *view, HaLsn lsn)
{
	uint64		limit = (uint64) ha_guc_async_lag_limit_kb * 1024;
	HaOwners	owners;
	HaSet		heirs = 0;

	if (limit == 0 || lsn <= limit || ha_gate_waits(&view->gate) ||
		!ha_box_read(&ha_shmem->owners_box, ha_shmem->owners, &owners, sizeof(owners)))
		return true;
	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		if (owners.owner[id].may_lead && id != view->self)
			heirs |= ha_set_of(id);
	}
	return heirs == 0 || holders(heirs & view->gate.joined, lsn - limit) != 0;
}
