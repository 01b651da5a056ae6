/*
 * feishu.c: see feishu.h.
 */
#include <inttypes.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "io/feishu.h"

/* ---- The request ---- */

bool
ha_feishu_sign(const char *secret, int64_t timestamp_s, char sign[HA_CHANNEL_SIGN_SIZE])
{
	char key[512];
	int length = snprintf(key, sizeof(key), "%" PRId64 "\n%s", timestamp_s, secret);
	bool made = length > 0 && (size_t) length < sizeof(key) && ha_channel_sign(key, "", sign);

	OPENSSL_cleanse(key, sizeof(key));
	return made;
}

static json_t *
plain_text(const char *text)
{
	return json_pack("{s:s, s:o}", "tag", "plain_text", "content", json_string(text));
}

static json_t *
block(const char *text)
{
	return json_pack("{s:s, s:o}", "tag", "div", "text", plain_text(text));
}

/* The facts, two in a row. */
static json_t *
fields_of(const HaCard *card)
{
	json_t *fields = json_array();

	for (uint32_t i = 0; i < card->field_count; i++)
	{
		char text[256];

		snprintf(text, sizeof(text), "%s: %s", card->field[i].name, card->field[i].value);
		json_array_append_new(fields, json_pack("{s:b, s:o}", "is_short", 1, "text", plain_text(text)));
	}
	return fields;
}

/* Who is called by name when it is critical: what the channel's file says, and nobody else. */
static void
calls_of(const HaChannel *channel, const HaCard *card, bool plain, char *text, size_t size)
{
	size_t length = 0;

	text[0] = '\0';
	for (uint32_t i = 0; card->calls && i < channel->at_count && length < size; i++)
		length += (size_t) snprintf(text + length, size - length,
									plain ? "<at user_id=\"%s\"></at>" : "<at id=%s></at>", channel->at[i]);
}

/* A card of version 1.0: every client shows it, and what a client does not know it leaves out. */
static json_t *
card_of(const HaChannel *channel, const HaCard *card, uint32_t lines)
{
	static const char *const template[] = {
		[HA_CARD_BLUE] = "blue",[HA_CARD_GREEN] = "green",[HA_CARD_ORANGE] = "orange",[HA_CARD_RED] = "red",
	};
	json_t *elements = json_array();
	char text[1024];

	if (card->sentence[0] != '\0')
		json_array_append_new(elements, block(card->sentence));
	if (card->detail[0] != '\0')
		json_array_append_new(elements, block(card->detail));
	for (uint32_t i = 0; i < card->line_count && i < lines; i++)
		json_array_append_new(elements, block(card->line[i]));
	ha_card_more(card, card->more + (card->line_count > lines ? card->line_count - lines : 0), text, sizeof(text));
	if (text[0] != '\0')
		json_array_append_new(elements, block(text));
	calls_of(channel, card, false, text, sizeof(text));
	if (text[0] != '\0')
		json_array_append_new(elements, json_pack("{s:s, s:{s:s, s:o}}", "tag", "div", "text", "tag", "lark_md",
												  "content", json_string(text)));
	if (card->field_count > 0)
	{
		json_array_append_new(elements, json_pack("{s:s}", "tag", "hr"));
		json_array_append_new(elements, json_pack("{s:s, s:o}", "tag", "div", "fields", fields_of(card)));
	}
	if (card->link[0] != '\0')
		json_array_append_new(elements, json_pack("{s:s, s:[{s:s, s:o, s:s, s:s}]}", "tag", "action", "actions",
												  "tag", "button", "text",
												  plain_text(card->language == HA_LANGUAGE_ZH ? "处理手册" : "Runbook"),
												  "url", card->link, "type", "default"));
	snprintf(text, sizeof(text), "%s%s%s", card->note, channel->keyword[0] != '\0' ? " · " : "", channel->keyword);
	json_array_append_new(elements, json_pack("{s:s, s:[o]}", "tag", "note", "elements", plain_text(text)));
	return json_pack("{s:{s:b}, s:{s:s, s:o}, s:o}", "config", "wide_screen_mode", 1,
					 "header", "template", template[card->colour], "title", plain_text(card->title),
					 "elements", elements);
}

