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

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "common/hashfn.h"
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

typedef struct ScanEntry
{
	Oid			table;
	uint32		last;			/* 1 + number of the table's last sketch */
	char		status;
	bool		found;			/* some of its indexes are */
	uint16		count;			/* of its sketches, up to COMPARED */
} ScanEntry;

#define SH_PREFIX scan
#define SH_ELEMENT_TYPE ScanEntry
#define SH_KEY_TYPE Oid
#define SH_KEY table
#define SH_HASH_KEY(tb, key) murmurhash32(key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

struct HaIndexScan
{
	HaIndexReader *reader;
	Relation	catalog;
	Snapshot	snapshot;		/* all rows are read with it */
	TupleTableSlot *slot;
	MemoryContext context;		/* of what is kept */
	scan_hash  *tables;
	ScanEntry  *last;			/* of the row before: the rows of a table mostly stand together */
	Sketch	   *sketch;
	uint32		count;
	uint32		room;
	Oid		   *found;			/* tables, in the order of their numbers */
	uint32		found_count;
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

static ScanEntry *
entry_of(HaIndexScan *scan, Oid table)
{
	bool		known;

	if (scan->last != NULL && scan->last->table == table)
		return scan->last;
	scan->last = scan_insert(scan->tables, table, &known);
	if (!known)
	{
		scan->last->last = scan->last->count = 0;
		scan->last->found = false;
	}
	return scan->last;
}

/* Compares an index with those of its table before it. */
static void
compare(HaIndexScan *scan, ScanEntry *entry, Sketch *index)
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
	ScanEntry  *entry;

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
compare_oids(const void *a, const void *b)
{
	Oid			left = *(const Oid *) a;
	Oid			right = *(const Oid *) b;

	return left < right ? -1 : left > right;
}

static void
list_found(HaIndexScan *scan)
{
	scan_iterator iterator;
	ScanEntry  *entry;

	scan->found = MemoryContextAllocHuge(scan->context, sizeof(Oid) * (scan->tables->members + 1));
	scan_start_iterate(scan->tables, &iterator);
	while ((entry = scan_iterate(scan->tables, &iterator)) != NULL)
	{
		if (entry->found)
			scan->found[scan->found_count++] = entry->table;
	}
	qsort(scan->found, scan->found_count, sizeof(Oid), compare_oids);
}

HaIndexScan *
ha_index_scan_begin(HaIndexReader *reader)
{
	HaIndexScan *scan = palloc0(sizeof(HaIndexScan));
	SysScanDesc rows;
	HeapTuple	tuple;
	double		expected;

	scan->reader = reader;
	scan->context = AllocSetContextCreate(CurrentMemoryContext, "pg_haops indexes", ALLOCSET_DEFAULT_SIZES);
	scan->catalog = table_open(IndexRelationId, AccessShareLock);
	expected = Max(Min(scan->catalog->rd_rel->reltuples, 1e6), 1024);
	scan->snapshot = RegisterSnapshot(GetCatalogSnapshot(IndexRelationId));
	scan->slot = table_slot_create(scan->catalog, NULL);
	scan->tables = scan_create(scan->context, (uint32) expected / 2, NULL);
	scan->room = 4096;
	scan->sketch = MemoryContextAlloc(scan->context, sizeof(Sketch) * scan->room);
	rows = systable_beginscan(scan->catalog, InvalidOid, false, scan->snapshot, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(rows)))
	{
		CHECK_FOR_INTERRUPTS();
		add(scan, tuple);
	}
	systable_endscan(rows);
	list_found(scan);
	return scan;
}

/* ---- The tables found ---- */

/* The rows of those of the table's indexes that were found, as they stand, in the current memory context. */
static HeapTuple *
read_rows(HaIndexScan *scan, const ScanEntry *entry, int *count)
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
	if (scan->next == scan->found_count)
		return false;
	*table = scan->found[scan->next++];
	*tuple = read_rows(scan, scan_lookup(scan->tables, *table), count);
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
