/*
 * test_lag.c: how far a standby is behind: the ring of the primary's positions, and the verdict (ops/lag).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ops/lag.h"

#define S (1000 * HA_US_PER_MS)
#define MB UINT64_C(1048576)

static HaLagRing ring;
static HaLagFacts facts;

/* A standby that streams, on a primary that wrote 1 MB a second for 100 s, from 100 MB on. */
static int
start(void **state)
{
	(void) state;
	memset(&ring, 0, sizeof(ring));
	for (int64_t i = 0; i <= 100; i++)
		ha_lag_add(&ring, (100 + (uint64_t) i) * MB, 1000 * S + i * S);
	facts = (HaLagFacts){
		.heard = true, .joined = true, .primary_heard = true, .wants_receiver = true,
		.receiver = HA_LAG_RECEIVER_STREAMING, .measured_us = -1, .silent_us = 0,
		.flush_lsn = 200 * MB, .replay_lsn = 200 * MB, .primary_lsn = 200 * MB,
	};
	return 0;
}

static HaLag
judge(void)
{
	return ha_lag_judge(&facts, &ring, 1100 * S);
}

static void
expect(HaLagState state, int64_t bytes, HaUs time_us)
{
	HaLag lag = judge();

	assert_string_equal(ha_lag_state_name(lag.state), ha_lag_state_name(state));
	assert_int_equal(lag.bytes, bytes);
	assert_int_equal(lag.time_us, time_us);
}

/* ---- Time ---- */

static void
test_rp1_idle_is_zero(void **state)
{
	HaLag lag;

	(void) state;
	expect(HA_LAG_STREAMING, 0, 0);
	lag = ha_lag_judge(&facts, &ring, 9999 * S);	/* however long nothing was written */
	assert_int_equal(lag.time_us, 0);
	assert_int_equal(lag.state, HA_LAG_STREAMING);
}

static void
test_time_is_since_the_primary_passed(void **state)
{
	(void) state;
	facts.replay_lsn = 195 * MB;
	expect(HA_LAG_STREAMING, (int64_t) (5 * MB), 5 * S);
	facts.replay_lsn = 194 * MB + MB / 2;		/* between two samples */
	expect(HA_LAG_STREAMING, (int64_t) (5 * MB + MB / 2), 5 * S + S / 2);
}

/* The primary rested at 200 MB for an hour, then wrote: the lag is since then, not since it came there. */
static void
test_rest_does_not_count(void **state)
{
	HaLag lag;

	(void) state;
	ha_lag_add(&ring, 200 * MB, 4700 * S);
	facts.primary_lsn = 201 * MB;	/* it has only just written */
	lag = ha_lag_judge(&facts, &ring, 4700 * S + S / 2);
	assert_int_equal(lag.time_us, S / 2);
	ha_lag_add(&ring, 210 * MB, 4701 * S);
	facts.primary_lsn = 210 * MB;
	lag = ha_lag_judge(&facts, &ring, 4702 * S);
	assert_int_equal(lag.time_us, 2 * S);
	assert_int_equal(lag.bytes, (int64_t) (10 * MB));
}

/* Since the last sample only the sender knows; of a replay that stands still it knows what was once. */
static void
test_between_samples_the_sender_knows(void **state)
{
	HaLag lag;

	(void) state;
	facts.primary_lsn = 201 * MB;
	facts.measured_us = S / 1000;
	lag = ha_lag_judge(&facts, &ring, 1100 * S + S / 2);
	assert_int_equal(lag.time_us, S / 1000);
	facts.measured_us = 40 * S;
	lag = ha_lag_judge(&facts, &ring, 1100 * S + S / 2);
	assert_int_equal(lag.time_us, S / 2);
	facts.measured_us = S / 1000;	/* nobody has looked at the primary for a minute */
	lag = ha_lag_judge(&facts, &ring, 1160 * S);
	assert_int_equal(lag.time_us, -1);
	assert_int_equal(lag.bytes, (int64_t) MB);
	facts.replay_lsn = 190 * MB;
	expect(HA_LAG_STREAMING, (int64_t) (11 * MB), 10 * S);
}

static void
test_before_the_history_is_no_number(void **state)
{
	HaLag lag;

	(void) state;
	facts.replay_lsn = 99 * MB;
	lag = judge();
	assert_int_equal(lag.time_us, -1);
	assert_int_equal(lag.at_least_us, 100 * S);
	assert_int_equal(lag.bytes, (int64_t) (101 * MB));
	ring.count = 0;
	lag = judge();
	assert_int_equal(lag.time_us, -1);
	assert_int_equal(lag.at_least_us, -1);
}

