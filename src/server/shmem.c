/*
 * shmem.c: see shmem.h.
 */
#include "server/compat.h"

#include "server/shmem.h"

#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

/* How often a reader tries again before it gives up; each time the writer was faster than a copy. */
#define BOX_TRIES_MAX 1000

enum
{
	SAY_FREE,
	SAY_CLAIMED,
	SAY_POSTED
};

HaShmem *ha_shmem = NULL;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;
static void (*when_started) (void) = NULL;

/* ---- Boxes ---- */

static inline char *
box_copy(const void *copies, uint64 version, size_t size)
{
	return (char *) copies + (version & 1) * size;
}

void
ha_box_write(HaBox *box, void *copies, const void *value, size_t size)
{
	uint64		version = pg_atomic_read_u64(&box->version) + 1;

	pg_write_barrier();
	memcpy(box_copy(copies, version, size), value, size);
	pg_write_barrier();
	pg_atomic_write_u64(&box->version, version);
}

bool
ha_box_read(const HaBox *box, const void *copies, void *value, size_t size)
{
	for (int i = 0; i < BOX_TRIES_MAX; i++)
	{
		uint64		version = pg_atomic_read_u64(unconstify(pg_atomic_uint64 *, &box->version));

		if (version == 0)
			break;
		pg_read_barrier();
		memcpy(value, box_copy(copies, version, size), size);
		pg_read_barrier();
		if (pg_atomic_read_u64(unconstify(pg_atomic_uint64 *, &box->version)) == version)
			return true;
	}
	memset(value, 0, size);
	return false;
}

bool
ha_shmem_status(HaStatus *status)
{
	return ha_box_read(&ha_shmem->status_box, ha_shmem->status, status, sizeof(*status));
}

bool
ha_shmem_events(HaEventList *list)
{
	return ha_box_read(&ha_shmem->events_box, ha_shmem->events, list, sizeof(*list));
}

/* ---- Set-up ---- */

static uint32
flight_count(void)
{
	return (uint32) MaxBackends + NUM_AUXILIARY_PROCS;
}

static Size
shmem_size(void)
{
	return add_size(offsetof(HaShmem, flight), mul_size(flight_count(), sizeof(HaFlight)));
}

static void
request_shmem(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(shmem_size());
}

static void
init_atomics(void)
{
	HaShmem    *s = ha_shmem;
	pg_atomic_uint64 *wide[] = {
		&s->lease_until_us, &s->lease_term, &s->generation, &s->gate_box.version, &s->owners_box.version,
		&s->status_box.version, &s->events_box.version, &s->orders_box.version, &s->changes, &s->history_start,
		&s->refused, &s->unacknowledged, &s->opening_done_term, &s->lag_box.version, &s->receiver_error_box.version,
		&s->channels_box.version, &s->observed_box.version, &s->alerts_round_us, &s->alerts_waiting_us,
	};
	pg_atomic_uint32 *narrow[] = {
		&s->drain_wanted, &s->checkpoint_asked, &s->log_head, &s->log_tail, &s->startup_proc,
		&s->startup_number, &s->promise_ms, &s->beat_ms, &s->stall_limit_ms, &s->config_blocks, &s->checkpoint_tli,
		&s->history_tli, &s->ha_proc, &s->keeper_proc, &s->sender_proc, &s->rejoin_asked,
		&s->opening_limit_ms, &s->alerts_proc, &s->alerts_database_bad, &s->trial.state, &s->trial_asker,
		&s->restored_state,
	};

	for (size_t i = 0; i < lengthof(wide); i++)
		pg_atomic_init_u64(wide[i], 0);
	for (size_t i = 0; i < lengthof(narrow); i++)
		pg_atomic_init_u32(narrow[i], 0);
	for (int i = 0; i <= HA_ID_MAX; i++)
		pg_atomic_init_u64(&s->sender[i], 0);
	for (int i = 0; i < HA_REQUESTS_MAX; i++)
		pg_atomic_init_u32(&s->request[i].state, 0);
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
		pg_atomic_init_u32(&s->post[i].state, HA_POST_FREE);
	for (int i = 0; i < HA_SAYS_MAX; i++)
		pg_atomic_init_u32(&s->say[i].state, SAY_FREE);
	for (uint32 i = 0; i < s->flight_count; i++)
		pg_atomic_init_u64(&s->flight[i].word, 0);
}

