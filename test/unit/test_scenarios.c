/*
 * test_scenarios.c: failure scenarios of docs/failure-modes.md, told step by step on the real core; see support/town.h.
 *
 * Each test bears the number of its scenario. TRACE=1 prints what every member does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/town.h"

/* promise + what an election, a promotion and two synced writes may take here */
#define SILENT_MS_MAX 3500
#define WILL_MS_MAX 300

static Town *town;
static HaId first;				/* who led first */

/* A cluster with a leader, ten commits, and standbys that follow. */
static void
settle(int data, int witnesses, uint32_t k)
{
	town = town_new(data, witnesses, k, getenv("TRACE") != NULL ? stdout : NULL);
	first = town_until_leader(town, 6000);
	assert_int_not_equal(first, 0);
	town_run(town, 1500);
	for (int i = 0; i < 10; i++)
		assert_true(town_commit(town, first, 100));
}

static int
teardown(void **state)
{
	(void) state;
	if (town != NULL)
		town_free(town);
	town = NULL;
	return 0;
}

static HaId
other_data(HaId a, HaId b)
{
	for (HaId id = 1;; id++)
	{
		if (id != a && id != b)
			return id;
	}
}

static HaSet
all_but(HaId id)
{
	return ~ha_set_of(id) & ~(HaSet) 1;
}

/* Everybody reaches everybody, all run: one leader, and every data node follows it. */
static void
assert_healed(void)
{
	HaId leader;

	town_run(town, 10000);
	leader = town_until_leader(town, 30000);
	assert_int_not_equal(leader, 0);
	town_run(town, 3000);
	assert_int_equal(town_leader(town), leader);
	assert_true(town_commit(town, leader, 200));
	town_run(town, 100);
	for (HaId id = 1; (int) id <= town->count; id++)
	{
		TownHouse *house = &town->house[id];

		if (house->witness || id == leader)
			continue;
		assert_int_equal(house->node.upstream, leader);
		assert_int_equal(house->wal_count, town->house[leader].wal_count);
	}
}

static void
s01_postmaster_killed(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 0);
	town_kill(town, first, true);
	next = town_until_leader(town, WILL_MS_MAX);
	assert_int_not_equal(next, 0);
	assert_int_not_equal(next, first);
	town_start(town, first);
	assert_healed();
}

static void
s01_postmaster_killed_sync_with_witness(void **state)
{
	HaId next;

	(void) state;
	settle(2, 1, 1);
	town_kill(town, first, true);
	next = town_until_leader(town, WILL_MS_MAX);
	assert_int_not_equal(next, 0);
	assert_true(town_holds_acked(town, next));
	assert_true(town_commit(town, next, 100));	/* alone now, and the register says so */
	assert_int_equal(town->house[next].node.hard.reg.rule.k, 0);
	town_start(town, first);
	assert_healed();
	assert_int_equal(town->house[next].node.hard.reg.rule.k, 1);
}

static void
s02_backend_killed_crash_restart(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 0);
	town_crash_restart(town, first);
	assert_int_equal(town_leader(town), 0);	/* nothing is acknowledged by what is a standby now */
	next = town_until_leader(town, 1000);	/* the own term is given back: nobody waits for the promise */
	assert_int_not_equal(next, 0);
	assert_int_not_equal(next, first);
	assert_healed();
}

static void
s04_worker_killed_and_back(void **state)
{
	HaTerm term;

	(void) state;
	settle(3, 0, 0);
	term = town->house[first].node.hard.term;
	town_kill_worker(town, first);
	town_run(town, 1000);
	assert_true(town_commit(town, first, 100));	/* the lease in shared memory still runs */
	town_start_worker(town, first);
	assert_int_equal(town_until_leader(town, 200), first);
	assert_int_equal(town->house[first].node.hard.term, term);
	assert_healed();
}

