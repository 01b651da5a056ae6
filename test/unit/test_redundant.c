/*
 * test_redundant.c: which indexes another one makes superfluous (ops/redundant).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ops/redundant.h"

#define INDEXES 20000
#define COLUMNS 8

static HaIndex table[INDEXES];
static HaIndexColumn columns[INDEXES][COLUMNS];
static int32_t order[INDEXES];
static int32_t count;

static int
start(void **state)
{
	(void) state;
	memset(table, 0, sizeof(table));
	memset(columns, 0, sizeof(columns));
	count = 0;
	return 0;
}

/*
 * Columns are letters: "ab+c" is (a, b) INCLUDE (c); an upper case letter is DESC (with NULLS FIRST, its default), "!"
 * behind it turns the place of NULLs around.
 */
static HaIndex *
add(HaIndexKind kind, const char *text)
{
	HaIndex *index = &table[count];
	HaIndexColumn *column = columns[count];

	index->kind = kind;
	index->method = kind;
	index->id = (uint32_t) count;
	index->usable = true;
	index->immediate = true;
	index->column = column;
	index->key_count = -1;
	for (; *text != '\0'; text++)
	{
		if (*text == '!')
			column[index->column_count - 1].option ^= HA_INDEX_NULLS_FIRST;
		else if (*text == '+')
			index->key_count = index->column_count;
		else
		{
			column[index->column_count].attno = *text | 0x20;
			column[index->column_count].family = 1;
			column[index->column_count++].option =
				*text & 0x20 ? 0 : HA_INDEX_DESC | HA_INDEX_NULLS_FIRST;
		}
	}
	if (index->key_count < 0)
		index->key_count = index->column_count;
	count++;
	return index;
}

static HaIndex *
btree(const char *text)
{
	return add(HA_INDEX_ORDERED, text);
}

static HaIndex *
unique(const char *text)
{
	HaIndex *index = btree(text);

	index->unique = true;
	return index;
}

/* a is covered by b, which stays; NULL: a stays. Doubts are given. */
static void
expect(const HaIndex *a, const HaIndex *b, uint32_t doubts)
{
	assert_int_equal(a->covered_by, b != NULL ? b - table : -1);
	assert_int_equal(a->doubts, doubts);
	assert_true((a->cover == HA_COVER_NONE) == (b == NULL));
}

static void
find(void)
{
	ha_redundant_find(table, count, order);
}

/* Of two, neither is covered; whichever comes first. */
static void
expect_neither(void)
{
	find();
	expect(&table[0], NULL, 0);
	expect(&table[1], NULL, 0);
}

static void
test_ix1_prefix(void **state)
{
	HaIndex *ab = btree("ab");
	HaIndex *a = btree("a");
	HaIndex *b = btree("b");

	(void) state;
	find();
	expect(a, ab, 0);
	expect(b, NULL, 0);
	expect(ab, NULL, 0);
	assert_string_equal(ha_redundant_why(a->cover), "it begins with the same columns");
}

static void
test_ix2_unique_prefix(void **state)
{
	(void) state;
	unique("a");
	unique("ab")->kept = true;
	expect_neither();
}

static void
test_ix3_ix4_constraints(void **state)
{
	HaIndex *constraint = unique("a");
	HaIndex *twin = btree("a");
	HaIndex *target = unique("b");
	HaIndex *other = unique("b");
	HaIndex *exclusion = add(HA_INDEX_LEADING, "c");
	HaIndex *plain = add(HA_INDEX_LEADING, "c");
	HaIndex *earlier = unique("d");
	HaIndex *later = unique("d");
	HaIndex *alone = unique("e");
	HaIndex *lax = btree("e");

	(void) state;
	constraint->kept = target->kept = exclusion->kept = later->kept = lax->kept = true;
	find();
	expect(constraint, NULL, 0);
	expect(twin, constraint, 0);
	expect(target, NULL, 0);
	expect(other, target, 0);
	expect(exclusion, NULL, 0);
	expect(plain, exclusion, 0);
	expect(earlier, later, 0);
	expect(later, NULL, 0);
	expect(alone, NULL, 0);
}

static void
test_ix5_backwards(void **state)
{
	HaIndex *a = btree("a");
	HaIndex *desc = btree("A");
	HaIndex *bc = btree("bc");
	HaIndex *both = btree("BC");

	(void) state;
	find();
	expect(desc, a, 0);
	expect(both, bc, 0);
	expect(a, NULL, 0);
	assert_string_equal(ha_redundant_why(desc->cover), "the same key");
}

static void
test_ix5_one_backwards(void **state)
{
	(void) state;
	btree("ab");
	btree("aB");
	expect_neither();
}

static void
test_ix6_nulls(void **state)
{
	(void) state;
	btree("a");
	btree("a!");
	expect_neither();
	columns[0][0].not_null = columns[1][0].not_null = true;
	find();
	expect(&table[0], NULL, 0);
	expect(&table[1], &table[0], HA_DOUBT_NULLS);
}

