/*
 * redundant.h: which indexes of a table another one makes superfluous, from descriptions of them all.
 *
 * An index is covered by another one of the same method, predicate and storage options when that serves every
 * search, order, index-only scan and uniqueness that it serves. Nothing is decided by names or texts. Of a chain or of
 * twins all but one are covered, by one that is not covered itself, or only with doubts; never in a circle.
 *
 * Pure. Sorted: O(n log n) comparisons for indexes that are ordered or compared as a whole; those of which the order of
 * columns does not matter (GIN, BRIN) are compared pair by pair within one method of one table.
 */
#ifndef HA_OPS_REDUNDANT_H
#define HA_OPS_REDUNDANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What an index of more columns does for one of fewer. */
typedef enum HaIndexKind
{
	HA_INDEX_EXACT,				/* nothing (hash, SP-GiST, unknown methods) */
	HA_INDEX_ORDERED,			/* all, when it begins with them (btree); can be read backwards */
	HA_INDEX_LEADING,			/* most, when it begins with them (GiST): for information only */
	HA_INDEX_SET				/* all, wherever they stand (GIN, BRIN) */
} HaIndexKind;

#define HA_INDEX_DESC 1			/* the bits of pg_index.indoption */
#define HA_INDEX_NULLS_FIRST 2

/* Numbers stand for what the caller found equal; 0 = none. */
typedef struct HaIndexColumn
{
	int32_t attno;				/* of the table, 0 = an expression */
	uint32_t expression;
	uint32_t family;			/* of operators, with its */
	uint32_t input_type;
	uint32_t stored_type;
	uint32_t collation;
	uint32_t parameters;		/* of the operator class */
	uint8_t option;
	bool not_null;				/* may be false where option is 0 in all of the table's indexes */
} HaIndexColumn;

typedef enum HaCover
{
	HA_COVER_NONE,
	HA_COVER_TWIN,				/* the same key */
	HA_COVER_LONGER,			/* it begins with the same columns */
	HA_COVER_WIDER				/* it has the same columns and others */
} HaCover;

/* Why a covered index is reported for information only: bits. */
#define HA_DOUBT_NULLS 1		/* only the place of NULLs differs, in columns without any */
#define HA_DOUBT_CLUSTERED 2	/* the table is clustered on it */
#define HA_DOUBT_METHOD 4		/* HA_INDEX_LEADING: searches may be slower */

typedef struct HaIndex
{
	HaIndexKind kind;
	uint32_t id;				/* of two twins the lower one is kept */
	uint32_t method;
	uint32_t storage;			/* options that matter */
	uint32_t predicate;
	bool unique;
	bool immediate;				/* unique at once, not deferrable */
	bool nulls_not_distinct;
	bool usable;				/* valid, ready and live; others are left alone */
	bool kept;					/* of a constraint, of replica identity, of a partition: may cover, never is covered */
	bool clustered;
	int32_t key_count;
	int32_t column_count;		/* keys and included columns, of which attno counts only */
	HaIndexColumn *column;		/* may be changed */

	/* What ha_redundant_find() finds. */
	int32_t covered_by;			/* index in the array, -1 = none */
	HaCover cover;
	uint32_t doubts;
} HaIndex;

/* All indexes of one table; order[count] is working space. */
extern void ha_redundant_find(HaIndex *index, int32_t count, int32_t *order);

/* "the same key" and so on; NULL for HA_COVER_NONE. */
extern const char *ha_redundant_why(HaCover cover);

#endif
