/*
 * test_mute.c: patterns, matchers, silences and inhibition (ops/mute).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/mute.h"

#define S (INT64_C(1000) * 1000)

static const HaLabelText of_lag[] = {{"rule", "lag"}, {"severity", "warning"}, {"node", "n2"}, {"slot", "a"}};
static const HaLabelText of_down[] = {{"rule", "node_down"}, {"severity", "critical"}, {"node", "n2"}};

#define COUNT(array) ((uint32_t) (sizeof(array) / sizeof((array)[0])))

/* ---- Patterns ---- */

static void
test_like(void **state)
{
	(void) state;
	assert_true(ha_mute_like("", ""));
	assert_false(ha_mute_like("", "a"));
	assert_false(ha_mute_like("a", ""));
	assert_true(ha_mute_like("abc", "abc"));
	assert_false(ha_mute_like("abc", "abcd"));	/* the whole text */
	assert_false(ha_mute_like("bc", "abc"));
	assert_false(ha_mute_like("ABC", "abc"));
	assert_true(ha_mute_like("*", ""));
	assert_true(ha_mute_like("**", "abc"));
	assert_true(ha_mute_like("a*", "a"));
	assert_true(ha_mute_like("a*c", "abcbc"));
	assert_false(ha_mute_like("a*c", "abcb"));
	assert_true(ha_mute_like("*b*d*", "abcd"));
	assert_false(ha_mute_like("*d*b*", "abcd"));
	assert_true(ha_mute_like("*ab", "aab"));
	assert_true(ha_mute_like("n?", "n1"));
	assert_false(ha_mute_like("n?", "n"));
	assert_false(ha_mute_like("n?", "n12"));
	assert_true(ha_mute_like("?*?", "ab"));
	assert_false(ha_mute_like("?*?", "a"));
}

static void
test_like_takes_a_character_as_it_is(void **state)
{
	(void) state;
	assert_true(ha_mute_like("a\\*b", "a*b"));
	assert_false(ha_mute_like("a\\*b", "axb"));
	assert_true(ha_mute_like("\\?", "?"));
	assert_false(ha_mute_like("\\?", "x"));
	assert_true(ha_mute_like("\\\\", "\\"));
	assert_true(ha_mute_like("a\\", "a\\"));	/* nothing comes after it: itself */
	assert_true(ha_mute_like("*\\*", "a**"));
	assert_false(ha_mute_like("*\\*", "a*b"));
	assert_false(ha_mute_like("\\a", "\\a"));
}

/* One character is not one byte; bytes that are no UTF-8 count one by one, and nothing is read beyond the end. */
static void
test_like_utf8(void **state)
{
	(void) state;
	assert_true(ha_mute_like("?", "\xe6\x95\xb0"));
	assert_false(ha_mute_like("??", "\xe6\x95\xb0"));
	assert_true(ha_mute_like("\xe6\x95\xb0*?", "\xe6\x95\xb0\xf0\x9f\x98\x80"));
	assert_true(ha_mute_like("*?", "\xf0\x9f\x98\x80"));
	assert_true(ha_mute_like("?", "\xff"));
	assert_true(ha_mute_like("??", "\xe6\x95"));
	assert_false(ha_mute_like("???", "\xe6\x95"));
}

