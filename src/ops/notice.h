/*
 * notice.h: what people are told of one alert at one moment, and the message that carries one or several of them to a
 * channel. Plain data: filled in by io/message (from JSON) or by ha_notice_of_alert(), read by ops/card and the
 * channels of floor 3.
 *
 * All texts are UTF-8 on one line, may hold anything that came from outside, and are made harmless where they are laid
 * out. Times are wall times in microseconds since 1970: for people, nothing is decided by them.
 */
#ifndef HA_OPS_NOTICE_H
#define HA_OPS_NOTICE_H

#include "core/note.h"

typedef enum HaNoticeKind
{
	HA_NOTICE_FIRING,			/* the alert's first news */
	HA_NOTICE_REPEAT,			/* it still fires */
	HA_NOTICE_RESOLVED,
	HA_NOTICE_LATE,				/* it fired and ended before anybody could be told: both in one */
	HA_NOTICE_EVENT,			/* something happened in the cluster; nothing that lasts (ops/alert) */
	HA_NOTICE_TEST,				/* an operator tries the channel */
	HA_NOTICE_HEARTBEAT,		/* all is well, and alerts are being evaluated */
	HA_NOTICE_KIND_COUNT
} HaNoticeKind;

#define HA_NOTICE_LABELS_MAX 12
#define HA_NOTICE_ID_SIZE 32
#define HA_NOTICE_NAME_SIZE 64

typedef struct HaNoticeLabel
{
	char name[32];
	char value[128];
} HaNoticeLabel;

typedef struct HaNotice
{
	char id[HA_NOTICE_ID_SIZE];	/* "<episode, 16 hex digits>-<transition>": the same for each repetition of a request */
	HaNoticeKind kind;
	HaSeverity severity;
	bool mended;				/* HA_NOTICE_EVENT: good news */
	char rule[HA_NOTICE_NAME_SIZE];
	char summary[256];
	char description[768];
	char value[32];				/* what was measured last, empty = nothing */
	char reason[96];			/* why it ended, when not because the condition did */
	char page[256];				/* https address that explains the rule, empty = none */
	int64_t starts_us;			/* when the condition began */
	int64_t ends_us;			/* 0 = it lasts */
	uint32_t label_count;
	HaNoticeLabel label[HA_NOTICE_LABELS_MAX];
} HaNotice;

#define HA_BULLETIN_NOTICES_MAX 40
#define HA_CHANNEL_NAME_SIZE 32

typedef struct HaBulletin
{
	char channel[HA_CHANNEL_NAME_SIZE];
	char cluster[HA_NOTICE_NAME_SIZE];
	char poster[HA_NOTICE_NAME_SIZE];	/* the member that sends it */
	uint32_t count;				/* of notices, the most severe first */
	uint32_t more;				/* alerts that there are besides, and that no message will tell of */
	HaNotice notice[HA_BULLETIN_NOTICES_MAX];
} HaBulletin;

#endif