static json_t *
text_of(const HaChannel *channel, const HaCard *card, uint32_t lines)
{
	char text[HA_FEISHU_BODY_MAX];
	size_t length;

	ha_card_text(card, lines, text, sizeof(text) - 2048);
	length = strlen(text);
	if (channel->keyword[0] != '\0')
		length += (size_t) snprintf(text + length, sizeof(text) - length, "\n%s", channel->keyword);
	calls_of(channel, card, true, text + length, sizeof(text) - length);
	return json_pack("{s:s, s:{s:o}}", "msg_type", "text", "content", "text", json_string(text));
}

static bool
sign_message(json_t *message, const char *secret, int64_t wall_s)
{
	char sign[HA_CHANNEL_SIGN_SIZE];
	char timestamp[24];

	if (secret[0] == '\0')
		return true;
	snprintf(timestamp, sizeof(timestamp), "%" PRId64, wall_s);
	return ha_feishu_sign(secret, wall_s, sign) &&
		json_object_set_new(message, "timestamp", json_string(timestamp)) == 0 &&
		json_object_set_new(message, "sign", json_string(sign)) == 0;
}

size_t
ha_feishu_layout(HaLayout *layout)
{
	json_t *message = layout->plain ? text_of(layout->channel, layout->card, layout->lines) :
		json_pack("{s:s, s:o}", "msg_type", "interactive", "card",
				  card_of(layout->channel, layout->card, layout->lines));
	size_t length = 0;

	if (message != NULL && sign_message(message, layout->channel->secret, layout->wall_us / 1000000))
		length = json_dumpb(message, layout->body, layout->size, JSON_COMPACT);
	json_decref(message);
	return length > layout->size || length > HA_FEISHU_BODY_MAX ? HA_LAYOUT_TOO_LONG : length;
}

/* ---- The answer ---- */

/* The codes that mean something to us; any other but 0 is a refusal without a known reason. */
static const HaCode codes[] = {
	{0, HA_VERDICT_DELIVERED, "taken"},
	{9499, HA_VERDICT_PLAIN, "the robot can't read the message"},
	{11232, HA_VERDICT_THROTTLE, "the robot takes no more for now: too many messages"},
	{11246, HA_VERDICT_PLAIN, "the robot refuses the card"},
	{19001, HA_VERDICT_BROKEN, "the robot's address is wrong or was removed"},
	{19021, HA_VERDICT_BROKEN, "the signature does not match: wrong secret, or clocks that differ by an hour"},
	{19022, HA_VERDICT_BROKEN, "the robot does not accept this machine's address"},
	{19024, HA_VERDICT_BROKEN, "the robot wants a keyword that the message has not: say keyword = ... in the channel"},
	{19036, HA_VERDICT_PLAIN, "the message is too large for the robot"},
	{99991400, HA_VERDICT_THROTTLE, "the robot takes no more for now: too many messages"},
};

HaVerdict
ha_feishu_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	HaVerdict verdict;
	char message[256];
	int64_t code;

	if (ha_channel_judge_status(answer, &verdict, reason, size))
		return verdict;
	if (!ha_channel_code(answer, "code", "StatusCode", "msg", &code, message, sizeof(message)))
	{
		snprintf(reason, size, "the answer is none of a robot (HTTP %d)", answer->status);
		return HA_VERDICT_RETRY;
	}
	/* 9499 was seen for a refusal by frequency, too. */
	if (code == 9499 && strstr(message, "frequen") != NULL)
		code = 11232;
	if (code == 19021 && ha_channel_clocks_differ(answer, wall_s, reason, size))
		return HA_VERDICT_BROKEN;
	return ha_channel_verdict(codes, sizeof(codes) / sizeof(codes[0]), code, reason, size);
}
