/*
 * test_spool.c: events come back from their file as they were; nothing that is not whole is believed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "io/files.h"
#include "io/spool.h"

static char directory[] = "/tmp/test_spool_XXXXXX";
static char path[sizeof(directory) + 16];
static HaEventRecord some[HA_EVENTS_KEPT];
static HaEventRecord back[HA_EVENTS_KEPT];
static HaFault fault;

static int
make(void **state)
{
	(void) state;
	if (mkdtemp(directory) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/events", directory);
	for (uint32_t i = 0; i < HA_EVENTS_KEPT; i++)
	{
		HaEventRecord *record = &some[i];

		record->key = (HaEventKey){.origin = 1 + i % 3, .run = 7, .number = i + 1, .wall_us = 1000 + i};
		record->term = i;
		record->kind = HA_EVENT_KIND_ALERT;
		record->severity = HA_SEVERITY_WARNING;
		record->lsn = 77 * i;
		record->value = -(int64_t) i;
		memset(record->text, 'a' + i % 26, sizeof(record->text) - 1);
	}
	return 0;
}

static int
clean(void **state)
{
	(void) state;
	return ha_files_remove_tree(directory) ? 0 : -1;
}

static void
test_round_trip(void **state)
{
	static const uint32_t counts[] = {0, 1, 17, HA_EVENTS_KEPT};

	(void) state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
	{
		assert_true(ha_spool_write(path, some, counts[i], &fault));
		memset(back, 0xff, sizeof(back));
		assert_int_equal(ha_spool_read(path, back, &fault), (int) counts[i]);
		assert_memory_equal(back, some, counts[i] * sizeof(back[0]));
	}
}

static void
test_no_file(void **state)
{
	(void) state;
	(void) ha_files_remove(directory, "events");
	assert_int_equal(ha_spool_read(path, back, &fault), 0);
}

static void
refused(const char *bytes, size_t count)
{
	assert_true(ha_files_write(path, bytes, count, 0600));
	fault.text[0] = '\0';
	assert_int_equal(ha_spool_read(path, back, &fault), -1);
	assert_non_null(strstr(fault.text, "damaged"));
}

/* A file that was cut anywhere, and one with any bit wrong. */
static void
test_damage(void **state)
{
	size_t count;
	char *bytes;

	(void) state;
	assert_true(ha_spool_write(path, some, 2, &fault));
	bytes = ha_files_read(path, 100000, &count);
	assert_non_null(bytes);
	for (size_t cut = 0; cut < count; cut += cut < 40 ? 1 : 29)
		refused(bytes, cut);
	for (size_t bit = 0; bit < count * 8; bit += bit < 200 ? 1 : 61)
	{
		bytes[bit / 8] ^= (char) (1 << bit % 8);
		refused(bytes, count);
		bytes[bit / 8] ^= (char) (1 << bit % 8);
	}
	free(bytes);
}

/* Whole by its checksum, and yet impossible: not in order. What can't be read back is not written. */
static void
test_impossible(void **state)
{
	HaEventRecord two[2] = {some[1], some[0]};

	(void) state;
	assert_true(ha_spool_write(path, two, 2, &fault));
	assert_int_equal(ha_spool_read(path, back, &fault), -1);
	two[0].text[0] = '\n';
	assert_false(ha_spool_write(path, two, 2, &fault));
	assert_non_null(strstr(fault.text, "breaks its own rules"));
}

static void
test_where_nothing_can_be_written(void **state)
{
	(void) state;
	assert_false(ha_spool_write("/proc/no/such/place", some, 1, &fault));
	assert_non_null(strstr(fault.text, "can't be written"));
	assert_int_equal(ha_spool_read(directory, back, &fault), -1);
	assert_non_null(strstr(fault.text, "can't be read"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_no_file),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_impossible),
		cmocka_unit_test(test_where_nothing_can_be_written),
	};

	return cmocka_run_group_tests(tests, make, clean);
}
