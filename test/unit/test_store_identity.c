/*
 * test_store_identity.c: whose a state file is: one process at a time, and never a copy (R1, R2, S51).
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/store.h"
#include "test/unit/support/folder.h"
#include "test/unit/support/sample.h"

static Folder folder;
static HaStore store;
static HaHard hard;

static int
begin(void **state)
{
	(void) state;
	folder_make(&folder);
	sample_hard(&hard);
	store.fd = -1;
	return 0;
}

static int
end(void **state)
{
	(void) state;
	ha_store_close(&store);
	folder_remove(&folder);
	return 0;
}

static const char *
state_file(void)
{
	return folder_file(&folder, HA_STORE_FILE);
}

/* A closed state file with `hard` in it. */
static void
have_state(void)
{
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_OK);
	ha_store_close(&store);
}

static HaStoreError
open_it(void)
{
	ha_store_close(&store);
	return ha_store_open(&store, folder.path, NULL);
}

static void
test_locked(void **state)
{
	HaStore second;
	HaHard peeked;

	(void) state;
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_OK);
	assert_int_equal(ha_store_open(&second, folder.path, NULL), HA_STORE_BUSY);
	assert_int_equal(ha_store_adopt(&second, folder.path, 2, &(HaUuid){{1}}, NULL), HA_STORE_BUSY);
	assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_BUSY);
	assert_int_equal(ha_store_peek(folder.path, &peeked), HA_STORE_OK);
	assert_int_equal(peeked.run, 12);
	ha_store_close(&store);
	assert_int_equal(ha_store_open(&second, folder.path, NULL), HA_STORE_OK);
	ha_store_close(&second);
	ha_store_close(&second);
}

/* A process that dies gives the lock back, however it dies. */
static void
test_lock_ends_with_the_process(void **state)
{
	int pipes[2];
	pid_t child;
	char byte;

	(void) state;
	have_state();
	assert_int_equal(pipe(pipes), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
	{
		byte = ha_store_open(&store, folder.path, NULL) == HA_STORE_OK ? 'y' : 'n';
		if (write(pipes[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	assert_int_equal(open_it(), HA_STORE_BUSY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(open_it(), HA_STORE_OK);
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- Copies are inert (R2) ---- */

static void
test_copy_elsewhere_is_inert(void **state)
{
	Folder other;
	HaHard peeked;

	(void) state;
	have_state();
	folder_make(&other);
	folder_copy(state_file(), folder_file(&other, HA_STORE_FILE));
	assert_int_equal(ha_store_open(&store, other.path, NULL), HA_STORE_FOREIGN);
	assert_int_equal(store.fd, -1);
	assert_int_equal(ha_store_peek(other.path, &peeked), HA_STORE_FOREIGN);
	assert_int_equal(peeked.id, 2);
	/* The copy itself was not touched, and the original goes on. */
	assert_int_equal(ha_store_open(&store, other.path, NULL), HA_STORE_FOREIGN);
	assert_int_equal(open_it(), HA_STORE_OK);
	folder_remove(&other);
}

static void
test_copy_in_its_place_is_inert(void **state)
{
	const char *copy = folder_file(&folder, "copy");

	(void) state;
	have_state();
	folder_copy(state_file(), copy);
	assert_int_equal(rename(copy, state_file()), 0);
	assert_int_equal(open_it(), HA_STORE_FOREIGN);
}

static void
test_moved_directory_is_inert_until_it_is_back(void **state)
{
	char moved[FOLDER_PATH_MAX + 8];

	(void) state;
	have_state();
	snprintf(moved, sizeof(moved), "%s.moved", folder.path);
	assert_int_equal(rename(folder.path, moved), 0);
	assert_int_equal(ha_store_open(&store, moved, NULL), HA_STORE_FOREIGN);
	assert_int_equal(rename(moved, folder.path), 0);
	assert_int_equal(open_it(), HA_STORE_OK);
}

/* The path is the real one: another name for the same place is the same place. */
static void
test_other_names_of_the_place(void **state)
{
	char link[FOLDER_PATH_MAX + 8];

	(void) state;
	have_state();
	snprintf(link, sizeof(link), "%s.link", folder.path);
	assert_int_equal(symlink(folder.path, link), 0);
	assert_int_equal(ha_store_open(&store, link, NULL), HA_STORE_OK);
	assert_int_equal(unlink(link), 0);
	ha_store_close(&store);
	assert_int_equal(ha_store_open(&store, folder_file(&folder, "/."), NULL), HA_STORE_OK);
}

static void
test_adopt_a_copy(void **state)
{
	const HaUuid life = sample_uuid(0x77);
	Folder other;

	(void) state;
	have_state();
	folder_make(&other);
	folder_copy(state_file(), folder_file(&other, HA_STORE_FILE));
	assert_int_equal(ha_store_adopt(&store, other.path, 5, &hard.incarnation, NULL), HA_STORE_IMPOSSIBLE);
	assert_int_equal(ha_store_adopt(&store, other.path, 0, &life, NULL), HA_STORE_IMPOSSIBLE);
	assert_int_equal(ha_store_open(&store, other.path, NULL), HA_STORE_FOREIGN);

	for (int round = 0; round < 2; round++)
	{
		if (round == 0)
			assert_int_equal(ha_store_adopt(&store, other.path, 5, &life, NULL), HA_STORE_OK);
		else
			assert_int_equal(ha_store_open(&store, other.path, NULL), HA_STORE_OK);
		assert_int_equal(store.hard.id, 5);
		assert_true(ha_uuid_equal(&store.hard.incarnation, &life));
		assert_int_equal(store.hard.voted_for, 0);
		assert_int_equal(store.hard.run, 0);
		assert_int_equal(store.hard.joined_term, 0);
		assert_int_equal(store.hard.led_term, 0);
		assert_int_equal(store.hard.term, 7);
		assert_int_equal(store.hard.promise_ms, 3000);
		assert_int_equal(store.hard.reg.version.term, 7);
		assert_int_equal(store.hard.chain.count, 3);
		assert_true(ha_uuid_equal(&store.hard.cluster, &hard.cluster));
		ha_store_close(&store);
	}
	/* The original is as it was. */
	assert_int_equal(open_it(), HA_STORE_OK);
	assert_int_equal(store.hard.id, 2);
	assert_int_equal(store.hard.voted_for, 1);
	folder_remove(&other);
}

static void
test_set_aside(void **state)
{
	(void) state;
	have_state();
	for (int round = 0; round < 2; round++)
	{
		assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
		assert_false(folder_has(state_file()));
		assert_true(folder_has(folder_file(&folder, "state.old")));
		assert_int_equal(open_it(), HA_STORE_MISSING);
		have_state();
	}
	assert_int_equal(open_it(), HA_STORE_OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_locked),
		TEST(test_lock_ends_with_the_process),
		TEST(test_copy_elsewhere_is_inert),
		TEST(test_copy_in_its_place_is_inert),
		TEST(test_moved_directory_is_inert_until_it_is_back),
		TEST(test_other_names_of_the_place),
		TEST(test_adopt_a_copy),
		TEST(test_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
