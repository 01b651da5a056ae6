/*
 * test_waits.c: who waits for whom (LK1, LK2, LK11, LK12): forests, circles, and their drawing.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/waits.h"

#define NODES 20000

static HaWaitNode node[NODES];

static void
make(int32_t count, const int32_t *blocker)
{
	memset(node, 0xAA, sizeof(node));
	for (int32_t i = 0; i < count; i++)
		node[i].blocker = blocker[i];
	ha_waits_resolve(node, count);
}

/* The nodes in the order of drawing, as text. */
static const char *
order(int32_t count)
{
	static char text[256];

	text[0] = '\0';
	for (int32_t at = ha_waits_next(node, count, -1); at >= 0; at = ha_waits_next(node, count, at))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d:%d ", at, node[at].depth);
	return text;
}

/* LK1: the holder, the first of the queue behind it, two more behind that one. */
static void
test_row_queue(void **state)
{
	int32_t blocker[] = {-1, 0, 1, 1};

	(void) state;
	make(4, blocker);
	assert_string_equal(order(4), "0:0 1:1 2:2 3:2 ");
	assert_int_equal(node[0].held_up, 3);
	assert_int_equal(node[1].held_up, 2);
	assert_int_equal(node[3].root, 0);
}

static void
test_two_roots(void **state)
{
	int32_t blocker[] = {3, -1, 1, -1, 0, 99, -7};

	(void) state;
	make(7, blocker);
	assert_string_equal(order(7), "1:0 2:1 3:0 0:1 4:2 5:0 6:0 ");
	assert_int_equal(node[4].root, 3);
}

/* LK12: nothing loops, everybody is drawn once, and what hangs on the circle says so. */
static void
test_circle(void **state)
{
	int32_t blocker[] = {1, 2, 0, 0, -1, 3, 6, 6};

	(void) state;
	make(8, blocker);
	assert_string_equal(order(8), "0:0 2:1 1:2 3:1 5:2 4:0 6:0 7:1 ");
	for (int32_t i = 0; i < 8; i++)
		assert_int_equal(node[i].root, i == 4 ? 4 : -1);
	assert_int_equal(node[0].held_up, 4);
}

static void
test_drawing(void **state)
{
	int32_t blocker[] = {-1, 0, 1, 0, 3};
	char text[64];

	(void) state;
	make(5, blocker);
	ha_waits_draw(node, 0, false, text, sizeof(text));
	assert_string_equal(text, "");
	ha_waits_draw(node, 1, false, text, sizeof(text));
	assert_string_equal(text, "├ ");
	ha_waits_draw(node, 2, false, text, sizeof(text));
	assert_string_equal(text, "│ └ ");
	ha_waits_draw(node, 4, false, text, sizeof(text));
	assert_string_equal(text, "  └ ");
	ha_waits_draw(node, 2, true, text, sizeof(text));
	assert_string_equal(text, "|  `- ");
	ha_waits_draw(node, 2, true, text, 5);
	assert_string_equal(text, "`- ");
}

/* LK11: linear: a chain, and one that holds up all others, of twenty thousand. */
static void
test_many(void **state)
{
	static int32_t blocker[NODES];

	(void) state;
	for (int32_t i = 0; i < NODES; i++)
		blocker[i] = i - 1;
	make(NODES, blocker);
	assert_int_equal(node[NODES - 1].depth, NODES - 1);
	assert_int_equal(node[0].held_up, NODES - 1);
	for (int32_t i = 0; i < NODES; i++)
		blocker[i] = i == 0 ? -1 : 0;
	make(NODES, blocker);
	assert_int_equal(node[0].held_up, NODES - 1);
}

/* Whatever the edges: everybody is drawn once, below the one that it waits for. */
static void
test_random(void **state)
{
	(void) state;
	srand(7);
	for (int round = 0; round < 2000; round++)
	{
		int32_t count = 1 + rand() % 12;
		int32_t blocker[12];
		int32_t drawn = 0;

		for (int32_t i = 0; i < count; i++)
			blocker[i] = rand() % (count + 2) - 1;
		make(count, blocker);
		for (int32_t at = ha_waits_next(node, count, -1); at >= 0; at = ha_waits_next(node, count, at))
		{
			assert_true(node[at].above == -1 || node[at].above == blocker[at]);
			drawn++;
		}
		assert_int_equal(drawn, count);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row_queue),
		cmocka_unit_test(test_two_roots),
		cmocka_unit_test(test_circle),
		cmocka_unit_test(test_drawing),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
