/*
 * message.c: see message.h.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "io/message.h"
#include "ops/text.h"

#define TIME_MAX_US (INT64_C(253402300800) * 1000 * 1000)	/* the year 10000 */

static const char *const kind_name[HA_NOTICE_KIND_COUNT] = {
	[HA_NOTICE_FIRING] = "firing",[HA_NOTICE_REPEAT] = "repeat",[HA_NOTICE_RESOLVED] = "resolved",
	[HA_NOTICE_LATE] = "late",[HA_NOTICE_EVENT] = "event",[HA_NOTICE_TEST] = "test",
	[HA_NOTICE_HEARTBEAT] = "heartbeat",
};

static const char *const severity_name[] = {
	[HA_SEVERITY_INFO] = "info",[HA_SEVERITY_WARNING] = "warning",[HA_SEVERITY_CRITICAL] = "critical",
};

static void
copy_text(char *text, size_t size, const char *from)
{
	HaText out = ha_text(text, size);

	if (from != NULL)
		ha_text_add_foreign(&out, from, strlen(from));
}

static void
take_text(const json_t *object, const char *key, char *text, size_t size)
{
	copy_text(text, size, json_string_value(json_object_get(object, key)));
}

static int64_t
number_of(const json_t *object, const char *key)
{
	return (int64_t) json_integer_value(json_object_get(object, key));
}

/* A time that people can be shown, 0 = there is none: sums of it and its year stay within bounds. */
static int64_t
time_of(const json_t *object, const char *key)
{
	int64_t us = number_of(object, key);

	return us > 0 && us < TIME_MAX_US ? us : 0;
}

/* An address that ends nowhere but at its end, whatever it is laid out in; anything else is left out. */
static void
take_page(const json_t *object, char *page, size_t size)
{
	const char *url = json_string_value(json_object_get(object, "page"));

	if (url == NULL || strlen(url) >= size || (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0))
		return;
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~' || strchr("<>()[]\"\\`{}|^@", *c) != NULL)
			return;
	memcpy(page, url, strlen(url) + 1);
}

/* The place of the text in a list of names, -1 = it is none of them. */
static int
place_of(const json_t *object, const char *key, const char *const *names, int count)
{
	const char *name = json_string_value(json_object_get(object, key));

	for (int i = 0; i < count && name != NULL; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

/* It stands in headers, and parts of it do: so nothing but ASCII that means nothing there. */
static bool
is_id(const char *id)
{
	return id[0] != '\0' &&
		strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_.") == strlen(id);
}

static void
take_labels(json_t *labels, HaNotice *notice)
{
	const char *name;
	json_t *value;

	json_object_foreach(labels, name, value)
	{
		HaNoticeLabel *label = &notice->label[notice->label_count];

		if (notice->label_count == HA_NOTICE_LABELS_MAX || !json_is_string(value))
			continue;
		copy_text(label->name, sizeof(label->name), name);
		copy_text(label->value, sizeof(label->value), json_string_value(value));
		notice->label_count++;
	}
}

static const char *
take_notice(const json_t *object, HaNotice *notice)
{
	int kind = place_of(object, "kind", kind_name, HA_NOTICE_KIND_COUNT);
	int severity = place_of(object, "severity", severity_name, 3);

	memset(notice, 0, sizeof(*notice));
	if (!json_is_object(object))
		return "a notice is no object";
	if (kind < 0)
		return "a notice is of no known kind";
	if (severity < 0)
		return "a notice has no known severity";
	notice->kind = (HaNoticeKind) kind;
	notice->severity = (HaSeverity) severity;
	notice->mended = json_is_true(json_object_get(object, "mended"));
	take_text(object, "id", notice->id, sizeof(notice->id));
	take_text(object, "rule", notice->rule, sizeof(notice->rule));
	take_text(object, "summary", notice->summary, sizeof(notice->summary));
	take_text(object, "description", notice->description, sizeof(notice->description));
	take_text(object, "value", notice->value, sizeof(notice->value));
	take_text(object, "reason", notice->reason, sizeof(notice->reason));
	take_page(object, notice->page, sizeof(notice->page));
	notice->starts_us = time_of(object, "starts_us");
	notice->ends_us = time_of(object, "ends_us");
	take_labels(json_object_get(object, "labels"), notice);
	return is_id(notice->id) ? NULL : "a notice has no id";
}

static const char *
take_bulletin(const json_t *root, HaBulletin *bulletin)
{
	json_t *notices = json_object_get(root, "notices");
	int64_t more = number_of(root, "more");
	const char *wrong = NULL;

	if (!json_is_object(root))
		return "it is no object";
	if (json_array_size(notices) == 0)
		return "it has no notices";
	take_text(root, "channel", bulletin->channel, sizeof(bulletin->channel));
	bulletin->more = more > 0 && more < INT32_MAX ? (uint32_t) more : 0;
	for (size_t i = 0; i < json_array_size(notices) && i < HA_BULLETIN_NOTICES_MAX && wrong == NULL; i++)
	{
		wrong = take_notice(json_array_get(notices, i), &bulletin->notice[i]);
		bulletin->count++;
	}
	return wrong;
}

bool
ha_message_read(const char *json, size_t length, HaBulletin *bulletin, char *why, size_t why_size)
{
	json_error_t error;
	json_t *root = json_loadb(json, length, JSON_REJECT_DUPLICATES, &error);
	const char *wrong;

	memset(bulletin, 0, sizeof(*bulletin));
	if (root == NULL)
	{
		snprintf(why, why_size, "no JSON, byte %d: %s", error.position, error.text);
		return false;
	}
	wrong = take_bulletin(root, bulletin);
	json_decref(root);
	if (wrong != NULL)
		snprintf(why, why_size, "%s", wrong);
	return wrong == NULL;
}
