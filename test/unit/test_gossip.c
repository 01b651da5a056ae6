/*
 * test_gossip.c: members that heard of events in any order, with losses, come to hold the same.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/prng.h"
#include "drive/gossip.h"

#define MEMBERS 3

static HaGossip member[MEMBERS + 1];
static HaEventKeys keys;
static HaEventBatch batch;

static void
start_all(void)
{
	for (HaId id = 1; id <= MEMBERS; id++)
		ha_gossip_start(&member[id], id, 5);
}

static HaEventRecord
new_event(HaId id, int64_t wall_us)
{
	HaEventRecord record = {.kind = HA_NOTE_OPENED};

	ha_event_set_text(&record, "something happened");
	ha_gossip_own(&member[id], &record, wall_us);
	return record;
}

/* `to` asks `from` for what it lacks. */
static uint32_t
ask(HaId from, HaId to)
{
	uint32_t at = 0;
	uint32_t got = 0;

	ha_gossip_keys(&member[to], &keys);
	do
	{
		at = ha_gossip_missing(&member[from], &keys, at, &batch);
		assert_true(batch.more == (at != 0));
		for (uint32_t i = 0; i < batch.count; i++)
			got += ha_gossip_add(&member[to], &batch.record[i]);
	} while (at != 0);
	return got;
}

static void
assert_same(HaId a, HaId b)
{
	assert_int_equal(member[a].count, member[b].count);
	for (uint32_t i = 0; i < member[a].count; i++)
		assert_int_equal(ha_event_compare(&member[a].record[i].key, &member[b].record[i].key), 0);
}

static void
test_own_events_are_numbered(void **state)
{
	HaEventRecord first;
	HaEventRecord second;

	(void) state;
	start_all();
	first = new_event(2, 1000);
	second = new_event(2, 900);	/* the wall clock was set back */
	assert_int_equal(first.key.origin, 2);
	assert_int_equal(first.key.run, 5);
	assert_int_equal(first.key.number, 1);
	assert_int_equal(second.key.number, 2);
	assert_int_equal(second.key.wall_us, 1000);
	assert_int_equal(member[2].count, 2);
	assert_false(ha_gossip_add(&member[2], &first));
	assert_int_equal(member[2].count, 2);
}

/* In any order, with most of them lost at first. */
static void
test_all_come_to_hold_the_same(void **state)
{
	HaPrng prng;

	(void) state;
	for (uint64_t seed = 1; seed <= 200; seed++)
	{
		uint32_t total;

		start_all();
		ha_prng_seed(&prng, seed);
		total = 1 + ha_prng_below(&prng, 700);
		for (uint32_t i = 0; i < total; i++)
		{
			HaId id = 1 + ha_prng_below(&prng, MEMBERS);
			HaEventRecord record = new_event(id, 1000 + ha_prng_below(&prng, 2000));

			for (HaId other = 1; other <= MEMBERS; other++)
			{
				if (other != id && ha_prng_below(&prng, 3) == 0)
					(void) ha_gossip_add(&member[other], &record);
			}
		}
		for (HaId to = 1; to <= MEMBERS; to++)
			for (HaId from = 1; from <= MEMBERS; from++)
				(void) ask(from, to);
		for (HaId to = 1; to <= MEMBERS; to++)
			for (HaId from = 1; from <= MEMBERS; from++)
				assert_int_equal(ask(from, to), 0);
		assert_same(1, 2);
		assert_same(1, 3);
		assert_int_equal(member[1].count, total < HA_EVENTS_KEPT ? total : HA_EVENTS_KEPT);
	}
}

/* The newest are kept, in order. */
static void
test_the_oldest_go(void **state)
{
	HaEventRecord old = {.kind = HA_NOTE_OPENED};

	(void) state;
	start_all();
	for (int i = 0; i < HA_EVENTS_KEPT + 100; i++)
		(void) new_event(1, 1000 + i);
	assert_int_equal(member[1].count, HA_EVENTS_KEPT);
	assert_int_equal(member[1].record[0].key.number, 101);
	for (uint32_t i = 1; i < member[1].count; i++)
		assert_int_equal(ha_event_compare(&member[1].record[i - 1].key, &member[1].record[i].key), -1);
	old.key = (HaEventKey){3, 1, 1, 500};
	assert_false(ha_gossip_add(&member[1], &old));
	old.key.wall_us = 1200;
	assert_true(ha_gossip_add(&member[1], &old));
	assert_int_equal(member[1].count, HA_EVENTS_KEPT);
	assert_int_equal(member[1].record[0].key.number, 102);

	/* What a full set would throw away is not even sent to it. */
	old.key = (HaEventKey){3, 1, 1, 500};
	assert_true(ha_gossip_add(&member[2], &old));
	ha_gossip_keys(&member[1], &keys);
	assert_int_equal(ha_gossip_missing(&member[2], &keys, 0, &batch), 0);
	assert_int_equal(batch.count, 0);
}

/* A member that starts anew gets all back, and its numbers do not meet its old ones. */
static void
test_a_restart(void **state)
{
	(void) state;
	start_all();
	for (int i = 0; i < 200; i++)
		(void) new_event(1, 1000 + i);
	(void) ask(1, 2);
	ha_gossip_start(&member[1], 1, 6);
	(void) new_event(1, 1100);
	assert_int_equal(ask(2, 1), 200);
	assert_int_equal(ask(1, 2), 1);
	assert_same(1, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_events_are_numbered),
		cmocka_unit_test(test_all_come_to_hold_the_same),
		cmocka_unit_test(test_the_oldest_go),
		cmocka_unit_test(test_a_restart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
