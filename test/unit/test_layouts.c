/*
 * test_layouts.c: what each kind of channel makes of a bulletin: within the receiver's limits, as valid JSON or mail,
 * with the keyword and the id in every rendering, and with nothing from outside that could be more than text; and the
 * signatures by their published vectors (io/channel_send and the layouts below it; alerting.md A.1 to A.5, A.10).
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "io/alertmanager.h"
#include "io/dingtalk.h"
#include "io/feishu.h"
#include "io/mail.h"
#include "io/slack.h"
#include "io/wecom.h"
#include "ops/text.h"

#define NOW_US (INT64_C(1599360473) * 1000000)

static const HaLayOut lay_out[HA_CHANNEL_TYPE_COUNT] = {
	[HA_CHANNEL_FEISHU] = ha_feishu_layout,[HA_CHANNEL_DINGTALK] = ha_dingtalk_layout,
	[HA_CHANNEL_WECOM] = ha_wecom_layout,[HA_CHANNEL_SLACK] = ha_slack_layout,
	[HA_CHANNEL_WEBHOOK] = ha_alertmanager_layout,[HA_CHANNEL_MAIL] = ha_mail_layout,
};

static HaChannel channel;
static HaBulletin bulletin;
static HaCard card;
static char body[256 * 1024];
static HaLayout layout;

/* `count` alerts, whose texts are made of `words`. */
static void
begin(HaChannelType type, uint32_t count, const char *words)
{
	HaCardContext context = {.language = count % 2 == 0 ? HA_LANGUAGE_ZH : HA_LANGUAGE_EN, .cluster = "prod"};

	memset(&channel, 0, sizeof(channel));
	channel.type = type;
	snprintf(channel.name, sizeof(channel.name), "ops");
	snprintf(channel.url, sizeof(channel.url), "https://example.com/robot?access_token=x");
	snprintf(channel.keyword, sizeof(channel.keyword), "Achtung");
	snprintf(channel.from, sizeof(channel.from), "db@example.com");
	snprintf(channel.to[channel.to_count++], sizeof(channel.to[0]), "dba@example.com");
	memset(&bulletin, 0, sizeof(bulletin));
	snprintf(bulletin.cluster, sizeof(bulletin.cluster), "prod");
	snprintf(bulletin.poster, sizeof(bulletin.poster), "n1");
	bulletin.count = count;
	for (uint32_t i = 0; i < count; i++)
	{
		HaNotice *notice = &bulletin.notice[i];
		HaText summary = ha_text(notice->summary, sizeof(notice->summary));
		HaText description = ha_text(notice->description, sizeof(notice->description));

		snprintf(notice->id, sizeof(notice->id), "%016x-%u", 0xabc000 + i, i + 1);
		snprintf(notice->rule, sizeof(notice->rule), "disk_used");
		notice->severity = HA_SEVERITY_CRITICAL;
		notice->starts_us = NOW_US;
		while (!summary.cut)
			ha_text_add_foreign(&summary, words, strlen(words));
		while (!description.cut)
			ha_text_add_foreign(&description, words, strlen(words));
		for (int j = 0; j < HA_NOTICE_LABELS_MAX; j++)
		{
			HaText value = ha_text(notice->label[j].value, sizeof(notice->label[j].value));

			snprintf(notice->label[j].name, sizeof(notice->label[j].name), "label_%d", j);
			while (!value.cut)
				ha_text_add_foreign(&value, words, strlen(words));
		}
		notice->label_count = HA_NOTICE_LABELS_MAX;
	}
	ha_card_of_bulletin(&card, &bulletin, &context);
	layout = (HaLayout) {
		.channel = &channel, .card = &card, .bulletin = &bulletin, .lines = count, .wall_us = NOW_US, .body = body,
		.size = sizeof(body) - 1,
	};
}

/* As many lines as fit; the body is closed by a zero. */
static uint32_t
fit(void)
{
	size_t length;

	for (layout.lines = bulletin.count; layout.lines > 0; layout.lines = layout.lines * 3 / 4)
	{
		length = lay_out[channel.type](&layout);
		assert_true(length > 0);
		if (length != HA_LAYOUT_TOO_LONG)
		{
			assert_in_range(length, 1, sizeof(body) - 1);
			body[length] = '\0';
			return layout.lines;
		}
	}
	return 0;
}

static json_t *
part_of(json_t *root, const char *first, const char *second)
{
	return json_object_get(json_object_get(root, first), second);
}