static void
s04_worker_stays_dead(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 0);
	town_kill_worker(town, first);
	town_run(town, 2500);
	assert_int_equal(town_leader(town), 0);	/* the lease ran out by itself */
	assert_false(town_commit(town, first, 0));
	next = town_until_leader(town, 1500);
	assert_int_not_equal(next, first);
	assert_int_not_equal(next, 0);
	town_start_worker(town, first);
	assert_healed();
}

/* The promise is set longer, and the ha worker ends before its next beat: nobody has promised that much yet (R19). */
static void
s04_promise_set_longer_and_worker_dead(void **state)
{
	(void) state;
	settle(3, 0, 0);
	town_run(town, 100);
	town->house[first].node.times.promise_ms = 30000;
	town_run(town, 2);
	town_kill_worker(town, first);
	for (int i = 0; i < 80; i++)
	{
		town_run(town, 100);
		town_leader(town);		/* fails when there are two */
	}
	assert_int_not_equal(town_leader(town), first);
	assert_int_not_equal(town_leader(town), 0);
}

/* The promise is changed at run time, again and again: as long as a majority answers, nothing is fenced. */
static void
s04_promise_changed_under_way(void **state)
{
	static const uint32_t promise_ms[] = {3100, 30000, 29000, 3000, 1500, 60000, 3000};

	(void) state;
	settle(3, 0, 0);
	for (size_t i = 0; i < sizeof(promise_ms) / sizeof(promise_ms[0]); i++)
	{
		town->house[first].node.times.promise_ms = promise_ms[i];
		for (int ms = 0; ms < 1100; ms++)
		{
			town_run(town, 1);
			assert_int_equal(town_leader(town), first);
		}
	}
	assert_int_equal(town->notes[HA_NOTE_FENCED], 0);
	town_kill(town, first, false);
	town_run(town, 29000);
	assert_int_equal(town_leader(town), 0);	/* the longest promise that was given lasts */
	assert_int_not_equal(town_until_leader(town, 60000), 0);
}

static void
s05_s12_primary_frozen(void **state)
{
	HaId next;
	HaUs began;

	(void) state;
	settle(3, 0, 0);
	town_freeze(town, first, true);
	began = town->now_us;
	town_run(town, 100);
	assert_int_equal(town_leader(town), 0);	/* it can't acknowledge while it is frozen */
	next = town_until_leader(town, SILENT_MS_MAX);
	assert_int_not_equal(next, 0);
	assert_true(town->now_us - began <= SILENT_MS_MAX * HA_US_PER_MS);
	assert_true(town_commit(town, next, 100));
	town_freeze(town, first, false);
	assert_false(town_commit(town, first, 500));
	assert_healed();
	assert_true(town->house[first].acked_last_us < town->house[next].acked_last_us);
}

static void
s10_no_sql_is_needed(void **state)
{
	(void) state;

	/* The core is told facts of shared memory only; a server whose connections are all used looks the same. */
	settle(3, 0, 0);
	town_run(town, 60000);
	assert_int_equal(town_leader(town), first);
	assert_int_equal(town->house[first].node.hard.term, 1);
}

static void
s11_clean_stop(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 0);
	town_stop(town, first);
	next = town_until_leader(town, 400);
	assert_int_not_equal(next, 0);
	assert_true(town_holds_acked(town, next));
	town_start(town, first);
	assert_healed();
	/* It had sent its last WAL: no rewind was needed. */
	assert_int_equal(town->notes[HA_NOTE_DIVERGED], 0);
}

static void
s13_boot_of_the_last_primary_while_others_elect(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 0);
	town_kill(town, first, false);
	town->house[first].server = town->house[first].worker = true;
	town_start(town, first);
	town->house[first].pg.state = HA_PG_STARTING;	/* a long crash recovery */
	town->house[first].pg.settled = false;
	next = town_until_leader(town, 1000);
	assert_int_not_equal(next, 0);
	assert_int_not_equal(next, first);
	town->house[first].pg.state = HA_PG_STANDBY;
	town->house[first].pg.settled = true;
	assert_healed();
}

