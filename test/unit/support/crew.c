/*
 * crew.c: see crew.h.
 */
#include "test/unit/support/crew.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "io/socket.h"
#include "test/unit/support/sample.h"

#define WAL_BEGIN 1000
#define WAL_RECORD 10

Hand crew[CREW_MAX + 1];
static int crew_size;
static uint16_t port[CREW_MAX + 1];
static HaTli tli_next;

/* ---- What PostgreSQL does ---- */

static void
live(Hand *hand)
{
	HaId from = ha_engine_node(hand->engine)->upstream;
	const Hand *source = &crew[from];
	HaPg *pg = &hand->pg;

	if (hand->promoting)
	{
		hand->promoting = false;
		pg->state = HA_PG_PRIMARY;
		pg->receiving = pg->receiver_running = pg->settled = pg->checkpointed = false;
		pg->tli = ++tli_next;
		pg->flush_lsn = pg->replay_lsn + WAL_RECORD;
	}
	if (pg->state != HA_PG_STANDBY)
		return;
	pg->receiving = from != 0;
	pg->receiver_running = from != 0 && source->engine != NULL && source->pg.state == HA_PG_PRIMARY;
	if (pg->receiver_running)
	{
		pg->flush_lsn = pg->replay_lsn = source->pg.flush_lsn;
		pg->tli = source->pg.tli;
	}
}

/* ---- The world ---- */

static void
on_close_lease(void *self)
{
	((Hand *) self)->lease_us = 0;
	((Hand *) self)->closes++;
}

static void
on_lease(void *self, const HaNode *node)
{
	((Hand *) self)->lease_us = node->lease_until_us;
}

static void
on_gate(void *self, const HaNode *node)
{
	((Hand *) self)->drain = node->gate.generation;
}

static void
on_members(void *self, const HaNode *node)
{
	(void) node;
	((Hand *) self)->members_told++;
}

static void
on_promote(void *self, const HaNode *node)
{
	(void) node;
	((Hand *) self)->promoting = true;
}

static void
on_checkpoint(void *self, const HaNode *node)
{
	(void) node;
	((Hand *) self)->pg.checkpointed = true;
}

static void
on_rejoin(void *self, const HaNode *node, HaComparison comparison, HaId leader)
{
	(void) node;
	(void) comparison;
	(void) leader;
	((Hand *) self)->rejoining = true;
}

static void
on_event(void *self, const HaEventRecord *record, bool own)
{
	Hand *hand = self;

	if (own)
		hand->own_events++;
	else
		hand->heard_events++;
	if (own && getenv("TRACE") != NULL)
		printf("%8.3f member %u: %s\n", (double) (record->key.wall_us % 1000000000) / 1e6, (unsigned) hand->id,
			   record->text);
}

static void
on_reply(void *self, const HaReply *reply)
{
	((Hand *) self)->reply = *reply;
	((Hand *) self)->replies++;
}

static void
on_log(void *self, HaSeverity severity, const char *text)
{
	(void) severity;
	if (getenv("TRACE") != NULL)
		printf("         member %u: %s\n", (unsigned) ((Hand *) self)->id, text);
}

static void
on_fatal(void *self, const char *text)
{
	(void) self;
	fail_msg("%s", text);
}

/* ---- The verbs ---- */

uint16_t
crew_free_port(void)
{
	static uint16_t next;
	HaSocketAddress address;
	uint16_t port;
	int fd;

	if (next == 0)
		next = (uint16_t) (11000 + getpid() % 200 * 100);
	do
	{
		port = ++next;
		assert_true(port < 32768);
		assert_true(ha_socket_address("127.0.0.1", port, &address));
		fd = ha_socket_listen(&address);
	} while (fd < 0);
	ha_socket_close(fd);
	return port;
}

const HaKey *
crew_key(void)
{
	static HaKey key;

	memset(key.byte, 0x5A, sizeof(key.byte));
	return &key;
}

uint16_t
crew_port(HaId id)
{
	return port[id];
}

void
crew_start(HaId id)
{
	Hand *hand = &crew[id];
	HaWorld world = {.self = hand, .close_lease = on_close_lease, .publish_lease = on_lease, .publish_gate = on_gate,
		.members = on_members, .promote = on_promote, .checkpoint = on_checkpoint, .rejoin = on_rejoin,
		.event = on_event, .reply = on_reply, .log = on_log, .fatal = on_fatal};
	HaEngineOptions options = {.store = &hand->store, .key = *crew_key(),
		.times = {.promise_ms = CREW_PROMISE_MS, .beat_ms = CREW_BEAT_MS}, .software = "test"};
	HaTli tli = hand->pg.tli;
	HaLsn end = hand->pg.flush_lsn > hand->pg.replay_lsn ? hand->pg.flush_lsn : hand->pg.replay_lsn;
	char error[256];

	assert_int_equal(ha_store_open(&hand->store, hand->folder.path, NULL), HA_STORE_OK);
	hand->promoting = hand->rejoining = false;
	hand->drain = 0;
	hand->lease_us = 0;
	hand->pg = (HaPg){0};
	if (hand->data)
		hand->pg = (HaPg){.state = HA_PG_STANDBY, .settled = true, .replay_lsn = end, .tli = tli};
	hand->engine = ha_engine_open("builtin", &options, &world, error, sizeof(error));
	assert_non_null(hand->engine);
}

