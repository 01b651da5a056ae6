/*
 * locks_collect.c: one pass over the lock table, see locks_parts.h.
 *
 * The nearest blocker of a waiter is the last one in front of it in the queue whose wish conflicts with its own: it
 * can't be served before that one. Where there is none, it is a holder whose lock conflicts, of several one that itself
 * waits for nothing. Fast-path locks need no look: who waits for a strong lock has moved them into the table.
 *
 * pg_blocking_pids() knows neither the startup process of a standby nor who waits for a safe snapshot; here both count.
 */
#include "server/compat.h"

#include "access/twophase.h"
#include "api/locks_parts.h"
#include "storage/lwlock.h"
#include "storage/predicate_internals.h"
#include "storage/procarray.h"
#include "utils/hsearch.h"
#include "utils/wait_event.h"

#define ROW_LOCKS_MAX 32		/* of a partition of a waiter's locks: the newest, where its row is */

/* The first holders in the way of one mode: two, of different groups, so that one is not the waiter's own. */
typedef struct Holders
{
	bool		known;
	bool		first_is_free;	/* it waits for nothing itself, and stands first for that */
	int			count;
	int			leader[2];
	LOCKMASK	modes[2];
} Holders;

/* What is known of a lock that somebody waits for. */
typedef struct Awaited
{
	LOCK	   *lock;			/* the key */
	Holders		against[MAX_LOCKMODES];
} Awaited;

static int
index_of(const PGPROC *proc)
{
	return (int) (proc - ProcGlobal->allProcs);
}

static int
leader_of(const PGPROC *proc)
{
	return index_of(proc->lockGroupLeader != NULL ? proc->lockGroupLeader : proc);
}

/* ---- Holders ---- */

/* A group waits when one of it does; looked at where two holders compete only. */
static bool
waits(const PGPROC *proc)
{
	return proc->waitLock != NULL || (proc->lockGroupLeader != NULL && proc->lockGroupLeader->waitLock != NULL);
}

static void
remember(Holders *holders, const PGPROC *proc, LOCKMASK modes)
{
	int			leader = leader_of(proc);
	int			at = Min(holders->count, 2);

	for (int i = 0; i < at; i++)
	{
		if (holders->leader[i] == leader)
		{
			holders->modes[i] |= modes;
			return;
		}
	}
	if (at > 0 && !holders->first_is_free && !waits(proc))
	{
		holders->leader[1] = holders->leader[0];
		holders->modes[1] = holders->modes[0];
		at = 0;
	}
	if (at == 0)
		holders->first_is_free = !waits(proc);
	if (at < 2)
	{
		holders->leader[at] = leader;
		holders->modes[at] = modes;
	}
	holders->count++;
}

/* Who holds the lock in a mode that conflicts with this one. */
static const Holders *
holders_against(Awaited *awaited, LOCKMODE mode)
{
	Holders    *holders = &awaited->against[mode];
	LOCKMASK	conflicts = GetLocksMethodTable(awaited->lock)->conflictTab[mode];

	if (holders->known)
		return holders;
	holders->known = true;
	for (PROCLOCK *holder = ha_lock_next_holder(awaited->lock, NULL); holder != NULL;
		 holder = ha_lock_next_holder(awaited->lock, holder))
	{
		if (holder->holdMask & conflicts)
			remember(holders, holder->tag.myProc, holder->holdMask);
	}
	return holders;
}

/* ---- Waiters ---- */

/* In front in the queue: the last one with each mode, and the last one of another group. */
typedef struct Ahead
{
	int			leader[MAX_LOCKMODES][2];
	int			place[MAX_LOCKMODES][2];
	int			count[MAX_LOCKMODES];
} Ahead;

static void
queue_up(Ahead *ahead, PGPROC *proc, int place)
{
	LOCKMODE	mode = proc->waitLockMode;
	int			leader = leader_of(proc);

	if (ahead->count[mode]++ > 0 && ahead->leader[mode][0] != leader)
	{
		ahead->leader[mode][1] = ahead->leader[mode][0];
		ahead->place[mode][1] = ahead->place[mode][0];
	}
	ahead->leader[mode][0] = leader;
	ahead->place[mode][0] = place;
}