/* What makes other matchers take for ever: this one takes two lengths' product. The test would not end otherwise. */
static void
test_like_is_not_slow(void **state)
{
	char text[4001];
	char pattern[2002];

	(void) state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (size_t i = 0; i < sizeof(pattern) - 2; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[sizeof(pattern) - 2] = 'b';
	pattern[sizeof(pattern) - 1] = '\0';
	assert_false(ha_mute_like(pattern, text));
}

/* ---- Matchers ---- */

static bool
matches(const char *name, HaMatch match, const char *text)
{
	HaMatcher matcher = {name, match, text};

	return ha_mute_matches(&matcher, 1, of_lag, COUNT(of_lag));
}

static void
test_matchers(void **state)
{
	(void) state;
	assert_true(matches("node", HA_MATCH_EQUAL, "n2"));
	assert_false(matches("node", HA_MATCH_EQUAL, "n*"));
	assert_false(matches("node", HA_MATCH_DIFFERENT, "n2"));
	assert_true(matches("node", HA_MATCH_DIFFERENT, "n1"));
	assert_true(matches("node", HA_MATCH_LIKE, "n*"));
	assert_false(matches("node", HA_MATCH_LIKE, "m*"));
	assert_false(matches("node", HA_MATCH_UNLIKE, "n*"));
	assert_true(matches("node", HA_MATCH_UNLIKE, "m*"));
	assert_true(matches("rule", HA_MATCH_EQUAL, "lag"));
	assert_true(matches("severity", HA_MATCH_LIKE, "warn*"));
}

/* A label that is not there is empty. */
static void
test_a_label_that_is_missing(void **state)
{
	(void) state;
	assert_true(matches("database", HA_MATCH_EQUAL, ""));
	assert_true(matches("database", HA_MATCH_DIFFERENT, "x"));
	assert_false(matches("database", HA_MATCH_DIFFERENT, ""));
	assert_true(matches("database", HA_MATCH_LIKE, "*"));
	assert_false(matches("database", HA_MATCH_LIKE, "?*"));
	assert_true(matches("database", HA_MATCH_UNLIKE, "?*"));
	assert_false(matches("nod", HA_MATCH_EQUAL, "n2"));
}

static void
test_all_matchers_must_fit(void **state)
{
	const HaMatcher matcher[] = {{"node", HA_MATCH_EQUAL, "n2"}, {"rule", HA_MATCH_LIKE, "l*"},
		{"slot", HA_MATCH_EQUAL, "b"}};

	(void) state;
	assert_true(ha_mute_matches(matcher, 2, of_lag, COUNT(of_lag)));
	assert_false(ha_mute_matches(matcher, 3, of_lag, COUNT(of_lag)));
	assert_true(ha_mute_matches(matcher, 0, of_lag, COUNT(of_lag)));
	assert_true(ha_mute_matches(NULL, 0, NULL, 0));
}

/* ---- Silences: case 22 ---- */

static void
test_22_a_silence_has_its_time(void **state)
{
	const HaMatcher matcher = {"node", HA_MATCH_EQUAL, "n2"};
	HaSilence silence = {.starts_us = 100 * S, .ends_us = 200 * S, .matcher = &matcher, .matcher_count = 1};

	(void) state;
	assert_false(ha_mute_silenced(&silence, of_lag, COUNT(of_lag), 100 * S - 1));
	assert_true(ha_mute_silenced(&silence, of_lag, COUNT(of_lag), 100 * S));
	assert_true(ha_mute_silenced(&silence, of_lag, COUNT(of_lag), 200 * S - 1));
	assert_false(ha_mute_silenced(&silence, of_lag, COUNT(of_lag), 200 * S));
	assert_false(ha_mute_silenced(&silence, of_lag, 2, 150 * S));	/* without its node */
	silence.matcher_count = 0;	/* a pause for maintenance */
	assert_true(ha_mute_silenced(&silence, of_lag, 2, 150 * S));
	silence.ends_us = silence.starts_us;
	assert_false(ha_mute_silenced(&silence, of_lag, 2, 100 * S));
}

/* ---- Inhibition: case 23 ---- */

static const char *const by_down[] = {"disk", "node_down"};
static const char *const same_node[] = {"node"};
static const char *const same_more[] = {"node", "slot"};

static void
test_23_a_node_down_explains_its_lag(void **state)
{
	const HaLabelText elsewhere[] = {{"rule", "lag"}, {"severity", "warning"}, {"node", "n3"}};

	(void) state;
	assert_true(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 2, same_node, 1, of_lag,
								 COUNT(of_lag)));
	assert_false(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 2, same_node, 1, elsewhere,
								  COUNT(elsewhere)));
	assert_false(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 1, same_node, 1, of_lag,
								  COUNT(of_lag)));
	assert_false(ha_mute_inhibits("node_down", of_down, COUNT(of_down), NULL, 0, same_node, 1, of_lag,
								  COUNT(of_lag)));
	assert_true(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 2, NULL, 0, elsewhere,
								 COUNT(elsewhere)));
}

/* A label that one of them does not have, or that is empty, is not the same. */
static void
test_23_equal_means_there(void **state)
{
	const HaLabelText source[] = {{"rule", "node_down"}, {"node", ""}};
	const HaLabelText target[] = {{"rule", "lag"}, {"node", ""}};

	(void) state;
	assert_false(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 2, same_more, 2, of_lag,
								  COUNT(of_lag)));
	assert_false(ha_mute_inhibits("node_down", source, 2, by_down, 2, same_node, 1, target, 2));
	assert_false(ha_mute_inhibits("node_down", source, 1, by_down, 2, same_node, 1, target, 1));
}

/* An alert never inhibits itself; another one of the same rule may. */
static void
test_23_never_itself(void **state)
{
	const HaLabelText turned[] = {{"node", "n2"}, {"severity", "critical"}, {"rule", "node_down"}};
	const HaLabelText other[] = {{"rule", "node_down"}, {"severity", "critical"}, {"node", "n2"}, {"site", "b"}};

	(void) state;
	assert_false(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 2, same_node, 1, of_down,
								  COUNT(of_down)));
	assert_false(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 2, NULL, 0, turned,
								  COUNT(turned)));
	assert_true(ha_mute_inhibits("node_down", of_down, COUNT(of_down), by_down, 2, same_node, 1, other,
								 COUNT(other)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like),
		cmocka_unit_test(test_like_takes_a_character_as_it_is),
		cmocka_unit_test(test_like_utf8),
		cmocka_unit_test(test_like_is_not_slow),
		cmocka_unit_test(test_matchers),
		cmocka_unit_test(test_a_label_that_is_missing),
		cmocka_unit_test(test_all_matchers_must_fit),
		cmocka_unit_test(test_22_a_silence_has_its_time),
		cmocka_unit_test(test_23_a_node_down_explains_its_lag),
		cmocka_unit_test(test_23_equal_means_there),
		cmocka_unit_test(test_23_never_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
