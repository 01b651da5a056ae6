/*
 * card.h: what people read of an alert, or of several in one message, in English or Chinese: title, colour, sentence,
 * facts, lines.
 *
 * Only words and colour are chosen here; io/feishu lays them out. What comes from events and names is foreign text
 * and is escaped; the receiver must show all of it as plain text, so that nothing in it is a link or a mention.
 */
#ifndef HA_OPS_CARD_H
#define HA_OPS_CARD_H

#include "core/register.h"
#include "ops/alert.h"
#include "ops/notice.h"

typedef enum HaLanguage
{
	HA_LANGUAGE_EN,
	HA_LANGUAGE_ZH
} HaLanguage;

typedef enum HaCardColour
{
	HA_CARD_BLUE,				/* for information */
	HA_CARD_GREEN,				/* mended */
	HA_CARD_ORANGE,				/* warning */
	HA_CARD_RED					/* critical */
} HaCardColour;

#define HA_CARD_FIELDS_MAX 12
#define HA_CARD_LINE_SIZE 400

typedef struct HaCardField
{
	char name[40];
	char value[160];
} HaCardField;

/* All texts are valid UTF-8 on one line. */
typedef struct HaCard
{
	HaCardColour colour;
	char title[200];			/* begins with [pg_haops], in every rendering: the robot's keyword */
	char sentence[400];
	char detail[300];			/* in English, as in haops.events; empty when it adds nothing */
	uint32_t field_count;
	HaCardField field[HA_CARD_FIELDS_MAX];
	uint32_t line_count;		/* of several alerts: one line each, the most severe first; there are no fields then */
	char line[HA_BULLETIN_NOTICES_MAX][HA_CARD_LINE_SIZE];
	uint32_t more;				/* alerts that no line tells of, see haops.alerts */
	HaLanguage language;
	char link[256];				/* https address, empty = none */
	bool calls;				/* somebody may be called by name: a critical alert that begins */
	char note[160];				/* small print: which event this is, and who posts it */
} HaCard;

typedef struct HaCardContext
{
	HaLanguage language;
	const char *cluster;		/* its name, may be empty */
	const HaRegister *reg;		/* for names; NULL = unknown */
	HaId poster;
	int64_t wall_us;			/* now: a message that comes late says so */
	int utc_offset_s;			/* of the times that are shown */
} HaCardContext;

extern void ha_card_make(HaCard *card, const HaAlert *alert, const HaCardContext *context);

/* The card of a bulletin: of one alert, or a line for each of several. */
extern void ha_card_of_bulletin(HaCard *card, const HaBulletin *bulletin, const HaCardContext *context);

/* "... and 3 more alerts: see haops.alerts"; empty for 0. */
extern void ha_card_more(const HaCard *card, uint32_t more, char *text, size_t size);

/*
 * The same alert as a notice, for what is sent as data: the words are those of its card.
 */
extern void ha_notice_of_alert(HaNotice *notice, const HaAlert *alert, const HaCardContext *context);

/*
 * The whole card as one plain text of several lines. Bytes that a receiver of texts would take for a mention are
 * replaced ('<' and '@' become full-width ones). Of its lines, the first `lines` are taken; the others are counted.
 */
extern void ha_card_text(const HaCard *card, uint32_t lines, char *text, size_t size);

/* The name of a member by the register; "member 7" when it knows none; "-" for 0. */
extern void ha_card_member(const HaRegister *reg, HaId id, char *name, size_t size);

/* "2026-11-22 10:31:07.123 +08:00" of a wall time in microseconds. */
extern void ha_card_time(int64_t wall_us, int utc_offset_s, char *text, size_t size);

#endif
