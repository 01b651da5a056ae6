/*
 * indexes.c: the source of haops.redundant_indexes: one pass over pg_index in the order of tables, one table at a time;
 * and what the other views say of single indexes.
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

/* The indexes of one table, in a memory context that is emptied for the next one. */
typedef struct Batch
{
	FunctionCallInfo fcinfo;
	HaIndexReader *reader;
	HaIndexTexts *texts;
	Oid			table;
	int			count;
	int			room;
	HeapTuple  *tuple;
	MemoryContext context;
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
put(Batch *batch, const HaIndex *index, const HaIndex *by, HeapTuple tuple)
{
	HeapTuple	class = ha_index_class(batch->texts, index->id);
	HeapTuple	cover = ha_index_class(batch->texts, by->id);
	HeapTuple	table = ha_index_class(batch->texts, batch->table);
	char	   *create;
	ArrayType  *warnings;
	HaRow		row = {0};

	if (!HeapTupleIsValid(class) || !HeapTupleIsValid(cover) || !HeapTupleIsValid(table))
		return;
	create = ha_index_create(batch->texts, tuple, class, table);
	warnings = warnings_of(index, create);
	ha_row_add(&row, ObjectIdGetDatum(((Form_pg_class) GETSTRUCT(table))->relnamespace));
	ha_row_add(&row, ObjectIdGetDatum(batch->table));
	ha_row_add(&row, NameGetDatum(&((Form_pg_class) GETSTRUCT(table))->relname));
	ha_row_add(&row, ObjectIdGetDatum(index->id));
	ha_row_add(&row, NameGetDatum(&((Form_pg_class) GETSTRUCT(class))->relname));
	ha_row_add(&row, ObjectIdGetDatum(by->id));
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

/* Reports on the table whose indexes have been gathered. */
static void
finish(Batch *batch)
{
	HaIndex    *index;
	int32	   *order;

	if (batch->count < 2)
		return;
	index = palloc0(sizeof(HaIndex) * batch->count);
	order = palloc0(sizeof(int32) * batch->count);
	if (!ha_indexes_describe(batch->reader, batch->table, batch->tuple, batch->count, index))
		return;
	ha_redundant_find(index, batch->count, order);
	for (int i = 0; i < batch->count; i++)
	{
		if (index[i].covered_by >= 0)
			put(batch, &index[i], &index[index[i].covered_by], batch->tuple[i]);
	}
}

static void
gather(Batch *batch, HeapTuple tuple)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	MemoryContext before = MemoryContextSwitchTo(batch->context);

	if (form->indrelid != batch->table)
	{
		finish(batch);
		MemoryContextReset(batch->context);
		batch->table = form->indrelid;
		batch->count = 0;
		batch->room = 16;
		batch->tuple = palloc(sizeof(HeapTuple) * batch->room);
	}
	if (batch->count == batch->room)
	{
		batch->room *= 2;
		batch->tuple = repalloc(batch->tuple, sizeof(HeapTuple) * batch->room);
	}
	batch->tuple[batch->count++] = heap_copytuple(tuple);
	MemoryContextSwitchTo(before);
}

/* haops.find_redundant_indexes() */
Datum
ha_api_redundant_indexes(PG_FUNCTION_ARGS)
{
	Batch		batch = {.fcinfo = fcinfo};
	Relation	catalog;
	Relation	by_table;
	SysScanDesc scan;
	HeapTuple	tuple;
	MemoryContext before;

	InitMaterializedSRF(fcinfo, 0);
	batch.reader = ha_indexes_begin();
	batch.texts = ha_index_texts_begin();
	batch.context = AllocSetContextCreate(CurrentMemoryContext, "pg_haops indexes of a table", ALLOCSET_DEFAULT_SIZES);
	catalog = table_open(IndexRelationId, AccessShareLock);
	by_table = index_open(IndexIndrelidIndexId, AccessShareLock);
	scan = systable_beginscan_ordered(catalog, by_table, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
	{
		CHECK_FOR_INTERRUPTS();
		gather(&batch, tuple);
	}
	before = MemoryContextSwitchTo(batch.context);
	finish(&batch);
	MemoryContextSwitchTo(before);
	systable_endscan_ordered(scan);
	index_close(by_table, AccessShareLock);
	table_close(catalog, AccessShareLock);
	MemoryContextDelete(batch.context);
	ha_index_texts_end(batch.texts);
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
