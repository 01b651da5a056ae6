/*
 * episode.c: see episode.h.
 */
#include <assert.h>
#include <string.h>

#include "core/mutant.h"
#include "ops/episode.h"

/* ---- The life of an episode ---- */

static void
enter(HaEpisode *episode, HaEpisodeState state, int64_t now_us)
{
	episode->state = state;
	episode->since_us = now_us;
}

/* Times of the future come from another clock: they are now. */
static void
bound(HaEpisode *episode, int64_t now_us, bool *changed)
{
	int64_t *const time[] = {
		&episode->since_us, &episode->starts_us, &episode->told_us, &episode->unknown_since_us
	};

	for (unsigned i = 0; i < sizeof(time) / sizeof(time[0]); i++)
		if (*time[i] > now_us && !HA_MUTANT(FUTURE_COUNTS))
		{
			*time[i] = now_us;
			*changed = true;
		}
}

/* Nothing is known: the time stands still until something is. */
static void
stand_still(HaEpisode *episode, int64_t now_us, bool *changed)
{
	if (episode->state == HA_EPISODE_OK || episode->unknown_since_us != 0)
		return;
	episode->unknown_since_us = now_us;
	*changed = true;
}

static void
go_on(HaEpisode *episode, int64_t now_us, bool *changed)
{
	if (episode->unknown_since_us == 0)
		return;
	if (HA_MUTANT(UNKNOWN_FORGETS))
		episode->since_us = now_us;
	else if (!HA_MUTANT(UNKNOWN_AGES))
		episode->since_us += now_us - episode->unknown_since_us;
	episode->unknown_since_us = 0;
	*changed = true;
}

static bool
holds(HaEpisode *episode, const HaEpisodeRule *rule, int64_t now_us)
{
	switch (episode->state)
	{
		case HA_EPISODE_OK:
			memset(episode, 0, sizeof(*episode));
			episode->starts_us = now_us;
			enter(episode, rule->pending_us > 0 ? HA_EPISODE_PENDING : HA_EPISODE_FIRING, now_us);
			return true;
		case HA_EPISODE_PENDING:
			if (now_us - episode->since_us < rule->pending_us)
				return false;
			enter(episode, HA_EPISODE_FIRING, now_us);
			return true;
		case HA_EPISODE_FIRING:
			return false;
		case HA_EPISODE_RESOLVING:
			enter(episode, HA_EPISODE_FIRING, now_us);
			return true;
	}
	return false;
}

static bool
holds_not(HaEpisode *episode, const HaEpisodeRule *rule, int64_t now_us)
{
	switch (episode->state)
	{
		case HA_EPISODE_OK:
			return false;
		case HA_EPISODE_PENDING:
			if (HA_MUTANT(PENDING_KEPT))
				return false;
			enter(episode, HA_EPISODE_OK, now_us);
			return true;
		case HA_EPISODE_FIRING:
			enter(episode, rule->keep_us > 0 ? HA_EPISODE_RESOLVING : HA_EPISODE_OK, now_us);
			return true;
		case HA_EPISODE_RESOLVING:
			if (now_us - episode->since_us < rule->keep_us)
				return false;
			enter(episode, HA_EPISODE_OK, now_us);
			return true;
	}
	return false;
}

/* What people are to be told now, if anything. */
static HaEpisodeNews
news_of(const HaEpisode *episode, const HaEpisodeRule *rule, bool muted, int64_t now_us)
{
	int64_t told_us = HA_MUTANT(REPEAT_BY_STATE) ? episode->since_us : episode->told_us;

	if (episode->state == HA_EPISODE_OK && HA_MUTANT(MUTED_END_KEPT) && muted)
		return HA_NEWS_NONE;
	if (episode->state == HA_EPISODE_OK)
		return episode->told_us != 0 || HA_MUTANT(END_UNASKED) ? HA_NEWS_RESOLVED : HA_NEWS_NONE;
	if (episode->state != HA_EPISODE_FIRING || (muted && !HA_MUTANT(MUTE_IGNORED)))
		return HA_NEWS_NONE;
	if (episode->told_us == 0)
		return HA_NEWS_FIRING;
	return rule->repeat_us > 0 && now_us - told_us >= rule->repeat_us ? HA_NEWS_REPEAT : HA_NEWS_NONE;
}

static HaEpisodeNews
tell(HaEpisode *episode, HaEpisodeNews news, int64_t now_us)
{
	if (news != HA_NEWS_NONE && !(HA_MUTANT(SAME_TRANSITION) && news == HA_NEWS_RESOLVED))
		episode->transition++;
	if (news == HA_NEWS_FIRING || news == HA_NEWS_REPEAT)
		episode->told_us = now_us;
	return news;
}

