/*
 * bloat_heap.c: a page of a table, a TOAST table or a materialized view; see bloat_parts.h.
 *
 * Whether a row version is dead is decided as HeapTupleSatisfiesVacuum() does, against the horizon of this table, but
 * without the hint bits that it would write.
 */
#include "server/compat.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/multixact.h"
#include "access/transam.h"
#include "access/tupdesc_details.h"
#include "access/tupmacs.h"
#include "access/xact.h"
#include "api/bloat_parts.h"
#include "storage/procarray.h"

/* What is the same for all pages of a table. */
typedef struct HeapState
{
	TransactionId horizon;		/* what was deleted before it is seen by nobody */
	TransactionId first;		/* no unfrozen row is older */
	TransactionId next;			/* nor as young as this, when the page was read */
	bool		rewritten;		/* a rewrite makes rows of another length: columns were dropped, or added */
} HeapState;

typedef enum RowState
{
	ROW_LIVE,
	ROW_HELD,
	ROW_DEAD
} RowState;

typedef enum XidState
{
	XID_UNKNOWN,				/* running, our own, or a number that can't be right */
	XID_ABORTED,
	XID_COMMITTED
} XidState;

static void
begin(HaBloatSample *sample)
{
	HeapState  *state = palloc0(sizeof(HeapState));
	TupleDesc	desc = RelationGetDescr(sample->rel);

	state->horizon = GetOldestNonRemovableTransactionId(sample->rel);
	state->first = sample->rel->rd_rel->relfrozenxid;
	state->rewritten = desc->constr != NULL && desc->constr->missing != NULL;
	for (int i = 0; i < desc->natts && !state->rewritten; i++)
		state->rewritten = TupleDescAttr(desc, i)->attisdropped;
	sample->state = state;
	sample->reserve = (double) RelationGetTargetPageFreeSpace(sample->rel, HEAP_DEFAULT_FILLFACTOR);
	sample->pack.capacity = BLCKSZ - SizeOfPageHeaderData;
	sample->pack.reserve = sample->reserve;
	if (RecoveryInProgress())
		snprintf(sample->note, sizeof(sample->note), "%s",
				 "a standby: what is dead here may still be held by a session of the primary");
}

/* Never asks for a number outside of what the commit log holds, which would be an error. */
static XidState
xid_state(const HeapState *state, TransactionId xid)
{
	if (!TransactionIdIsNormal(xid))
		return xid == InvalidTransactionId ? XID_UNKNOWN : XID_COMMITTED;
	if (TransactionIdPrecedes(xid, state->first) || !TransactionIdPrecedes(xid, state->next) ||
		TransactionIdIsCurrentTransactionId(xid) || TransactionIdIsInProgress(xid))
		return XID_UNKNOWN;
	return TransactionIdDidCommit(xid) ? XID_COMMITTED : XID_ABORTED;
}

/* Who deleted or updated the row; InvalidTransactionId: nobody, it is locked at most. */
static TransactionId
deleter(HeapTupleHeader row)
{
	MultiXactId oldest;
	MultiXactId next;
	MultiXactId multi = HeapTupleHeaderGetRawXmax(row);

	if ((row->t_infomask & HEAP_XMAX_INVALID) != 0 || HEAP_XMAX_IS_LOCKED_ONLY(row->t_infomask))
		return InvalidTransactionId;
	if ((row->t_infomask & HEAP_XMAX_IS_MULTI) == 0)
		return multi;
	ReadMultiXactIdRange(&oldest, &next);
	if (HEAP_LOCKED_UPGRADED(row->t_infomask) || MultiXactIdPrecedes(multi, oldest) ||
		!MultiXactIdPrecedes(multi, next))
		return InvalidTransactionId;
	return HeapTupleGetUpdateXid(row);
}

