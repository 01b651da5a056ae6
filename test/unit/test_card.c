/*
 * test_card.c: what people read: words in both languages, colours, times, and nothing foreign that acts (ops/card).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ops/card.h"
#include "ops/readiness.h"
#include "ops/text.h"
#include "test/unit/support/sample.h"

static HaRegister reg;
static HaEventRecord event;
static HaAlert alert;
static HaCardContext context;
static HaCard card;

static int
start(void **state)
{
	(void) state;
	sample_register(&reg);
	memset(&event, 0, sizeof(event));
	event.key = (HaEventKey){2, 5, 17, INT64_C(1795343467123000)};	/* 2026-11-22 10:31:07.123 UTC */
	event.term = 8;
	event.kind = HA_NOTE_OPENED;
	alert = (HaAlert){HA_ALERT_FAILOVER, HA_SEVERITY_WARNING, false, &event, 1};
	context = (HaCardContext){HA_LANGUAGE_EN, "prod", &reg, 2, event.key.wall_us + 1000000, 8 * 3600};
	return 0;
}

static void
test_english(void **state)
{
	char text[2048];

	(void) state;
	ha_card_make(&card, &alert, &context);
	assert_int_equal(card.colour, HA_CARD_ORANGE);
	ha_card_text(&card, 0, text, sizeof(text));
	assert_string_equal(text,
						"[pg_haops] prod: failover: n2 leads now\n"
						"n1 failed or was cut off; n2 was elected in term 8 and takes writes.\n"
						"Cluster: prod\n"
						"Member: n2\n"
						"Before: n1\n"
						"Term: 8\n"
						"Time: 2026-11-22 18:31:07.123 +08:00\n"
						"event 2/5/17, posted by n2");
}

static void
test_chinese(void **state)
{
	char text[2048];

	(void) state;
	context.language = HA_LANGUAGE_ZH;
	ha_card_make(&card, &alert, &context);
	ha_card_text(&card, 0, text, sizeof(text));
	assert_string_equal(text,
						"[pg_haops] prod: 故障切换：n2 成为新主库\n"
						"n1 故障或失联；n2 在任期 8 当选主库，已接受写入。\n"
						"集群: prod\n"
						"节点: n2\n"
						"原主库: n1\n"
						"任期: 8\n"
						"时间: 2026-11-22 18:31:07.123 +08:00\n"
						"事件 2/5/17，由 n2 发送");
}

/* Every kind has words in both languages, the keyword in its title, and nothing left of a placeholder. */
static void
test_all_kinds(void **state)
{
	(void) state;
	for (int kind = 0; kind < HA_ALERT_COUNT; kind++)
		for (int language = 0; language < 2; language++)
		{
			char text[2048];

			alert.kind = (HaAlertKind) kind;
			context.language = (HaLanguage) language;
			ha_card_make(&card, &alert, &context);
			assert_int_equal(strncmp(card.title, "[pg_haops] ", 11), 0);
			assert_true(strlen(card.title) > strlen("[pg_haops] prod: "));
			assert_true(strlen(card.sentence) > 0);
			ha_card_text(&card, 0, text, sizeof(text));
			assert_null(strchr(text, '%'));
			assert_non_null(strstr(text, "[pg_haops]"));
		}
}

static void
test_colours(void **state)
{
	(void) state;
	alert.severity = HA_SEVERITY_CRITICAL;
	ha_card_make(&card, &alert, &context);
	assert_int_equal(card.colour, HA_CARD_RED);
	alert.severity = HA_SEVERITY_INFO;
	ha_card_make(&card, &alert, &context);
	assert_int_equal(card.colour, HA_CARD_BLUE);
	alert.mended = true;
	ha_card_make(&card, &alert, &context);
	assert_int_equal(card.colour, HA_CARD_GREEN);
}