static void
s15_primary_isolated_clients_still_there(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 0);
	town_cut(town, ha_set_of(first), all_but(first));
	town_cut(town, all_but(first), ha_set_of(first));
	for (int i = 0; i < 40; i++)
	{
		town_commit(town, first, 0);
		town_run(town, 100);
		town_leader(town);		/* fails when there are two */
	}
	next = town_until_leader(town, 100);
	assert_int_not_equal(next, 0);
	assert_int_not_equal(next, first);
	assert_true(town_commit(town, next, 100));
	assert_false(town_commit(town, first, 500));
	town_heal(town);
	assert_healed();
	assert_true(town->notes[HA_NOTE_DIVERGED] > 0);
	assert_true(town_commit(town, town_leader(town), 100));
}

static void
s15_sync_loses_nothing(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 1);
	town_cut(town, ha_set_of(first), all_but(first));
	town_cut(town, all_but(first), ha_set_of(first));
	town_commit(town, first, 2600);
	assert_int_equal(town_leader(town), 0);
	next = town_until_leader(town, SILENT_MS_MAX - 2600);
	assert_int_not_equal(next, 0);
	assert_true(town_holds_acked(town, next));
	town_heal(town);
	assert_healed();
	assert_true(town_holds_acked(town, town_leader(town)));
}

static void
s16_non_transitive_partition(void **state)
{
	HaId a, b;
	HaTerm term;

	(void) state;
	settle(3, 0, 0);
	a = other_data(first, 0);
	b = other_data(first, a);
	term = town->house[first].node.hard.term;

	/* One standby loses the leader, the other one hears both. */
	town_cut(town, ha_set_of(first), ha_set_of(a));
	town_cut(town, ha_set_of(a), ha_set_of(first));
	town_run(town, 60000);
	assert_int_equal(town_leader(town), first);
	assert_int_equal(town->house[first].node.hard.term, term);
	assert_int_equal(town->house[b].node.hard.term, term);
	town_heal(town);
	assert_healed();
}

static void
s17_one_way_link(void **state)
{
	HaId next;

	(void) state;
	settle(3, 0, 0);
	/* The leader is heard but hears nothing: without answers it has no lease. */
	town_cut(town, all_but(first), ha_set_of(first));
	town_run(town, 2600);
	assert_int_equal(town_leader(town), 0);
	/* The members still hear it; it asks for a promise more and falls silent, theirs run out, and they elect. */
	next = town_until_leader(town, 3000 + SILENT_MS_MAX);
	assert_int_not_equal(next, 0);
	assert_int_not_equal(next, first);
	assert_true(town_commit(town, next, 100));
	assert_false(town_commit(town, first, 0));
	/* It goes on asking for its own term, and disturbs nobody by it. */
	town_run(town, 30000);
	assert_int_equal(town_leader(town), next);
	town_heal(town);
	assert_healed();
	assert_int_equal(town_leader(town), next);
}

/* Nobody who could be elected hears the leader's silence: it goes on when they are back, however long that took. */
static void
s17_both_standbys_restart(void **state)
{
	(void) state;
	for (int away_ms = 500; away_ms <= 15000; away_ms += 500)
	{
		uint64_t run;
		HaTerm term;
		HaId a, b;

		settle(3, 0, 0);
		a = other_data(first, 0);
		b = other_data(first, a);
		run = town->house[first].node.hard.run;
		term = town->house[first].node.hard.term;
		town_kill(town, a, false);
		town_kill(town, b, false);
		town_run(town, away_ms);
		town_start(town, a);
		town_run(town, away_ms % 1000);
		town_start(town, b);
		assert_int_equal(town_until_leader(town, 600), first);
		assert_true(town_commit(town, first, 100));
		assert_healed();
		assert_int_equal(town_leader(town), first);
		assert_int_equal(town->house[first].node.hard.term, term);
		assert_int_equal(town->house[first].node.hard.run, run);
		assert_int_equal(town->notes[HA_NOTE_RESTART], 0);
		teardown(state);
	}
}

