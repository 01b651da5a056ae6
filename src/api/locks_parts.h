/*
 * locks_parts.h: what the files of the lock views share.
 *
 *     locks_collect.c    one pass over the lock table: who waits, and who stands nearest in the way
 *     locks_words.c      what is locked, in words
 *     locks.c            the rows: joined to trees (ops/waits.h)
 */
#ifndef HA_API_LOCKS_PARTS_H
#define HA_API_LOCKS_PARTS_H

#include "server/compat.h"

#include "datatype/timestamp.h"
#include "storage/lock.h"

/* Processes are indexes in ProcGlobal->allProcs, which no other process changes; -1 = none. */

/* What a process waits for. */
typedef enum HaWaitKind
{
	HA_WAIT_LOCK,
	HA_WAIT_SNAPSHOT,			/* a serializable deferrable transaction, for others to end */
	HA_WAIT_CONFLICT,			/* the startup process of a standby, for queries that its WAL conflicts with */
} HaWaitKind;

typedef struct HaLockWait
{
	int			proc;
	HaWaitKind	kind;
	LOCKTAG		tag;
	LOCKMODE	mode;
	TimestampTz since;			/* 0 = not known, in the first instant */
	int			blocker;		/* the nearest one: leader of its group */
	bool		queued;			/* the blocker does not hold the lock: it waits for it in front of this one */
	LOCKMASK	blocker_modes;	/* what it holds, or waits for */
	int			blockers;		/* how many stand in the way: holders, and waiters in front, but conflicts only */
	bool		has_row;		/* for one who waits for a transaction: the row that it wants */
	LOCKTAG		row;
} HaLockWait;

/* What of a process must be read at the same time. */
typedef struct HaLockProc
{
	int			pid;			/* 0 = a prepared transaction */
	int			leader;			/* of its parallel group; its own index when there is none */
	TransactionId xid;
	bool		wraparound;		/* autovacuum that does not yield */
} HaLockProc;

typedef struct HaLockWaits
{
	int			count;
	HaLockWait *wait;
	int			proc_count;
	HaLockProc *proc;
} HaLockWaits;

/*
 * Reads them all, palloc'd in the current context. Holds all partitions of the lock table shared for as long as it
 * takes to look at the awaited locks, as pg_locks does; what is not awaited is not looked at. Linear in waiters and
 * holders.
 */
extern HaLockWaits *ha_locks_collect(void);

/* "relation public.t", "row (0,7) of public.t", "transaction 742", "advisory lock 42"; palloc'd. Never waits. */
extern char *ha_locks_words(const LOCKTAG *tag);

#endif
