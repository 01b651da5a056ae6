/*
 * indexes.c: the source of haops.redundant_indexes: one pass over pg_index, then one table at a time of those that it
 * found; and what the other views say of single indexes.
 */
#include "server/compat.h"

#include "api/indexes_parts.h"
#include "api/row.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "funcapi.h"
#include "utils/fmgroids.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_FUNCTION_INFO_V1(ha_api_redundant_indexes);
PG_FUNCTION_INFO_V1(ha_api_index_bytes);
PG_FUNCTION_INFO_V1(ha_api_index_create_statement);

/* The indexes of one table. */
typedef struct Batch
{
	FunctionCallInfo fcinfo;
	HaIndexTexts *texts;
	HeapTuple	table;			/* its row of pg_class */
	int			count;
	HeapTuple  *tuple;			/* rows of pg_index */
	HeapTuple  *class;			/* and of pg_class */
} Batch;

static bool
has_expression(const HaIndex *index)
{
	for (int32_t i = 0; i < index->key_count; i++)
	{
		if (index->column[i].attno == 0)
			return true;
	}
	return false;
}

/* What is to be thought of before the index is dropped; NULL: nothing. */
static ArrayType *
warnings_of(const HaIndex *index, const char *create)
{
	Datum		text[8];
	int			count = 0;

#define WARN(condition, words) \
	do { if (condition) text[count++] = CStringGetTextDatum(words); } while (0)
	WARN(has_expression(index),
		 "the statistics of its expressions go with it: run ANALYZE afterwards, and compare plans");
	WARN(index->doubts & HA_DOUBT_CLUSTERED,
		 "the table is clustered on it: ALTER TABLE ... CLUSTER ON the other one first");
	WARN(index->doubts & HA_DOUBT_NULLS,
		 "the place of NULLs differs; the columns have none, but ORDER BY ... NULLS FIRST or LAST is matched by words");
	WARN(index->doubts & HA_DOUBT_METHOD, "searches by its columns alone may be slower in the larger index");
	WARN(create == NULL, "the table is locked: the statement that brings the index back is not known now");
#undef WARN
	return count == 0 ? NULL : construct_array(text, count, TEXTOID, -1, false, TYPALIGN_INT);
}

static void
put(const Batch *batch, const HaIndex *index, HeapTuple tuple, HeapTuple class, HeapTuple cover)
{
	char	   *create = ha_index_create(batch->texts, tuple, class, batch->table);
	ArrayType  *warnings = warnings_of(index, create);
	Form_pg_class table = (Form_pg_class) GETSTRUCT(batch->table);
	HaRow		row = {0};

	ha_row_add(&row, ObjectIdGetDatum(table->relnamespace));
	ha_row_add(&row, ObjectIdGetDatum(table->oid));
	ha_row_add(&row, NameGetDatum(&table->relname));
	ha_row_add(&row, ObjectIdGetDatum(index->id));
	ha_row_add(&row, NameGetDatum(&((Form_pg_class) GETSTRUCT(class))->relname));
	ha_row_add(&row, ObjectIdGetDatum(((Form_pg_class) GETSTRUCT(cover))->oid));
	ha_row_add(&row, NameGetDatum(&((Form_pg_class) GETSTRUCT(cover))->relname));
	ha_row_add_text(&row, index->doubts == 0 ? "redundant" : "information");
	ha_row_add_text(&row, ha_redundant_why(index->cover));
	ha_row_add_int8(&row, ha_index_bytes(batch->texts, class));
	ha_row_add_text(&row, ha_index_drop(class));
	ha_row_add_text(&row, create);
	if (warnings != NULL)
		ha_row_add(&row, PointerGetDatum(warnings));
	else
		ha_row_add_null(&row);
	ha_row_put(batch->fcinfo, &row);
}

/* Reports on a table. What is gone by now has no row in pg_class. */
static void
report(HaIndexReader *reader, Batch *batch, Oid table)
{
	HaIndex    *index = palloc0(sizeof(HaIndex) * batch->count);
	int32	   *order = palloc0(sizeof(int32) * batch->count);

	batch->table = ha_index_class(batch->texts, table);
	if (!HeapTupleIsValid(batch->table) ||
		((Form_pg_class) GETSTRUCT(batch->table))->relpersistence == RELPERSISTENCE_TEMP)
		return;
	batch->class = palloc(sizeof(HeapTuple) * batch->count);
	for (int i = 0; i < batch->count; i++)
		batch->class[i] = ha_index_class(batch->texts, ((Form_pg_index) GETSTRUCT(batch->tuple[i]))->indexrelid);
	ha_indexes_describe(reader, table, batch->tuple, batch->class, batch->count, index);
	ha_redundant_find(index, batch->count, order);
	for (int i = 0; i < batch->count; i++)
	{
		if (index[i].covered_by >= 0)
			put(batch, &index[i], batch->tuple[i], batch->class[i], batch->class[index[i].covered_by]);
	}
}

/* haops.find_redundant_indexes() */
Datum
ha_api_redundant_indexes(PG_FUNCTION_ARGS)
{
	Batch		batch = {.fcinfo = fcinfo};
	HaIndexReader *reader;
	HaIndexScan *scan;
	MemoryContext context;
	MemoryContext before;
	Oid			table;

	InitMaterializedSRF(fcinfo, 0);
	reader = ha_indexes_begin();
	batch.texts = ha_index_texts_begin();
	scan = ha_index_scan_begin(reader);
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_haops indexes of a table", ALLOCSET_DEFAULT_SIZES);
	before = MemoryContextSwitchTo(context);
	while (ha_index_scan_next(scan, &table, &batch.tuple, &batch.count))
	{
		CHECK_FOR_INTERRUPTS();
		report(reader, &batch, table);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(before);
	MemoryContextDelete(context);
	ha_index_scan_end(scan);
	ha_index_texts_end(batch.texts);
	ha_indexes_end(reader);
	return (Datum) 0;
}

/* ---- Single indexes ---- */

/* haops.index_bytes(oid) */
Datum
ha_api_index_bytes(PG_FUNCTION_ARGS)
{
	HaIndexTexts *texts = ha_index_texts_begin();
	HeapTuple	class = ha_index_class(texts, PG_GETARG_OID(0));
	int64		bytes = HeapTupleIsValid(class) ? ha_index_bytes(texts, class) : 0;

	ha_index_texts_end(texts);
	if (!HeapTupleIsValid(class))
		PG_RETURN_NULL();
	PG_RETURN_INT64(bytes);
}

/* The index's row of pg_index, NULL when it is gone. */
static HeapTuple
index_row(Oid index)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_index_indexrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(index));
	scan = systable_beginscan(catalog, IndexRelidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return tuple;
}

/* haops.index_create_statement(oid) */
Datum
ha_api_index_create_statement(PG_FUNCTION_ARGS)
{
	HeapTuple	tuple = index_row(PG_GETARG_OID(0));
	HaIndexTexts *texts;
	HeapTuple	class;
	HeapTuple	table;
	char	   *text = NULL;

	if (!HeapTupleIsValid(tuple))
		PG_RETURN_NULL();
	texts = ha_index_texts_begin();
	class = ha_index_class(texts, PG_GETARG_OID(0));
	table = ha_index_class(texts, ((Form_pg_index) GETSTRUCT(tuple))->indrelid);
	if (HeapTupleIsValid(class) && HeapTupleIsValid(table))
		text = ha_index_create(texts, tuple, class, table);
	ha_index_texts_end(texts);
	if (text == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(text));
}
