/*
 * explain_hypo.c: what HypoPG says of an index that is missing, where it is installed in this database.
 *
 * HypoPG shows its indexes to an EXPLAIN command only, so the statement is planned in one. The index is known to this
 * session alone and is taken away again. Only functions that belong to the extension are called.
 */
#include "server/compat.h"

#include "api/explain_parts.h"

#include "catalog/pg_type.h"
#include "commands/explain.h"
#include "executor/spi.h"
#include "nodes/makefuncs.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"

#define PLACE \
	"SELECT n.nspname FROM pg_catalog.pg_extension AS e" \
	" JOIN pg_catalog.pg_depend AS d ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass" \
	" AND d.refobjid = e.oid AND d.deptype = 'e' AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass" \
	" JOIN pg_catalog.pg_proc AS p ON p.oid = d.objid JOIN pg_catalog.pg_namespace AS n ON n.oid = p.pronamespace" \
	" WHERE e.extname = 'hypopg' AND p.proname = 'hypopg_create_index' AND p.pronargs = 1"

typedef struct Hypo
{
	const char *place;
	const char *index;
	Oid			oid;
	double		before;
	double		after;
} Hypo;

static ExplainOneQuery_hook_type saved_explain = NULL;
static double explained_cost;

/* The schema of the extension, or NULL. */
static char *
find_place(void)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *place = NULL;

	SPI_connect();
	if (SPI_execute(PLACE, true, 1) == SPI_OK_SELECT && SPI_processed == 1)
		place = MemoryContextStrdup(context, quote_identifier(SPI_getvalue(SPI_tuptable->vals[0],
																		   SPI_tuptable->tupdesc, 1)));
	SPI_finish();
	return place;
}

static void
create_index(void *arg)
{
	Hypo	   *hypo = arg;
	Oid			type = TEXTOID;
	Datum		value = CStringGetTextDatum(hypo->index);
	bool		isnull;

	char	   *query = psprintf("SELECT h.indexrelid FROM %s.hypopg_create_index($1) AS h", hypo->place);

	SPI_connect();
	if (SPI_execute_with_args(query, 1, &type, &value, NULL, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "HypoPG made no index");
	hypo->oid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_finish();
}

static void
drop_index(const Hypo *hypo)
{
	Oid			type = OIDOID;
	Datum		value = ObjectIdGetDatum(hypo->oid);

	SPI_connect();
	(void) SPI_execute_with_args(psprintf("SELECT %s.hypopg_drop_index($1)", hypo->place), 1, &type, &value, NULL,
								 false, 1);
	SPI_finish();
}

static void
explain_cost(Query *query, int options, IntoClause *into, struct ExplainState *state, const char *text,
			 ParamListInfo params, QueryEnvironment *environment)
{
	explained_cost += pg_plan_query(query, text, CURSOR_OPT_PARALLEL_OK, NULL)->planTree->total_cost;
}

static void
use_plans(HaPlans *plans, void *arg)
{
	Hypo	   *hypo = arg;
	ExplainStmt *explain = makeNode(ExplainStmt);
	PlannedStmt *command = makeNode(PlannedStmt);
	ListCell   *cell;

	if (plans->stands > 0)
		return;
	foreach(cell, plans->plans)
		hypo->before += lfirst_node(PlannedStmt, cell)->planTree->total_cost;
	explain->query = (Node *) plans->query;
	command->commandType = CMD_UTILITY;
	command->utilityStmt = (Node *) explain;
	explained_cost = 0;
	saved_explain = ExplainOneQuery_hook;
	ExplainOneQuery_hook = explain_cost;
	PG_TRY();
	{
		ha_explain_guard_pass_command(command, plans->text);
	}
	PG_FINALLY();
	{
		ExplainOneQuery_hook = saved_explain;
	}
	PG_END_TRY();
	hypo->after = explained_cost;
}

void
ha_explain_hypo(const HaStatement *statement, HaFinding *finding)
{
	Hypo		hypo = {.place = find_place(), .index = finding->hypothetical};
	char	   *note;
	char	   *reason;

	if (hypo.place == NULL)
		return;
	reason = ha_explain_plan_after(statement, create_index, use_plans, &hypo, &note);
	if (OidIsValid(hypo.oid))
		drop_index(&hypo);
	if (reason != NULL)
		finding->figure = psprintf("%s; HypoPG: %s", finding->figure, reason);
	else if (hypo.after > 0)
		finding->figure = psprintf("%s; HypoPG: cost of the statement %.0f, with the index %.0f", finding->figure,
								   hypo.before, hypo.after);
}
