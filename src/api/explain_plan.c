/*
 * explain_plan.c: plans a statement of pg_stat_statements with the rights of the role that ran it.
 *
 * Nothing stays behind: it happens in a subtransaction that is always rolled back, with the locks, the settings and
 * the user that it had. It is read-only and has a limit of time of its own, and a shorter one for locks.
 *
 * Unqualified names are looked up in the search_path that the role has in this database, with the temporary tables of
 * the session last. A hostile schema in it spoils the plan and no more, because no function runs (explain_guard.c).
 */
#include "server/compat.h"

#include "api/explain_parts.h"
#include "server/limit.h"

#include "access/xact.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/planner.h"
#include "parser/analyze.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/regproc.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

/* How often a type may be guessed and the text analyzed again. */
#define ATTEMPTS_MAX 8

/* What outlives an attempt: the types of the parameters, and what is said about it. */
typedef struct Attempt
{
	Oid		   *types;
	int			count;
	bool		last;			/* nothing more is guessed */
	StringInfoData note;
} Attempt;

/* ---- Settings ---- */

static void
pin(const char *name, const char *value)
{
	if (GetConfigOption(name, true, false) != NULL)
		(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

static void
pin_settings(const HaStatement *statement)
{
	const char *path = statement->search_path;

	XactReadOnly = true;		/* until the subtransaction ends, which brings the old value back */
	pin("search_path", strstr(path, "pg_temp") != NULL ? path :
		path[0] == '\0' ? "pg_temp" : psprintf("%s, pg_temp", path));
	pin("row_security", "on");
	pin("pg_stat_statements.track", "none");
	if (LockTimeout == 0 || LockTimeout > HA_EXPLAIN_LOCK_MS)
		pin("lock_timeout", CppAsString2(HA_EXPLAIN_LOCK_MS));
}

/* ---- Functions that a planner would call ---- */

/* What stands for a call: a parameter after those of the text. */
typedef struct Stand
{
	Attempt    *attempt;
	int			parameters;
} Stand;

static bool
has_constants_only(List *args)
{
	ListCell   *cell;

	foreach(cell, args)
	{
		if (!IsA(lfirst(cell), Const))
			return false;
	}
	return true;
}

/*
 * A function of the users' that the planner would call, because nothing in it changes from row to row, is a value that
 * is not known, like a parameter: so the commonest case, WHERE tenant = current_tenant(), has a plan. One that returns
 * a row stays: where it stands in FROM, nothing else may.
 */
static Node *
stand_in(Node *node, Stand *stand)
{
	FuncExpr   *call;
	Param	   *param;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
		return (Node *) query_tree_mutator((Query *) node, stand_in, stand, 0);
	node = expression_tree_mutator(node, stand_in, stand);
	if (!IsA(node, FuncExpr))
		return node;
	call = (FuncExpr *) node;
	if (call->funcretset || type_is_rowtype(call->funcresulttype) || !has_constants_only(call->args) ||
		!ha_explain_guard_is_foreign(call->funcid) || func_volatile(call->funcid) == PROVOLATILE_VOLATILE)
		return node;
	param = makeNode(Param);
	param->paramkind = PARAM_EXTERN;
	param->paramid = ++stand->parameters;
	param->paramtype = call->funcresulttype;
	param->paramtypmod = -1;
	param->paramcollid = call->funccollid;
	param->location = -1;
	appendStringInfo(&stand->attempt->note, "%s$%d stands for %s", stand->attempt->note.len > 0 ? "; " : "",
					 param->paramid, format_procedure(call->funcid));
	return (Node *) param;
}

/* ---- One attempt ---- */

static void
analyze_and_plan(HaPlans *plans, Attempt *attempt)
{
	RawStmt    *raw = ha_explain_parse(plans->text);
	Query	   *query = parse_analyze_varparams(raw, plans->text, &attempt->types, &attempt->count, NULL);
	Stand		stand = {attempt, attempt->count};
	List	   *queries;
	ListCell   *cell;

	if (query->commandType == CMD_UTILITY)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("it is a command, which has no plan"));
	query->queryId = 0;
	plans->query = copyObject(query);
	queries = pg_rewrite_query(query);
	foreach(cell, queries)
	{
		Query	   *one = lfirst_node(Query, cell);

		if (one->commandType == CMD_UTILITY)
			continue;
		one->queryId = 0;
		one = (Query *) stand_in((Node *) one, &stand);
		plans->plans = lappend(plans->plans, pg_plan_query(one, plans->text, CURSOR_OPT_PARALLEL_OK, NULL));
	}
	plans->stands = stand.parameters - attempt->count;
}

/* Returns the error that ended it, or NULL. */
static ErrorData *
attempt_once(HaPlans *plans, Attempt *attempt, void (*before) (void *arg), void (*use) (HaPlans *plans, void *arg),
			 void *arg)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;
	Oid			user;
	int			security;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		GetUserIdAndSecContext(&user, &security);
		(void) NewGUCNestLevel();
		SetUserIdAndSecContext(plans->statement->userid,
							   security | SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
		pin_settings(plans->statement);
		ha_limit_begin(HA_EXPLAIN_LIMIT_MS);
		if (before != NULL)
			before(arg);
		ha_explain_guard_begin();
		plans->text = ha_explain_text(plans->statement->text);
		analyze_and_plan(plans, attempt);
		use(plans, arg);
		ha_limit_end();
		if (ha_limit_passed())
			CHECK_FOR_INTERRUPTS();
	}
	PG_CATCH();
	{
		ha_explain_guard_end();
		ha_limit_end();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
	}
	PG_END_TRY();
	ha_explain_guard_end();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return error;
}

