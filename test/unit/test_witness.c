/*
 * test_witness.c: a witness process joins a cluster of two data members, votes, ends on SIGTERM, comes back.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drive/witness.h"
#include "io/files.h"
#include "test/unit/support/crew.h"

#define JOIN_LIMIT_US (20 * 1000 * HA_US_PER_MS)

static Folder folder;
static HaWitnessPlan plan;
static char state_path[FOLDER_PATH_MAX + 8];
static char key_path[FOLDER_PATH_MAX + 8];
static char wrong_key_path[FOLDER_PATH_MAX + 8];
static HaUs join_limit_us = JOIN_LIMIT_US;

static int
setup(void **state)
{
	char key[65];

	(void) state;
	crew_begin(2, 0);
	CREW_UNTIL(crew_leader() != 0 && crew_agrees(crew_leader()));
	folder_make(&folder);
	snprintf(state_path, sizeof(state_path), "%s/w", folder.path);
	snprintf(key_path, sizeof(key_path), "%s/k", folder.path);
	for (int i = 0; i < 32; i++)
		snprintf(key + 2 * i, 3, "%02x", crew_key()->byte[i]);
	key[64] = '\n';
	folder_write(key_path, key, 65, 0600);
	plan = (HaWitnessPlan){.state = state_path, .key = key_path, .name = "w1", .peer_host = "127.0.0.1",
		.through_host = "127.0.0.1"};
	plan.peer_port = crew_free_port();
	plan.through_port = crew_port(3 - crew_leader());	/* the one that does not lead */
	return 0;
}

static int
teardown(void **state)
{
	(void) state;
	crew_end();
	assert_true(ha_files_remove_tree(folder.path));
	return 0;
}

static void
log_nothing(HaSeverity severity, const char *text)
{
	(void) severity;
	(void) text;
}

/* Joins and takes part in a process of its own. Exit code 0: told to end; 1: could not begin; 2: could not join. */
static pid_t
start_witness(bool join)
{
	pid_t pid = fork();
	HaFault fault = {0};

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	crew_forget();
	if (join && !ha_witness_join(&plan, join_limit_us, &fault))
		_exit(2);
	_exit(ha_witness_run(plan.state, "", 0, log_nothing, &fault) ? 0 : 1);
}

/* Its exit code; the crew goes on meanwhile. */
static int
wait_for(pid_t pid)
{
	int status = 0;

	CREW_UNTIL(waitpid(pid, &status, WNOHANG) == pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static const HaRegister *
reg(void)
{
	return &ha_engine_node(crew[crew_leader() != 0 ? crew_leader() : 1].engine)->hard.reg;
}

static void
test_joins_votes_and_comes_back(void **state)
{
	HaHard hard;
	HaId leader = crew_leader();
	pid_t pid = start_witness(true);

	(void) state;
	CREW_UNTIL(ha_set_has(reg()->voters, 3) && reg()->voters_previous == 0);
	assert_string_equal(ha_register_member(reg(), 3)->name, "w1");
	assert_int_equal(ha_register_member(reg(), 3)->flags, 0);
	assert_true(ha_witness_has_joined(state_path));

	/* With its vote a data member is replaced by the other. */
	crew_kill(leader);
	CREW_UNTIL(crew_leader() == 3 - leader);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_for(pid), 0);
	assert_int_equal(ha_store_peek(state_path, &hard), HA_STORE_OK);
	assert_int_equal(hard.id, 3);
	assert_int_equal(hard.run, 1);
	assert_int_equal(hard.promise_ms, CREW_PROMISE_MS);
	assert_true(hard.term >= 2);

	/* Alone the other has no majority; the witness comes back with its state alone, and it leads again. */
	CREW_UNTIL(crew_leader() == 0);
	pid = start_witness(false);
	CREW_UNTIL(crew_leader() == 3 - leader);
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_for(pid), 0);
	assert_int_equal(ha_store_peek(state_path, &hard), HA_STORE_OK);
	assert_int_equal(hard.run, 2);
	crew_start(leader);
}

