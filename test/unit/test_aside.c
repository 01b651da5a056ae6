/*
 * test_aside.c: PostgreSQL's folders out of a data directory and in again, cut off anywhere (drive/aside), and the WAL
 * that is kept meanwhile (drive/lost).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "drive/aside.h"
#include "drive/lost.h"
#include "io/files.h"
#include "test/unit/support/folder.h"

static Folder folder;
static char data[PATH_MAX];
static char work[PATH_MAX];
static HaFault fault;

static void
put(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	char parent[PATH_MAX];

	assert_true(ha_files_path(path, directory, name));
	memcpy(parent, path, sizeof(parent));
	*strrchr(parent, '/') = '\0';
	assert_true(ha_files_make_directory(parent, 0700));
	assert_true(ha_files_write(path, text, strlen(text), 0600));
}

static bool
has(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	char *found;
	bool same;

	assert_true(ha_files_path(path, directory, name));
	found = ha_files_read(path, 1024, NULL);
	same = found != NULL && strcmp(found, text) == 0;
	free(found);
	return same;
}

static bool
there(const char *directory, const char *name)
{
	char path[PATH_MAX];

	return ha_files_path(path, directory, name) && ha_files_exists(path);
}

static int
set_up(void **state)
{
	(void) state;
	folder_make(&folder);
	assert_true(ha_files_path(data, folder.path, "data"));
	assert_true(ha_files_path(work, data, "pg_haops/pgsql_tmp/work"));
	put(data, "PG_VERSION", "15\n");
	put(data, "global/pg_control", "control");
	put(data, "global/pg_filenode.map", "map");
	put(data, "base/1/1", "old");
	put(data, "pg_wal/000000010000000000000001", "wal");
	put(data, "postgresql.conf", "mine");
	put(data, "server.key", "mine");
	put(data, "log/today", "mine");
	put(data, "pg_haops/pgsql_tmp/state", "mine");
	put(data, "postmaster.pid", "1\n");
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	return ha_files_remove_tree(folder.path) ? 0 : -1;
}

static void
check_out(void)
{
	/* A server comes as far as the library, and no further. */
	assert_true(has(data, "PG_VERSION", "15\n") && has(data, "global/pg_control", "control"));
	assert_false(there(data, "global/pg_filenode.map"));
	assert_false(there(data, "base") || there(data, "pg_wal"));
	assert_true(has(work, "PG_VERSION", "15\n") && has(work, "global/pg_filenode.map", "map"));
	assert_true(has(work, "base/1/1", "old"));
	/* What is the member's own stays (S46). */
	assert_true(has(data, "postgresql.conf", "mine") && has(data, "server.key", "mine") &&
				has(data, "log/today", "mine"));
	assert_true(has(data, "pg_haops/pgsql_tmp/state", "mine") && there(data, "postmaster.pid"));
	assert_false(there(work, "postgresql.conf") || there(work, "pg_haops"));
}

static void
check_in(const char *base)
{
	assert_true(has(data, "global/pg_control", "new control") && has(data, "global/pg_filenode.map", "map"));
	assert_true(has(data, "base/1/1", base) && has(data, "pg_wal/000000010000000000000001", "wal"));
	assert_true(has(data, "backup_label", "label"));
	assert_true(has(data, "postgresql.conf", "mine") && has(data, "server.key", "mine") &&
				has(data, "log/today", "mine"));
	assert_true(has(data, "pg_haops/pgsql_tmp/state", "mine"));
}

/* What pg_rewind does there: other files, and those of the source that are not wanted. */
static void
change_work(void)
{
	put(work, "base/1/1", "new");
	put(work, "global/pg_control", "new control");
	put(work, "backup_label", "label");
	put(work, "postgresql.conf", "theirs");
	put(work, "server.key", "theirs");
	put(work, "log/today", "theirs");
}

static void
test_out_and_in(void **state)
{
	(void) state;
	assert_true(ha_aside_out(data, work, &fault));
	check_out();
	assert_true(ha_aside_out(data, work, &fault));
	check_out();
	change_work();
	assert_true(ha_aside_in(work, data, &fault));
	check_in("new");
	assert_true(ha_aside_in(work, data, &fault));
	check_in("new");
}

/* Cut off after each single move: whatever has come over, the next run completes it. */
static void
test_cut_off(void **state)
{
	static const char *const names[] = {"base", "pg_wal"};
	char from[PATH_MAX];
	char to[PATH_MAX];

	(void) state;
	for (size_t i = 0; i < 2; i++)
	{
		assert_true(ha_aside_out(data, work, &fault));
		/* As if it had stopped before this one. */
		assert_true(ha_files_path(from, work, names[i]) && ha_files_path(to, data, names[i]));
		assert_int_equal(rename(from, to), 0);
		assert_true(ha_aside_out(data, work, &fault));
		check_out();
		change_work();
		/* As if it had stopped after this one. */
		assert_true(ha_files_path(from, work, names[i]) && ha_files_path(to, data, names[i]));
		assert_int_equal(rename(from, to), 0);
		assert_true(ha_aside_in(work, data, &fault));
		check_in("new");
		put(data, "base/1/1", "old");
		put(data, "global/pg_control", "control");
		assert_true(ha_files_remove_tree(work));
		assert_true(ha_files_remove(data, "backup_label"));
	}
}

