/*
 * test_rejoin.c: what a member must do when the leader has changed before its rewind (drive/rejoin).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drive/rejoin.h"

/* Epochs of term 1 on timeline 1, of term 3 on timeline 2 from 0x3000 on. */
static const HaChain own = {2, {{1, 1, 0}, {3, 2, 0x3000}}};

static HaControl
control_of(HaTli tli, HaLsn checkpoint, HaLsn min_recovery)
{
	HaControl control = {.checkpoint = checkpoint, .min_recovery = min_recovery};

	control.tli = tli;
	control.min_recovery_tli = min_recovery != 0 ? tli : 0;
	return control;
}

static HaLineage
compare(HaTli tli, HaLsn checkpoint, HaLsn min_recovery, const HaChain *leader)
{
	HaControl control = control_of(tli, checkpoint, min_recovery);

	return ha_rejoin_compare(&own, &control, leader);
}

static void
test_part(void **state)
{
	const HaChain leader = {3, {{1, 1, 0}, {3, 2, 0x3000}, {5, 3, 0x5000}}};

	(void) state;
	assert_int_equal(compare(2, 0x4000, 0, &leader), HA_LINEAGE_STREAM);
	assert_int_equal(compare(2, 0x3800, 0x5000, &leader), HA_LINEAGE_STREAM);
}

/* The checkpoint's own bytes come after its position: one at the fork is beyond it. */
static void
test_beyond(void **state)
{
	const HaChain leader = {3, {{1, 1, 0}, {3, 2, 0x3000}, {5, 3, 0x5000}}};

	(void) state;
	assert_int_equal(compare(2, 0x5000, 0, &leader), HA_LINEAGE_REWIND);
	assert_int_equal(compare(2, 0x3800, 0x5001, &leader), HA_LINEAGE_REWIND);
	assert_int_equal(compare(2, 0x9000, 0, &leader), HA_LINEAGE_REWIND);
}

/* Two promotions from timeline 1 that both took number 2 (E9): pg_rewind would find nothing to do. */
static void
test_same_number(void **state)
{
	const HaChain leader = {2, {{1, 1, 0}, {4, 2, 0x3000}}};

	(void) state;
	assert_int_equal(compare(2, 0x4000, 0, &leader), HA_LINEAGE_CLONE);
}

static void
test_nothing_common(void **state)
{
	const HaChain leader = {1, {{7, 9, 0x100}}};

	(void) state;
	assert_int_equal(compare(2, 0x4000, 0, &leader), HA_LINEAGE_CLONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_part),
		cmocka_unit_test(test_beyond),
		cmocka_unit_test(test_same_number),
		cmocka_unit_test(test_nothing_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