/* ---- Types of parameters that the text does not tell ---- */

static bool
guess(Attempt *attempt, Oid known_as, Oid type)
{
	bool		guessed = false;

	for (int i = 0; i < attempt->count; i++)
	{
		if (attempt->types[i] == known_as)
		{
			attempt->types[i] = type;
			appendStringInfo(&attempt->note, "%s$%d is taken as %s", attempt->note.len > 0 ? "; " : "", i + 1,
							 format_type_be(type));
			guessed = true;
		}
	}
	return guessed;
}

/*
 * True when the error may be cured by a type: integer for what is added or listed, text for what takes anything. A
 * constant in a list of its own, as in VALUES or in a subquery, becomes text when nothing says otherwise: where that
 * fits nothing it was a number.
 */
static bool
guess_types(Attempt *attempt, const ErrorData *error)
{
	switch (error->sqlerrcode)
	{
		case ERRCODE_AMBIGUOUS_FUNCTION:
			return guess(attempt, UNKNOWNOID, INT4OID);
		case ERRCODE_INDETERMINATE_DATATYPE:
			return guess(attempt, UNKNOWNOID, TEXTOID);
		case ERRCODE_UNDEFINED_FUNCTION:
		case ERRCODE_DATATYPE_MISMATCH:
			attempt->last = true;
			return guess(attempt, TEXTOID, INT4OID);
		default:
			return false;
	}
}

char *
ha_explain_plan(const HaStatement *statement, void (*use) (HaPlans *plans, void *arg), void *arg, char **note)
{
	return ha_explain_plan_after(statement, NULL, use, arg, note);
}

char *
ha_explain_plan_after(const HaStatement *statement, void (*before) (void *arg),
					  void (*use) (HaPlans *plans, void *arg), void *arg, char **note)
{
	MemoryContext result = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(result, "plans of one statement", ALLOCSET_DEFAULT_SIZES);
	Attempt		attempt = {0};
	ErrorData  *error = NULL;
	ErrorData  *first = NULL;
	char	   *reason = NULL;

	MemoryContextSwitchTo(context);
	initStringInfo(&attempt.note);
	for (int i = 0; i < ATTEMPTS_MAX; i++)
	{
		HaPlans		plans = {.statement = statement, .result = result};
		int			assumed = attempt.note.len;

		error = attempt_once(&plans, &attempt, before, use, arg);
		if (error == NULL)
			break;
		if (ha_limit_was(error))
		{
			error->message = psprintf("it took longer than %d s", HA_EXPLAIN_LIMIT_MS / 1000);
			break;
		}
		attempt.note.data[attempt.note.len = assumed] = '\0';
		if (attempt.last)
			error = first;
		first = error;
		if (attempt.last || !guess_types(&attempt, error))
			break;
	}
	MemoryContextSwitchTo(result);
	*note = pstrdup(attempt.note.data);
	if (error != NULL)
		reason = pstrdup(error->message != NULL ? error->message : "an error without a message");
	MemoryContextDelete(context);
	return reason;
}
