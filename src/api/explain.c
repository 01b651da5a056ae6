/*
 * explain.c: the plan of a statement of pg_stat_statements, one row a role that ran it. See explain_parts.h for why
 * this gives nobody a right.
 *
 * The caller's own rights decide which texts there are: pg_stat_statements is read before anything else is done. What a
 * superuser ran is planned for a superuser only: the figures in a plan are drawn from tables that the caller may not
 * read, and here they would be from all of them.
 */
#include "server/compat.h"

#include "api/explain_parts.h"
#include "api/row.h"

#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "commands/explain.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include HA_EXPLAIN_STATE_HEADER

PG_FUNCTION_INFO_V1(ha_api_explain);

#define INSTALLED "SELECT FROM pg_catalog.pg_extension AS e WHERE e.extname = 'pg_stat_statements'"

/* A role's own path for a database counts before its path for all, and both before the database's. */
#define STATEMENTS \
	"SELECT s.userid, s.dbid, a.rolname, d.datname, coalesce(p.path, '\"$user\", public'), s.query" \
	" FROM (SELECT DISTINCT ON (r.dbid, r.userid) r.userid, r.dbid, r.query" \
	" FROM haops.statement_counters(true) AS c(counters) CROSS JOIN LATERAL pg_catalog.jsonb_to_record(c.counters)" \
	" AS r(userid oid, dbid oid, queryid bigint, query text)" \
	" WHERE r.queryid = $1 ORDER BY r.dbid, r.userid, r.query) AS s" \
	" LEFT JOIN pg_catalog.pg_roles AS a ON a.oid = s.userid" \
	" LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid" \
	" LEFT JOIN LATERAL (SELECT pg_catalog.substr(l.line, 13) AS path" \
	" FROM pg_catalog.pg_db_role_setting AS o CROSS JOIN LATERAL pg_catalog.unnest(o.setconfig) AS l(line)" \
	" WHERE o.setrole IN (0, s.userid) AND o.setdatabase IN (0, s.dbid) AND l.line LIKE 'search_path=%%'" \
	" ORDER BY o.setrole = 0, o.setdatabase = 0 LIMIT 1) AS p ON true" \
	" ORDER BY s.dbid <> %u, d.datname, a.rolname, s.userid"

/* ---- Which statements ---- */

static void
fill(HaStatement *statement, HeapTuple tuple, TupleDesc tupdesc, MemoryContext context)
{
	char	   *value[6];
	bool		isnull;

	for (int i = 0; i < 6; i++)
	{
		value[i] = SPI_getvalue(tuple, tupdesc, i + 1);
		value[i] = value[i] != NULL ? MemoryContextStrdup(context, value[i]) : NULL;
	}
	statement->userid = DatumGetObjectId(SPI_getbinval(tuple, tupdesc, 1, &isnull));
	statement->dbid = DatumGetObjectId(SPI_getbinval(tuple, tupdesc, 2, &isnull));
	statement->user = value[2];
	statement->database = value[3];
	statement->search_path = value[4];
	statement->text = value[5];
}

HaStatement *
ha_explain_read(int64 queryid, int *count)
{
	MemoryContext context = CurrentMemoryContext;
	HaStatement *statements;
	Oid			type = INT8OID;
	Datum		value = Int64GetDatum(queryid);

	SPI_connect();
	if (SPI_execute(INSTALLED, true, 1) != SPI_OK_SELECT || SPI_processed == 0)
		ereport(ERROR,
				errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("pg_stat_statements is not installed in database \"%s\"", get_database_name(MyDatabaseId)),
				errhint("Statements are known by it. Load it by shared_preload_libraries, and run"
						" CREATE EXTENSION pg_stat_statements."));
	if (SPI_execute_with_args(psprintf(STATEMENTS, MyDatabaseId), 1, &type, &value, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "pg_stat_statements could not be read");
	if (SPI_processed == 0)
		ereport(ERROR,
				errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("no statement has the queryid " INT64_FORMAT, queryid),
				errhint("haops.slow_statements has those that are known. It may have been evicted or reset; those of"
						" other roles are for members of pg_read_all_stats."));
	*count = (int) SPI_processed;
	statements = MemoryContextAllocZero(context, sizeof(HaStatement) * SPI_processed);
	for (int i = 0; i < *count; i++)
		fill(&statements[i], SPI_tuptable->vals[i], SPI_tuptable->tupdesc, context);
	SPI_finish();
	return statements;
}

/* Why the statement is not even tried, or NULL. */
static char *
forbidden(const HaStatement *statement)
{
	if (statement->dbid != MyDatabaseId)
		return statement->database == NULL ? "it ran in a database that was dropped" :
			psprintf("it ran in database \"%s\": ask there", statement->database);
	if (statement->user == NULL)
		return "the role that ran it was dropped";
	if (superuser_arg(statement->userid) && !superuser())
		return "a superuser ran it: only a superuser may have it planned";
	if (statement->text == NULL)
		return "pg_stat_statements lost its text";
	return NULL;
}

char *
ha_explain_statement(const HaStatement *statement, void (*use) (HaPlans *plans, void *arg), void *arg, char **note)
{
	char	   *reason = forbidden(statement);

	*note = "";
	return reason != NULL ? reason : ha_explain_plan(statement, use, arg, note);
}

char *
ha_explain_user(const HaStatement *statement)
{
	return statement->user != NULL ? statement->user : psprintf("%u", statement->userid);
}

char *
ha_explain_name(Oid relation)
{
	char	   *name = get_rel_name(relation);

	return name == NULL ? psprintf("%u", relation) :
		quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)), name);
}

