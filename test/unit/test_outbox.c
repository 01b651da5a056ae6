/*
 * test_outbox.c: who posts what of the cluster's events to a channel, and when (ops/outbox).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ops/outbox.h"
#include "test/unit/support/sample.h"

#define SECOND_US (INT64_C(1000) * 1000)
#define HAPPENED_US (1000 * SECOND_US)

static HaOutbox outbox;
static HaStatus status;
static HaEventRecord record[8];
static HaEventLog log;

/* n2 of the sample's members; n1 led and has gone. */
static int
start(void **state)
{
	(void) state;
	ha_outbox_start(&outbox);
	memset(&status, 0, sizeof(status));
	memset(record, 0, sizeof(record));
	sample_register(&status.reg);
	status.has_register = true;
	status.id = 2;
	status.role = HA_ROLE_FOLLOWER;
	log = (HaEventLog){1, record, "ops"};
	record[0].key = (HaEventKey){2, 1, 1, HAPPENED_US};
	record[0].kind = HA_NOTE_OPENED;
	record[0].term = 8;
	return 0;
}

static void
lead(void)
{
	status.role = HA_ROLE_LEADER;
	status.gate.open = true;
	status.lease_left_us = SECOND_US;
}

/* Seconds after the event at which this member posts it first, -1 = never within a day. */
static int64_t
posts_after_s(void)
{
	int64_t at_us = HAPPENED_US;
	HaAlert alert;
	HaUs wait_us;

	while (!ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, at_us, &alert, &wait_us))
	{
		if (wait_us == HA_US_NEVER || at_us > HAPPENED_US + 86400 * SECOND_US)
			return -1;
		assert_true(wait_us > 0);
		at_us += wait_us;
	}
	return (at_us - HAPPENED_US) / SECOND_US;
}

static void
test_leader_posts_at_once(void **state)
{
	(void) state;
	lead();
	assert_int_equal(posts_after_s(), 0);
	record[0].key.origin = 1;
	assert_int_equal(posts_after_s(), 0);
}

static void
test_ranks_without_a_leader(void **state)
{
	(void) state;
	assert_int_equal(posts_after_s(), 0);	/* its own */
	record[0].key.origin = 1;
	assert_int_equal(posts_after_s(), 10);	/* the origin is silent: n2 is the first of the others */
	record[0].key.origin = 3;
	assert_int_equal(posts_after_s(), 20);	/* n1 comes first */
}

static void
test_steps_in_for_a_silent_leader(void **state)
{
	(void) state;
	status.leader = 1;
	status.promise_left_us = SECOND_US;
	record[0].key.origin = 1;
	assert_int_equal(posts_after_s(), 70);
}

/* A leader that posts to the channel, one message after the other, is not helped; one that stopped is. */
static void
test_leaves_a_leader_that_posts_alone(void **state)
{
	(void) state;
	status.leader = 1;
	status.promise_left_us = SECOND_US;
	record[0].key.origin = 1;
	record[1].key = (HaEventKey){1, 1, 2, HAPPENED_US + 50 * SECOND_US};
	record[1].kind = HA_EVENT_KIND_ALERT;
	snprintf(record[1].text, sizeof(record[1].text), "posted to ops: failover, event 3/1/1");
	log.count = 2;
	assert_int_equal(posts_after_s(), 120);
	log.channel = "another";
	assert_int_equal(posts_after_s(), 70);
}

static void
test_hold(void **state)
{
	(void) state;
	record[0].kind = HA_NOTE_LEADER_LOST;
	assert_int_equal(posts_after_s(), 10);
	record[0].kind = HA_NOTE_FENCED;
	status.role = HA_ROLE_LEADER;
	status.gate.open = true;
	status.lease_left_us = 0;
	assert_int_equal(posts_after_s(), 3);
}

static void
test_copy_stays_silent(void **state)
{
	(void) state;
	status.role = HA_ROLE_HELD;
	assert_int_equal(posts_after_s(), -1);
}

