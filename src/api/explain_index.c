/*
 * explain_index.c: which index the filter of a sequential scan asks for.
 *
 * Its columns are those that the filter compares with something that does not change from row to row, by an operator
 * of the type's own btree class: first those compared for equality, the most distinct one first, then one that is
 * compared for a range. What it would cost is reckoned as if each of its rows lay on a page of its own.
 */
#include "server/compat.h"

#include "api/explain_parts.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic.h"
#include "lib/stringinfo.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#define COLUMNS_MAX 4

typedef struct Wanted
{
	Scan	   *scan;
	Oid			relation;
	double		pages;
	double		tuples;
	int			equal_count;
	AttrNumber	equal[COLUMNS_MAX];
	double		distinct[COLUMNS_MAX];
	AttrNumber	range;			/* 0 = none */
	int			others;			/* conditions that no column of the index meets */
} Wanted;

/* ---- What the filter compares ---- */

static Node *
bare(Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* The column of the scanned table that the node is; 0 for anything else. */
static AttrNumber
column_of(const Wanted *wanted, Node *node)
{
	Var		   *var = (Var *) bare(node);

	if (var == NULL || !IsA(var, Var) || var->varno != (int) wanted->scan->scanrelid || var->varlevelsup != 0)
		return 0;
	return Max(var->varattno, 0);
}

static bool
is_steady(Node *node)
{
	return !contain_var_clause(node) && !contain_volatile_functions(node);
}

static int
strategy_of(Oid operator, Oid collation, Node *column)
{
	Oid			left;
	Oid			right;
	TypeCacheEntry *type;

	op_input_types(operator, &left, &right);
	if (!OidIsValid(left) || (OidIsValid(collation) && collation != exprCollation(bare(column))))
		return 0;
	type = lookup_type_cache(left, TYPECACHE_BTREE_OPFAMILY);
	return OidIsValid(type->btree_opf) ? get_op_opfamily_strategy(operator, type->btree_opf) : 0;
}

static double
distinct_values(const Wanted *wanted, AttrNumber column)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(wanted->relation), Int16GetDatum(column),
										BoolGetDatum(false));
	double		distinct;

	if (!HeapTupleIsValid(tuple))
		return 0;
	distinct = ((Form_pg_statistic) GETSTRUCT(tuple))->stadistinct;
	ReleaseSysCache(tuple);
	return distinct < 0 ? -distinct * wanted->tuples : distinct;
}

static void
want_equal(Wanted *wanted, AttrNumber column)
{
	double		distinct = distinct_values(wanted, column);
	int			place = wanted->equal_count;

	for (int i = 0; i < wanted->equal_count; i++)
	{
		if (wanted->equal[i] == column)
			return;
	}
	if (place == COLUMNS_MAX)
	{
		wanted->others++;
		return;
	}
	for (; place > 0 && wanted->distinct[place - 1] < distinct; place--)
	{
		wanted->equal[place] = wanted->equal[place - 1];
		wanted->distinct[place] = wanted->distinct[place - 1];
	}
	wanted->equal[place] = column;
	wanted->distinct[place] = distinct;
	wanted->equal_count++;
}

/* Takes column and strategy of a comparison. */
static void
want(Wanted *wanted, AttrNumber column, int strategy)
{
	if (column != 0 && strategy == BTEqualStrategyNumber)
		want_equal(wanted, column);
	else if (column != 0 && strategy != 0 && (wanted->range == 0 || wanted->range == column))
		wanted->range = column;
	else
		wanted->others++;
}

static void
want_clause(Wanted *wanted, Node *clause)
{
	AttrNumber	column = 0;
	int			strategy = 0;

	if (IsA(clause, OpExpr) && list_length(((OpExpr *) clause)->args) == 2)
	{
		OpExpr	   *op = (OpExpr *) clause;
		Node	   *left = linitial(op->args);
		Node	   *right = lsecond(op->args);

		if ((column = column_of(wanted, left)) != 0 && is_steady(right))
			strategy = strategy_of(op->opno, op->inputcollid, left);
		else if ((column = column_of(wanted, right)) != 0 && is_steady(left) && OidIsValid(get_commutator(op->opno)))
			strategy = strategy_of(get_commutator(op->opno), op->inputcollid, right);
	}
	else if (IsA(clause, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) clause)->useOr)
	{
		ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) clause;

		if ((column = column_of(wanted, linitial(op->args))) != 0 && is_steady(lsecond(op->args)))
			strategy = strategy_of(op->opno, op->inputcollid, linitial(op->args));
	}
	else if (IsA(clause, NullTest) && ((NullTest *) clause)->nulltesttype == IS_NULL)
	{
		column = column_of(wanted, (Node *) ((NullTest *) clause)->arg);
		strategy = BTEqualStrategyNumber;
	}
	want(wanted, column, strategy);
}

