/*
 * alerts_check.c: what must hold of alerts, by what the rounds saw and the receivers took; see alerts.h.
 *
 * Each checker's name is what a failing schedule prints.
 */
#include "test/sim/alerts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io/channel.h"

#define WINDOW_US (60 * ALERTS_S)
#define PASSED_MAX 3

void
alerts_fail(AlertWorld *w, const char *checker, const char *format, ...)
{
	va_list arguments;

	if (w->failed != NULL)
		return;
	w->failed = checker;
	va_start(arguments, format);
	vsnprintf(w->text, sizeof(w->text), format, arguments);
	va_end(arguments);
	alerts_tell(w, "VIOLATION of %s: %s", checker, w->text);
}

/* ---- Rounds ---- */

static void
go_on(AlertWorld *w, AlertTruth *truth)
{
	if (truth->unknown_us == 0)
		return;
	if (truth->true_us != 0)
		truth->true_us += w->now_us - truth->unknown_us;
	if (truth->false_us != 0)
		truth->false_us += w->now_us - truth->unknown_us;
	truth->unknown_us = 0;
}

void
alerts_check_seen(AlertWorld *w, uint32_t alert, HaSeen seen)
{
	AlertTruth *truth = &w->next.truth[alert];
	HaEpisodeState state = w->memory[alert].episode.state;

	if (seen == HA_SEEN_UNKNOWN)
	{
		if (truth->unknown_us == 0)
			truth->unknown_us = w->now_us;
		return;
	}
	go_on(w, truth);
	if (seen == HA_SEEN_TRUE)
	{
		if (truth->true_us == 0)
			truth->true_us = w->now_us;
		if (truth->streak == 0 && w->streaks < ALERTS_STREAKS_MAX - 1)
			truth->streak = ++w->streaks;
		truth->false_us = 0;
		return;
	}
	truth->streak = 0;
	if (state != HA_EPISODE_FIRING && state != HA_EPISODE_RESOLVING)
		truth->true_us = 0;
	else if (truth->false_us == 0)
		truth->false_us = w->now_us;
}

/* pending_is_respected, keep_is_respected, nothing_is_late */
static void
check_times(AlertWorld *w, uint32_t alert, HaEpisodeState before, HaSeen seen)
{
	const AlertTruth *truth = &w->next.truth[alert];
	const HaEpisodeRule *rule = &w->rule[alert];
	HaEpisodeState after = w->memory[alert].episode.state;
	int64_t held_us = w->now_us - truth->true_us;
	int64_t gone_us = w->now_us - truth->false_us;
	bool fired = before == HA_EPISODE_FIRING || before == HA_EPISODE_RESOLVING;

	if (!fired && after == HA_EPISODE_FIRING && held_us < rule->pending_us - w->drift_us)
		alerts_fail(w, "pending_is_respected", "alert %u fires after %lld ms", alert, (long long) held_us / 1000);
	if (seen == HA_SEEN_TRUE && after != HA_EPISODE_FIRING && held_us >= rule->pending_us + w->drift_us)
		alerts_fail(w, "nothing_is_late", "alert %u does not fire after %lld ms", alert, (long long) held_us / 1000);
	if (fired && after == HA_EPISODE_OK && gone_us < rule->keep_us - w->drift_us)
		alerts_fail(w, "keep_is_respected", "alert %u ends after %lld ms", alert, (long long) gone_us / 1000);
	if (seen == HA_SEEN_FALSE && fired && after != HA_EPISODE_OK && gone_us >= rule->keep_us + w->drift_us)
		alerts_fail(w, "nothing_is_late", "alert %u does not end after %lld ms", alert, (long long) gone_us / 1000);
}

/* no_news_without_condition, muted_is_silent, repeat_is_respected */
static void
check_firing_news(AlertWorld *w, uint32_t alert, HaSeen seen, bool is_muted, HaEpisodeNews news)
{
	AlertTruth *truth = &w->next.truth[alert];
	int64_t repeat_us = w->rule[alert].repeat_us;

	if (seen != HA_SEEN_TRUE)
		alerts_fail(w, "no_news_without_condition", "alert %u is told of, and its condition was not seen", alert);
	if (is_muted)
		alerts_fail(w, "muted_is_silent", "alert %u is told of although it is muted", alert);
	if (news == HA_NEWS_REPEAT && (repeat_us == 0 || w->now_us - truth->told_us < repeat_us - w->drift_us))
		alerts_fail(w, "repeat_is_respected", "alert %u is repeated after %lld ms", alert,
					(long long) (w->now_us - truth->told_us) / 1000);
	truth->told_us = w->now_us;
	w->counts.repeats += news == HA_NEWS_REPEAT;
}

/* It fires, nobody muted it, and this will be stored: people must be told, whatever comes. */
static void
owe(AlertWorld *w, uint32_t alert)
{
	uint64_t id = w->memory[alert].id;

	for (uint32_t i = w->owed_count; i > 0; i--)
	{
		if (w->owed[i - 1].id == id)
			return;
	}
	if (w->owed_count < ALERTS_HEARD_MAX)
		w->owed[w->owed_count++] = (AlertOwed){.id = id, .round = w->next.round, .alert = (uint8_t) alert};
}

