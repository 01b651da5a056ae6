/*
 * test_alert.c: which events become alerts, by what else happened (ops/alert).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ops/alert.h"

#define SECOND_US (INT64_C(1000) * 1000)

/* The log of a test: events are said one second after the other. */
static HaEventRecord record[64];
static HaEventLog log = {.record = record};

static int
start(void **state)
{
	(void) state;
	memset(record, 0, sizeof(record));
	log.count = 0;
	return 0;
}

static HaEventRecord *
say(HaId origin, uint64_t run, uint32_t kind, HaTerm term)
{
	HaEventRecord *r = &record[log.count++];

	r->key = (HaEventKey){origin, run, log.count, (int64_t) log.count * SECOND_US};
	r->kind = kind;
	r->term = term;
	r->severity = kind < HA_NOTE_COUNT ? ha_note_severity((HaNoteKind) kind) : HA_SEVERITY_INFO;
	return r;
}

/* A mark for the record that was said as number `number` (from 1 on). */
static void
mark(uint32_t number)
{
	HaAlert alert;
	HaEventRecord *r;

	assert_true(ha_alert_of(log, number - 1, &alert));
	r = say(1, 1, HA_EVENT_KIND_ALERT, 0);
	ha_alert_mark_text(&alert, "ops", r->text);
}

/* Says which alerts the log makes now, as one text. */
static void
expect(const char *expected)
{
	char found[256] = "";

	for (uint32_t i = 0; i < log.count; i++)
	{
		HaAlert alert;

		if (!ha_alert_of(log, i, &alert) || ha_alert_marked(log, i))
			continue;
		assert_ptr_equal(alert.event, &record[i]);
		if (found[0] != '\0')
			strncat(found, " ", sizeof(found) - strlen(found) - 1);
		strncat(found, ha_alert_name(alert.kind), sizeof(found) - strlen(found) - 1);
	}
	assert_string_equal(found, expected);
}

static void
test_failover(void **state)
{
	HaAlert alert;

	(void) state;
	say(1, 1, HA_NOTE_OPENED, 1);
	expect("leader");
	mark(1);
	expect("");
	say(2, 1, HA_NOTE_LEADER_LOST, 1)->member = 1;
	expect("no-leader");
	say(2, 1, HA_NOTE_OPENED, 2);
	expect("failover");
	assert_true(ha_alert_of(log, 3, &alert));
	assert_int_equal(alert.previous, 1);
	assert_int_equal(alert.severity, HA_SEVERITY_WARNING);
	mark(4);
	say(1, 2, HA_NOTE_JOINED, 2)->member = 2;
	expect("rejoined");
}

static void
test_switchover(void **state)
{
	(void) state;
	say(1, 1, HA_NOTE_OPENED, 4);
	mark(1);
	say(1, 1, HA_NOTE_HANDING_OVER, 4)->member = 2;
	say(2, 1, HA_NOTE_OPENED, 5);
	expect("switchover");
}

/* A hand-over that was taken back explains no later failover. */
static void
test_switchover_aborted(void **state)
{
	(void) state;
	say(1, 1, HA_NOTE_OPENED, 4);
	mark(1);
	say(1, 1, HA_NOTE_HANDING_OVER, 4)->member = 2;
	say(1, 1, HA_NOTE_HAND_OVER_ABORTED, 4)->member = 2;
	say(2, 1, HA_NOTE_OPENED, 5);
	expect("failover");
}

static void
test_leads_again(void **state)
{
	(void) state;
	say(1, 1, HA_NOTE_OPENED, 4);
	mark(1);
	say(1, 2, HA_NOTE_OPENED, 5);
	expect("leader");
}

/* A leader that gave its term back and took it up again, after another one had led before. */
static void
test_opens_twice_in_a_term(void **state)
{
	(void) state;
	say(2, 1, HA_NOTE_OPENED, 4);
	mark(1);
	say(1, 1, HA_NOTE_OPENED, 5);
	mark(3);
	say(1, 1, HA_NOTE_FENCED, 5);
	expect("majority-lost");
	say(1, 1, HA_NOTE_OPENED, 5);
	expect("leader");
}

/* The log is in the order of clocks that differ: the term decides who led before. */
static void
test_clock_of_the_new_leader_is_behind(void **state)
{
	(void) state;
	say(2, 1, HA_NOTE_OPENED, 8);
	say(1, 1, HA_NOTE_OPENED, 7);
	expect("failover leader");
	say(2, 1, HA_NOTE_OPENED, 9);
	expect("failover leader leader");
}

static void
test_fence(void **state)
{
	(void) state;
	say(1, 1, HA_NOTE_OPENED, 4);
	mark(1);
	say(1, 1, HA_NOTE_FENCED, 4);
	expect("majority-lost");
	say(1, 1, HA_NOTE_UNFENCED, 4);
	expect("");
}

static void
test_fence_that_was_posted_is_followed_up(void **state)
{
	(void) state;
	say(1, 1, HA_NOTE_FENCED, 4);
	mark(1);
	expect("");
	say(1, 1, HA_NOTE_UNFENCED, 4);
	expect("majority-back");
}

/* The fence of a deposed leader becomes known when it is back: by then another one leads. */
static void
test_fence_of_a_deposed_leader(void **state)
{
	(void) state;
	say(1, 1, HA_NOTE_OPENED, 4);
	mark(1);
	say(1, 1, HA_NOTE_FENCED, 4);
	say(2, 1, HA_NOTE_OPENED, 5);
	mark(4);
	expect("");
}

