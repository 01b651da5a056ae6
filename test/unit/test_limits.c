/*
 * test_limits.c: which setting of a standby is lower than its primary's (cli/limits, which is in no library: it is
 * compiled in here).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/limits.c"

static const char usual[] = "max_connections 100 false\nmax_locks_per_transaction 64 false\n"
	"max_prepared_transactions 0 false\nmax_wal_senders 10 false\nmax_worker_processes 8 false\n";
static const char higher[] = "max_connections 120 false\nmax_locks_per_transaction 64 false\n"
	"max_prepared_transactions 0 false\nmax_wal_senders 20 false\nmax_worker_processes 4 false";
static const char changed[] = "max_connections 100 true\nmax_locks_per_transaction 64 false\n"
	"max_prepared_transactions 0 false\nmax_wal_senders 10 false\nmax_worker_processes 8 false";

static void
test_lower(void **state)
{
	HaLimits low, high, unknown = {.known = false};

	(void) state;
	assert_true(ha_limits_read(usual, &low));
	assert_true(ha_limits_read(higher, &high));
	assert_int_equal(ha_limits_lower(&low, &low, false, 0), HA_LIMITS_COUNT);
	assert_string_equal(ha_limits_name[ha_limits_lower(&low, &high, false, 0)], "max_connections");
	assert_string_equal(ha_limits_name[ha_limits_lower(&low, &high, false, 1)], "max_wal_senders");
	assert_int_equal(ha_limits_lower(&low, &high, false, 3), HA_LIMITS_COUNT);
	assert_string_equal(ha_limits_name[ha_limits_lower(&high, &low, false, 0)], "max_worker_processes");
	assert_int_equal(ha_limits_lower(&unknown, &high, false, 0), HA_LIMITS_COUNT);
	assert_int_equal(ha_limits_lower(&low, &unknown, false, 0), HA_LIMITS_COUNT);
}

/* The old leader is started anew: what its configuration says counts, which is not seen, only that it is another. */
static void
test_pending(void **state)
{
	HaLimits low, high;

	(void) state;
	assert_true(ha_limits_read(changed, &low));
	assert_true(ha_limits_read(higher, &high));
	assert_string_equal(ha_limits_name[ha_limits_lower(&low, &high, false, 0)], "max_connections");
	assert_string_equal(ha_limits_name[ha_limits_lower(&low, &high, true, 0)], "max_wal_senders");
}

static void
test_other_answers(void **state)
{
	static const char *const bad[] = {"", "max_connections", "max_connections 100", "max_connections many false",
		"max_connections 100 false", "shared_buffers 1 false\n"};
	HaLimits limits;

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_false(ha_limits_read(bad[i], &limits));
		assert_false(limits.known);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lower),
		cmocka_unit_test(test_pending),
		cmocka_unit_test(test_other_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
