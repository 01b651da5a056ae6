/*
 * test_command.c: the options of the program (cli/command, which is in no library: it is compiled in here).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/command.c"
#include "test/unit/support/folder.h"

static struct
{
	const char *text;
	const char *other;
	bool flag;
	long number;
	HaOptionList list;
} given;

static const HaOption options_of_test[] = {
	{"text", HA_OPTION_TEXT, &given.text, "WORD", "a word", 0, 0},
	{"other", HA_OPTION_TEXT, &given.other, "WORD", "another\non two lines", 0, 0},
	{"flag", HA_OPTION_FLAG, &given.flag, NULL, "a flag", 0, 0},
	{"number", HA_OPTION_NUMBER, &given.number, "N", "a number", -5, 10},
	{"list", HA_OPTION_LIST, &given.list, "ITEM", "a list", 0, 0},
	{NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand closed = {"test", "[OPTION]...", "For the test.", options_of_test, false};
static const HaCommand open_ended = {"test", "[OPTION]... -- WORD...", "For the test.", options_of_test, true};

static Folder folder;
static int kept_error;
static int kept_output;

/* What is said goes into files meanwhile. */
static int
set_up(void **state)
{
	(void) state;
	memset(&given, 0, sizeof(given));
	folder_make(&folder);
	fflush(NULL);
	kept_error = dup(STDERR_FILENO);
	kept_output = dup(STDOUT_FILENO);
	assert_non_null(freopen(folder_file(&folder, "error"), "w+", stderr));
	assert_non_null(freopen(folder_file(&folder, "output"), "w+", stdout));
	return 0;
}

static int
tear_down(void **state)
{
	(void) state;
	fflush(NULL);
	dup2(kept_error, STDERR_FILENO);
	dup2(kept_output, STDOUT_FILENO);
	close(kept_error);
	close(kept_output);
	folder_remove(&folder);
	return 0;
}

static bool
said(const char *file, const char *words)
{
	char text[8192];

	fflush(NULL);
	text[folder_read(folder_file(&folder, file), text, sizeof(text) - 1)] = '\0';
	return strstr(text, words) != NULL;
}

#define READ(command, ...) \
	read_words(command, (char *[]){(char *) "test", __VA_ARGS__, NULL}, &operand, &code)

static bool
read_words(const HaCommand *command, char **argv, int *operand, HaExit *code)
{
	int argc = 0;

	while (argv[argc] != NULL)
		argc++;
	return ha_command_read(command, argc, argv, operand, code);
}

static void
test_reads(void **state)
{
	HaExit code;
	int operand;

	(void) state;
	assert_true(READ(&closed, "--text", "a", "--other=b c", "--flag", "--number", "-5", "--list", "x", "--list=y"));
	assert_string_equal(given.text, "a");
	assert_string_equal(given.other, "b c");
	assert_true(given.flag);
	assert_int_equal(given.number, -5);
	assert_int_equal(given.list.count, 2);
	assert_string_equal(given.list.item[1], "y");
	assert_int_equal(operand, 10);
}

static void
misused(HaExit code, const char *words)
{
	assert_int_equal(code, HA_EXIT_USAGE);
	assert_true(said("error", words));
	assert_true(said("error", "pg_haops test --help"));
}

static void
test_unknown(void **state)
{
	HaExit code;
	int operand;

	(void) state;
	assert_false(READ(&closed, "--nonsense", "1"));
	misused(code, "\"--nonsense\" is not understood");
}

static void
test_missing_value(void **state)
{
	HaExit code;
	int operand;

	(void) state;
	assert_false(READ(&closed, "--text"));
	misused(code, "\"--text\" is not understood");
}

static void
test_value_for_flag(void **state)
{
	HaExit code;
	int operand;

	(void) state;
	assert_false(READ(&closed, "--flag=yes"));
	misused(code, "is not understood");
}

static void
test_twice(void **state)
{
	HaExit code;
	int operand;

	(void) state;
	assert_false(READ(&closed, "--text", "a", "--text", "b"));
	misused(code, "--text was given twice");
}

static void
test_numbers(void **state)
{
	static const char *const bad[] = {"", "x", "1x", "11", "-6", "99999999999999999999", "0x1", " "};
	HaExit code;
	int operand;

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_false(READ(&closed, "--number", (char *) bad[i]));
		misused(code, "is not a number from -5 to 10");
		assert_int_equal(given.number, 0);
	}
}

static void
test_too_many(void **state)
{
	HaExit code;
	int operand;
	char *argv[2 * HA_OPTION_LIST_MAX + 4] = {(char *) "test"};

	(void) state;
	for (int i = 0; i <= HA_OPTION_LIST_MAX; i++)
	{
		argv[1 + 2 * i] = (char *) "--list";
		argv[2 + 2 * i] = (char *) "x";
	}
	assert_false(read_words(&closed, argv, &operand, &code));
	misused(code, "more than 16 times");
}

static void
test_words(void **state)
{
	HaExit code;
	int operand;

	(void) state;
	assert_false(READ(&closed, "word"));
	misused(code, "\"word\" is not understood");
	assert_false(READ(&open_ended, "word"));
	assert_false(READ(&closed, "--flag", "--", "word"));
	assert_true(READ(&open_ended, "--flag", "--", "/bin/x", "--text"));
	assert_int_equal(operand, 3);
	assert_null(given.text);
}

static void
test_help(void **state)
{
	HaExit code;
	int operand;

	(void) state;
	assert_false(READ(&closed, "--help"));
	assert_int_equal(code, HA_EXIT_OK);
	assert_true(said("output", "Usage: pg_haops test [OPTION]..."));
	assert_true(said("output", "  --text WORD               a word\n"));
	assert_true(said("output", "another\n                            on two lines\n"));
	assert_true(said("output", "  --help                    show this\n"));
}

static void
test_faults(void **state)
{
	const HaFault fault = {"it failed", "do this", false};
	const HaFault bare = {"it failed again", "", false};

	(void) state;
	assert_int_equal(ha_command_fail(&closed, &fault), HA_EXIT_FAILED);
	assert_true(said("error", "pg_haops test: error: it failed\npg_haops test: hint: do this\n"));
	ha_command_fail(&closed, &bare);
	assert_true(said("error", "pg_haops test: error: it failed again\n"));
	ha_command_warn(&bare);
	assert_true(said("error", "pg_haops: warning: it failed again\n"));
	ha_command_teller().tell(NULL, "50 %");
	assert_true(said("error", "pg_haops: 50 %\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_reads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing_value, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_value_for_flag, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_help, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_faults, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