/* After a failover the new primary begins behind what the old one had written. */
static void
test_failover_cuts_what_was_lost(void **state)
{
	HaLag lag;

	(void) state;
	ha_lag_add(&ring, 150 * MB, 1110 * S);
	assert_int_equal(ha_lag_last(&ring)->lsn, 150 * MB);
	ha_lag_add(&ring, 160 * MB, 1120 * S);
	facts.flush_lsn = facts.replay_lsn = 150 * MB;
	facts.primary_lsn = 160 * MB;
	lag = ha_lag_judge(&facts, &ring, 1120 * S);
	assert_int_equal(lag.bytes, (int64_t) (10 * MB));
	assert_int_equal(lag.time_us, 10 * S);
}

/* A day of work: the ring keeps its beginning and answers within a few percent at every age. */
static void
test_ring_grows_coarse_not_short(void **state)
{
	const int64_t turns = 2 * 86400;

	(void) state;
	memset(&ring, 0, sizeof(ring));
	for (int64_t i = 0; i < turns; i++)
	{
		ha_lag_add(&ring, MB + (uint64_t) i * 1000, i * S / 2);
		assert_true(ring.count <= HA_LAG_SAMPLES_MAX);
	}
	assert_int_equal(ring.sample[0].first_us, 0);
	for (uint32_t i = 1; i < ring.count; i++)
		assert_true(ring.sample[i].lsn > ring.sample[i - 1].lsn &&
					ring.sample[i].first_us > ring.sample[i - 1].last_us);
	for (int64_t ago = 1; ago < turns; ago = ago * 2 + 1)
	{
		bool exact;
		HaUs now_us = (turns - 1) * S / 2;
		HaUs since_us = ha_lag_since(&ring, MB + (uint64_t) (turns - 1 - ago) * 1000, now_us, &exact);

		assert_true(exact);
		assert_in_range(since_us, ago * S / 2 - S / 100, ago * S / 2 + S / 100);
	}
}

/* Steady writing is straight between two samples; work by day and rest by night must come out right too. */
static void
test_thinning_keeps_rest_and_work_apart(void **state)
{
	HaLsn lsn = MB;
	HaUs now_us = 0;
	bool exact;
	HaUs since_us;

	(void) state;
	memset(&ring, 0, sizeof(ring));
	for (int i = 0; i < 3000; i++)
	{
		now_us += i % 100 == 0 ? 600 * S : S;	/* ten minutes of rest each hundred samples */
		ha_lag_add(&ring, lsn, now_us - S / 2);
		ha_lag_add(&ring, lsn += 1000, now_us);
	}
	since_us = ha_lag_since(&ring, lsn - 350 * 1000, now_us, &exact);
	assert_true(exact);
	assert_in_range(since_us, (350 + 2 * 600) * S, (350 + 4 * 600) * S);
}

static void
test_fast_turns_do_not_fill_it(void **state)
{
	(void) state;
	memset(&ring, 0, sizeof(ring));
	for (int64_t i = 0; i < 100000; i++)
		ha_lag_add(&ring, MB + (uint64_t) i, i * 100);	/* 10 s */
	assert_in_range(ring.count, 50, 110);
	assert_int_equal(ha_lag_last(&ring)->lsn, MB + 99999);
}

/* ---- Rate ---- */

static void
test_rate(void **state)
{
	(void) state;
	assert_int_equal(ha_lag_rate(&ring, 1100 * S, 60 * S), (int64_t) MB);
	assert_int_equal(ha_lag_rate(&ring, 1100 * S, 3600 * S), (int64_t) MB);	/* as long as is known */
	ha_lag_add(&ring, 200 * MB, 1500 * S);
	assert_int_equal(ha_lag_rate(&ring, 1500 * S, 60 * S), 0);
	memset(&ring, 0, sizeof(ring));
	assert_int_equal(ha_lag_rate(&ring, 1100 * S, 60 * S), -1);
	ha_lag_add(&ring, MB, 0);
	ha_lag_add(&ring, 2 * MB, 9 * S);
	assert_int_equal(ha_lag_rate(&ring, 9 * S, 60 * S), -1);
}

/* ---- State ---- */

static void
test_rp2_not_heard_is_no_zero(void **state)
{
	(void) state;
	facts.heard = false;
	expect(HA_LAG_UNKNOWN, -1, -1);
	facts.wal_missing = true;
	expect(HA_LAG_WAL_MISSING, -1, -1);
}

static void
test_rp2_primary_not_heard(void **state)
{
	(void) state;
	facts.primary_heard = false;
	expect(HA_LAG_STREAMING, -1, -1);
	assert_int_equal(judge().flush_bytes, -1);
	facts.receiver = HA_LAG_RECEIVER_NONE;
	expect(HA_LAG_NO_RECEIVER, -1, -1);
}

