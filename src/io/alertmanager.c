/*
 * alertmanager.c: see alertmanager.h.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "io/alertmanager.h"
#include "ops/text.h"

/* ---- The request ---- */

/* RFC 3339 in UTC; a time that there is not is that of Go's zero. */
static json_t *
time_of(int64_t us)
{
	char text[48];

	if (us == 0)
		return json_string("0001-01-01T00:00:00Z");
	ha_card_time(us, 0, text, sizeof(text));
	text[10] = 'T';
	memcpy(text + strlen("2026-11-22T10:31:07.123"), "Z", 2);
	return json_string(text);
}

static bool
is_over(const HaNotice *notice)
{
	return notice->kind == HA_NOTICE_RESOLVED || notice->kind == HA_NOTICE_LATE ||
		(notice->kind == HA_NOTICE_EVENT && notice->mended);
}

static const char *
status_of(const HaNotice *notice)
{
	return is_over(notice) ? "resolved" : "firing";
}

static json_t *
labels_of(const HaBulletin *bulletin, const HaNotice *notice)
{
	static const char *const severity[] = {
		[HA_SEVERITY_INFO] = "info",[HA_SEVERITY_WARNING] = "warning",[HA_SEVERITY_CRITICAL] = "critical",
	};
	json_t *labels = json_pack("{}");

	for (uint32_t i = 0; i < notice->label_count; i++)
		json_object_set_new(labels, notice->label[i].name, json_string(notice->label[i].value));
	json_object_set_new(labels, "alertname", json_string(notice->rule));
	json_object_set_new(labels, "cluster", json_string(bulletin->cluster));
	json_object_set_new(labels, "severity", json_string(severity[notice->severity]));
	if (json_object_get(labels, "instance") == NULL)
	{
		const char *node = json_string_value(json_object_get(labels, "node"));

		json_object_set_new(labels, "instance", json_string(node != NULL ? node : bulletin->poster));
	}
	return labels;
}

static json_t *
annotations_of(const HaNotice *notice)
{
	json_t *annotations = json_pack("{s:o, s:o, s:o}", "summary", json_string(notice->summary), "description",
									json_string(notice->description), "id", json_string(notice->id));

	if (notice->value[0] != '\0')
		json_object_set_new(annotations, "value", json_string(notice->value));
	if (notice->reason[0] != '\0')
		json_object_set_new(annotations, "reason", json_string(notice->reason));
	if (notice->page[0] != '\0')
		json_object_set_new(annotations, "runbook_url", json_string(notice->page));
	return annotations;
}

static json_t *
alert_of(const HaBulletin *bulletin, const HaNotice *notice)
{
	char fingerprint[17];

	snprintf(fingerprint, sizeof(fingerprint), "%.16s", notice->id);
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "status", status_of(notice),
					 "labels", labels_of(bulletin, notice), "annotations", annotations_of(notice),
					 "startsAt", time_of(notice->starts_us),
					 "endsAt", time_of(is_over(notice) && notice->ends_us == 0 ? notice->starts_us : notice->ends_us),
					 "generatorURL", "", "fingerprint", json_string(fingerprint));
}

/* Keeps of `common` what `labels` has alike. */
static void
keep_common(json_t *common, json_t *labels)
{
	const char *name;
	json_t *value;
	void *next;

	json_object_foreach_safe(common, next, name, value)
	{
		if (!json_equal(value, json_object_get(labels, name)))
			json_object_del(common, name);
	}
}

static json_t *
common_of(json_t *alerts, const char *key)
{
	json_t *common = json_deep_copy(json_object_get(json_array_get(alerts, 0), key));

	for (size_t i = 1; i < json_array_size(alerts); i++)
		keep_common(common, json_object_get(json_array_get(alerts, i), key));
	return common;
}

static const char *
why_now(HaNoticeKind kind)
{
	switch (kind)
	{
		case HA_NOTICE_REPEAT:
			return "repeat interval elapsed";
		case HA_NOTICE_RESOLVED:
		case HA_NOTICE_LATE:
			return "all alerts resolved";
		default:
			return "first notification";
	}
}

/* {}:{cluster="..."}, with quotes and backslashes escaped. */
static void
group_key(const HaBulletin *bulletin, char *key, size_t size)
{
	HaText text = ha_text(key, size);

	ha_text_add(&text, "{}:{cluster=\"");
	for (const char *c = bulletin->cluster; *c != '\0'; c++)
	{
		char word[3] = {'\\', *c, '\0'};
		bool escaped = *c == '"' || *c == '\\';

		ha_text_add(&text, escaped ? word : word + 1);
	}
	ha_text_add(&text, "\"}");
}

size_t
ha_alertmanager_layout(HaLayout *layout)
{
	const HaBulletin *bulletin = layout->bulletin;
	const HaNotice *first = &bulletin->notice[0];
	json_t *alerts = json_array();
	const char *status = "resolved";
	char key[160];
	json_t *message;
	size_t length;

	for (uint32_t i = 0; i < bulletin->count && i < layout->lines; i++)
	{
		json_array_append_new(alerts, alert_of(bulletin, &bulletin->notice[i]));
		if (!is_over(&bulletin->notice[i]))
			status = "firing";
	}
	group_key(bulletin, key, sizeof(key));
	message = json_pack("{s:s, s:o, s:i, s:s, s:o, s:{s:o}, s:o, s:o, s:s, s:s, s:o}", "version", "4",
						"groupKey", json_string(key), "truncatedAlerts", (int) bulletin->more, "status", status,
						"receiver", json_string(layout->channel->name),
						"groupLabels", "cluster", json_string(bulletin->cluster),
						"commonLabels", common_of(alerts, "labels"),
						"commonAnnotations", common_of(alerts, "annotations"),
						"externalURL", "", "notification_reason",
						strcmp(status, "firing") == 0 && is_over(first) ? "some alerts resolved" : why_now(first->kind),
						"alerts", alerts);
	length = message != NULL ? json_dumpb(message, layout->body, layout->size, JSON_COMPACT) : 0;
	json_decref(message);
	return length > layout->size ? HA_LAYOUT_TOO_LONG : length;
}

/* ---- The answer ---- */

HaVerdict
ha_alertmanager_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	HaVerdict verdict;

	(void) wall_s;
	if (ha_channel_judge_status(answer, &verdict, reason, size))
		return verdict;
	snprintf(reason, size, "taken (HTTP %d)", answer->status);
	return HA_VERDICT_DELIVERED;
}
