/*
 * bloat_index.c: a page of a hash, GiST, SP-GiST or BRIN index; see bloat_parts.h. GIN has its own file.
 *
 * A tree whose entries come in no order is never full: how densely a fresh one of each kind is filled was measured, and
 * what a REINDEX would need is reckoned with that. A fresh index that is filled less densely needs what it has.
 */
#include "server/compat.h"

#include "access/brin_page.h"
#include "access/gist_private.h"
#include "access/hash.h"
#include "access/itup.h"
#include "access/spgist_private.h"
#include "api/bloat_parts.h"

/* Of the bytes for items, what a fresh index uses. */
#define GIST_DENSITY 0.65
#define GIST_SORTED_DENSITY 0.90
#define SPGIST_DENSITY 0.75

/* Adds all items of a page as live ones, but for those that are marked dead; the bytes of the live ones. */
static double
add_items(Page page, HaBloatBytes *b, uint64 *entries)
{
	OffsetNumber count = PageGetMaxOffsetNumber(page);
	double		kept = 0;

	for (OffsetNumber number = FirstOffsetNumber; number <= count; number++)
	{
		ItemId		id = PageGetItemId(page, number);

		if (!ItemIdIsUsed(id))
			continue;
		if (ha_bloat_item(page, number, 1) == NULL)
			return -1;
		if (ItemIdIsDead(id))
			b->dead += ha_bloat_item_bytes(ItemIdGetLength(id));
		else
		{
			kept += ha_bloat_item_bytes(ItemIdGetLength(id));
			(*entries)++;
		}
	}
	b->live += kept;
	return kept;
}

static void
begin(HaBloatSample *sample)
{
	sample->state = palloc0(sizeof(uint64));
}

/*
 * Hash
 */
typedef struct HashState
{
	uint64		entries;
	uint64		overflow_entries;
} HashState;

static void
hash_begin(HaBloatSample *sample)
{
	sample->state = palloc0(sizeof(HashState));
	sample->reserve = BLCKSZ - HashGetTargetPageUsage(sample->rel);
}

static double
hash_page(HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *b)
{
	HashState  *state = sample->state;
	HashPageOpaque opaque = HashPageGetOpaque(page);
	uint64		entries = 0;
	double		kept;

	if ((opaque->hasho_flag & (LH_META_PAGE | LH_BITMAP_PAGE)) != 0)
	{
		b->live = BLCKSZ;
		return BLCKSZ;
	}
	if ((opaque->hasho_flag & LH_PAGE_TYPE) == LH_UNUSED_PAGE)
	{
		b->deleted = BLCKSZ;
		return 0;
	}
	b->live = SizeOfPageHeaderData + sizeof(HashPageOpaqueData);
	kept = add_items(page, b, &entries);
	state->entries += entries;
	if ((opaque->hasho_flag & LH_OVERFLOW_PAGE) != 0)
		state->overflow_entries += entries;
	return kept;
}

/* As many buckets as PostgreSQL makes for so many entries, and the overflow pages of those that have too many. */
static double
hash_rebuilt_pages(HaBloatSample *sample)
{
	const HashState *state = sample->state;
	double		item = MAXALIGN(sizeof(IndexTupleData)) + MAXALIGN(sizeof(uint32)) + sizeof(ItemIdData);
	double		filled = Max((uint32) (HashGetTargetPageUsage(sample->rel) / item), 10);
	double		per_page = (BLCKSZ - SizeOfPageHeaderData - sizeof(HashPageOpaqueData)) / item;
	double		buckets = state->entries * ha_bloat_scale(sample) / filled;
	double		total = 2;

	if (buckets >= 0x40000000)
		total = 0x40000000;
	else if (buckets > 2)
		total = _hash_get_totalbuckets(_hash_spareindex((uint32) buckets));
	return 1 + 1 + total + state->overflow_entries * ha_bloat_scale(sample) / per_page;
}

/*
 * GiST
 */
static double
gist_page(HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *b)
{
	if (GistPageIsDeleted(page))
	{
		b->deleted = BLCKSZ;
		return 0;
	}
	b->live = SizeOfPageHeaderData + sizeof(GISTPageOpaqueData);
	return add_items(page, b, sample->state);
}

/* A build sorts where every column's operator class can. */
static bool
gist_is_sorted(Relation index)
{
	for (int i = 1; i <= IndexRelationGetNumberOfKeyAttributes(index); i++)
		if (!OidIsValid(index_getprocid(index, i, GIST_SORTSUPPORT_PROC)))
			return false;
	return true;
}

