/*
 * alert_rule.c: see alert_rule.h.
 */
#include "server/compat.h"

#include "server/alert_rule.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "io/clock.h"
#include "mb/pg_wchar.h"
#include "ops/card.h"
#include "server/guc_sender.h"
#include "server/limit.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define VALUE_COLUMN "value"
#define ROWS_READ_MAX 10000
#define LABEL_NAME_SIZE sizeof(((HaNoticeLabel *) NULL)->name)
#define LABEL_VALUE_SIZE sizeof(((HaNoticeLabel *) NULL)->value)

static const char *const severity_name[] = {
	[HA_SEVERITY_INFO] = "info",[HA_SEVERITY_WARNING] = "warning",[HA_SEVERITY_CRITICAL] = "critical",
};

const char *
ha_rule_severity_name(HaSeverity severity)
{
	return severity_name[severity];
}

/* ---- Reading the table ---- */

/* One column of the row, as text in the current context of the caller's; NULL = null. */
static char *
text_of(HeapTuple tuple, TupleDesc form, int column)
{
	return SPI_getvalue(tuple, form, column);
}

static int64
us_of(HeapTuple tuple, TupleDesc form, int column)
{
	bool		is_null;
	Datum		value = SPI_getbinval(tuple, form, column, &is_null);

	return is_null ? 0 : DatumGetInt64(value);
}

static HaSeverity
severity_of(const char *name)
{
	HaSeverity	severity = HA_SEVERITY_CRITICAL;

	while (severity > HA_SEVERITY_INFO && strcmp(severity_name[severity], name) != 0)
		severity--;
	return severity;
}

enum
{
	NAME = 1, QUERY, COMPARISON, THRESHOLD, PENDING, KEEP, EVERY, SEVERITY, SUMMARY, DESCRIPTION, LABEL_NAMES,
	LABEL_VALUES, CHANNELS, PLACE, EXPECT_ROWS, INHIBITED_BY, EQUAL_LABELS, REPEAT, PAGE, OWNER, DEFINITION
};

static const char rules_query[] =
	"SELECT r.name, r.query, r.comparison, r.threshold,"
	" (extract(epoch FROM r.pending_for) * 1000000)::bigint, (extract(epoch FROM r.keep_firing_for) * 1000000)::bigint,"
	" (extract(epoch FROM r.every) * 1000000)::bigint, r.severity,"
	" coalesce(CASE WHEN $1 THEN r.summary_zh END, r.summary),"
	" coalesce(CASE WHEN $1 THEN r.description_zh END, r.description),"
	" ARRAY(SELECT l.key FROM jsonb_each_text(r.labels) l ORDER BY l.key),"
	" ARRAY(SELECT coalesce(l.value, '') FROM jsonb_each_text(r.labels) l ORDER BY l.key),"
	" r.channels, r.evaluate_on, r.expect_rows, r.inhibited_by, r.equal_labels,"
	" (extract(epoch FROM r.repeat_every) * 1000000)::bigint, r.page, r.owner::text,"
	" md5(concat_ws(E'\\x01', r.query, coalesce(r.comparison, '-'), coalesce(r.threshold::text, '-'), r.labels::text,"
	" r.evaluate_on))"
	" FROM haops.alert_rule r WHERE CASE WHEN $2 IS NULL THEN r.enabled ELSE r.name = $2 END ORDER BY r.name";

static HaRule *
rule_of(HeapTuple tuple, TupleDesc form)
{
	HaRule	   *rule = palloc0(sizeof(HaRule));
	char	   *place = text_of(tuple, form, PLACE);
	bool		is_null;

	rule->name = text_of(tuple, form, NAME);
	rule->query = text_of(tuple, form, QUERY);
	rule->comparison = text_of(tuple, form, COMPARISON);
	rule->threshold = DatumGetFloat8(SPI_getbinval(tuple, form, THRESHOLD, &is_null));
	rule->times.pending_us = us_of(tuple, form, PENDING);
	rule->times.keep_us = us_of(tuple, form, KEEP);
	rule->times.repeat_us = us_of(tuple, form, REPEAT);
	rule->every_us = us_of(tuple, form, EVERY);
	rule->severity = severity_of(text_of(tuple, form, SEVERITY));
	rule->summary = text_of(tuple, form, SUMMARY);
	rule->description = text_of(tuple, form, DESCRIPTION);
	rule->label = palloc0(sizeof(HaLabelText) * HA_NOTICE_LABELS_MAX);
	rule->label_count = (int) ha_words_labels(tuple, form, LABEL_NAMES, LABEL_VALUES, rule->label,
											  HA_NOTICE_LABELS_MAX);
	rule->channels = ha_words_of(tuple, form, CHANNELS);
	(void) SPI_getbinval(tuple, form, CHANNELS, &rule->all_channels);
	rule->place = strcmp(place, "leader") == 0 ? HA_RULE_LEADER :
		strcmp(place, "standbys") == 0 ? HA_RULE_STANDBYS : HA_RULE_EVERY_NODE;
	rule->expect_rows = DatumGetBool(SPI_getbinval(tuple, form, EXPECT_ROWS, &is_null));
	rule->inhibited_by = ha_words_of(tuple, form, INHIBITED_BY);
	rule->equal_labels = ha_words_of(tuple, form, EQUAL_LABELS);
	rule->page = text_of(tuple, form, PAGE);
	rule->owner = text_of(tuple, form, OWNER);
	rule->definition = text_of(tuple, form, DEFINITION);
	return rule;
}