/* Cut off from its source, with the primary's position known all the same: the truth grows. */
static void
test_rp2_cut_off_but_known(void **state)
{
	(void) state;
	facts.receiver = HA_LAG_RECEIVER_NONE;
	facts.flush_lsn = facts.replay_lsn = 181 * MB;
	expect(HA_LAG_NO_RECEIVER, (int64_t) (19 * MB), 19 * S);
	facts.receiver = HA_LAG_RECEIVER_STARTING;
	expect(HA_LAG_NO_RECEIVER, (int64_t) (19 * MB), 19 * S);
	facts.receiver = HA_LAG_RECEIVER_NONE;
	facts.wants_receiver = false;
	expect(HA_LAG_ARCHIVE_ONLY, (int64_t) (19 * MB), 19 * S);
}

static void
test_rp4_missing_wal_comes_first(void **state)
{
	(void) state;
	facts.wal_missing = true;
	facts.paused = true;
	facts.receiver = HA_LAG_RECEIVER_NONE;
	facts.flush_lsn = facts.replay_lsn = 150 * MB;
	expect(HA_LAG_WAL_MISSING, (int64_t) (50 * MB), 50 * S);
}

static void
test_rp5_stalled(void **state)
{
	(void) state;
	facts.flush_lsn = facts.replay_lsn = 175 * MB;
	facts.silent_us = 25 * S;
	expect(HA_LAG_STALLED, (int64_t) (25 * MB), 25 * S);
	facts.silent_us = S;			/* it speaks, and has much to catch up */
	expect(HA_LAG_CATCHUP, (int64_t) (25 * MB), 25 * S);
	facts.flush_lsn = facts.replay_lsn = 195 * MB;
	facts.silent_us = 25 * S;		/* it was silent while there was nothing to say */
	expect(HA_LAG_STREAMING, (int64_t) (5 * MB), 5 * S);
	facts.receiver = HA_LAG_RECEIVER_CATCHUP;
	expect(HA_LAG_CATCHUP, (int64_t) (5 * MB), 5 * S);
}

static void
test_rp6_paused(void **state)
{
	(void) state;
	facts.paused = true;
	facts.replay_lsn = 190 * MB;
	expect(HA_LAG_PAUSED, (int64_t) (10 * MB), 10 * S);
	assert_int_equal(judge().flush_bytes, 0);
}

static void
test_rp7_never_negative(void **state)
{
	(void) state;
	facts.flush_lsn = facts.replay_lsn = 201 * MB;	/* the primary's position is of the last beat */
	expect(HA_LAG_STREAMING, 0, 0);
	assert_int_equal(judge().flush_bytes, 0);
}

static void
test_rp8_null_is_not_zero(void **state)
{
	(void) state;
	facts.replay_lsn = 0;
	expect(HA_LAG_STREAMING, -1, -1);
	facts.replay_lsn = 199 * MB;
	ring.count = 0;					/* level: 0; not level and no history: not known */
	expect(HA_LAG_STREAMING, (int64_t) MB, -1);
	facts.replay_lsn = 200 * MB;
	expect(HA_LAG_STREAMING, 0, 0);
}

/* Another timeline's position is no number of this one, whatever it looks like. */
static void
test_rp16_not_joined(void **state)
{
	(void) state;
	facts.joined = false;
	facts.flush_lsn = facts.replay_lsn = 300 * MB;
	expect(HA_LAG_JOINING, -1, -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_rp1_idle_is_zero, start),
		cmocka_unit_test_setup(test_time_is_since_the_primary_passed, start),
		cmocka_unit_test_setup(test_rest_does_not_count, start),
		cmocka_unit_test_setup(test_between_samples_the_sender_knows, start),
		cmocka_unit_test_setup(test_before_the_history_is_no_number, start),
		cmocka_unit_test_setup(test_failover_cuts_what_was_lost, start),
		cmocka_unit_test_setup(test_ring_grows_coarse_not_short, start),
		cmocka_unit_test_setup(test_thinning_keeps_rest_and_work_apart, start),
		cmocka_unit_test_setup(test_fast_turns_do_not_fill_it, start),
		cmocka_unit_test_setup(test_rate, start),
		cmocka_unit_test_setup(test_rp2_not_heard_is_no_zero, start),
		cmocka_unit_test_setup(test_rp2_primary_not_heard, start),
		cmocka_unit_test_setup(test_rp2_cut_off_but_known, start),
		cmocka_unit_test_setup(test_rp4_missing_wal_comes_first, start),
		cmocka_unit_test_setup(test_rp5_stalled, start),
		cmocka_unit_test_setup(test_rp6_paused, start),
		cmocka_unit_test_setup(test_rp7_never_negative, start),
		cmocka_unit_test_setup(test_rp8_null_is_not_zero, start),
		cmocka_unit_test_setup(test_rp16_not_joined, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