/* The link is gone in both directions, and then for all: who is cut off alone can't be replaced, and goes on. */
static void
s17_everybody_alone(void **state)
{
	HaTerm term;

	(void) state;
	settle(2, 1, 1);
	term = town->house[first].node.hard.term;
	for (HaId id = 1; id <= 3; id++)
		town_cut(town, ha_set_of(id), all_but(id));
	town_run(town, 30000);
	assert_int_equal(town_leader(town), 0);
	assert_int_equal(town->house[first].node.role, HA_ROLE_LEADER);
	assert_int_equal(town->house[first].node.hard.term, term);
	town_heal(town);
	assert_int_not_equal(town_until_leader(town, 8000), 0);
	assert_healed();
}

static void
s19_only_one_standby_lost_the_primary(void **state)
{
	HaId a;

	(void) state;
	settle(2, 1, 0);
	a = other_data(first, 3);
	town_cut(town, ha_set_of(first), ha_set_of(a));
	town_cut(town, ha_set_of(a), ha_set_of(first));
	town_run(town, 30000);
	assert_int_equal(town_leader(town), first);
	town_heal(town);
	assert_healed();
	assert_int_equal(town_leader(town), first);
}

static void
s20_minority_site_holds_the_primary(void **state)
{
	HaSet minority, majority = 0;
	HaId next;

	(void) state;
	settle(5, 0, 2);
	minority = ha_set_of(first) | ha_set_of(other_data(first, 0));
	for (HaId id = 1; id <= 5; id++)
		majority |= ha_set_has(minority, id) ? 0 : ha_set_of(id);
	town_cut(town, minority, majority);
	town_cut(town, majority, minority);
	town_commit(town, first, 2600);
	assert_int_equal(town_leader(town), 0);
	next = town_until_leader(town, SILENT_MS_MAX - 2600);
	assert_true(ha_set_has(majority, next));
	assert_true(town_holds_acked(town, next));
	assert_false(town_commit(town, first, 200));
	town_heal(town);
	assert_healed();
}

/* Who still hears a leader without a majority does not tell at each of its silences that it is lost, then found. */
static void
s20_lonely_leader_tells_once(void **state)
{
	HaId near;
	uint32_t before = 0;

	(void) state;
	settle(5, 0, 0);
	near = other_data(first, 0);
	for (HaId id = 1; id <= 5; id++)
	{
		if (id != first && id != near)
			town_kill(town, id, false);
	}
	town_run(town, 20000);
	for (int kind = 0; kind < HA_NOTE_COUNT; kind++)
		before += town->notes[kind];
	town_run(town, 60000);
	for (int kind = 0; kind < HA_NOTE_COUNT; kind++)
		before -= town->notes[kind];
	assert_int_equal(before, 0);
	assert_int_equal(town->house[first].node.role, HA_ROLE_LEADER);
	assert_int_equal(town_leader(town), 0);
	for (HaId id = 1; id <= 5; id++)
	{
		if (id != first && id != near)
			town_start(town, id);
	}
	assert_healed();
	assert_true(town_holds_acked(town, town_leader(town)));
}

static void
s21_majority_lost_then_forced(void **state)
{
	HaId a, b;

	(void) state;
	settle(3, 0, 0);
	a = other_data(first, 0);
	b = other_data(first, a);
	town_kill(town, first, true);
	town_kill(town, b, false);
	town_run(town, 30000);
	assert_int_equal(town_leader(town), 0);
	assert_int_equal(town->house[a].pg.state, HA_PG_STANDBY);
	assert_int_equal(town_request(town, a, (HaRequest){.kind = HA_REQUEST_FORCE}), HA_ANSWER_DONE);
	assert_int_equal(town_until_leader(town, 1000), a);
	assert_true(town->house[a].node.hard.reg.forced_term > 0);
	town_start(town, first);
	town_start(town, b);
	assert_healed();
	assert_int_equal(ha_set_count(town->house[a].node.hard.reg.voters), 3);
}

