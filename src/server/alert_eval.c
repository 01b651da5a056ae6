/*
 * alert_eval.c: see alert_eval.h.
 */
#include "server/compat.h"

#include "server/alert_eval.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "io/clock.h"
#include "server/shmem.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* What is kept of a rule between two rounds. */
typedef struct Kept
{
	char		name[NAMEDATALEN];	/* the key */
	char	   *definition;		/* of the plan */
	char	   *owner;
	SPIPlanPtr	plan;
	HaUs		due_us;			/* 0 = now */
	HaUs		at_us;			/* when it was evaluated last */
	char	   *observed;		/* what it gave then, JSON without its age; NULL = nothing is kept */
	uint32		seen;			/* the turn in which the rule was there last */
} Kept;

static HTAB *kept = NULL;
static uint32 turn_number = 0;

static Kept *
kept_of(const char *name)
{
	char		key[NAMEDATALEN] = {0};
	bool		found;
	Kept	   *entry;

	if (kept == NULL)
	{
		HASHCTL		control = {.keysize = NAMEDATALEN, .entrysize = sizeof(Kept)};

		kept = hash_create("pg_haops rules", 64, &control, HASH_ELEM | HASH_STRINGS);
	}
	strlcpy(key, name, sizeof(key));
	entry = hash_search(kept, key, HASH_ENTER, &found);
	if (!found)
		memset((char *) entry + NAMEDATALEN, 0, sizeof(Kept) - NAMEDATALEN);
	return entry;
}

static void
drop_text(char **text)
{
	if (*text != NULL)
		pfree(*text);
	*text = NULL;
}

static void
drop_plan(Kept *entry)
{
	if (entry->plan != NULL)
		SPI_freeplan(entry->plan);
	entry->plan = NULL;
	drop_text(&entry->definition);
	drop_text(&entry->owner);
}

/* A rule that was written anew is evaluated at once, by a new plan. */
static void
fit(Kept *entry, const HaRule *rule)
{
	entry->seen = turn_number;
	if (entry->definition != NULL && strcmp(entry->definition, rule->definition) == 0 &&
		strcmp(entry->owner, rule->owner) == 0)
		return;
	drop_plan(entry);
	entry->definition = MemoryContextStrdup(TopMemoryContext, rule->definition);
	entry->owner = MemoryContextStrdup(TopMemoryContext, rule->owner);
	entry->due_us = 0;
}

/* Forgets the rules that are gone. */
static void
sweep(void)
{
	HASH_SEQ_STATUS seq;
	Kept	   *entry;

	if (kept == NULL)
		return;
	hash_seq_init(&seq, kept);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		if (entry->seen == turn_number)
			continue;
		drop_plan(entry);
		drop_text(&entry->observed);
		(void) hash_search(kept, entry->name, HASH_REMOVE, NULL);
	}
}

void
ha_eval_all_due(void)
{
	HASH_SEQ_STATUS seq;
	Kept	   *entry;

	if (kept == NULL)
		return;
	hash_seq_init(&seq, kept);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		entry->due_us = 0;
		drop_text(&entry->observed);
	}
}

/* ---- Evaluating ---- */

static HaResult *
evaluate(const HaRule *rule, Kept *entry, const char *node)
{
	MemoryContext caller = CurrentMemoryContext;
	HaResult   *result = palloc0(sizeof(HaResult));

	result->rule = rule;
	result->node = rule->place == HA_RULE_LEADER ? NULL : node;
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	MemoryContextSwitchTo(caller);
	PushActiveSnapshot(GetTransactionSnapshot());
	pgstat_report_activity(STATE_RUNNING, rule->query);
	ha_rule_evaluate(rule, &entry->plan, &result->outcome);
	PopActiveSnapshot();
	CommitTransactionCommand();
	LockReleaseAll(USER_LOCKMETHOD, true);	/* advisory ones, which outlive a transaction */
	MemoryContextSwitchTo(caller);
	pgstat_report_activity(STATE_IDLE, NULL);
	return result;
}

