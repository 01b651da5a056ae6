/*
 * alert_book.h: the alerts that there are, as the leader's alerts worker has them in memory and in haops.alert_episode.
 *
 * One round at a time, in one transaction: what the rules found is matched with what is there, each alert's life goes
 * on by ops/episode, and what changed is written together with the news for each channel. The table is the truth: it is
 * replicated, so the next leader goes on from it. After an error the memory is forgotten and read anew.
 */
#ifndef HA_SERVER_ALERT_BOOK_H
#define HA_SERVER_ALERT_BOOK_H

#include "server/compat.h"

#include "ops/mute.h"
#include "server/alert_rule.h"

#define HA_BOOK_ALERTS_MAX 20000

/* What one rule gave on one node; node NULL: of the leader, the alerts bear no label "node". */
typedef struct HaResult
{
	const HaRule *rule;
	const char *node;
	HaOutcome	outcome;
} HaResult;

typedef struct HaAlertEntry
{
	uint64		fingerprint;	/* the key */
	MemoryContext memory;		/* of all its texts */
	HaEpisode	episode;
	char		id[17];			/* of the episode */
	int64		fired_us;		/* 0 = it has not */
	char	   *rule;
	char	   *definition;
	HaSeverity	severity;
	uint32		label_count;
	HaLabelText label[HA_NOTICE_LABELS_MAX];
	char	   *value;
	char	   *summary;
	char	   *description;
	char	   *page;
	char	   *muted;
	HaSeen		seen;			/* in this round */
	bool		evaluated;		/* in this round */
} HaAlertEntry;

/* Nothing is known any more; the next round begins with reading the table. */
extern void ha_book_forget(void);

/*
 * One round, in a transaction. `rules` are all enabled ones, `results` (HaResult) those that were evaluated; `cluster`
 * is the 16 bytes of its id; `now_us`: see ops/episode. Returns the number of news that were written. Raises errors:
 * then ha_book_forget().
 */
extern int	ha_book_round(List *rules, List *results, const uint8 *cluster, int64 now_us);

/* ---- Of its parts (alert_book.c, alert_news.c) ---- */

/* What a round writes: arrays of JSON, comma separated. */
typedef struct HaBookPage
{
	StringInfoData episodes;
	StringInfoData deliveries;
	StringInfoData dropped;		/* pending ones that never fired */
	int			news;
} HaBookPage;

extern void ha_book_page_begin(HaBookPage *page);
extern void ha_book_page_episode(HaBookPage *page, const HaAlertEntry *entry, int64 ended_us, const char *reason);
extern void ha_book_page_dropped(HaBookPage *page, const HaAlertEntry *entry);
extern void ha_book_page_news(HaBookPage *page, const HaAlertEntry *entry, const HaRule *rule, HaEpisodeNews news,
							  int64 now_us, const char *reason);
extern void ha_book_page_write(HaBookPage *page);

/* The silences that hold now: a list of HaSilenceNow. */
typedef struct HaSilenceNow
{
	char	   *name;			/* "silence 12" */
	uint32		matcher_count;
	HaMatcher  *matcher;
} HaSilenceNow;

extern List *ha_book_silences(void);

/* Adds a text as JSON. */
extern void ha_book_json(StringInfo json, const char *key, const char *value);

#endif