void
alerts_check_step(AlertWorld *w, uint32_t alert, HaEpisodeState before, HaSeen seen, bool closed, HaEpisodeNews news)
{
	const AlertRow *row = &w->memory[alert];
	bool is_muted = w->silenced[alert] || (alert == 1 && w->memory[0].episode.state == HA_EPISODE_FIRING);
	AlertTruth *truth = &w->next.truth[alert];

	if (!closed && seen == HA_SEEN_UNKNOWN && (row->episode.state != before || news == HA_NEWS_RESOLVED))
		alerts_fail(w, "unknown_never_resolves", "alert %u went on although nothing was known of it", alert);
	if (!closed && seen != HA_SEEN_UNKNOWN)
		check_times(w, alert, before, seen);
	if (!closed && news == HA_NEWS_RESOLVED && seen != HA_SEEN_FALSE)
		alerts_fail(w, "no_news_without_condition", "alert %u ends, and its condition was not seen gone", alert);
	if (news == HA_NEWS_FIRING || news == HA_NEWS_REPEAT)
		check_firing_news(w, alert, closed ? HA_SEEN_UNKNOWN : seen, is_muted, news);
	if (!closed && seen == HA_SEEN_TRUE && row->episode.state == HA_EPISODE_FIRING)
	{
		w->counts.muted += is_muted;
		if (!is_muted)
			owe(w, alert);
	}
	if (row->episode.state == HA_EPISODE_OK)
		*truth = (AlertTruth){.streak = closed ? 0 : truth->streak};
}

void
alerts_check_lost(AlertWorld *w)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < w->owed_count; i++)
	{
		if (w->owed[i].round <= w->table.round)
			w->owed[kept++] = w->owed[i];
	}
	w->owed_count = kept;
	for (uint32_t a = 0; a < ALERTS; a++)
	{
		if (w->table.truth[a].streak != 0 && w->streaks < ALERTS_STREAKS_MAX - 1)
			w->table.truth[a].streak = ++w->streaks;
	}
}

/* ---- Receivers ---- */

/* due_channel_is_tried: or nobody would see that it works again */
void
alerts_check_claim(AlertWorld *w, uint32_t member, uint32_t way)
{
	const HaLane *meant = &w->member[member].lane[0];

	if (way == 0)
		return;
	if (!meant->under_way && ha_lane_wait_us(meant, w->now_us) == 0)
		alerts_fail(w, "due_channel_is_tried", "the fallback is used while the channel's next attempt is due");
}

/* receiver_limit_holds: of all senders together; a restart makes a sender forget what it sent a moment before */
static void
check_receiver(AlertWorld *w, uint32_t way)
{
	uint32_t most = w->channel_type[way] == HA_CHANNEL_FEISHU ? 100 : 20;
	uint32_t in_minute = 0;

	for (uint32_t member = 0; member < ALERTS_MEMBERS; member++)
	{
		const AlertSends *sends = &w->member[member].sends[way];

		for (uint32_t i = sends->count; i > 0 && sends->count - i < ALERTS_SENT_MAX; i--)
		{
			if (w->now_us - sends->sent_us[(i - 1) % ALERTS_SENT_MAX] >= WINDOW_US)
				break;
			in_minute++;
		}
	}
	if (in_minute > most)
		alerts_fail(w, "receiver_limit_holds", "%u requests of all members in a minute", in_minute);
}

/* turns_are_taken: events of the cluster don't keep alerts by rules from being told */
void
alerts_check_turn(AlertWorld *w, uint32_t way, bool event, bool alerts)
{
	uint32_t *passed = &w->member[w->leader].passed[way];

	*passed = event && alerts ? *passed + 1 : 0;
	if (*passed > PASSED_MAX)
		alerts_fail(w, "turns_are_taken", "%u events went before alerts that waited", *passed);
}

/* leader_speaks_soon: what it did before it led does not keep it from telling that it leads */
void
alerts_check_lead(AlertWorld *w, uint32_t way)
{
	const HaLane *lane = &w->member[w->leader].lane[way];
	HaUs wait_us = ha_lane_wait_us(lane, w->now_us);

	if (lane->state == HA_LANE_WORKING && wait_us > ha_channel_gap_us((HaChannelType) w->channel_type[way]))
		alerts_fail(w, "leader_speaks_soon", "it waits %lld ms", (long long) wait_us / 1000);
}

