/*
 * dingtalk.c: see dingtalk.h.
 */
#include <inttypes.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "io/dingtalk.h"
#include "ops/text.h"

#define BODY_MAX 20000

bool
ha_dingtalk_sign(const char *secret, int64_t timestamp_ms, char sign[HA_CHANNEL_SIGN_SIZE])
{
	char text[512];
	int length = snprintf(text, sizeof(text), "%" PRId64 "\n%s", timestamp_ms, secret);
	bool made = length > 0 && (size_t) length < sizeof(text) && ha_channel_sign(secret, text, sign);

	OPENSSL_cleanse(text, sizeof(text));
	return made;
}

/* ---- The request ---- */

/* &timestamp=...&sign=..., in which + / = of base64 are percent-encoded. */
static bool
add_signature(HaLayout *layout)
{
	int64_t timestamp_ms = layout->wall_us / 1000;
	char sign[HA_CHANNEL_SIGN_SIZE];
	HaText query = ha_text(layout->query, sizeof(layout->query));

	if (layout->channel->secret[0] == '\0')
		return true;
	if (!ha_dingtalk_sign(layout->channel->secret, timestamp_ms, sign))
		return false;
	ha_text_format(&query, "%ctimestamp=%" PRId64 "&sign=", strchr(layout->channel->url, '?') != NULL ? '&' : '?',
				   timestamp_ms);
	for (const char *c = sign; *c != '\0'; c++)
		ha_text_format(&query, strchr("+/=", *c) != NULL ? "%%%02X" : "%c", *c);
	return !query.cut;
}

/* A paragraph; the robot joins lines that no empty one parts. */
static void
add_paragraph(HaText *text, const char *before, const char *words)
{
	if (words[0] == '\0')
		return;
	ha_text_add(text, before);
	ha_text_add_harmless(text, words, true);
	ha_text_add(text, "\n\n");
}

static void
add_markdown(HaText *text, const HaLayout *layout)
{
	const HaCard *card = layout->card;
	char more[96];

	add_paragraph(text, "### ", card->title);
	add_paragraph(text, "", card->sentence);
	add_paragraph(text, "", card->detail);
	for (uint32_t i = 0; i < card->line_count && i < layout->lines; i++)
		add_paragraph(text, "- ", card->line[i]);
	ha_card_more(card, card->more + (card->line_count > layout->lines ? card->line_count - layout->lines : 0), more,
				 sizeof(more));
	add_paragraph(text, "", more);
	for (uint32_t i = 0; i < card->field_count; i++)
	{
		ha_text_add(text, "- **");
		ha_text_add_harmless(text, card->field[i].name, true);
		add_paragraph(text, "**: ", card->field[i].value);
	}
	if (card->link[0] != '\0')
		ha_text_format(text, "[%s](%s)\n\n", card->language == HA_LANGUAGE_ZH ? "处理手册" : "Runbook", card->link);
	add_paragraph(text, "> ", card->note);
	ha_text_add(text, layout->channel->keyword);	/* as it stands in the file: the robot looks for just that */
	ha_text_add(text, "\n\n");
}

/* Who is called stands in the text and in the list, else nobody is. */
static json_t *
calls_of(HaText *text, const HaLayout *layout)
{
	const HaChannel *channel = layout->channel;
	json_t *mobiles = json_array();
	bool all = false;

	for (uint32_t i = 0; layout->card->calls && i < channel->at_count; i++)
	{
		ha_text_format(text, "@%s ", channel->at[i]);
		if (strcmp(channel->at[i], "all") == 0)
			all = true;
		else
			json_array_append_new(mobiles, json_string(channel->at[i]));
	}
	return json_pack("{s:o, s:b}", "atMobiles", mobiles, "isAtAll", all);
}

