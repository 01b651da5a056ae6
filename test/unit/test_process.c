/*
 * test_process.c: other programs, run to their end (io/process).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/clock.h"
#include "io/process.h"

#define LIMIT_US (20 * 1000 * HA_US_PER_MS)

typedef struct Heard
{
	int count;
	char line[16][64];
} Heard;

static void
hear(void *self, const char *line)
{
	Heard *heard = self;

	if (heard->count < 16)
		snprintf(heard->line[heard->count], sizeof(heard->line[0]), "%.63s", line);
	heard->count++;
}

static bool
run_shell(const char *script, HaProcessJob job, Heard *heard, HaProcessEnd *end)
{
	const char *const argv[] = {"/bin/sh", "-c", script, NULL};

	memset(heard, 0, sizeof(*heard));
	job.argv = argv;
	job.line = hear;
	job.self = heard;
	if (job.limit_us == 0)
		job.limit_us = LIMIT_US;
	return ha_process_run(&job, end);
}

static void
test_lines(void **state)
{
	Heard heard;
	HaProcessEnd end;

	(void) state;
	assert_true(
		run_shell("printf 'one\\ntwo\\rthree\\n\\n'; echo four >&2; printf five", (HaProcessJob){0}, &heard, &end));
	assert_int_equal(heard.count, 5);
	assert_string_equal(heard.line[0], "one");
	assert_string_equal(heard.line[1], "two");
	assert_string_equal(heard.line[2], "three");
	assert_string_equal(heard.line[3], "four");
	assert_string_equal(heard.line[4], "five");
	assert_int_equal(end.exit_code, 0);
	assert_non_null(strstr(end.tail, "four; five"));
}

/* What is read is its output; what it complains of is kept for whoever asks why it failed. */
static void
test_errors_apart(void **state)
{
	Heard heard;
	HaProcessEnd end;

	(void) state;
	assert_false(run_shell("echo noise >&2; echo value; echo why >&2; exit 1", (HaProcessJob){.errors_apart = true},
						   &heard, &end));
	assert_int_equal(heard.count, 1);
	assert_string_equal(heard.line[0], "value");
	assert_non_null(strstr(end.tail, "why"));
}

/* A line longer than any is cut, not lost and not overrun; what is not printable does not reach the tail. */
static void
test_long_line(void **state)
{
	Heard heard;
	HaProcessEnd end;

	(void) state;
	assert_true(run_shell("head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\033[1mb\\n'", (HaProcessJob){0},
						  &heard, &end));
	assert_int_equal(heard.count, 2);
	assert_non_null(strstr(end.tail, "a?[1mb"));
}

static void
test_ends(void **state)
{
	Heard heard;
	HaProcessEnd end;
	char text[1024];

	(void) state;
	assert_false(run_shell("echo why; exit 3", (HaProcessJob){0}, &heard, &end));
	assert_int_equal(end.exit_code, 3);
	ha_process_end_text(&end, text, sizeof(text));
	assert_string_equal(text, "ended with exit code 3: why");

	assert_false(run_shell("kill -9 $$", (HaProcessJob){0}, &heard, &end));
	assert_int_equal(end.signal, SIGKILL);
	assert_int_equal(end.exit_code, -1);
	ha_process_end_text(&end, text, sizeof(text));
	assert_string_equal(text, "was ended by signal 9");
}

static void
test_not_there(void **state)
{
	const char *const argv[] = {"/no/such/program", NULL};
	const HaProcessJob job = {.argv = argv, .limit_us = LIMIT_US};
	HaProcessEnd end;

	(void) state;
	assert_false(ha_process_run(&job, &end));
	assert_int_equal(end.exit_code, 127);
	assert_string_equal(end.tail, "No such file or directory");
}

/* At the deadline it ends, and so does what it started; whoever ignores SIGTERM too. */
static void
test_deadline(void **state)
{
	Heard heard;
	HaProcessEnd end;
	HaUs began_us = ha_clock_now().mono_us;

	(void) state;
	assert_false(run_shell("trap '' TERM; cat /dev/zero >/dev/null & echo $!; wait; wait; cat /dev/zero >/dev/null",
						   (HaProcessJob){.limit_us = 200 * HA_US_PER_MS}, &heard, &end));
	assert_true(end.timed_out);
	assert_true(ha_clock_now().mono_us - began_us < LIMIT_US);
	assert_int_equal(heard.count, 1);
	while (ha_process_alive((pid_t) atoi(heard.line[0])))
	{
		assert_true(ha_clock_now().mono_us - began_us < LIMIT_US);
		ha_process_pause(HA_US_PER_MS);
	}
}