static void
test_reason_in_chinese(void **state)
{
	(void) state;
	alert.kind = HA_ALERT_UNREADY;
	snprintf(event.text, sizeof(event.text), "the next failure will not fail over: %s",
			 ha_readiness_text(HA_READINESS_NO_MAJORITY, false));
	ha_card_make(&card, &alert, &context);
	assert_string_equal(card.detail, event.text);
	context.language = HA_LANGUAGE_ZH;
	ha_card_make(&card, &alert, &context);
	assert_string_equal(card.detail, ha_readiness_text(HA_READINESS_NO_MAJORITY, true));
}

static void
test_late(void **state)
{
	char text[2048];

	(void) state;
	context.wall_us = event.key.wall_us + INT64_C(600) * 1000 * 1000;
	ha_card_make(&card, &alert, &context);
	ha_card_text(&card, 0, text, sizeof(text));
	assert_non_null(strstr(text, "18:31:07.123 +08:00 (late, now 2026-11-22 18:41:07.123 +08:00)"));
}

static void
test_unknown_members(void **state)
{
	(void) state;
	context.reg = NULL;
	context.cluster = "";
	ha_card_make(&card, &alert, &context);
	assert_string_equal(card.title, "[pg_haops] failover: member 2 leads now");
}

/* What comes from events makes no mention, no link and no second line. */
static void
test_foreign(void **state)
{
	char text[2048];

	(void) state;
	alert.kind = HA_ALERT_TROUBLE;
	snprintf(event.text, sizeof(event.text), "<at user_id=\"all\">all</at>\n](javascript:x) \x1b[31m");
	ha_card_make(&card, &alert, &context);
	assert_null(strchr(card.detail, '\n'));
	assert_null(strchr(card.detail, '\x1b'));
	ha_card_text(&card, 0, text, sizeof(text));
	assert_null(strchr(text, '<'));
	assert_non_null(strstr(text, "\xEF\xBC\x9C" "at user_id"));
}

/* The longest of everything is cut on a boundary and fits. */
static void
test_longest(void **state)
{
	char text[100];
	char cluster[600];

	(void) state;
	memset(cluster, 0, sizeof(cluster));
	for (size_t i = 0; i + 4 < sizeof(cluster); i += 3)
		memcpy(cluster + i, "中", 3);
	memset(event.text, 'x', sizeof(event.text) - 1);
	alert.kind = HA_ALERT_TROUBLE;
	context.cluster = cluster;
	ha_card_make(&card, &alert, &context);
	ha_card_text(&card, 0, text, sizeof(text));
	for (size_t at = 0; text[at] != '\0'; at += ha_text_char_bytes(text + at, strlen(text + at)))
		assert_int_not_equal(ha_text_char_bytes(text + at, strlen(text + at)), 0);
	assert_true(strlen(card.title) < sizeof(card.title));
}

static void
test_times(void **state)
{
	static const struct
	{
		int64_t wall_us;
		int offset_s;
		const char *text;
	} cases[] = {
		{0, 0, "1970-01-01 00:00:00.000 +00:00"},
		{-1000, 0, "1969-12-31 23:59:59.999 +00:00"},
		{INT64_C(951782400) * 1000000, 0, "2000-02-29 00:00:00.000 +00:00"},
		{INT64_C(4107542400) * 1000000, 0, "2100-03-01 00:00:00.000 +00:00"},
		{INT64_C(1798761599999000), -12600, "2026-12-31 20:29:59.999 -03:30"},
		{INT64_C(1798761600000000), 19800, "2027-01-01 05:30:00.000 +05:30"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[48];

		ha_card_time(cases[i].wall_us, cases[i].offset_s, text, sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_english, start),
		cmocka_unit_test_setup(test_chinese, start),
		cmocka_unit_test_setup(test_all_kinds, start),
		cmocka_unit_test_setup(test_colours, start),
		cmocka_unit_test_setup(test_reason_in_chinese, start),
		cmocka_unit_test_setup(test_late, start),
		cmocka_unit_test_setup(test_unknown_members, start),
		cmocka_unit_test_setup(test_foreign, start),
		cmocka_unit_test_setup(test_longest, start),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
