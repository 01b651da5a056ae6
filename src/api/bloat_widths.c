/*
 * bloat_widths.c: haops.row_widths(): how long a row of each table, or an entry of each index, is by what ANALYZE knows
 * of their columns.
 *
 * One pass over three catalogs side by side, each in the order of its index, so that a million indexes take no more
 * memory than the widest table. Only the expressions of indexes are looked up one by one.
 */
#include "server/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "api/row.h"
#include "catalog/indexing.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_index.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type_d.h"
#include "funcapi.h"
#include "ops/bloat.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(ha_api_row_widths);

/* A catalog in the order of an index, with one row read ahead. */
typedef struct Reader
{
	Relation	rel;
	Relation	index;
	SysScanDesc scan;
	HeapTuple	row;			/* NULL: at the end */
} Reader;

typedef struct Column
{
	HaBloatColumn of;
	Oid			type;
	double		distinct;		/* as in pg_statistic */
	bool		known;
} Column;

/* The columns of the table at hand, by attnum - 1. */
typedef struct Table
{
	Oid			oid;
	int			count;
	int			dropped;
	int			added;			/* with a default that old rows don't store */
	bool		has_rows;		/* neither an index nor a view */
	Column		column[MaxHeapAttributeNumber];
} Table;

typedef struct Readers
{
	Reader		attribute;
	Reader		statistic;
	Reader		index;
} Readers;

static void
reader_open(Reader *reader, Oid catalog, Oid index, int key_count, ScanKey key)
{
	reader->rel = table_open(catalog, AccessShareLock);
	reader->index = index_open(index, AccessShareLock);
	reader->scan = systable_beginscan_ordered(reader->rel, reader->index, NULL, key_count, key);
	reader->row = systable_getnext_ordered(reader->scan, ForwardScanDirection);
}

static void
reader_next(Reader *reader)
{
	reader->row = systable_getnext_ordered(reader->scan, ForwardScanDirection);
}

static void
reader_close(Reader *reader)
{
	systable_endscan_ordered(reader->scan);
	index_close(reader->index, AccessShareLock);
	table_close(reader->rel, AccessShareLock);
}

static uint32
alignment_of(char alignment)
{
	switch (alignment)
	{
		case TYPALIGN_DOUBLE:
			return ALIGNOF_DOUBLE;
		case TYPALIGN_INT:
			return ALIGNOF_INT;
		case TYPALIGN_SHORT:
			return ALIGNOF_SHORT;
		default:
			return 1;
	}
}

/* A column of fixed length that is never NULL needs no statistics. */
static void
column_set(Column *column, Form_pg_attribute form)
{
	*column = (Column) {
		.of = {.width = Max(form->attlen, 0), .alignment = alignment_of(form->attalign), .varying = form->attlen < 0},
		.type = form->atttypid,
		.known = form->attlen > 0 && form->attnotnull
	};
}

static void
column_learn(Column *column, Form_pg_statistic form)
{
	column->known = true;
	column->distinct = form->stadistinct;
	column->of.null_share = form->stanullfrac;
	if (!column->of.varying)
		return;
	column->of.width = form->stawidth;
	/* Short values have a header of one byte, and are not aligned. */
	if (form->stawidth <= VARATT_SHORT_MAX)
		column->of.alignment = 1;
}

/* The next table with its columns and what is known of them; false at the end. */
static bool
next_table(Readers *readers, Table *table)
{
	Form_pg_attribute attribute;
	Form_pg_statistic statistic;

	if (readers->attribute.row == NULL)
		return false;
	table->oid = ((Form_pg_attribute) GETSTRUCT(readers->attribute.row))->attrelid;
	table->count = table->dropped = table->added = 0;
	table->has_rows = false;
	for (; readers->attribute.row != NULL; reader_next(&readers->attribute))
	{
		attribute = (Form_pg_attribute) GETSTRUCT(readers->attribute.row);
		if (attribute->attrelid != table->oid)
			break;
		if (attribute->attnum < 0)
			table->has_rows = true;
		else if (attribute->attnum == table->count + 1 && table->count < MaxHeapAttributeNumber)
		{
			column_set(&table->column[table->count++], attribute);
			table->dropped += attribute->attisdropped;
			table->added += attribute->atthasmissing;
			if (attribute->attisdropped)
				table->column[table->count - 1] = (Column) {.of = {.null_share = 1, .alignment = 1}, .known = true};
		}
	}
	for (; readers->statistic.row != NULL; reader_next(&readers->statistic))
	{
		statistic = (Form_pg_statistic) GETSTRUCT(readers->statistic.row);
		if (statistic->starelid > table->oid)
			break;
		if (statistic->starelid == table->oid && !statistic->stainherit && statistic->staattnum <= table->count)
			column_learn(&table->column[statistic->staattnum - 1], statistic);
	}
	return true;
}