HaEpisodeNews
ha_episode_step(HaEpisode *episode, const HaEpisodeRule *rule, HaSeen seen, bool muted, int64_t now_us, bool *changed)
{
	HaEpisodeNews news;

	assert(rule->pending_us >= 0 && rule->keep_us >= 0 && rule->repeat_us >= 0);
	bound(episode, now_us, changed);
	if (HA_MUTANT(UNKNOWN_ENDS) && seen == HA_SEEN_UNKNOWN)
		seen = HA_SEEN_FALSE;
	if (HA_MUTANT(UNKNOWN_REPEATS) && seen == HA_SEEN_UNKNOWN && episode->state == HA_EPISODE_FIRING)
		seen = HA_SEEN_TRUE;
	if (seen == HA_SEEN_UNKNOWN)
	{
		stand_still(episode, now_us, changed);
		return HA_NEWS_NONE;
	}
	if (episode->state == HA_EPISODE_OK && seen == HA_SEEN_FALSE)
		return HA_NEWS_NONE;
	go_on(episode, now_us, changed);
	if (seen == HA_SEEN_TRUE ? holds(episode, rule, now_us) : holds_not(episode, rule, now_us))
		*changed = true;
	if (HA_MUTANT(MUTED_IS_TOLD) && muted && episode->state == HA_EPISODE_FIRING)
		episode->told_us = now_us;
	news = news_of(episode, rule, muted, now_us);
	if (news != HA_NEWS_NONE)
		*changed = true;
	return tell(episode, news, now_us);
}

HaEpisodeNews
ha_episode_close(HaEpisode *episode, int64_t now_us)
{
	bool changed;

	if (episode->state == HA_EPISODE_OK)
		return HA_NEWS_NONE;
	bound(episode, now_us, &changed);
	episode->unknown_since_us = 0;
	enter(episode, HA_EPISODE_OK, now_us);
	return tell(episode, episode->told_us != 0 ? HA_NEWS_RESOLVED : HA_NEWS_NONE, now_us);
}

int64_t
ha_episode_wait_us(const HaEpisode *episode, const HaEpisodeRule *rule, int64_t now_us)
{
	int64_t from_us = episode->since_us;
	int64_t span_us = 0;

	if (episode->unknown_since_us != 0)
		return INT64_MAX;
	if (episode->state == HA_EPISODE_PENDING)
		span_us = rule->pending_us;
	else if (episode->state == HA_EPISODE_RESOLVING)
		span_us = rule->keep_us;
	else if (episode->state == HA_EPISODE_FIRING && episode->told_us != 0 && rule->repeat_us > 0)
	{
		from_us = episode->told_us;
		span_us = rule->repeat_us;
	}
	else
		return INT64_MAX;
	if (from_us > now_us)
		from_us = now_us;
	return span_us > now_us - from_us ? span_us - (now_us - from_us) : 0;
}

const char *
ha_episode_state_name(HaEpisodeState state, bool unknown)
{
	static const char *const name[] = {
		[HA_EPISODE_OK] = "ok",[HA_EPISODE_PENDING] = "pending",[HA_EPISODE_FIRING] = "firing",
		[HA_EPISODE_RESOLVING] = "resolving",
	};

	return unknown ? "unknown" : name[state];
}

/* ---- Names ---- */

/* FNV-1a, 64 bits, with the closing zero of each text, so that "ab","c" differs from "a","bc". */
static uint64_t
hash_bytes(uint64_t hash, const void *bytes, size_t count)
{
	const unsigned char *byte = bytes;

	for (size_t i = 0; i < count; i++)
		hash = (hash ^ byte[i]) * UINT64_C(1099511628211);
	return hash;
}

/* Spreads all bits over all bits. */
static uint64_t
mixed(uint64_t hash)
{
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xff51afd7ed558ccd);
	hash = (hash ^ (hash >> 33)) * UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ (hash >> 33);
}

static uint64_t
never_zero(uint64_t hash)
{
	return hash != 0 ? hash : 1;
}

uint64_t
ha_episode_fingerprint(const uint8_t cluster[16], const char *rule, const HaLabelText *labels, uint32_t count)
{
	uint64_t start = UINT64_C(14695981039346656037);
	uint64_t hash = hash_bytes(hash_bytes(start, cluster, 16), rule, strlen(rule) + 1);

	for (uint32_t i = 0; i < count; i++)
	{
		uint64_t label = hash_bytes(start, labels[i].name, strlen(labels[i].name) + 1);

		hash += mixed(hash_bytes(label, labels[i].value, strlen(labels[i].value) + 1));
	}
	return never_zero(mixed(hash));
}

uint64_t
ha_episode_id(uint64_t fingerprint, int64_t starts_us)
{
	return never_zero(mixed(fingerprint + mixed((uint64_t) starts_us)));
}
