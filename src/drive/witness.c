/*
 * witness.c: see witness.h.
 */
#include "drive/witness.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "drive/engine.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/mac.h"
#include "io/operator.h"
#include "io/process.h"

#define JOINING_FILE "joining"
#define KEY_FILE "key"
#define CALL_US (3 * 1000 * HA_US_PER_MS)
#define AGAIN_US (200 * HA_US_PER_MS)
#define BEATS_A_PROMISE 6
#define PROMISE_MS_UNKNOWN 3000
#define WAIT_MS_MAX 60000

/* ---- Files ---- */

static bool
store_fault(HaStoreError error, const char *state, HaFault *fault)
{
	bool named = error == HA_STORE_NO_DIRECTORY || error == HA_STORE_FAILED;
	const char *why = named ? strerror(errno) : "";

	return ha_fault(fault, ha_store_hint(error), "the state in \"%s\" can not be used: %s%s%s", state,
					ha_store_text(error), named ? ": " : "", why);
}

static bool
read_key(const char *path, HaKey *key, HaFault *fault)
{
	HaKeyError error = ha_key_read(path, key);

	if (error == HA_KEY_OK)
		return true;
	return ha_fault(fault, ha_key_hint(error), "the key file \"%s\" can not be used: %s", path, ha_key_text(error));
}

static bool
file_path(char path[PATH_MAX], const char *state, const char *name, HaFault *fault)
{
	if (ha_files_path(path, state, name))
		return true;
	return ha_fault(fault, NULL, "the name of the state directory is too long");
}

bool
ha_witness_has_joined(const char *state)
{
	char path[PATH_MAX];

	return ha_files_path(path, state, HA_STORE_FILE) && ha_files_exists(path);
}

