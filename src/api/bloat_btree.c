/*
 * bloat_btree.c: a page of a btree; see bloat_parts.h.
 *
 * How an index would look after REINDEX is found by building it: the entries read go, with their duplicates merged as
 * PostgreSQL merges them, onto pages filled as PostgreSQL fills them. So neither deduplication nor large keys make an
 * error.
 */
#include "server/compat.h"

#include "access/nbtree.h"
#include "api/bloat_parts.h"

typedef struct BtreeState
{
	bool		deduplicates;
	uint64		leaves;			/* live ones that were read */
} BtreeState;

/* Entries with one key, one behind the other on a page. */
typedef struct Group
{
	IndexTuple	first;
	uint32		base;			/* bytes of the key with its header */
	uint32		pointers;
} Group;

static void
begin(HaBloatSample *sample)
{
	BtreeState *state = palloc0(sizeof(BtreeState));
	PGAlignedBlock copy;
	const BTMetaPageData *meta = BTPageGetMeta((Page) copy.data);

	sample->state = state;
	ha_bloat_copy_page(sample, BTREE_METAPAGE, copy.data);
	state->deduplicates = meta->btm_magic == BTREE_MAGIC && meta->btm_version >= BTREE_NOVAC_VERSION &&
		meta->btm_allequalimage && !sample->rel->rd_index->indisunique && BTGetDeduplicateItems(sample->rel);
	sample->reserve = BTGetTargetPageFreeSpace(sample->rel);
	sample->pack.capacity = BLCKSZ - SizeOfPageHeaderData - sizeof(BTPageOpaqueData) - sizeof(ItemIdData);
	sample->pack.reserve = sample->reserve;
	sample->pack.btree = true;
	sample->inner = sample->pack;
	sample->inner.reserve = BLCKSZ * (100 - BTREE_NONLEAF_FILLFACTOR) / 100;
}

/* Puts the group onto the pages of the new index; returns the bytes. */
static double
close_group(HaBloatSample *sample, Group *group)
{
	const BtreeState *state = sample->state;
	uint32		most = state->deduplicates ? ha_bloat_posting_max(group->base, BLCKSZ) : 1;
	double		total = 0;

	while (group->pointers > 0)
	{
		uint32		pointers = Min(group->pointers, most);
		double		bytes = ha_bloat_posting_bytes(group->base, pointers);

		ha_bloat_pack(&sample->pack, bytes);
		total += bytes;
		group->pointers -= pointers;
	}
	return total;
}

/* An entry of a leaf; false: it is damaged. */
static bool
add_entry(HaBloatSample *sample, IndexTuple entry, uint32 length, Group *group, double *kept)
{
	uint32		base = length;
	uint32		pointers = 1;

	if (IndexTupleSize(entry) > length || BTreeTupleIsPivot(entry))
		return false;
	if (BTreeTupleIsPosting(entry))
	{
		base = BTreeTupleGetPostingOffset(entry);
		pointers = BTreeTupleGetNPosting(entry);
		if (base < sizeof(IndexTupleData) || base + pointers * sizeof(ItemPointerData) > length)
			return false;
	}
	if (group->pointers > 0 && group->base == base && IndexTupleHasNulls(group->first) == IndexTupleHasNulls(entry) &&
		memcmp((char *) group->first + sizeof(IndexTupleData), (char *) entry + sizeof(IndexTupleData),
			   base - sizeof(IndexTupleData)) == 0)
	{
		group->pointers += pointers;
		return true;
	}
	*kept += close_group(sample, group);
	*group = (Group) {.first = entry, .base = base, .pointers = pointers};
	return true;
}

static double
leaf_page(HaBloatSample *sample, Page page, OffsetNumber first, HaBloatBytes *b)
{
	OffsetNumber count = PageGetMaxOffsetNumber(page);
	Group		group = {0};
	double		kept = 0;

	for (OffsetNumber number = first; number <= count; number++)
	{
		ItemId		id = PageGetItemId(page, number);
		IndexTuple	entry = ha_bloat_item(page, number, sizeof(IndexTupleData));

		if (entry == NULL)
			return -1;
		if (ItemIdIsDead(id))
			b->dead += ha_bloat_item_bytes(ItemIdGetLength(id));
		else if (add_entry(sample, entry, ItemIdGetLength(id), &group, &kept))
			b->live += ha_bloat_item_bytes(ItemIdGetLength(id));
		else
			return -1;
	}
	kept += close_group(sample, &group);
	((BtreeState *) sample->state)->leaves++;
	return kept;
}

static double
inner_page(HaBloatSample *sample, Page page, OffsetNumber first, HaBloatBytes *b)
{
	OffsetNumber count = PageGetMaxOffsetNumber(page);
	double		kept = 0;

	for (OffsetNumber number = first; number <= count; number++)
	{
		double		bytes = ha_bloat_item_bytes(ItemIdGetLength(PageGetItemId(page, number)));

		if (ha_bloat_item(page, number, sizeof(IndexTupleData)) == NULL)
			return -1;
		ha_bloat_pack(&sample->inner, bytes);
		b->live += bytes;
		kept += bytes;
	}
	return kept;
}

static double
btree_page(HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *b)
{
	BTPageOpaque opaque = BTPageGetOpaque(page);
	OffsetNumber first = P_FIRSTDATAKEY(opaque);

	if (P_ISMETA(opaque))
	{
		b->live = BLCKSZ;
		return BLCKSZ;
	}
	if (P_IGNORE(opaque))
	{
		b->deleted = BLCKSZ;
		return 0;
	}
	b->live = SizeOfPageHeaderData + sizeof(BTPageOpaqueData);
	if (!P_RIGHTMOST(opaque) && PageGetMaxOffsetNumber(page) >= P_HIKEY)
		b->live += ha_bloat_item_bytes(ItemIdGetLength(PageGetItemId(page, P_HIKEY)));
	return P_ISLEAF(opaque) ? leaf_page(sample, page, first, b) : inner_page(sample, page, first, b);
}

/* The meta page, the leaves, and inner pages as many as so many leaves need. */
static double
rebuilt_pages(HaBloatSample *sample)
{
	const BtreeState *state = sample->state;
	bool		exact = sample->pages_read == sample->pages;
	double		leaves = ha_bloat_pack_pages(&sample->pack, exact);
	double		inner = ha_bloat_pack_pages(&sample->inner, exact);

	if (state->leaves == 0)
		return sample->bytes.deleted > 0 ? 1 : sample->pages;
	inner *= Min(leaves / state->leaves, 1);
	if (exact && inner > 0)
		inner = leaves <= 1 ? 0 : Max(inner, 1);
	return 1 + (leaves + inner) * ha_bloat_scale(sample);
}

const HaBloatMethod ha_bloat_btree = {
	.special_bytes = MAXALIGN(sizeof(BTPageOpaqueData)),
	.begin = begin,
	.page = btree_page,
	.rebuilt_pages = rebuilt_pages
};
