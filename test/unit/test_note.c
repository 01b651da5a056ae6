/*
 * test_note.c: every note has a name, a severity and a sentence that fits.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/note.h"

/* As long as an event's text may be. */
#define TEXT_SIZE 256

static void
test_names(void **state)
{
	(void) state;
	for (int a = 0; a < HA_NOTE_COUNT; a++)
	{
		const char *name = ha_note_name((HaNoteKind) a);

		assert_non_null(name);
		assert_in_range(strlen(name), 3, 31);
		for (const char *c = name; *c != '\0'; c++)
			assert_true((*c >= 'a' && *c <= 'z') || *c == '-');
		for (int b = 0; b < a; b++)
			assert_string_not_equal(name, ha_note_name((HaNoteKind) b));
		assert_in_range(ha_note_severity((HaNoteKind) a), HA_SEVERITY_INFO, HA_SEVERITY_CRITICAL);
	}
	assert_int_equal(ha_note_severity(HA_NOTE_FENCED), HA_SEVERITY_CRITICAL);
}

/* With the longest values there are, no sentence is cut, and no %-letter is left in it. */
static void
test_sentences(void **state)
{
	(void) state;
	for (int kind = 0; kind < HA_NOTE_COUNT; kind++)
	{
		HaNote note = {(HaNoteKind) kind, 31, UINT64_MAX, UINT64_MAX, INT64_MIN, "some sentence"};
		char text[2 * TEXT_SIZE];

		ha_note_text(&note, "abcdefghijklmnopqrstuvwxyz01234", text, sizeof(text));
		assert_in_range(strlen(text), 10, TEXT_SIZE - 1);
		assert_null(strchr(text, '%'));
		assert_true(text[strlen(text) - 1] != '.');
	}
}

static void
test_values(void **state)
{
	HaNote note = {.kind = HA_NOTE_RESIGNED, .member = 3, .term = 12, .lsn = UINT64_C(0x1A00000F0)};
	char text[TEXT_SIZE];

	(void) state;
	ha_note_text(&note, "n3", text, sizeof(text));
	assert_string_equal(text, "the leader \"n3\" resigned term 12 at 1/A00000F0");
	ha_note_text(&note, NULL, text, sizeof(text));
	assert_string_equal(text, "the leader 3 resigned term 12 at 1/A00000F0");
	note = (HaNote){.kind = HA_NOTE_SYNC_CHANGED, .value = 2};
	ha_note_text(&note, NULL, text, sizeof(text));
	assert_string_equal(text, "commits wait for 2 members from now on");
	note = (HaNote){.kind = HA_NOTE_ROLE};
	ha_note_text(&note, NULL, text, sizeof(text));
	assert_string_equal(text, "");
}

static void
test_cut(void **state)
{
	const char *whole = "commits wait for 1234567 members from now on";
	HaNote note = {.kind = HA_NOTE_SYNC_CHANGED, .value = 1234567};
	char text[64];

	(void) state;
	for (size_t size = 0; size < sizeof(text); size++)
	{
		memset(text, '?', sizeof(text));
		ha_note_text(&note, NULL, text, size);
		if (size > 0)
		{
			assert_int_equal(strlen(text), size <= strlen(whole) ? size - 1 : strlen(whole));
			assert_memory_equal(text, whole, strlen(text));
		}
		assert_int_equal(text[size], '?');
	}
}

static void
test_unknown(void **state)
{
	HaNote note = {.kind = HA_NOTE_COUNT};
	char text[TEXT_SIZE];

	(void) state;
	assert_string_equal(ha_note_name(HA_NOTE_COUNT), "unknown");
	assert_int_equal(ha_note_severity((HaNoteKind) -1), HA_SEVERITY_WARNING);
	ha_note_text(&note, NULL, text, sizeof(text));
	assert_string_equal(text, "unknown note");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
