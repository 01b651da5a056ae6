/*
 * wecom.h: the group robot of WeCom (alerting.md A.3).
 *
 * It answers HTTP 200 whatever happened. Markdown may have 4,096 bytes, a text 2,048: bytes, not characters.
 */
#ifndef HA_IO_WECOM_H
#define HA_IO_WECOM_H

#include "io/channel.h"

extern size_t ha_wecom_layout(HaLayout *layout);
extern HaVerdict ha_wecom_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

#endif
