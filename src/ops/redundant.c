/*
 * redundant.c: see redundant.h.
 *
 * The indexes are sorted so that whatever covers an index stands behind it: first what must be equal, then the key, of
 * which a longer one stands behind its beginnings, and last, among twins, what is better to keep. So one only looks
 * forward, and no circle can come about.
 */
#include "ops/redundant.h"

#define LESS_IF(a, b) do { if ((a) != (b)) return (a) < (b) ? -1 : 1; } while (0)

/* ---- Canonical keys ---- */

static int
compare_columns(const HaIndexColumn *a, const HaIndexColumn *b)
{
	LESS_IF(a->attno, b->attno);
	LESS_IF(a->expression, b->expression);
	LESS_IF(a->family, b->family);
	LESS_IF(a->input_type, b->input_type);
	LESS_IF(a->stored_type, b->stored_type);
	LESS_IF(a->collation, b->collation);
	LESS_IF(a->parameters, b->parameters);
	LESS_IF(a->option & HA_INDEX_DESC, b->option & HA_INDEX_DESC);
	if (!a->not_null || !b->not_null)
		LESS_IF(a->option, b->option);
	return 0;
}

/* An index can be read backwards, so its first column is taken as ascending; a set has its columns in an order. */
static void
make_canonical(HaIndex *index)
{
	HaIndexColumn *column = index->column;
	bool backwards = index->kind == HA_INDEX_ORDERED && index->key_count > 0 && column[0].option & HA_INDEX_DESC;

	for (int32_t i = 0; i < index->key_count; i++)
	{
		if (index->kind != HA_INDEX_ORDERED)
			column[i].option = 0;
		else if (backwards)
			column[i].option ^= HA_INDEX_DESC | HA_INDEX_NULLS_FIRST;
	}
	for (int32_t i = 1; index->kind == HA_INDEX_SET && i < index->key_count; i++)
	{
		for (int32_t k = i; k > 0 && compare_columns(&column[k], &column[k - 1]) < 0; k--)
		{
			HaIndexColumn swap = column[k];

			column[k] = column[k - 1];
			column[k - 1] = swap;
		}
	}
}

/* ---- The order ---- */

static int
compare_groups(const HaIndex *a, const HaIndex *b)
{
	LESS_IF(a->method, b->method);
	LESS_IF(a->storage, b->storage);
	LESS_IF(a->predicate, b->predicate);
	return 0;
}

static int
compare_keys(const HaIndex *a, const HaIndex *b)
{
	if (a->kind == HA_INDEX_SET)
		LESS_IF(a->key_count, b->key_count);
	for (int32_t i = 0; i < a->key_count && i < b->key_count; i++)
	{
		int order = compare_columns(&a->column[i], &b->column[i]);

		if (order != 0)
			return order;
	}
	LESS_IF(a->key_count, b->key_count);
	return 0;
}

/* Whether b is better to keep than a, of the same key. */
static int
compare_worth(const HaIndex *a, const HaIndex *b)
{
	LESS_IF(a->kept, b->kept);
	LESS_IF(a->unique, b->unique);
	LESS_IF(a->nulls_not_distinct, b->nulls_not_distinct);
	LESS_IF(a->column_count, b->column_count);
	LESS_IF(a->clustered, b->clustered);
	LESS_IF(b->id, a->id);
	return 0;
}

static int
compare(const HaIndex *a, const HaIndex *b)
{
	int order = compare_groups(a, b);

	if (order == 0)
		order = compare_keys(a, b);
	return order != 0 ? order : compare_worth(a, b);
}

static void
sift_down(const HaIndex *index, int32_t *order, int32_t root, int32_t count)
{
	for (int32_t child; (child = 2 * root + 1) < count; root = child)
	{
		int32_t swap = order[root];

		if (child + 1 < count && compare(&index[order[child]], &index[order[child + 1]]) < 0)
			child++;
		if (compare(&index[swap], &index[order[child]]) >= 0)
			return;
		order[root] = order[child];
		order[child] = swap;
	}
}

/* A heap sort: in place, and never quadratic. */
static void
sort(const HaIndex *index, int32_t *order, int32_t count)
{
	for (int32_t i = count / 2 - 1; i >= 0; i--)
		sift_down(index, order, i, count);
	for (int32_t i = count - 1; i > 0; i--)
	{
		int32_t swap = order[0];

		order[0] = order[i];
		order[i] = swap;
		sift_down(index, order, 0, i);
	}
}

