/*
 * channel_send.c: a bulletin on its way through a channel, and what comes back (see channel.h).
 */
#include <assert.h>
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#include "io/alertmanager.h"
#include "io/channel.h"
#include "io/dingtalk.h"
#include "io/feishu.h"
#include "io/mail.h"
#include "io/secret.h"
#include "io/slack.h"
#include "io/wecom.h"

#define MS_US (INT64_C(1000))
#define MINUTE_US (INT64_C(60) * 1000 * 1000)
#define BODY_MAX (256 * 1024)
#define JSON_TYPE "application/json; charset=utf-8"

/* What each kind of receiver takes (alerting.md A.1 to A.5), a little below its limits. */
static const struct
{
	HaLayOut lay_out;
	HaUs gap_us;				/* feishu 5/s and 100/min, dingtalk and wecom 20/min, slack one a second */
	HaUs beside_us;				/* see ha_channel_beside_us() */
	bool narrow;				/* see ha_channel_is_narrow() */
	HaUs hold_us;				/* after a throttle: dingtalk's ten minutes, wecom's minute */
} kinds[HA_CHANNEL_TYPE_COUNT] = {
	[HA_CHANNEL_FEISHU] = {ha_feishu_layout, 750 * MS_US, 5000 * MS_US, false, 0},
	[HA_CHANNEL_DINGTALK] = {ha_dingtalk_layout, 6000 * MS_US, 15000 * MS_US, true, 10 * MINUTE_US},
	[HA_CHANNEL_WECOM] = {ha_wecom_layout, 6000 * MS_US, 15000 * MS_US, true, MINUTE_US},
	[HA_CHANNEL_SLACK] = {ha_slack_layout, 1500 * MS_US, 5000 * MS_US, true, 0},
	[HA_CHANNEL_WEBHOOK] = {ha_alertmanager_layout, 100 * MS_US, 0, false, 0},
	[HA_CHANNEL_MAIL] = {ha_mail_layout, 1000 * MS_US, 0, false, 0},
};

HaUs
ha_channel_gap_us(HaChannelType type)
{
	return kinds[type].gap_us;
}

HaUs
ha_channel_beside_us(HaChannelType type, uint32_t others)
{
	HaUs all_us = kinds[type].beside_us * (others > 2 ? others : 2);

	return all_us > kinds[type].gap_us ? all_us : kinds[type].gap_us;
}

bool
ha_channel_is_narrow(HaChannelType type)
{
	return kinds[type].narrow;
}

HaUs
ha_channel_hold_us(HaChannelType type)
{
	return kinds[type].hold_us;
}

/* ---- The request ---- */

/* Lays out as many lines as fit; how many these are, 0 = none could be. */
static uint32_t
fit(HaLayout *layout, size_t *length)
{
	layout->lines = layout->bulletin->count;
	while (layout->lines > 0)
	{
		layout->query[0] = '\0';
		*length = kinds[layout->channel->type].lay_out(layout);
		if (*length != HA_LAYOUT_TOO_LONG)
			return *length > 0 ? layout->lines : 0;
		layout->lines = layout->lines * 3 / 4;
	}
	return 0;
}

static bool
begin(HaWebhook *hook, const HaLayout *layout, size_t length, HaNow now, char *reason, size_t size)
{
	const HaChannel *channel = layout->channel;
	const char *to[HA_CHANNEL_TO_MAX];
	char url[HA_WEBHOOK_URL_MAX + 1];
	HaWebhookMail mail = {
		.from = channel->from, .to = to, .to_count = channel->to_count, .user = channel->user,
		.password = channel->password, .auth = channel->auth,
	};
	HaWebhookRequest request = {
		.url = url, .type = JSON_TYPE, .body = layout->body, .body_bytes = length, .local = channel->local,
		.ca_file = channel->ca_file, .mail = channel->type == HA_CHANNEL_MAIL ? &mail : NULL,
	};
	bool begun = false;

	for (uint32_t i = 0; i < channel->to_count; i++)
		to[i] = channel->to[i];
	if (snprintf(url, sizeof(url), "%s%s", channel->url, layout->query) >= (int) sizeof(url))
		snprintf(reason, size, "the URL is too long");
	else
		begun = ha_webhook_begin(hook, &request, now, reason, size);
	ha_secret_wipe(url, sizeof(url));
	return begun;
}