void
crew_forget(void)
{
	(void) close_range(3, ~0U, 0);
}

void
crew_kill(HaId id)
{
	Hand *hand = &crew[id];

	ha_engine_close(hand->engine);
	ha_store_close(&hand->store);
	hand->engine = NULL;
}

void
crew_begin(int data, int witnesses)
{
	HaHard hard = {.system_id = 5, .promise_ms = CREW_PROMISE_MS};

	crew_size = data + witnesses;
	assert_in_range(crew_size, 1, CREW_MAX);
	memset(crew, 0, sizeof(crew));
	tli_next = 1;
	hard.cluster = sample_uuid(0xC1);
	for (HaId id = 1; (int) id <= crew_size; id++)
	{
		HaMember *member = &hard.reg.member[hard.reg.member_count++];

		port[id] = crew_free_port();
		*member = (HaMember){.id = id, .priority = 100, .flags = (int) id <= data ? HA_MEMBER_DATA : 0,
			.peer_host = "127.0.0.1", .peer_port = port[id]};
		member->incarnation = sample_uuid((uint8_t) id);
		snprintf(member->name, sizeof(member->name), "n%u", (unsigned) id);
		hard.reg.voters |= ha_set_of(id);
	}
	hard.reg.version = (HaVersion){0, 1};
	hard.reg.tli_max = 1;
	ha_chain_append(&hard.reg.chain, (HaEpoch){0, 1, 0});
	hard.chain = hard.reg.chain;
	for (HaId id = 1; (int) id <= crew_size; id++)
	{
		Hand *hand = &crew[id];

		hand->id = hard.id = id;
		hand->data = (int) id <= data;
		hand->pg.tli = 1;
		hand->pg.replay_lsn = WAL_BEGIN;
		hard.incarnation = sample_uuid((uint8_t) id);
		folder_make(&hand->folder);
		assert_int_equal(ha_store_create(&hand->store, hand->folder.path, &hard, NULL), HA_STORE_OK);
		ha_store_close(&hand->store);
		crew_start(id);
	}
}

void
crew_end(void)
{
	for (HaId id = 1; (int) id <= crew_size; id++)
	{
		if (crew[id].engine != NULL)
			crew_kill(id);
		folder_remove(&crew[id].folder);
	}
}

void
crew_turn(int ms)
{
	struct pollfd fds[CREW_MAX];
	nfds_t count = 0;

	for (HaId id = 1; (int) id <= crew_size; id++)
	{
		Hand *hand = &crew[id];

		if (hand->engine == NULL)
			continue;
		if (hand->data)
		{
			live(hand);
			ha_engine_facts(hand->engine, &hand->pg);
		}
		if (hand->drain != 0)
		{
			uint64_t generation = hand->drain;

			hand->drain = 0;
			ha_engine_drained(hand->engine, generation, hand->pg.flush_lsn);
		}
		ha_engine_serve(hand->engine);
		fds[count++] = (struct pollfd){.fd = ha_engine_fd(hand->engine), .events = POLLIN};
	}
	(void) poll(fds, count, ms);
}

HaId
crew_leader(void)
{
	HaId leader = 0;

	for (HaId id = 1; (int) id <= crew_size; id++)
	{
		const Hand *hand = &crew[id];

		if (hand->engine == NULL || ha_clock_now().boot_us >= hand->lease_us)
			continue;
		if (!ha_engine_node(hand->engine)->gate.open)
			continue;
		assert_int_equal(leader, 0);
		leader = id;
	}
	return leader;
}

bool
crew_agrees(HaId leader)
{
	const HaNode *first = ha_engine_node(crew[leader].engine);

	for (HaId id = 1; (int) id <= crew_size; id++)
	{
		const HaNode *node;

		if (crew[id].engine == NULL)
			continue;
		node = ha_engine_node(crew[id].engine);
		if (node->leader != leader || node->hard.term != first->hard.term ||
			ha_version_compare(node->hard.reg.version, first->hard.reg.version) != 0)
			return false;
		if (crew[id].data && node->hard.joined_term != first->hard.term)
			return false;
	}
	return true;
}
