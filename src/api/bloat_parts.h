/*
 * bloat_parts.h: what the files of haops.relation_bloat() share.
 *
 *     bloat.c          the function: which relations, their locks, the rows
 *     bloat_sample.c   reads pages of one relation, and makes an estimate of what they hold
 *     bloat_heap.c     a page of a table, a TOAST table, a materialized view
 *     bloat_btree.c    a page of a btree
 *     bloat_index.c    a page of the other kinds of index
 *
 * A page is copied under a shared lock and looked at when nothing is held any more; nothing is ever written, hint bits
 * neither. Whatever lies on the page is not believed: what does not fit makes it a damaged page, which is counted.
 */
#ifndef HA_API_BLOAT_PARTS_H
#define HA_API_BLOAT_PARTS_H

#include "server/compat.h"

#include "ops/bloat.h"
#include "storage/bufmgr.h"
#include "storage/bufpage.h"
#include "storage/itemid.h"
#include "utils/rel.h"

/* What a page holds, in bytes; together they are BLCKSZ, but for `kept`. */
typedef struct HaBloatBytes
{
	double		live;			/* rows or entries in use, line pointers, headers */
	double		padding;		/* between and behind the columns of live rows */
	double		dropped;		/* of dropped columns in live rows */
	double		dead;			/* nobody needs it any more */
	double		held;			/* deleted, but an old snapshot may still see it */
	double		free;
	double		reserve;		/* free, but meant to be by the fillfactor */
	double		deleted;		/* whole pages that hold nothing */
} HaBloatBytes;

typedef struct HaBloatSample HaBloatSample;

/* How the pages of one access method are read. */
typedef struct HaBloatMethod
{
	Size		special_bytes;	/* the end of each page, which tells the access method's pages */

	/* Before the first page. */
	void		(*begin) (HaBloatSample *sample);

	/*
	 * Adds what the page holds to `bytes`, which may leave `free` to the caller: it is what remains. Returns what
	 * a rewrite would keep of it, as bytes on a page; below 0 for a damaged page.
	 */
	double		(*page) (HaBloatSample *sample, Page page, BlockNumber block, HaBloatBytes *bytes);

	/*
	 * After the last one: the pages that a rewrite would need in all. Where it depends on the data how dense a fresh
	 * index is, it sets pages_most and pages_least too.
	 */
	double		(*rebuilt_pages) (HaBloatSample *sample);
} HaBloatMethod;

struct HaBloatSample
{
	Relation	rel;
	const HaBloatMethod *method;
	BufferAccessStrategy strategy;
	BlockNumber pages;			/* of the relation */
	BlockNumber count;			/* to be read */
	BlockNumber next;			/* of these, the next one */
	BlockNumber *block;
	BlockNumber pages_read;
	BlockNumber pages_damaged;
	HaBloatBytes bytes;			/* in the pages read */
	HaBloatMean kept;
	double		reserve;		/* bytes of a page that the fillfactor keeps free */
	HaBloatPack pack;			/* the rows, or an index's leaves */
	HaBloatPack inner;			/* an index's inner pages */
	double		pages_most;		/* that a rewrite would need, as far as can be known; 0: it is known */
	double		pages_least;
	void	   *state;			/* the access method's own */
	char		note[256];
};

/* So many pages stand for each that was read. */
#define ha_bloat_scale(sample) ((sample)->pages_read == 0 ? 0 : (double) (sample)->pages / (sample)->pages_read)

/* Bytes that an item with storage takes up on a page. */
#define ha_bloat_item_bytes(length) ((double) (MAXALIGN(length) + sizeof(ItemIdData)))

extern const HaBloatMethod ha_bloat_heap;
extern const HaBloatMethod ha_bloat_btree;
extern const HaBloatMethod ha_bloat_hash;
extern const HaBloatMethod ha_bloat_gin;
extern const HaBloatMethod ha_bloat_gist;
extern const HaBloatMethod ha_bloat_spgist;
extern const HaBloatMethod ha_bloat_brin;

/* The method for a relation with storage; NULL: nothing is known of its pages. */
extern const HaBloatMethod *ha_bloat_method(Relation rel);

/* The item of this number, when it has storage that lies within the page; NULL: it does not, the page is damaged. */
extern void *ha_bloat_item(Page page, OffsetNumber number, Size least);

/* The page, taken under a shared lock. Raises PostgreSQL's error when it can't be read. */
extern void ha_bloat_copy_page(HaBloatSample *sample, BlockNumber block, char *copy);

/* What gives the space back: the mildest one that gets at most of it. */
typedef enum HaBloatRemedy
{
	HA_BLOAT_VACUUM,			/* for new rows of the table, not to the disk */
	HA_BLOAT_REWRITE,
	HA_BLOAT_REINDEX,
	HA_BLOAT_REMEDY_COUNT
} HaBloatRemedy;

/* What is known of one relation, or of several together. Bytes are of the whole relation. */
typedef struct HaBloat
{
	HaBloatBytes bytes;
	double		total;			/* its size */
	double		reclaimable;	/* what a rewrite gives back */
	double		least;			/* of that, what it gives back for certain, but for the sampling */
	double		most;			/* and what it may give back at best */
	double		lasting;		/* of that, what stays given back when the density is the usual one again */
	double		by[HA_BLOAT_REMEDY_COUNT];	/* of reclaimable, by what mostly */
	double		variance;		/* of reclaimable */
	int64		pages;
	int64		pages_read;
	int64		pages_damaged;
	int			relations;
	int			relations_skipped;
	char		note[256];
} HaBloat;

/* Reads at most `pages_max` pages. The caller holds a lock. */
extern void ha_bloat_sample(Relation rel, BlockNumber pages_max, HaBloat *bloat);

/* 'vacuum', 'rewrite' or 'reindex'; NULL: there is less than a page to win. */
extern const char *ha_bloat_remedy(const HaBloat *bloat);

/* Adds one to a sum. */
extern void ha_bloat_add(HaBloat *sum, const HaBloat *one);

#endif