/* A member that was started a moment ago has not heard the leader yet: that is no reason to lead. */
static void
s21_not_forced_before_it_could_hear(void **state)
{
	HaId a;

	(void) state;
	settle(3, 0, 0);
	a = other_data(first, 0);
	town_kill(town, a, false);
	town_run(town, 1000);
	town_cut(town, ha_set_of(first), ha_set_of(a));	/* the beats don't get through at once */
	town_start(town, a);
	assert_int_equal(town_request(town, a, (HaRequest){.kind = HA_REQUEST_FORCE}), HA_ANSWER_NOT_READY);
	town_run(town, 2900);
	assert_int_equal(town_request(town, a, (HaRequest){.kind = HA_REQUEST_FORCE}), HA_ANSWER_NOT_READY);
	/* Nor while it has promised a leader to wait. */
	town_heal(town);
	town_run(town, 3000);
	town_cut(town, ha_set_of(first), ha_set_of(a));
	town_run(town, 2400);
	assert_int_equal(town_request(town, a, (HaRequest){.kind = HA_REQUEST_FORCE}), HA_ANSWER_NOT_READY);
	assert_int_equal(town_leader(town), first);
	/* From then on the operator knows better. */
	town_run(town, 1000);
	assert_int_equal(town_request(town, a, (HaRequest){.kind = HA_REQUEST_FORCE}), HA_ANSWER_DONE);
}

/* Who is forced has not heard of the others' last terms: its own must be above them all the same. */
static void
s21_forced_after_it_was_cut_off(void **state)
{
	HaId a, b;
	HaTerm term;

	(void) state;
	settle(3, 0, 0);
	a = other_data(first, 0);
	b = other_data(first, a);
	town_cut(town, ha_set_of(a), all_but(a));
	town_cut(town, all_but(a), ha_set_of(a));
	do
	{
		HaId leader = town_until_leader(town, 10000);

		town_kill(town, leader, true);
		town_start(town, leader);
		town_run(town, 5000);
		term = town->house[b].node.hard.term;
	} while (term < town->house[a].node.hard.term + 2);
	town_kill(town, first, false);
	town_kill(town, b, false);
	assert_int_equal(town_request(town, a, (HaRequest){.kind = HA_REQUEST_FORCE}), HA_ANSWER_DONE);
	assert_true(town->house[a].node.hard.term > term);
	assert_int_equal(town_until_leader(town, 1000), a);
	town_heal(town);
	town_start(town, first);
	town_start(town, b);
	assert_healed();
	assert_int_equal(town_leader(town), a);
	assert_int_equal(town->notes[HA_NOTE_ASSERTION], 0);
}

static void
s22_witness_dead_then_primary(void **state)
{
	(void) state;
	settle(2, 1, 0);
	town_kill(town, 3, false);
	town_run(town, 10000);
	assert_int_equal(town_leader(town), first);
	town_kill(town, first, true);
	town_run(town, 30000);
	assert_int_equal(town_leader(town), 0);
	town_start(town, 3);
	assert_int_not_equal(town_until_leader(town, 8000), 0);
	town_start(town, first);
	assert_healed();
}

static void
s23_flapping_link(void **state)
{
	HaTerm term;

	(void) state;
	settle(3, 0, 0);
	for (int i = 0; i < 12; i++)
	{
		HaId leader = town_until_leader(town, 10000);

		town_cut(town, ha_set_of(leader), all_but(leader));
		town_cut(town, all_but(leader), ha_set_of(leader));
		town_run(town, i % 2 == 0 ? 1000 : 5000);
		town_heal(town);
		town_run(town, 5000);
	}
	/* Short cuts cost nothing, long ones one term each. */
	town_run(town, 5000);
	term = town->house[1].node.hard.term;
	assert_true(term <= 1 + 2 * 6);
	assert_healed();
}

