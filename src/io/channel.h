/*
 * channel.h: a channel is a way to people: what kind of receiver, where, by which secret; and how a message becomes its
 * request, and its answer a verdict.
 *
 * A channel is one file, `<name>.conf`, of lines `key = value`, in a directory of the operator's. It holds secrets, so
 * what secret.h asks of a file holds for it (mode 0600, ours, no link). It stands in no table and no setting: it works
 * before there is a database, during recovery and on a fenced member, and SQL can't send anything anywhere else.
 *
 *     type = feishu                    feishu dingtalk wecom slack webhook mail
 *     url = https://...                mail: smtps://host:465, or smtp://host:587 (STARTTLS is required)
 *     secret = ...                     feishu, dingtalk: by which requests are signed
 *
 * and, if need be, severity (the least that is sent: info warning critical), events (on, off), keyword, fallback
 * (another channel's name), fallback_after (seconds), local (on: http and addresses that are not public are allowed),
 * ca_file, at (feishu: open ids or all; dingtalk: mobile numbers or all; wecom: user ids or @all; for critical alerts
 * only), resolved (off: ends are not sent), language (en zh), heartbeat (seconds), from, to, user, password, auth
 * (mail). severity = none is for a channel that takes only heartbeats and tests.
 */
#ifndef HA_IO_CHANNEL_H
#define HA_IO_CHANNEL_H

#include "io/fault.h"
#include "io/webhook.h"
#include "ops/card.h"
#include "ops/lane.h"
#include "ops/notice.h"

#define HA_CHANNELS_MAX 8
#define HA_CHANNEL_FILE_MAX 16384
#define HA_CHANNEL_SECRET_SIZE 256
#define HA_CHANNEL_AT_MAX 8
#define HA_CHANNEL_TO_MAX 8

typedef enum HaChannelType
{
	HA_CHANNEL_FEISHU,
	HA_CHANNEL_DINGTALK,
	HA_CHANNEL_WECOM,
	HA_CHANNEL_SLACK,
	HA_CHANNEL_WEBHOOK,
	HA_CHANNEL_MAIL,
	HA_CHANNEL_TYPE_COUNT
} HaChannelType;

#define HA_CHANNEL_NOTHING ((HaSeverity) (HA_SEVERITY_CRITICAL + 1))

typedef struct HaChannel
{
	char name[HA_CHANNEL_NAME_SIZE];	/* a-z 0-9 _ -, as the file's */
	HaChannelType type;
	HaSeverity severity;		/* the least that it is sent; HA_CHANNEL_NOTHING = only heartbeats and tests */
	bool events;
	bool resolved;
	bool local;
	bool has_language;
	HaLanguage language;
	char keyword[64];
	char fallback[HA_CHANNEL_NAME_SIZE];	/* empty = none */
	int32_t fallback_after_s;
	int32_t heartbeat_s;		/* 0 = none */
	char ca_file[1024];
	uint32_t at_count;
	char at[HA_CHANNEL_AT_MAX][64];
	uint32_t to_count;
	char to[HA_CHANNEL_TO_MAX][256];
	char from[256];
	char user[256];
	char auth[16];

	/* Secret: never in a text, a view or an error. */
	char url[HA_WEBHOOK_URL_MAX + 1];
	char secret[HA_CHANNEL_SECRET_SIZE];
	char password[HA_CHANNEL_SECRET_SIZE];
} HaChannel;

extern const char *ha_channel_type_name(HaChannelType type);

/*
 * The channel that the text of a file describes. False when it describes none: the fault names the line and what is
 * wrong with it, without its value. Pure but for nothing: any bytes may come in.
 */
extern bool ha_channel_parse(const char *name, const char *text, size_t length, HaChannel *channel, HaFault *fault);

/* The same from the file. Wipe the channel after use. */
extern bool ha_channel_read(const char *directory, const char *name, HaChannel *channel, HaFault *fault);
extern void ha_channel_wipe(HaChannel *channel);

/*
 * The names of the channels of a directory, sorted, the first HA_CHANNELS_MAX. -1 when it can't be read (fault);
 * a directory that does not exist has none. Names that can't be a channel's are passed over.
 */
extern int ha_channel_list(const char *directory, char names[HA_CHANNELS_MAX][HA_CHANNEL_NAME_SIZE], HaFault *fault);

/* By what its lane is paced (lane.h): the receiver's limits (alerting.md A.1 to A.3). */
extern HaUs ha_channel_gap_us(HaChannelType type);
extern HaUs ha_channel_hold_us(HaChannelType type);

/*
 * The distance that each of so many members keeps that do not lead: so that the receiver's limit holds for what all of
 * them send together with a leader who uses its own.
 */
extern HaUs ha_channel_beside_us(HaChannelType type, uint32_t others);

/* True when one more message at each change of leaders could be too much for the receiver. */
extern bool ha_channel_is_narrow(HaChannelType type);

/*
 * Lays the bulletin out for the channel, in the words of `card`, and begins to send it. Returns how many of its notices
 * it tells of, the first ones: fewer than bulletin->count when no more fit into what the receiver takes; the others are
 * for the next message. 0: it could not begin, `reason` says why. `plain`: as a text without any layout. `wall_us` is
 * now: signatures hold the time of the attempt.
 */
extern uint32_t ha_channel_send(HaWebhook *hook, const HaChannel *channel, const HaBulletin *bulletin,
								const HaCard *card, bool plain, int64_t wall_us, HaNow now, char *reason, size_t size);

/* What a receiver's answer means; `reason` is a sentence for people without anything secret in it. */
extern HaVerdict ha_channel_judge(HaChannelType type, const HaWebhookAnswer *answer, int64_t wall_s, char *reason,
								  size_t size);

/* ---- For the layouts of floor 3 (feishu.h, dingtalk.h, ...) ---- */

#define HA_LAYOUT_TOO_LONG SIZE_MAX

typedef struct HaLayout
{
	const HaChannel *channel;
	const HaCard *card;
	const HaBulletin *bulletin;
	bool plain;
	uint32_t lines;				/* of the card; of the bulletin's notices, for what is sent as data */
	int64_t wall_us;
	char *body;					/* what is made: at most `size` bytes */
	size_t size;
	char query[256];			/* to be added to the URL */
} HaLayout;

/* Makes the body; returns its length, 0 when it could not be made, HA_LAYOUT_TOO_LONG when it takes fewer lines. */
typedef size_t (*HaLayOut) (HaLayout *layout);

/* What an HTTP answer means where only its status says so. True when it decides; else the body is to be looked at. */
extern bool ha_channel_judge_status(const HaWebhookAnswer *answer, HaVerdict *verdict, char *reason, size_t size);

/* An integer in the JSON of an answer, and a text, "" when it is missing; false when it is no JSON object. */
extern bool ha_channel_code(const HaWebhookAnswer *answer, const char *key, const char *other_key,
							const char *text_key, int64_t *code, char *text, size_t size);

/* True when the receiver's clock, by the Date of its answer, and ours differ by most of the hour that it tolerates. */
extern bool ha_channel_clocks_differ(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size);

/* base64(HMAC-SHA-256(key, text)); false when the library of cryptography fails. */
#define HA_CHANNEL_SIGN_SIZE 45
extern bool ha_channel_sign(const char *key, const char *text, char sign[HA_CHANNEL_SIGN_SIZE]);

/* What an answer of a robot says by its code. */
typedef struct HaCode
{
	int64_t code;
	HaVerdict verdict;
	const char *reason;
} HaCode;

extern HaVerdict ha_channel_verdict(const HaCode *codes, size_t count, int64_t code, char *reason, size_t size);

#endif
