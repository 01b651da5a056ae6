/*
 * test_hook.c: at which changes of a member the operator's commands run (ops/hook).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/hook.h"

static HaHookState state;
static HaStatus status;
static HaEventRecord record[8];
static HaEventLog log = {.record = record};

static int
start(void **unused)
{
	(void) unused;
	memset(&state, 0, sizeof(state));
	memset(&status, 0, sizeof(status));
	memset(record, 0, sizeof(record));
	log.count = 0;
	status.id = 2;
	status.run = 5;
	status.role = HA_ROLE_FOLLOWER;
	return 0;
}

static void
say(HaId origin, uint64_t run, uint32_t kind)
{
	HaEventRecord *r = &record[log.count++];

	r->key = (HaEventKey){origin, run, log.count, log.count};
	r->kind = kind;
}

/* The hooks of one look, as a text. */
static void
expect(uint32_t hooks, const char *expected)
{
	char found[128] = "";

	for (int i = 0; i < HA_HOOK_COUNT; i++)
	{
		if ((hooks & HA_HOOK_BIT(i)) == 0)
			continue;
		if (found[0] != '\0')
			strncat(found, " ", sizeof(found) - strlen(found) - 1);
		strncat(found, ha_hook_name((HaHook) i), sizeof(found) - strlen(found) - 1);
	}
	assert_string_equal(found, expected);
}

static void
look(const char *expected)
{
	expect(ha_hook_step(&state, &status, log), expected);
}

static void
lead(void)
{
	status.role = HA_ROLE_LEADER;
	status.gate.open = true;
	status.leader = 0;
}

static void
test_follower(void **unused)
{
	(void) unused;
	look("");
	status.leader = 1;
	look("leader_change");
	look("");
	status.leader = 0;
	look("");
	status.leader = 1;
	look("");
	status.leader = 3;
	look("leader_change");
	assert_int_equal(state.leader_before, 1);
}

static void
test_promote_and_demote(void **unused)
{
	(void) unused;
	status.leader = 1;
	look("leader_change");
	status.role = HA_ROLE_CANDIDATE;
	status.leader = 0;
	look("");
	status.term = 7;
	status.role = HA_ROLE_OPENING;
	look("opening");
	look("");
	lead();
	look("promote leader_change");
	look("");
	status.role = HA_ROLE_HANDING_OVER;
	look("");
	status.role = HA_ROLE_LEADER;
	look("");
	status.role = HA_ROLE_RESIGNED;
	look("demote");
	look("");
	expect(ha_hook_stop(&state), "");
}

/* A flap that nobody saw leaves nothing behind. */
static void
test_flap(void **unused)
{
	(void) unused;
	lead();
	look("promote leader_change");
	lead();
	look("");
}

static void
test_stop_while_leading(void **unused)
{
	(void) unused;
	lead();
	look("promote leader_change");
	expect(ha_hook_stop(&state), "demote");
	expect(ha_hook_stop(&state), "");
}

static void
test_fence_once(void **unused)
{
	(void) unused;
	lead();
	look("promote leader_change");
	say(2, 5, HA_NOTE_FENCED);
	look("fence");
	look("");
	say(2, 5, HA_NOTE_UNFENCED);
	look("");
	say(2, 5, HA_NOTE_FENCED);
	look("fence");
}

/* Only what happened here, in this run. */
static void
test_foreign_and_old_events(void **unused)
{
	(void) unused;
	say(1, 5, HA_NOTE_FENCED);
	say(2, 4, HA_NOTE_FENCED);
	look("");
	say(2, 5, HA_NOTE_FENCED);
	look("fence");
	status.run = 6;
	look("");
	say(2, 6, HA_NOTE_FENCED);
	look("fence");
}

static void
test_rejoin(void **unused)
{
	(void) unused;
	say(2, 4, HA_NOTE_OPENED);
	say(2, 5, HA_NOTE_JOINED);
	status.leader = 1;
	look("rejoin leader_change");
	say(2, 5, HA_NOTE_JOINED);
	look("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_follower, start),
		cmocka_unit_test_setup(test_promote_and_demote, start),
		cmocka_unit_test_setup(test_flap, start),
		cmocka_unit_test_setup(test_stop_while_leading, start),
		cmocka_unit_test_setup(test_fence_once, start),
		cmocka_unit_test_setup(test_foreign_and_old_events, start),
		cmocka_unit_test_setup(test_rejoin, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