/* One that covers without a doubt is named before one that covers with one. */
static void
test_ix6_better_cover(void **state)
{
	HaIndex *a = btree("a");
	HaIndex *nulls = btree("a!b");
	HaIndex *sure = btree("ac");

	(void) state;
	for (int i = 0; i < count; i++)
		columns[i][0].not_null = true;
	find();
	expect(a, sure, 0);
	expect(nulls, NULL, 0);
}

static void
test_ix7_ix8_ix17_classes(void **state)
{
	(void) state;
	btree("a");
	btree("a");
	columns[0][0].family = 2;
	expect_neither();
	columns[0][0].family = 1;
	columns[0][0].input_type = 2;
	expect_neither();
	columns[0][0].input_type = 0;
	columns[0][0].collation = 2;
	expect_neither();
	columns[0][0].collation = 0;
	columns[0][0].parameters = 2;
	expect_neither();
	columns[0][0].parameters = 0;
	table[0].storage = 1;
	expect_neither();
	table[0].storage = 0;
	find();
	expect(&table[1], &table[0], 0);
}

static void
test_ix9_include(void **state)
{
	HaIndex *a = btree("a");
	HaIndex *with = btree("a+b");
	HaIndex *constraint = unique("c");
	HaIndex *more = unique("c+d");

	(void) state;
	constraint->kept = true;
	find();
	expect(a, with, 0);
	expect(with, NULL, 0);
	expect(constraint, NULL, 0);
	expect(more, NULL, 0);
	constraint->kept = false;
	find();
	expect(constraint, more, 0);
}

static void
test_ix10_include_in_key(void **state)
{
	HaIndex *include = btree("a+b");
	HaIndex *key = btree("ab");

	(void) state;
	find();
	expect(include, key, 0);
	expect(key, NULL, 0);
}

/* The key of a GiST index can't always be returned. */
static void
test_ix10_not_gist(void **state)
{
	(void) state;
	add(HA_INDEX_LEADING, "a+b");
	add(HA_INDEX_LEADING, "ab");
	expect_neither();
}

static void
test_ix11_include_order(void **state)
{
	HaIndex *bc = btree("a+bc");
	HaIndex *cb = btree("a+cb");

	(void) state;
	find();
	expect(cb, bc, 0);
	expect(bc, NULL, 0);
}

static void
test_ix13_partial(void **state)
{
	(void) state;
	btree("a")->predicate = 1;
	btree("a");
	expect_neither();
	table[1].predicate = 2;
	expect_neither();
	table[1].predicate = 1;
	find();
	expect(&table[1], &table[0], 0);
}

static void
test_ix14_expressions(void **state)
{
	(void) state;
	btree("a");
	btree("a");
	columns[0][0].attno = columns[1][0].attno = 0;
	columns[0][0].expression = 1;
	columns[1][0].expression = 2;
	expect_neither();
	columns[1][0].expression = 1;
	find();
	expect(&table[1], &table[0], 0);
}

static void
test_ix15_methods(void **state)
{
	(void) state;
	btree("a");
	add(HA_INDEX_EXACT, "a");
	expect_neither();
	start(NULL);
	add(HA_INDEX_EXACT, "a");
	add(HA_INDEX_EXACT, "ab");
	expect_neither();
}

static void
test_ix16_sets(void **state)
{
	HaIndex *a = add(HA_INDEX_SET, "a");
	HaIndex *ba = add(HA_INDEX_SET, "ba");
	HaIndex *cba = add(HA_INDEX_SET, "cba");
	HaIndex *ac = add(HA_INDEX_SET, "ac");
	HaIndex *ad = add(HA_INDEX_SET, "ad");
	HaIndex *gist = add(HA_INDEX_LEADING, "a");
	HaIndex *longer = add(HA_INDEX_LEADING, "ab");

	(void) state;
	find();
	expect(cba, NULL, 0);
	expect(ba, cba, 0);
	expect(ac, cba, 0);
	expect(ad, NULL, 0);
	assert_true(a->covered_by == cba - table || a->covered_by == ad - table);
	expect(gist, longer, HA_DOUBT_METHOD);
	expect(longer, NULL, 0);
}

static void
test_ix18_invalid(void **state)
{
	HaIndex *a = btree("a");
	HaIndex *invalid = btree("ab");

	(void) state;
	invalid->usable = false;
	find();
	expect(a, NULL, 0);
	expect(invalid, NULL, 0);
	invalid->usable = true;
	a->usable = false;
	expect_neither();
}

static void
test_ix20_kept_child(void **state)
{
	HaIndex *child = btree("a");
	HaIndex *local = btree("ab");
	HaIndex *twin = btree("a");

	(void) state;
	child->kept = true;
	find();
	expect(child, NULL, 0);
	expect(twin, child, 0);
	expect(local, NULL, 0);
}