static void
s30_s42_stale_replica_boots_first(void **state)
{
	HaId a, b;

	(void) state;
	settle(3, 0, 1);
	a = other_data(first, 0);
	b = other_data(first, a);
	town_kill(town, a, false);	/* stale from here on */
	town_run(town, 8000);
	for (int i = 0; i < 10; i++)
		assert_true(town_commit(town, first, 200));
	town_kill(town, b, false);
	town_kill(town, first, false);
	town_run(town, 5000);
	town_start(town, a);
	town_run(town, 20000);
	assert_int_equal(town_leader(town), 0);	/* alone: no majority */
	town_start(town, b);
	assert_int_equal(town_until_leader(town, 20000), b);	/* and not the stale one */
	assert_true(town_holds_acked(town, b));
	town_start(town, first);
	assert_healed();
}

static void
s34_promoted_by_hand(void **state)
{
	HaId rogue;

	(void) state;
	settle(3, 0, 0);
	rogue = other_data(first, 0);
	town_promote_by_hand(town, rogue);
	assert_false(town_commit(town, rogue, 200));
	assert_int_equal(town_leader(town), first);
	town_run(town, 5000);
	assert_true(town->notes[HA_NOTE_ROGUE] > 0);
	assert_healed();
	assert_int_equal(town_leader(town), first);
}

static void
s35_two_nodes_with_one_timeline_number(void **state)
{
	HaId rogue;

	(void) state;
	settle(3, 0, 0);
	rogue = other_data(first, 0);
	/* The rogue takes the number that the next leader will take too. */
	town_cut(town, ha_set_of(rogue), all_but(rogue));
	town_cut(town, all_but(rogue), ha_set_of(rogue));
	town_promote_by_hand(town, rogue);
	town->tli_next--;
	town_kill(town, first, true);
	town_run(town, 2000);
	town_start(town, first);
	town_until_leader(town, 20000);
	town_run(town, 2000);
	town_heal(town);
	assert_healed();
	assert_true(town->notes[HA_NOTE_MUST_CLONE] > 0);
}

static void
s36_standby_ahead_of_the_new_primary(void **state)
{
	HaId ahead, behind;

	(void) state;
	settle(3, 0, 0);
	ahead = other_data(first, 0);
	behind = other_data(first, ahead);
	/* One standby is cut off the WAL; the other receives more; then it is not there for the election. */
	town_cut(town, ha_set_of(behind), ha_set_of(first));
	town_commit(town, first, 100);
	town_run(town, 100);
	town_freeze(town, ahead, true);
	town_kill(town, first, true);
	town_heal(town);
	town_run(town, 5000);
	town_start(town, first);
	town->house[first].wal_count = town->house[behind].wal_count;	/* its disk came back without the last records */
	town->house[first].pg.replay_lsn = town_lsn(town->house[first].wal_count);
	assert_int_not_equal(town_until_leader(town, 20000), 0);
	town_freeze(town, ahead, false);
	assert_healed();
	assert_true(town->notes[HA_NOTE_DIVERGED] > 0);
}

static void
s40_half_copied_standby(void **state)
{
	HaId half;

	(void) state;
	settle(3, 0, 0);
	half = other_data(first, 0);
	town->house[half].pg.blocks = HA_BLOCK_INCONSISTENT;
	town_kill(town, first, true);
	assert_int_equal(town_until_leader(town, 1000), other_data(first, half));
}