/* The same of the control file's folder, which is exchanged in steps. */
static void
test_cut_off_global(void **state)
{
	char global[PATH_MAX];
	char moving[PATH_MAX];

	(void) state;
	assert_true(ha_files_path(global, work, "global") && ha_files_path(moving, work, "global.moving"));
	assert_true(ha_aside_out(data, work, &fault));
	assert_int_equal(rename(global, moving), 0);
	assert_true(ha_aside_out(data, work, &fault));
	check_out();
	assert_false(there(work, "global.moving"));
}

/* Only the folders are moved: a folder that a mistake left in both places is not overwritten. */
static void
test_conflict(void **state)
{
	(void) state;
	assert_true(ha_aside_out(data, work, &fault));
	put(data, "base/2/2", "whose?");
	assert_false(ha_aside_in(work, data, &fault));
	assert_true(has(data, "base/2/2", "whose?") && has(work, "base/1/1", "old"));
	assert_false(there(data, "global/pg_filenode.map"));
}

/* ---- WAL kept aside ---- */

#define SEGMENT ((uint32_t) 1024 * 1024)

static HaLost
lost_from(HaLsn checkpoint, HaLsn fork, HaLsn end)
{
	return (HaLost){
		.programs = "/nonexistent", .state = folder.path, .segment_bytes = SEGMENT, .tli = 2, .checkpoint = checkpoint,
		.fork = fork, .end = end};
}

static void
test_keep(void **state)
{
	HaLost lost = lost_from(3 * SEGMENT + 100, 4 * SEGMENT + 40, 5 * SEGMENT + 7);
	char kept[PATH_MAX];

	(void) state;
	put(data, "pg_wal/000000010000000000000002", "before");
	put(data, "pg_wal/000000010000000000000003", "checkpoint");
	put(data, "pg_wal/000000020000000000000004", "fork");
	put(data, "pg_wal/000000020000000000000005", "end");
	put(data, "pg_wal/000000020000000000000006", "recycled");
	put(data, "pg_wal/000000030000000000000004", "theirs");
	put(data, "pg_wal/00000002.history", "history");
	assert_true(ha_lost_keep(&lost, data, &fault));
	assert_string_equal(lost.name, "2-0000000000400028");
	assert_true(ha_files_path(kept, folder.path, "lost/2-0000000000400028"));
	assert_true(has(kept, "000000010000000000000003", "checkpoint") && has(kept, "000000020000000000000004", "fork"));
	assert_true(has(kept, "000000020000000000000005", "end") && has(kept, "00000002.history", "history"));
	assert_false(there(kept, "000000010000000000000002") || there(kept, "000000020000000000000006"));
	assert_false(there(kept, "000000030000000000000004"));

	/* pg_rewind has overwritten one and removed another. */
	put(data, "pg_wal/000000020000000000000004", "overwritten");
	assert_true(ha_files_remove(data, "pg_wal/000000020000000000000005"));
	assert_true(ha_lost_restore(folder.path, lost.name, data, &fault));
	assert_true(has(data, "pg_wal/000000020000000000000004", "fork") &&
				has(data, "pg_wal/000000020000000000000005", "end"));
	assert_false(ha_lost_restore(folder.path, "9-0000000000000000", data, &fault));

	ha_lost_count(&lost, data);
	assert_int_equal(lost.commits, -1);
}

static void
test_prune(void **state)
{
	static const char *const names[] = {"1-0000000000000001", "1-0000000000000002", "1-0000000000000003",
		"1-0000000000000004"};
	char path[PATH_MAX];
	char lost[PATH_MAX];

	(void) state;
	assert_true(ha_files_path(lost, folder.path, "lost"));
	ha_lost_prune(folder.path, "");
	for (size_t i = 0; i < 4; i++)
	{
		const struct timespec times[2] = {{(time_t) (1000 + i), 0}, {(time_t) (1000 + i), 0}};

		assert_true(ha_files_path(path, lost, names[i]) && ha_files_make_directory(path, 0700));
		assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	}
	ha_lost_prune(folder.path, names[0]);
	assert_true(there(lost, names[0]) && there(lost, names[3]));
	assert_false(there(lost, names[1]) || there(lost, names[2]));
	ha_lost_prune(folder.path, "");
	assert_true(there(lost, names[0]) && there(lost, names[3]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_out_and_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cut_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cut_off_global, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_conflict, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prune, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