static void
test_two_members_miss_one_leader(void **state)
{
	(void) state;
	say(2, 1, HA_NOTE_LEADER_LOST, 4)->member = 1;
	say(3, 1, HA_NOTE_LEADER_LOST, 4)->member = 1;
	expect("no-leader no-leader");
	mark(1);
	expect("");
	say(3, 1, HA_NOTE_LEADER_FOUND, 4)->member = 1;
	expect("");
	say(3, 1, HA_NOTE_LEADER_LOST, 5)->member = 2;
	expect("no-leader");
}

static void
test_joining_is_not_coming_back(void **state)
{
	(void) state;
	say(3, 1, HA_NOTE_JOINED, 1)->member = 1;
	say(3, 1, HA_NOTE_JOINED, 2)->member = 2;
	say(3, 1, HA_NOTE_JOINED, 3)->member = 1;
	expect("");
	say(3, 2, HA_NOTE_JOINED, 4)->member = 1;
	expect("rejoined");
	say(3, 2, HA_NOTE_DIVERGED, 5);
	say(3, 2, HA_NOTE_JOINED, 5)->member = 2;
	expect("rejoined rejoined");
	say(3, 2, HA_NOTE_JOINED, 6)->member = 1;
	expect("rejoined rejoined");
}

static void
test_readiness(void **state)
{
	(void) state;
	say(1, 1, HA_EVENT_KIND_READINESS, 4)->severity = HA_SEVERITY_WARNING;
	say(1, 1, HA_EVENT_KIND_READINESS, 4)->severity = HA_SEVERITY_INFO;
	expect("not-ready ready");
}

static void
test_others(void **state)
{
	(void) state;
	say(1, 1, HA_NOTE_ROLE, 1);
	say(1, 1, HA_NOTE_LEADER_FOUND, 1);
	say(1, 1, HA_NOTE_NOT_ADOPTED, 1);
	say(1, 1, HA_EVENT_KIND_HOOK, 1);
	say(1, 1, HA_EVENT_KIND_ALERT, 1);
	say(1, 1, 999, 1)->severity = HA_SEVERITY_INFO;
	say(1, 1, HA_EVENT_KIND_MAX, 1)->severity = HA_SEVERITY_CRITICAL;
	expect("");
	say(1, 1, HA_NOTE_ASSERTION, 1);
	say(1, 1, HA_NOTE_MUST_CLONE, 1);
	say(1, 1, HA_NOTE_PAUSED, 1);
	say(1, 1, HA_EVENT_KIND_HOOK, 1)->severity = HA_SEVERITY_WARNING;
	expect("trouble must-clone paused hook-failed");
}

/* Only what this code wrote is a mark. */
static void
test_marks(void **state)
{
	static const char *const bad[] = {
		"", "posted to ops: failover", "posted to ops: failover, event ", "posted to ops: failover, event 1/2",
		"posted to ops: x, event 1/2/", "posted to ops: x, event 1/2/3 ", "posted to ops: x, event 0/2/3",
		"posted to ops: x, event 32/2/3", "posted to ops: x, event -1/2/3",
		"posted to ops: x, event 1/2/99999999999999999999", "can't post: x, event 1/2/3",
	};
	HaEventRecord *r = say(1, 1, HA_EVENT_KIND_ALERT, 1);
	HaEventKey key;

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		snprintf(r->text, sizeof(r->text), "%s", bad[i]);
		assert_false(ha_alert_mark_key(r, NULL, &key));
	}
	snprintf(r->text, sizeof(r->text), "posted to ops: failover, event 31/18446744073709/7");
	assert_false(ha_alert_mark_key(r, "op", &key));
	assert_false(ha_alert_mark_key(r, "ops2", &key));
	assert_true(ha_alert_mark_key(r, NULL, &key));
	assert_true(ha_alert_mark_key(r, "ops", &key));
	assert_int_equal(key.origin, 31);
	assert_int_equal(key.run, 18446744073709);
	assert_int_equal(key.number, 7);
	r->severity = HA_SEVERITY_WARNING;
	assert_false(ha_alert_mark_key(r, NULL, &key));
	r->severity = HA_SEVERITY_INFO;
	r->kind = HA_EVENT_KIND_HOOK;
	assert_false(ha_alert_mark_key(r, NULL, &key));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_failover, start),
		cmocka_unit_test_setup(test_switchover, start),
		cmocka_unit_test_setup(test_switchover_aborted, start),
		cmocka_unit_test_setup(test_leads_again, start),
		cmocka_unit_test_setup(test_opens_twice_in_a_term, start),
		cmocka_unit_test_setup(test_clock_of_the_new_leader_is_behind, start),
		cmocka_unit_test_setup(test_fence, start),
		cmocka_unit_test_setup(test_fence_that_was_posted_is_followed_up, start),
		cmocka_unit_test_setup(test_fence_of_a_deposed_leader, start),
		cmocka_unit_test_setup(test_two_members_miss_one_leader, start),
		cmocka_unit_test_setup(test_joining_is_not_coming_back, start),
		cmocka_unit_test_setup(test_readiness, start),
		cmocka_unit_test_setup(test_others, start),
		cmocka_unit_test_setup(test_marks, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
