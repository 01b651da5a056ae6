/*
 * alerts_run.c: schedules of alerts by the thousand, and the seeded bugs of their decisions; see alerts.h.
 */
#include "test/sim/alerts.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Every so many schedules one is run twice, and must tell the same story. */
#define TWICE_EVERY 64

/* From so many schedules on, a run that tested nothing is a failure. */
#define ENOUGH_TO_TELL 500

static AlertWorld world;

static bool
same_twice(uint64_t seed)
{
	AlertCounts counts = world.counts;
	uint64_t hash = world.hash;

	if (alerts_run(&world, seed, false) && world.hash != hash)
		alerts_fail(&world, "same_seed_same_story", "people heard something else at the second time");
	world.counts = counts;
	return world.failed == NULL;
}

static bool
tested_something(uint64_t schedules)
{
	const AlertCounts *c = &world.counts;

	return schedules < ENOUGH_TO_TELL ||
		(c->told > schedules && c->ended > schedules && c->late > schedules / 10 && c->repeats > schedules &&
		 c->muted > schedules && c->digests > schedules && c->lossy > schedules / 10 && c->restarts > schedules / 2);
}

static void
print_counts(uint64_t schedules, double seconds)
{
	const AlertCounts *c = &world.counts;

	printf("  %.0f schedules/s; per 1000 schedules: %llu rounds, %llu lost, %llu news, %llu episodes told, %llu ended,"
		   " %llu late,\n", (double) schedules / seconds, (unsigned long long) (c->rounds * 1000 / schedules),
		   (unsigned long long) (c->lost_rounds * 1000 / schedules), (unsigned long long) (c->news * 1000 / schedules),
		   (unsigned long long) (c->told * 1000 / schedules), (unsigned long long) (c->ended * 1000 / schedules),
		   (unsigned long long) (c->late * 1000 / schedules));
	printf("  %llu repeated, %llu told twice, %llu merged, %llu digests, %llu restarts, %llu failovers, %llu of them"
		   " with a loss\n", (unsigned long long) (c->repeats * 1000 / schedules),
		   (unsigned long long) (c->twice * 1000 / schedules), (unsigned long long) (c->merged * 1000 / schedules),
		   (unsigned long long) (c->digests * 1000 / schedules), (unsigned long long) (c->restarts * 1000 / schedules),
		   (unsigned long long) (c->failovers * 1000 / schedules), (unsigned long long) (c->lossy * 1000 / schedules));
}

static bool
run_many(uint64_t first, uint64_t seeds, bool trace)
{
	clock_t start = clock();

	memset(&world.counts, 0, sizeof(world.counts));
	for (uint64_t seed = first; seed < first + seeds; seed++)
	{
		if (alerts_run(&world, seed, trace) && (seed % TWICE_EVERY != 0 || same_twice(seed)))
			continue;
		printf("alerts, seed %llu: VIOLATION of %s: %s\n", (unsigned long long) seed, world.failed, world.text);
		printf("  see it again: sim alerts --first %llu --seeds 1 --trace\n", (unsigned long long) seed);
		return false;
	}
	printf("alerts: %llu schedules from seed %llu, no violation\n", (unsigned long long) seeds,
		   (unsigned long long) first);
	print_counts(seeds, (double) (clock() - start + 1) / CLOCKS_PER_SEC);
	if (!tested_something(seeds))
		printf("  but this run tested nothing\n");
	return tested_something(seeds);
}

#ifdef HA_MUTANTS

static const struct
{
	int number;
	const char *name;
	const char *text;
} mutants[] = {
#define MUTANT_ROW(name, text) {HA_MUTANT_##name, #name, text},
	HA_MUTANT_ALERTS(MUTANT_ROW)
#undef MUTANT_ROW
};

