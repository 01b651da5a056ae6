/*
 * world.c: see world.h.
 */
#include "server/compat.h"

#include "server/world.h"

#include "access/xlogrecovery.h"
#include "io/clock.h"
#include "ops/readiness.h"
#include "server/control.h"
#include "server/facts.h"
#include "server/gate.h"
#include "server/lagring.h"
#include "server/pulse.h"
#include "server/requests.h"
#include "storage/ipc.h"

/* How often PostgreSQL is looked at while a decision waits for it. */
#define POLL_FAST_US (2 * HA_US_PER_MS)
#define POLL_JOINING_US (10 * HA_US_PER_MS)

/* Longer than this no commit that is only being written is waited for; it decides nothing (gate.h). */
#define DRAIN_WRITING_US (200 * HA_US_PER_MS)

static struct
{
	bool		gate_published;
	uint64		gate_generation;	/* the core's, of the last gate */
	bool		draining;
	HaUs		drain_since_us;
	bool		hurry;
	bool		events_new;
	HaUs		control_us;			/* when control wants to be called */
} world;

/* ---- What the engine asks for ---- */

static void
world_close_lease(void *self)
{
	ha_gate_close_lease();
}

static void
world_publish_lease(void *self, const HaNode *node)
{
	ha_gate_publish_lease(node->hard.term, node->lease_until_us);
}

static void
world_publish_gate(void *self, const HaNode *node)
{
	bool		fresh = !world.gate_published || node->gate.generation != world.gate_generation;

	ha_gate_publish_owners(&node->hard.reg);
	ha_gate_publish(&node->gate, node->hard.id, fresh);
	world.gate_published = true;
	world.gate_generation = node->gate.generation;
	if (fresh)
	{
		world.draining = true;
		world.drain_since_us = ha_clock_now().boot_us;
		pg_atomic_write_u32(&ha_shmem->drain_wanted, 1);
		pg_memory_barrier();
	}
	ha_control_order(node, node->upstream);
}

static void
world_upstream(void *self, const HaNode *node, HaId id)
{
	ha_control_order(node, id);
}

static void
world_members(void *self, const HaNode *node)
{
	ha_gate_publish_owners(&node->hard.reg);
	ha_control_order(node, node->upstream);
	ha_shmem_wake(&ha_shmem->keeper_proc);
}

static void
world_promote(void *self, const HaNode *node)
{
	ha_control_promote();
}

static void
world_checkpoint(void *self, const HaNode *node)
{
	ha_control_checkpoint();
}

static void
world_rejoin(void *self, const HaNode *node, HaComparison comparison, HaId leader)
{
	ha_control_rejoin(comparison, leader);
}

static void
world_event(void *self, const HaEventRecord *record, bool own)
{
	char		line[HA_LOG_LINE_SIZE];

	world.events_new = true;
	if (!own)
		return;
	snprintf(line, sizeof(line), "term " UINT64_FORMAT ": %s", record->term, record->text);
	ha_shmem_log(record->severity, line);
}

static void
world_log(void *self, HaSeverity severity, const char *text)
{
	ha_shmem_log(severity, text);
}

static void
world_reply(void *self, const HaReply *reply)
{
	ha_request_answer(reply);
}

static void
world_fatal(void *self, const char *text)
{
	ha_gate_close_lease();
	ha_shmem_log_drain();
	ereport(FATAL, (errmsg("pg_haops: %s", text)));
}

const HaWorld ha_world = {
	.close_lease = world_close_lease,
	.publish_lease = world_publish_lease,
	.publish_gate = world_publish_gate,
	.upstream = world_upstream,
	.members = world_members,
	.promote = world_promote,
	.checkpoint = world_checkpoint,
	.rejoin = world_rejoin,
	.event = world_event,
	.log = world_log,
	.reply = world_reply,
	.fatal = world_fatal,
};

/* ---- Turns ---- */

void
ha_world_begin(void)
{
	HaGate		closed = {0};

	ha_gate_close_lease();
	ha_gate_publish(&closed, 0, true);
	ha_request_forget();
}

