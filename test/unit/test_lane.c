/*
 * test_lane.c: the distance between requests, and what follows from an answer (ops/lane).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/lane.h"

#define SECOND_US (INT64_C(1000) * 1000)
#define GAP_US (INT64_C(700) * 1000)

static HaLane lane;

static int
start(void **state)
{
	(void) state;
	ha_lane_start(&lane, GAP_US, 0, 7, 0);
	return 0;
}

/* Microseconds until the next attempt, after an answer at time 0 of a new lane. */
static HaUs
pause_us(HaVerdict verdict, int64_t retry_after_s)
{
	lane.pause_us = 0;
	ha_lane_result(&lane, verdict, retry_after_s, 0);
	return ha_lane_wait_us(&lane, 0);
}

/* Nobody knows what was sent a moment before a restart: the receiver's limits hold nevertheless. */
static void
test_starts_with_one_distance(void **state)
{
	(void) state;
	assert_int_equal(ha_lane_wait_us(&lane, 0), GAP_US);
	assert_int_equal(ha_lane_wait_us(&lane, GAP_US), 0);
}

static void
test_keeps_its_distance(void **state)
{
	(void) state;
	ha_lane_sent(&lane, 10 * SECOND_US);
	ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, 10 * SECOND_US + 1);
	assert_int_equal(ha_lane_wait_us(&lane, 10 * SECOND_US + 1), GAP_US);
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
	start(NULL);
	assert_in_range(pause_us(HA_VERDICT_THROTTLE, 0), 2500000, 7500000);
	assert_in_range(pause_us(HA_VERDICT_THROTTLE, 40), 40 * SECOND_US, 40 * SECOND_US);
	assert_in_range(pause_us(HA_VERDICT_THROTTLE, 4000000), 3600 * SECOND_US, 3600 * SECOND_US);
	start(NULL);
	assert_in_range(pause_us(HA_VERDICT_BROKEN, 0), 7 * SECOND_US, 23 * SECOND_US);
	assert_int_equal(pause_us(HA_VERDICT_DELIVERED, 0), GAP_US);
	assert_int_equal(lane.failures, 0);
}

/* Ever more rarely, and never more rarely than the most, however long it lasts. */
static void
test_doubles_up_to_the_most(void **state)
{
	static const struct
	{
		HaVerdict verdict;
		int64_t first_s, most_s;
	} row[] = {{HA_VERDICT_RETRY, 1, 60}, {HA_VERDICT_THROTTLE, 5, 60}, {HA_VERDICT_BROKEN, 15, 300}};

	(void) state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
	{
		int64_t base_s = row[i].first_s;

		start(NULL);
		lane.gap_us = 1;
		for (int n = 0; n < 100; n++)
		{
			assert_in_range(pause_us(row[i].verdict, 0), base_s * SECOND_US / 2, base_s * SECOND_US * 3 / 2);
			base_s = base_s * 2 < row[i].most_s ? base_s * 2 : row[i].most_s;
		}
		lane.failures = UINT32_MAX - 1;
		assert_in_range(pause_us(row[i].verdict, 0), base_s * SECOND_US / 2, base_s * SECOND_US * 3 / 2);
	}
}

/* Whoever was tried by hand and works is not left to wait. */
static void
test_works_again_at_once(void **state)
{
	(void) state;
	ha_lane_result(&lane, HA_VERDICT_BROKEN, 100, 0);
	ha_lane_sent(&lane, 50 * SECOND_US);
	ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, 51 * SECOND_US);
	assert_int_equal(ha_lane_wait_us(&lane, 51 * SECOND_US), lane.gap_us);
}

/* Of a receiver that throttles an answer never brings a request nearer than what was asked before it. */
static void
test_a_wait_is_not_cut_short(void **state)
{
	(void) state;
	ha_lane_result(&lane, HA_VERDICT_THROTTLE, 100, 0);
	ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, SECOND_US);
	assert_int_equal(ha_lane_wait_us(&lane, SECOND_US), 99 * SECOND_US);
	ha_lane_sent(&lane, SECOND_US);
	assert_int_equal(ha_lane_wait_us(&lane, SECOND_US), 99 * SECOND_US);
}

/* Case 9: DingTalk's ten minutes. */
static void
test_holds_as_the_vendor_says(void **state)
{
	(void) state;
	ha_lane_start(&lane, GAP_US, 600 * SECOND_US, 1, 0);
	assert_int_equal(pause_us(HA_VERDICT_THROTTLE, 0), 600 * SECOND_US);
	assert_int_equal(lane.state, HA_LANE_HELD);
	assert_int_equal(pause_us(HA_VERDICT_THROTTLE, 30), 600 * SECOND_US);
}