/* What limits are on: the whole body, or its text. */
static void
check_size(json_t *root)
{
	if (channel.type == HA_CHANNEL_FEISHU || channel.type == HA_CHANNEL_DINGTALK)
		assert_in_range(strlen(body), 1, 20000);
	if (channel.type == HA_CHANNEL_WECOM && layout.plain)
		assert_in_range(json_string_length(part_of(root, "text", "content")), 1, 2048);
	else if (channel.type == HA_CHANNEL_WECOM)
		assert_in_range(json_string_length(part_of(root, "markdown", "content")), 1, 4096);
}

static void
check_whole(void)
{
	json_t *root;

	if (channel.type == HA_CHANNEL_MAIL)
	{
		assert_null(strstr(body, "\n\n"));
		for (const char *c = body; *c != '\0'; c++)
			assert_true((*c >= ' ' && *c <= '~') || *c == '\r' || *c == '\n');
		return;
	}
	root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	check_size(root);
	if (channel.type != HA_CHANNEL_WEBHOOK)
		assert_non_null(strstr(body, "Achtung"));
	json_decref(root);
}

/* Cases 6 and 10, with characters of one, three and four bytes, and with what JSON escapes. */
static void
test_sizes(void **state)
{
	static const char *const words[] = {"a", "磁", "\xF0\x9F\x98\x80", "\"\\", "\x01\n\xff", "/"};
	static const uint32_t counts[] = {1, 2, 7, HA_BULLETIN_NOTICES_MAX};

	(void) state;
	for (HaChannelType type = 0; type < HA_CHANNEL_TYPE_COUNT; type++)
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			for (size_t j = 0; j < sizeof(counts) / sizeof(counts[0]); j++)
				for (int plain = 0; plain < 2; plain++)
				{
					begin(type, counts[j], words[i]);
					layout.plain = plain;
					assert_in_range(fit(), 1, counts[j]);
					check_whole();
				}
}

/* Case 11. */
static void
test_foreign_text_is_text(void **state)
{
	static const char *const bad[] = {"](", "<at", "<@", "@all", "@here", "<!", "<font color=\\\"red"};

	(void) state;
	for (HaChannelType type = 0; type < HA_CHANNEL_TYPE_COUNT; type++)
		for (int plain = 0; plain < 2; plain++)
		{
			if (type == HA_CHANNEL_WEBHOOK || type == HA_CHANNEL_MAIL || type == HA_CHANNEL_SLACK)
				continue;
			begin(type, 2, "<at id=all></at> [x](javascript:x) <@U1> @all @here <!here> <font color=\"red\">");
			layout.plain = plain;
			fit();
			/* Plain text elements of Feishu's card: nothing in them is read. A plain text knows no markdown. */
			for (size_t i = plain ? 1 : 0; i < sizeof(bad) / sizeof(bad[0]); i++)
				if (type != HA_CHANNEL_FEISHU || plain)
					assert_null(strstr(body, bad[i]));
			if (type == HA_CHANNEL_FEISHU && !plain)
				assert_null(strstr(body, "lark_md"));
		}
	begin(HA_CHANNEL_SLACK, 2, "<!channel> <https://evil|x> & ");
	fit();
	assert_null(strstr(body, "<!"));
	assert_null(strstr(body, "<https"));
}

/* Case 34: no text adds a header. */
static void
test_mail_headers(void **state)
{
	char *end;

	(void) state;
	begin(HA_CHANNEL_MAIL, 1, "x\r\nBcc: evil@example.com\r\n");
	snprintf(card.title, sizeof(card.title), "x\r\nBcc: evil@example.com\r\n\r\n.\r\n");
	fit();
	assert_null(strstr(body, "Bcc"));
	end = strstr(body, "\r\n\r\n");
	assert_non_null(end);
	assert_null(strstr(end + 4, "\r\n.\r\n"));
	assert_non_null(strstr(body, "Message-ID: <0000000000abc000-1.ops@example.com>\r\n"));
	assert_non_null(strstr(body, "References: <0000000000abc000@example.com>\r\n"));
	assert_non_null(strstr(body, "Date: Sun, 06 Sep 2020 02:47:53 +0000\r\n"));
}

