/*
 * test_marker.c: the file that says how far a rewind or clone has come (drive/marker).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "drive/marker.h"
#include "io/files.h"
#include "test/unit/support/folder.h"

static void
test_round_trip(void **state)
{
	Folder folder;
	HaFault fault = {.text = ""};
	HaMarker marker = {HA_MARKER_CLONE, HA_MARKER_IN, 31, HA_TERM_MAX - 1, 2, "7-0000000003018048"};
	HaMarker back;
	bool there;

	(void) state;
	folder_make(&folder);
	assert_true(ha_marker_read(folder.path, &back, &there, &fault));
	assert_false(there);
	assert_true(ha_marker_write(folder.path, &marker, &fault));
	assert_true(ha_marker_read(folder.path, &back, &there, &fault));
	assert_true(there);
	assert_int_equal(back.method, HA_MARKER_CLONE);
	assert_int_equal(back.phase, HA_MARKER_IN);
	assert_int_equal(back.leader, 31);
	assert_true(back.term == HA_TERM_MAX - 1);
	assert_int_equal(back.tries, 2);
	assert_string_equal(back.lost, "7-0000000003018048");
	marker.lost[0] = '\0';
	marker.method = HA_MARKER_REWIND;
	marker.phase = HA_MARKER_WORK;
	assert_true(ha_marker_write(folder.path, &marker, &fault));
	assert_true(ha_marker_read(folder.path, &back, &there, &fault));
	assert_int_equal(back.method, HA_MARKER_REWIND);
	assert_string_equal(back.lost, "");
	assert_true(ha_marker_remove(folder.path, &fault));
	assert_true(ha_marker_remove(folder.path, &fault));
	assert_true(ha_marker_read(folder.path, &back, &there, &fault));
	assert_false(there);
	assert_true(ha_files_remove_tree(folder.path));
}

/* A marker that can't be understood is there all the same: the directory is not whole. */
static void
test_damaged(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"method=rewind",
		"method=rewind phase=work leader=1 term=1 tries=0\n",
		"method=other phase=work leader=1 term=1 tries=0 lost=\n",
		"method=clone phase=out leader=1 term=1 tries=0 lost=\n",
		"method=clone phase=in leader=0 term=1 tries=0 lost=\n",
		"method=clone phase=in leader=32 term=1 tries=0 lost=\n",
		"method=clone phase=in leader=1 term=99999999999999999999 tries=0 lost=\n",
		"method=clone phase=in leader=1 term=1 tries=0 lost=../../etc\n",
		"method=clone phase=in leader=1 term=1 tries=0 lost=a/b\n",
		"method=clone phase=in leader=1 term=1 tries=0 lost=0123456789012345678901234567890123456789\n",
	};
	Folder folder;
	HaMarker marker;
	bool there;

	(void) state;
	folder_make(&folder);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		HaFault fault = {.text = ""};

		assert_false(ha_marker_parse(texts[i], &marker));
		folder_write(folder_file(&folder, HA_MARKER_FILE), texts[i], strlen(texts[i]), 0600);
		assert_false(ha_marker_read(folder.path, &marker, &there, &fault));
		assert_true(there);
		assert_true(fault.text[0] != '\0');
	}
	assert_true(ha_files_remove_tree(folder.path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