List *
ha_eval_due(List *rules, bool leads, const char *node, HaUs *wait_us)
{
	List	   *results = NIL;
	ListCell   *cell;

	turn_number++;
	*wait_us = HA_US_NEVER;
	foreach(cell, rules)
	{
		const HaRule *rule = lfirst(cell);
		Kept	   *entry = kept_of(rule->name);
		HaUs		now_us = ha_clock_now().boot_us;

		fit(entry, rule);
		if (leads ? rule->place == HA_RULE_STANDBYS : rule->place == HA_RULE_LEADER)
			continue;
		if (entry->due_us <= now_us)
		{
			results = lappend(results, evaluate(rule, entry, node));
			entry->at_us = ha_clock_now().boot_us;
			entry->due_us = Max(now_us + rule->every_us, entry->at_us + rule->every_us / 2);
		}
		*wait_us = Min(*wait_us, Max(entry->due_us - ha_clock_now().boot_us, 0));
	}
	sweep();
	return results;
}

/* ---- For the leader ---- */

static void
add_row(StringInfo json, const HaFinding *finding)
{
	appendStringInfoString(json, json->data[json->len - 1] == '[' ? "{" : ",{");
	ha_book_json(json, "value", finding->value);
	appendStringInfoString(json, ",\"labels\":{");
	for (uint32 i = 0; i < finding->label_count; i++)
		ha_book_json(json, finding->label[i].name, finding->label[i].value);
	appendStringInfoString(json, "}}");
}

static void
observe(Kept *entry, const HaResult *result)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfoString(&json, ",\"rows\":[");
	for (uint32 i = 0; i < result->outcome.count; i++)
		add_row(&json, &result->outcome.finding[i]);
	appendStringInfo(&json, "],\"known\":%s", result->outcome.known ? "true" : "false");
	ha_book_json(&json, "why", result->outcome.why);
	drop_text(&entry->observed);
	entry->observed = MemoryContextStrdup(TopMemoryContext, json.data);
	pfree(json.data);
}

void
ha_eval_publish(List *results)
{
	HaObserved *observed = palloc0(sizeof(HaObserved));
	StringInfoData json;
	HASH_SEQ_STATUS seq;
	Kept	   *entry;
	ListCell   *cell;

	foreach(cell, results)
		observe(kept_of(((HaResult *) lfirst(cell))->rule->name), lfirst(cell));
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	hash_seq_init(&seq, kept);
	while ((entry = hash_seq_search(&seq)) != NULL)
	{
		if (entry->observed == NULL || json.len + strlen(entry->observed) + 200 > sizeof(observed->json))
			continue;
		appendStringInfoString(&json, json.len > 1 ? ",{" : "{");
		ha_book_json(&json, "rule", entry->name);
		appendStringInfo(&json, ",\"at_us\":" INT64_FORMAT, entry->at_us);
		appendStringInfo(&json, "%s}", entry->observed);
	}
	appendStringInfo(&json, "]");
	observed->length = (uint32) strlcpy(observed->json, json.data, sizeof(observed->json));
	ha_box_write(&ha_shmem->observed_box, ha_shmem->observed, observed, sizeof(*observed));
	pfree(json.data);
	pfree(observed);
}

/* ---- Which rules work ---- */

void
ha_eval_note(List *results)
{
	StringInfoData json;
	Oid			type = TEXTOID;
	Datum		value;
	ListCell   *cell;

	if (results == NIL)
		return;
	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	foreach(cell, results)
	{
		const HaResult *result = lfirst(cell);

		appendStringInfoString(&json, json.len > 1 ? ",{" : "{");
		ha_book_json(&json, "rule", result->rule->name);
		ha_book_json(&json, "node", result->node != NULL ? result->node : "leader");
		ha_book_json(&json, "why", result->outcome.why);
		appendStringInfo(&json, ",\"known\":%s}", result->outcome.known ? "true" : "false");
	}
	appendStringInfoChar(&json, ']');
	value = CStringGetTextDatum(json.data);
	SPI_connect();
	if (SPI_execute_with_args("SELECT haops.alert_evaluated($1::jsonb)", 1, &type, &value, NULL, false, 1) !=
		SPI_OK_SELECT)
		elog(ERROR, "the state of the rules can't be stored");
	SPI_finish();
}
