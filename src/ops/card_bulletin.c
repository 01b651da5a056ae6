/*
 * card_bulletin.c: the cards of rules' alerts: one with its facts, or several with a line each (see card.h).
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/card.h"
#include "ops/text.h"

#define US_PER_S INT64_C(1000000)

/* How a kind of news is called, before its summary and in a line. */
static const char *const kinds[HA_NOTICE_KIND_COUNT][2] = {
	[HA_NOTICE_FIRING] = {"firing", "告警"},
	[HA_NOTICE_REPEAT] = {"still firing", "持续告警"},
	[HA_NOTICE_RESOLVED] = {"resolved", "已恢复"},
	[HA_NOTICE_LATE] = {"was firing, resolved", "曾告警，已恢复"},
	[HA_NOTICE_EVENT] = {"event", "事件"},
	[HA_NOTICE_TEST] = {"test", "测试"},
	[HA_NOTICE_HEARTBEAT] = {"heartbeat", "心跳"},
};

static const char *const severities[][2] = {
	[HA_SEVERITY_INFO] = {"info", "提示"},
	[HA_SEVERITY_WARNING] = {"warning", "警告"},
	[HA_SEVERITY_CRITICAL] = {"critical", "严重"},
};

static const struct
{
	const char *rule;
	const char *severity;
	const char *value;
	const char *since;
	const char *until;
	const char *lasted;
	const char *reason;
	const char *note;
	const char *note_several;
	const char *several;
	const char *events;
	const char *late;
} labels[2] = {
	{"Rule", "Severity", "Value", "Since", "Until", "Lasted", "Ended because", "id %s, posted by %s", "posted by %s",
	"%u alerts: %u firing, %u resolved", "%u events", "It could not be delivered before."},
	{"规则", "级别", "当前值", "开始", "结束", "持续", "结束原因", "编号 %s，由 %s 发送", "由 %s 发送",
	"%u 条告警：%u 条触发，%u 条恢复", "%u 条事件", "此前未能送达。"},
};

static bool
is_over(const HaNotice *notice)
{
	return notice->kind == HA_NOTICE_RESOLVED || notice->kind == HA_NOTICE_LATE;
}

static HaCardColour
colour_of(const HaNotice *notice)
{
	if (is_over(notice) || notice->mended)
		return HA_CARD_GREEN;
	if (notice->severity == HA_SEVERITY_CRITICAL)
		return HA_CARD_RED;
	return notice->severity == HA_SEVERITY_WARNING ? HA_CARD_ORANGE : HA_CARD_BLUE;
}

static void
add_foreign(HaText *text, const char *words)
{
	ha_text_add_foreign(text, words, strlen(words));
}

static void
add_field(HaCard *card, const char *name, const char *value)
{
	HaCardField *field;
	HaText text;

	if (value[0] == '\0' || card->field_count == HA_CARD_FIELDS_MAX)
		return;
	field = &card->field[card->field_count++];
	text = ha_text(field->name, sizeof(field->name));
	add_foreign(&text, name);
	text = ha_text(field->value, sizeof(field->value));
	add_foreign(&text, value);
}

/* "2 h 5 min", "14 s". */
static void
duration(int64_t us, char *text, size_t size)
{
	int64_t s = us > 0 ? us / US_PER_S : 0;

	if (s < 60)
		snprintf(text, size, "%" PRId64 " s", s);
	else if (s < 3600)
		snprintf(text, size, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, size, "%" PRId64 " h %" PRId64 " min", s / 3600, s / 60 % 60);
	else
		snprintf(text, size, "%" PRId64 " d %" PRId64 " h", s / 86400, s / 3600 % 24);
}

static void
begin_title(HaText *text, const HaBulletin *bulletin)
{
	ha_text_add(text, "[pg_haops] ");
	if (bulletin->cluster[0] != '\0')
	{
		add_foreign(text, bulletin->cluster);
		ha_text_add(text, ": ");
	}
}

/* ---- One alert ---- */

