/*
 * worker_ha.c: the ha worker, this member's part in the cluster.
 *
 * It runs from before recovery to the end of the server, and waits for nothing but its wait set: latch, peers, time. No
 * SQL, no DNS, no fork (R24); its own disk access is the state file, and a rename of server.conf when the leader
 * changes. What it has to log is written by the keeper. When the server ends it makes its last will: the lease closed
 * first of all, then a resignation, so that the others need not wait for the promise (S1, S11).
 *
 * Without a valid state of its own (R2, R4) it says so, and waits: the server is a fenced standby until it is adopted.
 */
#include "server/compat.h"

#include "server/workers.h"

#include <signal.h>
#include <unistd.h>

#include "access/xlogrecovery.h"
#include "drive/engine.h"
#include "io/clock.h"
#include "io/key.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "server/control.h"
#include "server/gate.h"
#include "server/guc.h"
#include "server/shmem.h"
#include "server/world.h"
#include "storage/ipc.h"
#include "utils/memutils.h"

#define RETRY_MS 1000
#define LAST_WILL_US (50 * HA_US_PER_MS)
#define LAST_WRITING_US (25 * HA_US_PER_MS)
#define FLUSH_US (100 * HA_US_PER_MS)

static volatile sig_atomic_t stop_asked = false;
static volatile sig_atomic_t crash_seen = false;

static HaStore store;
static HaEngine *engine = NULL;

static void
on_sigterm(SIGNAL_ARGS)
{
	int			saved = errno;

	stop_asked = true;
	SetLatch(MyLatch);
	errno = saved;
}

/*
 * Another process crashed (or the server is stopped in immediate mode), and all are killed. Elsewhere the process ends
 * within the handler; here it has a last word to say, for which the postmaster leaves it 5 seconds.
 */
static void
on_sigquit(SIGNAL_ARGS)
{
	int			saved = errno;

	crash_seen = true;
	SetLatch(MyLatch);
	errno = saved;
}

/* ---- Beginning ---- */

/* Said once for each reason, not at each try. */
static void
complain(const char *what, const char *hint)
{
	static char said[512];
	char		text[512];

	snprintf(text, sizeof(text), "this member takes no part and stays fenced: %s", what);
	if (strcmp(text, said) == 0)
		return;
	strlcpy(said, text, sizeof(said));
	if (hint != NULL)
		ereport(WARNING, (errmsg("pg_haops: %s", text), errhint("%s.", hint)));
	else
		ereport(WARNING, (errmsg("pg_haops: %s", text)));
}

static bool
open_store(void)
{
	char		directory[MAXPGPATH];
	HaStoreError error;

	ha_guc_state_path(NULL, directory);
	error = ha_store_open(&store, directory, NULL);
	if (error == HA_STORE_OK)
	{
		if (store.repaired)
			ereport(WARNING, (errmsg("pg_haops: one half of the state file was damaged; the other is whole")));
		return true;
	}
	complain(ha_store_text(error), ha_store_hint(error));
	return false;
}

static bool
open_engine(void)
{
	HaEngineOptions options = {.store = &store};
	char		path[MAXPGPATH];
	char		text[256];
	HaKeyError	error;

	if (!open_store())
		return false;
	ha_guc_key_path(path);
	error = ha_key_read(path, &options.key);
	if (error != HA_KEY_OK)
	{
		complain(ha_key_text(error), ha_key_hint(error));
		ha_store_close(&store);
		return false;
	}
	ha_guc_times(&options.times);
	ha_guc_listen(options.listen_host, &options.listen_port);
	strlcpy(options.software, HA_VERSION, sizeof(options.software));
	engine = ha_engine_open("builtin", &options, &ha_world, text, sizeof(text));
	ha_key_wipe(&options.key);
	if (engine != NULL)
		return true;
	complain(text, NULL);
	ha_store_close(&store);
	return false;
}

/* ---- Waiting ---- */

static WaitEventSet *
make_wait_set(bool with_postmaster)
{
	WaitEventSet *set = ha_wait_set_create(3);

	AddWaitEventToSet(set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set, WL_SOCKET_READABLE, ha_engine_fd(engine), NULL, NULL);
	if (with_postmaster)
		AddWaitEventToSet(set, WL_POSTMASTER_DEATH, PGINVALID_SOCKET, NULL, NULL);
	return set;
}

