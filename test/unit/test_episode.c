/*
 * test_episode.c: the life of one alert (ops/episode). The hard cases of alerts are named by their numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/episode.h"

#define S (INT64_C(1000) * 1000)
#define BEGIN_US (1000000 * S)

static HaEpisode episode;
static HaEpisodeRule rule;
static int64_t now_us;
static bool muted;
static bool changed;
static unsigned told[4];		/* how often, by news */

static int
start(void **state)
{
	(void) state;
	memset(&episode, 0, sizeof(episode));
	memset(told, 0, sizeof(told));
	rule = (HaEpisodeRule){.pending_us = 30 * S, .keep_us = 60 * S, .repeat_us = 3600 * S};
	now_us = BEGIN_US;
	muted = false;
	return 0;
}

static HaEpisodeNews
step(HaSeen seen)
{
	HaEpisodeNews news;

	changed = false;
	news = ha_episode_step(&episode, &rule, seen, muted, now_us, &changed);
	told[news]++;
	return news;
}

static HaEpisodeNews
after(int64_t seconds, HaSeen seen)
{
	now_us += seconds * S;
	return step(seen);
}

/* Fires, and people are told. */
static void
fire(void)
{
	step(HA_SEEN_TRUE);
	assert_int_equal(after(30, HA_SEEN_TRUE), HA_NEWS_FIRING);
	assert_int_equal(episode.state, HA_EPISODE_FIRING);
}

/* ---- The states ---- */

