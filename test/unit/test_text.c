/*
 * test_text.c: texts that are cut and cleaned: always valid UTF-8, always ended, nothing foreign acts (ops/text).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/prng.h"
#include "ops/text.h"

#define MIDDLE_KINGDOM "\xE4\xB8\xAD\xE5\x9B\xBD"	/* two characters of three bytes */
#define FACE "\xF0\x9F\x98\x80"	/* one of four */

static void
foreign(const char *bytes, size_t count, const char *expected)
{
	char buffer[64];
	HaText text = ha_text(buffer, sizeof(buffer));

	ha_text_add_foreign(&text, bytes, count);
	assert_string_equal(buffer, expected);
	assert_false(text.cut);
}

static void
test_foreign(void **state)
{
	(void) state;
	foreign("plain", 5, "plain");
	foreign("a\nb\tc\rd", 7, "a\\nb\\tc\\x0Dd");
	foreign("nul\0nul", 7, "nul\\x00nul");
	foreign(MIDDLE_KINGDOM FACE, 10, MIDDLE_KINGDOM FACE);
	foreign("\xFF\xC0\xAF", 3, "\\xFF\\xC0\\xAF");	/* an overlong slash */
	foreign("\xE0\x80\xAF", 3, "\\xE0\\x80\\xAF");
	foreign("\xF0\x80\x80\xAF", 4, "\\xF0\\x80\\x80\\xAF");
	foreign("\xF4\x90\x80\x80", 4, "\\xF4\\x90\\x80\\x80");	/* beyond the last character */
	foreign("\xED\xA0\x80", 3, "\\xED\\xA0\\x80");	/* a surrogate */
	foreign("\xE4\xB8", 2, "\\xE4\\xB8");	/* cut off */
	foreign("\xE2\x80\xAE", 3, "\\xE2\\x80\\xAE");	/* turns the direction of writing */
	foreign("\xE2\x80\x8B", 3, "\\xE2\\x80\\x8B");	/* zero width */
	foreign("\xC2\x9B", 2, "\\xC2\\x9B");	/* C1: a terminal's escape */
	foreign("\x7F\x1B[0m", 5, "\\x7F\\x1B[0m");
}

/* Whatever the size, a text is cut between two characters and stays cut. */
static void
test_cut(void **state)
{
	(void) state;
	for (size_t size = 1; size < 24; size++)
	{
		char buffer[24];
		HaText text = ha_text(buffer, size);

		ha_text_add(&text, MIDDLE_KINGDOM FACE MIDDLE_KINGDOM);
		assert_int_equal(strlen(buffer), text.length);
		assert_true(text.length < size);
		assert_int_equal(text.cut, size <= 16);
		for (size_t at = 0; at < text.length; at += ha_text_char_bytes(buffer + at, text.length - at))
			assert_int_not_equal(ha_text_char_bytes(buffer + at, text.length - at), 0);
		if (text.cut)
		{
			size_t before = text.length;

			ha_text_add(&text, "x");
			assert_int_equal(text.length, before);
		}
	}
}

static void
test_format(void **state)
{
	char buffer[16];
	HaText text = ha_text(buffer, sizeof(buffer));

	(void) state;
	ha_text_format(&text, "%d of %s", 3, "seven");
	assert_string_equal(buffer, "3 of seven");
	ha_text_format(&text, "%s", "too long for it");
	assert_true(text.cut);
	assert_int_equal(text.length, 15);
}

/* Random bytes: the result is valid UTF-8 without control characters. */
static void
test_random(void **state)
{
	HaPrng prng;

	(void) state;
	ha_prng_seed(&prng, 1);
	for (int round = 0; round < 20000; round++)
	{
		char bytes[40], buffer[80];
		HaText text = ha_text(buffer, 1 + ha_prng_below(&prng, sizeof(buffer)));
		size_t count = ha_prng_below(&prng, sizeof(bytes));

		for (size_t i = 0; i < count; i++)
			bytes[i] = (char) ha_prng_below(&prng, 256);
		ha_text_add_foreign(&text, bytes, count);
		assert_int_equal(strlen(buffer), text.length);
		for (size_t at = 0; at < text.length; at += ha_text_char_bytes(buffer + at, text.length - at))
		{
			assert_int_not_equal(ha_text_char_bytes(buffer + at, text.length - at), 0);
			assert_true((unsigned char) buffer[at] >= ' ');
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