static void
s41_old_primary_boots_without_network(void **state)
{
	(void) state;
	settle(3, 0, 0);
	town_kill(town, first, false);
	town_run(town, 5000);
	town_cut(town, ha_set_of(first), all_but(first));
	town_cut(town, all_but(first), ha_set_of(first));
	town_start(town, first);
	town_run(town, 60000);
	assert_int_equal(town->house[first].pg.state, HA_PG_STANDBY);
	assert_false(town_commit(town, first, 0));
	town_heal(town);
	assert_healed();
}

static void
s51_two_members_with_one_number(void **state)
{
	HaId a;
	HaUuid twin = {.byte = {99}};

	(void) state;
	settle(3, 0, 0);
	a = other_data(first, 0);
	/* A copy of a member that was given another life: it is heard by nobody, and takes no part. */
	town->house[a].node.hard.incarnation = town->house[a].disk.incarnation = twin;
	town_run(town, 10000);
	assert_true(town->notes[HA_NOTE_STRANGER] > 0);
	assert_int_equal(town_leader(town), first);
	town_kill(town, first, true);
	town_run(town, 20000);
	assert_int_equal(town_leader(town), 0);
}

static void
s52_state_went_back(void **state)
{
	HaId a;
	HaHard old;

	(void) state;
	settle(3, 0, 0);
	a = other_data(first, 0);
	old = town->house[a].disk;
	for (int i = 0; i < 3; i++)
	{
		town_kill(town, a, false);
		town_start(town, a);
		town_run(town, 4000);
	}
	town_kill(town, a, false);
	town->house[a].disk = old;	/* the disk is replaced by a snapshot */
	town_start(town, a);
	town_run(town, 60000);
	assert_true(town->notes[HA_NOTE_WENT_BACK] > 0);
}

static void
s54_hand_over_loses_nothing(void **state)
{
	HaId target;
	HaUs began;

	(void) state;
	settle(3, 0, 0);
	target = other_data(first, 0);
	began = town->now_us;
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_HAND_OVER, .member.id = target}),
					 HA_ANSWER_DONE);
	assert_int_equal(town_until_leader(town, 500), target);
	assert_true(town->now_us - began <= 500 * HA_US_PER_MS);
	assert_true(town_holds_acked(town, target));
	assert_healed();
	assert_int_equal(town->notes[HA_NOTE_DIVERGED], 0);
}

static void
s55_target_dies_during_the_hand_over(void **state)
{
	HaId target;

	(void) state;
	settle(3, 0, 0);
	target = other_data(first, 0);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_HAND_OVER, .member.id = target}),
					 HA_ANSWER_DONE);
	town_kill(town, target, false);
	assert_int_equal(town_until_leader(town, 2000), first);
	assert_int_equal(town->house[first].node.hard.term, 1);
	assert_true(town_commit(town, first, 100));
	town_start(town, target);
	assert_healed();
}

/* A second hand-over does not begin, nor is it told that nobody leads: it is to be asked for later. */
static void
s56_two_hand_overs(void **state)
{
	HaId a, b;

	(void) state;
	settle(3, 0, 0);
	a = other_data(first, 0);
	b = other_data(first, a);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_HAND_OVER, .member.id = a}),
					 HA_ANSWER_DONE);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_HAND_OVER, .member.id = b}),
					 HA_ANSWER_BUSY);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_PAUSE}), HA_ANSWER_BUSY);
	assert_int_equal(town_until_leader(town, 500), a);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_HAND_OVER, .member.id = b}),
					 HA_ANSWER_NOT_LEADER);
	assert_healed();
}

static void
s57_paused(void **state)
{
	(void) state;
	settle(3, 0, 0);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_PAUSE}), HA_ANSWER_DONE);
	town_cut(town, ha_set_of(first), all_but(first));
	town_cut(town, all_but(first), ha_set_of(first));
	town_run(town, 30000);
	assert_int_equal(town_leader(town), first);	/* the leader goes on, nobody else stands */
	town_heal(town);
	town_run(town, 2000);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_RESUME}), HA_ANSWER_DONE);
	town_kill(town, first, true);
	assert_int_not_equal(town_until_leader(town, WILL_MS_MAX), 0);
}

