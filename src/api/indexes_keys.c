/*
 * indexes_keys.c: whether an index finds the rows that reference a key.
 *
 * It does when it begins with the columns of the foreign key, in any order, knows the operators by which PostgreSQL
 * looks for them, and has all rows but those without a key. Read from the row of pg_index at hand: nothing is locked,
 * and what stays in the session's caches are operator classes, and columns that have a collation. Whoever may call the
 * function can hand it a row of his own making, which is checked; and the table may be gone already.
 */
#include "server/compat.h"

#include "access/htup_details.h"
#include "catalog/pg_am.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_index.h"
#include "catalog/pg_opclass.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "nodes/primnodes.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(ha_api_index_serves_key);

typedef struct Key
{
	int			count;
	const int16 *column;		/* of the referencing table */
	const Oid  *operator;		/* referenced = referencing */
} Key;

/* Where the column stands in the key, -1: nowhere. */
static int
place_in_key(const Key *key, AttrNumber column)
{
	for (int i = 0; i < key->count; i++)
	{
		if (key->column[i] == column)
			return i;
	}
	return -1;
}

/* The column of the index is of a method and an operator class that can look for it. */
static bool
finds(Oid opclass, Oid operator)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Oid			commutator = get_commutator(operator);
	Oid			method;
	Oid			family;

	if (!HeapTupleIsValid(tuple))
		return false;
	method = ((Form_pg_opclass) GETSTRUCT(tuple))->opcmethod;
	family = ((Form_pg_opclass) GETSTRUCT(tuple))->opcfamily;
	ReleaseSysCache(tuple);
	return (method == BTREE_AM_OID || method == HASH_AM_OID || method == GIST_AM_OID || method == SPGIST_AM_OID) &&
		(op_in_opfamily(operator, family) || (OidIsValid(commutator) && op_in_opfamily(commutator, family)));
}

static bool
same_collation(Oid table, AttrNumber column, Oid collation)
{
	HeapTuple	tuple;
	bool		same;

	if (!OidIsValid(collation))
		return true;
	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(column));
	if (!HeapTupleIsValid(tuple))
		return true;			/* the table is gone, and so is the key */
	same = ((Form_pg_attribute) GETSTRUCT(tuple))->attcollation == collation;
	ReleaseSysCache(tuple);
	return same;
}

/* A predicate may only say that columns of the key are not NULL. */
static bool
has_all_rows(const Key *key, const char *predicate)
{
	List	   *clauses = make_ands_implicit((Expr *) stringToNode(predicate));
	ListCell   *cell;

	foreach(cell, clauses)
	{
		NullTest   *test = (NullTest *) lfirst(cell);

		if (!IsA(test, NullTest) || test->nulltesttype != IS_NOT_NULL || !IsA(test->arg, Var) ||
			place_in_key(key, ((Var *) test->arg)->varattno) < 0)
			return false;
	}
	return true;
}

static const oidvector *
oids_of(HeapTupleHeader row, const char *name)
{
	bool		isnull;

	return (const oidvector *) DatumGetPointer(GetAttributeByName(row, name, &isnull));
}

/* Whether it is laid out as PostgreSQL's own rows are, with as many columns as it says. */
static bool
is_sound(HeapTupleHeader row)
{
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Form_pg_index index = (Form_pg_index) GETSTRUCT(&tuple);

	for (int i = 1; i <= Anum_pg_index_indoption; i++)
	{
		if (heap_attisnull(&tuple, i, NULL))
			return false;
	}
	return index->indkey.dim1 >= index->indnkeyatts && oids_of(row, "indclass")->dim1 >= index->indnkeyatts &&
		oids_of(row, "indcollation")->dim1 >= index->indnkeyatts;
}

/* Whether the first `width` columns of the index are `width` columns of the key, and can be looked for. */
static bool
begins_with(HeapTupleHeader row, Form_pg_index index, const Key *key, int width)
{
	const Oid  *opclass = oids_of(row, "indclass")->values;
	const Oid  *collation = oids_of(row, "indcollation")->values;
	Bitmapset  *seen = NULL;

	for (int i = 0; i < width; i++)
	{
		AttrNumber	column = index->indkey.values[i];
		int			place = place_in_key(key, column);

		if (place < 0 || !finds(opclass[i], key->operator[place]) ||
			!same_collation(index->indrelid, column, collation[i]))
			return false;
		seen = bms_add_member(seen, place);
	}
	return bms_num_members(seen) == width;
}

/* haops.index_serves_key(index pg_index, key smallint[], operators oid[], first_column boolean) */
Datum
ha_api_index_serves_key(PG_FUNCTION_ARGS)
{
	HeapTupleHeader row = PG_GETARG_HEAPTUPLEHEADER(0);
	ArrayType  *columns = PG_GETARG_ARRAYTYPE_P(1);
	ArrayType  *operators = PG_GETARG_ARRAYTYPE_P(2);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row), .t_data = row};
	Form_pg_index index = (Form_pg_index) GETSTRUCT(&tuple);
	Key			key;
	int			width;
	bool		isnull;
	Datum		predicate;

	if (ARR_NDIM(columns) != 1 || ARR_NDIM(operators) != 1 || ARR_HASNULL(columns) || ARR_HASNULL(operators) ||
		ARR_DIMS(columns)[0] != ARR_DIMS(operators)[0])
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("columns and operators of a key must be two lists of one length")));
	key.count = ARR_DIMS(columns)[0];
	key.column = (const int16 *) ARR_DATA_PTR(columns);
	key.operator = (const Oid *) ARR_DATA_PTR(operators);
	width = PG_GETARG_BOOL(3) ? 1 : key.count;
	if (!is_sound(row) || !index->indisvalid || !index->indisready || !index->indislive || index->indnkeyatts < width ||
		!begins_with(row, index, &key, width))
		PG_RETURN_BOOL(false);
	predicate = GetAttributeByName(row, "indpred", &isnull);
	PG_RETURN_BOOL(isnull || has_all_rows(&key, TextDatumGetCString(predicate)));
}