static void
test_old_events_are_left_alone(void **state)
{
	HaAlert alert;
	HaUs wait_us;
	int64_t late_us = HAPPENED_US + HA_ALERT_AGE_MAX_US;

	(void) state;
	lead();
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, late_us, &alert, &wait_us));
	assert_false(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, late_us + 1, &alert, &wait_us));
	assert_int_equal(wait_us, HA_US_NEVER);
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US - 3600 * SECOND_US, &alert,
							   &wait_us));
}

static void
test_severe_first_then_oldest(void **state)
{
	HaAlert alert;
	HaUs wait_us;

	(void) state;
	lead();
	log.count = 4;
	for (uint32_t i = 1; i < 4; i++)
		record[i].key = (HaEventKey){2, 1, i + 1, HAPPENED_US + i};
	record[1].kind = HA_NOTE_PAUSED;
	record[2].kind = HA_NOTE_ROGUE;
	record[3].kind = HA_NOTE_FORCED;
	record[1].severity = HA_SEVERITY_WARNING;
	record[2].severity = record[3].severity = HA_SEVERITY_CRITICAL;
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US + 9, &alert, &wait_us));
	assert_ptr_equal(alert.event, &record[2]);
}

static void
test_delivered_once(void **state)
{
	HaAlert alert;
	HaUs wait_us;

	(void) state;
	lead();
	log.count = 2;
	record[1] = record[0];
	record[1].key.number = 2;
	record[1].term = 9;
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US, &alert, &wait_us));
	ha_outbox_done(&outbox, &alert.event->key);
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US, &alert, &wait_us));
	assert_ptr_equal(alert.event, &record[1]);
	ha_outbox_done(&outbox, &alert.event->key);
	assert_false(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US, &alert, &wait_us));
	assert_int_equal(wait_us, HA_US_NEVER);
}

/* Case 37: what one channel has taken is still to be told to another one. */
static void
test_each_channel_has_its_own_marks(void **state)
{
	HaAlert alert;
	HaUs wait_us;

	(void) state;
	lead();
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US, &alert, &wait_us));
	record[1].key = (HaEventKey){2, 1, 2, HAPPENED_US};
	record[1].kind = HA_EVENT_KIND_ALERT;
	ha_alert_mark_text(&alert, "ops", record[1].text);
	log.count = 2;
	assert_false(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US, &alert, &wait_us));
	log.channel = "dba";
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_INFO, &status, HAPPENED_US, &alert, &wait_us));
}

static void
test_least_severity(void **state)
{
	HaAlert alert;
	HaUs wait_us;

	(void) state;
	lead();
	record[0].kind = HA_NOTE_PAUSED;
	record[0].severity = HA_SEVERITY_WARNING;
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_WARNING, &status, HAPPENED_US, &alert, &wait_us));
	assert_false(ha_outbox_next(&outbox, log, HA_SEVERITY_CRITICAL, &status, HAPPENED_US, &alert, &wait_us));
	record[0].kind = HA_NOTE_RESUMED;
	record[0].severity = HA_SEVERITY_INFO;
	assert_true(ha_outbox_next(&outbox, log, HA_SEVERITY_WARNING, &status, HAPPENED_US, &alert, &wait_us));
	assert_false(ha_outbox_next(&outbox, log, HA_SEVERITY_CRITICAL, &status, HAPPENED_US, &alert, &wait_us));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_leader_posts_at_once, start),
		cmocka_unit_test_setup(test_ranks_without_a_leader, start),
		cmocka_unit_test_setup(test_steps_in_for_a_silent_leader, start),
		cmocka_unit_test_setup(test_leaves_a_leader_that_posts_alone, start),
		cmocka_unit_test_setup(test_hold, start),
		cmocka_unit_test_setup(test_copy_stays_silent, start),
		cmocka_unit_test_setup(test_old_events_are_left_alone, start),
		cmocka_unit_test_setup(test_severe_first_then_oldest, start),
		cmocka_unit_test_setup(test_delivered_once, start),
		cmocka_unit_test_setup(test_each_channel_has_its_own_marks, start),
		cmocka_unit_test_setup(test_least_severity, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