/* lane_keeps_distance, lane_respects_hold: of one sender, over its restarts */
void
alerts_check_send(AlertWorld *w, uint32_t member, uint32_t way)
{
	AlertSends *sends = &w->member[member].sends[way];
	uint32_t most = w->channel_type[way] == HA_CHANNEL_FEISHU ? 100 : 20;
	uint32_t in_second = 1, in_minute = 1;

	for (uint32_t i = sends->count; i > 0 && sends->count - i < ALERTS_SENT_MAX; i--)
	{
		int64_t ago_us = w->now_us - sends->sent_us[(i - 1) % ALERTS_SENT_MAX];

		in_second += ago_us < ALERTS_S;
		in_minute += ago_us < WINDOW_US;
		if (ago_us >= WINDOW_US)
			break;
	}
	if (in_minute > most || in_second > 5)
		alerts_fail(w, "lane_keeps_distance", "%u requests in a minute, %u in a second", in_minute, in_second);
	if (sends->count > 0 && w->now_us - sends->sent_us[(sends->count - 1) % ALERTS_SENT_MAX] <
		ha_channel_gap_us((HaChannelType) w->channel_type[way]))
		alerts_fail(w, "lane_keeps_distance", "two requests with less than the distance between them");
	if (w->now_us < sends->held_until_us)
		alerts_fail(w, "lane_respects_hold", "a request %lld ms before the receiver allows it",
					(long long) (sends->held_until_us - w->now_us) / 1000);
	sends->sent_us[sends->count++ % ALERTS_SENT_MAX] = w->now_us;
	check_receiver(w, way);
}

void
alerts_check_answer(AlertWorld *w, uint32_t member, uint32_t way, HaVerdict verdict, int64_t retry_after_s)
{
	int64_t hold_us = ha_channel_hold_us((HaChannelType) w->channel_type[way]);

	if (verdict != HA_VERDICT_THROTTLE)
		return;
	if (hold_us < retry_after_s * ALERTS_S)
		hold_us = retry_after_s * ALERTS_S;
	if (hold_us < 2 * ALERTS_S)
		hold_us = 2 * ALERTS_S;
	w->member[member].sends[way].held_until_us = w->now_us + hold_us;
}

static AlertHeard *
heard_of(AlertWorld *w, uint64_t id)
{
	for (uint32_t i = w->heard_count; i > 0; i--)
	{
		if (w->heard[i - 1].id == id)
			return &w->heard[i - 1];
	}
	if (w->heard_count == ALERTS_HEARD_MAX)
		w->heard_count--;
	w->heard[w->heard_count] = (AlertHeard){.id = id};
	return &w->heard[w->heard_count++];
}

/* duplicates_bear_one_id, resolved_follows_firing, end_is_the_last_word */
void
alerts_check_taken(AlertWorld *w, const AlertNews *notice)
{
	AlertHeard *heard = heard_of(w, notice->id);
	bool fires = notice->kind == ALERT_FIRING || notice->kind == ALERT_REPEAT;

	w->hash = (w->hash ^ notice->id ^ (uint64_t) w->now_us ^ notice->kind) * UINT64_C(0x100000001B3);
	w->hash ^= w->hash >> 29;
	if (fires && notice->streak != 0)
	{
		uint64_t *id = &w->streak_id[notice->streak];

		if (*id != 0 && *id != notice->id)
			alerts_fail(w, "duplicates_bear_one_id", "alert %u is told under two ids", notice->alert);
		*id = notice->id;
	}
	if (notice->kind == ALERT_RESOLVED && !heard->began)
		alerts_fail(w, "resolved_follows_firing", "people hear of the end of what they never heard of");
	if (fires && heard->ended && heard->end_era == notice->era)
		alerts_fail(w, "end_is_the_last_word", "people hear that it fires after they heard of its end");
	w->counts.twice += (fires && heard->began && notice->kind == ALERT_FIRING) || (!fires && heard->ended);
	w->counts.told += fires && !heard->began;
	w->counts.ended += !fires && !heard->ended;
	w->counts.late += notice->kind == ALERT_LATE;
	heard->began = true;
	if (!fires)
		heard->end_era = notice->era;
	heard->ended = heard->ended || !fires;
}

/* All has been calm for longer than any rule asks for: what holds fires, what does not is over. */
static void
check_states(AlertWorld *w)
{
	for (uint32_t a = 0; a < ALERTS; a++)
	{
		HaEpisodeState state = w->table.row[a].episode.state;

		if (state != (w->holds[a] ? HA_EPISODE_FIRING : HA_EPISODE_OK))
			alerts_fail(w, "nothing_is_late", "alert %u is %s in the end", a, ha_episode_state_name(state, false));
	}
}

/* nothing_is_lost, nothing_is_late */
void
alerts_check_end(AlertWorld *w)
{
	check_states(w);
	for (uint32_t i = 0; i < w->owed_count; i++)
	{
		const AlertOwed *owed = &w->owed[i];
		const AlertHeard *heard = heard_of(w, owed->id);
		const AlertRow *row = &w->table.row[owed->alert];
		bool lasts = row->id == owed->id && row->episode.state != HA_EPISODE_OK;

		if (!heard->began)
			alerts_fail(w, "nothing_is_lost", "alert %u fired in round %u, and nobody was told", owed->alert,
						owed->round);
		if (!lasts && !heard->ended)
			alerts_fail(w, "nothing_is_lost", "alert %u of round %u ended, and nobody was told", owed->alert,
						owed->round);
	}
}
