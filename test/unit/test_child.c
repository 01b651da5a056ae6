/*
 * test_child.c: programs beside us: their end, output, deadline, group and environment (io/child; S61).
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/child.h"
#include "io/clock.h"

static HaChild child;

static void
begin(const char *script, uint32_t limit_ms)
{
	char *argv[] = {"/bin/sh", "-c", (char *) script, NULL};
	char *environment[] = {"PATH=/usr/bin:/bin", "HAOPS_EVENT=promote", NULL};

	assert_true(ha_child_start(&child, argv, environment, limit_ms, ha_clock_now()));
	assert_true(ha_child_runs(&child));
}

/* Serves it until it has ended, 10 s at the most. */
static void
await(void)
{
	HaUs until_us = ha_clock_now().mono_us + 10 * 1000 * HA_US_PER_MS;

	while (!ha_child_serve(&child, ha_clock_now()))
	{
		struct pollfd output = {child.output_fd, POLLIN, 0};

		assert_true(ha_clock_now().mono_us < until_us);
		poll(&output, 1, 10);
	}
	assert_false(ha_child_runs(&child));
	assert_false(ha_child_serve(&child, ha_clock_now()));
}

static void
output_is(const char *expected)
{
	assert_int_equal(child.output_bytes, strlen(expected));
	assert_memory_equal(child.output, expected, strlen(expected));
}

static void
test_ends(void **state)
{
	(void) state;
	begin("echo out; echo err >&2; exit 3", 5000);
	await();
	assert_int_equal(child.exit_code, 3);
	assert_int_equal(child.signal, 0);
	output_is("out\nerr\n");
}

static void
test_environment(void **state)
{
	(void) state;
	setenv("PGPASSWORD", "not for children", 1);
	begin("echo $HAOPS_EVENT$PGPASSWORD; cat; ls /proc/self/fd | tr '\\n' ' '", 5000);
	await();
	output_is("promote\n0 1 2 3 ");	/* 3 is the folder that ls reads */
}

/* A descriptor without CLOEXEC, a blocked and an ignored signal: none of them is handed down. */
static void
test_nothing_is_inherited(void **state)
{
	int fd = open("/dev/null", O_RDONLY);
	sigset_t term, before;

	(void) state;
	assert_int_equal(dup2(fd, 100), 100);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	signal(SIGINT, SIG_IGN);
	/* Signals 32 and 33 are the C library's own: whoever was started by posix_spawn() has them ignored. */
	begin("ls /proc/self/fd | tr '\\n' ' '; grep -E '^Sig(Blk|Ign)' /proc/self/status | "
		  "sed 's/0000000180000000/0000000000000000/' | tr '\\n' ' '", 5000);
	await();
	sigprocmask(SIG_SETMASK, &before, NULL);
	output_is("0 1 2 3 SigBlk:\t0000000000000000 SigIgn:\t0000000000000000 ");
	close(100);
	close(fd);
}

static void
test_no_such_program(void **state)
{
	char *argv[] = {"/nonexistent/program", NULL};
	char *environment[] = {NULL};

	(void) state;
	assert_true(ha_child_start(&child, argv, environment, 1000, ha_clock_now()));
	await();
	assert_int_equal(child.exit_code, 127);
	output_is("there is no such program");
}

/* Much more than is kept, and than a pipe holds: it must not block. */
static void
test_much_output(void **state)
{
	(void) state;
	begin("head -c 1000000 /dev/zero | tr '\\0' x; exit 7", 5000);
	await();
	assert_int_equal(child.exit_code, 7);
	assert_int_equal(child.output_bytes, HA_CHILD_OUTPUT_MAX);
}

static void
test_deadline(void **state)
{
	(void) state;
	begin("exec sleep 100", 100);
	await();
	assert_true(child.terminated);
	assert_false(child.killed);
	assert_int_equal(child.signal, SIGTERM);
	assert_in_range(child.took_us, 100 * HA_US_PER_MS, 900 * HA_US_PER_MS);
}

/* Gone, or a zombie that nobody has reaped. */
static bool
is_gone(pid_t pid)
{
	char path[64], state = 'Z';
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	file = fopen(path, "r");
	if (file == NULL)
		return true;
	(void) !fscanf(file, "%*d %*s %c", &state);
	fclose(file);
	return state == 'Z';
}

/* It ignores SIGTERM, and so do its children: the whole group is killed. */
static void
test_deadline_of_a_stubborn_group(void **state)
{
	(void) state;
	begin("trap '' TERM; (sleep 100; sleep 100) & echo $!; while :; do sleep 1; done", 100);
	await();
	assert_true(child.killed);
	assert_int_equal(child.signal, SIGKILL);
	child.output[child.output_bytes < HA_CHILD_OUTPUT_MAX ? child.output_bytes : HA_CHILD_OUTPUT_MAX - 1] = '\0';
	assert_true(atoi(child.output) > 1);
	for (int i = 0; i < 500 && !is_gone(atoi(child.output)); i++)
		poll(NULL, 0, 10);
	assert_true(is_gone(atoi(child.output)));
}

static void
test_stop(void **state)
{
	HaUs began_us = ha_clock_now().mono_us;

	(void) state;
	begin("trap '' TERM; while :; do sleep 1; done", 60000);
	ha_child_stop(&child, 200 * HA_US_PER_MS);
	assert_false(ha_child_runs(&child));
	assert_true(ha_clock_now().mono_us - began_us < 2000 * HA_US_PER_MS);
	begin("exit 0", 60000);
	ha_child_stop(&child, 200 * HA_US_PER_MS);
	ha_child_stop(&child, 0);
	assert_false(ha_child_runs(&child));
}

/* Nobody looks after it any more: the alarm that it was born with ends it. */
static void
test_abandoned(void **state)
{
	char *argv[] = {"/bin/sleep", "100", NULL};
	char *environment[] = {NULL};
	pid_t pid;

	(void) state;
	assert_true(ha_child_start(&child, argv, environment, 100, ha_clock_now()));
	pid = child.pid;
	ha_child_abandon(&child);
	assert_false(ha_child_runs(&child));
	for (int i = 0; i < 500 && waitpid(pid, NULL, WNOHANG) == 0; i++)
		poll(NULL, 0, 10);
	assert_int_equal(kill(pid, 0), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_nothing_is_inherited),
		cmocka_unit_test(test_no_such_program),
		cmocka_unit_test(test_much_output),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_deadline_of_a_stubborn_group),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_abandoned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