static void
add_fields(HaCard *card, const HaNotice *notice, const HaCardContext *context)
{
	char value[64];

	add_field(card, labels[context->language].rule, notice->rule);
	add_field(card, labels[context->language].severity, severities[notice->severity][context->language]);
	add_field(card, labels[context->language].value, notice->value);
	for (uint32_t i = 0; i < notice->label_count && card->field_count < HA_CARD_FIELDS_MAX - 4; i++)
		add_field(card, notice->label[i].name, notice->label[i].value);
	if (notice->starts_us != 0)
	{
		ha_card_time(notice->starts_us, context->utc_offset_s, value, sizeof(value));
		add_field(card, labels[context->language].since, value);
	}
	if (notice->ends_us != 0)
	{
		ha_card_time(notice->ends_us, context->utc_offset_s, value, sizeof(value));
		add_field(card, labels[context->language].until, value);
		duration(notice->ends_us - notice->starts_us, value, sizeof(value));
		add_field(card, labels[context->language].lasted, value);
	}
	add_field(card, labels[context->language].reason, notice->reason);
}

static void
one_alert(HaCard *card, const HaBulletin *bulletin, const HaCardContext *context)
{
	const HaNotice *notice = &bulletin->notice[0];
	HaText text = ha_text(card->title, sizeof(card->title));

	begin_title(&text, bulletin);
	if (notice->kind != HA_NOTICE_EVENT)
	{
		ha_text_add(&text, kinds[notice->kind][context->language]);
		ha_text_add(&text, ": ");
	}
	add_foreign(&text, notice->summary);
	text = ha_text(card->sentence, sizeof(card->sentence));
	add_foreign(&text, notice->description[0] != '\0' ? notice->description : notice->summary);
	if (notice->kind == HA_NOTICE_LATE)
	{
		text = ha_text(card->detail, sizeof(card->detail));
		ha_text_add(&text, labels[context->language].late);
	}
	if (notice->kind != HA_NOTICE_TEST && notice->kind != HA_NOTICE_HEARTBEAT)
		add_fields(card, notice, context);
	snprintf(card->link, sizeof(card->link), "%s", notice->page);
	text = ha_text(card->note, sizeof(card->note));
	ha_text_format(&text, labels[context->language].note, notice->id, bulletin->poster);
}

/* ---- Several ---- */

static void
line_of(char line[HA_CARD_LINE_SIZE], const HaNotice *notice, const HaCardContext *context)
{
	HaText text = ha_text(line, HA_CARD_LINE_SIZE);
	char time[48];

	ha_text_format(&text, "[%s] ", is_over(notice) ? kinds[notice->kind][context->language] :
				   severities[notice->severity][context->language]);
	add_foreign(&text, notice->summary);
	ha_card_time(notice->starts_us, context->utc_offset_s, time, sizeof(time));
	time[strlen("2026-11-22 10:31:07")] = '\0';
	ha_text_format(&text, " (%s, id %s)", time + strlen("2026-"), notice->id);
}

static void
several_alerts(HaCard *card, const HaBulletin *bulletin, const HaCardContext *context)
{
	HaText text = ha_text(card->title, sizeof(card->title));
	uint32_t over = 0;
	uint32_t events = 0;

	for (uint32_t i = 0; i < bulletin->count; i++)
	{
		HaCardColour colour = colour_of(&bulletin->notice[i]);

		over += is_over(&bulletin->notice[i]);
		events += bulletin->notice[i].kind == HA_NOTICE_EVENT;
		line_of(card->line[card->line_count++], &bulletin->notice[i], context);
		card->colour = i == 0 || colour > card->colour ? colour : card->colour;
	}
	card->more = bulletin->more;
	begin_title(&text, bulletin);
	if (events == bulletin->count)
		ha_text_format(&text, labels[context->language].events, events);
	else
		ha_text_format(&text, labels[context->language].several, bulletin->count + bulletin->more,
					   bulletin->count - over, over);
	text = ha_text(card->note, sizeof(card->note));
	ha_text_format(&text, labels[context->language].note_several, bulletin->poster);
}

void
ha_card_of_bulletin(HaCard *card, const HaBulletin *bulletin, const HaCardContext *context)
{
	assert(bulletin->count >= 1 && bulletin->count <= HA_BULLETIN_NOTICES_MAX);
	memset(card, 0, sizeof(*card));
	card->language = context->language;
	for (uint32_t i = 0; i < bulletin->count; i++)
		card->calls |= bulletin->notice[i].severity == HA_SEVERITY_CRITICAL &&
			(bulletin->notice[i].kind == HA_NOTICE_FIRING || bulletin->notice[i].kind == HA_NOTICE_REPEAT);
	if (bulletin->count == 1 && bulletin->more == 0)
	{
		card->colour = colour_of(&bulletin->notice[0]);
		one_alert(card, bulletin, context);
	}
	else
		several_alerts(card, bulletin, context);
}