/* Runs at each start of the server, and again when the backends are restarted after a crash. */
static void
start_shmem(void)
{
	bool		found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	ha_shmem = ShmemInitStruct("pg_haops", shmem_size(), &found);
	if (!found)
	{
		memset(ha_shmem, 0, shmem_size());
		ha_shmem->flight_count = flight_count();
		init_atomics();
	}
	LWLockRelease(AddinShmemInitLock);
	when_started();
}

void
ha_shmem_install(void (*started) (void))
{
	when_started = started;
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
}

void
ha_shmem_require(void)
{
	if (ha_shmem == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_haops is not loaded"),
				 errhint("Add \"pg_haops\" to shared_preload_libraries and restart the server.")));
}

/* ---- Latches ---- */

static void
detach(int code, Datum field)
{
	pg_atomic_write_u32((pg_atomic_uint32 *) DatumGetPointer(field), 0);
}

void
ha_shmem_attach(pg_atomic_uint32 *field)
{
	before_shmem_exit(detach, PointerGetDatum(field));
	pg_atomic_write_u32(field, (uint32) ha_my_proc_number() + 1);
}

void
ha_shmem_wake(pg_atomic_uint32 *field)
{
	uint32		proc = pg_atomic_read_u32(field);

	if (proc != 0)
		SetLatch(&ProcGlobal->allProcs[proc - 1].procLatch);
}

/* ---- Events from other processes ---- */

bool
ha_shmem_say(uint32_t kind, HaSeverity severity, const char *text)
{
	for (int i = 0; i < HA_SAYS_MAX; i++)
	{
		HaSaySlot  *slot = &ha_shmem->say[i];
		uint32		expected = SAY_FREE;

		if (!pg_atomic_compare_exchange_u32(&slot->state, &expected, SAY_CLAIMED))
			continue;
		slot->kind = kind;
		slot->severity = severity;
		strlcpy(slot->text, text, sizeof(slot->text));
		pg_write_barrier();
		pg_atomic_write_u32(&slot->state, SAY_POSTED);
		ha_shmem_wake(&ha_shmem->ha_proc);
		return true;
	}
	return false;
}

bool
ha_shmem_hear(uint32_t *kind, HaSeverity *severity, char text[HA_EVENT_TEXT_SIZE])
{
	for (int i = 0; i < HA_SAYS_MAX; i++)
	{
		HaSaySlot  *slot = &ha_shmem->say[i];

		if (pg_atomic_read_u32(&slot->state) != SAY_POSTED)
			continue;
		pg_read_barrier();
		*kind = slot->kind;
		*severity = slot->severity;
		memcpy(text, slot->text, HA_EVENT_TEXT_SIZE);
		text[HA_EVENT_TEXT_SIZE - 1] = '\0';
		pg_memory_barrier();
		pg_atomic_write_u32(&slot->state, SAY_FREE);
		return true;
	}
	return false;
}

/* ---- Log lines ---- */

void
ha_shmem_log(HaSeverity severity, const char *text)
{
	uint32		head = pg_atomic_read_u32(&ha_shmem->log_head);
	HaLogLine  *line = &ha_shmem->log_line[head % HA_LOG_LINES_MAX];

	if (head - pg_atomic_read_u32(&ha_shmem->log_tail) >= HA_LOG_LINES_MAX)
		return;
	pg_memory_barrier();
	line->severity = severity;
	strlcpy(line->text, text, sizeof(line->text));
	pg_write_barrier();
	pg_atomic_write_u32(&ha_shmem->log_head, head + 1);
	ha_shmem_wake(&ha_shmem->keeper_proc);
}

void
ha_shmem_log_drain(void)
{
	for (;;)
	{
		uint32		tail = pg_atomic_read_u32(&ha_shmem->log_tail);
		HaLogLine	line;

		if (tail == pg_atomic_read_u32(&ha_shmem->log_head))
			return;
		pg_read_barrier();
		line = ha_shmem->log_line[tail % HA_LOG_LINES_MAX];
		if (!pg_atomic_compare_exchange_u32(&ha_shmem->log_tail, &tail, tail + 1))
			continue;
		ereport(line.severity == HA_SEVERITY_INFO ? LOG : WARNING, (errmsg("pg_haops: %s", line.text)));
	}
}
