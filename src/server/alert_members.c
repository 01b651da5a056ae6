/*
 * alert_members.c: what the other members found, asked for by the leader; a part of alert_eval.h.
 */
#include "server/compat.h"

#include "server/alert_eval.h"

#include "access/xact.h"
#include "catalog/pg_type_d.h"
#include "server/monitor_ask.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#define ASK_LIMIT_MS 2000
#define WHY_SIZE 256

/* An observation is of use for three intervals of its rule, and for a minute at the least. */
#define FRESH_INTERVALS 3
#define FRESH_MIN_US (INT64CONST(60) * 1000000)

static const char rows_query[] =
	"SELECT o ->> 'rule', (o ->> 'known')::boolean, o ->> 'why', ((o ->> 'age_s')::float8 * 1000000)::bigint,"
	" r.row ->> 'value', ARRAY(SELECT l.key FROM jsonb_each_text(r.row -> 'labels') l ORDER BY l.key),"
	" ARRAY(SELECT coalesce(l.value, '') FROM jsonb_each_text(r.row -> 'labels') l ORDER BY l.key), r.row IS NOT NULL"
	" FROM jsonb_array_elements($1) o LEFT JOIN LATERAL jsonb_array_elements(o -> 'rows') AS r (row) ON true"
	" ORDER BY 1 LIMIT 20000";

static void
add_finding(HaOutcome *outcome, HeapTuple tuple, TupleDesc form)
{
	HaFinding  *finding;

	if (outcome->count == HA_RULE_ROWS_MAX)
		return;
	if (outcome->finding == NULL)
		outcome->finding = palloc0(sizeof(HaFinding) * HA_RULE_ROWS_MAX);
	finding = &outcome->finding[outcome->count++];
	finding->value = SPI_getvalue(tuple, form, 5);
	finding->label_count = ha_words_labels(tuple, form, 6, 7, finding->label, HA_NOTICE_LABELS_MAX - 1);
}

static HaResult *
result_of(List *results, const char *rule)
{
	ListCell   *cell;

	foreach(cell, results)
	{
		if (strcmp(((HaResult *) lfirst(cell))->rule->name, rule) == 0)
			return lfirst(cell);
	}
	return NULL;
}

/* One row of the member's answer: a rule without findings, or one finding. */
static void
take_row(List *results, HeapTuple tuple, TupleDesc form)
{
	char	   *name = SPI_getvalue(tuple, form, 1);
	HaResult   *result = name != NULL ? result_of(results, name) : NULL;
	bool		null;
	int64		age_us;

	if (result == NULL)
		return;
	age_us = DatumGetInt64(SPI_getbinval(tuple, form, 4, &null));
	if (null || age_us > Max(result->rule->every_us * FRESH_INTERVALS, FRESH_MIN_US))
	{
		result->outcome.why = pstrdup("it was not evaluated there for a while");
		return;
	}
	result->outcome.known = DatumGetBool(SPI_getbinval(tuple, form, 2, &null)) && !null;
	result->outcome.why = SPI_getvalue(tuple, form, 3);
	if (DatumGetBool(SPI_getbinval(tuple, form, 8, &null)))
		add_finding(&result->outcome, tuple, form);
}

static void
take_answer(List *results, const char *answer)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			type = JSONBOID;
	Datum		value;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	value = DirectFunctionCall1(jsonb_in, CStringGetDatum(answer));
	SPI_connect();
	if (SPI_execute_with_args(rows_query, 1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "a member's answer can't be read");
	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
		take_row(results, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
}

/* What is expected of a member, as long as it says nothing: not known. */
static List *
expected_of(List *rules, const char *node, const char *why)
{
	List	   *results = NIL;
	ListCell   *cell;

	foreach(cell, rules)
	{
		const HaRule *rule = lfirst(cell);
		HaResult   *result;

		if (rule->place == HA_RULE_LEADER)
			continue;
		result = palloc0(sizeof(HaResult));
		result->rule = rule;
		result->node = node;
		result->outcome.why = pstrdup(why);
		results = lappend(results, result);
	}
	return results;
}

static List *
ask(List *rules, const HaMember *member, bool reached, const char *database)
{
	char	   *node = pstrdup(member->name);
	char		why[WHY_SIZE] = "the leader does not reach it";
	char	   *answer = NULL;
	List	   *results;

	if (reached)
		answer = ha_monitor_ask(member, database, "SELECT haops.alert_observed()", ASK_LIMIT_MS, why, sizeof(why));
	results = expected_of(rules, node, answer != NULL ? "it has not been evaluated there yet" : why);
	if (answer != NULL)
		take_answer(results, answer);
	return results;
}

List *
ha_eval_ask_members(List *rules, const HaStatus *status, const char *database)
{
	List	   *results = NIL;
	ListCell   *cell;
	bool		any = false;

	foreach(cell, rules)
		any = any || ((HaRule *) lfirst(cell))->place != HA_RULE_LEADER;
	for (uint32 i = 0; any && status->has_register && i < status->reg.member_count; i++)
	{
		const HaMember *member = &status->reg.member[i];

		if ((member->flags & HA_MEMBER_DATA) && member->id != status->id)
			results = list_concat(results, ask(rules, member, ha_set_has(status->reaches, member->id), database));
	}
	return results;
}
