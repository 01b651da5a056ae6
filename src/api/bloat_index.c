/*
 * bloat_index.c: a page of a hash, GiST, SP-GiST or BRIN index; see bloat_parts.h. GIN has its own file.
 *
 * How dense a fresh GiST or SP-GiST index is depends on the data and the order in which they come; between which bounds
 * was measured, and what a REINDEX gives back is known between these bounds only.
 */
#include "server/compat.h"

#include "access/brin_page.h"
#include "access/gist_private.h"
#include "access/hash.h"
#include "access/itup.h"
#include "access/spgist_private.h"
#include "api/bloat_parts.h"
#include "utils/syscache.h"

#include <math.h>

/* Of the bytes for items, what a fresh index uses: mostly, at least, at most. */
typedef struct Density
{
	double		usual;
	double		least;
	double		most;
} Density;

static const Density gist_density = {.usual = 0.60, .least = 0.35, .most = 0.95};
static const Density gist_sorted_density = {.usual = 0.67, .least = 0.48, .most = 0.80};
static const Density spgist_density = {.usual = 0.80, .least = 0.50, .most = 0.90};

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

/* Overflow pages of a bucket that has so many entries on the average: their number is spread as chance does it. */
static double
overflow_pages(double mean, double per_page)
{
	double		pages = 0;

	for (int full = 1; full <= 8; full++)
		pages += erfc((full * per_page - mean) / sqrt(2 * Max(mean, 1))) / 2;
	return pages;
}

/*
 * As many buckets as PostgreSQL makes for so many entries. Those that are not split yet have twice as many entries as
 * the others. Where equal values fill one bucket they need overflow pages in any case: so many as they have now.
 */
static double
hash_rebuilt_pages(HaBloatSample *sample)
{
	const HashState *state = sample->state;
	double		item = MAXALIGN(sizeof(IndexTupleData)) + MAXALIGN(sizeof(uint32)) + sizeof(ItemIdData);
	double		filled = Max((uint32) (HashGetTargetPageUsage(sample->rel) / item), 10);
	double		per_page = floor((BLCKSZ - SizeOfPageHeaderData - sizeof(HashPageOpaqueData)) / item);
	double		entries = state->entries * ha_bloat_scale(sample);
	double		buckets = Min(entries / filled, 0x40000000);
	double		total = buckets <= 2 ? 2 : _hash_get_totalbuckets(_hash_spareindex((uint32) buckets));
	double		whole = 2;
	double		unsplit;
	double		overflow;

	/* They are rounded down: the last entries may have split one more, and with it come all of its generation. */
	if (entries > filled * total)
		total = _hash_get_totalbuckets(_hash_spareindex((uint32) total + 1));
	while (whole < total)
		whole *= 2;
	unsplit = whole - total;
	overflow = unsplit * overflow_pages(2 * entries / whole, per_page) +
		(total - unsplit) * overflow_pages(entries / whole, per_page);
	overflow = Max(overflow, state->overflow_entries * ha_bloat_scale(sample) / per_page);
	return 1 + 1 + total + overflow;
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
rebuilt_at(HaBloatSample *sample, Size special_bytes, const Density *density)
{
	double		capacity = BLCKSZ - SizeOfPageHeaderData - special_bytes;
	double		kept = ha_bloat_mean_total(&sample->kept, sample->pages) / capacity;

	sample->pages_most = Max(Min(kept / density->least, sample->pages), 1);
	sample->pages_least = kept / density->most;
	return Max(kept / density->usual, 1);
}

static double
gist_rebuilt_pages(HaBloatSample *sample)
{
	return rebuilt_at(sample, sizeof(GISTPageOpaqueData),
					  gist_is_sorted(sample->rel) ? &gist_sorted_density : &gist_density);
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
	return Max(rebuilt_at(sample, sizeof(SpGistPageOpaqueData), &spgist_density), SPGIST_LAST_FIXED_BLKNO + 1);
}

/*
 * BRIN
 */
typedef struct BrinState
{
	uint64		entries;
	double		capacity;
	uint64		map_pages;
	BlockNumber pages_per_range;
} BrinState;

static void
brin_begin(HaBloatSample *sample)
{
	BrinState  *state = palloc0(sizeof(BrinState));
	PGAlignedBlock copy;
	const BrinMetaPageData *meta = (const BrinMetaPageData *) PageGetContents((Page) copy.data);

	ha_bloat_copy_page(sample, BRIN_METAPAGE_BLKNO, copy.data);
	state->pages_per_range = meta->brinMagic == BRIN_META_MAGIC ? meta->pagesPerRange : 0;
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

/* What came after the last VACUUM is read by every scan, until it is summarized. */
static void
note_ranges(HaBloatSample *sample)
{
	const BrinState *state = sample->state;
	HeapTuple	table = SearchSysCache1(RELOID, ObjectIdGetDatum(sample->rel->rd_index->indrelid));
	double		known = state->entries * ha_bloat_scale(sample);
	double		ranges = 0;

	if (HeapTupleIsValid(table))
	{
		if (state->pages_per_range > 0)
			ranges = ceil((double) ((Form_pg_class) GETSTRUCT(table))->relpages / state->pages_per_range);
		ReleaseSysCache(table);
	}
	if (ranges > known + 1)
		snprintf(sample->note, sizeof(sample->note), "about %.0f of %.0f ranges are not summarized", ranges - known,
				 ranges);
}

static double
brin_rebuilt_pages(HaBloatSample *sample)
{
	const BrinState *state = sample->state;
	double		regular = ha_bloat_pack_pages(&sample->pack, sample->pages_read == sample->pages);

	note_ranges(sample);
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
