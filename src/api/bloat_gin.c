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

/* The tree of keys after a build: a little less than half full, or more when it was built from many parts. */
#define KEYS_DENSITY_LEAST 0.48
#define KEYS_DENSITY_MOST 0.72

/* A leaf of a tree of row pointers after a build. */
#define LEAF_DENSITY 0.975

typedef struct GinSums
{
	double		keys;			/* bytes of the tree of keys */
	double		squares;		/* of these entries, the sum of the squares of their bytes */
	uint64		trees;			/* keys that have a tree of row pointers */
	uint64		roots;			/* inner pages of these trees: those of one leaf have none */
	double		pointers;		/* bytes of their leaves */
	double		last;			/* of these, in the last leaf of a tree */
	double		last_short;		/* of these, in leaves so short that they would fit into the tree of keys */
	uint64		last_long;		/* and the number of the others */
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
	if (!GinPageIsLeaf(page))
		state->roots++;
	else
		state->pointers += bytes;
	if (GinPageIsLeaf(page) && GinPageRightMost(page))
	{
		state->last += bytes;
		if (bytes > GinMaxItemSize)
			state->last_long++;
		else
			state->last_short += bytes;
	}
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

/*
 * Pages for trees of row pointers, in as many pages as were read. A tree of one leaf stays one, or goes into the tree
 * of keys when its pointers have become few; the leaves of the others are filled almost to the end, but for the last,
 * and have a root. Which of both a last leaf belongs to can't be seen, only how many there are of each.
 */
static double
tree_pages(const GinSums *state, double *keys)
{
	double		single = state->trees > state->roots ? 1 - (double) state->roots / state->trees : 0;
	double		rest = Max(state->pointers - single * state->last, 0);
	double		one = state->roots > 0 ? rest / state->roots : 0;
	double		pages = single * state->last_long;

	*keys += single * state->last_short;
	if (one > GinDataPageMaxDataSize)
		pages += rest / (GinDataPageMaxDataSize * LEAF_DENSITY) + 1.5 * state->roots;
	else if (one > GinMaxItemSize)
		pages += state->roots;
	else
		*keys += rest;
	return pages;
}

static double
rebuilt_pages(HaBloatSample *sample)
{
	const GinSums *state = sample->state;
	double		scale = ha_bloat_scale(sample);
	double		capacity = BLCKSZ - SizeOfPageHeaderData - sizeof(GinPageOpaqueData);
	double		keys = state->keys + state->pending;
	double		pages = 1 + tree_pages(state, &keys) * scale;

	if (state->pending > 0)
		snprintf(sample->note, sizeof(sample->note), "about %.0f bytes wait in the pending list",
				 state->pending * scale);
	keys *= scale / capacity;
	sample->pages_most = Min(pages + Max(keys / KEYS_DENSITY_LEAST, 1), sample->pages);
	sample->pages_least = pages + Max(keys / KEYS_DENSITY_MOST, 1);
	return pages + Max(keys / keys_density(state, capacity), 1);
}

const HaBloatMethod ha_bloat_gin = {
	.special_bytes = MAXALIGN(sizeof(GinPageOpaqueData)),
	.begin = begin,
	.page = gin_page,
	.rebuilt_pages = rebuilt_pages
};
