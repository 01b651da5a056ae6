/*
 * bloat_gin.c: a page of a GIN index; see bloat_parts.h.
 *
 * A GIN index is a tree of keys, whose leaves hold the row pointers of a key as long as they are few, and a tree of
 * nothing but row pointers for each key that has many. VACUUM takes row pointers away, never a key: a key without any
 * is dead, and only a REINDEX gets rid of it.
 */
#include "server/compat.h"

#include "access/gin_private.h"
#include "access/ginblock.h"
#include "access/itup.h"
#include "api/bloat_parts.h"

/* How dense the tree of keys may become at most: when it was built from many parts. */
#define KEYS_DENSITY_MOST 0.72

typedef struct GinSums
{
	double		keys;			/* bytes of the tree of keys */
	double		squares;		/* of these entries, the sum of the squares of their bytes */
	double		pointers;		/* bytes of leaves of trees of row pointers */
	uint64		trees;			/* of these, so many */
	double		pending;		/* bytes of the pending list */
} GinSums;

static void
begin(HaBloatSample *sample)
{
	sample->state = palloc0(sizeof(GinSums));
}

/* A tree of row pointers: its leaves are packed to the end by a build. */
static double
data_page(GinSums *state, Page page, HaBloatBytes *b)
{
	PageHeader	header = (PageHeader) page;
	double		head = MAXALIGN(SizeOfPageHeaderData) + MAXALIGN(sizeof(ItemPointerData)) + sizeof(GinPageOpaqueData);
	double		bytes;

	if (!GinPageIsLeaf(page))
		bytes = (double) GinPageGetOpaque(page)->maxoff * sizeof(PostingItem);
	else if (GinPageIsCompressed(page))
		bytes = header->pd_lower - MAXALIGN(SizeOfPageHeaderData) - (double) MAXALIGN(sizeof(ItemPointerData));
	else
		bytes = (double) GinPageGetOpaque(page)->maxoff * sizeof(ItemPointerData);
	if (bytes < 0 || bytes > GinDataPageMaxDataSize)
		return -1;
	b->live = head + bytes;
	if (GinPageIsLeaf(page))
		state->pointers += bytes;
	return bytes;
}

/* The tree of keys; a leaf's entry has no row pointer, or some, or a tree of them. */
static double
entry_page(GinSums *state, Page page, HaBloatBytes *b)
{
	OffsetNumber count = PageGetMaxOffsetNumber(page);
	double		kept = 0;

	for (OffsetNumber number = FirstOffsetNumber; number <= count; number++)
	{
		IndexTuple	entry = ha_bloat_item(page, number, sizeof(IndexTupleData));
		double		bytes = ha_bloat_item_bytes(ItemIdGetLength(PageGetItemId(page, number)));

		if (entry == NULL)
			return -1;
		if (GinPageIsLeaf(page) && GinGetNPosting(entry) == 0)
			b->dead += bytes;
		else
		{
			kept += bytes;
			state->squares += bytes * bytes;
		}
		if (GinPageIsLeaf(page) && GinIsPostingTree(entry))
			state->trees++;
	}
	b->live = SizeOfPageHeaderData + sizeof(GinPageOpaqueData) + kept;
	state->keys += kept;
	return kept;
}

static double
gin_page(HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *b)
{
	GinSums   *state = sample->state;
	uint16		flags = GinPageGetOpaque(page)->flags;
	uint64		rows = 0;

	if ((flags & GIN_META) != 0)
	{
		b->live = BLCKSZ;
		return BLCKSZ;
	}
	if ((flags & GIN_DELETED) != 0)
	{
		b->deleted = BLCKSZ;
		return 0;
	}
	if ((flags & GIN_LIST) != 0)
	{
		rows = (uint64) (((PageHeader) page)->pd_special - ((PageHeader) page)->pd_upper);
		b->live = BLCKSZ - PageGetExactFreeSpace(page);
		state->pending += rows;
		return rows;
	}
	return (flags & GIN_DATA) != 0 ? data_page(state, page, b) : entry_page(state, page, b);
}

/*
 * A build adds the keys in order, and splits a page that is full in its middle: its left half is never touched again.
 * So the tree of keys is half full, and fuller by as much as an entry of the usual size sticks out beyond the middle.
 */
static double
keys_density(const GinSums *state, double capacity)
{
	return 0.5 + Min(state->keys > 0 ? state->squares / state->keys / capacity : 0, 0.2);
}

/* A key whose row pointers have become few has them in the tree of keys again. */
static double
rebuilt_pages(HaBloatSample *sample)
{
	const GinSums *state = sample->state;
	double		scale = ha_bloat_scale(sample);
	double		capacity = BLCKSZ - SizeOfPageHeaderData - sizeof(GinPageOpaqueData);
	double		keys = (state->keys + state->pending) * scale / capacity;
	double		pointers = state->pointers * scale;
	double		trees = state->trees * scale;
	double		pages = 1;

	if (trees > 0 && pointers / trees > GinMaxItemSize)
		pages += pointers / GinDataPageMaxDataSize + trees / 2;
	else
		keys += pointers / capacity;
	if (state->pending > 0)
		snprintf(sample->note, sizeof(sample->note), "about %.0f bytes wait in the pending list",
				 state->pending * scale);
	sample->pages_most = Min(pages + Max(keys / 0.48, 1), sample->pages);
	sample->pages_least = pages + Max(keys / KEYS_DENSITY_MOST, 1);
	return pages + Max(keys / keys_density(state, capacity), 1);
}

const HaBloatMethod ha_bloat_gin = {
	.special_bytes = MAXALIGN(sizeof(GinPageOpaqueData)),
	.begin = begin,
	.page = gin_page,
	.rebuilt_pages = rebuilt_pages
};
