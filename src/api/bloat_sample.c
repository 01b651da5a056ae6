/*
 * bloat_sample.c: reads pages of one relation, and makes an estimate of what they hold; see bloat_parts.h.
 *
 * A page that can't be read (a checksum that is wrong, a file that ends too early) is counted as damaged and the next
 * one is read: the reading stands in a subtransaction, which ends with such an error and begins anew.
 */
#include "server/compat.h"

#include "access/xact.h"
#include "api/bloat_parts.h"
#include "catalog/pg_am_d.h"
#include "common/pg_prng.h"
#include "storage/bufmgr.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

/* A relation with more pages that can't be read is not worth another look. */
#define DAMAGED_MAX 100
#define PREFETCH_PAGES 16

/* An index into which values come in no order is this full in the long run, and there is nothing wrong with it. */
#define NATURAL_DENSITY 0.70

const HaBloatMethod *
ha_bloat_method(Relation rel)
{
	switch (rel->rd_rel->relam)
	{
		case HEAP_TABLE_AM_OID:
			return &ha_bloat_heap;
		case BTREE_AM_OID:
			return &ha_bloat_btree;
		case HASH_AM_OID:
			return &ha_bloat_hash;
		case GIN_AM_OID:
			return &ha_bloat_gin;
		case GIST_AM_OID:
			return &ha_bloat_gist;
		case SPGIST_AM_OID:
			return &ha_bloat_spgist;
		case BRIN_AM_OID:
			return &ha_bloat_brin;
		default:
			return NULL;
	}
}

void *
ha_bloat_item(Page page, OffsetNumber number, Size least)
{
	PageHeader	header = (PageHeader) page;
	ItemId		id = PageGetItemId(page, number);
	Size		offset = ItemIdGetOffset(id);
	Size		length = ItemIdGetLength(id);

	if (offset < header->pd_upper || offset + length > header->pd_special || offset != MAXALIGN(offset) ||
		length < least)
		return NULL;
	return (char *) page + offset;
}

/* Only then may macros that follow the page's own offsets be used. */
static bool
page_is_sound(Page page, Size special_bytes)
{
	PageHeader	header = (PageHeader) page;

	return header->pd_lower >= SizeOfPageHeaderData && header->pd_lower <= header->pd_upper &&
		header->pd_upper <= header->pd_special && header->pd_special == BLCKSZ - special_bytes &&
		PageGetPageSize(page) == BLCKSZ && PageGetPageLayoutVersion(page) == PG_PAGE_LAYOUT_VERSION;
}

static void
look_at_page(HaBloatSample *sample, Page page, BlockNumber block)
{
	HaBloatBytes b = {0};
	double		kept = 0;

	if (PageIsNew(page))
		b.deleted = BLCKSZ;
	else if (page_is_sound(page, sample->method->special_bytes))
		kept = sample->method->page(sample, page, block, &b);
	else
		kept = -1;
	if (kept < 0)
	{
		sample->pages_damaged++;
		return;
	}
	b.free = BLCKSZ - b.live - b.padding - b.dropped - b.dead - b.held - b.deleted;
	if (b.free < 0)
		b.free = 0;
	b.reserve = kept > 0 ? Min(b.free, sample->reserve) : 0;
	sample->pages_read++;
	sample->bytes.live += b.live;
	sample->bytes.padding += b.padding;
	sample->bytes.dropped += b.dropped;
	sample->bytes.dead += b.dead;
	sample->bytes.held += b.held;
	sample->bytes.free += b.free - b.reserve;
	sample->bytes.reserve += b.reserve;
	sample->bytes.deleted += b.deleted;
	ha_bloat_mean_add(&sample->kept, kept);
}

void
ha_bloat_copy_page(HaBloatSample *sample, BlockNumber block, char *copy)
{
	Buffer		buffer = ReadBufferExtended(sample->rel, MAIN_FORKNUM, block, RBM_NORMAL, sample->strategy);

	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	memcpy(copy, BufferGetPage(buffer), BLCKSZ);
	UnlockReleaseBuffer(buffer);
}

/* The next page of the list is behind us even when it can't be read. */
static void
read_pages(HaBloatSample *sample)
{
	PGAlignedBlock copy;

	while (sample->next < sample->count)
	{
		BlockNumber at = sample->next++;

		CHECK_FOR_INTERRUPTS();
		if (at + PREFETCH_PAGES < sample->count)
			PrefetchBuffer(sample->rel, MAIN_FORKNUM, sample->block[at + PREFETCH_PAGES]);
		ha_bloat_copy_page(sample, sample->block[at], copy.data);
		look_at_page(sample, (Page) copy.data, sample->block[at]);
	}
}

static void
begin(HaBloatSample *sample)
{
	sample->pages = RelationGetNumberOfBlocks(sample->rel);
	sample->count = Min(sample->pages, sample->count);
	if (sample->count > 0 && sample->method != NULL)
		sample->method->begin(sample);
}

/* Runs it; false when it met with what can't be read. */
static bool
guard(HaBloatSample *sample, void (*run) (HaBloatSample *sample))
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool well = true;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		run(sample);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		int			code = geterrcode();

		if (code != ERRCODE_DATA_CORRUPTED && code != ERRCODE_INDEX_CORRUPTED && code != ERRCODE_IO_ERROR &&
			code != ERRCODE_UNDEFINED_FILE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		well = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return well;
}