void
ha_world_hurry(void)
{
	world.hurry = true;
}

static void
look_at_flights(HaEngine *engine)
{
	HaUs		waited_us = ha_clock_now().boot_us - world.drain_since_us;

	if (!world.draining || !ha_gate_drained(!world.hurry && waited_us < DRAIN_WRITING_US))
		return;
	world.draining = false;
	pg_atomic_write_u32(&ha_shmem->drain_wanted, 0);
	ha_engine_drained(engine, world.gate_generation,
					  RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : ha_gate_wal_end());
}

void
ha_world_resign_in_crash(HaEngine *engine, HaUs limit_us)
{
	HaUs		until_us = ha_clock_now().boot_us + limit_us;

	ha_gate_close_lease();
	ha_engine_resign(engine, HA_RESIGN_POSTMASTER_DIED);
	while (!ha_gate_drained_by_death())
	{
		if (ha_clock_now().boot_us >= until_us)
			return;				/* somebody may still be acknowledged: the others wait for the promise */
	}
	ha_engine_drained(engine, world.gate_generation, ha_engine_node(engine)->pg.flush_lsn);
}

/* Could another member lead, without this one? */
static bool
replaceable(const HaEngine *engine)
{
	static HaStatus status;

	ha_engine_status(engine, &status);
	return ha_readiness(&status, NULL) == HA_READINESS_READY;
}

/*
 * A leader whose server stands still gives its term back (S3, S7). If nobody takes it, it goes on leading when the core
 * lets it; as long as the trouble lasts it gives the term back again only when another member could take it.
 */
static void
feel_the_pulse(HaEngine *engine)
{
	static HaUs seen_us = 0;
	HaRole		role = ha_engine_node(engine)->role;
	uint32_t	limit_ms = pg_atomic_read_u32(&ha_shmem->stall_limit_ms);
	HaUs		now_us = ha_clock_now().boot_us;
	HaUs		same_us = (limit_ms + 4 * ha_engine_node(engine)->times.promise_ms) * HA_US_PER_MS;
	const char *trouble;
	bool		again;
	char		text[HA_EVENT_TEXT_SIZE];

	if (role != HA_ROLE_LEADER && role != HA_ROLE_OPENING)
		return;
	trouble = ha_pulse_trouble(now_us, limit_ms);
	if (trouble == NULL)
		return;
	/* It is not looked for while the term is given back, which takes two promises, and must last anew then. */
	again = seen_us != 0 && now_us - seen_us < same_us;
	seen_us = now_us;
	if (again && !replaceable(engine))
		return;
	snprintf(text, sizeof(text), "%s: the leadership is given back", trouble);
	ha_engine_say(engine, HA_EVENT_KIND_SERVER, HA_SEVERITY_CRITICAL, text);
	ha_engine_resign(engine, HA_RESIGN_WAL_BROKEN);
}

static void
take_times(HaEngine *engine)
{
	const HaNode *node = ha_engine_node(engine);
	HaTimes		times;

	times.promise_ms = pg_atomic_read_u32(&ha_shmem->promise_ms);
	times.beat_ms = pg_atomic_read_u32(&ha_shmem->beat_ms);
	if (times.promise_ms != 0 && times.beat_ms != 0 &&
		(times.promise_ms != node->times.promise_ms || times.beat_ms != node->times.beat_ms))
		ha_engine_set_times(engine, times);
}

/* Has the operator a command that is to end before this member takes writes, and has it still time? */
static bool
held_shut(const HaNode *node, const HaPg *pg)
{
	static HaUs since_us = 0;
	HaUs		limit_us = pg_atomic_read_u32(&ha_shmem->opening_limit_ms) * HA_US_PER_MS;
	HaUs		now_us = ha_clock_now().boot_us;

	if ((node->role != HA_ROLE_PROMOTING && node->role != HA_ROLE_OPENING) || pg->state != HA_PG_PRIMARY)
	{
		since_us = 0;
		return false;
	}
	if (since_us == 0)
		since_us = now_us;
	return pg_atomic_read_u64(&ha_shmem->opening_done_term) < node->hard.term && now_us - since_us < limit_us;
}