/* The last one in front whose wish conflicts. */
static void
look_ahead(const Ahead *ahead, LOCKMASK conflicts, int self, HaLockWait *wait)
{
	int			nearest = -1;

	for (LOCKMODE mode = 1; mode < MAX_LOCKMODES; mode++)
	{
		int			other;

		if (!(conflicts & LOCKBIT_ON(mode)) || ahead->count[mode] == 0)
			continue;
		wait->blockers += ahead->count[mode];
		other = ahead->leader[mode][0] == self ? 1 : 0;
		if (ahead->leader[mode][other] >= 0 && ahead->place[mode][other] > nearest)
		{
			nearest = ahead->place[mode][other];
			wait->blocker = ahead->leader[mode][other];
			wait->blocker_modes = LOCKBIT_ON(mode);
			wait->queued = true;
		}
	}
}

/* The row that a waiter for a transaction wants: it holds the row's lock, which it took last. */
static void
look_for_row(PGPROC *proc, HaLockWait *wait)
{
	for (int partition = 0; partition < NUM_LOCK_PARTITIONS && !wait->has_row; partition++)
	{
		PROCLOCK   *held = ha_proc_lock_before(proc, partition, NULL);

		for (int n = 0; held != NULL && n < ROW_LOCKS_MAX && !wait->has_row; n++)
		{
			if (held->tag.myLock->tag.locktag_type == LOCKTAG_TUPLE)
			{
				wait->has_row = true;
				wait->row = held->tag.myLock->tag;
			}
			held = ha_proc_lock_before(proc, partition, held);
		}
	}
}

static void
add_wait(HaLockWaits *all, Awaited *awaited, const Ahead *ahead, PGPROC *proc)
{
	HaLockWait *wait = &all->wait[all->count++];
	const Holders *holders = holders_against(awaited, proc->waitLockMode);
	int			self = leader_of(proc);

	memset(wait, 0, sizeof(*wait));
	wait->proc = index_of(proc);
	wait->kind = HA_WAIT_LOCK;
	wait->tag = awaited->lock->tag;
	wait->mode = proc->waitLockMode;
	wait->since = (TimestampTz) pg_atomic_read_u64(&proc->waitStart);
	wait->blocker = -1;
	look_ahead(ahead, GetLocksMethodTable(awaited->lock)->conflictTab[wait->mode], self, wait);
	for (int i = 0; i < Min(holders->count, 2); i++)
	{
		if (holders->leader[i] == self)
			wait->blockers--;
		else if (wait->blocker < 0)
		{
			wait->blocker = holders->leader[i];
			wait->blocker_modes = holders->modes[i];
		}
	}
	wait->blockers += holders->count;
	if (wait->tag.locktag_type == LOCKTAG_TRANSACTION)
		look_for_row(proc, wait);
}

static void
add_lock(HaLockWaits *all, Awaited *awaited)
{
	Ahead		ahead;
	int			place = 0;

	memset(&ahead, 0xFF, sizeof(ahead));
	memset(ahead.count, 0, sizeof(ahead.count));
	for (PGPROC *proc = ha_lock_next_waiter(awaited->lock, NULL); proc != NULL && all->count < all->proc_count;
		 proc = ha_lock_next_waiter(awaited->lock, proc))
	{
		add_wait(all, awaited, &ahead, proc);
		queue_up(&ahead, proc, place++);
	}
}

