/*
 * test_outbox.c: who posts when, and what follows from an answer (ops/outbox).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
	ha_outbox_start(&outbox, 7);
	memset(&status, 0, sizeof(status));
	memset(record, 0, sizeof(record));
	sample_register(&status.reg);
	status.has_register = true;
	status.id = 2;
	status.role = HA_ROLE_FOLLOWER;
	log = (HaEventLog){1, record};
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

	while (!ha_outbox_next(&outbox, log, &status, at_us, at_us, &alert, &wait_us))
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
	assert_true(ha_outbox_next(&outbox, log, &status, late_us, 0, &alert, &wait_us));
	assert_false(ha_outbox_next(&outbox, log, &status, late_us + 1, 0, &alert, &wait_us));
	assert_int_equal(wait_us, HA_US_NEVER);
	assert_true(ha_outbox_next(&outbox, log, &status, HAPPENED_US - 3600 * SECOND_US, 0, &alert, &wait_us));
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
	assert_true(ha_outbox_next(&outbox, log, &status, HAPPENED_US + 9, 0, &alert, &wait_us));
	assert_ptr_equal(alert.event, &record[2]);
}

static void
test_delivered_once_and_not_too_fast(void **state)
{
	HaAlert alert;
	HaUs wait_us;
	HaUs at_us = 5 * SECOND_US;

	(void) state;
	lead();
	log.count = 2;
	record[1] = record[0];
	record[1].key.number = 2;
	record[1].term = 9;
	assert_true(ha_outbox_next(&outbox, log, &status, HAPPENED_US, at_us, &alert, &wait_us));
	assert_false(ha_outbox_result(&outbox, &alert.event->key, HA_VERDICT_DELIVERED, 0, at_us));
	assert_false(ha_outbox_next(&outbox, log, &status, HAPPENED_US, at_us, &alert, &wait_us));
	assert_int_equal(wait_us, HA_OUTBOX_GAP_US);
	at_us += wait_us;
	assert_true(ha_outbox_next(&outbox, log, &status, HAPPENED_US, at_us, &alert, &wait_us));
	assert_ptr_equal(alert.event, &record[1]);
	ha_outbox_result(&outbox, &alert.event->key, HA_VERDICT_DELIVERED, 0, at_us);
	assert_false(ha_outbox_next(&outbox, log, &status, HAPPENED_US, at_us + SECOND_US, &alert, &wait_us));
	assert_int_equal(wait_us, HA_US_NEVER);
}

/* Microseconds until the next attempt. */
static HaUs
pause_us(HaVerdict verdict, int64_t retry_after_s)
{
	ha_outbox_result(&outbox, &record[0].key, verdict, retry_after_s, 0);
	return outbox.not_before_us;
}

static void
test_backs_off(void **state)
{
	HaUs us = 0;

	(void) state;
	us = pause_us(HA_VERDICT_RETRY, 0);
	assert_in_range(us, 700000, 1500000);
	for (int i = 0; i < 10; i++)
		us = pause_us(HA_VERDICT_RETRY, 0);
	assert_in_range(us, 30 * SECOND_US, 90 * SECOND_US);
	ha_outbox_start(&outbox, 1);
	assert_in_range(pause_us(HA_VERDICT_THROTTLE, 0), 2500000, 7500000);
	assert_in_range(pause_us(HA_VERDICT_THROTTLE, 40), 40 * SECOND_US, 40 * SECOND_US);
	assert_in_range(pause_us(HA_VERDICT_THROTTLE, 4000000), 300 * SECOND_US, 300 * SECOND_US);
	ha_outbox_start(&outbox, 1);
	assert_in_range(pause_us(HA_VERDICT_BROKEN, 0), 7 * SECOND_US, 23 * SECOND_US);
	assert_int_equal(pause_us(HA_VERDICT_DELIVERED, 0), HA_OUTBOX_GAP_US);
	assert_int_equal(outbox.failures, 0);
}

/* Many members do not try again in the same moment. */
static void
test_jitter(void **state)
{
	HaUs least = HA_US_NEVER, most = 0;

	(void) state;
	for (uint64_t seed = 0; seed < 100; seed++)
	{
		HaUs us;

		ha_outbox_start(&outbox, seed);
		us = pause_us(HA_VERDICT_THROTTLE, 0);
		least = us < least ? us : least;
		most = us > most ? us : most;
	}
	assert_true(most - least > 4 * SECOND_US);
}

static void
test_plain_text_after_a_refused_card(void **state)
{
	(void) state;
	assert_false(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_PLAIN, 0, 0));
	assert_true(outbox.plain);
	assert_int_equal(outbox.not_before_us, HA_OUTBOX_GAP_US);
	assert_true(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_PLAIN, 0, 0));	/* the text too: broken */
	assert_false(outbox.plain);
}

static void
test_people_are_told_once(void **state)
{
	(void) state;
	assert_true(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_BROKEN, 0, 0));
	assert_false(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_BROKEN, 0, 0));
	assert_false(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_RETRY, 0, 0));
	assert_true(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_DELIVERED, 0, 0));
	assert_false(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_DELIVERED, 0, 0));
	assert_false(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_RETRY, 0, 0));
	assert_false(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_RETRY, 0, 0));
	assert_true(ha_outbox_result(&outbox, &record[0].key, HA_VERDICT_RETRY, 0, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_leader_posts_at_once, start),
		cmocka_unit_test_setup(test_ranks_without_a_leader, start),
		cmocka_unit_test_setup(test_steps_in_for_a_silent_leader, start),
		cmocka_unit_test_setup(test_hold, start),
		cmocka_unit_test_setup(test_copy_stays_silent, start),
		cmocka_unit_test_setup(test_old_events_are_left_alone, start),
		cmocka_unit_test_setup(test_severe_first_then_oldest, start),
		cmocka_unit_test_setup(test_delivered_once_and_not_too_fast, start),
		cmocka_unit_test_setup(test_backs_off, start),
		cmocka_unit_test_setup(test_jitter, start),
		cmocka_unit_test_setup(test_plain_text_after_a_refused_card, start),
		cmocka_unit_test_setup(test_people_are_told_once, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
