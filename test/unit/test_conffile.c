/*
 * test_conffile.c: our block in PostgreSQL's configuration files (io/conffile).
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

#include "io/conffile.h"
#include "io/files.h"
#include "test/unit/support/folder.h"

static char *
edit(const char *text, const char *lines, HaConfPlace place)
{
	bool bad;
	char *edited = ha_conffile_edit(text, lines, place, &bad);

	assert_non_null(edited);
	assert_false(bad);
	return edited;
}

static void
test_block_at_the_end(void **state)
{
	char *once = edit("a = 1\nb = 2", "port = '1'\n", HA_CONF_END);
	char *twice = edit(once, "port = '2'\n", HA_CONF_END);
	char *lines = ha_conffile_block(twice);
	char *none = edit(twice, "", HA_CONF_END);
	char *after;
	char longer[1024];

	(void) state;
	assert_memory_equal(once, "a = 1\nb = 2\n# ---- pg_haops", 26);
	assert_non_null(strstr(once, "port = '1'\n"));
	assert_null(strstr(twice, "port = '1'"));
	assert_string_equal(lines, "port = '2'\n");
	assert_string_equal(none, "a = 1\nb = 2\n");

	/* What somebody added after it comes before it: the last one counts. */
	snprintf(longer, sizeof(longer), "%sport = 7\n", twice);
	after = edit(longer, "port = '3'\n", HA_CONF_END);
	assert_true(strstr(after, "port = 7") < strstr(after, "port = '3'"));
	free(once);
	free(twice);
	free(lines);
	free(none);
	free(after);
}

static void
test_block_at_the_top(void **state)
{
	char *once = edit("local all all peer\n", "host x\n", HA_CONF_TOP);
	char *none = edit(once, "", HA_CONF_TOP);
	char *empty = edit("", "host x\n", HA_CONF_TOP);

	(void) state;
	assert_memory_equal(once, "# ---- pg_haops", 15);
	assert_true(strstr(once, "host x\n") < strstr(once, "local all"));
	assert_string_equal(none, "local all all peer\n");
	assert_non_null(strstr(empty, "host x\n"));
	free(once);
	free(none);
	free(empty);
}

/* Marks that are no pair: nobody knows what is ours, so nothing is touched. */
static void
test_damaged_marks(void **state)
{
	char *whole = edit("a = 1\n", "b = 2\n", HA_CONF_END);
	char *end = strstr(whole, "# ---- pg_haops: end");
	char twice[2048];
	char *block;
	bool bad;

	(void) state;
	snprintf(twice, sizeof(twice), "%s%s", whole, whole);
	assert_null(ha_conffile_edit(twice, "c = 3\n", HA_CONF_END, &bad));
	assert_true(bad);
	assert_null(ha_conffile_edit(end, "c = 3\n", HA_CONF_END, &bad));
	assert_true(bad);
	snprintf(twice, sizeof(twice), "%s%s", end, whole);	/* an end before the pair */
	assert_null(ha_conffile_edit(twice, "c = 3\n", HA_CONF_TOP, &bad));
	assert_true(bad);
	end[-1] = '\0';	/* cut off within the block, and right after its first line */
	assert_null(ha_conffile_edit(whole, "c = 3\n", HA_CONF_END, &bad));
	assert_true(bad);
	*strstr(whole, "\nb = 2") = '\0';
	assert_null(ha_conffile_edit(whole, "c = 3\n", HA_CONF_END, &bad));
	assert_true(bad);
	block = ha_conffile_block(whole);
	assert_string_equal(block, "");
	free(block);
	free(whole);
}

/* A mark counts at the beginning of a line only. */
static void
test_mark_in_a_line(void **state)
{
	char *whole = edit("a = 1\n", "b = 2\n", HA_CONF_END);
	char inside[2048];
	char *edited;

	(void) state;
	snprintf(inside, sizeof(inside), "x = 'y' %s", strstr(whole, "# ----"));
	strchr(inside, '\n')[1] = '\0';
	edited = edit(inside, "c = 3\n", HA_CONF_END);
	assert_memory_equal(edited, inside, strlen(inside));
	free(edited);
	free(whole);
}

static void
test_file(void **state)
{
	Folder folder;
	HaFault fault = {.text = ""};
	char path[PATH_MAX];
	struct stat about;
	char *text;

	(void) state;
	folder_make(&folder);
	assert_true(ha_files_path(path, folder.path, "postgresql.conf"));
	assert_false(ha_conffile_set_block(path, "a = 1\n", HA_CONF_END, &fault));
	assert_non_null(strstr(fault.text, "can't be read"));
	folder_write(path, "x = 1\n", 6, 0640);
	assert_true(ha_conffile_set_block(path, "a = 1\n", HA_CONF_END, &fault));
	assert_int_equal(stat(path, &about), 0);
	assert_int_equal(about.st_mode & 0777, 0640);
	text = ha_files_read(path, 1024, NULL);
	assert_non_null(strstr(text, "a = 1\n"));
	free(text);
	assert_true(ha_files_remove_tree(folder.path));
}

static void
test_unset(void **state)
{
	const char *const names[] = {"port", "primary_conninfo", NULL};
	static const char lines[] = "# port\nPort = '1'\nport_x = 2\nprimary_conninfo = 'port=1'\nwork_mem=1";
	Folder folder;
	HaFault fault = {.text = ""};
	char path[PATH_MAX];
	char *text;
	int count;

	(void) state;
	folder_make(&folder);
	assert_true(ha_files_path(path, folder.path, "postgresql.auto.conf"));
	assert_true(ha_conffile_unset(path, names, &count, &fault));
	assert_int_equal(count, 0);
	folder_write(path, lines, strlen(lines), 0600);
	assert_true(ha_conffile_unset(path, names, &count, &fault));
	assert_int_equal(count, 2);
	text = ha_files_read(path, 1024, NULL);
	assert_string_equal(text, "# port\nport_x = 2\nwork_mem=1");
	free(text);
	assert_true(ha_files_remove_tree(folder.path));
}

static void
test_values(void **state)
{
	char lines[64] = "";

	(void) state;
	assert_true(ha_conffile_add(lines, sizeof(lines), "a.b", "it's \\ it"));
	assert_string_equal(lines, "a.b = 'it''s \\\\ it'\n");
	assert_false(ha_conffile_add(lines, sizeof(lines), "a", "two\nlines"));
	assert_false(ha_conffile_add(lines, sizeof(lines), "a", "0123456789012345678901234567890123456789"));
	assert_string_equal(lines, "a.b = 'it''s \\\\ it'\n");

	assert_true(ha_conffile_name_valid("work_mem", 8));
	assert_true(ha_conffile_name_valid("pg_haops.promise", 16));
	assert_true(ha_conffile_name_valid("x1", 2));
	assert_false(ha_conffile_name_valid("", 0));
	assert_false(ha_conffile_name_valid("1x", 2));
	assert_false(ha_conffile_name_valid(".x", 2));
	assert_false(ha_conffile_name_valid("x.", 2));
	assert_false(ha_conffile_name_valid("a.b.c", 5));
	assert_false(ha_conffile_name_valid("a b", 3));
	assert_false(ha_conffile_name_valid("a\n", 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_block_at_the_end),
		cmocka_unit_test(test_block_at_the_top),
		cmocka_unit_test(test_damaged_marks),
		cmocka_unit_test(test_mark_in_a_line),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_unset),
		cmocka_unit_test(test_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
