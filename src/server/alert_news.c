/*
 * alert_news.c: what a round of alerts writes: episodes, and news for the channels; and the silences that it reads.
 *
 * All of a round goes to the database as one JSON text, to haops.alert_store().
 */
#include "server/compat.h"

#include "server/alert_book.h"

#include <inttypes.h>

#include "catalog/pg_type_d.h"
#include "server/posts.h"
#include "server/shmem.h"
#include "utils/builtins.h"
#include "utils/json.h"

/* ---- JSON ---- */

void
ha_book_json(StringInfo json, const char *key, const char *value)
{
	if (json->len > 0 && json->data[json->len - 1] != '{' && json->data[json->len - 1] != '[')
		appendStringInfoChar(json, ',');
	if (key != NULL)
	{
		escape_json(json, key);
		appendStringInfoChar(json, ':');
	}
	if (value != NULL)
		escape_json(json, value);
	else
		appendStringInfoString(json, "null");
}

static void
add_number(StringInfo json, const char *key, int64 value)
{
	appendStringInfoChar(json, ',');
	escape_json(json, key);
	appendStringInfo(json, ":" INT64_FORMAT, value);
}

static void
add_labels(StringInfo json, const HaAlertEntry *entry)
{
	appendStringInfoString(json, ",\"labels\":{");
	for (uint32 i = 0; i < entry->label_count; i++)
		ha_book_json(json, entry->label[i].name, entry->label[i].value);
	appendStringInfoChar(json, '}');
}

static void
begin_object(StringInfo json)
{
	if (json->len > 0)
		appendStringInfoChar(json, ',');
	appendStringInfoChar(json, '{');
}

/* ---- The page ---- */

void
ha_book_page_begin(HaBookPage *page)
{
	initStringInfo(&page->episodes);
	initStringInfo(&page->deliveries);
	initStringInfo(&page->dropped);
	page->news = 0;
}

void
ha_book_page_episode(HaBookPage *page, const HaAlertEntry *entry, int64 ended_us, const char *reason)
{
	StringInfo	json = &page->episodes;
	char		fingerprint[17];

	snprintf(fingerprint, sizeof(fingerprint), "%016" PRIx64, entry->fingerprint);
	begin_object(json);
	ha_book_json(json, "episode", entry->id);
	ha_book_json(json, "fingerprint", fingerprint);
	ha_book_json(json, "rule", entry->rule);
	ha_book_json(json, "severity", ha_rule_severity_name(entry->severity));
	ha_book_json(json, "state", ha_episode_state_name(entry->episode.state, false));
	ha_book_json(json, "value", entry->value);
	ha_book_json(json, "summary", entry->summary);
	ha_book_json(json, "description", entry->description);
	ha_book_json(json, "muted", entry->muted);
	ha_book_json(json, "definition", entry->definition);
	ha_book_json(json, "reason", reason);
	add_number(json, "since_us", entry->episode.since_us);
	add_number(json, "starts_us", entry->episode.starts_us);
	add_number(json, "fired_us", entry->fired_us);
	add_number(json, "ended_us", ended_us);
	add_number(json, "told_us", entry->episode.told_us);
	add_number(json, "unknown_since_us", entry->episode.unknown_since_us);
	add_number(json, "transition", entry->episode.transition);
	add_labels(json, entry);
	appendStringInfoChar(json, '}');
}

void
ha_book_page_dropped(HaBookPage *page, const HaAlertEntry *entry)
{
	if (entry->id[0] == '\0')
		return;
	if (page->dropped.len > 0)
		appendStringInfoChar(&page->dropped, ',');
	escape_json(&page->dropped, entry->id);
}

/*
 * For which channels the news are: those that the rule names, or all whose severity it reaches. That an alert ended is
 * for those that were told of it (haops.alert_store() knows), but for the ones that want no ends, which are named here.
 */
static void
add_channels(StringInfo json, const HaRule *rule, HaEpisodeNews news, HaSeverity severity)
{
	HaChannelViews *views = palloc0(sizeof(HaChannelViews));

	(void) ha_box_read(&ha_shmem->channels_box, ha_shmem->channels, views, sizeof(*views));
	appendStringInfoString(json, news == HA_NEWS_RESOLVED ? ",\"but\":[" : ",\"channels\":[");
	for (uint32 i = 0; i < views->count; i++)
	{
		const HaChannelView *channel = &views->channel[i];

		if (news == HA_NEWS_RESOLVED ? !channel->resolved : rule->all_channels && severity >= channel->severity)
			ha_book_json(json, NULL, channel->name);
	}
	for (int i = 0; news != HA_NEWS_RESOLVED && !rule->all_channels && i < rule->channels.count; i++)
		ha_book_json(json, NULL, rule->channels.word[i]);
	appendStringInfoChar(json, ']');
	pfree(views);
}

