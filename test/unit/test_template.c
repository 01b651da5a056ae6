/*
 * test_template.c: texts with places for labels (ops/template).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ops/template.h"

static const HaLabelText label[] = {{"node", "n2"}, {"path", "/data"}, {"evil", "{node}\n\x01\xff}"}, {"empty", ""}};

static char bytes[512];

static const char *
expanded(const char *pattern, size_t size)
{
	HaText text = ha_text(bytes, size);

	ha_template_expand(&text, pattern, label, sizeof(label) / sizeof(label[0]), "91");
	return bytes;
}

static void
expect(const char *pattern, const char *wanted)
{
	assert_string_equal(expanded(pattern, sizeof(bytes)), wanted);
}

static void
test_places(void **state)
{
	(void) state;
	expect("", "");
	expect("no place", "no place");
	expect("{node}", "n2");
	expect("{path} on {node} is {value} % full", "/data on n2 is 91 % full");
	expect("{node}{node}", "n2n2");
	expect("[{empty}]", "[]");
	expect("{node}\xe6\x95\xb0", "n2\xe6\x95\xb0");
}

static void
test_braces(void **state)
{
	(void) state;
	expect("{{node}}", "{node}");
	expect("{{{node}}}", "{n2}");
	expect("{{}}", "{}");
	expect("a }} b {{ c", "a } b { c");
}

/* What is no label stays, so that a mistake is seen; a pattern that check() refuses does no harm. */
static void
test_what_is_no_label_stays(void **state)
{
	(void) state;
	expect("{database} {nod} {nodes} { node}", "{database} {nod} {nodes} { node}");
	expect("{node", "{node");
	expect("node}", "node}");
	expect("{", "{");
	expect("}", "}");
	expect("{a{node}", "{an2");
	expect("{}", "{}");
}

/* What is filled in is looked at no more, and stays on its line. */
static void
test_values_are_foreign(void **state)
{
	(void) state;
	expect("<{evil}>", "<{node}\\n\\x01\\xFF}>");
}

static void
test_what_does_not_fit_is_cut(void **state)
{
	(void) state;
	assert_string_equal(expanded("{path}{path}", 8), "/data/d");
	assert_string_equal(expanded("{value}\xe6\x95\xb0", 5), "91");
	assert_string_equal(expanded("{node}", 1), "");
}

static void
test_value_without_labels(void **state)
{
	HaText text = ha_text(bytes, sizeof(bytes));

	(void) state;
	ha_template_expand(&text, "{value} {node}", NULL, 0, "1");
	assert_string_equal(bytes, "1 {node}");
}

static void
test_check(void **state)
{
	static const char *const right[] = {"", "a", "{node}", "{{", "}}", "{{{node}}}", "{a} {b}", "{{a}} }} {c}"};
	static const char *const wrong[] = {"{", "}", "{node", "node}", "{a{b}", "{}", "{a}}", "{{a}", "{{{", "a {b} {"};

	(void) state;
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_null(ha_template_check(right[i]));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_non_null(ha_template_check(wrong[i]));
	assert_string_equal(ha_template_check("{node"), "an opening brace without a closing one");
	assert_string_equal(ha_template_check("node}"), "a closing brace without an opening one");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_braces),
		cmocka_unit_test(test_what_is_no_label_stays),
		cmocka_unit_test(test_values_are_foreign),
		cmocka_unit_test(test_what_does_not_fit_is_cut),
		cmocka_unit_test(test_value_without_labels),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