static void
test_input_and_environment(void **state)
{
	Heard heard;
	HaProcessEnd end;
	const char *const more[] = {"PGPASSWORD=secret", NULL};

	(void) state;
	setenv("PGHOST", "elsewhere", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	assert_true(run_shell("cat; echo \"$PGHOST,$PGPASSWORD,$LC_ALL\"",
						  (HaProcessJob){.environment = more, .input = "first\nsecond\n"}, &heard, &end));
	assert_int_equal(heard.count, 3);
	assert_string_equal(heard.line[1], "second");
	assert_string_equal(heard.line[2], ",secret,C");

	assert_true(run_shell("echo \"$PGHOST,$LC_ALL\"", (HaProcessJob){.keep_environment = true}, &heard, &end));
	assert_string_equal(heard.line[0], "elsewhere,de_DE.UTF-8");

	/* Without a text there is nothing to read, and nothing to wait for. */
	assert_true(run_shell("cat", (HaProcessJob){0}, &heard, &end));
	assert_int_equal(heard.count, 0);
	unsetenv("LC_ALL");
	unsetenv("PGHOST");
}

/* S62: it has a process group of its own, SIGHUP ignored, and none of our descriptors. */
static void
test_apart(void **state)
{
	Heard heard;
	HaProcessEnd end;
	char group[32];

	(void) state;
	snprintf(group, sizeof(group), "%d", (int) getpgrp());
	assert_true(run_shell("echo $$; ps -o pgid= -p $$ | tr -d ' '; kill -HUP $$; echo alive; ls /proc/$$/fd | wc -l",
						  (HaProcessJob){0}, &heard, &end));
	assert_string_equal(heard.line[0], heard.line[1]);
	assert_string_not_equal(heard.line[1], group);
	assert_string_equal(heard.line[2], "alive");
	assert_true(atoi(heard.line[3]) <= 4);
}

static bool
refuse(void *self)
{
	(void) self;
	return false;
}

/* What is not to go on is ended, without waiting for its limit. */
static void
test_given_up(void **state)
{
	Heard heard;
	HaProcessEnd end;
	char text[600];

	(void) state;
	assert_false(run_shell("echo begun; sleep 60", (HaProcessJob){.go_on = refuse}, &heard, &end));
	assert_true(end.given_up && !end.timed_out && !end.interrupted);
	ha_process_end_text(&end, text, sizeof(text));
	assert_string_equal(text, "was given up: begun");
}

/* Told to end, we end it at once, and say so. In a child: the signals stay caught. */
static void
test_interrupted(void **state)
{
	pid_t pid = fork();
	int status;

	(void) state;
	if (pid == 0)
	{
		Heard heard;
		HaProcessEnd end;
		bool ok = ha_process_catch_signals() && !ha_process_interrupted();

		ok = ok && !run_shell("kill -TERM $PPID; cat /dev/zero >/dev/null", (HaProcessJob){0}, &heard, &end) &&
			end.interrupted && !end.timed_out && ha_process_interrupted() && !ha_process_pause(LIMIT_US);
		ha_process_clear_interrupt();
		_exit(ok && !ha_process_interrupted() && ha_process_pause(HA_US_PER_MS) ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Trap 44: a zombie does not live, nor does number 0. */
static void
test_alive(void **state)
{
	siginfo_t info;
	pid_t pid;

	(void) state;
	assert_true(ha_process_alive(getpid()));
	assert_false(ha_process_alive(0));
	assert_false(ha_process_alive(-1));
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t) pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(kill(pid, 0), 0);
	assert_false(ha_process_alive(pid));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_false(ha_process_alive(pid));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_errors_apart),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_input_and_environment),
		cmocka_unit_test(test_apart),
		cmocka_unit_test(test_given_up),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_alive),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
