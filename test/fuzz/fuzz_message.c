/*
 * fuzz_message.c: what the sender is given to send: a bulletin in JSON, through to what each kind of channel makes of
 * it; the file of a channel; and what receivers of all kinds answer.
 *
 * The first byte says which; the rest is the text.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "io/alertmanager.h"
#include "io/channel.h"
#include "io/dingtalk.h"
#include "io/feishu.h"
#include "io/mail.h"
#include "io/message.h"
#include "io/slack.h"
#include "io/wecom.h"

#define CHECK(claim) ((claim) ? (void) 0 : abort())

static const HaLayOut lay_out[HA_CHANNEL_TYPE_COUNT] = {
	[HA_CHANNEL_FEISHU] = ha_feishu_layout,[HA_CHANNEL_DINGTALK] = ha_dingtalk_layout,
	[HA_CHANNEL_WECOM] = ha_wecom_layout,[HA_CHANNEL_SLACK] = ha_slack_layout,
	[HA_CHANNEL_WEBHOOK] = ha_alertmanager_layout,[HA_CHANNEL_MAIL] = ha_mail_layout,
};

static void
try_layout(const HaChannel *channel, const HaBulletin *bulletin, const HaCard *card, bool plain)
{
	static char body[256 * 1024];
	HaLayout layout = {
		.channel = channel, .card = card, .bulletin = bulletin, .plain = plain, .wall_us = 1000000, .body = body,
		.size = sizeof(body),
	};
	size_t length = HA_LAYOUT_TOO_LONG;

	for (layout.lines = bulletin->count; layout.lines > 0 && length == HA_LAYOUT_TOO_LONG;
		 layout.lines = layout.lines * 3 / 4)
		length = lay_out[channel->type](&layout);
	CHECK(length > 0 && length <= sizeof(body));
	if (channel->type != HA_CHANNEL_MAIL)
	{
		json_t *root = json_loadb(body, length, JSON_REJECT_DUPLICATES, NULL);

		CHECK(json_is_object(root));
		json_decref(root);
	}
}

static void
try_message(const char *text, size_t length)
{
	static HaBulletin bulletin;
	static HaChannel channel;
	static HaCard card;
	char why[200];

	if (!ha_message_read(text, length, &bulletin, why, sizeof(why)))
		return;
	CHECK(bulletin.count >= 1 && bulletin.count <= HA_BULLETIN_NOTICES_MAX);
	for (int i = 0; i < 2 * HA_CHANNEL_TYPE_COUNT; i++)
	{
		HaCardContext context = {.language = i % 2 == 0 ? HA_LANGUAGE_ZH : HA_LANGUAGE_EN, .cluster = "prod"};

		channel.type = (HaChannelType) (i / 2);
		channel.to_count = 1;
		memcpy(channel.from, "a@b", 4);
		memcpy(channel.to[0], "a@b", 4);
		ha_card_of_bulletin(&card, &bulletin, &context);
		try_layout(&channel, &bulletin, &card, i % 2);
	}
}

static void
try_channel(const char *text, size_t length)
{
	static HaChannel channel;
	HaFault fault = {0};

	if (!ha_channel_parse("ops", text, length, &channel, &fault))
	{
		CHECK(fault.text[0] != '\0' && channel.url[0] == '\0' && channel.secret[0] == '\0');
		return;
	}
	CHECK(channel.type < HA_CHANNEL_TYPE_COUNT && channel.url[0] != '\0');
	CHECK(channel.at_count <= HA_CHANNEL_AT_MAX && channel.to_count <= HA_CHANNEL_TO_MAX);
	ha_channel_wipe(&channel);
}

static void
try_answer(const char *text, size_t length)
{
	for (HaChannelType type = 0; type < HA_CHANNEL_TYPE_COUNT; type++)
	{
		HaWebhookAnswer answer = {.arrived = true, .status = 200, .date_s = 1000, .body = text, .body_bytes = length};
		char reason[256] = "";

		(void) ha_channel_judge(type, &answer, 1000, reason, sizeof(reason));
		CHECK(reason[0] != '\0');
		for (const char *c = reason; *c != '\0'; c++)
			CHECK(*c >= ' ' && *c <= '~');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = size - 1;
	char *text;

	if (size == 0)
		return 0;
	text = malloc(length > 0 ? length : 1);		/* of its own size, so that reading on is seen */
	memcpy(text, data + 1, length);
	if (data[0] % 3 == 0)
		try_message(text, length);
	else if (data[0] % 3 == 1)
		try_channel(text, length);
	else
		try_answer(text, length);
	free(text);
	return 0;
}