/* Case 7: a member that stops to lead, and leads again; what it sent before counts, by the distance of now. */
static void
test_another_distance(void **state)
{
	(void) state;
	ha_lane_sent(&lane, 10 * SECOND_US);
	ha_lane_set_gap(&lane, 30 * SECOND_US);
	assert_int_equal(ha_lane_wait_us(&lane, 12 * SECOND_US), 28 * SECOND_US);
	ha_lane_set_gap(&lane, GAP_US);
	assert_int_equal(ha_lane_wait_us(&lane, 10 * SECOND_US), GAP_US);
	assert_int_equal(ha_lane_wait_us(&lane, 12 * SECOND_US), 0);
	ha_lane_keep_distance(&lane, 12 * SECOND_US);
	assert_int_equal(ha_lane_wait_us(&lane, 12 * SECOND_US), GAP_US);
}

/* Events and alerts take turns; but what was refused as a card goes again at once. */
static void
test_takes_turns(void **state)
{
	bool events_last;

	(void) state;
	assert_int_equal(ha_lane_choose(&lane, false, false), HA_LANE_NOTHING);
	assert_int_equal(ha_lane_choose(&lane, true, false), HA_LANE_EVENTS);
	assert_int_equal(ha_lane_choose(&lane, true, true), HA_LANE_ALERTS);
	assert_int_equal(ha_lane_choose(&lane, true, true), HA_LANE_EVENTS);
	ha_lane_result(&lane, HA_VERDICT_PLAIN, 0, SECOND_US);
	assert_int_equal(ha_lane_choose(&lane, true, true), HA_LANE_EVENTS);
	ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, SECOND_US);
	assert_int_equal(ha_lane_choose(&lane, false, true), HA_LANE_ALERTS);
	assert_int_equal(ha_lane_choose(&lane, false, true), HA_LANE_ALERTS);

	/* Whose turn is first is drawn by lot. */
	events_last = lane.events_last;
	for (uint64_t seed = 0; seed < 100 && lane.events_last == events_last; seed++)
		ha_lane_start(&lane, GAP_US, 0, seed, 0);
	assert_true(lane.events_last != events_last);
}

/* Alerts are ready when the channel is. */
static void
test_claims_ahead(void **state)
{
	(void) state;
	assert_int_equal(ha_lane_claim_wait_us(10 * SECOND_US, 5 * SECOND_US), 3 * SECOND_US);
	assert_int_equal(ha_lane_claim_wait_us(10 * SECOND_US, 8 * SECOND_US), 0);
	assert_int_equal(ha_lane_claim_wait_us(10 * SECOND_US, 20 * SECOND_US), 0);
}

/* Case 8. Many members do not try again in the same moment. */
static void
test_jitter(void **state)
{
	HaUs least = HA_US_NEVER, most = 0;

	(void) state;
	for (uint64_t seed = 0; seed < 100; seed++)
	{
		HaUs us;

		ha_lane_start(&lane, GAP_US, 0, seed, 0);
		us = pause_us(HA_VERDICT_THROTTLE, 0);
		least = us < least ? us : least;
		most = us > most ? us : most;
	}
	assert_true(most - least > 4 * SECOND_US);
}

/* Case 35. */
static void
test_plain_text_after_a_refused_card(void **state)
{
	(void) state;
	assert_false(ha_lane_result(&lane, HA_VERDICT_PLAIN, 0, 0));
	assert_true(lane.plain);
	assert_int_equal(ha_lane_wait_us(&lane, 0), GAP_US);
	assert_int_equal(lane.state, HA_LANE_WORKING);
	assert_true(ha_lane_result(&lane, HA_VERDICT_PLAIN, 0, 0));	/* the text too: broken */
	assert_false(lane.plain);
	assert_int_equal(lane.state, HA_LANE_BROKEN);
	start(NULL);
	ha_lane_result(&lane, HA_VERDICT_PLAIN, 0, 0);
	assert_false(ha_lane_gave_up(&lane, 0, SECOND_US));	/* a refused card is no failure yet */
	ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, 0);
	assert_false(lane.plain);
	assert_false(ha_lane_result(&lane, HA_VERDICT_PLAIN, 0, 0));	/* not in a row */
	assert_int_equal(lane.state, HA_LANE_WORKING);
}

static void
test_people_are_told_once(void **state)
{
	(void) state;
	assert_true(ha_lane_result(&lane, HA_VERDICT_BROKEN, 0, 0));
	assert_false(ha_lane_result(&lane, HA_VERDICT_BROKEN, 0, 0));
	assert_false(ha_lane_result(&lane, HA_VERDICT_RETRY, 0, 0));
	assert_true(ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, 0));
	assert_false(ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, 0));
	assert_false(ha_lane_result(&lane, HA_VERDICT_RETRY, 0, 0));
	assert_false(ha_lane_result(&lane, HA_VERDICT_RETRY, 0, 0));
	assert_true(ha_lane_result(&lane, HA_VERDICT_RETRY, 0, 0));
}

