/*
 * dingtalk.h: the custom robot of DingTalk (alerting.md A.2).
 *
 * It answers HTTP 200 whatever happened. More than 20 messages a minute, and it takes none for ten minutes.
 */
#ifndef HA_IO_DINGTALK_H
#define HA_IO_DINGTALK_H

#include "io/channel.h"

/*
 * base64(HMAC-SHA-256(key = secret, message = timestamp "\n" secret)), with the timestamp in milliseconds; it is
 * percent-encoded where it stands in the URL.
 */
extern bool ha_dingtalk_sign(const char *secret, int64_t timestamp_ms, char sign[HA_CHANNEL_SIGN_SIZE]);

/* Markdown, or a text when `plain`; the signature goes into layout->query. */
extern size_t ha_dingtalk_layout(HaLayout *layout);

extern HaVerdict ha_dingtalk_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

#endif