/* The key that the cluster accepted goes beside the state, where every later start finds it. */
static bool
keep_key(const char *state, const HaKey *key, HaFault *fault)
{
	char path[PATH_MAX];
	char text[2 * HA_KEY_SIZE + 2];
	bool ok;

	if (!file_path(path, state, KEY_FILE, fault))
		return false;
	for (size_t i = 0; i < HA_KEY_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", key->byte[i]);
	text[2 * HA_KEY_SIZE] = '\n';
	ok = ha_files_write(path, text, 2 * HA_KEY_SIZE + 1, 0600);
	ha_mac_wipe(text, sizeof(text));
	return ok || ha_fault(fault, NULL, "can not write \"%s\": %s", path, strerror(errno));
}

/* The incarnation of the join under way: the one written down by an earlier try, or a new one. */
static bool
choose_incarnation(const char *state, HaUuid *incarnation, HaFault *fault)
{
	char path[PATH_MAX];
	size_t count = 0;
	char *found;

	if (!file_path(path, state, JOINING_FILE, fault))
		return false;
	found = ha_files_read(path, sizeof(incarnation->byte), &count);
	if (found != NULL && count == sizeof(incarnation->byte))
	{
		memcpy(incarnation->byte, found, count);
		free(found);
		return true;
	}
	free(found);
	if (!ha_mac_random(incarnation->byte, sizeof(incarnation->byte)))
		return ha_fault(fault, NULL, "no random numbers are to be had");
	return ha_files_write(path, incarnation->byte, sizeof(incarnation->byte), 0600) ||
		ha_fault(fault, NULL, "can not write \"%s\": %s", path, strerror(errno));
}

/* ---- Joining ---- */

/* Whom to ask next, and until when. */
typedef struct Quest
{
	const HaKey *key;
	char host[HA_HOST_SIZE];
	uint16_t port;
	HaUs until_us;
	HaStatus *status;			/* the leader's, once it has added us */
	HaId id;					/* ours, then */
} Quest;

typedef enum Outcome
{
	OUTCOME_ADDED,
	OUTCOME_AGAIN,				/* the same member, in a moment */
	OUTCOME_ELSEWHERE,			/* another member leads: quest->host has changed */
	OUTCOME_LOST,				/* no answer: ask where we were told to */
	OUTCOME_NO					/* there is no use in going on */
} Outcome;

/* What an answer other than "done" means. */
static Outcome
judge(Quest *quest, const HaReply *reply, const char *name, HaFault *fault)
{
	switch (reply->answer)
	{
		case HA_ANSWER_NOT_LEADER:
			(void) ha_fault(fault, NULL, "the cluster has no leader");
			if (reply->leader == 0 || reply->leader_port == 0)
				return OUTCOME_AGAIN;
			memcpy(quest->host, reply->leader_host, sizeof(quest->host));
			quest->port = reply->leader_port;
			return OUTCOME_ELSEWHERE;
		case HA_ANSWER_BUSY:
		case HA_ANSWER_LOST:
			(void) ha_fault(fault, NULL, "%s", ha_answer_text(reply->answer));
			return OUTCOME_AGAIN;
		case HA_ANSWER_TAKEN:
			(void) ha_fault(fault, "take that member out first (pg_haops leave), or choose another name",
							"the cluster has a member named \"%s\" already", name);
			return OUTCOME_NO;
		default:
			(void) ha_fault(fault, NULL, "the cluster does not take this witness: %s",
							ha_answer_text(reply->answer));
			return OUTCOME_NO;
	}
}

/* Asks one member to add us, and, once it has, for what it knows. */
static Outcome
ask_member(Quest *quest, const HaRequest *request, HaFault *fault)
{
	HaOperator *op = ha_operator_open(quest->key, quest->host, quest->port, CALL_US, fault);
	Outcome outcome = OUTCOME_LOST;
	const HaMember *self;
	HaReply reply;

	if (op != NULL && ha_operator_request(op, request, &reply, CALL_US, fault))
	{
		if (reply.answer != HA_ANSWER_DONE)
			outcome = judge(quest, &reply, request->member.name, fault);
		else if (ha_operator_status(op, quest->status, CALL_US, fault))
		{
			quest->id = reply.id;
			self = ha_register_member(&quest->status->reg, reply.id);
			if (self != NULL && ha_uuid_equal(&self->incarnation, &request->member.incarnation))
				outcome = OUTCOME_ADDED;
		}
	}
	ha_operator_close(op);
	return outcome;
}

/* Follows the answers until the leader has added us. */
static bool
ask_cluster(Quest *quest, const HaWitnessPlan *plan, const HaRequest *request, HaFault *fault)
{
	for (;;)
	{
		Outcome outcome = ask_member(quest, request, fault);

		if (outcome == OUTCOME_ADDED)
			return true;
		if (outcome == OUTCOME_NO)
			return false;
		if (outcome == OUTCOME_LOST)
		{
			memcpy(quest->host, plan->through_host, sizeof(quest->host));
			quest->port = plan->through_port;
		}
		if (ha_clock_now().mono_us >= quest->until_us || !ha_process_pause(AGAIN_US))
			return ha_fault_prefix(fault, "the witness could not join: ");
	}
}

static HaHard
first_state(const Quest *quest, const HaUuid *incarnation)
{
	HaHard hard = {
		.cluster = quest->status->cluster,
		.system_id = quest->status->system_id,
		.id = quest->id,
		.incarnation = *incarnation,
		.term = quest->status->term,
		.promise_ms = quest->status->promise_ms,
		.reg = quest->status->reg,
	};

	return hard;
}

static bool
write_state(const char *state, const HaHard *hard, HaFault *fault)
{
	char path[PATH_MAX];
	HaStore store;
	HaStoreError error = ha_store_create(&store, state, hard, NULL);

	if (error != HA_STORE_OK)
		return store_fault(error, state, fault);
	ha_store_close(&store);
	if (!file_path(path, state, JOINING_FILE, fault))
		return false;
	(void) unlink(path);
	return true;
}

bool
ha_witness_join(const HaWitnessPlan *plan, HaUs limit_us, HaFault *fault)
{
	static HaStatus status;
	HaKey key;
	HaHard hard;
	Quest quest = {.key = &key, .port = plan->through_port, .status = &status};
	HaRequest request = {.kind = HA_REQUEST_ADD_MEMBER};
	HaMember *member = &request.member;
	bool ok;

	if (!ha_name_valid(plan->name))
		return ha_fault(fault, "1 to 31 letters, digits, - or _", "\"%s\" is no name for a member", plan->name);
	if (!ha_files_make_directory(plan->state, 0700))
		return ha_fault(fault, NULL, "can not make the directory \"%s\": %s", plan->state, strerror(errno));
	if (!choose_incarnation(plan->state, &member->incarnation, fault) || !read_key(plan->key, &key, fault))
		return false;
	memcpy(quest.host, plan->through_host, sizeof(quest.host));
	memcpy(member->name, plan->name, sizeof(member->name));
	memcpy(member->peer_host, plan->peer_host, sizeof(member->peer_host));
	member->peer_port = plan->peer_port;
	quest.until_us = ha_clock_now().mono_us + limit_us;
	ok = ask_cluster(&quest, plan, &request, fault) && keep_key(plan->state, &key, fault);
	ha_key_wipe(&key);
	if (!ok)
		return false;
	hard = first_state(&quest, &member->incarnation);
	return write_state(plan->state, &hard, fault);
}

/* ---- Taking part ---- */

typedef void (*Log) (HaSeverity severity, const char *text);

/* What the engine calls. A witness has nothing to promote, fence or rewind: it only says what happens to it. */
static void
on_event(void *self, const HaEventRecord *record, bool own)
{
	Log log = *(Log *) self;

	if (own)
		log(record->severity, record->text);
}

static void
on_log(void *self, HaSeverity severity, const char *text)
{
	Log log = *(Log *) self;

	log(severity, text);
}

static void
on_fatal(void *self, const char *text)
{
	on_log(self, HA_SEVERITY_CRITICAL, text);
	_exit(1);
}

/* A descriptor on which the signals that end us are read; they are blocked from now on. */
static int
open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void) sigprocmask(SIG_BLOCK, &set, NULL);
	(void) signal(SIGHUP, SIG_IGN);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* Turns until a signal comes. */
