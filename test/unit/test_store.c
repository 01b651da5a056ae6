/*
 * test_store.c: the state file on a real file system: what is made, saved and refused (R3 to R5, S52). Whose it is
 * stands in test_store_identity.c, crashes in test_store_crash.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/store.h"
#include "test/unit/support/folder.h"
#include "test/unit/support/sample.h"
#include "wire/checksum.h"

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
test_create_save_open(void **state)
{
	struct stat about;

	(void) state;
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_OK);
	assert_int_equal(store.hard.run, 12);
	assert_int_equal(stat(state_file(), &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	assert_int_equal(about.st_size, HA_STORE_SIZE);
	assert_int_equal(about.st_nlink, 1);
	assert_true(about.st_blocks * 512 >= HA_STORE_SIZE);
	assert_false(folder_has(folder_file(&folder, "state.new")));

	for (int i = 0; i < 5; i++)
	{
		hard.run++;
		hard.term++;
		hard.voted_for = 1 + (HaId) (i % 3);
		assert_int_equal(ha_store_save(&store, &hard), HA_STORE_OK);
		assert_int_equal(open_it(), HA_STORE_OK);
		assert_int_equal(store.hard.run, hard.run);
		assert_int_equal(store.hard.term, hard.term);
		assert_int_equal(store.hard.voted_for, hard.voted_for);
		assert_string_equal(store.hard.reg.member[1].name, "n2");
		assert_false(store.repaired);
	}
}

static void
test_create_never_replaces(void **state)
{
	(void) state;
	have_state();
	hard.run = 99;
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_EXISTS);
	assert_int_equal(open_it(), HA_STORE_OK);
	assert_int_equal(store.hard.run, 12);
}

static void
test_create_after_an_interrupted_one(void **state)
{
	(void) state;
	folder_write(folder_file(&folder, "state.new"), "half", 4, 0600);
	have_state();
	assert_false(folder_has(folder_file(&folder, "state.new")));
	assert_int_equal(open_it(), HA_STORE_OK);
}

static void
test_create_refuses_nonsense(void **state)
{
	(void) state;
	hard.id = 0;
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_IMPOSSIBLE);
	assert_int_equal(rmdir(folder.path), 0);
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_NO_DIRECTORY);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(mkdir(folder.path, 0700), 0);
}

/* R4: never re-created silently. */
static void
test_missing(void **state)
{
	HaHard peeked;

	(void) state;
	assert_int_equal(open_it(), HA_STORE_MISSING);
	assert_int_equal(store.fd, -1);
	assert_int_equal(ha_store_peek(folder.path, &peeked), HA_STORE_MISSING);
	assert_int_equal(ha_store_adopt(&store, folder.path, 2, &(HaUuid){{1}}, NULL), HA_STORE_MISSING);
	assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_MISSING);
	assert_false(folder_has(state_file()));
	assert_int_equal(ha_store_save(&store, &hard), HA_STORE_DEAD);
}

static void
test_unsafe_directory(void **state)
{
	(void) state;
	have_state();
	for (mode_t mode = 0720; mode <= 0722; mode += 2)
	{
		assert_int_equal(chmod(folder.path, mode), 0);
		assert_int_equal(open_it(), HA_STORE_UNSAFE_DIRECTORY);
	}
	assert_int_equal(chmod(folder.path, 0700), 0);
	assert_int_equal(open_it(), HA_STORE_OK);
	assert_int_equal(ha_store_open(&store, state_file(), NULL), HA_STORE_NO_DIRECTORY);
}

static void
test_unsafe_file(void **state)
{
	(void) state;
	have_state();
	for (mode_t bit = 1; bit <= 040; bit <<= 1)
	{
		assert_int_equal(chmod(state_file(), 0600 | bit), 0);
		assert_int_equal(open_it(), HA_STORE_UNSAFE);
	}
	assert_int_equal(chmod(state_file(), 0600), 0);
	assert_int_equal(open_it(), HA_STORE_OK);
	ha_store_close(&store);

	assert_int_equal(rename(state_file(), folder_file(&folder, "other")), 0);
	assert_int_equal(symlink("other", state_file()), 0);
	assert_int_equal(open_it(), HA_STORE_UNSAFE);
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_EXISTS);
	assert_int_equal(unlink(state_file()), 0);
	assert_int_equal(mkfifo(state_file(), 0600), 0);
	assert_int_equal(open_it(), HA_STORE_UNSAFE);
	assert_int_equal(unlink(state_file()), 0);
	assert_int_equal(mkdir(state_file(), 0700), 0);
	assert_int_equal(open_it(), HA_STORE_UNSAFE);
}