/* ---- Whether it is there ---- */

static bool
is_wanted_equal(const Wanted *wanted, AttrNumber column)
{
	for (int i = 0; i < wanted->equal_count; i++)
	{
		if (wanted->equal[i] == column)
			return true;
	}
	return false;
}

/* True when the first columns of the index are those wanted, in any order that serves. */
static bool
serves(const Wanted *wanted, Form_pg_index index)
{
	int			met = 0;

	while (met < index->indnkeyatts && met < wanted->equal_count && is_wanted_equal(wanted, index->indkey.values[met]))
		met++;
	return met == wanted->equal_count &&
		(wanted->range == 0 || (met < index->indnkeyatts && index->indkey.values[met] == wanted->range));
}

static bool
is_there(const Wanted *wanted)
{
	Relation	table = table_open(wanted->relation, AccessShareLock);
	List	   *indexes = RelationGetIndexList(table);
	ListCell   *cell;
	bool		found = false;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		found = found || (index->rd_rel->relam == BTREE_AM_OID && index->rd_index->indisvalid &&
						  heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL) &&
						  serves(wanted, index->rd_index));
		index_close(index, AccessShareLock);
	}
	table_close(table, AccessShareLock);
	return found;
}

/* ---- What it would cost, and how it is made ---- */

/* The rows that the index would find: those of the filter, unless it has conditions that the index can't meet. */
static double
rows_found(const Wanted *wanted, double rows)
{
	double		found = wanted->tuples;

	if (wanted->others == 0)
		return rows;
	for (int i = 0; i < wanted->equal_count; i++)
		found /= Max(wanted->distinct[i], 1);
	return Max(found, rows);
}

static double
cost_by_index(const Wanted *wanted, double found)
{
	return random_page_cost * (3 + Min(found, wanted->pages)) + found * (cpu_index_tuple_cost + cpu_tuple_cost);
}

static double
cost_by_scan(const Wanted *wanted)
{
	return seq_page_cost * wanted->pages + wanted->tuples * (cpu_tuple_cost + cpu_operator_cost);
}

static char *
columns_of(const Wanted *wanted)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < wanted->equal_count; i++)
		appendStringInfo(&columns, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(get_attname(wanted->relation, wanted->equal[i], false)));
	if (wanted->range != 0)
		appendStringInfo(&columns, "%s%s", columns.len > 0 ? ", " : "",
						 quote_identifier(get_attname(wanted->relation, wanted->range, false)));
	return columns.data;
}

HaFinding *
ha_explain_index(Scan *scan, Oid relation, double rows)
{
	Wanted		wanted = {.scan = scan, .relation = relation};
	HaFinding  *finding;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	bool		partition;
	char	   *table;
	double		found;
	ListCell   *cell;

	if (!HeapTupleIsValid(tuple))
		return NULL;
	wanted.pages = ((Form_pg_class) GETSTRUCT(tuple))->relpages;
	wanted.tuples = ((Form_pg_class) GETSTRUCT(tuple))->reltuples;
	partition = ((Form_pg_class) GETSTRUCT(tuple))->relispartition;
	ReleaseSysCache(tuple);
	foreach(cell, scan->plan.qual)
		want_clause(&wanted, lfirst(cell));
	if (is_wanted_equal(&wanted, wanted.range))
		wanted.range = 0;
	if (wanted.equal_count == 0 && (wanted.range == 0 || wanted.others > 0))
		return NULL;
	found = rows_found(&wanted, rows);
	if (cost_by_index(&wanted, found) > cost_by_scan(&wanted) / 2 || is_there(&wanted))
		return NULL;

	table = ha_explain_name(partition ? llast_oid(get_partition_ancestors(relation)) : relation);
	finding = palloc0(sizeof(HaFinding));
	finding->finding = "missing index";
	finding->severity = wanted.pages >= 12800 ? "warning" : "info";
	finding->object = table;
	finding->figure = psprintf("estimated: cost %.0f of the scan, %.0f by the index, for %.0f rows of %.0f",
							   cost_by_scan(&wanted), cost_by_index(&wanted, found), found, wanted.tuples);
	finding->advice = partition ? "make it on each partition CONCURRENTLY first, if writers may not wait" :
		"an index costs each write; see whether one that is there can be extended";
	finding->statement = psprintf("CREATE INDEX %sON %s (%s)", partition ? "" : "CONCURRENTLY ", table,
								  columns_of(&wanted));
	finding->hypothetical = psprintf("CREATE INDEX ON %s (%s)", ha_explain_name(relation), columns_of(&wanted));
	return finding;
}
