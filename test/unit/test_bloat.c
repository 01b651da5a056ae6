/*
 * test_bloat.c: which pages are read, what their mean is worth, how a rewrite packs (ops/bloat).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/prng.h"
#include "ops/bloat.h"

#define PAGE 8192

static HaPrng prng;

static int
start(void **state)
{
	(void) state;
	ha_prng_seed(&prng, 7);
	return 0;
}

static void
test_pages_ascend_and_none_twice(void **state)
{
	const uint32_t total[] = {1, 7, 1000, 1001, 1999, 123457, UINT32_MAX};

	(void) state;
	for (size_t t = 0; t < sizeof(total) / sizeof(total[0]); t++)
	{
		uint32_t sample = total[t] < 1000 ? total[t] : 1000;
		int64_t last = -1;

		for (uint32_t i = 0; i < sample; i++)
		{
			uint32_t page = ha_bloat_page(i, sample, total[t], ha_prng_next(&prng));

			assert_true(page > last && page < total[t]);
			if (sample == total[t])
				assert_int_equal(page, i);
			last = page;
		}
	}
}

static void
test_all_pages_have_no_error(void **state)
{
	HaBloatMean mean = {0};

	(void) state;
	for (int i = 0; i < 10; i++)
		ha_bloat_mean_add(&mean, i % 2 * 100.0);
	assert_true(ha_bloat_mean_total(&mean, 10) == 500);
	assert_true(ha_bloat_mean_variance(&mean, 10) == 0);
	assert_true(ha_bloat_mean_variance(&mean, 1000) > 0);
	assert_true(ha_bloat_margin(0) == 0);
	assert_true(fabs(ha_bloat_margin(10000) - 196) < 0.001);
	assert_true(fabs(ha_bloat_margin(1e24) - 1.96e12) < 1);
	assert_true(ha_bloat_margin(0.25) > 0.9);
}

/* A page of the relation `kind`: 0 at random full or empty, 1 its first half empty, 2 a slope. */
static double
figure(int kind, uint32_t page, uint32_t total)
{
	uint64_t mixed = (page + 1) * UINT64_C(0x9E3779B97F4A7C15);

	if (kind == 0)
		return (mixed >> 40) % 10 < 4 ? 100 : 0;
	return kind == 1 ? (page < total / 2 ? 0 : 100) : 100.0 * page / total;
}

/* 95 of 100 intervals hold the truth, for each kind of relation. */
static void
test_the_interval_holds_the_truth(void **state)
{
	const uint32_t total = 20000;

	(void) state;
	for (int kind = 0; kind < 3; kind++)
	{
		double truth = 0;
		double widest = 0;
		int hits = 0;

		for (uint32_t page = 0; page < total; page++)
			truth += figure(kind, page, total);
		for (int round = 0; round < 1000; round++)
		{
			HaBloatMean mean = {0};
			double margin;

			for (uint32_t i = 0; i < 1000; i++)
				ha_bloat_mean_add(&mean, figure(kind, ha_bloat_page(i, 1000, total, ha_prng_next(&prng)), total));
			margin = ha_bloat_margin(ha_bloat_mean_variance(&mean, total));
			widest = margin > widest ? margin : widest;
			hits += fabs(ha_bloat_mean_total(&mean, total) - truth) <= margin;
		}
		assert_in_range(hits, 925, 1000);
		/* Within 3.5 points of what a page may hold; where neighbours are alike far less. */
		assert_true(widest / total < (kind == 0 ? 3.5 : 0.5));
	}
}

/* A heap page takes what fits before the reserve; one row more than fits makes two pages. */
static void
test_heap_pages(void **state)
{
	HaBloatPack pack = {.capacity = PAGE - 24};
	HaBloatPack half = {.capacity = PAGE - 24, .reserve = PAGE / 2.0};

	(void) state;
	assert_true(ha_bloat_pack_pages(&pack, true) == 0);
	for (int i = 0; i < 226; i++)
	{
		ha_bloat_pack(&pack, 36);
		ha_bloat_pack(&half, 36);
	}
	assert_true(ha_bloat_pack_pages(&pack, true) == 1);
	assert_true(ha_bloat_pack_pages(&half, true) == 2);
	ha_bloat_pack(&pack, 36);
	assert_true(ha_bloat_pack_pages(&pack, true) == 2);
	assert_true(ha_bloat_pack_pages(&pack, false) < 1.1);
	/* A row that is larger than what the fillfactor leaves has a page of its own. */
	ha_bloat_pack(&half, 8000);
	ha_bloat_pack(&half, 8000);
	assert_true(ha_bloat_pack_pages(&half, true) == 4);
}

/* PostgreSQL's own figure: 366 entries of a bigint on a fresh leaf. */
static void
test_btree_pages(void **state)
{
	HaBloatPack pack = {.capacity = PAGE - 24 - 16 - 4, .reserve = PAGE / 10, .btree = true};
	HaBloatPack large = pack;

	(void) state;
	for (int i = 0; i < 366 * 100; i++)
		ha_bloat_pack(&pack, 20);
	assert_in_range((int) ha_bloat_pack_pages(&pack, true), 100, 101);
	/* Entries of a thousand bytes: seven, as the eighth place is the high key's. */
	for (int i = 0; i < 700; i++)
		ha_bloat_pack(&large, 1012);
	assert_in_range((int) ha_bloat_pack_pages(&large, true), 99, 117);
}

static void
test_posting_lists(void **state)
{
	(void) state;
	assert_int_equal(ha_bloat_posting_bytes(16, 1), 20);
	assert_int_equal(ha_bloat_posting_bytes(16, 2), 36);
	assert_int_equal(ha_bloat_posting_max(16, PAGE), 132);
	assert_true(ha_bloat_posting_bytes(16, 132) <= PAGE / 10);
	assert_int_equal(ha_bloat_posting_max(2000, PAGE), 1);
	assert_int_equal(ha_bloat_posting_max(800, PAGE), 1);
}

/* BL1 the alignment of each column counts, not of the row as a whole. */
static void
test_padding_between_columns(void **state)
{
	const HaBloatColumn pairs[] = {{1, 0, 1, false}, {8, 0, 8, false}, {1, 0, 1, false}, {8, 0, 8, false}};
	const HaBloatColumn sorted[] = {{8, 0, 8, false}, {8, 0, 8, false}, {1, 0, 1, false}, {1, 0, 1, false}};
	const HaBloatColumn nullable[] = {{4, 0.5, 4, false}, {8, 0, 8, false}};
	const HaBloatColumn text[] = {{11, 0, 1, true}, {8, 0, 8, false}};
	double padding;

	(void) state;
	assert_true(ha_bloat_row_bytes(pairs, 4, &padding) == 32);
	assert_true(padding == 14);
	assert_true(ha_bloat_row_bytes(sorted, 4, &padding) == 24);
	assert_true(padding == 6);
	assert_true(ha_bloat_row_bytes(nullable, 2, &padding) == 12);
	assert_true(padding == 2);
	assert_true(fabs(ha_bloat_row_bytes(text, 2, &padding) - 22.5) < 1e-9);
	assert_true(ha_bloat_row_bytes(text, 0, &padding) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pages_ascend_and_none_twice, start),
		cmocka_unit_test(test_all_pages_have_no_error),
		cmocka_unit_test_setup(test_the_interval_holds_the_truth, start),
		cmocka_unit_test(test_heap_pages),
		cmocka_unit_test(test_btree_pages),
		cmocka_unit_test(test_posting_lists),
		cmocka_unit_test(test_padding_between_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
