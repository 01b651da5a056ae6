/*
 * test_argv.c: commands of settings, split without a shell (ops/argv).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/argv.h"

#define WORDS(...) (const char *const[]){__VA_ARGS__, NULL}

static void
splits(const char *command, const char *const *words)
{
	HaArgv argv;
	size_t count = 0;

	assert_null(ha_argv_split(command, &argv));
	for (; words[count] != NULL; count++)
	{
		assert_true(count < argv.count);
		assert_string_equal(argv.word[count], words[count]);
	}
	assert_int_equal(argv.count, count);
	assert_null(argv.word[count]);
}

static void
refuses(const char *command, const char *why)
{
	HaArgv argv;
	const char *said = ha_argv_split(command, &argv);

	assert_non_null(said);
	assert_non_null(strstr(said, why));
	assert_int_equal(argv.count, 0);
	assert_null(argv.word[0]);
}

static void
test_splits(void **state)
{
	(void) state;
	splits("/bin/true", WORDS("/bin/true"));
	splits("  /bin/ip addr\tadd 10.0.0.1/24  dev eth0 ", WORDS("/bin/ip", "addr", "add", "10.0.0.1/24", "dev", "eth0"));
	splits("/x 'a b' \"c d\" e\\ f", WORDS("/x", "a b", "c d", "e f"));
	splits("/x ''", WORDS("/x", ""));
	splits("/x a'b'\"c\"d", WORDS("/x", "abcd"));
	splits("/x '$HOME `id` ; |' \"\\\"\\\\\\n\"", WORDS("/x", "$HOME `id` ; |", "\"\\\\n"));
	splits("/x \\$HOME", WORDS("/x", "$HOME"));
	splits("/x --a=b,c:d@e%f+g_h-i.j", WORDS("/x", "--a=b,c:d@e%f+g_h-i.j"));
}

static void
test_empty(void **state)
{
	HaArgv argv;

	(void) state;
	assert_null(ha_argv_split("", &argv));
	assert_int_equal(argv.count, 0);
	assert_null(ha_argv_split(" \t\n", &argv));
	assert_int_equal(argv.count, 0);
}

static void
test_refuses(void **state)
{
	char longest[HA_ARGV_BYTES_MAX + 2];

	(void) state;
	refuses("ip addr", "absolute");
	refuses("./x", "absolute");
	refuses("''", "absolute");
	refuses("/x 'a", "quote");
	refuses("/x \"a", "quote");
	refuses("/x a\\", "backslash");
	refuses("/x $HOME", "shell");
	refuses("/x a;b", "shell");
	refuses("/x >f", "shell");
	refuses("/x `id`", "shell");
	refuses("/x *", "shell");
	refuses("/x a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5 6", "words");
	memset(longest, 'a', sizeof(longest) - 1);
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	refuses(longest, "long");
	longest[HA_ARGV_BYTES_MAX - 1] = '\0';
	splits(longest, WORDS(longest));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
