/*
 * test_message.c: bulletins out of JSON, whatever it is (io/message).
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "io/message.h"

static HaBulletin bulletin;
static char why[200];

static bool
takes(const char *json)
{
	why[0] = '\0';
	return ha_message_read(json, strlen(json), &bulletin, why, sizeof(why));
}

static void
test_whole(void **state)
{
	(void) state;
	assert_true(takes("{\"channel\":\"ops\",\"more\":3,\"notices\":[{\"id\":\"7f3a90c1d2e4b5a6-1\",\"kind\":\"late\","
					  "\"severity\":\"warning\",\"rule\":\"disk_used\",\"summary\":\"a\\nb\",\"value\":\"91\","
					  "\"page\":\"https://example.com/disk?a=1&b=%20#x\",\"starts_us\":1700000000000000,"
					  "\"ends_us\":1700000001000000,\"labels\":{\"path\":\"/data\",\"n\":1}}]}"));
	assert_string_equal(bulletin.channel, "ops");
	assert_int_equal(bulletin.more, 3);
	assert_int_equal(bulletin.count, 1);
	assert_int_equal(bulletin.notice[0].kind, HA_NOTICE_LATE);
	assert_int_equal(bulletin.notice[0].severity, HA_SEVERITY_WARNING);
	assert_string_equal(bulletin.notice[0].summary, "a\\nb");
	assert_string_equal(bulletin.notice[0].page, "https://example.com/disk?a=1&b=%20#x");
	assert_true(bulletin.notice[0].ends_us == INT64_C(1700000001000000));
	assert_int_equal(bulletin.notice[0].label_count, 1);
	assert_string_equal(bulletin.notice[0].label[0].value, "/data");
}

static void
test_none(void **state)
{
	static const char *const bad[] = {
		"", "null", "[]", "{}", "{\"notices\":{}}", "{\"notices\":[]}", "{\"notices\":[1]}", "{\"notices\":[{}]}",
		"{\"notices\":[{\"id\":\"1\",\"kind\":\"x\",\"severity\":\"info\"}]}",
		"{\"notices\":[{\"id\":\"1\",\"kind\":\"test\",\"severity\":\"x\"}]}",
		"{\"notices\":[{\"id\":\"\",\"kind\":\"test\",\"severity\":\"info\"}]}",
		"{\"notices\":[{\"id\":\"7f3a90c1d2e4b5磁-1\",\"kind\":\"test\",\"severity\":\"info\"}]}",
		"{\"notices\":[{\"id\":1,\"kind\":\"test\",\"severity\":\"info\"}]}",
		"{\"notices\":[{\"id\":\"1\",\"kind\":\"test\",\"severity\":\"info\"}]",
		"{\"notices\":[{\"id\":\"\\u0000\",\"kind\":\"test\",\"severity\":\"info\"}]}",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		assert_false(takes(bad[i]));
		assert_true(why[0] != '\0');
	}
}

/* What is laid out as a link is one, and no time leads to a sum beyond its type. */
static void
test_pages_and_times(void **state)
{
	static const char *const bad[] = {
		"javascript:alert(1)", "ftp://example.com", "https://a) @all [x](https://evil", "https://a b", "https://<at>",
		"https://a\\nb", "https://磁",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		char json[400];

		snprintf(json, sizeof(json), "{\"notices\":[{\"id\":\"1\",\"kind\":\"test\",\"severity\":\"info\","
				 "\"page\":\"%s\",\"starts_us\":-9223372036854775807,\"ends_us\":9223372036854775807}]}", bad[i]);
		assert_true(takes(json));
		assert_string_equal(bulletin.notice[0].page, "");
		assert_true(bulletin.notice[0].starts_us == 0 && bulletin.notice[0].ends_us == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_pages_and_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