/* Case 1: the fallback takes over after the configured time, and not before. */
static void
test_gives_up(void **state)
{
	(void) state;
	assert_false(ha_lane_gave_up(&lane, 0, 100 * SECOND_US));
	ha_lane_result(&lane, HA_VERDICT_BROKEN, 100, 10 * SECOND_US);	/* next: at 110 s */
	assert_false(ha_lane_gave_up(&lane, 30 * SECOND_US, 39 * SECOND_US));
	assert_true(ha_lane_gave_up(&lane, 30 * SECOND_US, 40 * SECOND_US));
	ha_lane_result(&lane, HA_VERDICT_BROKEN, 100, 50 * SECOND_US);
	assert_true(ha_lane_gave_up(&lane, 30 * SECOND_US, 51 * SECOND_US));
	ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, 60 * SECOND_US);
	assert_false(ha_lane_gave_up(&lane, 30 * SECOND_US, 600 * SECOND_US));
}

/* Case 1: a channel that has a fallback is tried again all the same; while a request hangs, the fallback goes on. */
static void
test_gave_up_not_for_good(void **state)
{
	(void) state;
	ha_lane_result(&lane, HA_VERDICT_BROKEN, 100, 10 * SECOND_US);
	assert_true(ha_lane_gave_up(&lane, 30 * SECOND_US, 109 * SECOND_US));
	assert_false(ha_lane_gave_up(&lane, 30 * SECOND_US, 110 * SECOND_US));
	ha_lane_sent(&lane, 110 * SECOND_US);
	assert_true(ha_lane_gave_up(&lane, 30 * SECOND_US, 110 * SECOND_US));
	assert_true(ha_lane_gave_up(&lane, 30 * SECOND_US, 119 * SECOND_US));
}

/* Whoever mended the channel's file sees at once whether it works; a throttle is the receiver's word. */
static void
test_a_changed_file_is_tried_at_once(void **state)
{
	(void) state;
	ha_lane_result(&lane, HA_VERDICT_BROKEN, 100, 10 * SECOND_US);
	ha_lane_changed(&lane);
	assert_int_equal(ha_lane_wait_us(&lane, 10 * SECOND_US), lane.gap_us);
	assert_int_equal(ha_lane_wait_us(&lane, 20 * SECOND_US), 0);
	ha_lane_result(&lane, HA_VERDICT_THROTTLE, 100, 30 * SECOND_US);
	ha_lane_changed(&lane);
	assert_int_equal(ha_lane_wait_us(&lane, 40 * SECOND_US), 90 * SECOND_US);
}

static void
test_state_names(void **state)
{
	(void) state;
	assert_string_equal(ha_lane_state_name(HA_LANE_WORKING), "working");
	assert_string_equal(ha_lane_state_name(HA_LANE_FAILING), "failing");
	assert_string_equal(ha_lane_state_name(HA_LANE_HELD), "held");
	assert_string_equal(ha_lane_state_name(HA_LANE_BROKEN), "broken");
	ha_lane_result(&lane, HA_VERDICT_RETRY, 0, 0);
	assert_int_equal(lane.state, HA_LANE_FAILING);
	ha_lane_result(&lane, HA_VERDICT_DELIVERED, 0, 0);
	assert_int_equal(lane.state, HA_LANE_WORKING);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_starts_with_one_distance, start),
		cmocka_unit_test_setup(test_keeps_its_distance, start),
		cmocka_unit_test_setup(test_backs_off, start),
		cmocka_unit_test_setup(test_doubles_up_to_the_most, start),
		cmocka_unit_test_setup(test_works_again_at_once, start),
		cmocka_unit_test_setup(test_a_wait_is_not_cut_short, start),
		cmocka_unit_test_setup(test_holds_as_the_vendor_says, start),
		cmocka_unit_test_setup(test_another_distance, start),
		cmocka_unit_test_setup(test_takes_turns, start),
		cmocka_unit_test_setup(test_claims_ahead, start),
		cmocka_unit_test_setup(test_jitter, start),
		cmocka_unit_test_setup(test_plain_text_after_a_refused_card, start),
		cmocka_unit_test_setup(test_people_are_told_once, start),
		cmocka_unit_test_setup(test_gives_up, start),
		cmocka_unit_test_setup(test_gave_up_not_for_good, start),
		cmocka_unit_test_setup(test_a_changed_file_is_tried_at_once, start),
		cmocka_unit_test_setup(test_state_names, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
