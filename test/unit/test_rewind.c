/*
 * test_rewind.c: what pg_rewind and pg_basebackup say (drive/rewind, drive/clone).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "drive/clone.h"
#include "drive/rewind.h"

static void
test_divergence(void **state)
{
	HaDivergence d = {0};

	(void) state;
	ha_rewind_line(&d, "pg_rewind: connected to server");
	ha_rewind_line(&d, "pg_rewind: servers diverged at WAL location 1/3018048 on timeline 7");
	assert_false(d.needed);
	assert_true(d.fork == UINT64_C(0x103018048));
	assert_int_equal(d.tli, 7);
	ha_rewind_line(&d, "pg_rewind: rewinding from last common checkpoint at 0/2000060 on timeline 6");
	assert_true(d.needed);
	assert_true(d.checkpoint == UINT64_C(0x2000060));
	assert_int_equal(d.tli, 7);
	assert_false(d.same_timeline);
}

/* As newer versions write positions. */
static void
test_padded(void **state)
{
	HaDivergence d = {0};

	(void) state;
	ha_rewind_line(&d, "pg_rewind: servers diverged at WAL location 0/03018048 on timeline 1");
	assert_true(d.fork == UINT64_C(0x3018048));
}

static void
test_nothing_to_do(void **state)
{
	HaDivergence same = {0};
	HaDivergence part = {0};

	(void) state;
	ha_rewind_line(&same, "pg_rewind: source and target cluster are on the same timeline");
	ha_rewind_line(&same, "pg_rewind: no rewind required");
	assert_true(same.same_timeline && !same.needed);
	ha_rewind_line(&part, "pg_rewind: servers diverged at WAL location 0/3018048 on timeline 1");
	ha_rewind_line(&part, "pg_rewind: no rewind required");
	assert_true(!part.same_timeline && !part.needed);
}

static void
test_garbage(void **state)
{
	static const char *const lines[] = {"", "servers diverged at WAL location ",
										"servers diverged at WAL location x/y on",
										"rewinding from last common checkpoint at 0/2000060",
										"rewinding from last common checkpoint at 0 on timeline 1"};
	HaDivergence d = {0};

	(void) state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		ha_rewind_line(&d, lines[i]);
	assert_true(!d.needed && d.fork == 0 && d.checkpoint == 0);
}

static void
test_percent(void **state)
{
	(void) state;
	assert_int_equal(ha_clone_percent("    0/53061 kB (0%) copied"), 0);
	assert_int_equal(ha_clone_percent("12345/56789 kB (21%), 0/1 tablespace (...base/1/1)"), 21);
	assert_int_equal(ha_clone_percent("53061/53061 kB (100%), 1/1 tablespace"), 100);
	assert_int_equal(ha_clone_percent("waiting for checkpoint"), -1);
	assert_int_equal(ha_clone_percent("(x%)"), -1);
	assert_int_equal(ha_clone_percent("(101%)"), -1);
	assert_int_equal(ha_clone_percent("(-1%)"), -1);
	assert_int_equal(ha_clone_percent("(12 of 13)"), -1);
}

static void
test_slot_name(void **state)
{
	char slot[HA_NAME_SIZE + 16];

	(void) state;
	ha_clone_slot_name("n1", slot);
	assert_string_equal(slot, "pg_haops_n1");
	ha_clone_slot_name("Node-A_2", slot);
	assert_string_equal(slot, "pg_haops_node_a_2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_divergence),
		cmocka_unit_test(test_padded),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_percent),
		cmocka_unit_test(test_slot_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
