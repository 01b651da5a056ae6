/*
 * test_channel.c: what a channel's file says, what is wrong with it in words that hold nothing secret (io/channel), and
 * that nothing of an alert, names of labels included, is more than text in what the robots get (case 11).
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "io/channel.h"
#include "io/dingtalk.h"
#include "io/feishu.h"
#include "io/slack.h"
#include "io/wecom.h"

static HaChannel channel;
static HaFault fault;

static bool
takes(const char *text)
{
	memset(&fault, 0, sizeof(fault));
	return ha_channel_parse("ops", text, strlen(text), &channel, &fault);
}

static void
refuses(const char *text, const char *says)
{
	assert_false(takes(text));
	assert_non_null(strstr(fault.text, says));
	assert_null(strstr(fault.text, "SEC"));
	assert_string_equal(channel.url, "");
}

static void
test_three_lines(void **state)
{
	(void) state;
	assert_true(takes("# robot\r\ntype = dingtalk\r\nurl = https://example.com/robot/send?access_token=a=b\r\n"
					  "secret = SECx\nat = 138, all"));
	assert_int_equal(channel.type, HA_CHANNEL_DINGTALK);
	assert_string_equal(channel.url, "https://example.com/robot/send?access_token=a=b");
	assert_string_equal(channel.secret, "SECx");
	assert_int_equal(channel.at_count, 2);
	assert_string_equal(channel.at[1], "all");
	assert_true(channel.events && channel.resolved && !channel.local);
	assert_true(takes("type = feishu\nurl = https://example.com/x\nkeyword = pg_haops\n"));
	assert_string_equal(channel.keyword, "");	/* every title has it */
	assert_true(takes("type = feishu\nurl = https://example.com/x\nkeyword = pg\xe5\xba\x93\n"));
	assert_string_equal(channel.keyword, "pg\xe5\xba\x93");
}

static void
test_wrong(void **state)
{
	(void) state;
	refuses("", "\"type\" is missing");
	refuses("type = feishu\n", "\"url\" is missing");
	refuses("type = fax\n", "line 1, type");
	refuses("type = feishu\nurl = http://example.com/SEC\n", "ops.conf");
	refuses("type = feishu\nsecret SECabc\n", "line 2: a line must be");
	refuses("type = feishu\nsecret SECabc=\n", "line 2: there is no such key");
	refuses("type = feishu\nsec = SECabc\n", "line 2, sec: there is no such key");
	refuses("type = feishu\nurl = https://example.com/SEC\nfallback = ops\n", "its own fallback");
	refuses("type = feishu\nurl = https://example.com/SEC\nfallback_after = 99999999999999999999\n", "a day");
	refuses("type = mail\nurl = smtps://example.com:465\nfrom = a@b\nto = a@b>\n", "mail addresses");
}

/* ---- The robots ---- */

#define BAD "<at user_id=\"all\"></at>"

static char body[256 * 1024];
static HaCard card;

static void
lay_out(HaLayOut make, bool plain, const char *words, const char *name)
{
	static HaBulletin bulletin;
	HaCardContext context = {.language = HA_LANGUAGE_EN, .cluster = "prod"};
	HaLayout layout = {
		.channel = &channel, .card = &card, .bulletin = &bulletin, .plain = plain, .lines = 1, .wall_us = 1000000,
		.body = body, .size = sizeof(body) - 1,
	};
	size_t length;

	memset(&bulletin, 0, sizeof(bulletin));
	bulletin.count = 1;
	bulletin.notice[0].severity = HA_SEVERITY_CRITICAL;
	bulletin.notice[0].label_count = HA_NOTICE_LABELS_MAX;
	snprintf(bulletin.notice[0].id, HA_NOTICE_ID_SIZE, "7f3a90c1d2e4b5a6-1");
	snprintf(bulletin.notice[0].summary, sizeof(bulletin.notice[0].summary), "%s", words);
	snprintf(bulletin.notice[0].description, sizeof(bulletin.notice[0].description), "%s", words);
	for (int i = 0; i < HA_NOTICE_LABELS_MAX; i++)
	{
		snprintf(bulletin.notice[0].label[i].name, sizeof(bulletin.notice[0].label[i].name), "%s", name);
		snprintf(bulletin.notice[0].label[i].value, sizeof(bulletin.notice[0].label[i].value), "%.120s", words);
	}
	ha_card_of_bulletin(&card, &bulletin, &context);
	length = make(&layout);
	assert_in_range(length, 1, sizeof(body) - 1);
	body[length] = '\0';
}

static void
test_names_are_text(void **state)
{
	static const HaLayOut makes[] = {ha_dingtalk_layout, ha_wecom_layout, ha_feishu_layout};

	(void) state;
	assert_true(takes("type = dingtalk\nurl = https://example.com/x\nkeyword = #db@prod>\n"));
	for (int i = 0; i < 6; i++)
	{
		if (i == 4)
			continue;			/* plain text elements of Feishu's card */
		lay_out(makes[i / 2], i % 2, "full", BAD);
		assert_null(strstr(body, "<at"));
		lay_out(makes[i / 2], i % 2, "full", "@all");
		assert_null(strstr(body, "@all"));
		lay_out(makes[i / 2], i % 2, "full", "[x](javascript:x)");
		if (i % 2 == 0)
			assert_null(strstr(body, "]("));
	}
	lay_out(ha_dingtalk_layout, false, "full", "path");
	assert_non_null(strstr(body, "#db@prod>"));
	lay_out(ha_slack_layout, false, "<!channel> <https://evil|x>", "<!here>");
	assert_null(strstr(body, "<!"));
	assert_null(strstr(body, "<https"));
}

/* WeCom takes 4096 bytes, as a text 2048: the id is in both, whatever the alert's words are. */
static void
test_wecom_keeps_the_id(void **state)
{
	char words[256];

	(void) state;
	assert_true(takes("type = wecom\nurl = https://example.com/x\n"));
	memset(words, '<', sizeof(words) - 1);
	words[sizeof(words) - 1] = '\0';
	for (int plain = 0; plain < 2; plain++)
	{
		lay_out(ha_wecom_layout, plain, words, "path");
		assert_non_null(strstr(body, "id 7f3a90c1d2e4b5a6-1"));
	}
}

static void
test_slack_says_ok(void **state)
{
	static const struct
	{
		int status;
		const char *body;
		HaVerdict verdict;
	} answers[] = {
		{200, "ok", HA_VERDICT_DELIVERED}, {200, "ok\r\n", HA_VERDICT_DELIVERED},
		{200, "{\"ok\":true}", HA_VERDICT_DELIVERED},
		{200, "okay", HA_VERDICT_RETRY}, {200, "{\"ok\":false}", HA_VERDICT_RETRY}, {204, "", HA_VERDICT_RETRY},
		{200, "\n", HA_VERDICT_RETRY},
	};
	char reason[200];

	(void) state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
	{
		HaWebhookAnswer answer = {
			.arrived = true, .status = answers[i].status, .body = answers[i].body,
			.body_bytes = strlen(answers[i].body),
		};

		assert_int_equal(ha_slack_judge(&answer, 0, reason, sizeof(reason)), answers[i].verdict);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_lines),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_names_are_text),
		cmocka_unit_test(test_wecom_keeps_the_id),
		cmocka_unit_test(test_slack_says_ok),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