/* What is known of the columns of one row, taken together. */
typedef struct Width
{
	HaBloatColumn column[MaxHeapAttributeNumber];
	int			count;
	int			unknown;
	bool		varying;
	double		without_nulls;	/* share of the rows */
	double		distinct_count;
	double		distinct_share;
	double		null_share;		/* of the only key column */
} Width;

/* Not the columns, which would take long. */
static void
width_reset(Width *width)
{
	width->count = width->unknown = 0;
	width->varying = false;
	width->without_nulls = width->distinct_count = 1;
	width->distinct_share = width->null_share = 0;
}

static void
width_add(Width *width, const Column *column)
{
	width->column[width->count++] = column->of;
	width->unknown += !column->known;
	width->varying |= column->of.varying && column->of.null_share < 1;
	width->without_nulls *= 1 - column->of.null_share;
}

static void
width_add_key(Width *width, const Column *column)
{
	if (column->distinct == 0)
		width->distinct_share = 1;
	else if (column->distinct > 0)
		width->distinct_count *= column->distinct;
	else
		width->distinct_share = Max(width->distinct_share, -column->distinct);
	width->null_share = width->count == 0 ? column->of.null_share : 0;
}

static void
put(FunctionCallInfo fcinfo, Oid relation, const Width *width, double header, bool deduplicates, const Table *table)
{
	HaRow		row = {0};
	double		padding;
	double		bytes = header + ha_bloat_row_bytes(width->column, width->count, &padding);

	ha_row_add(&row, ObjectIdGetDatum(relation));
	ha_row_add(&row, Float8GetDatum(bytes));
	ha_row_add(&row, Float8GetDatum(padding));
	ha_row_add(&row, Int32GetDatum(width->unknown));
	ha_row_add_bool(&row, width->varying);
	ha_row_add(&row, Int32GetDatum(table != NULL ? table->dropped : 0));
	ha_row_add(&row, Int32GetDatum(table != NULL ? table->added : 0));
	ha_row_add(&row, Float8GetDatum(width->distinct_count));
	ha_row_add(&row, Float8GetDatum(width->distinct_share));
	ha_row_add(&row, Float8GetDatum(width->null_share));
	ha_row_add_bool(&row, deduplicates);
	ha_row_put(fcinfo, &row);
}

static void
put_table(FunctionCallInfo fcinfo, const Table *table, Width *width)
{
	double		plain = MAXALIGN(SizeofHeapTupleHeader);
	double		with_nulls = MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(table->count));

	width_reset(width);
	for (int i = 0; i < table->count; i++)
		width_add(width, &table->column[i]);
	put(fcinfo, table->oid, width, plain * width->without_nulls + with_nulls * (1 - width->without_nulls), false,
		table);
}