/* Owned by somebody else: told apart by the effective user, which root can change. */
static void
test_foreign_owner(void **state)
{
	HaHard peeked;

	(void) state;
	if (geteuid() != 0)
		skip();
	have_state();
	assert_int_equal(chown(state_file(), 65534, 65534), 0);
	assert_int_equal(open_it(), HA_STORE_UNSAFE);
	assert_int_equal(chown(folder.path, 65534, 65534), 0);
	assert_int_equal(open_it(), HA_STORE_UNSAFE_DIRECTORY);
	/* Root may look. */
	assert_int_equal(ha_store_peek(folder.path, &peeked), HA_STORE_OK);

	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(open_it(), HA_STORE_OK);
	ha_store_close(&store);
	assert_int_equal(seteuid(0), 0);
}

/* ---- Damage ---- */

static void
damage(off_t at, uint8_t byte)
{
	int fd = open(state_file(), O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	assert_int_equal(close(fd), 0);
}

static void
test_one_slot_damaged_loses_nothing(void **state)
{
	(void) state;
	have_state();
	for (int slot = 0; slot < 2; slot++)
	{
		assert_int_equal(open_it(), HA_STORE_OK);
		hard.run++;
		assert_int_equal(ha_store_save(&store, &hard), HA_STORE_OK);
		ha_store_close(&store);
		damage(slot * HA_RECORD_SIZE + 300, 0x5A);
		assert_int_equal(open_it(), HA_STORE_OK);
		assert_true(store.repaired);
		assert_int_equal(store.hard.run, hard.run);
		/* Opening it has mended it. */
		assert_int_equal(open_it(), HA_STORE_OK);
		assert_false(store.repaired);
		assert_int_equal(store.hard.run, hard.run);
	}
}

static void
test_broken(void **state)
{
	HaHard peeked;

	(void) state;
	have_state();
	damage(300, 0x5A);
	damage(HA_RECORD_SIZE + 300, 0x5A);
	assert_int_equal(open_it(), HA_STORE_BROKEN);
	assert_int_equal(ha_store_peek(folder.path, &peeked), HA_STORE_BROKEN);
	assert_int_equal(peeked.id, 0);
	assert_int_equal(ha_store_adopt(&store, folder.path, 5, &(HaUuid){{1}}, NULL), HA_STORE_BROKEN);
	assert_int_equal(ha_store_create(&store, folder.path, &hard, NULL), HA_STORE_EXISTS);
	assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
	have_state();
	for (off_t size = 0; size <= HA_STORE_SIZE + 512; size += 512)
	{
		if (size == HA_STORE_SIZE)
			continue;
		assert_int_equal(truncate(state_file(), size), 0);
		assert_int_equal(open_it(), HA_STORE_BROKEN);
	}
}

/* Written by a release to come: nobody's to touch. */
static void
test_newer_format(void **state)
{
	uint8_t bytes[HA_STORE_SIZE];

	(void) state;
	have_state();
	assert_int_equal(folder_read(state_file(), bytes, sizeof(bytes)), sizeof(bytes));
	for (int slot = 0; slot < 2; slot++)
	{
		uint8_t *at = bytes + slot * HA_RECORD_SIZE;
		uint32_t crc;

		at[8] = HA_RECORD_FORMAT + 1;
		crc = ha_checksum_crc32c(at, HA_RECORD_SIZE - 4);
		for (int i = 0; i < 4; i++)
			at[HA_RECORD_SIZE - 4 + i] = (uint8_t) (crc >> (8 * i));
	}
	folder_write(state_file(), bytes, sizeof(bytes), 0600);
	assert_int_equal(open_it(), HA_STORE_NEWER);
	assert_int_equal(ha_store_peek(folder.path, &hard), HA_STORE_NEWER);
	assert_int_equal(ha_store_adopt(&store, folder.path, 5, &(HaUuid){{1}}, NULL), HA_STORE_NEWER);
}

/* ---- Saving ---- */

static void
assert_goes_back(HaHard *changed)
{
	assert_int_equal(open_it(), HA_STORE_OK);
	assert_int_equal(ha_store_save(&store, changed), HA_STORE_BACKWARDS);
	assert_int_equal(ha_store_save(&store, &hard), HA_STORE_DEAD);
	assert_int_equal(open_it(), HA_STORE_OK);
	assert_int_equal(store.hard.term, hard.term);
	assert_int_equal(store.hard.voted_for, hard.voted_for);
	*changed = hard;
}

static void
test_save_never_goes_back(void **state)
{
	HaHard changed = hard;

	(void) state;
	have_state();
	changed.term--;
	assert_goes_back(&changed);
	changed.voted_for = 2;
	assert_goes_back(&changed);
	changed.voted_for = 0;
	assert_goes_back(&changed);
	changed.run--;
	assert_goes_back(&changed);
	changed.promise_ms--;
	assert_goes_back(&changed);
	changed.reg.version.number--;
	assert_goes_back(&changed);
	changed.reg.version = (HaVersion){0, 0};
	assert_goes_back(&changed);
	changed.id = 3;
	assert_goes_back(&changed);
	changed.incarnation = sample_uuid(9);
	assert_goes_back(&changed);
	changed.cluster = sample_uuid(9);
	assert_goes_back(&changed);
	changed.system_id++;
	assert_goes_back(&changed);

	assert_int_equal(open_it(), HA_STORE_OK);
	changed.term++;
	changed.voted_for = 0;
	changed.chain.count = 1;
	assert_int_equal(ha_store_save(&store, &changed), HA_STORE_OK);
	changed.voted_for = 3;
	assert_int_equal(ha_store_save(&store, &changed), HA_STORE_OK);
	changed.reg.voters = 0;
	assert_int_equal(ha_store_save(&store, &changed), HA_STORE_IMPOSSIBLE);
	assert_int_equal(ha_store_save(&store, &hard), HA_STORE_DEAD);
}

/* A witness learns the system identifier later. */
static void
test_system_id_is_learned_once(void **state)
{
	(void) state;
	hard.system_id = 0;
	have_state();
	assert_int_equal(open_it(), HA_STORE_OK);
	hard.system_id = 77;
	assert_int_equal(ha_store_save(&store, &hard), HA_STORE_OK);
	hard.system_id = 78;
	assert_int_equal(ha_store_save(&store, &hard), HA_STORE_BACKWARDS);
}

/* ---- A disk without room ---- */

static void
test_create_beyond_a_file_size_limit(void **state)
{
	struct rlimit saved;
	struct rlimit small;
	HaStoreError error;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	(void) state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	small = (struct rlimit){HA_STORE_SIZE - 1, saved.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	error = ha_store_create(&store, folder.path, &hard, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(error, HA_STORE_FAILED);
	assert_int_equal(errno, EFBIG);
	assert_false(folder_has(state_file()));
	assert_false(folder_has(folder_file(&folder, "state.new")));
}

/* Fills the file system to its last byte. */
static bool
fill_up(const char *path)
{
	static const char zeros[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ssize_t put;

	for (size_t size = sizeof(zeros); size > 0; size /= 2)
	{
		do
			put = write(fd, zeros, size);
		while (put > 0);
		if (errno != ENOSPC)
			return false;
	}
	return close(fd) == 0;
}

/* In a process with a small file system of its own. 0 = as it should be. */
static int
save_on_a_full_disk(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
		mount("none", folder.path, "tmpfs", 0, "size=1m,mode=0700") != 0)
		return 77;
	if (ha_store_create(&store, folder.path, &hard, NULL) != HA_STORE_OK)
		return 1;
	if (mkdir(folder_file(&folder, "other"), 0700) != 0 || !fill_up(folder_file(&folder, "filler")))
		return 2;
	for (int i = 0; i < 20; i++)
	{
		hard.run++;
		hard.term++;
		if (ha_store_save(&store, &hard) != HA_STORE_OK)
			return 3;
	}
	if (open_it() != HA_STORE_OK || store.hard.run != hard.run)
		return 4;
	ha_store_close(&store);
	if (ha_store_create(&store, folder_file(&folder, "other"), &hard, NULL) != HA_STORE_FAILED || errno != ENOSPC)
		return 5;
	return folder_has(folder_file(&folder, "other/state.new")) ? 6 : 0;
}

/* R5: a full disk prevents no vote. */
static void
test_full_disk(void **state)
{
	pid_t child;
	int status;

	(void) state;
	if (geteuid() != 0)
		skip();
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		_exit(save_on_a_full_disk());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void
test_texts(void **state)
{
	(void) state;
	for (int error = 0; error < HA_STORE_ERROR_COUNT; error++)
	{
		const char *text = ha_store_text((HaStoreError) error);
		const char *hint = ha_store_hint((HaStoreError) error);

		assert_non_null(text);
		assert_true(strlen(text) > 10 && text[strlen(text) - 1] != '.');
		assert_true(hint == NULL || (strlen(hint) > 10 && hint[strlen(hint) - 1] != '.'));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_save_open),
		TEST(test_create_never_replaces),
		TEST(test_create_after_an_interrupted_one),
		TEST(test_create_refuses_nonsense),
		TEST(test_missing),
		TEST(test_unsafe_directory),
		TEST(test_unsafe_file),
		TEST(test_foreign_owner),
		TEST(test_one_slot_damaged_loses_nothing),
		TEST(test_broken),
		TEST(test_newer_format),
		TEST(test_save_never_goes_back),
		TEST(test_system_id_is_learned_once),
		TEST(test_create_beyond_a_file_size_limit),
		TEST(test_full_disk),
		TEST(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
