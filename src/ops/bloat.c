/*
 * bloat.c: see bloat.h.
 */
#include "ops/bloat.h"

#include <assert.h>

/* nbtsort.c: a posting list takes a tenth of a page at most while an index is built. */
#define POSTING_SHARE 10
#define POINTER_BYTES 6
#define ITEM_ALIGNMENT 8

uint32_t
ha_bloat_page(uint32_t i, uint32_t sample, uint32_t total, uint64_t random)
{
	uint64_t first = (uint64_t) i * total / sample;
	uint64_t next = ((uint64_t) i + 1) * total / sample;

	assert(i < sample && sample <= total);
	return (uint32_t) (first + random % (next - first));
}

void
ha_bloat_mean_add(HaBloatMean *mean, double figure)
{
	if (mean->count > 0)
		mean->differences += (figure - mean->last) * (figure - mean->last);
	mean->last = figure;
	mean->sum += figure;
	mean->count++;
}

double
ha_bloat_mean_total(const HaBloatMean *mean, uint32_t pages)
{
	return mean->count == 0 ? 0 : mean->sum / mean->count * pages;
}

double
ha_bloat_mean_variance(const HaBloatMean *mean, uint32_t pages)
{
	double n = mean->count;

	if (mean->count < 2 || mean->count >= pages)
		return 0;
	return mean->differences / (2 * (n - 1)) / n * (1 - n / pages) * pages * (double) pages;
}

double
ha_bloat_margin(double variance)
{
	double root = variance > 1 ? variance : 1;

	if (variance <= 0)
		return 0;
	/* Newton's method; this floor has no library for it. It falls towards the root from above. */
	for (double next = (root + variance / root) / 2; next < root; next = (root + variance / root) / 2)
		root = next;
	return 1.96 * root;
}

void
ha_bloat_pack(HaBloatPack *pack, double bytes)
{
	double limit = pack->capacity - pack->reserve;
	bool full = pack->btree
		? pack->used + bytes > pack->capacity || (pack->used > limit && pack->items > 1)
		: pack->used + bytes > limit;

	if (full && pack->items > 0)
	{
		pack->pages++;
		pack->used = pack->btree && pack->items > 1 ? pack->last : 0;
		pack->items = pack->used > 0 ? 1 : 0;
	}
	pack->used += bytes;
	pack->last = bytes;
	pack->items++;
}

double
ha_bloat_pack_pages(const HaBloatPack *pack, bool exact)
{
	double share = pack->used / (pack->capacity - pack->reserve);

	if (pack->items == 0)
		return (double) pack->pages;
	return (double) pack->pages + (exact || share > 1 ? 1 : share);
}

uint32_t
ha_bloat_posting_max(uint32_t base, uint32_t page)
{
	uint32_t tenth = page * POSTING_SHARE / 100;
	uint32_t most = (tenth & ~(uint32_t) (ITEM_ALIGNMENT - 1)) - HA_BLOAT_LINE_POINTER;
	uint32_t room = most & ~(uint32_t) (ITEM_ALIGNMENT - 1);

	return room < base + 2 * POINTER_BYTES ? 1 : (room - base) / POINTER_BYTES;
}

uint32_t
ha_bloat_posting_bytes(uint32_t base, uint32_t pointers)
{
	return ha_bloat_align(base + (pointers > 1 ? pointers * POINTER_BYTES : 0), ITEM_ALIGNMENT) +
		HA_BLOAT_LINE_POINTER;
}

/* Moves the distribution of the offset over a column that is there; returns the expected gap before it. */
static double
pass_column(double *at, const HaBloatColumn *column)
{
	double after[ITEM_ALIGNMENT] = {0};
	uint32_t whole = (uint32_t) column->width;
	double gap = 0;

	for (uint32_t offset = 0; offset < ITEM_ALIGNMENT; offset++)
	{
		uint32_t start = ha_bloat_align(offset, column->alignment);

		gap += at[offset] * (start - offset);
		for (uint32_t i = 0; i < ITEM_ALIGNMENT && column->varying; i++)
			after[i] += at[offset] / ITEM_ALIGNMENT;
		if (!column->varying)
			after[(start + whole) % ITEM_ALIGNMENT] += at[offset];
	}
	for (uint32_t i = 0; i < ITEM_ALIGNMENT; i++)
		at[i] = at[i] * column->null_share + after[i] * (1 - column->null_share);
	return gap;
}

double
ha_bloat_row_bytes(const HaBloatColumn *column, uint32_t count, double *padding)
{
	double at[ITEM_ALIGNMENT] = {1};
	double bytes = 0;

	*padding = 0;
	for (uint32_t i = 0; i < count; i++)
	{
		double there = 1 - column[i].null_share;

		bytes += column[i].width * there;
		*padding += pass_column(at, &column[i]) * there;
	}
	for (uint32_t offset = 0; offset < ITEM_ALIGNMENT; offset++)
		*padding += at[offset] * (ha_bloat_align(offset, ITEM_ALIGNMENT) - offset);
	return bytes + *padding;
}
