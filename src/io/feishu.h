/*
 * feishu.h: the custom robot of Feishu and Lark: a card as its request, its answer as a verdict (alerting.md A.1).
 *
 * The robot answers HTTP 200 whatever happened; only the code in its JSON says whether a message was taken.
 */
#ifndef HA_IO_FEISHU_H
#define HA_IO_FEISHU_H

#include "io/channel.h"

/* The robot takes at most 20 KB. */
#define HA_FEISHU_BODY_MAX 20000

/*
 * base64(HMAC-SHA-256(key = timestamp "\n" secret, message = "")): the string is the key and the message is empty,
 * as the vendor has it. False when the library of cryptography fails.
 */
extern bool ha_feishu_sign(const char *secret, int64_t timestamp_s, char sign[HA_CHANNEL_SIGN_SIZE]);

/* A card of version 1.0, or the same as a text when `plain`; signed when the channel has a secret. */
extern size_t ha_feishu_layout(HaLayout *layout);

extern HaVerdict ha_feishu_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

#endif