/* The expression that is column `number` of an index. */
static Column
expression_column(Readers *readers, Oid index, int number)
{
	Column		column = {.of = {.alignment = 1}};
	ScanKeyData key[3];
	SysScanDesc scan;
	HeapTuple	row;

	ScanKeyInit(&key[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(index));
	ScanKeyInit(&key[1], Anum_pg_attribute_attnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(number));
	scan = systable_beginscan(readers->attribute.rel, AttributeRelidNumIndexId, true, NULL, 2, key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		column_set(&column, (Form_pg_attribute) GETSTRUCT(row));
	systable_endscan(scan);
	column.known = false;

	ScanKeyInit(&key[0], Anum_pg_statistic_starelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(index));
	ScanKeyInit(&key[1], Anum_pg_statistic_staattnum, BTEqualStrategyNumber, F_INT2EQ, Int16GetDatum(number));
	ScanKeyInit(&key[2], Anum_pg_statistic_stainherit, BTEqualStrategyNumber, F_BOOLEQ, BoolGetDatum(false));
	scan = systable_beginscan(readers->statistic.rel, StatisticRelidAttnumInhIndexId, true, NULL, 3, key);
	row = systable_getnext(scan);
	if (HeapTupleIsValid(row))
		column_learn(&column, (Form_pg_statistic) GETSTRUCT(row));
	systable_endscan(scan);
	return column;
}

/* As _bt_allequalimage(), but without a call of anybody's function. */
static bool
may_deduplicate(Readers *readers, Form_pg_index form)
{
	TupleDesc	desc = RelationGetDescr(readers->index.rel);
	HeapTuple	row = readers->index.row;
	bool		null;
	oidvector  *classes;
	oidvector  *collations;

	if (form->indisunique || form->indnkeyatts != form->indnatts)
		return false;
	collations = (oidvector *) DatumGetPointer(heap_getattr(row, Anum_pg_index_indcollation, desc, &null));
	classes = (oidvector *) DatumGetPointer(heap_getattr(row, Anum_pg_index_indclass, desc, &null));
	for (int i = 0; i < form->indnkeyatts; i++)
	{
		Oid			type = get_opclass_input_type(classes->values[i]);
		Oid			function = get_opfamily_proc(get_opclass_family(classes->values[i]), type, type, BTEQUALIMAGE_PROC);

		if (function == F_BTVARSTREQUALIMAGE ? !get_collation_isdeterministic(collations->values[i]) :
			function != F_BTEQUALIMAGE)
			return false;
	}
	return true;
}

static void
put_index(FunctionCallInfo fcinfo, Readers *readers, const Table *table, Width *width)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(readers->index.row);
	double		plain = MAXALIGN(sizeof(IndexTupleData));
	double		with_nulls = MAXALIGN(sizeof(IndexTupleData) + sizeof(IndexAttributeBitMapData));

	width_reset(width);
	for (int i = 0; i < form->indnatts; i++)
	{
		int			number = form->indkey.values[i];
		Column		column = {.of = {.alignment = 1}};

		if (number == 0)
			column = expression_column(readers, form->indexrelid, i + 1);
		else if (number > 0 && number <= table->count)
			column = table->column[number - 1];
		/* An index does not store a name with its full length; nobody counts how long they are. */
		if (column.type == NAMEOID)
			column.known = false;
		if (i < form->indnkeyatts)
			width_add_key(width, &column);
		width_add(width, &column);
	}
	put(fcinfo, form->indexrelid, width, plain * width->without_nulls + with_nulls * (1 - width->without_nulls),
		may_deduplicate(readers, form), NULL);
}

/* haops.row_widths(of_indexes boolean) */
Datum
ha_api_row_widths(PG_FUNCTION_ARGS)
{
	bool		of_indexes = PG_GETARG_BOOL(0);
	Readers		readers;
	Table	   *table = palloc(sizeof(Table));
	Width	   *width = palloc(sizeof(Width));
	ScanKeyData from;

	InitMaterializedSRF(fcinfo, 0);
	/* Of the system's own columns one is enough to tell what has rows; the index passes over the others. */
	ScanKeyInit(&from, Anum_pg_attribute_attnum, BTGreaterEqualStrategyNumber, F_INT2GE,
				Int16GetDatum(of_indexes ? 1 : SelfItemPointerAttributeNumber));
	reader_open(&readers.attribute, AttributeRelationId, AttributeRelidNumIndexId, 1, &from);
	reader_open(&readers.statistic, StatisticRelationId, StatisticRelidAttnumInhIndexId, 0, NULL);
	if (of_indexes)
		reader_open(&readers.index, IndexRelationId, IndexIndrelidIndexId, 0, NULL);
	else
		readers.index = (Reader) {0};
	while (next_table(&readers, table))
	{
		CHECK_FOR_INTERRUPTS();
		if (table->has_rows && !of_indexes)
			put_table(fcinfo, table, width);
		for (; readers.index.row != NULL; reader_next(&readers.index))
		{
			Form_pg_index form = (Form_pg_index) GETSTRUCT(readers.index.row);

			if (form->indrelid > table->oid)
				break;
			if (form->indrelid == table->oid)
				put_index(fcinfo, &readers, table, width);
		}
	}
	if (of_indexes)
		reader_close(&readers.index);
	reader_close(&readers.statistic);
	reader_close(&readers.attribute);
	return (Datum) 0;
}
