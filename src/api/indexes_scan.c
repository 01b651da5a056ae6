/*
 * indexes_scan.c: the tables of which an index might cover another one (see indexes_parts.h).
 *
 * Nearly all tables have none, and that is seen from the first columns of their keys. So all of pg_index is read once,
 * in the order of its pages, a few bytes of each row are kept and compared with those of the same table; nothing else
 * is looked up. Whatever is compared here holds of each index and the one that covers it (ops/redundant.h), so that all
 * of these are among those found; ops/redundant decides.
 */
#include "server/compat.h"

#include "api/indexes_parts.h"
#include "api/oidmap.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "executor/tuptable.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define KEYS 4					/* columns that are kept of a key */
#define COMPARED 64				/* indexes of a table that are compared; of more, all are found */

/* An index that queries can use. */
typedef struct Sketch
{
	ItemPointerData place;		/* of its row */
	int16		key[KEYS];		/* the first columns, 0 = an expression */
	int16		key_count;
	bool		unique;
	bool		kept;			/* never covered, as far as pg_index knows */
	bool		partial;
	bool		found;			/* it might cover another one, or be covered */
	uint8		kind;			/* HaIndexKind */
	Oid			method;
	uint32		before;			/* 1 + number of the table's one before it, 0 = none */
} Sketch;

typedef struct TableEntry
{
	Oid			table;
	uint32		last;			/* 1 + number of the table's last sketch */
	bool		found;			/* some of its indexes are */
	uint16		count;			/* of its sketches, up to COMPARED */
} TableEntry;

struct HaIndexScan
{
	HaIndexReader *reader;
	Relation	catalog;
	Snapshot	snapshot;		/* all rows are read with it */
	TupleTableSlot *slot;
	MemoryContext context;		/* of what is kept */
	HaOidMap   *places;			/* of tables in entry[] */
	TableEntry *entry;
	uint32		entry_count;
	uint32		entry_room;
	Sketch	   *sketch;
	uint32		count;
	uint32		room;
	uint32		found_count;	/* after begin: tables found, the only ones in entry[], by their numbers */
	uint32		next;
};

/* ---- Might one cover the other? ---- */

static bool
has_column(const Sketch *index, int16 column)
{
	if (index->key_count > KEYS)
		return true;			/* perhaps among those that are not kept */
	for (int i = 0; i < index->key_count; i++)
	{
		if (index->key[i] == column)
			return true;
	}
	return false;
}

/* Might b's key serve as a's? */
static bool
may_serve(const Sketch *a, const Sketch *b)
{
	if (a->key_count > b->key_count || (a->kind == HA_INDEX_EXACT && a->key_count != b->key_count))
		return false;
	for (int i = 0; i < Min(a->key_count, KEYS); i++)
	{
		if (a->kind == HA_INDEX_SET ? !has_column(b, a->key[i]) : a->key[i] != b->key[i])
			return false;
	}
	return true;
}

static bool
may_cover(const Sketch *a, const Sketch *b)
{
	return !a->kept && a->method == b->method && a->partial == b->partial &&
		(!a->unique || (b->unique && a->key_count == b->key_count)) && may_serve(a, b);
}

/* ---- All of pg_index ---- */

/* The vectors of a row come one behind the other; they are never NULL and never stored otherwise. */
static Oid
first_class(Form_pg_index form)
{
	char	   *place = (char *) &form->indkey;

	place = (char *) INTALIGN(place + VARSIZE(place));	/* indcollation */
	place = (char *) INTALIGN(place + VARSIZE(place));	/* indclass */
	return ((oidvector *) place)->dim1 > 0 ? ((oidvector *) place)->values[0] : InvalidOid;
}

static void
sketch(HaIndexScan *scan, HeapTuple tuple, Sketch *index)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);

	index->place = tuple->t_self;
	index->key_count = form->indnkeyatts;
	for (int i = 0; i < KEYS; i++)
		index->key[i] = i < form->indnkeyatts ? form->indkey.values[i] : 0;
	index->unique = form->indisunique;
	index->kept = form->indisprimary || form->indisexclusion || form->indisreplident;
	index->partial = !heap_attisnull(tuple, Anum_pg_index_indpred, RelationGetDescr(scan->catalog));
	index->kind = (uint8) ha_indexes_kind(scan->reader, first_class(form), &index->method);
}

static TableEntry *
entry_of(HaIndexScan *scan, Oid table)
{
	uint32	   *place = ha_oidmap_at(scan->places, table);
	TableEntry *entry;

	if (*place > 0)
		return &scan->entry[*place - 1];
	if (scan->entry_count == scan->entry_room)
	{
		scan->entry_room *= 2;
		scan->entry = repalloc_huge(scan->entry, sizeof(TableEntry) * scan->entry_room);
	}
	entry = &scan->entry[scan->entry_count];
	*place = ++scan->entry_count;
	entry->table = table;
	entry->last = entry->count = 0;
	entry->found = false;
	return entry;
}

