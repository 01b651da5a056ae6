/*
 * test_feishu.c: the robot's signature, the shape of a message, and what its answers mean (io/feishu).
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "io/feishu.h"

static char body[HA_FEISHU_BODY_MAX + 1000];

/* The robot's message of the card; its length, as ha_feishu_layout() has it. */
static size_t
lay_out(const HaCard *card, bool plain, const char *secret, size_t size)
{
	static HaChannel channel;
	HaLayout layout = {
		.channel = &channel, .card = card, .plain = plain, .lines = card->line_count > 0 ? card->line_count : 1,
		.wall_us = INT64_C(100999999), .body = body, .size = size,
	};

	memset(&channel, 0, sizeof(channel));
	snprintf(channel.secret, sizeof(channel.secret), "%s", secret);
	snprintf(channel.keyword, sizeof(channel.keyword), "Achtung");
	snprintf(channel.at[channel.at_count++], sizeof(channel.at[0]), "ou_123");
	return ha_feishu_layout(&layout);
}


static void
make_card(HaCard *card)
{
	memset(card, 0, sizeof(*card));
	card->colour = HA_CARD_RED;
	snprintf(card->title, sizeof(card->title), "[pg_haops] prod: 故障 \"n1\"");
	snprintf(card->sentence, sizeof(card->sentence), "a sentence \\ with \x01 things");
	card->field_count = 1;
	snprintf(card->field[0].name, sizeof(card->field[0].name), "Member");
	snprintf(card->field[0].value, sizeof(card->field[0].value), "<at id=all></at>");
	snprintf(card->note, sizeof(card->note), "event 1/2/3");
}

/* Case 3: the vectors of the vendor's rule: the string is the key, the message is empty. */
static void
test_signature(void **state)
{
	char sign[HA_CHANNEL_SIGN_SIZE];

	(void) state;
	assert_true(ha_feishu_sign("demo", 100, sign));
	assert_string_equal(sign, "jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg=");
	assert_true(ha_feishu_sign("demo", 1599360473, sign));
	assert_string_equal(sign, "l1N0gAcBjdwBvGm1xMjOF0XSyaLRpR7tuO5dHfhAYc8=");
}

static json_t *
read_body(size_t length)
{
	json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);

	assert_true(length > 0);
	assert_non_null(root);
	return root;
}

static void
test_card_message(void **state)
{
	HaCard card;
	json_t *root, *part;

	(void) state;
	make_card(&card);
	root = read_body(lay_out(&card, false, "demo", sizeof(body)));
	assert_string_equal(json_string_value(json_object_get(root, "msg_type")), "interactive");
	assert_string_equal(json_string_value(json_object_get(root, "timestamp")), "100");
	assert_string_equal(json_string_value(json_object_get(root, "sign")),
						"jquNHnVOwmDRfw+vqTIrY5dooJAgi5EcRtLsQE4wfXg=");
	part = json_object_get(json_object_get(root, "card"), "header");
	assert_string_equal(json_string_value(json_object_get(part, "template")), "red");
	part = json_object_get(part, "title");
	assert_string_equal(json_string_value(json_object_get(part, "content")), card.title);
	/* What comes from outside stands in plain texts only: no mention, no link. */
	assert_null(strstr(body, "lark_md"));
	assert_null(strstr(body, "markdown"));
	json_decref(root);
}

static void
test_plain_message(void **state)
{
	HaCard card;
	json_t *root;
	const char *text;

	(void) state;
	make_card(&card);
	root = read_body(lay_out(&card, true, "", sizeof(body)));
	assert_string_equal(json_string_value(json_object_get(root, "msg_type")), "text");
	assert_null(json_object_get(root, "sign"));
	text = json_string_value(json_object_get(json_object_get(root, "content"), "text"));
	assert_int_equal(strncmp(text, card.title, strlen(card.title)), 0);
	assert_null(strchr(text, '<'));
	json_decref(root);
}

static void
test_body_that_does_not_fit(void **state)
{
	HaCard card;

	(void) state;
	make_card(&card);
	assert_true(lay_out(&card, false, "", 64) == HA_LAYOUT_TOO_LONG);
}

/*
 * Case 6: the keyword stands in each rendering. Only who is named in the channel's file is called, and only when it is
 * critical.
 */
static void
test_keyword_and_calls(void **state)
{
	HaCard card;

	(void) state;
	for (int plain = 0; plain < 2; plain++)
	{
		make_card(&card);
		body[lay_out(&card, plain, "", sizeof(body) - 1)] = '\0';
		assert_non_null(strstr(body, "Achtung"));
		assert_null(strstr(body, "ou_123"));
		card.calls = true;
		body[lay_out(&card, plain, "", sizeof(body) - 1)] = '\0';
		assert_non_null(strstr(body, plain ? "<at user_id=\\\"ou_123\\\"></at>" : "<at id=ou_123></at>"));
	}
}

/* Case 10: lines that the robot does not take are left out, and counted. */
static void
test_too_many_lines(void **state)
{
	HaCard card;

	(void) state;
	make_card(&card);
	card.line_count = HA_BULLETIN_NOTICES_MAX;
	for (int i = 0; i < HA_BULLETIN_NOTICES_MAX; i++)
		memset(card.line[i], '"', sizeof(card.line[i]) - 1);
	assert_true(lay_out(&card, false, "", sizeof(body)) == HA_LAYOUT_TOO_LONG);
	card.line_count = 10;
	assert_in_range(lay_out(&card, false, "", sizeof(body)), 8000, HA_FEISHU_BODY_MAX);
}