/* Case 3: the vendor's rule by its vectors; and + / = are percent-encoded in the URL. */
static void
test_dingtalk_signature(void **state)
{
	char sign[HA_CHANNEL_SIGN_SIZE];

	(void) state;
	assert_true(ha_dingtalk_sign("SECdemo", INT64_C(1599360473000), sign));
	assert_string_equal(sign, "tGWkA5eQOQNCNPDgphtxIoNLO+/gD8Lcb705KQoRzeY=");
	begin(HA_CHANNEL_DINGTALK, 1, "a");
	snprintf(channel.secret, sizeof(channel.secret), "SECdemo");
	fit();
	assert_string_equal(layout.query,
						"&timestamp=1599360473000&sign=tGWkA5eQOQNCNPDgphtxIoNLO%2B%2FgD8Lcb705KQoRzeY%3D");
}

/* Case 4: the same message two hours later bears the time of that attempt. */
static void
test_stamp_of_the_attempt(void **state)
{
	json_t *root;

	(void) state;
	begin(HA_CHANNEL_DINGTALK, 1, "a");
	snprintf(channel.secret, sizeof(channel.secret), "SECdemo");
	layout.wall_us += INT64_C(7200) * 1000000;
	fit();
	assert_non_null(strstr(layout.query, "&timestamp=1599367673000&"));
	begin(HA_CHANNEL_FEISHU, 1, "a");
	snprintf(channel.secret, sizeof(channel.secret), "demo");
	layout.wall_us += INT64_C(7200) * 1000000;
	fit();
	root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "timestamp")), "1599367673");
	json_decref(root);
}

static void
test_webhook_of_version_4(void **state)
{
	json_t *root, *alert;

	(void) state;
	begin(HA_CHANNEL_WEBHOOK, 2, "a");
	bulletin.notice[1].kind = HA_NOTICE_RESOLVED;
	bulletin.notice[1].ends_us = NOW_US + 61000000;
	bulletin.more = 7;
	fit();
	root = json_loads(body, JSON_REJECT_DUPLICATES, NULL);
	assert_string_equal(json_string_value(json_object_get(root, "version")), "4");
	assert_string_equal(json_string_value(json_object_get(root, "status")), "firing");
	assert_int_equal(json_integer_value(json_object_get(root, "truncatedAlerts")), 7);
	alert = json_array_get(json_object_get(root, "alerts"), 1);
	assert_string_equal(json_string_value(json_object_get(alert, "status")), "resolved");
	assert_string_equal(json_string_value(json_object_get(alert, "startsAt")), "2020-09-06T02:47:53.000Z");
	assert_string_equal(json_string_value(json_object_get(alert, "endsAt")), "2020-09-06T02:48:54.000Z");
	assert_string_equal(json_string_value(json_object_get(alert, "fingerprint")), "0000000000abc001");
	assert_string_equal(json_string_value(part_of(alert, "labels", "alertname")), "disk_used");
	json_decref(root);
}

/* ---- Answers ---- */

static void
judges(HaChannelType type, int status, const char *answer, HaVerdict verdict, const char *says)
{
	HaWebhookAnswer a = {.arrived = true, .status = status, .body = answer, .body_bytes = strlen(answer)};
	char reason[256] = "";

	assert_int_equal(ha_channel_judge(type, &a, 1000000, reason, sizeof(reason)), verdict);
	assert_non_null(strstr(reason, says));
}

