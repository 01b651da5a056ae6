/*
 * explain_findings.c: what is wrong with the plan of a statement, node by node.
 *
 * All figures are the planner's estimates for parameters of which it does not know the values, with the session's
 * work_mem; that is said with them. The plan is not executed.
 */
#include "server/compat.h"

#include "api/explain_parts.h"
#include "api/row.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "executor/nodeAgg.h"
#include "executor/nodeHash.h"
#include "funcapi.h"
#include "nodes/pg_list.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(ha_api_explain_findings);

/* A table is big from here on, and a filter selective that leaves no more than this part of it. */
#define BIG_PAGES 128
#define BIG_TUPLES 10000
#define SELECTIVE 0.05

/* Rows that a nested loop looks at, and turns that it takes, before it is worth a word. */
#define LOOP_ROWS 1e6
#define LOOP_TURNS 1e5

#define FINDINGS_MAX 30

/* What is collected of one statement. */
typedef struct Findings
{
	List	   *list;			/* of HaFinding */
} Findings;

typedef struct Walk
{
	Findings   *findings;
	List	   *rtable;
	double		divisor;		/* a parallel scan gives a process so much less than it reads */
} Walk;

/* One for each kind, object and statement: partitions have many. */
static void
add(Walk *walk, HaFinding *finding)
{
	ListCell   *cell;

	foreach(cell, walk->findings->list)
	{
		HaFinding  *old = lfirst(cell);

		if (strcmp(old->finding, finding->finding) == 0 && old->object != NULL && finding->object != NULL &&
			strcmp(old->object, finding->object) == 0 &&
			strcmp(old->statement != NULL ? old->statement : "", finding->statement != NULL ? finding->statement : "")
			== 0)
		{
			old->more++;
			return;
		}
	}
	walk->findings->list = lappend(walk->findings->list, finding);
}

static HaFinding *
new_finding(const char *kind, const char *severity, char *node)
{
	HaFinding  *finding = palloc0(sizeof(HaFinding));

	finding->finding = kind;
	finding->severity = severity;
	finding->node = node;
	return finding;
}

static Oid
relation_of(const Walk *walk, const Plan *scan)
{
	return rt_fetch(((const Scan *) scan)->scanrelid, walk->rtable)->relid;
}

/* The table as a whole, of which it may be a partition. */
static char *
whole_name(Oid relation)
{
	return ha_explain_name(get_rel_relispartition(relation) ? llast_oid(get_partition_ancestors(relation)) : relation);
}

static void
read_size(Oid relation, double *pages, double *tuples)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));

	*pages = 0;
	*tuples = -1;
	if (!HeapTupleIsValid(tuple))
		return;
	*pages = ((Form_pg_class) GETSTRUCT(tuple))->relpages;
	*tuples = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
}

/* ---- Nodes ---- */

static void
look_at_scan(Walk *walk, Plan *scan)
{
	Oid			relation = relation_of(walk, scan);
	double		rows = scan->plan_rows * (scan->parallel_aware ? walk->divisor : 1);
	double		pages;
	double		tuples;
	HaFinding  *finding;
	HaFinding  *index;

	read_size(relation, &pages, &tuples);
	if (relation < FirstNormalObjectId || scan->qual == NIL || pages < BIG_PAGES || tuples < BIG_TUPLES ||
		rows > tuples * SELECTIVE)
		return;
	index = ha_explain_index((Scan *) scan, relation, rows);
	finding = new_finding("sequential scan", pages >= 12800 ? "warning" : "info",
						  psprintf("Seq Scan on %s", ha_explain_name(relation)));
	finding->object = whole_name(relation);
	finding->figure = psprintf("estimated: %.0f rows of %.0f, from %.0f pages", rows, tuples, pages);
	finding->advice = index != NULL ? "see the missing index" :
		"no plain index serves this filter better than the scan: see whether an expression or partial one would";
	add(walk, finding);
	if (index != NULL)
	{
		index->node = finding->node;
		add(walk, index);
	}
}

