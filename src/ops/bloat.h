/*
 * bloat.h: the arithmetic of bloat: which pages to read, what a mean of them is worth, and how many pages the same rows
 * would take if they were written anew.
 *
 * Pure: the pages are read elsewhere (src/api/bloat_*.c). Sizes are bytes; what a page takes up for an item includes
 * its line pointer and its alignment.
 */
#ifndef HA_OPS_BLOAT_H
#define HA_OPS_BLOAT_H

#include <stdbool.h>
#include <stdint.h>

/* The line pointer of an item on a page. */
#define HA_BLOAT_LINE_POINTER 4

/*
 * The page to read in the i-th of `sample` equal stretches of a relation of `total` pages; `random` is any number. In
 * ascending order, none twice, and all of them when sample = total. 0 < sample <= total, i < sample.
 */
extern uint32_t ha_bloat_page(uint32_t i, uint32_t sample, uint32_t total, uint64_t random);

/*
 * The mean of one figure over the pages read, in the order of the relation, with its error. As one page comes from each
 * stretch, neighbours tell how much the pages within a stretch differ: the variance comes from the differences of
 * successive pages, not from the spread of the whole, which a relation of two halves would make far too large.
 */
typedef struct HaBloatMean
{
	uint32_t count;
	double sum;
	double last;
	double differences;
} HaBloatMean;

extern void ha_bloat_mean_add(HaBloatMean *mean, double figure);

/* The total over all pages, and the variance of that total: 0 when all pages were read. */
extern double ha_bloat_mean_total(const HaBloatMean *mean, uint32_t pages);
extern double ha_bloat_mean_variance(const HaBloatMean *mean, uint32_t pages);

/* The half-width of the 95 % confidence interval of a figure with this variance. */
extern double ha_bloat_margin(double variance);

/*
 * Pages as a rewrite fills them, one item after the other. A heap page is closed when the next item would eat into the
 * reserve. A btree page is closed once it holds two items and the reserve is touched; its last item then moves to the
 * next page, and leaves a high key of about its size behind.
 */
typedef struct HaBloatPack
{
	double capacity;	/* bytes of a page for items */
	double reserve;		/* of these, what the fillfactor keeps free */
	bool btree;
	uint64_t pages;		/* closed ones */
	uint64_t items;		/* on the page at hand */
	double used;
	double last;
} HaBloatPack;

extern void ha_bloat_pack(HaBloatPack *pack, double bytes);

/* Pages closed, and the share that the last one is full; a whole one when `exact`. */
extern double ha_bloat_pack_pages(const HaBloatPack *pack, bool exact);

/*
 * How many row pointers a btree's posting list may have when the index is built: base = bytes of the key with its
 * header, page = bytes of a page. 1 when it may have none.
 */
extern uint32_t ha_bloat_posting_max(uint32_t base, uint32_t page);

/* Bytes of an index item of so many row pointers, aligned, with its line pointer. */
extern uint32_t ha_bloat_posting_bytes(uint32_t base, uint32_t pointers);

/* The next offset for a column of this alignment (1, 2, 4, 8). */
static inline uint32_t
ha_bloat_align(uint32_t offset, uint32_t alignment)
{
	return (offset + alignment - 1) & ~(alignment - 1);
}

/*
 * One column of a row of which only averages are known. `width`: of a value that is not NULL, with its header.
 * `alignment`: 1 for a short value of variable length, whatever its type says.
 */
typedef struct HaBloatColumn
{
	double width;
	double null_share;
	uint32_t alignment;
	bool varying;		/* its values differ in length */
} HaBloatColumn;

/*
 * The expected bytes of the columns of a row, from its first byte (which is aligned) to the aligned end, and in
 * `padding` what of that lies between and behind them. Where a column starts is followed as a distribution over the
 * eight remainders: a column that may be NULL leaves two possible starts for the next one, one of variable length all.
 */
extern double ha_bloat_row_bytes(const HaBloatColumn *column, uint32_t count, double *padding);

#endif