/* Which checker must find it, whatever others do: so that each of them is seen to catch something. */
static const char *const found_by[HA_MUTANT_COUNT] = {
	[HA_MUTANT_UNKNOWN_ENDS] = "unknown_never_resolves",
	[HA_MUTANT_UNKNOWN_REPEATS] = "no_news_without_condition",
	[HA_MUTANT_UNKNOWN_AGES] = "keep_is_respected",
	[HA_MUTANT_UNKNOWN_FORGETS] = "nothing_is_late",
	[HA_MUTANT_PENDING_KEPT] = "pending_is_respected",
	[HA_MUTANT_FUTURE_COUNTS] = "nothing_is_late",
	[HA_MUTANT_MUTED_IS_TOLD] = "nothing_is_lost",
	[HA_MUTANT_MUTE_IGNORED] = "muted_is_silent",
	[HA_MUTANT_MUTED_END_KEPT] = "nothing_is_lost",
	[HA_MUTANT_END_UNASKED] = "resolved_follows_firing",
	[HA_MUTANT_REPEAT_BY_STATE] = "repeat_is_respected",
	[HA_MUTANT_SAME_TRANSITION] = "nothing_is_lost",
	[HA_MUTANT_LANE_STARTS_AT_ONCE] = "lane_keeps_distance",
	[HA_MUTANT_HOLD_IGNORED] = "lane_respects_hold",
	[HA_MUTANT_GAVE_UP_FOR_GOOD] = "due_channel_is_tried",
	[HA_MUTANT_ALL_SEND_LIKE_ONE] = "receiver_limit_holds",
	[HA_MUTANT_LONG_GAP_STAYS] = "leader_speaks_soon",
	[HA_MUTANT_CLAIMED_WHEN_FREE] = "turns_are_taken",
	[HA_MUTANT_EVENTS_FIRST] = "turns_are_taken",
	[HA_MUTANT_ANEW_AFTER_RESTART] = "nothing_is_late",
	[HA_MUTANT_NAMED_ANEW] = "duplicates_bear_one_id",
	[HA_MUTANT_NEWS_BEFORE_STATE] = "nothing_is_lost",
	[HA_MUTANT_CLAIM_IS_SENT] = "nothing_is_lost",
	[HA_MUTANT_NEWS_OVERTAKE] = "end_is_the_last_word",
};

static bool
choose(const char *name)
{
	ha_mutant = HA_MUTANT_NONE;
	if (name == NULL || strcmp(name, "none") == 0)
		return true;
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++)
	{
		if (strcmp(mutants[i].name, name) == 0)
			ha_mutant = mutants[i].number;
	}
	return ha_mutant != HA_MUTANT_NONE;
}

/* The number of schedules until its checker finds it, 0 = it does not. */
static uint64_t
find(int mutant, uint64_t limit)
{
	ha_mutant = mutant;
	for (uint64_t seed = 1; seed <= limit; seed++)
	{
		if (!alerts_run(&world, seed, false) && strcmp(world.failed, found_by[mutant]) == 0)
			return seed;
	}
	return 0;
}

bool
alerts_mutants_run(uint64_t limit, const char *only)
{
	bool all = true;

	printf("| seeded bug of alerts | schedules until found | found by |\n|---|---|---|\n");
	for (size_t i = 0; i < sizeof(mutants) / sizeof(mutants[0]); i++)
	{
		uint64_t schedules;

		if (only != NULL && strcmp(only, mutants[i].name) != 0)
			continue;
		schedules = find(mutants[i].number, limit);
		if (schedules != 0)
			printf("| %-20s | %6llu | %s |\n", mutants[i].name, (unsigned long long) schedules, world.failed);
		else
			printf("| %-20s | %6llu | NOT found by %s: %s |\n", mutants[i].name, (unsigned long long) limit,
				   found_by[mutants[i].number], mutants[i].text);
		all = all && schedules != 0;
	}
	ha_mutant = HA_MUTANT_NONE;
	return all;
}

#else

static bool
choose(const char *name)
{
	return name == NULL || strcmp(name, "none") == 0;
}

bool
alerts_mutants_run(uint64_t limit, const char *only)
{
	(void) limit;
	(void) only;
	printf("this build holds no seeded bugs: compile with -DHA_MUTANTS\n");
	return false;
}

#endif

bool
alerts_run_many(uint64_t first, uint64_t seeds, bool trace, const char *mutant)
{
	if (!choose(mutant))
	{
		fprintf(stderr, "sim: no seeded bug \"%s\" of alerts in this build\n", mutant);
		return false;
	}
	return run_many(first, seeds, trace);
}
