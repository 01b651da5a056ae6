/*
 * test_durable.c: a directory made durable in one step (drive/durable).
 */
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <cmocka.h>

#include "drive/durable.h"
#include "io/files.h"

static char place[32];

static void
test_release(void **state)
{
	(void) state;
	assert_true(ha_durable_release_tells("5.8.0"));
	assert_true(ha_durable_release_tells("5.10.0-28-amd64"));
	assert_true(ha_durable_release_tells("6.1"));
	assert_false(ha_durable_release_tells("5.7.19"));
	assert_false(ha_durable_release_tells("4.19.0-26-amd64"));
	assert_false(ha_durable_release_tells("6"));
	assert_false(ha_durable_release_tells("rolling"));
	assert_false(ha_durable_release_tells(""));
}

static bool
this_kernel_tells(void)
{
	struct utsname system;

	return uname(&system) == 0 && ha_durable_release_tells(system.release);
}

static int
make_data(void **state)
{
	char path[PATH_MAX];

	(void) state;
	snprintf(place, sizeof(place), "/tmp/test_durable.XXXXXX");
	if (mkdtemp(place) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/pg_wal", place);
	if (mkdir(path, 0700) != 0)
		return 1;
	snprintf(path, sizeof(path), "%s/pg_tblspc", place);
	return mkdir(path, 0700);
}

static int
remove_data(void **state)
{
	(void) state;
	return ha_files_remove_tree(place) ? 0 : 1;
}

/* Descriptors that are open: none may be left. */
static int
descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void
test_whole(void **state)
{
	HaDurable durable;
	int before = descriptors();

	(void) state;
	ha_durable_begin(&durable, place);
	assert_int_equal(durable.count, this_kernel_tells() ? 1 : 0);
	assert_true(ha_durable_end(&durable, place) == this_kernel_tells());
	assert_int_equal(descriptors(), before);
}

/* A tablespace that came in between, on a file system that was not looked at before: not known to be durable. */
static void
test_new_system(void **state)
{
	HaDurable durable;
	char link[PATH_MAX];
	int before = descriptors();

	(void) state;
	snprintf(link, sizeof(link), "%s/pg_tblspc/16385", place);
	ha_durable_begin(&durable, place);
	assert_int_equal(symlink("/proc", link), 0);
	assert_false(ha_durable_end(&durable, place));
	assert_int_equal(descriptors(), before);
	assert_int_equal(unlink(link), 0);
}

/* What is not there, or leads nowhere, is left to the sync file by file, which says what is wrong. */
static void
test_broken(void **state)
{
	HaDurable durable;
	char link[PATH_MAX];
	int before = descriptors();

	(void) state;
	ha_durable_begin(&durable, "/nonexistent");
	assert_false(ha_durable_end(&durable, "/nonexistent"));
	snprintf(link, sizeof(link), "%s/pg_tblspc/16386", place);
	assert_int_equal(symlink("/nonexistent", link), 0);
	ha_durable_begin(&durable, place);
	assert_false(ha_durable_end(&durable, place));
	assert_int_equal(descriptors(), before);
	assert_int_equal(unlink(link), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_release),
		cmocka_unit_test_setup_teardown(test_whole, make_data, remove_data),
		cmocka_unit_test_setup_teardown(test_new_system, make_data, remove_data),
		cmocka_unit_test_setup_teardown(test_broken, make_data, remove_data),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
