/*
 * test_effects.c: the order in which a step's effects reach the world: close, persist, send, act (node.h).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive/engine_parts.h"
#include "test/unit/support/folder.h"
#include "test/unit/support/place.h"
#include "test/unit/support/sample.h"

/* What happened, one letter each: c close, p persist, s sent (seen by its receiver), and the acts. */
static char story[64];
static HaBuiltin *b;
static HaStore store;
static Folder folder;
static bool disk_fails;

static void
tell(char letter)
{
	size_t length = strlen(story);

	assert_true(length + 1 < sizeof(story));
	story[length] = letter;
	story[length + 1] = '\0';
}

/* Has the other member got anything? Told once. */
static void
look_for_frames(void)
{
	struct pollfd wait = {ha_peers_fd(place[1].peers), POLLIN, 0};

	if (strchr(story, 's') == NULL && poll(&wait, 1, 0) == 1)
		tell('s');
}

static ssize_t
write_slot(int fd, const void *bytes, size_t count, off_t offset)
{
	look_for_frames();
	if (strchr(story, 'p') == NULL)
		tell('p');
	return disk_fails ? -1 : pwrite(fd, bytes, count, offset);
}

static int
allocate(int fd, off_t offset, off_t length)
{
	return posix_fallocate(fd, offset, length);
}

static int
advise(int fd, off_t offset, off_t length, int advice)
{
	return posix_fadvise(fd, offset, length, advice);
}

static const HaStoreCalls calls = {pread, write_slot, fdatasync, fsync, allocate, advise};

static void
on_close_lease(void *self)
{
	(void) self;
	look_for_frames();
	tell('c');
}

#define ACT(name, letter) \
	static void \
	name(void *self, const HaNode *node) \
	{ \
		(void) self; \
		(void) node; \
		look_for_frames(); \
		tell(letter); \
	} \
	extern int swallow_semicolon_

ACT(on_gate, 'G');
ACT(on_lease, 'L');
ACT(on_members, 'M');
ACT(on_promote, 'P');
ACT(on_checkpoint, 'K');

static void
on_upstream(void *self, const HaNode *node, HaId id)
{
	on_gate(self, node);
	story[strlen(story) - 1] = id == 0 ? '0' : 'U';
}

static void
on_rejoin(void *self, const HaNode *node, HaComparison comparison, HaId leader)
{
	(void) self;
	(void) node;
	assert_int_equal(comparison.lineage, HA_LINEAGE_REWIND);
	assert_int_equal(leader, 2);
	tell('R');
}

static void
on_event(void *self, const HaEventRecord *record, bool own)
{
	(void) self;
	assert_true(own);
	assert_int_equal(record->kind, HA_NOTE_OPENED);
	assert_string_equal(record->text, "this member takes writes as the leader of term 7");
	tell('e');
}

static void
on_fatal(void *self, const char *text)
{
	(void) self;
	(void) text;
	tell('f');
	_exit(strcmp(story, "cpcf") == 0 ? 42 : 1);
}

static int
setup(void **state)
{
	HaHard hard;
	HaWorld world = {.close_lease = on_close_lease, .publish_lease = on_lease, .publish_gate = on_gate,
		.upstream = on_upstream, .members = on_members, .promote = on_promote, .checkpoint = on_checkpoint,
		.rejoin = on_rejoin, .event = on_event, .fatal = on_fatal};

	assert_int_equal(place_setup(state), 0);
	place_turn(50);
	folder_make(&folder);
	sample_hard(&hard);
	hard.id = 1;
	assert_int_equal(ha_store_create(&store, folder.path, &hard, &calls), HA_STORE_OK);
	b = calloc(1, sizeof(*b));
	assert_non_null(b);
	b->node.hard = hard;
	b->store = &store;
	b->world = world;
	b->peers = place[0].peers;
	ha_gossip_start(&b->gossip, 1, 1);
	b->members = hard.reg.version;
	b->upstream_told = true;
	story[0] = '\0';
	disk_fails = false;

	/* A step that asks for everything at once. */
	b->node.hard.term++;
	b->node.hard.voted_for = 2;
	b->effects = (HaEffects){.close_lease = true, .persist = true, .send_count = 1, .note_count = 1};
	b->effects.send[0].to = ha_set_of(2) | ha_set_of(3);
	b->effects.send[0].message = (HaMessage){.type = HA_MESSAGE_VOTE_R, .term = b->node.hard.term};
	b->effects.note[0] = (HaNote){.kind = HA_NOTE_OPENED, .member = 1, .term = 7};
	return 0;
}

static int
teardown(void **state)
{
	free(b);
	ha_store_close(&store);
	folder_remove(&folder);
	return place_teardown(state);
}

static void
test_the_order(void **state)
{
	(void) state;
	b->node.upstream = 2;
	b->node.hard.reg.version.number++;
	b->effects.acts = HA_ACT_GATE | HA_ACT_LEASE | HA_ACT_PROMOTE | HA_ACT_CHECKPOINT | HA_ACT_REJOIN;
	b->effects.rejoin = (HaComparison){HA_LINEAGE_REWIND, 5};
	b->effects.rejoin_leader = 2;
	ha_effects_run(b);
	assert_string_equal(story, "cpsGLMUPKRe");
	assert_int_equal(store.hard.voted_for, 2);
	assert_int_equal(b->gossip.count, 1);
}

/* What is declared is told when it has changed, and only then. */
static void
test_what_is_declared(void **state)
{
	(void) state;
	b->effects = (HaEffects){0};
	ha_effects_run(b);
	assert_string_equal(story, "");
	b->node.upstream = 2;
	ha_effects_run(b);
	ha_effects_run(b);
	assert_string_equal(story, "U");
	b->node.upstream = 0;
	ha_effects_run(b);
	ha_effects_run(b);
	assert_string_equal(story, "U0");
	b->upstream_told = false;	/* the beginning */
	ha_effects_run(b);
	assert_string_equal(story, "U00");
}

/* What could not be made durable is not said: the lease is closed and the process ends. */
static void
test_a_failed_save(void **state)
{
	int status;
	pid_t pid;

	(void) state;
	disk_fails = true;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
	{
		ha_effects_run(b);
		_exit(2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	look_for_frames();
	assert_string_equal(story, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_is_declared, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_failed_save, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
