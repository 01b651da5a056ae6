/*
 * card.c: see card.h.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ops/card.h"
#include "ops/episode.h"
#include "ops/readiness.h"
#include "ops/text.h"

/* Placeholders: %o the member that it happened on, %m the member that it speaks of, %p who led before, %t the term. */
typedef struct Words
{
	const char *title;
	const char *sentence;
} Words;

static const Words words[HA_ALERT_COUNT][2] = {
	[HA_ALERT_FIRST_LEADER] = {
		{"%o takes writes", "%o leads in term %t and takes writes."},
		{"%o 开始接受写入", "%o 在任期 %t 成为主库，开始接受写入。"}},
	[HA_ALERT_FAILOVER] = {
		{"failover: %o leads now", "%p failed or was cut off; %o was elected in term %t and takes writes."},
		{"故障切换：%o 成为新主库", "%p 故障或失联；%o 在任期 %t 当选主库，已接受写入。"}},
	[HA_ALERT_SWITCHOVER] = {
		{"switchover: %o leads now", "%p handed over as it was asked to; %o takes writes in term %t."},
		{"计划切换：%o 成为新主库", "%p 按要求移交；%o 在任期 %t 接受写入。"}},
	[HA_ALERT_FENCED] = {
		{"majority lost: %o refuses writes", "%o leads, but too few members answer: commits are refused."},
		{"失去多数派：%o 拒绝写入", "%o 是任期 %t 的主库，但应答的成员不足多数，已拒绝提交。"}},
	[HA_ALERT_UNFENCED] = {
		{"majority is back: %o takes writes again", "A majority answers %o again: commits are acknowledged."},
		{"多数派恢复：%o 重新接受写入", "多数成员重新应答 %o，任期 %t 内恢复提交。"}},
	[HA_ALERT_NO_LEADER] = {
		{"no leader: the cluster takes no writes", "%m does not answer any more and nobody was elected in its place."},
		{"没有主库：集群暂不可写", "%m 不再应答，且没有选出新的主库。"}},
	[HA_ALERT_REJOINED] = {
		{"%o is back and follows %m", "%o came back by itself and streams from %m in term %t."},
		{"%o 已恢复，跟随 %m", "%o 已自动恢复为备库，在任期 %t 跟随 %m。"}},
	[HA_ALERT_UNREADY] = {
		{"the next failure will not fail over", "If %o failed now, nobody could take over."},
		{"冗余不足：下一次故障将无法自动切换", "如果 %o 现在故障，没有节点能够接管。"}},
	[HA_ALERT_READY] = {
		{"a failure would fail over again", "If %o failed now, another member could take over."},
		{"冗余恢复：可以自动切换", "如果 %o 现在故障，已有节点能够接管。"}},
	[HA_ALERT_PAUSED] = {
		{"automatic failover is paused", "Until it is resumed, nobody takes over when the leader fails."},
		{"自动切换已暂停", "恢复之前，主库故障时不会自动切换。"}},
	[HA_ALERT_RESUMED] = {
		{"automatic failover is on again", "The pause has ended."},
		{"自动切换已恢复", "暂停已结束。"}},
	[HA_ALERT_MUST_CLONE] = {
		{"%o must be cloned anew", "%o has no common history with the leader and can't come back by itself."},
		{"%o 需要重新克隆", "%o 与主库没有共同历史，无法自动恢复。"}},
	[HA_ALERT_ROGUE] = {
		{"%o was promoted by hand", "PostgreSQL of %o was promoted without an election; it is stopped and rewound."},
		{"%o 被手工提升", "%o 未经选举被提升为主库，正在停止并回退。"}},
	[HA_ALERT_FORCED] = {
		{"%o was forced into the lead", "%o was forced to lead without a majority: commits may have been lost."},
		{"%o 被强制成为主库", "操作员在没有多数派的情况下强制 %o 成为主库，可能丢失已提交的事务。"}},
	[HA_ALERT_TROUBLE] = {
		{"%o needs attention", "Something happened on %o that it can't mend by itself."},
		{"%o 需要人工处理", "%o 发生了无法自行恢复的问题。"}},
	[HA_ALERT_HOOK_FAILED] = {
		{"a hook of %o failed", "A command that %o runs at a change of its role did not end well."},
		{"%o 的钩子命令失败", "%o 在角色变化时执行的命令没有正常结束。"}},
};