/* The largest card stays far below the robot's limit. */
static void
test_largest_body(void **state)
{
	HaCard card;
	size_t length;

	(void) state;
	memset(&card, 0, sizeof(card));
	memset(card.title, '"', sizeof(card.title) - 1);
	memset(card.sentence, '\\', sizeof(card.sentence) - 1);
	memset(card.detail, 1, sizeof(card.detail) - 1);
	card.field_count = HA_CARD_FIELDS_MAX;
	for (int i = 0; i < HA_CARD_FIELDS_MAX; i++)
	{
		memset(card.field[i].name, 1, sizeof(card.field[i].name) - 1);
		memset(card.field[i].value, 1, sizeof(card.field[i].value) - 1);
	}
	length = lay_out(&card, false, "demo", sizeof(body));
	assert_in_range(length, 1, HA_FEISHU_BODY_MAX);
	json_decref(read_body(length));
}

static void
judges(const char *answer, int status, HaVerdict verdict)
{
	HaWebhookAnswer a = {.arrived = true, .status = status, .body = answer, .body_bytes = strlen(answer)};
	char reason[256] = "";

	assert_int_equal(ha_feishu_judge(&a, 1000000, reason, sizeof(reason)), verdict);
	assert_true(strlen(reason) > 0);
	assert_null(strstr(reason, "DETAIL"));	/* nothing of what the receiver wrote */
}

static void
test_delivered_only_by_the_code(void **state)
{
	(void) state;
	judges("{\"code\":0,\"msg\":\"success\",\"data\":{}}", 200, HA_VERDICT_DELIVERED);
	judges("{\"StatusCode\":0,\"StatusMessage\":\"success\"}", 200, HA_VERDICT_DELIVERED);
	judges("{\"StatusCode\":0,\"code\":19001}", 200, HA_VERDICT_BROKEN);
	judges("", 200, HA_VERDICT_RETRY);
	judges("{}", 200, HA_VERDICT_RETRY);
	judges("[]", 200, HA_VERDICT_RETRY);
	judges("{\"msg\":\"success\"}", 200, HA_VERDICT_RETRY);
	judges("{\"code\":\"0\"}", 200, HA_VERDICT_RETRY);
	judges("{\"code\":0", 200, HA_VERDICT_RETRY);
	judges("{\"code\":0,\"code\":0}", 200, HA_VERDICT_RETRY);
	judges("<html>502</html>", 200, HA_VERDICT_RETRY);
	judges("", 204, HA_VERDICT_RETRY);
	judges("{\"code\":0}", 502, HA_VERDICT_RETRY);
	judges("{\"code\":0}", 302, HA_VERDICT_BROKEN);
	judges("{\"code\":0}", 404, HA_VERDICT_BROKEN);
	judges("{\"code\":0}", 429, HA_VERDICT_THROTTLE);
}

static void
test_codes(void **state)
{
	(void) state;
	judges("{\"code\":11232,\"msg\":\"frequency limited DETAIL\"}", 200, HA_VERDICT_THROTTLE);
	judges("{\"code\":9499,\"msg\":\"Bad Request DETAIL\"}", 200, HA_VERDICT_PLAIN);
	judges("{\"code\":9499,\"msg\":\"too frequently DETAIL\"}", 200, HA_VERDICT_THROTTLE);
	judges("{\"code\":11246,\"msg\":\"parse card json err DETAIL\"}", 200, HA_VERDICT_PLAIN);
	judges("{\"code\":19001}", 200, HA_VERDICT_BROKEN);
	judges("{\"code\":19021,\"msg\":\"DETAIL\"}", 200, HA_VERDICT_BROKEN);
	judges("{\"code\":19022}", 200, HA_VERDICT_BROKEN);
	judges("{\"code\":19024}", 200, HA_VERDICT_BROKEN);
	judges("{\"code\":-1}", 200, HA_VERDICT_BROKEN);
	judges("{\"code\":9223372036854775807}", 200, HA_VERDICT_BROKEN);
}

static void
test_clocks_that_differ(void **state)
{
	HaWebhookAnswer a = {.arrived = true, .status = 200, .body = "{\"code\":19021}", .body_bytes = 14};
	char reason[256];

	(void) state;
	a.date_s = 1007200;
	assert_int_equal(ha_feishu_judge(&a, 1000000, reason, sizeof(reason)), HA_VERDICT_BROKEN);
	assert_non_null(strstr(reason, "7200 seconds behind"));
	a.date_s = 1000001;
	ha_feishu_judge(&a, 1000000, reason, sizeof(reason));
	assert_non_null(strstr(reason, "secret"));
}

static void
test_no_answer(void **state)
{
	HaWebhookAnswer a = {.arrived = false, .error = "Connection refused"};
	char reason[256];

	(void) state;
	assert_int_equal(ha_feishu_judge(&a, 0, reason, sizeof(reason)), HA_VERDICT_RETRY);
	assert_string_equal(reason, "no answer: Connection refused");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signature),
		cmocka_unit_test(test_card_message),
		cmocka_unit_test(test_plain_message),
		cmocka_unit_test(test_body_that_does_not_fit),
		cmocka_unit_test(test_keyword_and_calls),
		cmocka_unit_test(test_too_many_lines),
		cmocka_unit_test(test_largest_body),
		cmocka_unit_test(test_delivered_only_by_the_code),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_clocks_that_differ),
		cmocka_unit_test(test_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