static void
test_a_whole_life(void **state)
{
	(void) state;
	assert_int_equal(step(HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_false(changed);
	assert_int_equal(step(HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_true(changed);
	assert_int_equal(episode.state, HA_EPISODE_PENDING);
	assert_int_equal(after(29, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_false(changed);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_FIRING);
	assert_true(changed);
	assert_int_equal(episode.since_us, BEGIN_US + 30 * S);
	assert_int_equal(after(100, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_false(changed);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_true(changed);
	assert_int_equal(episode.state, HA_EPISODE_RESOLVING);
	assert_int_equal(after(59, HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_false(changed);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_RESOLVED);
	assert_true(changed);
	assert_int_equal(episode.state, HA_EPISODE_OK);
	assert_int_equal(episode.starts_us, BEGIN_US);
	assert_int_equal(episode.transition, 2);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_NONE);
}

static void
test_without_times_at_once(void **state)
{
	(void) state;
	rule = (HaEpisodeRule){0};
	assert_int_equal(step(HA_SEEN_TRUE), HA_NEWS_FIRING);
	assert_int_equal(after(100000000, HA_SEEN_TRUE), HA_NEWS_NONE);	/* it does not repeat */
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_RESOLVED);
	assert_int_equal(episode.state, HA_EPISODE_OK);
}

static void
test_the_next_life_begins_anew(void **state)
{
	(void) state;
	fire();
	after(1, HA_SEEN_FALSE);
	after(60, HA_SEEN_FALSE);
	after(9, HA_SEEN_TRUE);
	assert_int_equal(episode.state, HA_EPISODE_PENDING);
	assert_int_equal(episode.starts_us, now_us);
	assert_int_equal(episode.transition, 0);
	assert_int_equal(episode.told_us, 0);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_int_equal(episode.state, HA_EPISODE_OK);
}

static void
test_resolving_and_back_is_no_news(void **state)
{
	(void) state;
	fire();
	after(1, HA_SEEN_FALSE);
	assert_int_equal(after(59, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_true(changed);
	assert_int_equal(episode.state, HA_EPISODE_FIRING);
	assert_int_equal(episode.starts_us, BEGIN_US);
	after(1, HA_SEEN_FALSE);	/* the time to keep it begins again */
	assert_int_equal(after(59, HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_RESOLVED);
	assert_int_equal(episode.transition, 2);
}

static void
test_repeats_only_while_it_fires(void **state)
{
	(void) state;
	fire();
	assert_int_equal(after(3599, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_REPEAT);
	assert_int_equal(episode.transition, 2);
	assert_int_equal(after(3590, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(after(9, HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_int_equal(after(30, HA_SEEN_FALSE), HA_NEWS_NONE);	/* due, but it resolves */
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_REPEAT);
	assert_int_equal(episode.told_us, now_us);
}

/* ---- The hard cases ---- */

static void
test_18_toggling(void **state)
{
	(void) state;
	for (int i = 0; i < 100; i++)
		after(5, i % 2 == 0 ? HA_SEEN_TRUE : HA_SEEN_FALSE);
	assert_int_equal(told[HA_NEWS_FIRING] + told[HA_NEWS_RESOLVED] + told[HA_NEWS_REPEAT], 0);
	rule.pending_us = 0;
	for (int i = 0; i < 100; i++)
		after(5, i % 2 == 0 ? HA_SEEN_TRUE : HA_SEEN_FALSE);
	for (int i = 0; i < 20; i++)
		after(5, HA_SEEN_FALSE);
	assert_int_equal(told[HA_NEWS_FIRING], 1);
	assert_int_equal(told[HA_NEWS_RESOLVED], 1);
	assert_int_equal(told[HA_NEWS_REPEAT], 0);
}

/* What was persisted is all that another process needs, and no round in between makes the time shorter or longer. */
static void
test_19_restart(void **state)
{
	HaEpisode persisted;

	(void) state;
	step(HA_SEEN_TRUE);
	persisted = episode;
	after(10, HA_SEEN_TRUE);
	episode = persisted;
	assert_int_equal(after(19, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_FIRING);
	persisted = episode;
	memset(&episode, 0xff, sizeof(episode));
	episode = persisted;
	assert_int_equal(after(3599, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_REPEAT);
}

static void
test_20_unknown_changes_nothing(void **state)
{
	(void) state;
	assert_int_equal(step(HA_SEEN_UNKNOWN), HA_NEWS_NONE);	/* none begins */
	assert_int_equal(episode.state, HA_EPISODE_OK);
	assert_false(changed);
	fire();
	assert_int_equal(after(1, HA_SEEN_UNKNOWN), HA_NEWS_NONE);
	assert_true(changed);		/* since when it is unknown */
	assert_int_equal(after(100, HA_SEEN_UNKNOWN), HA_NEWS_NONE);
	assert_false(changed);
	assert_int_equal(after(7200, HA_SEEN_UNKNOWN), HA_NEWS_NONE);	/* none repeats, none ends */
	assert_int_equal(episode.state, HA_EPISODE_FIRING);
	assert_int_equal(episode.unknown_since_us, BEGIN_US + 31 * S);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_int_equal(episode.unknown_since_us, 0);
	after(30, HA_SEEN_UNKNOWN);
	assert_int_equal(after(3600, HA_SEEN_UNKNOWN), HA_NEWS_NONE);
	assert_int_equal(episode.state, HA_EPISODE_RESOLVING);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_NONE);	/* 30 of 60 s are over */
	assert_int_equal(after(29, HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_RESOLVED);
}

static void
test_20_unknown_does_not_age(void **state)
{
	(void) state;
	step(HA_SEEN_TRUE);
	after(10, HA_SEEN_UNKNOWN);
	after(600, HA_SEEN_UNKNOWN);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_true(changed);
	assert_int_equal(episode.starts_us, BEGIN_US);
	assert_int_equal(after(19, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_FIRING);
}

/* It is not known, and the process ends: the next one knows since when. */
static void
test_20_unknown_over_a_restart(void **state)
{
	HaEpisode persisted;

	(void) state;
	step(HA_SEEN_TRUE);
	after(10, HA_SEEN_UNKNOWN);
	persisted = episode;
	after(100, HA_SEEN_UNKNOWN);
	episode = persisted;
	after(0, HA_SEEN_TRUE);
	assert_int_equal(after(19, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_FIRING);
}

static void
test_22_muted_then_told(void **state)
{
	(void) state;
	muted = true;
	step(HA_SEEN_TRUE);
	assert_int_equal(after(30, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(episode.state, HA_EPISODE_FIRING);
	assert_int_equal(episode.transition, 0);
	assert_int_equal(after(7200, HA_SEEN_TRUE), HA_NEWS_NONE);
	muted = false;
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_FIRING);
	assert_true(changed);
	assert_int_equal(episode.transition, 1);
	assert_int_equal(episode.starts_us, BEGIN_US);
}

static void
test_22_not_told_when_it_resolves(void **state)
{
	(void) state;
	muted = true;
	step(HA_SEEN_TRUE);
	after(30, HA_SEEN_TRUE);
	after(1, HA_SEEN_FALSE);
	muted = false;
	assert_int_equal(after(1, HA_SEEN_FALSE), HA_NEWS_NONE);	/* "still fires" is more than "is not over yet" */
	assert_int_equal(after(60, HA_SEEN_FALSE), HA_NEWS_NONE);	/* nobody knew of it */
	assert_int_equal(episode.state, HA_EPISODE_OK);
}

static void
test_22_the_end_of_what_people_know(void **state)
{
	(void) state;
	fire();
	muted = true;
	assert_int_equal(after(4000, HA_SEEN_TRUE), HA_NEWS_NONE);	/* no repetition */
	after(1, HA_SEEN_FALSE);
	assert_int_equal(after(60, HA_SEEN_FALSE), HA_NEWS_RESOLVED);
}

/* What repeats does so at once when it is muted no more. */
static void
test_22_repeats_after_the_silence(void **state)
{
	(void) state;
	fire();
	muted = true;
	after(4000, HA_SEEN_TRUE);
	muted = false;
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_REPEAT);
}

static void
test_38_the_rule_changes(void **state)
{
	(void) state;
	assert_int_equal(ha_episode_close(&episode, now_us), HA_NEWS_NONE);
	step(HA_SEEN_TRUE);
	assert_int_equal(ha_episode_close(&episode, now_us), HA_NEWS_NONE);	/* pending: nobody knew */
	assert_int_equal(episode.state, HA_EPISODE_OK);
	assert_int_equal(episode.transition, 0);
	start(NULL);
	fire();
	after(1, HA_SEEN_UNKNOWN);
	assert_int_equal(ha_episode_close(&episode, now_us), HA_NEWS_RESOLVED);
	assert_int_equal(episode.state, HA_EPISODE_OK);
	assert_int_equal(episode.transition, 2);
	assert_int_equal(episode.unknown_since_us, 0);
	assert_int_equal(ha_episode_close(&episode, now_us), HA_NEWS_NONE);
	start(NULL);
	muted = true;
	step(HA_SEEN_TRUE);
	after(30, HA_SEEN_TRUE);
	assert_int_equal(ha_episode_close(&episode, now_us), HA_NEWS_NONE);	/* fired, muted: nobody knew */
}

/* ---- Clocks ---- */

/* The next member's clock is behind: the alert is as old as it was there, no older, and it goes on. */
static void
test_times_of_the_future_are_now(void **state)
{
	(void) state;
	step(HA_SEEN_TRUE);
	now_us -= 3600 * S;
	assert_int_equal(step(HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_true(changed);
	assert_int_equal(episode.since_us, now_us);
	assert_int_equal(episode.starts_us, now_us);
	assert_int_equal(after(29, HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_FIRING);
	now_us -= 7200 * S;
	assert_int_equal(step(HA_SEEN_TRUE), HA_NEWS_NONE);
	assert_int_equal(episode.told_us, now_us);
	assert_int_equal(after(3600, HA_SEEN_TRUE), HA_NEWS_REPEAT);
	after(1, HA_SEEN_UNKNOWN);
	now_us -= 7200 * S;
	assert_int_equal(step(HA_SEEN_FALSE), HA_NEWS_NONE);
	assert_int_equal(episode.since_us, now_us);
	assert_int_equal(after(60, HA_SEEN_FALSE), HA_NEWS_RESOLVED);
}

static void
test_wait(void **state)
{
	(void) state;
	assert_true(ha_episode_wait_us(&episode, &rule, now_us) == INT64_MAX);
	step(HA_SEEN_TRUE);
	assert_int_equal(ha_episode_wait_us(&episode, &rule, now_us + 10 * S), 20 * S);
	assert_int_equal(ha_episode_wait_us(&episode, &rule, now_us + 40 * S), 0);
	assert_int_equal(ha_episode_wait_us(&episode, &rule, now_us - 40 * S), 30 * S);
	after(30, HA_SEEN_TRUE);
	assert_int_equal(ha_episode_wait_us(&episode, &rule, now_us), 3600 * S);
	after(1, HA_SEEN_FALSE);
	assert_int_equal(ha_episode_wait_us(&episode, &rule, now_us), 60 * S);
	after(1, HA_SEEN_UNKNOWN);
	assert_true(ha_episode_wait_us(&episode, &rule, now_us) == INT64_MAX);
	start(NULL);
	rule.repeat_us = 0;
	fire();
	assert_true(ha_episode_wait_us(&episode, &rule, now_us) == INT64_MAX);
	start(NULL);
	rule.pending_us = INT64_MAX;
	step(HA_SEEN_TRUE);
	assert_true(ha_episode_wait_us(&episode, &rule, now_us + 1) == INT64_MAX - 1);
	assert_int_equal(after(1, HA_SEEN_TRUE), HA_NEWS_NONE);
}

/* ---- Names ---- */

static void
test_state_names(void **state)
{
	(void) state;
	assert_string_equal(ha_episode_state_name(HA_EPISODE_OK, false), "ok");
	assert_string_equal(ha_episode_state_name(HA_EPISODE_PENDING, false), "pending");
	assert_string_equal(ha_episode_state_name(HA_EPISODE_FIRING, false), "firing");
	assert_string_equal(ha_episode_state_name(HA_EPISODE_RESOLVING, false), "resolving");
	assert_string_equal(ha_episode_state_name(HA_EPISODE_FIRING, true), "unknown");
}

static void
test_fingerprint(void **state)
{
	static const uint8_t here[16] = {1};
	static const uint8_t there[16] = {2};
	const HaLabelText label[] = {{"node", "n1"}, {"slot", "s"}};
	const HaLabelText turned[] = {{"slot", "s"}, {"node", "n1"}};
	const HaLabelText crossed[] = {{"node", "s"}, {"slot", "n1"}};
	const HaLabelText shifted[] = {{"nodes", "lot"}, {"n", "1"}};
	uint64_t one = ha_episode_fingerprint(here, "lag", label, 2);

	(void) state;
	assert_true(one != 0);
	assert_true(one == ha_episode_fingerprint(here, "lag", turned, 2));
	assert_true(one != ha_episode_fingerprint(here, "lag", crossed, 2));
	assert_true(one != ha_episode_fingerprint(here, "lag", shifted, 2));
	assert_true(one != ha_episode_fingerprint(here, "lag", label, 1));
	assert_true(one != ha_episode_fingerprint(here, "lag", NULL, 0));
	assert_true(one != ha_episode_fingerprint(here, "la", label, 2));
	assert_true(one != ha_episode_fingerprint(there, "lag", label, 2));
	assert_true(ha_episode_fingerprint(here, "lag", NULL, 0) == ha_episode_fingerprint(here, "lag", NULL, 0));
}

/* It is in messages and tables that outlive a version: it must not change by accident. */
static void
test_names_stay(void **state)
{
	static const uint8_t cluster[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	const HaLabelText label[] = {{"node", "n1"}, {"slot", "s"}};
	uint64_t fingerprint = ha_episode_fingerprint(cluster, "lag", label, 2);

	(void) state;
	assert_true(fingerprint == UINT64_C(0x916f71aa77629d1b));
	assert_true(ha_episode_id(fingerprint, BEGIN_US) == UINT64_C(0xf83897fe60e31052));
	assert_true(ha_episode_id(fingerprint, BEGIN_US) != ha_episode_id(fingerprint, BEGIN_US + 1));
	assert_true(ha_episode_id(fingerprint, BEGIN_US) != ha_episode_id(fingerprint + 1, BEGIN_US));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_a_whole_life, start),
		cmocka_unit_test_setup(test_without_times_at_once, start),
		cmocka_unit_test_setup(test_the_next_life_begins_anew, start),
		cmocka_unit_test_setup(test_resolving_and_back_is_no_news, start),
		cmocka_unit_test_setup(test_repeats_only_while_it_fires, start),
		cmocka_unit_test_setup(test_18_toggling, start),
		cmocka_unit_test_setup(test_19_restart, start),
		cmocka_unit_test_setup(test_20_unknown_changes_nothing, start),
		cmocka_unit_test_setup(test_20_unknown_does_not_age, start),
		cmocka_unit_test_setup(test_20_unknown_over_a_restart, start),
		cmocka_unit_test_setup(test_22_muted_then_told, start),
		cmocka_unit_test_setup(test_22_not_told_when_it_resolves, start),
		cmocka_unit_test_setup(test_22_the_end_of_what_people_know, start),
		cmocka_unit_test_setup(test_22_repeats_after_the_silence, start),
		cmocka_unit_test_setup(test_38_the_rule_changes, start),
		cmocka_unit_test_setup(test_times_of_the_future_are_now, start),
		cmocka_unit_test_setup(test_wait, start),
		cmocka_unit_test_setup(test_state_names, start),
		cmocka_unit_test_setup(test_fingerprint, start),
		cmocka_unit_test_setup(test_names_stay, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
