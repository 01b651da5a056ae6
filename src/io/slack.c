/*
 * slack.c: see slack.h.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "io/slack.h"
#include "ops/text.h"

#define TEXT_MAX 12000

/* ---- The request ---- */

/* What Slack takes for more than text is written as it wants it: & < >; nothing in it is markdown. */
static void
add_words(HaText *text, const char *words)
{
	for (; *words != '\0'; words++)
	{
		char word[2] = {*words, '\0'};

		ha_text_add(text, *words == '&' ? "&amp;" : *words == '<' ? "&lt;" : *words == '>' ? "&gt;" : word);
	}
}

static void
add_line(HaText *text, const char *words)
{
	if (words[0] == '\0')
		return;
	if (text->length > 0)
		ha_text_add(text, "\n");
	add_words(text, words);
}

static json_t *
words_of(const char *words)
{
	char bytes[2048];
	HaText text = ha_text(bytes, sizeof(bytes));

	add_words(&text, words);
	return json_string(bytes);
}

static json_t *
fields_of(const HaCard *card)
{
	json_t *fields = json_array();

	for (uint32_t i = 0; i < card->field_count; i++)
		json_array_append_new(fields, json_pack("{s:o, s:o, s:b}", "title", words_of(card->field[i].name), "value",
												words_of(card->field[i].value), "short", 1));
	return fields;
}

static json_t *
attachment_of(const HaLayout *layout, const char *text)
{
	static const char *const colour[] = {
		[HA_CARD_BLUE] = "#3b7dd8",[HA_CARD_GREEN] = "#2eb67d",[HA_CARD_ORANGE] = "#e8912d",[HA_CARD_RED] = "#e01e5a",
	};
	const HaCard *card = layout->card;
	json_t *attachment = json_pack("{s:s, s:o, s:o, s:o, s:o, s:[]}", "color", colour[card->colour], "fallback",
								   words_of(card->title), "text", json_string(text), "fields", fields_of(card),
								   "footer", words_of(card->note), "mrkdwn_in");

	if (card->link[0] != '\0')
		json_object_set_new(attachment, "title_link", json_string(card->link));
	json_object_set_new(attachment, "title", words_of(card->title));
	return attachment;
}

size_t
ha_slack_layout(HaLayout *layout)
{
	static char bytes[TEXT_MAX];
	const HaCard *card = layout->card;
	HaText text = ha_text(bytes, sizeof(bytes));
	json_t *message;
	char more[96];
	size_t length;

	if (!layout->plain)
	{
		add_line(&text, card->sentence);
		add_line(&text, card->detail);
	}
	else
		add_line(&text, card->title);
	for (uint32_t i = 0; i < card->line_count && i < layout->lines; i++)
		add_line(&text, card->line[i]);
	ha_card_more(card, card->more + (card->line_count > layout->lines ? card->line_count - layout->lines : 0), more,
				 sizeof(more));
	add_line(&text, more);
	add_line(&text, layout->channel->keyword);
	if (layout->plain)
		message = json_pack("{s:o, s:b}", "text", json_string(bytes), "mrkdwn", 0);
	else
		message = json_pack("{s:[o]}", "attachments", attachment_of(layout, bytes));
	length = message != NULL ? json_dumpb(message, layout->body, layout->size, JSON_COMPACT) : 0;
	json_decref(message);
	return text.cut || length > layout->size ? HA_LAYOUT_TOO_LONG : length;
}

/* ---- The answer ---- */

/* Slack answers "ok", others {"ok": true}; an empty answer says nothing. */
HaVerdict
ha_slack_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	HaVerdict verdict;
	json_t *root;
	size_t length;
	bool ok;

	(void) wall_s;
	if (answer->arrived && answer->status == 400)
	{
		snprintf(reason, size, "the receiver can't read the message (HTTP 400)");
		return HA_VERDICT_PLAIN;
	}
	if (ha_channel_judge_status(answer, &verdict, reason, size))
		return verdict;
	root = json_loadb(answer->body, answer->body_bytes, 0, NULL);
	for (length = answer->body_bytes; length > 0 && strchr("\r\n", answer->body[length - 1]) != NULL;)
		length--;
	ok = answer->status == 200 &&
		(json_is_true(json_object_get(root, "ok")) || (length == 2 && memcmp(answer->body, "ok", 2) == 0));
	json_decref(root);
	snprintf(reason, size, ok ? "taken" : "the answer is none of such a receiver (HTTP %d)", answer->status);
	return ok ? HA_VERDICT_DELIVERED : HA_VERDICT_RETRY;
}
