/*
 * alerts.h: the life of alerts by a simulated clock: conditions that come and go, rounds, restarts, failovers and
 * receivers.
 *
 * The decisions are those of the server (ops/episode, ops/mute, ops/lane). The tables, the worker that evaluates and
 * the sender are stand-ins that do what src/api/alert_flow.sql, src/server/alert_book.c and alert_post.c do: a round is
 * one transaction that stores states and news together; news are claimed, sent without a transaction, and then
 * recorded. One schedule is one seed. The truth's side knows what each round saw, and what the receiver took.
 */
#ifndef HA_SIM_ALERTS_H
#define HA_SIM_ALERTS_H

#include "core/mutant.h"
#include "core/prng.h"
#include "ops/episode.h"
#include "ops/lane.h"

#define ALERTS 4
#define ALERTS_MEMBERS 3
#define ALERTS_WAYS 2			/* the channel, and its fallback */
#define ALERTS_NEWS_MAX 600
#define ALERTS_NOTICES_MAX 8
#define ALERTS_HISTORY 4
#define ALERTS_HEARD_MAX 1024
#define ALERTS_STREAKS_MAX 8192
#define ALERTS_SENT_MAX 128
#define ALERTS_S (INT64_C(1000) * 1000)

typedef enum AlertKind
{
	ALERT_FIRING,
	ALERT_REPEAT,
	ALERT_RESOLVED,
	ALERT_LATE					/* began and ended before anybody was told */
} AlertKind;

typedef enum AlertNewsState
{
	ALERT_QUEUED,				/* or failed */
	ALERT_SENDING,
	ALERT_SENT,
	ALERT_MERGED
} AlertNewsState;

/* A row of haops.alert_delivery. */
typedef struct AlertNews
{
	uint64_t id;
	uint64_t claim;
	uint32_t transition;
	uint32_t streak;
	uint32_t era;				/* failovers before it was claimed */
	uint8_t alert;
	uint8_t kind;
	uint8_t state;
} AlertNews;

/* A row of haops.alert_episode. */
typedef struct AlertRow
{
	HaEpisode episode;
	uint64_t id;
	bool muted;
} AlertRow;

/*
 * What the rounds saw whose outcome survived, in true time; it goes back with the table when a failover loses some.
 * A streak is a time in which no round saw the condition gone.
 */
typedef struct AlertTruth
{
	int64_t true_us;			/* it holds since; moved on by the time in which nothing was known; 0 = it does not */
	int64_t false_us;			/* it fired, and is gone since; 0 = it is not */
	int64_t unknown_us;
	int64_t told_us;			/* of the last news that it fires */
	uint32_t streak;			/* 0 = none */
} AlertTruth;

typedef struct AlertTable
{
	uint32_t round;
	uint32_t news_count;
	AlertRow row[ALERTS];
	AlertTruth truth[ALERTS];
	AlertNews news[ALERTS_NEWS_MAX];
} AlertTable;

/* A request, from its claim to the receiver's answer. */
typedef struct AlertWay
{
	bool busy;
	bool ready;					/* to be sent: claimed, or refused as a card and to be sent once more as plain text */
	bool arrives;				/* and has not yet */
	HaVerdict verdict;
	int64_t retry_after_s;
	int64_t arrives_us;
	int64_t answered_us;
	uint64_t claim;
	uint32_t count;
	AlertNews notice[ALERTS_NOTICES_MAX];
} AlertWay;

/* What the receivers' side has seen of one sender on one channel. */
typedef struct AlertSends
{
	uint32_t count;
	int64_t sent_us[ALERTS_SENT_MAX];
	int64_t held_until_us;
} AlertSends;

typedef struct AlertMember
{
	int64_t clock_us;			/* ahead of true time */
	HaLane lane[ALERTS_WAYS];
	AlertWay way[ALERTS_WAYS];
	AlertSends sends[ALERTS_WAYS];
	uint32_t passed[ALERTS_WAYS];	/* how many events in a row went before alerts that waited */
} AlertMember;

typedef enum AlertWeather
{
	ALERT_WORKS,
	ALERT_DOWN,
	ALERT_LOSES_ANSWERS,		/* what is sent is taken, and nobody hears of it */
	ALERT_THROTTLES,
	ALERT_REFUSES,				/* the channel is broken */
	ALERT_NO_CARDS,
	ALERT_FLAKY,				/* one of these each time */
	ALERT_WEATHERS
} AlertWeather;

/* What people know of an episode. */
typedef struct AlertHeard
{
	uint64_t id;
	bool began;
	bool ended;
	uint32_t end_era;			/* of the news of its end */
} AlertHeard;

typedef struct AlertOwed
{
	uint64_t id;
	uint32_t round;
	uint8_t alert;
} AlertOwed;