static void
members_come_and_go(void **state)
{
	HaMember newcomer = {.priority = 50, .flags = HA_MEMBER_DATA, .name = "n9", .incarnation = {{9}}};

	(void) state;
	settle(3, 0, 1);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_ADD_MEMBER, .member = newcomer}),
					 HA_ANSWER_DONE);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_DROP_MEMBER,
															.member.id = other_data(first, 0)}), HA_ANSWER_DONE);
	assert_int_equal(ha_set_count(town->house[first].node.hard.reg.voters), 2);
	assert_int_equal(town_request(town, first, (HaRequest){.kind = HA_REQUEST_DROP_MEMBER, .member.id = first}),
					 HA_ANSWER_LEADER_STAYS);
	town_run(town, 20000);
	/* The dropped one learns it and takes no part. */
	assert_int_equal(town->house[other_data(first, 0)].node.role, HA_ROLE_HELD);
	assert_true(town_commit(town, first, 500));
}

/* The operator's command is waited for before the first write, and nobody else is elected meanwhile. */
static void
held_shut_until_the_command_ended(void **state)
{
	HaId a, b;
	HaId next;

	(void) state;
	settle(3, 0, 1);
	a = other_data(first, 0);
	b = other_data(first, a);
	town->house[a].pg.held_shut = town->house[b].pg.held_shut = true;
	town_kill(town, first, true);
	town_run(town, 10000);
	assert_int_equal(town_leader(town), 0);
	next = town->house[a].node.role == HA_ROLE_OPENING ? a : b;
	assert_int_equal(town->house[next].node.role, HA_ROLE_OPENING);
	town->house[next].pg.held_shut = false;
	assert_int_equal(town_until_leader(town, 1000), next);
	assert_int_equal(town->house[next].node.hard.term, 2);
	assert_true(town_commit(town, next, 500));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(s01_postmaster_killed),
		TEST(s01_postmaster_killed_sync_with_witness),
		TEST(s02_backend_killed_crash_restart),
		TEST(s04_worker_killed_and_back),
		TEST(s04_worker_stays_dead),
		TEST(s04_promise_set_longer_and_worker_dead),
		TEST(s04_promise_changed_under_way),
		TEST(s05_s12_primary_frozen),
		TEST(s10_no_sql_is_needed),
		TEST(s11_clean_stop),
		TEST(s13_boot_of_the_last_primary_while_others_elect),
		TEST(s15_primary_isolated_clients_still_there),
		TEST(s15_sync_loses_nothing),
		TEST(s16_non_transitive_partition),
		TEST(s17_one_way_link),
		TEST(s17_both_standbys_restart),
		TEST(s17_everybody_alone),
		TEST(s19_only_one_standby_lost_the_primary),
		TEST(s20_minority_site_holds_the_primary),
		TEST(s20_lonely_leader_tells_once),
		TEST(s21_majority_lost_then_forced),
		TEST(s21_not_forced_before_it_could_hear),
		TEST(s21_forced_after_it_was_cut_off),
		TEST(s22_witness_dead_then_primary),
		TEST(s23_flapping_link),
		TEST(s30_s42_stale_replica_boots_first),
		TEST(s34_promoted_by_hand),
		TEST(s35_two_nodes_with_one_timeline_number),
		TEST(s36_standby_ahead_of_the_new_primary),
		TEST(s40_half_copied_standby),
		TEST(s41_old_primary_boots_without_network),
		TEST(s51_two_members_with_one_number),
		TEST(s52_state_went_back),
		TEST(s54_hand_over_loses_nothing),
		TEST(s55_target_dies_during_the_hand_over),
		TEST(s56_two_hand_overs),
		TEST(s57_paused),
		TEST(members_come_and_go),
		TEST(held_shut_until_the_command_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