/* Compares an index with those of its table before it. */
static void
compare(HaIndexScan *scan, TableEntry *entry, Sketch *index)
{
	for (uint32 i = index->before; i > 0 && entry->count < COMPARED; i = scan->sketch[i - 1].before)
	{
		Sketch	   *other = &scan->sketch[i - 1];

		if (may_cover(index, other) || may_cover(other, index))
			index->found = other->found = entry->found = true;
	}
	entry->found = entry->found || entry->count == COMPARED;
}

static void
add(HaIndexScan *scan, HeapTuple tuple)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Sketch	   *index;
	TableEntry *entry;

	if (form->indrelid < FirstNormalObjectId || !form->indisvalid || !form->indisready || !form->indislive)
		return;
	if (scan->count == scan->room)
	{
		scan->room *= 2;
		scan->sketch = repalloc_huge(scan->sketch, sizeof(Sketch) * scan->room);
	}
	index = &scan->sketch[scan->count];
	sketch(scan, tuple, index);
	entry = entry_of(scan, form->indrelid);
	index->before = entry->last;
	index->found = false;
	compare(scan, entry, index);
	entry->last = ++scan->count;
	entry->count = Min(entry->count + 1, COMPARED);
}

static int
compare_tables(const void *a, const void *b)
{
	Oid			left = ((const TableEntry *) a)->table;
	Oid			right = ((const TableEntry *) b)->table;

	return left < right ? -1 : left > right;
}

/* Those that were found move to the front. */
static void
keep_found(HaIndexScan *scan)
{
	for (uint32 i = 0; i < scan->entry_count; i++)
	{
		if (scan->entry[i].found)
			scan->entry[scan->found_count++] = scan->entry[i];
	}
	qsort(scan->entry, scan->found_count, sizeof(TableEntry), compare_tables);
}

HaIndexScan *
ha_index_scan_begin(HaIndexReader *reader)
{
	HaIndexScan *scan = palloc0(sizeof(HaIndexScan));
	SysScanDesc rows;
	HeapTuple	tuple;
	MemoryContext before;

	scan->reader = reader;
	scan->context = AllocSetContextCreate(CurrentMemoryContext, "pg_haops indexes", ALLOCSET_DEFAULT_SIZES);
	scan->catalog = table_open(IndexRelationId, AccessShareLock);
	scan->snapshot = RegisterSnapshot(GetCatalogSnapshot(IndexRelationId));
	scan->slot = table_slot_create(scan->catalog, NULL);
	before = MemoryContextSwitchTo(scan->context);
	scan->places = ha_oidmap_create();
	scan->room = scan->entry_room = 4096;
	scan->entry = palloc(sizeof(TableEntry) * scan->entry_room);
	scan->sketch = palloc(sizeof(Sketch) * scan->room);
	MemoryContextSwitchTo(before);
	rows = systable_beginscan(scan->catalog, InvalidOid, false, scan->snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(rows)))
	{
		CHECK_FOR_INTERRUPTS();
		add(scan, tuple);
	}
	systable_endscan(rows);
	keep_found(scan);
	return scan;
}

/* ---- The tables found ---- */

/* The rows of those of the table's indexes that were found, as they stand, in the current memory context. */
static HeapTuple *
read_rows(HaIndexScan *scan, const TableEntry *entry, int *count)
{
	HeapTuple  *tuple;
	int			room = 0;

	for (uint32 i = entry->last; i > 0; i = scan->sketch[i - 1].before)
		room++;
	tuple = palloc(sizeof(HeapTuple) * room);
	*count = 0;
	for (uint32 i = entry->last; i > 0; i = scan->sketch[i - 1].before)
	{
		if ((scan->sketch[i - 1].found || entry->count == COMPARED) &&
			table_tuple_fetch_row_version(scan->catalog, &scan->sketch[i - 1].place, scan->snapshot, scan->slot))
			tuple[room - ++*count] = ExecCopySlotHeapTuple(scan->slot);
	}
	ExecClearTuple(scan->slot);
	return tuple + room - *count;	/* the last one was read first */
}

bool
ha_index_scan_next(HaIndexScan *scan, Oid *table, HeapTuple **tuple, int *count)
{
	const TableEntry *entry;

	if (scan->next == scan->found_count)
		return false;
	entry = &scan->entry[scan->next++];
	*table = entry->table;
	*tuple = read_rows(scan, entry, count);
	return true;
}

void
ha_index_scan_end(HaIndexScan *scan)
{
	ExecDropSingleTupleTableSlot(scan->slot);
	UnregisterSnapshot(scan->snapshot);
	table_close(scan->catalog, AccessShareLock);
	MemoryContextDelete(scan->context);
}