static const struct
{
	const char *cluster;
	const char *member;
	const char *leader;
	const char *before;
	const char *term;
	const char *time;
	const char *position;
	const char *note;
	const char *late;
} labels[2] = {
	{"Cluster", "Member", "Leader", "Before", "Term", "Time", "Position", "event %s/%s, posted by %s",
	"late, now %s"},
	{"集群", "节点", "主库", "原主库", "任期", "时间", "位置", "事件 %s/%s，由 %s 发送", "延迟送达，现在 %s"},
};

/* ---- Small words ---- */

void
ha_card_member(const HaRegister *reg, HaId id, char *name, size_t size)
{
	const HaMember *member = reg != NULL ? ha_register_member(reg, id) : NULL;

	if (id == 0)
		snprintf(name, size, "-");
	else if (member != NULL && member->name[0] != '\0')
		snprintf(name, size, "%s", member->name);
	else
		snprintf(name, size, "member %" PRIu32, id);
}

/* Days since 1970-01-01 as a date of the Gregorian calendar. */
static void
civil_date(int64_t days, int64_t *year, int *month, int *day)
{
	int64_t era, day_of_era, year_of_era, day_of_year, shifted_month;

	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = days - era * 146097;
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	shifted_month = (5 * day_of_year + 2) / 153;
	*day = (int) (day_of_year - (153 * shifted_month + 2) / 5 + 1);
	*month = (int) (shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
	*year = year_of_era + era * 400 + (*month <= 2);
}

void
ha_card_time(int64_t wall_us, int utc_offset_s, char *text, size_t size)
{
	int64_t ms = wall_us / 1000 + (int64_t) utc_offset_s * 1000;
	int64_t days = (ms >= 0 ? ms : ms - 86399999) / 86400000;
	int64_t of_day = ms - days * 86400000;
	int offset_min = utc_offset_s / 60;
	int64_t year;
	int month, day;

	civil_date(days, &year, &month, &day);
	snprintf(text, size, "%04" PRId64 "-%02d-%02d %02d:%02d:%02d.%03d %c%02d:%02d", year, month, day,
			 (int) (of_day / 3600000), (int) (of_day / 60000 % 60), (int) (of_day / 1000 % 60), (int) (of_day % 1000),
			 offset_min < 0 ? '-' : '+', (offset_min < 0 ? -offset_min : offset_min) / 60,
			 (offset_min < 0 ? -offset_min : offset_min) % 60);
}

/* ---- The card ---- */

static void
expand(HaText *text, const char *pattern, const HaAlert *alert, const HaCardContext *context)
{
	for (; *pattern != '\0'; pattern++)
	{
		char word[64] = {*pattern, '\0'};

		if (*pattern != '%' || pattern[1] == '\0')
		{
			size_t length = ha_text_char_bytes(pattern, strlen(pattern));

			memcpy(word, pattern, length);
			word[length] = '\0';
			ha_text_add(text, word);
			pattern += length - 1;
			continue;
		}
		switch (*++pattern)
		{
			case 'o':
				ha_card_member(context->reg, alert->event->key.origin, word, sizeof(word));
				break;
			case 'm':
				ha_card_member(context->reg, alert->event->member, word, sizeof(word));
				break;
			case 'p':
				ha_card_member(context->reg, alert->previous, word, sizeof(word));
				break;
			default:
				assert(*pattern == 't');
				snprintf(word, sizeof(word), "%" PRIu64, alert->event->term);
				break;
		}
		ha_text_add_foreign(text, word, strlen(word));
	}
}

static void
add_field(HaCard *card, const char *name, const char *value)
{
	HaCardField *field = &card->field[card->field_count++];
	HaText text;

	assert(card->field_count <= HA_CARD_FIELDS_MAX);
	text = ha_text(field->name, sizeof(field->name));
	ha_text_add(&text, name);
	text = ha_text(field->value, sizeof(field->value));
	ha_text_add_foreign(&text, value, strlen(value));
}

static void
add_fields(HaCard *card, const HaAlert *alert, const HaCardContext *context)
{
	const HaEventRecord *event = alert->event;
	char value[128], now[48];

	if (context->cluster[0] != '\0')
		add_field(card, labels[context->language].cluster, context->cluster);
	ha_card_member(context->reg, event->key.origin, value, sizeof(value));
	add_field(card, labels[context->language].member, value);
	if (alert->kind == HA_ALERT_REJOINED || alert->kind == HA_ALERT_NO_LEADER)
	{
		ha_card_member(context->reg, event->member, value, sizeof(value));
		add_field(card, labels[context->language].leader, value);
	}
	if (alert->previous != 0)
	{
		ha_card_member(context->reg, alert->previous, value, sizeof(value));
		add_field(card, labels[context->language].before, value);
	}
	snprintf(value, sizeof(value), "%" PRIu64, event->term);
	add_field(card, labels[context->language].term, value);
	if (event->lsn != 0)
	{
		snprintf(value, sizeof(value), "%" PRIX32 "/%" PRIX32, (uint32_t) (event->lsn >> 32), (uint32_t) event->lsn);
		add_field(card, labels[context->language].position, value);
	}
	ha_card_time(event->key.wall_us, context->utc_offset_s, value, sizeof(value));
	if (context->wall_us - event->key.wall_us > INT64_C(60) * 1000 * 1000)
	{
		ha_card_time(context->wall_us, context->utc_offset_s, now, sizeof(now));
		snprintf(value + strlen(value), sizeof(value) - strlen(value), " (");
		snprintf(value + strlen(value), sizeof(value) - strlen(value), labels[context->language].late, now);
		snprintf(value + strlen(value), sizeof(value) - strlen(value), ")");
	}
	add_field(card, labels[context->language].time, value);
}

/* What the event itself says, where the sentence does not say it all. */
static void
add_detail(HaCard *card, const HaAlert *alert, const HaCardContext *context)
{
	HaText text = ha_text(card->detail, sizeof(card->detail));
	HaReadiness reason = ha_readiness_of_text(alert->event->text);

	if (alert->kind == HA_ALERT_UNREADY && context->language == HA_LANGUAGE_ZH && reason != HA_READINESS_COUNT)
		ha_text_add(&text, ha_readiness_text(reason, true));
	else if (alert->kind == HA_ALERT_UNREADY || alert->kind == HA_ALERT_TROUBLE ||
			 alert->kind == HA_ALERT_HOOK_FAILED || alert->kind == HA_ALERT_MUST_CLONE)
		ha_text_add_foreign(&text, alert->event->text, strlen(alert->event->text));
}

static HaCardColour
colour_of(const HaAlert *alert)
{
	if (alert->severity == HA_SEVERITY_CRITICAL)
		return HA_CARD_RED;
	if (alert->mended)
		return HA_CARD_GREEN;
	return alert->severity == HA_SEVERITY_WARNING ? HA_CARD_ORANGE : HA_CARD_BLUE;
}

void
ha_card_make(HaCard *card, const HaAlert *alert, const HaCardContext *context)
{
	const Words *said = &words[alert->kind][context->language];
	char run[24], number[48], poster[64];
	HaText text;

	memset(card, 0, sizeof(*card));
	card->language = context->language;
	card->colour = colour_of(alert);
	card->calls = alert->severity == HA_SEVERITY_CRITICAL;
	text = ha_text(card->title, sizeof(card->title));
	ha_text_add(&text, "[pg_haops] ");
	if (context->cluster[0] != '\0')
	{
		ha_text_add_foreign(&text, context->cluster, strlen(context->cluster));
		ha_text_add(&text, ": ");
	}
	expand(&text, said->title, alert, context);
	text = ha_text(card->sentence, sizeof(card->sentence));
	expand(&text, said->sentence, alert, context);
	add_detail(card, alert, context);
	add_fields(card, alert, context);
	snprintf(run, sizeof(run), "%" PRIu32, alert->event->key.origin);
	snprintf(number, sizeof(number), "%" PRIu64 "/%" PRIu64, alert->event->key.run, alert->event->key.number);
	ha_card_member(context->reg, context->poster, poster, sizeof(poster));
	text = ha_text(card->note, sizeof(card->note));
	ha_text_format(&text, labels[context->language].note, run, number, poster);
}

/* ---- As a plain text ---- */

static void
add_line(HaText *text, const char *value)
{
	if (value[0] == '\0')
		return;
	if (text->length > 0)
		ha_text_add(text, "\n");
	ha_text_add_harmless(text, value, false);
}

void
ha_card_more(const HaCard *card, uint32_t more, char *text, size_t size)
{
	text[0] = '\0';
	if (more > 0)
		snprintf(text, size, card->language == HA_LANGUAGE_ZH ? "… 另有 %" PRIu32 " 条，见 haops.alerts" :
				 "… +%" PRIu32 " more: see haops.alerts", more);
}

void
ha_card_text(const HaCard *card, uint32_t lines, char *bytes, size_t size)
{
	HaText text = ha_text(bytes, size);
	char more[96];

	add_line(&text, card->title);
	add_line(&text, card->sentence);
	add_line(&text, card->detail);
	for (uint32_t i = 0; i < card->line_count && i < lines; i++)
		add_line(&text, card->line[i]);
	ha_card_more(card, card->more + (card->line_count > lines ? card->line_count - lines : 0), more, sizeof(more));
	add_line(&text, more);
	for (uint32_t i = 0; i < card->field_count; i++)
	{
		add_line(&text, card->field[i].name);
		ha_text_add(&text, ": ");
		ha_text_add_harmless(&text, card->field[i].value, false);
	}
	add_line(&text, card->link);
	add_line(&text, card->note);
}

/* ---- As data ---- */

static void
add_label(HaNotice *notice, const char *name, const char *value)
{
	HaNoticeLabel *label = &notice->label[notice->label_count++];

	snprintf(label->name, sizeof(label->name), "%s", name);
	snprintf(label->value, sizeof(label->value), "%s", value);
}

void
ha_notice_of_alert(HaNotice *notice, const HaAlert *alert, const HaCardContext *context)
{
	const HaEventKey *key = &alert->event->key;
	HaText text;
	char name[64];

	memset(notice, 0, sizeof(*notice));
	snprintf(notice->id, sizeof(notice->id), "%016" PRIx64 "-1",
			 ha_episode_id(ha_episode_id(key->origin, (int64_t) key->run), (int64_t) key->number));
	notice->kind = HA_NOTICE_EVENT;
	notice->severity = alert->severity;
	notice->mended = alert->mended;
	snprintf(notice->rule, sizeof(notice->rule), "%s", ha_alert_name(alert->kind));
	text = ha_text(notice->summary, sizeof(notice->summary));
	expand(&text, words[alert->kind][context->language].title, alert, context);
	text = ha_text(notice->description, sizeof(notice->description));
	expand(&text, words[alert->kind][context->language].sentence, alert, context);
	notice->starts_us = key->wall_us;
	ha_card_member(context->reg, key->origin, name, sizeof(name));
	add_label(notice, "node", name);
	snprintf(name, sizeof(name), "%" PRIu64, alert->event->term);
	add_label(notice, "term", name);
}
