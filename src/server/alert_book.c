/*
 * alert_book.c: see alert_book.h.
 */
#include "server/compat.h"

#include "server/alert_book.h"

#include <inttypes.h>

#include "ops/mute.h"
#include "ops/template.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define SUMMARY_SIZE 256
#define DESCRIPTION_SIZE 768

static HTAB *book = NULL;		/* NULL = forgotten */
static MemoryContext memory = NULL;

/* ---- Memory ---- */

static void
begin_book(void)
{
	HASHCTL		control = {.keysize = sizeof(uint64), .entrysize = sizeof(HaAlertEntry)};

	memory = AllocSetContextCreate(TopMemoryContext, "pg_haops alerts", ALLOCSET_DEFAULT_SIZES);
	control.hcxt = memory;
	book = hash_create("pg_haops alerts", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
ha_book_forget(void)
{
	if (memory != NULL)
		MemoryContextDelete(memory);
	book = NULL;
	memory = NULL;
}

static HaAlertEntry *
enter(uint64 fingerprint, bool *found)
{
	HaAlertEntry *entry = hash_search(book, &fingerprint, HASH_ENTER, found);

	if (!*found)
	{
		MemoryContext own = AllocSetContextCreate(memory, "pg_haops alert", ALLOCSET_SMALL_SIZES);

		memset(entry, 0, sizeof(*entry));
		entry->fingerprint = fingerprint;
		entry->memory = own;
	}
	return entry;
}

static void
leave(HaAlertEntry *entry)
{
	uint64		fingerprint = entry->fingerprint;

	MemoryContextDelete(entry->memory);
	(void) hash_search(book, &fingerprint, HASH_REMOVE, NULL);
}

static char *
keep(HaAlertEntry *entry, const char *text)
{
	return text != NULL ? MemoryContextStrdup(entry->memory, text) : NULL;
}

static void
keep_labels(HaAlertEntry *entry, const HaLabelText *label, uint32 count)
{
	for (; entry->label_count < count; entry->label_count++)
	{
		entry->label[entry->label_count].name = keep(entry, label[entry->label_count].name);
		entry->label[entry->label_count].value = keep(entry, label[entry->label_count].value);
	}
}

/* Replaces a text of the entry, when it is another one. */
static void
replace(HaAlertEntry *entry, char **text, const char *with)
{
	if (*text != NULL && with != NULL && strcmp(*text, with) == 0)
		return;
	if (*text != NULL)
		pfree(*text);
	*text = keep(entry, with);
}

/* ---- Reading the table ---- */

static const char present_query[] =
	"SELECT e.episode, e.fingerprint, e.rule, e.severity, e.state,"
	" (extract(epoch FROM e.since) * 1000000)::bigint, (extract(epoch FROM e.starts_at) * 1000000)::bigint,"
	" (extract(epoch FROM e.fired_at) * 1000000)::bigint, (extract(epoch FROM e.told_at) * 1000000)::bigint,"
	" (extract(epoch FROM e.unknown_since) * 1000000)::bigint, e.transition::bigint, e.value, e.summary, e.description,"
	" e.muted, e.definition,"
	" ARRAY(SELECT l.key FROM jsonb_each_text(e.labels) l ORDER BY l.key),"
	" ARRAY(SELECT coalesce(l.value, '') FROM jsonb_each_text(e.labels) l ORDER BY l.key)"
	" FROM haops.alert_episode e WHERE e.ended_at IS NULL LIMIT 20000";

static int64
number_of(HeapTuple tuple, TupleDesc form, int column)
{
	bool		null;
	Datum		value = SPI_getbinval(tuple, form, column, &null);

	return null ? 0 : DatumGetInt64(value);
}

static HaEpisodeState
state_of(const char *name)
{
	HaEpisodeState state = HA_EPISODE_RESOLVING;

	while (state > HA_EPISODE_OK && strcmp(ha_episode_state_name(state, false), name) != 0)
		state--;
	return state;
}

static void
read_entry(HeapTuple tuple, TupleDesc form)
{
	uint64		fingerprint = strtou64(SPI_getvalue(tuple, form, 2), NULL, 16);
	HaLabelText label[HA_NOTICE_LABELS_MAX];
	uint32		count = ha_words_labels(tuple, form, 17, 18, label, HA_NOTICE_LABELS_MAX);
	char	   *severity = SPI_getvalue(tuple, form, 4);
	HaAlertEntry *entry;
	bool		found;

	entry = enter(fingerprint, &found);
	if (found)
		return;
	strlcpy(entry->id, SPI_getvalue(tuple, form, 1), sizeof(entry->id));
	entry->rule = keep(entry, SPI_getvalue(tuple, form, 3));
	entry->severity = strcmp(severity, "critical") == 0 ? HA_SEVERITY_CRITICAL :
		strcmp(severity, "info") == 0 ? HA_SEVERITY_INFO : HA_SEVERITY_WARNING;
	entry->episode.state = state_of(SPI_getvalue(tuple, form, 5));
	entry->episode.since_us = number_of(tuple, form, 6);
	entry->episode.starts_us = number_of(tuple, form, 7);
	entry->fired_us = number_of(tuple, form, 8);
	entry->episode.told_us = number_of(tuple, form, 9);
	entry->episode.unknown_since_us = number_of(tuple, form, 10);
	entry->episode.transition = (uint32) number_of(tuple, form, 11);
	entry->value = keep(entry, SPI_getvalue(tuple, form, 12));
	entry->summary = keep(entry, SPI_getvalue(tuple, form, 13));
	entry->description = keep(entry, SPI_getvalue(tuple, form, 14));
	entry->muted = keep(entry, SPI_getvalue(tuple, form, 15));
	entry->definition = keep(entry, SPI_getvalue(tuple, form, 16));
	keep_labels(entry, label, count);
}

static void
read_book(void)
{
	begin_book();
	SPI_connect();
	if (SPI_execute(present_query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the alerts can't be read");
	for (uint64 i = 0; i < SPI_processed; i++)
		read_entry(SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	SPI_finish();
}

/* ---- What the rules found ---- */

static char *
filled_in(const char *pattern, const HaRule *rule, const HaFinding *finding, const char *node, size_t size)
{
	HaLabelText label[HA_NOTICE_LABELS_MAX + 2];
	uint32		count = finding->label_count;
	char	   *bytes = palloc(size);
	HaText		text = ha_text(bytes, size);

	memcpy(label, finding->label, sizeof(HaLabelText) * count);
	if (node != NULL)
		label[count++] = (HaLabelText) {"node", node};
	label[count++] = (HaLabelText) {"rule", rule->name};
	ha_template_expand(&text, pattern, label, count, finding->value != NULL ? finding->value : "");
	return bytes;
}

static void
note_finding(const HaResult *result, const HaFinding *finding, const uint8 *cluster)
{
	const HaRule *rule = result->rule;
	HaLabelText label[HA_NOTICE_LABELS_MAX];
	uint32		count = finding->label_count;
	HaAlertEntry *entry;
	bool		found;

	memcpy(label, finding->label, sizeof(HaLabelText) * count);
	if (result->node != NULL)
		label[count++] = (HaLabelText) {"node", result->node};
	if (hash_get_num_entries(book) >= HA_BOOK_ALERTS_MAX)
		return;
	entry = enter(ha_episode_fingerprint(cluster, rule->name, label, count), &found);
	if (!found)
	{
		entry->rule = keep(entry, rule->name);
		entry->definition = keep(entry, rule->definition);
		keep_labels(entry, label, count);
	}
	entry->severity = rule->severity;
	replace(entry, &entry->value, finding->value);
	replace(entry, &entry->summary, filled_in(rule->summary, rule, finding, result->node, SUMMARY_SIZE));
	replace(entry, &entry->description, filled_in(rule->description, rule, finding, result->node, DESCRIPTION_SIZE));
	replace(entry, &entry->page, rule->page);
	entry->seen = HA_SEEN_TRUE;
	entry->evaluated = true;
}

static const char *
label_of(const HaAlertEntry *entry, const char *name)
{
	for (uint32 i = 0; i < entry->label_count; i++)
	{
		if (strcmp(entry->label[i].name, name) == 0)
			return entry->label[i].value;
	}
	return "";
}

/* The result that speaks of the alert, NULL when it was not evaluated in this round. */
static const HaResult *
result_for(List *results, const HaAlertEntry *entry)
{
	ListCell   *cell;

	foreach(cell, results)
	{
		const HaResult *result = lfirst(cell);

		if (strcmp(result->rule->name, entry->rule) == 0 &&
			(result->node == NULL || strcmp(result->node, label_of(entry, "node")) == 0))
			return result;
	}
	return NULL;
}

static void
note_results(List *results, const uint8 *cluster)
{
	HASH_SEQ_STATUS seq;
	HaAlertEntry *entry;
	ListCell   *cell;

	hash_seq_init(&seq, book);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		const HaResult *result = result_for(results, entry);

		entry->evaluated = result != NULL;
		entry->seen = result != NULL && result->outcome.known ? HA_SEEN_FALSE : HA_SEEN_UNKNOWN;
	}
	foreach(cell, results)
	{
		const HaResult *result = lfirst(cell);

		for (uint32 i = 0; i < result->outcome.count; i++)
			note_finding(result, &result->outcome.finding[i], cluster);
	}
}

/* ---- Who is not to hear of it ---- */

/* The labels that matchers see: the alert's, and rule and severity. */
static uint32
all_labels(const HaAlertEntry *entry, HaLabelText label[HA_NOTICE_LABELS_MAX + 2])
{
	uint32		count = entry->label_count;

	memcpy(label, entry->label, sizeof(HaLabelText) * count);
	label[count++] = (HaLabelText) {"rule", entry->rule};
	label[count++] = (HaLabelText) {"severity", ha_rule_severity_name(entry->severity)};
	return count;
}

static bool
explains(const HaAlertEntry *source, const HaAlertEntry *target, const HaRule *rule)
{
	HaLabelText of_source[HA_NOTICE_LABELS_MAX + 2];
	HaLabelText of_target[HA_NOTICE_LABELS_MAX + 2];
	const char *equal[HA_NOTICE_LABELS_MAX];
	uint32		equal_count = 0;

	if (source == target || source->episode.state != HA_EPISODE_FIRING)
		return false;
	for (int i = 0; i < rule->equal_labels.count && equal_count < HA_NOTICE_LABELS_MAX; i++)
	{
		if (label_of(target, rule->equal_labels.word[i])[0] != '\0')
			equal[equal_count++] = rule->equal_labels.word[i];
	}
	return ha_mute_inhibits(source->rule, of_source, all_labels(source, of_source),
							(const char *const *) rule->inhibited_by.word, (uint32) rule->inhibited_by.count,
							equal, equal_count, of_target, all_labels(target, of_target));
}

/* Why people are not told of it, palloc'd; NULL = they are. */
static char *
muted_by(const HaAlertEntry *entry, const HaRule *rule, List *silences)
{
	HaLabelText label[HA_NOTICE_LABELS_MAX + 2];
	uint32		count = all_labels(entry, label);
	HASH_SEQ_STATUS seq;
	HaAlertEntry *source;
	ListCell   *cell;
	char	   *why = NULL;

	foreach(cell, silences)
	{
		const HaSilenceNow *silence = lfirst(cell);

		if (ha_mute_matches(silence->matcher, silence->matcher_count, label, count))
			return pstrdup(silence->name);
	}
	if (rule->inhibited_by.count == 0)
		return NULL;
	hash_seq_init(&seq, book);
	while ((source = hash_seq_search(&seq)) != NULL)
	{
		if (why == NULL && explains(source, entry, rule))
			why = psprintf("explained by %s", source->rule);
	}
	return why;
}

/* ---- The round ---- */

static const HaRule *
rule_for(List *rules, const HaAlertEntry *entry)
{
	ListCell   *cell;

	foreach(cell, rules)
	{
		if (strcmp(((HaRule *) lfirst(cell))->name, entry->rule) == 0)
			return lfirst(cell);
	}
	return NULL;
}

static void
end(HaBookPage *page, HaAlertEntry *entry, const HaRule *rule, HaEpisodeNews news, int64 now_us, const char *reason)
{
	if (entry->fired_us == 0)
		ha_book_page_dropped(page, entry);
	else
	{
		ha_book_page_episode(page, entry, now_us, reason);
		if (news != HA_NEWS_NONE)
			ha_book_page_news(page, entry, rule, news, now_us, reason);
	}
	leave(entry);
}

static void
step(HaBookPage *page, HaAlertEntry *entry, const HaRule *rule, List *silences, int64 now_us)
{
	char	   *muted = muted_by(entry, rule, silences);
	bool		changed = (muted == NULL) != (entry->muted == NULL);
	HaEpisodeState before = entry->episode.state;
	bool		stepped = false;
	HaEpisodeNews news;

	replace(entry, &entry->muted, muted);
	news = ha_episode_step(&entry->episode, &rule->times, entry->seen, muted != NULL, now_us, &stepped);
	if (before == HA_EPISODE_OK && entry->episode.state != HA_EPISODE_OK)
		snprintf(entry->id, sizeof(entry->id), "%016" PRIx64,
				 ha_episode_id(entry->fingerprint, entry->episode.starts_us));
	if (entry->fired_us == 0 && entry->episode.state == HA_EPISODE_FIRING)
		entry->fired_us = now_us;
	if (entry->episode.state == HA_EPISODE_OK)
	{
		if (before == HA_EPISODE_OK)
			leave(entry);
		else
			end(page, entry, rule, news, now_us, NULL);
		return;
	}
	if (news != HA_NEWS_NONE)
		ha_book_page_news(page, entry, rule, news, now_us, NULL);
	if (changed || stepped || news != HA_NEWS_NONE)
		ha_book_page_episode(page, entry, 0, NULL);
}

/* Those that may be explained by others come after the others. */
static void
step_all(HaBookPage *page, List *rules, List *silences, bool explained, int64 now_us)
{
	HASH_SEQ_STATUS seq;
	HaAlertEntry *entry;

	hash_seq_init(&seq, book);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		const HaRule *rule = rule_for(rules, entry);
		bool		changed = rule != NULL && entry->definition != NULL &&
			strcmp(entry->definition, rule->definition) != 0;

		if (explained != (rule != NULL && rule->inhibited_by.count > 0))
			continue;
		if (rule == NULL || changed)
			end(page, entry, rule, ha_episode_close(&entry->episode, now_us), now_us,
				rule == NULL ? "its rule was dropped or disabled" : "its rule was changed");
		else if (entry->evaluated)
			step(page, entry, rule, silences, now_us);
	}
}

int
ha_book_round(List *rules, List *results, const uint8 *cluster, int64 now_us)
{
	HaBookPage	page;
	List	   *silences;

	if (book == NULL)
		read_book();
	note_results(results, cluster);
	silences = ha_book_silences();
	ha_book_page_begin(&page);
	step_all(&page, rules, silences, false, now_us);
	step_all(&page, rules, silences, true, now_us);
	ha_book_page_write(&page);
	return page.news;
}