List *
ha_rule_load(const char *name)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			type[2] = {BOOLOID, TEXTOID};
	Datum		value[2] = {BoolGetDatum(ha_guc_language == HA_LANGUAGE_ZH), (Datum) 0};
	char		null[3] = {' ', name == NULL ? 'n' : ' ', '\0'};
	List	   *rules = NIL;

	if (name != NULL)
		value[1] = CStringGetTextDatum(name);
	SPI_connect();
	if (SPI_execute_with_args(rules_query, 2, type, value, null, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the rules can't be read");
	MemoryContextSwitchTo(caller);
	for (uint64 i = 0; i < SPI_processed; i++)
		rules = lappend(rules, rule_of(SPI_tuptable->vals[i], SPI_tuptable->tupdesc));
	SPI_finish();
	return rules;
}

/* ---- The query ---- */

/* The number of the column whose value is compared; 0 = none. */
static int
value_column(TupleDesc form)
{
	for (int i = 0; i < form->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(form, i)->attname), VALUE_COLUMN) == 0)
			return i + 1;
	}
	return 0;
}

static bool
is_number(Oid type)
{
	return type == INT2OID || type == INT4OID || type == INT8OID || type == FLOAT4OID || type == FLOAT8OID ||
		type == NUMERICOID;
}

/* Plans the query as a rule's; raises an error with what is wrong. */
static SPIPlanPtr
prepare(const char *query, bool compares)
{
	SPIPlanPtr	plan = SPI_prepare(query, 0, NULL);
	CachedPlanSource *source;
	int			column;

	if (plan == NULL)
		ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR), errmsg("the rule's query can't be planned: %s",
															  SPI_result_code_string(SPI_result))));
	if (list_length(SPI_plan_get_plan_sources(plan)) != 1 || !SPI_is_cursor_plan(plan))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a rule's query must be one SELECT"),
				 errhint("Each of its rows is an alert; its columns, but for \"value\", are the alert's labels.")));
	source = linitial(SPI_plan_get_plan_sources(plan));
	if (!source->resultDesc)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a rule's query must return rows")));
	column = value_column(source->resultDesc);
	if (compares && (column == 0 || !is_number(TupleDescAttr(source->resultDesc, column - 1)->atttypid)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a rule with a threshold needs a column \"%s\" that is a number", VALUE_COLUMN),
				 errhint("Name it so: SELECT count(*) AS value, ...")));
	if (source->resultDesc->natts - (column > 0) > HA_NOTICE_LABELS_MAX - 1)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("an alert can't have more than %d labels", HA_NOTICE_LABELS_MAX - 1)));
	return plan;
}

/* Names without a schema would mean something else to whoever evaluates the rule. */
static int
enter_guc_nest(void)
{
	int			level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
							 false);
	return level;
}

void
ha_rule_check(const char *query, bool compares)
{
	int			level = enter_guc_nest();
	SPIPlanPtr	plan;

	SPI_connect();
	plan = prepare(query, compares);
	SPI_freeplan(plan);
	SPI_finish();
	AtEOXact_GUC(true, level);
}

/* ---- Evaluating ---- */

static bool
passes(const HaRule *rule, double value)
{
	const char *c = rule->comparison;

	if (c == NULL)
		return true;
	if (isnan(value))
		return false;
	if (strcmp(c, ">") == 0)
		return value > rule->threshold;
	if (strcmp(c, ">=") == 0)
		return value >= rule->threshold;
	if (strcmp(c, "<") == 0)
		return value < rule->threshold;
	if (strcmp(c, "<=") == 0)
		return value <= rule->threshold;
	return (value == rule->threshold) == (strcmp(c, "=") == 0);
}

static int
compare_labels(const void *a, const void *b)
{
	return strcmp(((const HaLabelText *) a)->name, ((const HaLabelText *) b)->name);
}

/* Cuts a text to what a label can hold. */
static const char *
clipped(char *text, size_t size)
{
	text[pg_mbcliplen(text, (int) strlen(text), (int) size - 1)] = '\0';
	return text;
}

