/*
 * alerts.c: the world of alerts: what happens to them, and the worker that evaluates; see alerts.h.
 */
#include "test/sim/alerts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/channel.h"
#include "ops/mute.h"

#define TICKS 700
#define ROUND_US (5 * ALERTS_S)
#define CALM_LEAST_US (300 * ALERTS_S)
#define CALM_MOST_US (3000 * ALERTS_S)

/* What may happen in a tick; each schedule draws how often. */
typedef enum AlertEvent
{
	EVENT_SILENCE,
	EVENT_BLIND,
	EVENT_WEATHER,
	EVENT_RESTART,				/* of the worker that evaluates */
	EVENT_SENDER,				/* of a sender */
	EVENT_FAILOVER,
	EVENT_LATE,					/* no round for a while */
	EVENT_RULE					/* a rule is changed */
} AlertEvent;

static const uint8_t cluster[16] = {7};

static uint32_t
below(AlertWorld *w, uint32_t n)
{
	return ha_prng_below(&w->prng, n);
}

static bool
chance(AlertWorld *w, uint32_t of_10000)
{
	return below(w, 10000) < of_10000;
}

void
alerts_tell(const AlertWorld *w, const char *format, ...)
{
	va_list arguments;

	if (!w->trace)
		return;
	printf("%9.3f  ", (double) (w->now_us % (100000 * ALERTS_S)) / 1e6);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

/* ---- The worker ---- */

static uint64_t
id_of(uint32_t a, int64_t starts_us)
{
	static const char *const name[ALERTS] = {"a", "b", "c", "d"};
	const HaLabelText label[] = {{"alert", name[a]}};

	return ha_episode_id(ha_episode_fingerprint(cluster, "rule", label, 1), starts_us);
}

/* The memory is what the table says. */
static void
read_table(AlertWorld *w)
{
	for (uint32_t a = 0; a < ALERTS; a++)
	{
		w->memory[a] = w->table.row[a];
		if (HA_MUTANT(ANEW_AFTER_RESTART))
			memset(&w->memory[a], 0, sizeof(w->memory[a]));
		if (HA_MUTANT(NAMED_ANEW))
			w->memory[a].id = id_of(a, w->memory[a].episode.since_us);
	}
}

/* All alerts are of one node; the first one's rule explains the second one. */
static bool
muted(AlertWorld *w, uint32_t a, int64_t clock_us)
{
	static const char *const rule[ALERTS] = {"node_down", "lag", "disk", "locks"};
	static const char *const by[] = {"node_down"};
	static const char *const equal[] = {"node"};
	const HaLabelText source[] = {{"node", "n1"}, {"rule", rule[0]}};
	const HaLabelText target[] = {{"node", "n1"}, {"rule", rule[a]}};
	const HaMatcher matcher = {"rule", HA_MATCH_EQUAL, rule[a]};
	HaSilence silence = {.starts_us = clock_us - 1, .ends_us = clock_us + w->silenced[a], .matcher = &matcher,
		.matcher_count = 1};

	if (ha_mute_silenced(&silence, target, 2, clock_us))
		return true;
	return w->memory[0].episode.state == HA_EPISODE_FIRING &&
		ha_mute_inhibits(rule[0], source, 2, by, a == 1 || a == 0 ? 1 : 0, equal, 1, target, 2);
}

static void
add_news(AlertWorld *w, uint32_t a, HaEpisodeNews news)
{
	static const AlertKind kind[] = {
		[HA_NEWS_FIRING] = ALERT_FIRING,[HA_NEWS_REPEAT] = ALERT_REPEAT,[HA_NEWS_RESOLVED] = ALERT_RESOLVED,
	};
	AlertNews row = {.id = w->memory[a].id, .transition = w->memory[a].episode.transition, .alert = (uint8_t) a,
		.streak = w->next.truth[a].streak, .kind = (uint8_t) kind[news], .state = ALERT_QUEUED};

	alerts_tell(w, "alert %u: news %d, transition %u of %016llx", a, (int) news, row.transition,
				(unsigned long long) row.id);
	w->counts.news++;
	alerts_queue_add(&w->next, &row);
	if (HA_MUTANT(NEWS_BEFORE_STATE))
		alerts_queue_add(&w->table, &row);
}

static void
step(AlertWorld *w, uint32_t a, bool close)
{
	AlertRow *row = &w->memory[a];
	HaEpisodeState before = row->episode.state;
	int64_t clock_us = w->now_us + w->member[w->leader].clock_us;
	HaSeen seen = w->blind[a] ? HA_SEEN_UNKNOWN : w->holds[a] ? HA_SEEN_TRUE : HA_SEEN_FALSE;
	bool was_muted = row->muted;
	bool changed = false;
	HaEpisodeNews news;

	alerts_check_seen(w, a, close ? HA_SEEN_UNKNOWN : seen);
	row->muted = muted(w, a, clock_us);
	if (close)
		news = ha_episode_close(&row->episode, clock_us);
	else
		news = ha_episode_step(&row->episode, &w->rule[a], seen, row->muted, clock_us, &changed);
	if (before == HA_EPISODE_OK && row->episode.state != HA_EPISODE_OK)
		row->id = id_of(a, row->episode.starts_us);
	if (before != row->episode.state)
		alerts_tell(w, "alert %u: %s -> %s%s", a, ha_episode_state_name(before, false),
					ha_episode_state_name(row->episode.state, false), close ? " (its rule was changed)" : "");
	if (news != HA_NEWS_NONE)
		add_news(w, a, news);
	alerts_check_step(w, a, before, seen, close, news);
	if (close || changed || was_muted != row->muted)
		w->next.row[a] = *row;
}

/* One transaction. It may fail, or the worker may end in it: then nothing of it is there. */
static void
round_of(AlertWorld *w)
{
	uint32_t owed = w->owed_count;
	int closed = !w->calm && chance(w, w->often[EVENT_RULE]) ? (int) below(w, ALERTS) : -1;

	alerts_queue_copy(&w->next, &w->table);
	w->next.round++;
	for (uint32_t a = 0; a < ALERTS && w->failed == NULL; a++)
		step(w, a, closed == (int) a);
	w->counts.rounds++;
	if (!w->calm && chance(w, 5 * w->often[EVENT_RESTART]))
	{
		alerts_tell(w, "the round is lost");
		w->counts.lost_rounds++;
		w->owed_count = owed;
		read_table(w);
		alerts_queue_reclaim(w);
		return;
	}
	alerts_queue_copy(&w->table, &w->next);
	alerts_queue_copy(&w->history[w->history_count++ % ALERTS_HISTORY], &w->table);
}

/* ---- What happens ---- */

static void
set_clock(AlertWorld *w, AlertMember *m)
{
	if (w->clocks_us == 0)
		return;
	m->clock_us = (int64_t) below(w, (uint32_t) (2 * w->clocks_us / 1000)) * 1000 - w->clocks_us;
	w->drift_us += 2 * w->clocks_us;
}

static void
restart_worker(AlertWorld *w)
{
	alerts_tell(w, "the worker restarts");
	w->counts.restarts++;
	set_clock(w, &w->member[w->leader]);
	read_table(w);
	alerts_queue_reclaim(w);
}

/* The others have the table as it is, or as it was some rounds ago. */
static void
fail_over(AlertWorld *w)
{
	uint32_t lost = below(w, 2) * (1 + below(w, ALERTS_HISTORY - 1));	/* 1: what came after the last round */
	uint32_t old = w->leader;

	w->leader = (old + 1 + below(w, ALERTS_MEMBERS - 1)) % ALERTS_MEMBERS;
	w->failovers++;
	w->counts.failovers++;
	w->counts.lossy += lost > 0;
	if (lost > 0)
	{
		alerts_queue_copy(&w->table, &w->history[(w->history_count - lost) % ALERTS_HISTORY]);
		alerts_check_lost(w);
	}
	for (w->history_count = 0; w->history_count < ALERTS_HISTORY; w->history_count++)
		alerts_queue_copy(&w->history[w->history_count], &w->table);
	alerts_tell(w, "member %u leads%s; the table is of round %u", w->leader, lost > 0 ? ", rounds are lost" : "",
				w->table.round);
	w->round_us = w->now_us + below(w, 30) * ALERTS_S;
	if (w->clocks_us != 0)
		w->drift_us += 2 * w->clocks_us;
	if (below(w, 2) == 0)
		alerts_queue_start(w, old);
	alerts_queue_roles(w, true);
	read_table(w);
	alerts_queue_reclaim(w);
}

static void
turn_conditions(AlertWorld *w, int64_t passed_us)
{
	for (uint32_t a = 0; a < ALERTS; a++)
	{
		if (below(w, 1000000) < (uint32_t) (passed_us * 1000000 / w->mean_us[a]))
		{
			w->holds[a] = !w->holds[a];
			alerts_tell(w, "alert %u: its condition %s", a, w->holds[a] ? "holds" : "is gone");
		}
	}
}

static void
happen(AlertWorld *w)
{
	uint32_t a = below(w, ALERTS);

	if (chance(w, w->often[EVENT_SILENCE]))
		w->silenced[a] = !w->silenced[a];
	if (chance(w, w->often[EVENT_BLIND]))
		w->blind[a] = !w->blind[a];
	if (chance(w, w->often[EVENT_WEATHER]))
	{
		uint32_t way = below(w, ALERTS_WAYS);

		w->weather[way] = below(w, 2) == 0 ? ALERT_WORKS : (AlertWeather) below(w, ALERT_WEATHERS);
		alerts_tell(w, "channel %u: weather %d", way, (int) w->weather[way]);
	}
	if (chance(w, w->often[EVENT_RESTART]))
		restart_worker(w);
	if (chance(w, w->often[EVENT_SENDER]))
		alerts_queue_start(w, below(w, ALERTS_MEMBERS));
	if (chance(w, w->often[EVENT_FAILOVER]))
		fail_over(w);
	if (chance(w, w->often[EVENT_LATE]))
		w->round_us += below(w, 60) * ALERTS_S;
}

/* ---- A schedule ---- */

static int64_t
drawn_s(AlertWorld *w, const int *seconds, uint32_t count)
{
	return seconds[below(w, count)] * ALERTS_S;
}

static void
draw(AlertWorld *w)
{
	static const int pending[] = {0, 0, 7, 10, 30, 60};
	static const int keep[] = {0, 0, 12, 30, 60};
	static const int repeat[] = {0, 60, 60, 300};
	static const int mean[] = {6, 20, 60, 200, 600};
	static const HaChannelType type[] = {HA_CHANNEL_FEISHU, HA_CHANNEL_DINGTALK, HA_CHANNEL_WECOM};
	static const uint32_t most[8] = {200, 150, 100, 60, 60, 40, 100, 60};

	for (uint32_t a = 0; a < ALERTS; a++)
	{
		w->rule[a] = (HaEpisodeRule){drawn_s(w, pending, 6), drawn_s(w, keep, 5), drawn_s(w, repeat, 4)};
		w->mean_us[a] = drawn_s(w, mean, 5);
	}
	w->chatty = below(w, 3) == 0;
	w->flooded = below(w, 3) == 0;
	w->clocks_us = below(w, 2) * (below(w, 4) == 0 ? 3600 : 2) * below(w, 1000) * 1000;
	/* Before the first round the others have an empty table. */
	w->history_count = ALERTS_HISTORY;
	for (uint32_t i = 0; i < 8; i++)
		w->often[i] = below(w, 3) == 0 ? 0 : below(w, most[i]);
	for (uint32_t i = 0; i < ALERTS_WAYS; i++)
		w->channel_type[i] = (int) type[below(w, 3)];
	w->now_us = 1000000 * ALERTS_S + below(w, 1000000);
	w->round_us = w->now_us;
	for (uint32_t m = 0; m < ALERTS_MEMBERS; m++)
	{
		set_clock(w, &w->member[m]);
		alerts_queue_start(w, m);
	}
}

static void
tick(AlertWorld *w, int64_t passed_us)
{
	w->now_us += passed_us;
	if (!w->calm)
	{
		turn_conditions(w, passed_us);
		happen(w);
	}
	if (w->now_us >= w->round_us)
	{
		round_of(w);
		w->round_us = w->now_us + ROUND_US + (w->calm ? 0 : below(w, 1000000));
	}
	if (w->failed == NULL)
		alerts_queue_turn(w);
}

/* Nothing goes wrong any more; half of the conditions go on to hold. Ends when all was said that is to be said. */
static void
calm_down(AlertWorld *w)
{
	int64_t since_us = w->now_us;

	w->calm = true;
	memset(w->silenced, 0, sizeof(w->silenced));
	memset(w->blind, 0, sizeof(w->blind));
	memset(w->weather, 0, sizeof(w->weather));
	alerts_tell(w, "all is calm");
	if (w->round_us > w->now_us + ROUND_US)
		w->round_us = w->now_us + ROUND_US;
	while (w->failed == NULL && (w->now_us - since_us < CALM_LEAST_US || !alerts_queue_empty(w)))
	{
		if (w->now_us - since_us > CALM_MOST_US)
			alerts_fail(w, "nothing_is_lost", "news wait although all has been calm for so long");
		else
			tick(w, ALERTS_S);
	}
	if (w->failed == NULL)
		alerts_check_end(w);
}

bool
alerts_run(AlertWorld *w, uint64_t seed, bool trace)
{
	AlertCounts counts = w->counts;

	memset(w, 0, sizeof(*w));
	w->counts = counts;
	w->trace = trace;
	ha_prng_seed(&w->prng, seed);
	draw(w);
	for (uint32_t i = 0; i < TICKS && w->failed == NULL; i++)
		tick(w, 200000 + below(w, 1800000));
	if (w->failed == NULL)
		calm_down(w);
	return w->failed == NULL;
}
