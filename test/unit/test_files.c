/*
 * test_files.c: small files and folders (io/files).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/files.h"
#include "test/unit/support/folder.h"

static Folder folder;
static char path[PATH_MAX];
static char other[PATH_MAX];

static const char *
in(const char *name)
{
	assert_true(ha_files_path(path, folder.path, name));
	return path;
}

static int
set_up(void **state)
{
	(void) state;
	folder_make(&folder);
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	return ha_files_remove_tree(folder.path) ? 0 : -1;
}

static mode_t
mode_of(const char *name)
{
	struct stat about;

	assert_int_equal(lstat(name, &about), 0);
	return about.st_mode & 07777;
}

static void
test_write(void **state)
{
	char *text;
	size_t count;

	(void) state;
	umask(0);
	assert_true(ha_files_write(in("a"), "one", 3, 0600));
	assert_int_equal(mode_of(path), 0600);
	assert_int_equal(chmod(path, 0640), 0);
	assert_true(ha_files_write(path, "second", 6, 0600));
	assert_int_equal(mode_of(path), 0640);
	text = ha_files_read(path, 100, &count);
	assert_int_equal(count, 6);
	assert_string_equal(text, "second");
	free(text);
	assert_null(ha_files_read(path, 5, &count));
	assert_int_equal(errno, EFBIG);
	assert_null(ha_files_read(folder.path, 100, &count));
	assert_null(ha_files_read(in("missing"), 100, &count));
	assert_int_equal(errno, ENOENT);
	assert_false(ha_files_write(in("no/such/folder"), "x", 1, 0600));
}

/* A link to a configuration file stays a link; what is left of a write that was cut off is overwritten. */
static void
test_write_through_link(void **state)
{
	char *text;

	(void) state;
	assert_true(ha_files_write(in("real"), "old", 3, 0600));
	memcpy(other, path, sizeof(other));
	assert_int_equal(symlink(other, in("link")), 0);
	assert_true(ha_files_write(in("real.new"), "left over", 9, 0600));
	assert_true(ha_files_write(in("link"), "new", 3, 0600));
	assert_true(ha_files_exists(path));
	text = ha_files_read(other, 100, NULL);
	assert_string_equal(text, "new");
	free(text);
	assert_false(ha_files_exists(in("real.new")));
}

static void
test_directories(void **state)
{
	(void) state;
	assert_true(ha_files_is_empty(in("x/y/z")));
	assert_true(ha_files_make_directory(path, 0700));
	assert_true(ha_files_make_directory(path, 0700));
	assert_true(ha_files_is_directory(path));
	assert_true(ha_files_is_empty(path));
	assert_false(ha_files_is_empty(in("x")));
	assert_int_equal(errno, ENOTEMPTY);
	assert_true(ha_files_write_line(path, "line", "text"));
	assert_false(ha_files_make_directory(in("x/line"), 0700));
	assert_false(ha_files_make_directory(in("x/line/y"), 0700));
	assert_true(ha_files_remove(in("x"), "line"));
	assert_true(ha_files_remove(path, "line"));
	assert_true(ha_files_remove_tree(path));
	assert_true(ha_files_remove_tree(path));
	assert_false(ha_files_exists(path));
	assert_true(ha_files_space(folder.path) > 0);
}

/* What is removed does not reach through symbolic links. */
static void
test_remove_links(void **state)
{
	(void) state;
	assert_true(ha_files_make_directory(in("outside"), 0700));
	assert_true(ha_files_write_line(path, "kept", "x"));
	memcpy(other, path, sizeof(other));
	assert_true(ha_files_make_directory(in("tree/deep"), 0700));
	assert_int_equal(symlink(other, in("tree/deep/link")), 0);
	assert_true(ha_files_remove_tree(in("tree")));
	assert_true(ha_files_path(path, other, "kept"));
	assert_true(ha_files_exists(path));
	assert_true(ha_files_empty(other));
	assert_true(ha_files_is_directory(other));
	assert_false(ha_files_exists(path));
}

static void
test_copy(void **state)
{
	char *text;

	(void) state;
	assert_true(ha_files_write_line(folder.path, "from", "some text"));
	memcpy(other, in("from"), sizeof(other));
	assert_true(ha_files_copy(other, in("to")));
	text = ha_files_read(path, 100, NULL);
	assert_string_equal(text, "some text\n");
	free(text);
	assert_false(ha_files_copy(other, path));
	assert_int_equal(errno, EEXIST);
	assert_false(ha_files_copy(in("missing"), other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_write, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_write_through_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_directories, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_remove_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_copy, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