/* A join that was cut off after the cluster had added it is repeated, not refused. */
static void
test_a_join_is_repeated(void **state)
{
	HaId id;
	pid_t pid = start_witness(true);

	(void) state;
	CREW_UNTIL(ha_set_has(reg()->voters, 3));
	assert_int_equal(kill(pid, SIGKILL), 0);
	CREW_UNTIL(waitpid(pid, NULL, WNOHANG) == pid);
	id = ha_register_member(reg(), 3)->id;

	/* As it was before the state was written: `joining` holds the incarnation, there is no state. */
	{
		char path[FOLDER_PATH_MAX + 16];

		snprintf(path, sizeof(path), "%s/joining", state_path);
		folder_write(path, ha_register_member(reg(), 3)->incarnation.byte, 16, 0600);
		snprintf(path, sizeof(path), "%s/state", state_path);
		assert_int_equal(unlink(path), 0);
	}
	pid = start_witness(true);
	CREW_UNTIL(ha_witness_has_joined(state_path) && crew_leader() != 0);
	assert_int_equal(reg()->member_count, 3);
	assert_int_equal(ha_register_member(reg(), 3)->id, id);
	assert_int_equal(kill(pid, SIGKILL), 0);
	CREW_UNTIL(waitpid(pid, NULL, WNOHANG) == pid);
}

static void
test_what_does_not_begin(void **state)
{
	HaFault fault = {0};
	HaWitnessPlan bad = plan;
	char wrong_path[FOLDER_PATH_MAX + 16];
	pid_t pid;

	(void) state;
	assert_false(ha_witness_has_joined(state_path));
	assert_false(ha_witness_run(state_path, "", 0, log_nothing, &fault));
	assert_true(fault.text[0] != '\0');

	snprintf(bad.name, sizeof(bad.name), "-x");
	assert_false(ha_witness_join(&bad, 1, &fault));
	bad = plan;
	bad.key = "/nonexistent";
	assert_false(ha_witness_join(&bad, 1, &fault));
	assert_non_null(strstr(fault.text, "key"));

	/* Nobody there, and a deadline. */
	bad = plan;
	bad.through_port = 1;
	assert_false(ha_witness_join(&bad, 500 * HA_US_PER_MS, &fault));
	assert_non_null(strstr(fault.text, "could not join"));

	/* A name that is taken, in a directory of its own; nothing of a state is left. */
	snprintf(wrong_path, sizeof(wrong_path), "%s/other", folder.path);
	plan.state = wrong_path;
	snprintf(plan.name, sizeof(plan.name), "n1");
	pid = start_witness(true);
	assert_int_equal(wait_for(pid), 2);
	assert_false(ha_witness_has_joined(wrong_path));
	assert_int_equal(reg()->member_count, 2);
}

/* A join with another cluster's key leaves nothing behind that would spoil the next. */
static void
test_a_wrong_key_first(void **state)
{
	char key[65];
	pid_t pid;

	(void) state;
	memset(key, 'a', 64);
	key[64] = '\n';
	snprintf(wrong_key_path, sizeof(wrong_key_path), "%s/x", folder.path);
	folder_write(wrong_key_path, key, 65, 0600);
	plan.key = wrong_key_path;
	join_limit_us = 500 * HA_US_PER_MS;
	pid = start_witness(true);
	assert_int_equal(wait_for(pid), 2);

	plan.key = key_path;
	join_limit_us = JOIN_LIMIT_US;
	pid = start_witness(true);
	CREW_UNTIL(ha_set_has(reg()->voters, 3));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_for(pid), 0);
}

/* A copy of the state directory takes no part (R2). */
static void
test_a_copy_is_inert(void **state)
{
	char copy[FOLDER_PATH_MAX + 16];
	HaFault fault = {0};
	pid_t pid = start_witness(true);

	(void) state;
	CREW_UNTIL(ha_set_has(reg()->voters, 3));
	assert_int_equal(kill(pid, SIGTERM), 0);
	assert_int_equal(wait_for(pid), 0);
	snprintf(copy, sizeof(copy), "%s/c", folder.path);
	assert_int_equal(mkdir(copy, 0700), 0);
	for (int i = 0; i < 2; i++)
	{
		char from[FOLDER_PATH_MAX + 32];
		char to[FOLDER_PATH_MAX + 32];

		snprintf(from, sizeof(from), "%s/%s", state_path, i == 0 ? "state" : "key");
		snprintf(to, sizeof(to), "%s/%s", copy, i == 0 ? "state" : "key");
		folder_copy(from, to);
	}
	assert_false(ha_witness_run(copy, "", 0, log_nothing, &fault));
	assert_non_null(strstr(fault.text, ha_store_text(HA_STORE_FOREIGN)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_joins_votes_and_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_join_is_repeated, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_does_not_begin, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_wrong_key_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_copy_is_inert, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