/* Cases 1, 2, 9. */
static void
test_answers(void **state)
{
	static const char *const none[] = {"", "{}", "<html>502", "{\"msg\":\"success\"}", "{\"errcode\":0", "[]", "null"};

	(void) state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		for (HaChannelType type = HA_CHANNEL_FEISHU; type <= HA_CHANNEL_SLACK; type++)
			judges(type, 200, none[i], HA_VERDICT_RETRY, "none of");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", HA_VERDICT_DELIVERED, "taken");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":130101,\"errmsg\":\"x\"}", HA_VERDICT_THROTTLE, "ten minutes");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":999,\"errmsg\":\"send too fast, exceed 20 times per minute\"}",
		   HA_VERDICT_THROTTLE, "ten minutes");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"status\":1111,\"wait\":5,\"source\":\"x5\",\"punish\":\"deny\"}",
		   HA_VERDICT_THROTTLE, "ten minutes");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"keywords not in content\"}", HA_VERDICT_BROKEN,
		   "keyword");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"sign not match\"}", HA_VERDICT_BROKEN,
		   "signature");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"机器人发送签名不匹配\"}", HA_VERDICT_BROKEN,
		   "signature");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":310000,\"errmsg\":\"ip 1.2.3.4 not in whitelist\"}",
		   HA_VERDICT_BROKEN, "address");
	judges(HA_CHANNEL_DINGTALK, 200, "{\"errcode\":300005,\"errmsg\":\"token is not exist\"}", HA_VERDICT_BROKEN,
		   "wrong");
	judges(HA_CHANNEL_WECOM, 200, "{\"errcode\":0,\"errmsg\":\"ok\"}", HA_VERDICT_DELIVERED, "taken");
	judges(HA_CHANNEL_WECOM, 200, "{\"errcode\":45009,\"errmsg\":\"api freq out of limit\"}", HA_VERDICT_THROTTLE,
		   "minute");
	judges(HA_CHANNEL_WECOM, 200, "{\"errcode\":93000,\"errmsg\":\"invalid webhook url\"}", HA_VERDICT_BROKEN, "wrong");
	judges(HA_CHANNEL_WECOM, 200, "{\"errcode\":40058,\"errmsg\":\"x\"}", HA_VERDICT_PLAIN, "too long");
	judges(HA_CHANNEL_SLACK, 200, "ok", HA_VERDICT_DELIVERED, "taken");
	judges(HA_CHANNEL_SLACK, 400, "invalid_payload", HA_VERDICT_PLAIN, "400");
	judges(HA_CHANNEL_SLACK, 403, "invalid_token", HA_VERDICT_BROKEN, "403");
	judges(HA_CHANNEL_WEBHOOK, 204, "", HA_VERDICT_DELIVERED, "taken");
	judges(HA_CHANNEL_WEBHOOK, 429, "", HA_VERDICT_THROTTLE, "429");
	judges(HA_CHANNEL_WEBHOOK, 408, "", HA_VERDICT_RETRY, "408");
	judges(HA_CHANNEL_WEBHOOK, 503, "", HA_VERDICT_RETRY, "503");
	judges(HA_CHANNEL_WEBHOOK, 404, "", HA_VERDICT_BROKEN, "404");
	judges(HA_CHANNEL_WEBHOOK, 302, "", HA_VERDICT_BROKEN, "302");
}

/* Case 5. */
static void
test_clock_skew(void **state)
{
	HaWebhookAnswer answer = {.arrived = true, .status = 200, .date_s = 1000000 - 7200};
	char reason[256];

	(void) state;
	answer.body = "{\"errcode\":310000,\"errmsg\":\"sign not match\"}";
	answer.body_bytes = strlen(answer.body);
	assert_int_equal(ha_channel_judge(HA_CHANNEL_DINGTALK, &answer, 1000000, reason, sizeof(reason)),
					 HA_VERDICT_BROKEN);
	assert_non_null(strstr(reason, "7200 seconds ahead"));
	answer.body = "{\"code\":19021}";
	answer.body_bytes = strlen(answer.body);
	assert_int_equal(ha_channel_judge(HA_CHANNEL_FEISHU, &answer, 1000000, reason, sizeof(reason)), HA_VERDICT_BROKEN);
	assert_non_null(strstr(reason, "clock skew"));
}

static void
test_mail_answers(void **state)
{
	HaWebhookAnswer answer = {.arrived = true, .status = 250, .refused_to = 1};
	char reason[256];

	(void) state;
	assert_int_equal(ha_channel_judge(HA_CHANNEL_MAIL, &answer, 0, reason, sizeof(reason)), HA_VERDICT_DELIVERED);
	assert_non_null(strstr(reason, "1 of the recipients"));
	answer = (HaWebhookAnswer) {.status = 451};
	assert_int_equal(ha_channel_judge(HA_CHANNEL_MAIL, &answer, 0, reason, sizeof(reason)), HA_VERDICT_RETRY);
	answer = (HaWebhookAnswer) {.status = 554};
	assert_int_equal(ha_channel_judge(HA_CHANNEL_MAIL, &answer, 0, reason, sizeof(reason)), HA_VERDICT_BROKEN);
	answer = (HaWebhookAnswer) {.status = 0};
	assert_int_equal(ha_channel_judge(HA_CHANNEL_MAIL, &answer, 0, reason, sizeof(reason)), HA_VERDICT_RETRY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_foreign_text_is_text),
		cmocka_unit_test(test_mail_headers),
		cmocka_unit_test(test_dingtalk_signature),
		cmocka_unit_test(test_stamp_of_the_attempt),
		cmocka_unit_test(test_webhook_of_version_4),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_clock_skew),
		cmocka_unit_test(test_mail_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
