/*
 * compat.h: the server's headers that everything on floors 5 and 6 needs, and all that differs between the versions of
 * PostgreSQL. No other file asks for a version.
 */
#ifndef HA_SERVER_COMPAT_H
#define HA_SERVER_COMPAT_H

#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "replication/slot.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/ps_status.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 190000
#error "pg_haops supports PostgreSQL 15 to 18"
#endif

#if PG_VERSION_NUM >= 170000
#include "storage/procnumber.h"
#endif
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
#if PG_VERSION_NUM >= 160000
#include "archive/archive_module.h"
#include "archive/shell_archive.h"
#include "utils/guc_hooks.h"	/* assign_synchronous_commit() */
#else
#include "postmaster/pgarch.h"
#include "replication/syncrep.h"
#endif

/* The number of the file of a relation of this database that the relation map holds. */
#if PG_VERSION_NUM >= 160000
#define ha_mapped_filenode(relation) RelationMapOidToFilenumber((relation), false)
#else
#define ha_mapped_filenode(relation) RelationMapOidToFilenode((relation), false)
#endif

/*
 * Walks over the lists of the lock table: the holders of a lock (PROCLOCKs, those of waiters too), its queue in order,
 * and what a process holds, the newest first. NULL at the end. The partition's lock is held.
 */
#if PG_VERSION_NUM >= 160000
static inline PROCLOCK *
ha_lock_next_holder(LOCK *lock, PROCLOCK *last)
{
	dlist_node *head = &lock->procLocks.head;
	dlist_node *node = last == NULL ? (head->next != NULL ? head->next : head) : last->lockLink.next;

	return node == head ? NULL : dlist_container(PROCLOCK, lockLink, node);
}

static inline PGPROC *
ha_lock_next_waiter(LOCK *lock, PGPROC *last)
{
	dlist_node *head = &lock->waitProcs.dlist.head;
	dlist_node *node = last == NULL ? (head->next != NULL ? head->next : head) : last->links.next;

	return node == head ? NULL : dlist_container(PGPROC, links, node);
}

static inline PROCLOCK *
ha_proc_lock_before(PGPROC *proc, int partition, PROCLOCK *last)
{
	dlist_node *head = &proc->myProcLocks[partition].head;
	dlist_node *node = last == NULL ? (head->prev != NULL ? head->prev : head) : last->procLink.prev;

	return node == head ? NULL : dlist_container(PROCLOCK, procLink, node);
}
#else
static inline PROCLOCK *
ha_lock_next_holder(LOCK *lock, PROCLOCK *last)
{
	return (PROCLOCK *) SHMQueueNext(&lock->procLocks, last == NULL ? &lock->procLocks : &last->lockLink,
									 offsetof(PROCLOCK, lockLink));
}

static inline PGPROC *
ha_lock_next_waiter(LOCK *lock, PGPROC *last)
{
	return (PGPROC *) SHMQueueNext(&lock->waitProcs.links, last == NULL ? &lock->waitProcs.links : &last->links,
								   offsetof(PGPROC, links));
}

static inline PROCLOCK *
ha_proc_lock_before(PGPROC *proc, int partition, PROCLOCK *last)
{
	return (PROCLOCK *) SHMQueuePrev(&proc->myProcLocks[partition],
									 last == NULL ? &proc->myProcLocks[partition] : &last->procLink,
									 offsetof(PROCLOCK, procLink));
}
#endif

/* The index of a process in ProcGlobal->allProcs. */
#if PG_VERSION_NUM >= 170000
#define ha_my_proc_number() ((int) MyProcNumber)
#else
#define ha_my_proc_number() (MyProc->pgprocno)
#endif

/* Wait event sets belong to a memory context before 17, to a resource owner since. */
#if PG_VERSION_NUM >= 170000
#define ha_wait_set_create(count) CreateWaitEventSet(NULL, (count))
#else
#define ha_wait_set_create(count) CreateWaitEventSet(TopMemoryContext, (count))
#endif

/* A persistent physical slot, acquired by the caller afterwards. */
#if PG_VERSION_NUM >= 170000
#define ha_slot_create_physical(name) ReplicationSlotCreate((name), false, RS_PERSISTENT, false, false, false)
#else
#define ha_slot_create_physical(name) ReplicationSlotCreate((name), false, RS_PERSISTENT, false)
#endif