static void
test_ix21_clustered(void **state)
{
	HaIndex *plain = btree("a");
	HaIndex *clustered = btree("a");
	HaIndex *longer;

	(void) state;
	clustered->clustered = true;
	find();
	expect(plain, clustered, 0);
	expect(clustered, NULL, 0);
	longer = btree("ab");
	find();
	expect(plain, clustered, 0);
	expect(clustered, longer, HA_DOUBT_CLUSTERED);
}

static void
test_ix22_deferrable(void **state)
{
	(void) state;
	unique("a")->kept = true;
	table[0].immediate = false;
	unique("a");
	expect_neither();
	table[1].unique = false;
	find();
	expect(&table[1], &table[0], 0);
}

static void
test_ix23_nulls_not_distinct(void **state)
{
	HaIndex *strict = unique("a");
	HaIndex *lax = unique("a");

	(void) state;
	strict->nulls_not_distinct = true;
	find();
	expect(lax, strict, 0);
	lax->kept = true;
	expect_neither();
}

static void
test_ix24_high_numbers(void **state)
{
	(void) state;
	btree("a");
	btree("ab");
	columns[0][0].attno = 100;
	columns[1][0].attno = 1000;
	expect_neither();
	columns[0][0].attno = 1000;
	find();
	expect(&table[0], &table[1], 0);
}

static void
test_ix25_chain(void **state)
{
	HaIndex *abc = btree("abc");
	HaIndex *a = btree("a");
	HaIndex *ab = btree("ab");
	HaIndex *twin = btree("a");

	(void) state;
	find();
	expect(a, abc, 0);
	expect(twin, abc, 0);
	expect(ab, abc, 0);
	expect(abc, NULL, 0);
}

/* Many twins, and a long chain of others with the same beginning: not quadratic (it would take a minute). */
static void
test_ix25_many(void **state)
{
	(void) state;
	for (int i = 0; i < INDEXES; i++)
		btree(i % 2 == 0 ? "a" : "ab")->id = (uint32_t) i;
	find();
	for (int i = 0; i < INDEXES; i++)
		assert_int_equal(table[i].covered_by, i == 1 ? -1 : 1);
}

/* Whatever the indexes: what covers stays, and a straight look at all pairs finds the same ones covered. */
static void
test_random(void **state)
{
	static const char *const key[] = {"a", "b", "ab", "aB", "A", "AB", "a+b", "a+c", "abc", "ab+c", "ba", "a!"};

	(void) state;
	srand(11);
	for (int round = 0; round < 5000; round++)
	{
		start(NULL);
		for (int i = 1 + rand() % 10; i > 0; i--)
		{
			HaIndex *index = btree(key[rand() % 12]);

			index->unique = rand() % 4 == 0;
			index->nulls_not_distinct = index->unique && rand() % 3 == 0;
			index->kept = rand() % 5 == 0;
			index->usable = rand() % 8 != 0;
		}
		find();
		for (int i = 0; i < count; i++)
		{
			if (table[i].covered_by < 0)
				continue;
			assert_false(table[i].kept);
			assert_true(table[i].usable && table[table[i].covered_by].usable);
			assert_true(table[table[i].covered_by].covered_by < 0);
		}
		/* Those that stay alone: no one of them covers another one. */
		for (int i = 0; i < count; i++)
		{
			table[i].usable = table[i].usable && table[i].covered_by < 0;
			columns[i][0].not_null = false;
		}
		find();
		for (int i = 0; i < count; i++)
			assert_int_equal(table[i].covered_by, -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_ix1_prefix, start),
		cmocka_unit_test_setup(test_ix2_unique_prefix, start),
		cmocka_unit_test_setup(test_ix3_ix4_constraints, start),
		cmocka_unit_test_setup(test_ix5_backwards, start),
		cmocka_unit_test_setup(test_ix5_one_backwards, start),
		cmocka_unit_test_setup(test_ix6_nulls, start),
		cmocka_unit_test_setup(test_ix6_better_cover, start),
		cmocka_unit_test_setup(test_ix7_ix8_ix17_classes, start),
		cmocka_unit_test_setup(test_ix9_include, start),
		cmocka_unit_test_setup(test_ix10_include_in_key, start),
		cmocka_unit_test_setup(test_ix10_not_gist, start),
		cmocka_unit_test_setup(test_ix11_include_order, start),
		cmocka_unit_test_setup(test_ix13_partial, start),
		cmocka_unit_test_setup(test_ix14_expressions, start),
		cmocka_unit_test_setup(test_ix15_methods, start),
		cmocka_unit_test_setup(test_ix16_sets, start),
		cmocka_unit_test_setup(test_ix18_invalid, start),
		cmocka_unit_test_setup(test_ix20_kept_child, start),
		cmocka_unit_test_setup(test_ix21_clustered, start),
		cmocka_unit_test_setup(test_ix22_deferrable, start),
		cmocka_unit_test_setup(test_ix23_nulls_not_distinct, start),
		cmocka_unit_test_setup(test_ix24_high_numbers, start),
		cmocka_unit_test_setup(test_ix25_chain, start),
		cmocka_unit_test_setup(test_ix25_many, start),
		cmocka_unit_test_setup(test_random, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
