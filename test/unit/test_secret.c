/*
 * test_secret.c: files that only we may read, and what is wrong with others (io/secret).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/secret.h"

static char folder[64];
static char path[96];
static char text[64];

static int
start(void **state)
{
	(void) state;
	snprintf(folder, sizeof(folder), "/tmp/test_secret.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/secret", folder);
	return 0;
}

static int
stop(void **state)
{
	(void) state;
	unlink(path);
	return rmdir(folder);
}

static void
hold(const char *bytes, size_t count, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, count, file), count);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
refuses(const char *why)
{
	const char *said;

	memset(text, 'x', sizeof(text));
	said = ha_secret_read(path, text, sizeof(text));
	assert_non_null(said);
	assert_non_null(strstr(said, why));
	assert_string_equal(text, "");
}

static void
test_reads(void **state)
{
	(void) state;
	hold("  a secret\r\n", 12, 0600);
	assert_null(ha_secret_read(path, text, sizeof(text)));
	assert_string_equal(text, "a secret");
	hold("x", 1, 0400);
	assert_null(ha_secret_read(path, text, sizeof(text)));
	assert_string_equal(text, "x");
	ha_secret_wipe(text, sizeof(text));
	assert_string_equal(text, "");
}

static void
test_refuses_contents(void **state)
{
	char longest[64];

	(void) state;
	hold("", 0, 0600);
	refuses("empty");
	hold("\n \n", 3, 0600);
	refuses("empty");
	hold("one\ntwo\n", 8, 0600);
	refuses("one line");
	hold("a\0b", 3, 0600);
	refuses("one line");
	memset(longest, 'a', sizeof(longest));
	hold(longest, 64, 0600);
	refuses("too long");
	hold(longest, 63, 0600);
	assert_null(ha_secret_read(path, text, sizeof(text)));
}

static void
test_refuses_files(void **state)
{
	char target[128];

	(void) state;
	refuses("does not exist");
	hold("x", 1, 0640);
	refuses("others");
	hold("x", 1, 0604);
	refuses("others");
	if (geteuid() == 0)
	{
		hold("x", 1, 0600);
		assert_int_equal(chown(path, 65534, 65534), 0);
		refuses("another user");
	}
	unlink(path);
	snprintf(target, sizeof(target), "%s/target", folder);
	assert_int_equal(symlink(target, path), 0);
	refuses("symbolic link");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses("regular");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refuses("regular");
	rmdir(path);
}

static void
test_refuses_open_folders(void **state)
{
	(void) state;
	hold("x", 1, 0600);
	assert_int_equal(chmod(folder, 0777), 0);
	refuses("everybody");
	assert_int_equal(chmod(folder, 0700), 0);
	assert_null(ha_secret_read(path, text, sizeof(text)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads, start, stop),
		cmocka_unit_test_setup_teardown(test_refuses_contents, start, stop),
		cmocka_unit_test_setup_teardown(test_refuses_files, start, stop),
		cmocka_unit_test_setup_teardown(test_refuses_open_folders, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
