/*
 * hooks.c: see hooks.h.
 */
#include "server/compat.h"

#include "io/child.h"
#include "io/clock.h"
#include "ops/argv.h"
#include "ops/card.h"
#include "ops/text.h"
#include "server/guc_sender.h"
#include "server/hooks.h"
#include "server/shmem.h"

#define QUEUE_MAX 8
#define ENVIRONMENT_MAX 14
#define ENVIRONMENT_BYTES_MAX 4096

/* How often a command that runs is looked after; its end wakes the sender's latch at once. */
#define LOOK_MS 50

/* A command that waits for its turn, with the facts of its moment. */
typedef struct Job
{
	HaHook		hook;
	HaTerm		term;
	HaTli		timeline;
	uint16_t	leader_port;
	char		cluster[64];
	char		member[HA_NAME_SIZE];
	char		leader[HA_NAME_SIZE];
	char		old_leader[HA_NAME_SIZE];
	char		leader_host[HA_HOST_SIZE];
} Job;

static bool stopping = false;	/* the ha worker may not hear of events any more: they go to the log */
static HaChild child;
static HaHook running;			/* the child's */
static HaTerm running_term;
static Job	queue[QUEUE_MAX];
static int	queue_count = 0;
static Job	last;				/* facts as of the last look */

void
ha_hooks_start(void)
{
	memset(&child, 0, sizeof(child));
	child.output_fd = -1;
}

static void
say(HaSeverity severity, const char *text)
{
	if (stopping)
		ereport(severity == HA_SEVERITY_INFO ? LOG : WARNING, (errmsg("pg_haops: %s", text)));
	else
		(void) ha_shmem_say(HA_EVENT_KIND_HOOK, severity, text);
}

/* ---- Facts ---- */

static void
member_name(const HaStatus *status, HaId id, char name[HA_NAME_SIZE])
{
	name[0] = '\0';
	if (id != 0)
		ha_card_member(status->has_register ? &status->reg : NULL, id, name, HA_NAME_SIZE);
}

static void
take_facts(const HaStatus *status, const char *cluster)
{
	const HaHookState *state = &ha_shmem->hook_state;
	const HaMember *leader = status->has_register ? ha_register_member(&status->reg, state->leader) : NULL;

	memset(&last, 0, sizeof(last));
	last.term = status->term;
	last.timeline = status->pg.tli;
	strlcpy(last.cluster, cluster, sizeof(last.cluster));
	member_name(status, status->id, last.member);
	member_name(status, state->leader, last.leader);
	member_name(status, state->leader_before, last.old_leader);
	if (leader != NULL)
	{
		strlcpy(last.leader_host, leader->sql_host, sizeof(last.leader_host));
		last.leader_port = leader->sql_port;
	}
}

static void
enqueue(uint32_t hooks)
{
	for (int i = 0; i < HA_HOOK_COUNT; i++)
	{
		if ((hooks & HA_HOOK_BIT(i)) == 0 || ha_guc_hook[i] == NULL || ha_guc_hook[i][0] == '\0')
			continue;
		if (queue_count == QUEUE_MAX)
		{
			/* The newest are the ones that fit the present. */
			memmove(&queue[0], &queue[1], sizeof(queue[0]) * (QUEUE_MAX - 1));
			queue_count--;
			say(HA_SEVERITY_WARNING, "too many hooks wait: the oldest was dropped");
		}
		queue[queue_count] = last;
		queue[queue_count++].hook = (HaHook) i;
	}
}

void
ha_hooks_look(const HaStatus *status, HaEventLog log, const char *cluster)
{
	uint32_t	hooks = ha_hook_step(&ha_shmem->hook_state, status, log);

	take_facts(status, cluster);
	enqueue(hooks);
}

/* ---- Running ---- */

typedef struct Environment
{
	int			count;
	size_t		used;
	char	   *entry[ENVIRONMENT_MAX + 1];
	char		bytes[ENVIRONMENT_BYTES_MAX];
} Environment;

static void
put(Environment *environment, const char *name, const char *value)
{
	size_t		room = sizeof(environment->bytes) - environment->used;
	int			length = snprintf(environment->bytes + environment->used, room, "%s=%s", name, value);

	if (length < 0 || (size_t) length >= room || environment->count == ENVIRONMENT_MAX)
		return;
	environment->entry[environment->count++] = environment->bytes + environment->used;
	environment->entry[environment->count] = NULL;
	environment->used += (size_t) length + 1;
}

static void
put_number(Environment *environment, const char *name, uint64_t value)
{
	char		text[24];

	snprintf(text, sizeof(text), UINT64_FORMAT, (uint64) value);
	put(environment, name, text);
}