/* Under the locks of all partitions. */
static void
walk(HaLockWaits *all, HTAB *locks)
{
	for (int i = 0; i < all->proc_count; i++)
	{
		PGPROC	   *proc = &ProcGlobal->allProcs[i];
		HaLockProc *known = &all->proc[i];
		Awaited    *awaited;
		bool		found;

		known->pid = proc->pid;
		known->leader = leader_of(proc);
		known->xid = proc->xid;
		known->wraparound = (proc->statusFlags & PROC_VACUUM_FOR_WRAPAROUND) != 0;
		if (proc->waitLock == NULL)
			continue;
		awaited = hash_search(locks, &proc->waitLock, HASH_ENTER, &found);
		if (found)
			continue;
		memset(awaited->against, 0, sizeof(awaited->against));
		add_lock(all, awaited);
	}
}

/* ---- Waits that are not in the lock table ---- */

static int
proc_of_pid(const HaLockWaits *all, int pid)
{
	for (int i = 0; i < all->proc_count; i++)
	{
		if (all->proc[i].pid == pid)
			return i;
	}
	return -1;
}

static void
look_at_snapshot_wait(HaLockWaits *all, HaLockWait *wait, int *pids)
{
	int			count = GetSafeSnapshotBlockingPids(all->proc[wait->proc].pid, pids, all->proc_count);

	wait->kind = HA_WAIT_SNAPSHOT;
	wait->blockers = count;
	if (count > 0)
		wait->blocker = proc_of_pid(all, pids[0]);
}

/* Which snapshot the startup process waits for is its own secret: the oldest one is named. */
static void
look_at_conflict(HaLockWaits *all, HaLockWait *wait)
{
	TransactionId oldest = InvalidTransactionId;

	wait->kind = HA_WAIT_CONFLICT;
	for (int i = 0; i < all->proc_count; i++)
	{
		TransactionId xmin = ProcGlobal->allProcs[i].xmin;

		if (all->proc[i].pid == 0 || !TransactionIdIsNormal(xmin) || all->proc[i].pid == MyProcPid)
			continue;
		wait->blockers++;
		if (!TransactionIdIsValid(oldest) || TransactionIdPrecedes(xmin, oldest))
		{
			oldest = xmin;
			wait->blocker = i;
		}
	}
}

static void
look_at_other_waits(HaLockWaits *all)
{
	int		   *pids = palloc(all->proc_count * sizeof(int));

	for (int i = 0; i < all->proc_count && all->count < all->proc_count; i++)
	{
		uint32		event = ProcGlobal->allProcs[i].wait_event_info;
		HaLockWait *wait = &all->wait[all->count];

		if (all->proc[i].pid == 0 ||
			(event != WAIT_EVENT_SAFE_SNAPSHOT && event != WAIT_EVENT_RECOVERY_CONFLICT_SNAPSHOT))
			continue;
		memset(wait, 0, sizeof(*wait));
		wait->proc = i;
		wait->blocker = -1;
		if (event == WAIT_EVENT_SAFE_SNAPSHOT)
			look_at_snapshot_wait(all, wait, pids);
		else
			look_at_conflict(all, wait);
		all->count++;
	}
	pfree(pids);
}

HaLockWaits *
ha_locks_collect(void)
{
	HASHCTL		control = {.keysize = sizeof(LOCK *), .entrysize = sizeof(Awaited), .hcxt = CurrentMemoryContext};
	HTAB	   *locks = hash_create("pg_haops awaited locks", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	HaLockWaits *result = palloc0(sizeof(HaLockWaits));

	/* Behind those of processes stand those of prepared transactions. */
	result->proc_count = (int) ProcGlobal->allProcCount + max_prepared_xacts;
	result->wait = palloc(result->proc_count * sizeof(HaLockWait));
	result->proc = palloc0(result->proc_count * sizeof(HaLockProc));
	for (int i = 0; i < NUM_LOCK_PARTITIONS; i++)
		LWLockAcquire(LockHashPartitionLockByIndex(i), LW_SHARED);
	walk(result, locks);
	for (int i = NUM_LOCK_PARTITIONS; --i >= 0;)
		LWLockRelease(LockHashPartitionLockByIndex(i));
	hash_destroy(locks);
	look_at_other_waits(result);
	return result;
}