uint32_t
ha_channel_send(HaWebhook *hook, const HaChannel *channel, const HaBulletin *bulletin, const HaCard *card, bool plain,
				int64_t wall_us, HaNow now, char *reason, size_t size)
{
	static char body[BODY_MAX];
	HaLayout layout = {
		.channel = channel, .card = card, .bulletin = bulletin, .plain = plain, .wall_us = wall_us, .body = body,
		.size = sizeof(body),
	};
	size_t length;
	uint32_t told = fit(&layout, &length);

	if (told == 0)
	{
		snprintf(reason, size, "the message could not be laid out");
		return 0;
	}
	if (!begin(hook, &layout, length, now, reason, size))
		told = 0;
	ha_secret_wipe(body, length);	/* a signature stood in it */
	return told;
}

bool
ha_channel_sign(const char *key, const char *text, char sign[HA_CHANNEL_SIGN_SIZE])
{
	unsigned char mac[32];
	unsigned int mac_bytes = sizeof(mac);

	sign[0] = '\0';
	if (HMAC(EVP_sha256(), key, (int) strlen(key), (const unsigned char *) text, strlen(text), mac, &mac_bytes) == NULL)
		return false;
	EVP_EncodeBlock((unsigned char *) sign, mac, sizeof(mac));
	return true;
}

/* ---- The answer ---- */

bool
ha_channel_judge_status(const HaWebhookAnswer *answer, HaVerdict *verdict, char *reason, size_t size)
{
	if (!answer->arrived)
	{
		snprintf(reason, size, "no answer: %s", answer->error);
		*verdict = HA_VERDICT_RETRY;
	}
	else if (answer->status == 429)
	{
		snprintf(reason, size, "the receiver takes no more for now (HTTP 429)");
		*verdict = HA_VERDICT_THROTTLE;
	}
	else if (answer->status == 408 || answer->status == 425 || answer->status >= 500 || answer->status < 200)
	{
		snprintf(reason, size, "the receiver can't take it now (HTTP %d)", answer->status);
		*verdict = HA_VERDICT_RETRY;
	}
	else if (answer->status >= 300)
	{
		snprintf(reason, size, "the receiver refuses the request (HTTP %d)", answer->status);
		*verdict = HA_VERDICT_BROKEN;
	}
	else
		return false;
	return true;
}

bool
ha_channel_code(const HaWebhookAnswer *answer, const char *key, const char *other_key, const char *text_key,
				int64_t *code, char *text, size_t size)
{
	json_t *root = json_loadb(answer->body, answer->body_bytes, JSON_REJECT_DUPLICATES, NULL);
	json_t *value = json_object_get(root, key);
	const char *said = json_string_value(json_object_get(root, text_key));
	bool found;

	if (value == NULL && other_key != NULL)
		value = json_object_get(root, other_key);
	found = json_is_integer(value);
	*code = found ? (int64_t) json_integer_value(value) : -1;
	snprintf(text, size, "%s", said != NULL ? said : "");
	json_decref(root);
	return found;
}

bool
ha_channel_clocks_differ(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	int64_t skew_s = wall_s - answer->date_s;

	if (answer->date_s == 0 || (skew_s > -3000 && skew_s < 3000))
		return false;
	snprintf(reason, size, "clock skew: this machine's clock is %" PRId64
			 " seconds %s the robot's, so it refuses the signature",
			 skew_s < 0 ? -skew_s : skew_s, skew_s < 0 ? "behind" : "ahead of");
	return true;
}

HaVerdict
ha_channel_verdict(const HaCode *codes, size_t count, int64_t code, char *reason, size_t size)
{
	for (size_t i = 0; i < count; i++)
		if (codes[i].code == code)
		{
			snprintf(reason, size, "%s (code %" PRId64 ")", codes[i].reason, code);
			return codes[i].verdict;
		}
	snprintf(reason, size, "the robot refuses the message (code %" PRId64 ")", code);
	return HA_VERDICT_BROKEN;
}

HaVerdict
ha_channel_judge(HaChannelType type, const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	switch (type)
	{
		case HA_CHANNEL_FEISHU:
			return ha_feishu_judge(answer, wall_s, reason, size);
		case HA_CHANNEL_DINGTALK:
			return ha_dingtalk_judge(answer, wall_s, reason, size);
		case HA_CHANNEL_WECOM:
			return ha_wecom_judge(answer, wall_s, reason, size);
		case HA_CHANNEL_SLACK:
			return ha_slack_judge(answer, wall_s, reason, size);
		case HA_CHANNEL_WEBHOOK:
			return ha_alertmanager_judge(answer, wall_s, reason, size);
		case HA_CHANNEL_MAIL:
			return ha_mail_judge(answer, wall_s, reason, size);
		case HA_CHANNEL_TYPE_COUNT:
			break;
	}
	snprintf(reason, size, "the channel is of no known type");
	return HA_VERDICT_BROKEN;
}