/* In whole MB, with a fifth to spare. */
static char *
more_work_mem(double bytes)
{
	double		mb = ceil(bytes * 1.2 / (1024 * 1024));

	return mb > 1024 ? NULL : psprintf("SET LOCAL work_mem = '%.0fMB'", mb);
}

static void
add_spill(Walk *walk, const char *kind, const char *node, double rows, int width, double bytes, double limit)
{
	HaFinding  *finding = new_finding(kind, bytes > 10 * limit ? "warning" : "info", pstrdup(node));

	finding->figure = psprintf("estimated: %.0f rows of %d bytes, %.0f kB, against %.0f kB", rows, width, bytes / 1024,
							   limit / 1024);
	finding->advice = "it would go to temporary files: fewer rows or columns, an index in that order, or more work_mem "
		"for this statement alone";
	finding->statement = more_work_mem(bytes * (work_mem * 1024.0 / limit));
	add(walk, finding);
}

/* One that stops at a limit keeps no more rows than that; where the limit is a parameter, they are thought to fit. */
static void
look_at_sort(Walk *walk, Plan *sort, const Limit *limit)
{
	double		rows = sort->plan_rows;
	double		bytes;

	if (limit != NULL && limit->limitCount != NULL)
	{
		Const	   *count = (Const *) limit->limitCount;

		if (!IsA(count, Const))
			return;
		if (!count->constisnull && limit->limitOffset == NULL)
			rows = Min(rows, (double) DatumGetInt64(count->constvalue));
	}
	bytes = rows * (MAXALIGN(sort->plan_width) + MAXALIGN(SizeofHeapTupleHeader));
	if (bytes > work_mem * 1024.0)
		add_spill(walk, "spilling sort", "Sort", rows, sort->plan_width, bytes, work_mem * 1024.0);
}

/* By the executor's own arithmetic. */
static void
look_at_hash(Walk *walk, Plan *hash)
{
	double		rows = hash->parallel_aware ? ((Hash *) hash)->rows_total : hash->plan_rows;
	int			workers = hash->parallel_aware ? (int) walk->divisor : 0;
	size_t		allowed;
	int			buckets;
	int			batches;
	int			skews;

	ExecChooseHashTableSize(rows, hash->plan_width, false, hash->parallel_aware, workers, &allowed, &buckets, &batches,
							&skews);
	if (batches > 1)
		add_spill(walk, "spilling hash", "Hash", rows, hash->plan_width,
				  rows * (MAXALIGN(hash->plan_width) + 2 * MAXALIGN(SizeofMinimalTupleHeader)),
				  (double) get_hash_memory_limit());
}

static void
look_at_aggregate(Walk *walk, Agg *agg)
{
	int			width = outerPlan(agg)->plan_width;
	double		entry = (double) hash_agg_entry_size(1, width, agg->transitionSpace);
	double		limit = (double) get_hash_memory_limit();

	if ((agg->aggstrategy == AGG_HASHED || agg->aggstrategy == AGG_MIXED) && agg->numGroups * entry > limit)
		add_spill(walk, "spilling hash", "HashAggregate", (double) agg->numGroups, width, agg->numGroups * entry,
				  limit);
}

static void
look_at_loop(Walk *walk, Plan *loop)
{
	double		turns = outerPlan(loop)->plan_rows;
	Plan	   *inner = innerPlan(loop);
	double		each;
	double		pages;
	HaFinding  *finding;

	while (inner != NULL && IsA(inner, Material))
		inner = outerPlan(inner);
	if (inner == NULL || IsA(inner, Memoize))
		return;
	each = inner->plan_rows;
	if (IsA(inner, SeqScan))
	{
		read_size(relation_of(walk, inner), &pages, &each);
		each = Max(each, inner->plan_rows);
	}
	if (turns < LOOP_TURNS && (turns < 2 || turns * each < LOOP_ROWS))
		return;
	finding = new_finding("nested loop", turns * each >= 100 * LOOP_ROWS ? "warning" : "info", pstrdup("Nested Loop"));
	finding->object = IsA(inner, SeqScan) ? whole_name(relation_of(walk, inner)) : NULL;
	finding->figure = psprintf("estimated: %.0f turns, each over %.0f rows", turns, each);
	finding->advice = IsA(inner, SeqScan) ?
		"each turn reads the whole table: an index on the column that it is joined by, or a join by equality" :
		"see whether the join can be by equality, and whether the statistics are new";
	add(walk, finding);
}

