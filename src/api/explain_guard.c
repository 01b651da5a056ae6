/*
 * explain_guard.c: while a statement is analyzed and planned, nothing of it runs.
 *
 * A planner calls functions: constant ones are folded, stable ones are called for an estimate, and those of index
 * expressions, views, defaults and policies are among them. Who can put one there, or change one that is there, would
 * have it run with the rights of whom the statement is planned for. So here:
 *
 * - a function in another language than C, or the server's own, does not run;
 * - no volatile function runs: they come by the CHECK of a domain whose input function is called;
 * - no query and no command runs: they come by table_to_xml() and its like;
 * - no foreign table is planned: its wrapper may connect with the role's password to wherever its owner wants.
 *
 * The hooks are set for the while, and those of others are called as ever.
 */
#include "server/compat.h"

#include "api/explain_parts.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "optimizer/plancat.h"
#include "tcop/dest.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

static bool guarding = false;
static bool start_allowed = false;
static bool command_allowed = false;

static needs_fmgr_hook_type saved_needs_fmgr = NULL;
static fmgr_hook_type saved_fmgr = NULL;
static object_access_hook_type saved_object_access = NULL;
static get_relation_info_hook_type saved_relation_info = NULL;
static ExecutorStart_hook_type saved_start = NULL;
static ExecutorEnd_hook_type saved_end = NULL;
static ProcessUtility_hook_type saved_utility = NULL;

bool
ha_explain_guard_is_foreign(Oid function)
{
	HeapTuple	tuple;
	bool		foreign = true;

	if (function < FirstUnpinnedObjectId)
		return false;
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (HeapTupleIsValid(tuple))
	{
		Oid			language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;

		foreign = language != INTERNALlanguageId && language != ClanguageId;
		ReleaseSysCache(tuple);
	}
	return foreign;
}

static void
refuse_function(Oid function)
{
	ereport(ERROR,
			errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			errmsg("planning it would run the function %s, and nothing of a statement runs here",
				   format_procedure_qualified(function)));
}

static bool
guard_needs_fmgr(Oid function)
{
	return (saved_needs_fmgr != NULL && saved_needs_fmgr(function)) || ha_explain_guard_is_foreign(function);
}

static void
guard_fmgr(FmgrHookEventType event, FmgrInfo *info, Datum *arg)
{
	if (event == FHET_START && ha_explain_guard_is_foreign(info->fn_oid))
		refuse_function(info->fn_oid);
	if (saved_fmgr != NULL)
		saved_fmgr(event, info, arg);
}

/* An expression that is made ready outside of a plan is about to be evaluated; those of our plan never are. */
static void
guard_object_access(ObjectAccessType access, Oid class_id, Oid object, int sub_id, void *arg)
{
	if (access == OAT_FUNCTION_EXECUTE && !start_allowed && func_volatile(object) == PROVOLATILE_VOLATILE)
		refuse_function(object);
	if (saved_object_access != NULL)
		saved_object_access(access, class_id, object, sub_id, arg);
}

static void
guard_relation_info(PlannerInfo *root, Oid relation, bool inhparent, RelOptInfo *rel)
{
	if (rel->fdwroutine != NULL)
		ereport(ERROR,
				errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("planning it could connect to another server, for the foreign table %s",
					   ha_explain_name(relation)));
	if (saved_relation_info != NULL)
		saved_relation_info(root, relation, inhparent, rel);
}

/* Our own plan starts without the hooks of others: no statement is executed, and none is to be counted. */
static void
guard_start(QueryDesc *query, int eflags)
{
	if (!start_allowed || (eflags & EXEC_FLAG_EXPLAIN_ONLY) == 0)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("planning it would run a query, and nothing of a statement runs here"));
	standard_ExecutorStart(query, eflags);
}

static void
guard_end(QueryDesc *query)
{
	start_allowed = false;
	standard_ExecutorEnd(query);
}

static void
guard_utility(PlannedStmt *statement, const char *text, bool read_only_tree, ProcessUtilityContext context,
			  ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest, QueryCompletion *completion)
{
	if (!command_allowed)
		ereport(ERROR,
				errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("planning it would run a command, and nothing of a statement runs here"));
	command_allowed = false;
	if (saved_utility != NULL)
		saved_utility(statement, text, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(statement, text, read_only_tree, context, params, environment, dest, completion);
}

void
ha_explain_guard_pass_command(PlannedStmt *command, const char *text)
{
	Assert(IsA(command->utilityStmt, ExplainStmt));
	command_allowed = true;
	ProcessUtility(command, text, true, PROCESS_UTILITY_QUERY, NULL, NULL, None_Receiver, NULL);
	command_allowed = false;
}

void
ha_explain_guard_begin(void)
{
	Assert(!guarding);
	saved_needs_fmgr = needs_fmgr_hook;
	saved_fmgr = fmgr_hook;
	saved_object_access = object_access_hook;
	saved_relation_info = get_relation_info_hook;
	saved_start = ExecutorStart_hook;
	saved_end = ExecutorEnd_hook;
	saved_utility = ProcessUtility_hook;
	needs_fmgr_hook = guard_needs_fmgr;
	fmgr_hook = guard_fmgr;
	object_access_hook = guard_object_access;
	get_relation_info_hook = guard_relation_info;
	ExecutorStart_hook = guard_start;
	ExecutorEnd_hook = guard_end;
	ProcessUtility_hook = guard_utility;
	start_allowed = false;
	command_allowed = false;
	guarding = true;
}

void
ha_explain_guard_allow_start(void)
{
	start_allowed = true;
}

void
ha_explain_guard_end(void)
{
	if (!guarding)
		return;
	needs_fmgr_hook = saved_needs_fmgr;
	fmgr_hook = saved_fmgr;
	object_access_hook = saved_object_access;
	get_relation_info_hook = saved_relation_info;
	ExecutorStart_hook = saved_start;
	ExecutorEnd_hook = saved_end;
	ProcessUtility_hook = saved_utility;
	guarding = false;
}