static void
add_label(HaFinding *finding, const char *name, const char *value)
{
	if (finding->label_count == HA_NOTICE_LABELS_MAX - 1)	/* one is kept for the node */
		return;
	for (uint32 i = 0; i < finding->label_count; i++)
	{
		if (strcmp(finding->label[i].name, name) == 0)
			return;
	}
	finding->label[finding->label_count].name = name;
	finding->label[finding->label_count++].value = value;
}

static double
number_of(char *text)
{
	return DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(text)));
}

/* Fills in the finding; false when the row is none: its value does not pass, or there is none to compare. */
static bool
finding_of(const HaRule *rule, HeapTuple tuple, TupleDesc form, int column, HaFinding *finding)
{
	memset(finding, 0, sizeof(*finding));
	finding->value = column > 0 ? SPI_getvalue(tuple, form, column) : NULL;
	if (rule->comparison != NULL && (finding->value == NULL || !passes(rule, number_of(finding->value))))
		return false;
	for (int i = 1; i <= form->natts; i++)
	{
		char	   *text = i == column ? NULL : SPI_getvalue(tuple, form, i);

		if (text != NULL && text[0] != '\0')
			add_label(finding, clipped(pstrdup(NameStr(TupleDescAttr(form, i - 1)->attname)), LABEL_NAME_SIZE),
					  clipped(text, LABEL_VALUE_SIZE));
	}
	for (int i = 0; i < rule->label_count; i++)
		add_label(finding, rule->label[i].name, rule->label[i].value);
	qsort(finding->label, finding->label_count, sizeof(HaLabelText), compare_labels);
	return true;
}

static void
collect(const HaRule *rule, HaOutcome *outcome)
{
	TupleDesc	form = SPI_tuptable->tupdesc;
	int			column = value_column(form);

	outcome->known = SPI_processed > 0 || !rule->expect_rows;
	if (!outcome->known)
		outcome->why = pstrdup("its query returned no rows");
	outcome->finding = palloc(sizeof(HaFinding) * (Min(SPI_processed, HA_RULE_ROWS_MAX) + 1));
	for (uint64 i = 0; i < SPI_processed && outcome->count < HA_RULE_ROWS_MAX; i++)
		outcome->count += finding_of(rule, SPI_tuptable->vals[i], form, column, &outcome->finding[outcome->count]);
	if (outcome->count == HA_RULE_ROWS_MAX)
		outcome->why = psprintf("it finds %d alerts or more: no more than these count", HA_RULE_ROWS_MAX);
}

static Oid
owner_of(const HaRule *rule)
{
	Oid			owner = get_role_oid(rule->owner, true);

	if (!OidIsValid(owner))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("its owner \"%s\" does not exist", rule->owner)));
	return owner;
}

/* As the owner; what it sets is undone with the subtransaction. */
static void
run(const HaRule *rule, SPIPlanPtr *plan, HaOutcome *outcome, MemoryContext caller)
{
	Oid			user;
	int			context;

	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(owner_of(rule), context | SECURITY_RESTRICTED_OPERATION);
	(void) enter_guc_nest();
	XactReadOnly = true;
	SPI_connect();
	ha_limit_begin(HA_RULE_LIMIT_MS);
	if (*plan == NULL)
	{
		SPIPlanPtr	fresh = prepare(rule->query, rule->comparison != NULL);

		SPI_keepplan(fresh);
		*plan = fresh;
	}
	if (SPI_execute_plan(*plan, NULL, NULL, true, ROWS_READ_MAX) != SPI_OK_SELECT)
		elog(ERROR, "the rule's query is no SELECT");
	MemoryContextSwitchTo(caller);
	collect(rule, outcome);
	ha_limit_end();
	SPI_finish();
	SetUserIdAndSecContext(user, context);
}

static char *
reason_of(ErrorData *error)
{
	if (ha_limit_was(error))
		return psprintf("it took longer than %d ms", HA_RULE_LIMIT_MS);
	return pstrdup(error->message);
}

void
ha_rule_evaluate(const HaRule *rule, SPIPlanPtr *plan, HaOutcome *outcome)
{
	MemoryContext caller = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	HaUs		began_us = ha_clock_now().mono_us;
	ErrorData  *error = NULL;

	memset(outcome, 0, sizeof(*outcome));
	BeginInternalSubTransaction(NULL);
	PG_TRY();
	{
		run(rule, plan, outcome, caller);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		ha_limit_end();
	}
	PG_END_TRY();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(caller);
	CurrentResourceOwner = owner;
	if (error != NULL)
	{
		memset(outcome, 0, sizeof(*outcome));
		outcome->why = reason_of(error);
	}
	outcome->took_ms = (int32) ((ha_clock_now().mono_us - began_us) / HA_US_PER_MS);
}