static void
turn(HaEngine *engine, int signals)
{
	for (;;)
	{
		struct pollfd wait[2] = {{ha_engine_fd(engine), POLLIN, 0}, {signals, POLLIN, 0}};
		HaUs left_us;

		ha_engine_serve(engine);
		left_us = ha_engine_wake_us(engine) - ha_clock_now().boot_us;
		if (left_us > WAIT_MS_MAX * HA_US_PER_MS)
			left_us = WAIT_MS_MAX * HA_US_PER_MS;
		(void) poll(wait, 2, left_us <= 0 ? 0 : (int) ((left_us + 999) / HA_US_PER_MS));
		if (wait[1].revents != 0)
			return;
	}
}

static HaTimes
witness_times(const HaHard *hard)
{
	HaTimes times = {.promise_ms = hard->promise_ms};

	if (times.promise_ms < HA_PROMISE_MS_MIN)
		times.promise_ms = PROMISE_MS_UNKNOWN;
	times.beat_ms = times.promise_ms / BEATS_A_PROMISE;
	return times;
}

bool
ha_witness_run(const char *state, const char *listen_host, uint16_t listen_port, Log log, HaFault *fault)
{
	HaWorld world = {.self = &log, .event = on_event, .log = on_log, .fatal = on_fatal};
	HaEngineOptions options = {.listen_port = listen_port, .software = HA_VERSION};
	HaStore store;
	HaStoreError error = ha_store_open(&store, state, NULL);
	HaEngine *engine = NULL;
	char path[PATH_MAX];
	char text[256] = "";
	int signals;

	if (error != HA_STORE_OK)
		return store_fault(error, state, fault);
	if (!file_path(path, state, KEY_FILE, fault) || !read_key(path, &options.key, fault))
	{
		ha_store_close(&store);
		return false;
	}
	if (store.repaired)
		log(HA_SEVERITY_WARNING, "one of the two slots of the state file could not be read; it was written anew");
	snprintf(options.listen_host, sizeof(options.listen_host), "%s", listen_host);
	options.store = &store;
	options.times = witness_times(&store.hard);
	signals = open_signals();
	if (signals >= 0)
		engine = ha_engine_open("builtin", &options, &world, text, sizeof(text));
	ha_key_wipe(&options.key);
	if (engine != NULL)
	{
		log(HA_SEVERITY_INFO, "the witness takes part");
		turn(engine, signals);
		log(HA_SEVERITY_INFO, "the witness ends: it was told to");
		ha_engine_close(engine);
	}
	else
		(void) ha_fault(fault, NULL, "the witness can not take part: %s", text);
	if (signals >= 0)
		close(signals);
	ha_store_close(&store);
	return engine != NULL;
}
