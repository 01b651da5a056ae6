/*
 * test_launch.c: what a server said before it ended (cli/launch).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "cli/launch.c"

static void
expect(const char *log, const char *complaint)
{
	char text[2048];
	char found[512];

	snprintf(text, sizeof(text), "%s", log);
	ha_launch_complaint(text, found, sizeof(found));
	assert_string_equal(found, complaint);
}

static void
test_complaint(void **state)
{
	(void) state;
	expect("", "");
	expect("2026-01-01 10:00:00.000 UTC [7] LOG:  starting PostgreSQL\n", "");
	expect("2026-01-01 [7] LOG:  a\n"
		   "2026-01-01 [7] FATAL:  could not create any TCP/IP sockets\n2026-01-01 [7] LOG:  b\n",
		   "FATAL:  could not create any TCP/IP sockets");
	expect("FATAL:  the first\nPANIC:  the last", "PANIC:  the last");
}

/* Clients that came too early are not why it ended. */
static void
test_clients(void **state)
{
	(void) state;
	expect("[7] FATAL:  the reason\n[8] FATAL:  the database system is starting up\n"
		   "[9] FATAL:  the database system is not yet accepting connections\n", "FATAL:  the reason");
}

static void
test_unclean(void **state)
{
	(void) state;
	expect("[7] FATAL:  \x1b[31mred\x80\n", "FATAL:  ?[31mred?");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_complaint),
		cmocka_unit_test(test_clients),
		cmocka_unit_test(test_unclean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