static RowState
row_state(const HeapState *state, HeapTupleHeader row)
{
	TransactionId xmax;

	if (HeapTupleHeaderXminInvalid(row))
		return ROW_DEAD;
	if (!HeapTupleHeaderXminCommitted(row))
	{
		XidState	inserted = (row->t_infomask & HEAP_MOVED) != 0 ? XID_UNKNOWN :
			xid_state(state, HeapTupleHeaderGetRawXmin(row));

		if (inserted != XID_COMMITTED)
			return inserted == XID_ABORTED ? ROW_DEAD : ROW_LIVE;
	}
	xmax = deleter(row);
	if (!TransactionIdIsNormal(xmax))
		return ROW_LIVE;
	if ((row->t_infomask & (HEAP_XMAX_COMMITTED | HEAP_XMAX_IS_MULTI)) != HEAP_XMAX_COMMITTED &&
		xid_state(state, xmax) != XID_COMMITTED)
		return ROW_LIVE;
	return TransactionIdPrecedes(xmax, state->horizon) ? ROW_DEAD : ROW_HELD;
}

/* Bytes of the value at `value`, of which `room` are on the page; 0: it does not fit, which no value does. */
static uint32
value_bytes(int16 length, const char *value, uint32 room)
{
	const char *end;
	uint32		bytes = 0;

	if (length > 0)
		bytes = length;
	else if (length == -2)
	{
		end = memchr(value, '\0', room);
		bytes = end == NULL ? 0 : (uint32) (end - value) + 1;
	}
	else if (room > 0 && VARATT_IS_1B_E(value))
		bytes = room >= VARHDRSZ_EXTERNAL && VARTAG_1B_E(value) == VARTAG_ONDISK ? VARSIZE_EXTERNAL(value) : 0;
	else if (room > 0 && VARATT_IS_1B(value))
		bytes = VARSIZE_1B(value);
	else if (room >= VARHDRSZ)
		bytes = Max(VARSIZE_4B(value), VARHDRSZ);
	return bytes <= room ? bytes : 0;
}

/* The columns of one row, as they are and as a rewrite would store them. */
typedef struct RowWalk
{
	uint32		offset;			/* from the first column on */
	uint32		rewritten;		/* the same in the new row */
	uint32		padding;
	uint32		dropped;
	bool		nulls;			/* the new row has NULLs */
} RowWalk;

static bool
walk_column(RowWalk *walk, Form_pg_attribute column, const char *data, uint32 length)
{
	uint32		start = walk->offset;
	uint32		bytes;

	/* A short value begins where the last one ended; the byte is 0 only where a gap is. */
	if (column->attlen != -1 || start >= length || data[start] == 0)
		start = att_align_nominal(start, column->attalign);
	bytes = start < length ? value_bytes(column->attlen, data + start, length - start) : 0;
	if (bytes == 0)
		return false;
	if (column->attisdropped)
	{
		walk->dropped += start + bytes - walk->offset;
		walk->nulls = true;
	}
	else
	{
		walk->padding += start - walk->offset;
		if (column->attlen != -1 || !VARATT_NOT_PAD_BYTE(data + start) || VARATT_IS_4B(data + start))
			walk->rewritten = att_align_nominal(walk->rewritten, column->attalign);
		walk->rewritten += bytes;
	}
	walk->offset = start + bytes;
	return true;
}

/* A column that was added after the row was written: its default is stored with a rewrite. */
static void
walk_missing(RowWalk *walk, TupleDesc desc, int i)
{
	Form_pg_attribute column = TupleDescAttr(desc, i);
	const AttrMissing *missing = desc->constr != NULL ? desc->constr->missing : NULL;
	bool		there = missing != NULL && column->atthasmissing && missing[i].am_present && !column->attisdropped;

	if (!there)
	{
		walk->nulls = true;
		return;
	}
	if (column->attlen != -1 || VARSIZE_ANY(DatumGetPointer(missing[i].am_value)) > VARATT_SHORT_MAX)
		walk->rewritten = att_align_nominal(walk->rewritten, column->attalign);
	walk->rewritten += column->attlen > 0 ? (uint32) column->attlen :
		VARSIZE_ANY(DatumGetPointer(missing[i].am_value));
}

