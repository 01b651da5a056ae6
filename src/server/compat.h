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
#include "utils/guc_hooks.h"	/* assign_synchronous_commit() */
#else
#include "replication/syncrep.h"
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

/* pg_logical_emit_message(), whose generated names differ; the numbers don't. */
#define HA_OID_LOGICAL_EMIT_MESSAGE_TEXT 3577
#define HA_OID_LOGICAL_EMIT_MESSAGE_BYTEA 3578

/* True when the slot lost its WAL (S49). */
#if PG_VERSION_NUM >= 160000
#define ha_slot_is_lost(slot) ((slot)->data.invalidated != RS_INVAL_NONE)
#else
#define ha_slot_is_lost(slot) (!XLogRecPtrIsInvalid((slot)->data.invalidated_at))
#endif

#endif