static double
rebuilt_at(HaBloatSample *sample, Size special_bytes, double density)
{
	double		capacity = BLCKSZ - SizeOfPageHeaderData - special_bytes;

	return ha_bloat_mean_total(&sample->kept, sample->pages) / (capacity * density);
}

static double
gist_rebuilt_pages(HaBloatSample *sample)
{
	double		density = gist_is_sorted(sample->rel) ? GIST_SORTED_DENSITY : GIST_DENSITY;

	return Max(rebuilt_at(sample, sizeof(GISTPageOpaqueData), density), 1);
}

/*
 * SP-GiST
 */
static double
spgist_page(HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *b)
{
	OffsetNumber count = PageGetMaxOffsetNumber(page);
	double		kept = 0;

	if (SpGistPageIsMeta(page))
	{
		b->live = BLCKSZ;
		return BLCKSZ;
	}
	b->live = SizeOfPageHeaderData + sizeof(SpGistPageOpaqueData);
	for (OffsetNumber number = FirstOffsetNumber; number <= count; number++)
	{
		SpGistDeadTuple item = ha_bloat_item(page, number, SGDTSIZE);
		double		bytes = ha_bloat_item_bytes(ItemIdGetLength(PageGetItemId(page, number)));

		if (item == NULL)
			return -1;
		if (item->tupstate == SPGIST_LIVE)
			kept += bytes;
		else
			b->dead += bytes;
	}
	b->live += kept;
	return kept;
}

static double
spgist_rebuilt_pages(HaBloatSample *sample)
{
	double		pages = rebuilt_at(sample, sizeof(SpGistPageOpaqueData), SPGIST_DENSITY);

	return Max(pages, SPGIST_LAST_FIXED_BLKNO + 1);
}

/*
 * BRIN
 */
typedef struct BrinState
{
	uint64		entries;
	double		capacity;
	uint64		map_pages;
	uint64		ranges;			/* of the map pages read: with an entry */
} BrinState;

static void
brin_begin(HaBloatSample *sample)
{
	BrinState  *state = palloc0(sizeof(BrinState));

	state->capacity = BLCKSZ - SizeOfPageHeaderData - sizeof(BrinSpecialSpace);
	sample->pack.capacity = state->capacity;
	sample->state = state;
}

static double
brin_page(HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *b)
{
	BrinState  *state = sample->state;
	OffsetNumber count = PageGetMaxOffsetNumber(page);

	if (!BRIN_IS_REGULAR_PAGE(page))
	{
		state->map_pages++;
		b->live = BLCKSZ;
		return BLCKSZ;
	}
	for (OffsetNumber number = FirstOffsetNumber; number <= count; number++)
		if (ItemIdIsUsed(PageGetItemId(page, number)) && ha_bloat_item(page, number, 1) != NULL)
			ha_bloat_pack(&sample->pack, ha_bloat_item_bytes(ItemIdGetLength(PageGetItemId(page, number))));
	b->live = SizeOfPageHeaderData + sizeof(BrinSpecialSpace);
	return add_items(page, b, &state->entries);
}

static double
brin_rebuilt_pages(HaBloatSample *sample)
{
	const BrinState *state = sample->state;
	double		regular = ha_bloat_pack_pages(&sample->pack, sample->pages_read == sample->pages);

	return (state->map_pages + regular) * ha_bloat_scale(sample);
}

const HaBloatMethod ha_bloat_hash = {
	.special_bytes = MAXALIGN(sizeof(HashPageOpaqueData)),
	.begin = hash_begin,
	.page = hash_page,
	.rebuilt_pages = hash_rebuilt_pages
};

const HaBloatMethod ha_bloat_gist = {
	.special_bytes = MAXALIGN(sizeof(GISTPageOpaqueData)),
	.begin = begin,
	.page = gist_page,
	.rebuilt_pages = gist_rebuilt_pages
};

const HaBloatMethod ha_bloat_spgist = {
	.special_bytes = MAXALIGN(sizeof(SpGistPageOpaqueData)),
	.begin = begin,
	.page = spgist_page,
	.rebuilt_pages = spgist_rebuilt_pages
};

const HaBloatMethod ha_bloat_brin = {
	.special_bytes = MAXALIGN(sizeof(BrinSpecialSpace)),
	.begin = brin_begin,
	.page = brin_page,
	.rebuilt_pages = brin_rebuilt_pages
};
