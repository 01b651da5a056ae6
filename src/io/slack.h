/*
 * slack.h: an incoming webhook of Slack, and of what speaks the same (Mattermost, Rocket.Chat, Discord's /slack).
 */
#ifndef HA_IO_SLACK_H
#define HA_IO_SLACK_H

#include "io/channel.h"

extern size_t ha_slack_layout(HaLayout *layout);
extern HaVerdict ha_slack_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

#endif
