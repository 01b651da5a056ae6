/*
 * worker_sender.c: the sender, the worker that talks to third parties: it posts alerts and runs hooks.
 *
 * The only process of the server that calls libcurl, and the only one that starts the operator's commands. It holds no
 * lock and no snapshot, connects to no database and runs on standbys and during recovery too. Nothing waits for it:
 * whatever hangs out there, no lease and no failover depends on it, and it ends within five seconds.
 *
 * The loop: read what is new in shared memory, let the hooks and the poster go on, wait for a latch, a socket or the
 * time that one of them named. The ha worker and the answers of others come in through one latch.
 */
#include "server/workers.h"

#include <signal.h>

#include "io/clock.h"
#include "ops/readiness.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "server/guc_sender.h"
#include "server/hooks.h"
#include "server/poster.h"
#include "server/shmem.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "utils/guc.h"
#include "utils/memutils.h"

/* At the latest after this it looks again; what happens sets the latch. */
#define REST_MS 1000

/* How long hooks may still run when the server stops. */
#define STOP_MS 3500

/* How long a failover must not be possible before people hear of it: a member that comes back is faster. */
#define UNREADY_HOLD_US (20 * 1000 * HA_US_PER_MS)
#define READY_HOLD_US (5 * 1000 * HA_US_PER_MS)

/* Copies of what lies in shared memory; too large for the stack. */
static HaStatus status;
static HaEventList events;

static void
child_ended(SIGNAL_ARGS)
{
	int			save_errno = errno;

	SetLatch(MyLatch);
	errno = save_errno;
}

/* ---- Turns ---- */

/* The name of the cluster for people. */
static const char *
cluster_text(void)
{
	return cluster_name != NULL ? cluster_name : "";
}

/* What people were told last about readiness; true when they were told nothing. */
static bool
told_ready(HaEventLog log)
{
	bool		ready = true;

	for (uint32_t i = 0; i < log.count; i++)
		if (log.record[i].kind == HA_EVENT_KIND_READINESS)
			ready = log.record[i].severity == HA_SEVERITY_INFO;
	return ready;
}

/* The leader says when a failover would not succeed any more, and when it would again; each once it has lasted. */
static void
watch_readiness(HaEventLog log, HaNow now)
{
	static HaUs differs_since_us = 0;
	char		text[HA_EVENT_TEXT_SIZE];
	HaReadiness readiness = ha_readiness(&status, NULL);
	bool		alone = status.has_register && status.reg.member_count == 1;
	bool		ready = readiness == HA_READINESS_READY || alone;

	if (!status.gate.open || status.lease_left_us <= 0 || readiness == HA_READINESS_UNKNOWN ||
		readiness == HA_READINESS_PAUSED || ready == told_ready(log))
	{
		differs_since_us = 0;
		return;
	}
	if (differs_since_us == 0)
		differs_since_us = now.mono_us;
	if (now.mono_us - differs_since_us < (ready ? READY_HOLD_US : UNREADY_HOLD_US))
		return;
	differs_since_us = 0;
	snprintf(text, sizeof(text), "%s%s", ready ? "" : "the next failure will not fail over: ",
			 ha_readiness_text(readiness, false));
	ha_shmem_say(HA_EVENT_KIND_READINESS, ready ? HA_SEVERITY_INFO : HA_SEVERITY_WARNING, text);
}

/* One turn; returns the milliseconds until the next one at the latest. */
static int
turn(void)
{
	static uint64 changes_seen = 0;
	uint64		changes = pg_atomic_read_u64(&ha_shmem->changes);
	HaNow		now = ha_clock_now();
	HaEventLog	log;
	int			wait_ms = REST_MS;
	int			next_ms;

	if (!ha_shmem_status(&status))
		return REST_MS;
	if (changes != changes_seen && ha_shmem_events(&events))
		changes_seen = changes;
	log.count = events.count;
	log.record = events.record;
	log.channel = NULL;

	ha_hooks_look(&status, log, cluster_text());
	ha_hooks_serve(now);
	watch_readiness(log, now);
	wait_ms = Min(wait_ms, ha_poster_serve(&status, log, cluster_text(), now));
	next_ms = ha_hooks_wait_ms();
	if (next_ms >= 0)
		wait_ms = Min(wait_ms, next_ms);
	return wait_ms;
}

static void
stop(void)
{
	ha_poster_stop();
	if (ha_shmem_status(&status))
		ha_hooks_stop(STOP_MS);
	proc_exit(1);
}

static void
loop(WaitEventSet *set)
{
	MemoryContext per_turn = AllocSetContextCreate(TopMemoryContext, "pg_haops sender turn", ALLOCSET_DEFAULT_SIZES);

	MemoryContextSwitchTo(per_turn);
	for (;;)
	{
		WaitEvent	event;

		(void) WaitEventSetWait(set, turn(), &event, 1, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		if (!PostmasterIsAlive())
		{
			ha_hooks_last_will();
			proc_exit(1);
		}
		if (ShutdownRequestPending)
			stop();
		CHECK_FOR_INTERRUPTS();
		if (ConfigReloadPending)
		{
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			ha_poster_reload();
		}
		MemoryContextReset(per_turn);
	}
}

void
ha_worker_sender_main(Datum arg)
{
	WaitEventSet *set;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGCHLD, child_ended);
	BackgroundWorkerUnblockSignals();

	ha_shmem_attach(&ha_shmem->sender_proc);
	ha_poster_start((uint64_t) MyProcPid ^ (uint64_t) ha_clock_wall_us());
	ha_hooks_start();

	set = ha_wait_set_create(3);
	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_POSTMASTER_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, ha_poster_fd(), NULL, NULL);
	loop(set);
}
