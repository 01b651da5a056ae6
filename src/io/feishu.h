/*
 * feishu.h: the custom robot of Feishu and Lark: a card as its request, its answer as a verdict (alerting.md A.1).
 *
 * The robot answers HTTP 200 whatever happened; only the code in its JSON says whether a message was taken.
 */
#ifndef HA_IO_FEISHU_H
#define HA_IO_FEISHU_H

#include "io/webhook.h"
#include "ops/card.h"
#include "ops/outbox.h"

/* The robot takes at most 20 KB. A card is far smaller. */
#define HA_FEISHU_BODY_MAX 20000
#define HA_FEISHU_TYPE "application/json; charset=utf-8"
#define HA_FEISHU_SIGN_SIZE 45	/* base64 of 32 bytes, and the closing zero */

/*
 * base64(HMAC-SHA-256(key = timestamp "\n" secret, message = "")): the string is the key and the message is empty,
 * as the vendor has it. False when the library of cryptography fails.
 */
extern bool ha_feishu_sign(const char *secret, int64_t timestamp_s, char sign[HA_FEISHU_SIGN_SIZE]);

/*
 * Writes the request's body: a card of version 1.0, or the same as a text when `plain`. `secret` NULL or empty = not
 * signed. The time of the signature is that of this attempt, not of the event. Returns its length, 0 on failure.
 */
extern size_t ha_feishu_body(const HaCard *card, bool plain, const char *secret, int64_t wall_s, char *body,
							 size_t size);

/* What the robot's answer means; `reason` is a sentence for people without anything that the receiver wrote. */
extern HaVerdict ha_feishu_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

#endif