size_t
ha_dingtalk_layout(HaLayout *layout)
{
	static char bytes[BODY_MAX];
	HaText text = ha_text(bytes, sizeof(bytes));
	json_t *calls;
	json_t *message;
	size_t length;

	if (layout->plain)
	{
		ha_card_text(layout->card, layout->lines, bytes, sizeof(bytes));
		text.length = strlen(bytes);
		text.cut = text.length + 1 == text.size;
		ha_text_add(&text, "\n");
		ha_text_add(&text, layout->channel->keyword);
		ha_text_add(&text, "\n");
	}
	else
		add_markdown(&text, layout);
	calls = calls_of(&text, layout);
	if (layout->plain)
		message = json_pack("{s:s, s:{s:o}, s:o}", "msgtype", "text", "text", "content", json_string(bytes), "at",
							calls);
	else
		message = json_pack("{s:s, s:{s:o, s:o}, s:o}", "msgtype", "markdown", "markdown", "title",
							json_string(layout->card->title), "text", json_string(bytes), "at", calls);
	length = message != NULL && add_signature(layout) ?
		json_dumpb(message, layout->body, layout->size, JSON_COMPACT) : 0;
	json_decref(message);
	return text.cut || length > layout->size || length > BODY_MAX ? HA_LAYOUT_TOO_LONG : length;
}

/* ---- The answer ---- */

static const HaCode codes[] = {
	{0, HA_VERDICT_DELIVERED, "taken"},
	{-1, HA_VERDICT_RETRY, "the robot is busy"},
	{130101, HA_VERDICT_THROTTLE, "the robot takes no more for ten minutes: too many messages"},
	{410100, HA_VERDICT_THROTTLE, "the robot takes no more for ten minutes: too many messages"},
	{300001, HA_VERDICT_BROKEN, "the robot's address is wrong or was removed"},
	{300005, HA_VERDICT_BROKEN, "the robot's address is wrong or was removed"},
	{400101, HA_VERDICT_BROKEN, "the robot's address is wrong or was removed"},
	{400102, HA_VERDICT_BROKEN, "the robot was stopped"},
	{400013, HA_VERDICT_BROKEN, "the robot's group was dissolved"},
	{400106, HA_VERDICT_BROKEN, "the robot is not there any more"},
	{40035, HA_VERDICT_PLAIN, "the robot can't read the message"},
	{43002, HA_VERDICT_BROKEN, "the address is none of a robot"},
	{43004, HA_VERDICT_BROKEN, "the address is none of a robot"},
	{400105, HA_VERDICT_PLAIN, "the robot does not know this kind of message"},
};

/* One code for three refusals; only the words tell them apart. */
static HaVerdict
refused_by_rule(const char *message, const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	if (strstr(message, "sign") != NULL || strstr(message, "签名") != NULL || strstr(message, "timestamp") != NULL)
	{
		if (!ha_channel_clocks_differ(answer, wall_s, reason, size))
			snprintf(reason, size, "the signature does not match: wrong secret, or clocks that differ by an hour"
					 " (code 310000)");
	}
	else if (strstr(message, "keyword") != NULL || strstr(message, "关键词") != NULL)
		snprintf(reason, size, "the robot wants a keyword that the message has not: say keyword = ... in the channel"
				 " (code 310000)");
	else if (strstr(message, "whitelist") != NULL || strstr(message, "ip") != NULL)
		snprintf(reason, size, "the robot does not accept this machine's address (code 310000)");
	else
		snprintf(reason, size, "one of the robot's rules refuses the message (code 310000)");
	return HA_VERDICT_BROKEN;
}

/* Codes are renumbered now and then; the words for too fast stay. */
static bool
says_too_fast(const char *message)
{
	static const char *const words[] = {"too fast", "frequency", "exceed 20 times", "限流", "send too"};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(message, words[i]) != NULL)
			return true;
	return false;
}

HaVerdict
ha_dingtalk_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	HaVerdict verdict;
	char message[256];
	int64_t code;

	if (ha_channel_judge_status(answer, &verdict, reason, size))
		return verdict;
	if (!ha_channel_code(answer, "errcode", NULL, "errmsg", &code, message, sizeof(message)))
	{
		/* The gateway before the robot, which punishes, has an answer of its own. */
		if (ha_channel_code(answer, "status", NULL, "punish", &code, message, sizeof(message)) && code == 1111)
			return ha_channel_verdict(codes, sizeof(codes) / sizeof(codes[0]), 130101, reason, size);
		snprintf(reason, size, "the answer is none of a robot (HTTP %d)", answer->status);
		return HA_VERDICT_RETRY;
	}
	if (code == 310000)
		return refused_by_rule(message, answer, wall_s, reason, size);
	if (code != 0 && says_too_fast(message))
		code = 130101;
	return ha_channel_verdict(codes, sizeof(codes) / sizeof(codes[0]), code, reason, size);
}