typedef struct AlertCounts
{
	uint64_t rounds, news, told, ended, late, repeats, merged, digests, muted, failovers, lossy, restarts, lost_rounds,
		twice;
} AlertCounts;

typedef struct AlertWorld
{
	HaPrng prng;
	int64_t now_us;
	bool calm;
	bool trace;
	/* The schedule's own rules and habits. */
	HaEpisodeRule rule[ALERTS];
	bool chatty;				/* who does not lead has much to tell, too */
	bool flooded;				/* the leader always has an event to tell */
	int64_t mean_us[ALERTS];	/* between two turns of a condition */
	int64_t clocks_us;			/* a member's clock is that far ahead of true time at most, or behind */
	int64_t drift_us;			/* by how much all changes of clocks so far may have shifted a time */
	uint32_t often[8];			/* how often per 10,000 ticks what happens (AlertEvent) */
	int channel_type[ALERTS_WAYS];
	/* How things are. */
	bool holds[ALERTS];
	bool silenced[ALERTS];
	bool blind[ALERTS];			/* rounds don't find out */
	AlertWeather weather[ALERTS_WAYS];
	uint32_t leader;
	int64_t round_us;			/* the next round */
	uint64_t claims;
	AlertMember member[ALERTS_MEMBERS];
	AlertTable table;			/* the leader's */
	AlertRow memory[ALERTS];	/* of the leader's worker */
	AlertTable next;			/* the round that is being made */
	AlertTable history[ALERTS_HISTORY];	/* as other members may have it: a ring */
	uint32_t history_count;		/* all ever */
	/* The truth's side. */
	uint32_t failovers;
	uint32_t streaks;
	uint64_t streak_id[ALERTS_STREAKS_MAX];
	uint32_t heard_count;
	AlertHeard heard[ALERTS_HEARD_MAX];
	uint32_t owed_count;
	AlertOwed owed[ALERTS_HEARD_MAX];
	AlertCounts counts;
	uint64_t hash;
	const char *failed;			/* the checker's name, NULL = all is well */
	char text[160];
} AlertWorld;

/* ---- The world (alerts.c) and its queue (alerts_queue.c) ---- */

/* One schedule. True when all is well. */
extern bool alerts_run(AlertWorld *w, uint64_t seed, bool trace);

/* Arrivals, answers, claims and requests of this moment. */
extern void alerts_queue_turn(AlertWorld *w);

extern void alerts_queue_copy(AlertTable *to, const AlertTable *from);

/* Appends news to the table, unless it has them already. */
extern void alerts_queue_add(AlertTable *table, const AlertNews *news);

/* Who leads keeps one distance and the others another; `begins`: the leader has just begun to. */
extern void alerts_queue_roles(AlertWorld *w, bool begins);

/* What was under way when this member's predecessor ended is to be sent again. */
extern void alerts_queue_reclaim(AlertWorld *w);

/* A sender starts, the first time or anew: what it had under way is given back. */
extern void alerts_queue_start(AlertWorld *w, uint32_t member);

/* True when nothing waits and nothing is under way. */
extern bool alerts_queue_empty(const AlertWorld *w);

extern void alerts_tell(const AlertWorld *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- Checkers (alerts_check.c) ---- */

extern void alerts_fail(AlertWorld *w, const char *checker, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A round saw this of the alert; before its step. */
extern void alerts_check_seen(AlertWorld *w, uint32_t alert, HaSeen seen);

/* After the step, or the end because its rule changed. */
extern void alerts_check_step(AlertWorld *w, uint32_t alert, HaEpisodeState before, HaSeen seen, bool closed,
							  HaEpisodeNews news);

extern void alerts_check_send(AlertWorld *w, uint32_t member, uint32_t way);

/* Something is claimed for the way. */
extern void alerts_check_claim(AlertWorld *w, uint32_t member, uint32_t way);

/* The leader tells of an event, or else sends alerts; `alerts`: these wait. */
extern void alerts_check_turn(AlertWorld *w, uint32_t way, bool event, bool alerts);

/* A leader begins, or changes its distances. */
extern void alerts_check_lead(AlertWorld *w, uint32_t way);
extern void alerts_check_answer(AlertWorld *w, uint32_t member, uint32_t way, HaVerdict verdict, int64_t retry_after_s);

/* The receiver has taken a message with this notice. */
extern void alerts_check_taken(AlertWorld *w, const AlertNews *notice);

/* The rounds after the table's are lost. */
extern void alerts_check_lost(AlertWorld *w);

/* All is calm, and nothing waits any more. */
extern void alerts_check_end(AlertWorld *w);

/* ---- Many of them (alerts_run.c) ---- */

extern bool alerts_run_many(uint64_t first, uint64_t seeds, bool trace, const char *mutant);
extern bool alerts_mutants_run(uint64_t limit, const char *only);

#endif