static void
make_environment(const Job *job, Environment *environment)
{
	environment->count = 0;
	environment->used = 0;
	put(environment, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	put(environment, "LANG", "C.UTF-8");
	put(environment, "HAOPS_EVENT", ha_hook_name(job->hook));
	put(environment, "HAOPS_CLUSTER", job->cluster);
	put(environment, "HAOPS_MEMBER", job->member);
	put(environment, "HAOPS_LEADER", job->leader);
	put(environment, "HAOPS_LEADER_HOST", job->leader_host);
	put_number(environment, "HAOPS_LEADER_PORT", job->leader_port);
	put(environment, "HAOPS_OLD_LEADER", job->old_leader);
	put_number(environment, "HAOPS_TERM", job->term);
	put_number(environment, "HAOPS_TIMELINE", job->timeline);
	put(environment, "HAOPS_PGDATA", DataDir);
}

/* What on_opening held up goes on, however the command ended. */
static void
let_open(HaHook hook, HaTerm term)
{
	if (hook != HA_HOOK_OPENING)
		return;
	pg_atomic_write_u64(&ha_shmem->opening_done_term, term);
	ha_shmem_wake(&ha_shmem->ha_proc);
}

/* Starts a command; false when it could not be begun, which becomes an event. */
static bool
start(const Job *job, HaNow now)
{
	HaArgv		argv;
	Environment environment;
	char		text[HA_EVENT_TEXT_SIZE];

	/* The setting may have changed since it was queued. */
	if (ha_guc_hook[job->hook] == NULL || ha_argv_split(ha_guc_hook[job->hook], &argv) != NULL || argv.count == 0)
		return false;
	make_environment(job, &environment);
	running = job->hook;
	running_term = job->term;
	if (ha_child_start(&child, argv.word, environment.entry, (uint32_t) ha_guc_hook_timeout_ms, now))
		return true;
	snprintf(text, sizeof(text), "hook %s could not be started: %s", ha_hook_name(job->hook), strerror(errno));
	say(HA_SEVERITY_WARNING, text);
	return false;
}

/* How it ended, and what it wrote. */
static void
tell(void)
{
	char		bytes[HA_EVENT_TEXT_SIZE];
	HaText		text = ha_text(bytes, sizeof(bytes));
	bool		good = child.exit_code == 0 && !child.terminated;

	ha_text_format(&text, "hook %s ", ha_hook_name(running));
	if (child.terminated && stopping)
		ha_text_add(&text, "was ended because the server stops");
	else if (child.terminated)
		ha_text_format(&text, "was ended at its deadline of %d ms", ha_guc_hook_timeout_ms);
	else if (child.signal != 0)
		ha_text_format(&text, "was ended by signal %d", child.signal);
	else
		ha_text_format(&text, "ended with status %d after %d ms", child.exit_code,
					   (int) (child.took_us / HA_US_PER_MS));
	while (child.output_bytes > 0 && child.output[child.output_bytes - 1] == '\n')
		child.output_bytes--;
	if (child.output_bytes > 0)
	{
		ha_text_add(&text, ": ");
		ha_text_add_foreign(&text, child.output, child.output_bytes);
	}
	say(good ? HA_SEVERITY_INFO : HA_SEVERITY_WARNING, bytes);
}

void
ha_hooks_serve(HaNow now)
{
	if (ha_child_serve(&child, now))
	{
		tell();
		let_open(running, running_term);
	}
	while (!ha_child_runs(&child) && queue_count > 0)
	{
		Job			job = queue[0];

		memmove(&queue[0], &queue[1], sizeof(queue[0]) * (--queue_count));
		if (!start(&job, now))
			let_open(job.hook, job.term);
	}
}

int
ha_hooks_wait_ms(void)
{
	return ha_child_runs(&child) ? LOOK_MS : queue_count > 0 ? 0 : -1;
}

/* ---- The end ---- */

void
ha_hooks_stop(int limit_ms)
{
	HaNow		now = ha_clock_now();
	HaUs		until_us = now.mono_us + limit_ms * HA_US_PER_MS;

	stopping = true;
	enqueue(ha_hook_stop(&ha_shmem->hook_state));
	while (ha_child_runs(&child) || queue_count > 0)
	{
		HaUs		left_us = until_us - now.mono_us;

		/* Only the last word counts now; what still runs gets a part of the time. */
		if (queue_count > 0 && ha_child_runs(&child))
		{
			ha_child_stop(&child, left_us / 4 > 0 ? left_us / 4 : 0);
			tell();
		}
		if (left_us <= 0)
		{
			ha_child_stop(&child, 0);
			return;
		}
		ha_hooks_serve(now);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, 20, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		now = ha_clock_now();
	}
}

void
ha_hooks_last_will(void)
{
	ha_child_abandon(&child);
	queue_count = 0;
	enqueue(ha_hook_stop(&ha_shmem->hook_state));
	while (queue_count > 0)
	{
		Job			job = queue[--queue_count];

		if (start(&job, ha_clock_now()))
			ha_child_abandon(&child);
	}
}