#if PG_VERSION_NUM >= 180000
#define ha_slot_acquire(name) ReplicationSlotAcquire((name), true, false)
#else
#define ha_slot_acquire(name) ReplicationSlotAcquire((name), true)
#endif

/* What the session's copy of the table of processes says of the n-th, from 1 on; see backend_status.h. */
#if PG_VERSION_NUM >= 160000
#define ha_backend_status(n) (&pgstat_get_local_beentry_by_index(n)->backendStatus)
#else
#define ha_backend_status(n) (&pgstat_fetch_stat_local_beentry(n)->backendStatus)
#endif

/* pg_logical_emit_message(), whose generated names differ; the numbers don't. */
#define HA_OID_LOGICAL_EMIT_MESSAGE_TEXT 3577
#define HA_OID_LOGICAL_EMIT_MESSAGE_BYTEA 3578

/* True when the slot lost its WAL (S49). */
#if PG_VERSION_NUM >= 160000
#define ha_slot_is_lost(slot) ((slot)->data.invalidated != RS_INVAL_NONE)
#else
#define ha_slot_is_lost(slot) (!XLogRecPtrIsInvalid((slot)->data.invalidated_at))
#endif

/*
 * An archive module of two callbacks: since 16 they have a state of the module's own, which we don't need, and their
 * table is returned. ha_archive_by_shell() is PostgreSQL's own way, which runs XLogArchiveCommand.
 */
#if PG_VERSION_NUM >= 160000
#define HA_ARCHIVE_ARGS(...) ArchiveModuleState *state, __VA_ARGS__
#define HA_ARCHIVE_NO_ARGS ArchiveModuleState *state
#define ha_archive_by_shell(file, path) shell_archive_init()->archive_file_cb(state, (file), (path))
#define HA_ARCHIVE_MODULE(configured, archive) \
	const ArchiveModuleCallbacks * \
	_PG_archive_module_init(void) \
	{ \
		static const ArchiveModuleCallbacks callbacks = { \
			.check_configured_cb = (configured), .archive_file_cb = (archive)}; \
		return &callbacks; \
	}
#else
#define HA_ARCHIVE_ARGS(...) __VA_ARGS__
#define HA_ARCHIVE_NO_ARGS void
extern PGDLLEXPORT void _PG_archive_module_init(ArchiveModuleCallbacks *callbacks);
static inline bool
ha_archive_by_shell(const char *file, const char *path)
{
	ArchiveModuleCallbacks callbacks = {0};

	shell_archive_init(&callbacks);
	return callbacks.archive_file_cb(file, path);
}
#define HA_ARCHIVE_MODULE(configured, archive) \
	void \
	_PG_archive_module_init(ArchiveModuleCallbacks *callbacks) \
	{ \
		callbacks->check_configured_cb = (configured); \
		callbacks->archive_file_cb = (archive); \
	}
#endif

/* To be included, beside commands/explain.h, for what a plan is printed with. */
#if PG_VERSION_NUM >= 180000
#define HA_EXPLAIN_STATE_HEADER "commands/explain_state.h"
#else
#define HA_EXPLAIN_STATE_HEADER "commands/explain.h"
#endif

/*
 * Prints a plan into the state's text, for values of parameters that are not known. Before 16 the executor would prune
 * partitions by them when it starts, and so a plan has to forget how.
 */
#if PG_VERSION_NUM >= 170000
#define ha_explain_one_plan(plan, state, text) \
	ExplainOnePlan((plan), NULL, (state), (text), NULL, NULL, NULL, NULL, NULL)
#else
#define ha_explain_one_plan(plan, state, text) \
	ExplainOnePlan((plan), NULL, (state), (text), NULL, NULL, NULL, NULL)
#endif
#if PG_VERSION_NUM >= 160000
#define ha_explain_set_generic(state) ((state)->generic = true)
#define ha_explain_forget_pruning(append) ((void) (append))
#else
#define ha_explain_set_generic(state) ((void) (state))
#define ha_explain_forget_pruning(append) ((append)->part_prune_info = NULL)
#endif

/* Why an archive module does not archive; before 17 nobody asks. */
#if PG_VERSION_NUM >= 170000
#define ha_archive_detail(text) arch_module_check_errdetail("%s", (text))
#else
#define ha_archive_detail(text) ((void) 0)
#endif

#endif