/* Until something happens or the time has come. False when the postmaster is gone. */
static bool
wait_until(WaitEventSet *set, HaUs until_us)
{
	WaitEvent	event[3];
	HaUs		left_us = until_us - ha_clock_now().boot_us;
	long		left_ms = left_us <= 0 ? 0 : (long) Min((left_us + 999) / HA_US_PER_MS, RETRY_MS);
	int			count = WaitEventSetWait(set, left_ms, event, lengthof(event), PG_WAIT_EXTENSION);

	for (int i = 0; i < count; i++)
	{
		if (event[i].events & WL_POSTMASTER_DEATH)
			return false;
		if (event[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
	}
	return true;
}

/* ---- Ending ---- */

static void
make_last_will(HaResignReason reason)
{
	WaitEventSet *set;
	HaUs		begin_us = ha_clock_now().boot_us;
	HaUs		now_us = begin_us;

	ha_gate_close_lease();
	set = make_wait_set(false);
	ha_engine_resign(engine, reason);
	for (;;)
	{
		HaRole		role;

		ha_world_turn(engine);
		role = ha_engine_node(engine)->role;
		now_us = ha_clock_now().boot_us;
		if ((role != HA_ROLE_RESIGNING && !ha_role_leads(role)) || now_us - begin_us >= LAST_WILL_US)
			break;
		if (now_us - begin_us >= LAST_WRITING_US)
			ha_world_hurry();
		wait_until(set, now_us + HA_US_PER_MS);
	}
	ha_engine_flush(engine, FLUSH_US);
}

/* A server that rejoins must not hang in its shutdown: see control.h. */
static void
see_the_others_off(void)
{
	while (!ha_control_may_leave(ha_clock_now().boot_us))
	{
		int			events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_POSTMASTER_DEATH, 10,
									   PG_WAIT_EXTENSION);

		if (events & WL_POSTMASTER_DEATH)
			return;
		if (events & WL_LATCH_SET)
			ResetLatch(MyLatch);
	}
}

static void
end(HaResignReason reason)
{
	if (engine != NULL)
	{
		make_last_will(reason);
		if (reason == HA_RESIGN_STOPPING)
			see_the_others_off();
	}
	ha_shmem_log_drain();
	proc_exit(1);				/* 0 would mean: never start again */
}

static void
end_in_crash(void)
{
	if (engine != NULL)
	{
		ha_world_resign_in_crash(engine, LAST_WILL_US);
		ha_engine_flush(engine, FLUSH_US);
	}
	_exit(2);					/* no callback: shared memory may be damaged */
}

/* ---- The process ---- */

static void
display_role(const HaNode *node)
{
	static HaRole role = HA_ROLE_COUNT;
	static HaTerm term = 0;
	char		text[64];

	if (node->role == role && node->hard.term == term)
		return;
	role = node->role;
	term = node->hard.term;
	snprintf(text, sizeof(text), "%s, term " UINT64_FORMAT, ha_role_name(role), term);
	set_ps_display(text);
}

static void
run(MemoryContext turn)
{
	WaitEventSet *set = make_wait_set(true);

	for (;;)
	{
		if (crash_seen)
			end_in_crash();
		MemoryContextReset(turn);
		CHECK_FOR_INTERRUPTS();	/* barriers: without an answer DROP DATABASE waits for ever */
		ha_world_turn(engine);
		display_role(ha_engine_node(engine));
		if (stop_asked)
			end(HA_RESIGN_STOPPING);
		if (!wait_until(set, ha_world_wake_us(engine)))
			end(HA_RESIGN_POSTMASTER_DIED);
	}
}

void
ha_worker_ha_main(Datum arg)
{
	MemoryContext turn;

	/* Settings reach it through the keeper; it reads no file for them. */
	pqsignal(SIGHUP, SIG_IGN);
	pqsignal(SIGTERM, on_sigterm);
	pqsignal(SIGQUIT, on_sigquit);
	BackgroundWorkerUnblockSignals();
	ha_shmem_attach(&ha_shmem->ha_proc);

	turn = AllocSetContextCreate(TopMemoryContext, "pg_haops turn", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(turn);
	ha_world_begin();
	while (!open_engine())
	{
		int			events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_POSTMASTER_DEATH, RETRY_MS,
									   PG_WAIT_EXTENSION);

		if (crash_seen)
			end_in_crash();
		if (stop_asked || (events & WL_POSTMASTER_DEATH))
			end(HA_RESIGN_STOPPING);
		if (events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
		MemoryContextReset(turn);
	}
	run(turn);
}