static void
take_restored(HaEngine *engine)
{
	if (pg_atomic_read_u32(&ha_shmem->restored_state) != HA_RESTORED_READY)
		return;
	pg_read_barrier();
	for (uint32 i = 0; i < ha_shmem->restored.count; i++)
		ha_engine_restore(engine, &ha_shmem->restored.record[i]);
	pg_atomic_write_u32(&ha_shmem->restored_state, HA_RESTORED_TAKEN);
}

static void
take_from_others(HaEngine *engine)
{
	HaRequest	request;
	uint32_t	kind;
	HaSeverity	severity;
	char		text[HA_EVENT_TEXT_SIZE];

	while (ha_request_take(&request))
		ha_engine_request(engine, &request);
	while (ha_shmem_hear(&kind, &severity, text))
		ha_engine_say(engine, kind, severity, text);
	take_restored(engine);
}

static void
publish_events(const HaEngine *engine)
{
	static HaEventList list;

	world.events_new = false;
	list.count = Min(ha_engine_event_count(engine), HA_EVENTS_KEPT);
	for (uint32 i = 0; i < list.count; i++)
		list.record[i] = *ha_engine_event(engine, i);
	ha_box_write(&ha_shmem->events_box, ha_shmem->events, &list, sizeof(list));
	ha_shmem_wake(&ha_shmem->alerts_proc);
}

static void
publish_views(const HaEngine *engine)
{
	static HaStatus status;
	static HaStatus last;
	bool		news = world.events_new;

	ha_engine_status(engine, &status);
	ha_box_write(&ha_shmem->status_box, ha_shmem->status, &status, sizeof(status));
	if (world.events_new)
		publish_events(engine);
	if (status.role != last.role || status.leader != last.leader || status.term != last.term ||
		ha_version_compare(status.reg.version, last.reg.version) != 0)
		news = true;
	if (!news)
		return;
	last = status;
	pg_atomic_fetch_add_u64(&ha_shmem->changes, 1);
	ha_shmem_wake(&ha_shmem->sender_proc);
}

void
ha_world_turn(HaEngine *engine)
{
	HaPg		pg;

	take_times(engine);
	ha_facts_read(&pg, ha_control_orders_number(), ha_control_orders_upstream());
	pg.held_shut = held_shut(ha_engine_node(engine), &pg);
	ha_engine_facts(engine, &pg);
	ha_engine_serve(engine);
	take_from_others(engine);
	feel_the_pulse(engine);
	look_at_flights(engine);
	world.control_us = ha_control_progress(ha_clock_now().boot_us,
										   ha_engine_node(engine)->role == HA_ROLE_PROMOTING);
	publish_views(engine);
	ha_lagring_follow(ha_engine_node(engine));
}

/* After how long PostgreSQL has to be looked at again, HA_US_NEVER: with the next turn, whenever that is. */
static HaUs
poll_us(const HaNode *node)
{
	bool		measuring = node->role == HA_ROLE_CANDIDATE && node->phase == HA_PHASE_MEASURE;
	bool		joining = node->role == HA_ROLE_FOLLOWER && node->leader != 0 &&
		node->hard.joined_term != node->hard.term;

	if (node->vote_pending || measuring || node->stand_at_end || node->role == HA_ROLE_PROMOTING || world.draining)
		return POLL_FAST_US;
	return joining ? POLL_JOINING_US : HA_US_NEVER;
}

HaUs
ha_world_wake_us(const HaEngine *engine)
{
	HaUs		wake_us = Min(ha_engine_wake_us(engine), world.control_us);
	HaUs		poll = poll_us(ha_engine_node(engine));

	return poll == HA_US_NEVER ? wake_us : Min(wake_us, ha_clock_now().boot_us + poll);
}