/* What the sample says of the whole. */
static void
conclude(HaBloatSample *sample, HaBloat *bloat)
{
	double		scale = ha_bloat_scale(sample);
	double		kept = ha_bloat_mean_total(&sample->kept, sample->pages);
	double		rebuilt = Min(sample->method->rebuilt_pages(sample), sample->pages) * (double) BLCKSZ;
	double		natural = kept / NATURAL_DENSITY;
	double		per_kept = kept > 0 ? rebuilt / kept : 0;
	HaBloatRemedy remedy = HA_BLOAT_REWRITE;

	bloat->bytes.live = sample->bytes.live * scale;
	bloat->bytes.padding = sample->bytes.padding * scale;
	bloat->bytes.dropped = sample->bytes.dropped * scale;
	bloat->bytes.dead = sample->bytes.dead * scale;
	bloat->bytes.held = sample->bytes.held * scale;
	bloat->bytes.free = sample->bytes.free * scale;
	bloat->bytes.reserve = sample->bytes.reserve * scale;
	bloat->bytes.deleted = sample->bytes.deleted * scale;
	bloat->reclaimable = bloat->total - rebuilt;
	bloat->least = bloat->most = bloat->lasting = bloat->reclaimable;
	if (sample->pages_most > 0)
	{
		bloat->lasting = bloat->least = Max(bloat->total - sample->pages_most * BLCKSZ, 0);
		bloat->most = bloat->total - sample->pages_least * BLCKSZ;
	}
	else if (sample->method != &ha_bloat_heap && natural > rebuilt)
		bloat->lasting = Max(bloat->total - natural, 0);
	if (sample->method != &ha_bloat_heap)
		remedy = HA_BLOAT_REINDEX;
	else if (bloat->bytes.dead > bloat->reclaimable / 2)
		remedy = HA_BLOAT_VACUUM;
	bloat->by[remedy] = bloat->reclaimable;
	bloat->variance = ha_bloat_mean_variance(&sample->kept, sample->pages) * per_kept * per_kept;
	bloat->pages_read = sample->pages_read;
	bloat->pages_damaged = sample->pages_damaged;
	snprintf(bloat->note, sizeof(bloat->note), "%s", sample->note);
}

void
ha_bloat_sample(Relation rel, BlockNumber pages_max, HaBloat *bloat)
{
	HaBloatSample sample = {.rel = rel, .method = ha_bloat_method(rel), .count = pages_max};
	bool		begun;

	sample.strategy = GetAccessStrategy(BAS_BULKREAD);
	begun = guard(&sample, begin);
	bloat->relations = 1;
	bloat->pages = sample.pages;
	bloat->total = (double) sample.pages * BLCKSZ;
	bloat->pages_damaged = begun ? 0 : 1;
	if (begun && sample.count > 0 && sample.method != NULL)
	{
		sample.block = palloc(sample.count * sizeof(BlockNumber));
		for (BlockNumber i = 0; i < sample.count; i++)
			sample.block[i] = ha_bloat_page(i, sample.count, sample.pages, pg_prng_uint64(&pg_global_prng_state));
		while (sample.next < sample.count && sample.pages_damaged < DAMAGED_MAX)
			if (!guard(&sample, read_pages))
				sample.pages_damaged++;
		bloat->pages_damaged = sample.pages_damaged;
		if (sample.pages_read > 0)
			conclude(&sample, bloat);
		pfree(sample.block);
	}
	FreeAccessStrategy(sample.strategy);
}

const char *
ha_bloat_remedy(const HaBloat *bloat)
{
	static const char *const name[HA_BLOAT_REMEDY_COUNT] = {"vacuum", "rewrite", "reindex"};
	int			best = 0;

	for (int i = 1; i < HA_BLOAT_REMEDY_COUNT; i++)
		if (bloat->by[i] > bloat->by[best])
			best = i;
	return bloat->by[best] < BLCKSZ ? NULL : name[best];
}

void
ha_bloat_add(HaBloat *sum, const HaBloat *one)
{
	sum->bytes.live += one->bytes.live;
	sum->bytes.padding += one->bytes.padding;
	sum->bytes.dropped += one->bytes.dropped;
	sum->bytes.dead += one->bytes.dead;
	sum->bytes.held += one->bytes.held;
	sum->bytes.free += one->bytes.free;
	sum->bytes.reserve += one->bytes.reserve;
	sum->bytes.deleted += one->bytes.deleted;
	sum->total += one->total;
	sum->reclaimable += one->reclaimable;
	sum->least += one->least;
	sum->most += one->most;
	sum->lasting += one->lasting;
	for (int i = 0; i < HA_BLOAT_REMEDY_COUNT; i++)
		sum->by[i] += one->by[i];
	sum->variance += one->variance;
	sum->pages += one->pages;
	sum->pages_read += one->pages_read;
	sum->pages_damaged += one->pages_damaged;
	sum->relations += one->relations;
	sum->relations_skipped += one->relations_skipped;
}