void
ha_book_page_news(HaBookPage *page, const HaAlertEntry *entry, const HaRule *rule, HaEpisodeNews news, int64 now_us,
				  const char *reason)
{
	static const char *const kind[] = {
		[HA_NEWS_FIRING] = "firing",[HA_NEWS_REPEAT] = "repeat",[HA_NEWS_RESOLVED] = "resolved",
	};
	StringInfo	json = &page->deliveries;
	const char *severity = ha_rule_severity_name(entry->severity);

	Assert(news == HA_NEWS_RESOLVED || rule != NULL);
	page->news++;
	begin_object(json);
	ha_book_json(json, "episode", entry->id);
	add_number(json, "transition", entry->episode.transition);
	ha_book_json(json, "kind", kind[news]);
	ha_book_json(json, "severity", severity);
	add_channels(json, rule, news, entry->severity);
	appendStringInfoString(json, ",\"notice\":{");
	ha_book_json(json, "kind", kind[news]);
	ha_book_json(json, "severity", severity);
	ha_book_json(json, "rule", entry->rule);
	ha_book_json(json, "summary", entry->summary != NULL ? entry->summary : entry->rule);
	ha_book_json(json, "description", entry->description != NULL ? entry->description : "");
	ha_book_json(json, "value", entry->value != NULL ? entry->value : "");
	ha_book_json(json, "reason", reason != NULL ? reason : "");
	ha_book_json(json, "page", entry->page != NULL ? entry->page : "");
	add_number(json, "starts_us", entry->episode.starts_us);
	add_number(json, "ends_us", news == HA_NEWS_RESOLVED ? now_us : 0);
	add_labels(json, entry);
	appendStringInfoString(json, "}}");
}

void
ha_book_page_write(HaBookPage *page)
{
	StringInfoData json;
	Oid			type = JSONBOID;
	Datum		value;

	if (page->episodes.len == 0 && page->deliveries.len == 0 && page->dropped.len == 0)
		return;
	initStringInfo(&json);
	appendStringInfo(&json, "{\"episodes\":[%s],\"deliveries\":[%s],\"dropped\":[%s]}", page->episodes.data,
					 page->deliveries.data, page->dropped.data);
	value = DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data));
	SPI_connect();
	if (SPI_execute_with_args("SELECT haops.alert_store($1)", 1, &type, &value, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "the alerts can't be stored");
	SPI_finish();
}

/* ---- Silences ---- */

static const char silences_query[] =
	"SELECT s.id, ARRAY(SELECT m.key FROM jsonb_each_text(s.matchers) m ORDER BY m.key),"
	" ARRAY(SELECT coalesce(m.value, '') FROM jsonb_each_text(s.matchers) m ORDER BY m.key)"
	" FROM haops.alert_silence s WHERE clock_timestamp() >= s.starts_at AND clock_timestamp() < s.ends_at";

static HaSilenceNow *
silence_of(HeapTuple tuple, TupleDesc form)
{
	HaSilenceNow *silence = palloc0(sizeof(HaSilenceNow));
	HaWords		name = ha_words_of(tuple, form, 2);
	HaWords		value = ha_words_of(tuple, form, 3);

	silence->name = psprintf("silence %s", SPI_getvalue(tuple, form, 1));
	silence->matcher = palloc0(sizeof(HaMatcher) * Max(name.count, 1));
	silence->matcher_count = (uint32) Min(name.count, value.count);
	for (uint32 i = 0; i < silence->matcher_count; i++)
	{
		bool		negated = value.word[i][0] == '!';

		silence->matcher[i].name = name.word[i];
		silence->matcher[i].match = negated ? HA_MATCH_UNLIKE : HA_MATCH_LIKE;
		silence->matcher[i].text = value.word[i] + negated;
	}
	return silence;
}

List *
ha_book_silences(void)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *silences = NIL;

	SPI_connect();
	if (SPI_execute(silences_query, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the silences can't be read");
	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
		silences = lappend(silences, silence_of(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
	SPI_finish();
	return silences;
}