/* ---- The rule ---- */

/* Does b's key serve as a's? */
static HaCover
cover_of_keys(const HaIndex *a, const HaIndex *b)
{
	int32_t at = 0;

	if (a->key_count > b->key_count || (a->kind == HA_INDEX_EXACT && a->key_count != b->key_count))
		return HA_COVER_NONE;
	for (int32_t i = 0; i < a->key_count; i++, at++)
	{
		while (a->kind == HA_INDEX_SET && at < b->key_count && compare_columns(&a->column[i], &b->column[at]) > 0)
			at++;
		if (at >= b->key_count || compare_columns(&a->column[i], &b->column[at]) != 0)
			return HA_COVER_NONE;
	}
	if (a->key_count == b->key_count)
		return HA_COVER_TWIN;
	return a->kind == HA_INDEX_SET ? HA_COVER_WIDER : HA_COVER_LONGER;
}

/* Can b return the values that a includes? A btree returns those of its key too. */
static bool
returns_included(const HaIndex *a, const HaIndex *b)
{
	for (int32_t i = a->key_count; i < a->column_count; i++)
	{
		int32_t at = b->kind == HA_INDEX_ORDERED ? 0 : b->key_count;

		while (at < b->column_count && b->column[at].attno != a->column[i].attno)
			at++;
		if (at == b->column_count)
			return false;
	}
	return true;
}

static bool
keeps_unique(const HaIndex *a, const HaIndex *b)
{
	return !a->unique || (b->unique && b->immediate && a->key_count == b->key_count &&
		(b->nulls_not_distinct || !a->nulls_not_distinct));
}

static uint32_t
doubts_of(const HaIndex *a, const HaIndex *b)
{
	uint32_t doubts = a->clustered ? HA_DOUBT_CLUSTERED : 0;

	for (int32_t i = 0; a->kind == HA_INDEX_ORDERED && i < a->key_count; i++)
	{
		if (a->column[i].option != b->column[i].option)
			doubts |= HA_DOUBT_NULLS;
	}
	if (a->kind == HA_INDEX_LEADING && a->key_count != b->key_count)
		doubts |= HA_DOUBT_METHOD;
	return doubts;
}

/* Finds what covers the index at this place of the order; those behind it are done. */
static void
find(HaIndex *index, const int32_t *order, int32_t count, int32_t place)
{
	HaIndex *a = &index[order[place]];

	for (int32_t i = place + 1; i < count; i++)
	{
		const HaIndex *b = &index[order[i]];
		HaCover cover;
		uint32_t doubts;

		if (compare_groups(a, b) != 0)
			return;
		cover = cover_of_keys(a, b);
		if (cover == HA_COVER_NONE && a->kind != HA_INDEX_SET)
			return;				/* no longer one that begins with the key */
		if (cover == HA_COVER_NONE || !keeps_unique(a, b) || !returns_included(a, b))
			continue;
		if (b->covered_by >= 0 && b->doubts == 0)
		{
			/* What covers b covers a too, and stays. */
			b = &index[b->covered_by];
			cover = cover_of_keys(a, b);
		}
		doubts = doubts_of(a, b);
		if (a->covered_by < 0 || (doubts & ~HA_DOUBT_CLUSTERED) == 0)
		{
			a->covered_by = (int32_t) (b - index);
			a->cover = cover;
			a->doubts = doubts;
		}
		if ((doubts & ~HA_DOUBT_CLUSTERED) == 0)
			return;
	}
}

void
ha_redundant_find(HaIndex *index, int32_t count, int32_t *order)
{
	int32_t usable = 0;

	for (int32_t i = 0; i < count; i++)
	{
		index[i].covered_by = -1;
		index[i].cover = HA_COVER_NONE;
		index[i].doubts = 0;
		if (!index[i].usable)
			continue;
		make_canonical(&index[i]);
		order[usable++] = i;
	}
	sort(index, order, usable);
	for (int32_t i = usable - 1; i >= 0; i--)
	{
		if (!index[order[i]].kept)
			find(index, order, usable, i);
	}
}

const char *
ha_redundant_why(HaCover cover)
{
	switch (cover)
	{
		case HA_COVER_TWIN:
			return "the same key";
		case HA_COVER_LONGER:
			return "it begins with the same columns";
		case HA_COVER_WIDER:
			return "it has the same columns and more";
		case HA_COVER_NONE:
			break;
	}
	return NULL;
}
