/*
 * test_event.c: events, their order, their texts and their bytes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "wire/event.h"
#include "wire/frame.h"

static HaEventRecord
sample_event(uint64_t number)
{
	HaEventRecord record = {
		.key = {2, 12, number, 1700000000000000 + (int64_t) number},
		.term = 7,
		.kind = HA_NOTE_OPENED,
		.severity = HA_SEVERITY_WARNING,
		.member = 1,
		.lsn = 0x5000148,
		.value = -3,
	};

	ha_event_set_text(&record, "this member takes writes as the leader of term 7");
	return record;
}

static void
test_order(void **state)
{
	HaEventKey a = {2, 5, 9, 1000};
	HaEventKey b = a;

	(void) state;
	assert_int_equal(ha_event_compare(&a, &b), 0);
	b.number = 10;
	assert_int_equal(ha_event_compare(&a, &b), -1);
	assert_int_equal(ha_event_compare(&b, &a), 1);
	b = (HaEventKey){2, 6, 1, 1000};
	assert_int_equal(ha_event_compare(&a, &b), -1);
	b = (HaEventKey){3, 1, 1, 1000};
	assert_int_equal(ha_event_compare(&a, &b), -1);
	b = (HaEventKey){1, 1, 1, 1001};
	assert_int_equal(ha_event_compare(&a, &b), -1);
}

static void
test_texts_are_printable(void **state)
{
	HaEventRecord record = {0};
	char longer[400];

	(void) state;
	ha_event_set_text(&record, "a\nb\x1b[31mc\xc3\xa9");
	assert_string_equal(record.text, "a?b?[31mc??");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	ha_event_set_text(&record, longer);
	assert_int_equal(strlen(record.text), HA_EVENT_TEXT_SIZE - 1);
	assert_string_equal(ha_event_name(HA_NOTE_OPENED), "open");
	assert_string_equal(ha_event_name(HA_EVENT_KIND_HOOK), "hook");
	assert_string_equal(ha_event_name(HA_EVENT_KIND_PEER), "peer");
	assert_string_equal(ha_event_name(999), "event");
	assert_string_equal(ha_event_name(HA_EVENT_KIND_MAX), "event");
}

static void
test_events_return(void **state)
{
	uint8_t bytes[1024];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaEventRecord record = sample_event(4);
	HaEventRecord found;
	HaReader reader;

	(void) state;
	ha_put_event(&writer, &record);
	assert_false(writer.bad);
	reader = ha_reader(bytes, writer.used);
	ha_get_event(&reader, &found);
	assert_true(ha_reader_done(&reader));
	assert_int_equal(ha_event_compare(&record.key, &found.key), 0);
	assert_int_equal(found.kind, record.kind);
	assert_int_equal(found.severity, record.severity);
	assert_int_equal(found.value, -3);
	assert_string_equal(found.text, record.text);
	bytes[writer.used - 1] = '\n';
	reader = ha_reader(bytes, writer.used);
	ha_get_event(&reader, &found);
	assert_true(reader.bad);
	assert_int_equal(found.key.origin, 0);
	record.key.origin = 0;
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_event(&writer, &record);
	assert_true(writer.bad);
}

static void
test_full_batch_fits_a_frame(void **state)
{
	static uint8_t bytes[HA_FRAME_MAX];
	static HaEventBatch batch;
	static HaEventBatch found;
	HaFrameHead head = {.type = HA_FRAME_EVENTS};
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;
	char text[HA_EVENT_TEXT_SIZE];

	(void) state;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	batch.count = HA_EVENTS_PER_FRAME;
	batch.more = true;
	for (uint32_t i = 0; i < batch.count; i++)
	{
		batch.record[i] = sample_event(i + 1);
		ha_event_set_text(&batch.record[i], text);
	}
	ha_frame_begin(&writer, &head);
	ha_put_event_batch(&writer, &batch);
	assert_true(ha_frame_end(&writer) > 0);
	assert_int_equal(ha_frame_open(bytes, writer.used, &head, &reader), HA_FRAME_OK);
	ha_get_event_batch(&reader, &found);
	assert_true(ha_reader_done(&reader));
	assert_int_equal(found.count, batch.count);
	assert_true(found.more);
	assert_memory_equal(&found.record[99], &batch.record[99], sizeof(HaEventRecord));
}

static void
test_keys_must_ascend(void **state)
{
	static uint8_t bytes[HA_FRAME_MAX];
	static HaEventKeys keys;
	static HaEventKeys found;
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;

	(void) state;
	keys.count = HA_EVENTS_KEPT;
	for (uint32_t i = 0; i < keys.count; i++)
		keys.key[i] = sample_event(i + 1).key;
	ha_put_event_keys(&writer, &keys);
	assert_false(writer.bad);
	reader = ha_reader(bytes, writer.used);
	ha_get_event_keys(&reader, &found);
	assert_true(ha_reader_done(&reader));
	assert_int_equal(found.count, HA_EVENTS_KEPT);

	keys.key[7] = keys.key[6];
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_event_keys(&writer, &keys);
	assert_true(writer.bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_texts_are_printable),
		cmocka_unit_test(test_events_return),
		cmocka_unit_test(test_full_batch_fits_a_frame),
		cmocka_unit_test(test_keys_must_ascend),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
