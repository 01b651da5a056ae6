/*
 * episode.h: the life of one alert, from the first moment its condition held until people were told that it ended.
 *
 *	OK  ->  PENDING (for `pending_us`)  ->  FIRING  <->  RESOLVING (for `keep_us`)  ->  OK
 *
 * A round that could not find out (UNKNOWN) changes nothing: no alert begins, ends or grows older by it. Whoever calls
 * persists the episode before it acts on the news. People are told of an episode's end when they were told of it, muted
 * or not; what began muted (a silence, an inhibition, a pause for maintenance) is told once it is muted no more and
 * still fires.
 *
 * Pure. Times are microseconds by a clock of the caller's that runs steadily while it lives and agrees roughly with
 * wall time from one life, or member, to the next. A time of the future is taken for now.
 */
#ifndef HA_OPS_EPISODE_H
#define HA_OPS_EPISODE_H

#include <stdbool.h>
#include <stdint.h>

typedef enum HaEpisodeState
{
	HA_EPISODE_OK,				/* nothing is kept of it */
	HA_EPISODE_PENDING,
	HA_EPISODE_FIRING,
	HA_EPISODE_RESOLVING
} HaEpisodeState;

/* What a rule says of it. All in microseconds, >= 0. */
typedef struct HaEpisodeRule
{
	int64_t pending_us;			/* how long the condition must hold; 0 = fires at once */
	int64_t keep_us;			/* how long it must be gone; 0 = ends at once */
	int64_t repeat_us;			/* between two messages while it fires; 0 = none but the first */
} HaEpisodeRule;

typedef struct HaEpisode
{
	HaEpisodeState state;
	int64_t since_us;			/* of the state; moved on by the time in which nothing was known */
	int64_t starts_us;			/* the condition held first */
	int64_t told_us;			/* of the last message that it fires; 0 = none yet */
	int64_t unknown_since_us;	/* 0 = it is known */
	uint32_t transition;		/* of the last news, 0 = none yet; grows by one with each */
} HaEpisode;

typedef enum HaSeen
{
	HA_SEEN_FALSE,
	HA_SEEN_TRUE,
	HA_SEEN_UNKNOWN
} HaSeen;

typedef enum HaEpisodeNews
{
	HA_NEWS_NONE,
	HA_NEWS_FIRING,
	HA_NEWS_REPEAT,
	HA_NEWS_RESOLVED
} HaEpisodeNews;

/*
 * One round. Returns what people are to be told; `*changed` is set when the episode must be persisted. An episode that
 * is OK afterwards is over (its other fields still say what it was).
 */
extern HaEpisodeNews ha_episode_step(HaEpisode *episode, const HaEpisodeRule *rule, HaSeen seen, bool muted,
									 int64_t now_us, bool *changed);

/* Ends it at once, because its rule was changed or dropped. The news is RESOLVED when people knew of it, else NONE. */
extern HaEpisodeNews ha_episode_close(HaEpisode *episode, int64_t now_us);

/* Microseconds from now until the next round can change something by time alone; INT64_MAX = never. */
extern int64_t ha_episode_wait_us(const HaEpisode *episode, const HaEpisodeRule *rule, int64_t now_us);

/* ok, pending, firing, resolving; unknown */
extern const char *ha_episode_state_name(HaEpisodeState state, bool unknown);

/* 64 bits that name an alert: its cluster, rule and labels; the order of the labels does not matter. Never 0. */
typedef struct HaLabelText
{
	const char *name;
	const char *value;
} HaLabelText;

extern uint64_t ha_episode_fingerprint(const uint8_t cluster[16], const char *rule, const HaLabelText *labels,
									   uint32_t count);

/* The number of an episode: of the alert, and of when it began. Never 0. */
extern uint64_t ha_episode_id(uint64_t fingerprint, int64_t starts_us);

#endif