/* ---- The plan as text ---- */

/* Before 16 partitions would be pruned by values that are not known. */
static void
forget_pruning(Plan *plan)
{
	ListCell   *cell;

	if (IsA(plan, Append))
		ha_explain_forget_pruning((Append *) plan);
	else if (IsA(plan, MergeAppend))
		ha_explain_forget_pruning((MergeAppend *) plan);
	foreach(cell, ha_explain_children(plan))
		forget_pruning(lfirst(cell));
}

List *
ha_explain_children(Plan *plan)
{
	List	   *children = NIL;

	check_stack_depth();
	if (IsA(plan, Append))
		children = list_copy(((Append *) plan)->appendplans);
	else if (IsA(plan, MergeAppend))
		children = list_copy(((MergeAppend *) plan)->mergeplans);
	else if (IsA(plan, SubqueryScan))
		children = list_make1(((SubqueryScan *) plan)->subplan);
	else if (IsA(plan, CustomScan))
		children = list_copy(((CustomScan *) plan)->custom_plans);
	if (plan->lefttree != NULL)
		children = lappend(children, plan->lefttree);
	if (plan->righttree != NULL)
		children = lappend(children, plan->righttree);
	return children;
}

static void
print_plans(HaPlans *plans, void *arg)
{
	StringInfo	out = arg;
	ListCell   *cell;

	foreach(cell, plans->plans)
	{
		PlannedStmt *planned = lfirst_node(PlannedStmt, cell);
		ExplainState *state = NewExplainState();
		ListCell   *sub;

		forget_pruning(planned->planTree);
		foreach(sub, planned->subplans)
		{
			if (lfirst(sub) != NULL)
				forget_pruning(lfirst(sub));
		}
		ha_explain_set_generic(state);
		ha_explain_guard_allow_start();
		ha_explain_one_plan(planned, state, plans->text);
		appendStringInfo(out, "%s%s", out->len > 0 ? "\n" : "", state->str->data);
	}
	if (out->len > 0 && out->data[out->len - 1] == '\n')
		out->data[--out->len] = '\0';
}

/* haops.explain(queryid bigint) */
Datum
ha_api_explain(PG_FUNCTION_ARGS)
{
	int			count;
	HaStatement *statements = ha_explain_read(PG_GETARG_INT64(0), &count);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		HaStatement *statement = &statements[i];
		StringInfoData plan;
		HaRow		row = {0};
		char	   *note;
		char	   *reason;

		initStringInfo(&plan);
		reason = ha_explain_statement(statement, print_plans, &plan, &note);
		ha_row_add_text(&row, ha_explain_user(statement));
		ha_row_add_text(&row, statement->database);
		ha_row_add_text(&row, reason == NULL ? "planned" : "refused");
		ha_row_add_text(&row, reason == NULL ? plan.data : NULL);
		ha_row_add_text(&row, reason == NULL ? note : reason);
		ha_row_add_text(&row, statement->search_path);
		ha_row_add_text(&row, statement->text);
		ha_row_put(fcinfo, &row);
	}
	return (Datum) 0;
}