static void
look(Walk *walk, Plan *plan, const Limit *limit)
{
	double		divisor = walk->divisor;
	ListCell   *cell;

	switch (nodeTag(plan))
	{
		case T_SeqScan:
			look_at_scan(walk, plan);
			break;
		case T_Sort:
			look_at_sort(walk, plan, limit);
			break;
		case T_Hash:
			look_at_hash(walk, plan);
			break;
		case T_Agg:
			look_at_aggregate(walk, (Agg *) plan);
			break;
		case T_NestLoop:
			look_at_loop(walk, plan);
			break;
		case T_Gather:
		case T_GatherMerge:
			{
				int			workers = IsA(plan, Gather) ? ((Gather *) plan)->num_workers :
					((GatherMerge *) plan)->num_workers;

				/* As the planner reckons: the leader helps the less the more workers it looks after. */
				walk->divisor = workers + (parallel_leader_participation ? Max(0.0, 1.0 - 0.3 * workers) : 0.0);
			}
			break;
		default:
			break;
	}
	foreach(cell, ha_explain_children(plan))
		look(walk, lfirst(cell), IsA(plan, Limit) ? (Limit *) plan : NULL);
	walk->divisor = divisor;
}

static void
collect(HaPlans *plans, void *arg)
{
	MemoryContext old = MemoryContextSwitchTo(plans->result);
	Findings   *findings = arg;
	ListCell   *cell;
	ListCell   *sub;

	findings->list = NIL;
	foreach(cell, plans->plans)
	{
		PlannedStmt *planned = lfirst_node(PlannedStmt, cell);
		Walk		walk = {.findings = findings, .rtable = planned->rtable, .divisor = 1};

		look(&walk, planned->planTree, NULL);
		foreach(sub, planned->subplans)
		{
			if (lfirst(sub) != NULL)
				look(&walk, lfirst(sub), NULL);
		}
	}
	MemoryContextSwitchTo(old);
}

/* ---- Rows ---- */

static void
put_finding(FunctionCallInfo fcinfo, const HaStatement *statement, const HaFinding *finding)
{
	HaRow		row = {0};

	ha_row_add_text(&row, ha_explain_user(statement));
	ha_row_add_text(&row, finding->finding);
	ha_row_add_text(&row, finding->severity);
	ha_row_add_text(&row, finding->node);
	ha_row_add_text(&row, finding->object);
	ha_row_add_text(&row, finding->more == 0 ? finding->figure :
					psprintf("%s; and %d more like it", finding->figure, finding->more));
	ha_row_add_text(&row, finding->advice);
	ha_row_add_text(&row, finding->statement);
	ha_row_put(fcinfo, &row);
}

/* haops.explain_findings(queryid bigint) */
Datum
ha_api_explain_findings(PG_FUNCTION_ARGS)
{
	int			count;
	HaStatement *statements = ha_explain_read(PG_GETARG_INT64(0), &count);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < count; i++)
	{
		Findings	findings = {NIL};
		HaFinding	refused = {.finding = "not planned", .severity = "not checked"};
		char	   *note;
		char	   *reason = ha_explain_statement(&statements[i], collect, &findings, &note);
		ListCell   *cell;

		if (reason != NULL)
		{
			refused.figure = reason;
			put_finding(fcinfo, &statements[i], &refused);
			continue;
		}
		foreach(cell, findings.list)
		{
			if (foreach_current_index(cell) >= FINDINGS_MAX)
				break;
			if (((HaFinding *) lfirst(cell))->hypothetical != NULL)
				ha_explain_hypo(&statements[i], lfirst(cell));
			put_finding(fcinfo, &statements[i], lfirst(cell));
		}
	}
	return (Datum) 0;
}