/* False: the columns do not fit into the row. */
static bool
walk_row(RowWalk *walk, TupleDesc desc, HeapTupleHeader row, uint32 length)
{
	const char *data = (char *) row + row->t_hoff;
	int			count = HeapTupleHeaderGetNatts(row);
	bool		nulls = (row->t_infomask & HEAP_HASNULL) != 0;

	if (nulls && row->t_hoff < SizeofHeapTupleHeader + BITMAPLEN(count))
		return false;
	for (int i = 0; i < desc->natts; i++)
	{
		if (i >= count)
			walk_missing(walk, desc, i);
		else if (nulls && att_isnull(i, row->t_bits))
			walk->nulls = true;
		else if (!walk_column(walk, TupleDescAttr(desc, i), data, length - row->t_hoff))
			return false;
	}
	return true;
}

/* A live row; returns its bytes on a page after a rewrite, below 0 for a damaged one. */
static double
live_row(const HeapState *state, TupleDesc desc, HeapTupleHeader row, uint32 length, HaBloatBytes *b)
{
	RowWalk		walk = {0};
	uint32		header = SizeofHeapTupleHeader;

	if (row->t_hoff < SizeofHeapTupleHeader || row->t_hoff > length || row->t_hoff != MAXALIGN(row->t_hoff) ||
		!walk_row(&walk, desc, row, length))
		return -1;
	walk.padding += MAXALIGN(length) - length;
	b->padding += walk.padding;
	b->dropped += walk.dropped;
	b->live += ha_bloat_item_bytes(length) - walk.padding - walk.dropped;
	if (!state->rewritten)
		return ha_bloat_item_bytes(length);
	if (walk.nulls)
		header += BITMAPLEN(desc->natts);
	return ha_bloat_item_bytes(MAXALIGN(header) + walk.rewritten);
}

static double
heap_item(HaBloatSample *sample, Page page, OffsetNumber number, HaBloatBytes *b)
{
	const HeapState *state = sample->state;
	uint32		length = ItemIdGetLength(PageGetItemId(page, number));
	HeapTupleHeader row = ha_bloat_item(page, number, SizeofHeapTupleHeader);
	double		kept;

	if (row == NULL)
		return -1;
	switch (row_state(state, row))
	{
		case ROW_DEAD:
			b->dead += ha_bloat_item_bytes(length);
			return 0;
		case ROW_HELD:
			b->held += ha_bloat_item_bytes(length);
			kept = ha_bloat_item_bytes(length);
			break;
		default:
			kept = live_row(state, RelationGetDescr(sample->rel), row, length, b);
	}
	return kept;
}

static double
heap_page(HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *b)
{
	OffsetNumber count = PageGetMaxOffsetNumber(page);
	double		kept = 0;

	((HeapState *) sample->state)->next = ReadNextTransactionId();
	b->live = SizeOfPageHeaderData;
	for (OffsetNumber number = FirstOffsetNumber; number <= count; number++)
	{
		ItemId		id = PageGetItemId(page, number);
		double		bytes = 0;

		if (ItemIdIsRedirected(id))
			b->live += sizeof(ItemIdData);
		else if (ItemIdIsDead(id))
			b->dead += sizeof(ItemIdData);
		else if (ItemIdIsNormal(id))
			bytes = heap_item(sample, page, number, b);
		if (bytes < 0)
			return -1;
		if (bytes > 0)
			ha_bloat_pack(&sample->pack, bytes);
		kept += bytes;
	}
	return kept;
}

static double
rebuilt_pages(HaBloatSample *sample)
{
	return ha_bloat_pack_pages(&sample->pack, sample->pages_read == sample->pages) * ha_bloat_scale(sample);
}

const HaBloatMethod ha_bloat_heap = {.begin = begin, .page = heap_page, .rebuilt_pages = rebuilt_pages};
