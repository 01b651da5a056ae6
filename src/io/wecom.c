/*
 * wecom.c: see wecom.h.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "io/wecom.h"
#include "ops/text.h"

#define MARKDOWN_MAX 4096
#define TEXT_MAX 2048

/* ---- The request ---- */

static void
add_line(HaText *text, const char *before, const char *words)
{
	if (words[0] == '\0')
		return;
	if (text->length > 0)
		ha_text_add(text, "\n");
	ha_text_add(text, before);
	ha_text_add_harmless(text, words, true);
}

static void
add_title(HaText *text, const HaCard *card)
{
	static const char *const colour[] = {
		[HA_CARD_BLUE] = "comment",[HA_CARD_GREEN] = "info",[HA_CARD_ORANGE] = "warning",[HA_CARD_RED] = "warning",
	};

	ha_text_format(text, "**<font color=\"%s\">", colour[card->colour]);
	ha_text_add_harmless(text, card->title, true);
	ha_text_add(text, "</font>**");
}

static void
add_calls(HaText *text, const HaLayout *layout)
{
	for (uint32_t i = 0; layout->card->calls && i < layout->channel->at_count; i++)
		ha_text_format(text, "%s<@%s>", i == 0 ? "\n" : " ", layout->channel->at[i]);
}

static void
add_markdown(HaText *text, const HaLayout *layout)
{
	const HaCard *card = layout->card;
	char more[96];

	add_title(text, card);
	add_line(text, "", card->sentence);
	add_line(text, "", card->detail);
	for (uint32_t i = 0; i < card->line_count && i < layout->lines; i++)
		add_line(text, "- ", card->line[i]);
	ha_card_more(card, card->more + (card->line_count > layout->lines ? card->line_count - layout->lines : 0), more,
				 sizeof(more));
	add_line(text, "", more);
	for (uint32_t i = 0; i < card->field_count; i++)
	{
		add_line(text, "> ", card->field[i].name);
		ha_text_add(text, ": ");
		ha_text_add_harmless(text, card->field[i].value, true);
	}
	if (card->link[0] != '\0')
		ha_text_format(text, "\n[%s](%s)", card->language == HA_LANGUAGE_ZH ? "处理手册" : "Runbook", card->link);
	add_line(text, "", card->note);
	add_line(text, "", layout->channel->keyword);
	add_calls(text, layout);
}

static json_t *
text_message(const HaLayout *layout, const char *content)
{
	json_t *names = json_array();

	for (uint32_t i = 0; layout->card->calls && i < layout->channel->at_count; i++)
		json_array_append_new(names, json_string(layout->channel->at[i]));
	return json_pack("{s:s, s:{s:o, s:o}}", "msgtype", "text", "text", "content", json_string(content),
					 "mentioned_list", names);
}

static size_t
lay_out(HaLayout *layout, bool *cut)
{
	char bytes[MARKDOWN_MAX + 1];
	HaText text = ha_text(bytes, layout->plain ? TEXT_MAX + 1 : sizeof(bytes));
	json_t *message;
	size_t length;

	if (layout->plain)
	{
		size_t most = TEXT_MAX + 1 - sizeof(layout->channel->keyword);

		ha_card_text(layout->card, layout->lines, bytes, most);
		text.length = strlen(bytes);
		text.cut = text.length + 4 >= most;		/* it may lack a character of four bytes */
		add_line(&text, "", layout->channel->keyword);
		message = text_message(layout, bytes);
	}
	else
	{
		add_markdown(&text, layout);
		message = json_pack("{s:s, s:{s:o}}", "msgtype", "markdown", "markdown", "content", json_string(bytes));
	}
	length = message != NULL ? json_dumpb(message, layout->body, layout->size, JSON_COMPACT) : 0;
	json_decref(message);
	*cut = text.cut;
	return length > layout->size ? HA_LAYOUT_TOO_LONG : length;
}

/* One alert that is too long loses its last facts, so that its id, which stands behind them, does not go. */
size_t
ha_wecom_layout(HaLayout *layout)
{
	static HaCard card;
	HaLayout less = *layout;
	size_t length;
	bool cut;

	card = *layout->card;
	less.card = &card;
	while ((length = lay_out(&less, &cut)) != HA_LAYOUT_TOO_LONG && cut && card.field_count > 0)
		card.field_count--;
	return cut && layout->lines > 1 ? HA_LAYOUT_TOO_LONG : length;
}

/* ---- The answer ---- */

static const HaCode codes[] = {
	{0, HA_VERDICT_DELIVERED, "taken"},
	{-1, HA_VERDICT_RETRY, "the robot is busy"},
	{45009, HA_VERDICT_THROTTLE, "the robot takes no more for a minute: too many messages"},
	{40058, HA_VERDICT_PLAIN, "the message is too long for the robot"},
	{93000, HA_VERDICT_BROKEN, "the robot's address is wrong or was removed"},
	{40008, HA_VERDICT_PLAIN, "the robot does not know this kind of message"},
};

HaVerdict
ha_wecom_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	HaVerdict verdict;
	char message[256];
	int64_t code;

	(void) wall_s;
	if (ha_channel_judge_status(answer, &verdict, reason, size))
		return verdict;
	if (!ha_channel_code(answer, "errcode", NULL, "errmsg", &code, message, sizeof(message)))
	{
		snprintf(reason, size, "the answer is none of a robot (HTTP %d)", answer->status);
		return HA_VERDICT_RETRY;
	}
	if (code != 0 && strstr(message, "freq out of limit") != NULL)
		code = 45009;
	return ha_channel_verdict(codes, sizeof(codes) / sizeof(codes[0]), code, reason, size);
}
