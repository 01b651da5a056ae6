/*
 * feishu.c: see feishu.h.
 */
#include <inttypes.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#include "io/feishu.h"

/* ---- The request ---- */

bool
ha_feishu_sign(const char *secret, int64_t timestamp_s, char sign[HA_FEISHU_SIGN_SIZE])
{
	char key[512];
	unsigned char mac[32];
	unsigned int mac_bytes = sizeof(mac);
	int key_bytes = snprintf(key, sizeof(key), "%" PRId64 "\n%s", timestamp_s, secret);
	bool made = key_bytes > 0 && (size_t) key_bytes < sizeof(key) &&
		HMAC(EVP_sha256(), key, key_bytes, (const unsigned char *) "", 0, mac, &mac_bytes) != NULL;

	OPENSSL_cleanse(key, sizeof(key));
	sign[0] = '\0';
	if (made)
		EVP_EncodeBlock((unsigned char *) sign, mac, sizeof(mac));
	return made;
}

static json_t *
plain_text(const char *text)
{
	return json_pack("{s:s, s:s}", "tag", "plain_text", "content", text);
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

/* A card of version 1.0: every client shows it, and what a client does not know it leaves out. */
static json_t *
card_of(const HaCard *card)
{
	static const char *const template[] = {
		[HA_CARD_BLUE] = "blue",[HA_CARD_GREEN] = "green",[HA_CARD_ORANGE] = "orange",[HA_CARD_RED] = "red",
	};
	json_t *elements = json_array();

	json_array_append_new(elements, json_pack("{s:s, s:o}", "tag", "div", "text", plain_text(card->sentence)));
	if (card->detail[0] != '\0')
		json_array_append_new(elements, json_pack("{s:s, s:o}", "tag", "div", "text", plain_text(card->detail)));
	json_array_append_new(elements, json_pack("{s:s}", "tag", "hr"));
	json_array_append_new(elements, json_pack("{s:s, s:o}", "tag", "div", "fields", fields_of(card)));
	json_array_append_new(elements, json_pack("{s:s, s:[o]}", "tag", "note", "elements", plain_text(card->note)));
	return json_pack("{s:{s:b}, s:{s:s, s:o}, s:o}", "config", "wide_screen_mode", 1,
					 "header", "template", template[card->colour], "title", plain_text(card->title),
					 "elements", elements);
}

size_t
ha_feishu_body(const HaCard *card, bool plain, const char *secret, int64_t wall_s, char *body, size_t size)
{
	json_t *message;
	size_t length;

	if (plain)
	{
		char text[2048];

		ha_card_text(card, text, sizeof(text));
		message = json_pack("{s:s, s:{s:s}}", "msg_type", "text", "content", "text", text);
	}
	else
		message = json_pack("{s:s, s:o}", "msg_type", "interactive", "card", card_of(card));
	if (message != NULL && secret != NULL && secret[0] != '\0')
	{
		char sign[HA_FEISHU_SIGN_SIZE];
		char timestamp[24];

		snprintf(timestamp, sizeof(timestamp), "%" PRId64, wall_s);
		if (!ha_feishu_sign(secret, wall_s, sign) ||
			json_object_set_new(message, "timestamp", json_string(timestamp)) != 0 ||
			json_object_set_new(message, "sign", json_string(sign)) != 0)
		{
			json_decref(message);
			message = NULL;
		}
	}
	length = message != NULL ? json_dumpb(message, body, size, JSON_COMPACT) : 0;
	json_decref(message);
	return length <= size ? length : 0;
}

/* ---- The answer ---- */

/* The codes that mean something to us; any other but 0 is a refusal without a known reason. */
static const struct
{
	int64_t code;
	HaVerdict verdict;
	const char *reason;
} codes[] = {
	{0, HA_VERDICT_DELIVERED, "taken"},
	{9499, HA_VERDICT_PLAIN, "the robot can't read the message"},
	{11232, HA_VERDICT_THROTTLE, "the robot takes no more for now: too many messages"},
	{11246, HA_VERDICT_PLAIN, "the robot refuses the card"},
	{19001, HA_VERDICT_BROKEN, "the robot's address is wrong or was removed"},
	{19021, HA_VERDICT_BROKEN, "the signature does not match: wrong secret, or clocks that differ by an hour"},
	{19022, HA_VERDICT_BROKEN, "the robot does not accept this machine's address"},
	{19024, HA_VERDICT_BROKEN, "the robot wants a keyword that the message has not: set it to pg_haops"},
	{19036, HA_VERDICT_PLAIN, "the message is too large for the robot"},
	{99991400, HA_VERDICT_THROTTLE, "the robot takes no more for now: too many messages"},
};

/*
 * The code in the answer's JSON: "code", or where that is missing the older "StatusCode". The message is looked at for
 * one word only: 9499 was seen for a refusal by frequency too.
 */
static bool
read_code(const HaWebhookAnswer *answer, int64_t *code, bool *frequency)
{
	json_t *root = json_loadb(answer->body, answer->body_bytes, JSON_REJECT_DUPLICATES, NULL);
	json_t *value = json_object_get(root, "code");
	const char *message;
	bool found;

	if (value == NULL)
		value = json_object_get(root, "StatusCode");
	found = json_is_integer(value);
	message = json_string_value(json_object_get(root, "msg"));
	*frequency = message != NULL && strstr(message, "frequen") != NULL;
	*code = found ? (int64_t) json_integer_value(value) : -1;
	json_decref(root);
	return found;
}

/* True when the robot's clock and ours differ by more than it tolerates; by its own word, the Date of the answer. */
static bool
clocks_differ(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	int64_t skew_s = wall_s - answer->date_s;

	if (answer->date_s == 0 || (skew_s > -3000 && skew_s < 3000))
		return false;
	snprintf(reason, size, "this machine's clock is %" PRId64 " seconds %s the robot's, so it refuses the signature",
			 skew_s < 0 ? -skew_s : skew_s, skew_s < 0 ? "behind" : "ahead of");
	return true;
}

HaVerdict
ha_feishu_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	bool frequency;
	int64_t code;

	if (!answer->arrived)
	{
		snprintf(reason, size, "no answer: %s", answer->error);
		return HA_VERDICT_RETRY;
	}
	if (answer->status == 429)
	{
		snprintf(reason, size, "the receiver takes no more for now (HTTP 429)");
		return HA_VERDICT_THROTTLE;
	}
	if (answer->status >= 300 && answer->status < 500)
	{
		snprintf(reason, size, "the receiver refuses the request (HTTP %d)", answer->status);
		return HA_VERDICT_BROKEN;
	}
	if (answer->status < 200 || answer->status > 299 || !read_code(answer, &code, &frequency))
	{
		snprintf(reason, size, "the answer is none of a robot (HTTP %d)", answer->status);
		return HA_VERDICT_RETRY;
	}
	if (code == 9499 && frequency)
		code = 11232;
	if (code == 19021 && clocks_differ(answer, wall_s, reason, size))
		return HA_VERDICT_BROKEN;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
		{
			snprintf(reason, size, "%s (code %" PRId64 ")", codes[i].reason, code);
			return codes[i].verdict;
		}
	snprintf(reason, size, "the robot refuses the message (code %" PRId64 ")", code);
	return HA_VERDICT_BROKEN;
}
