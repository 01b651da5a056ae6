/*
 * template.c: see template.h.
 */
#include <string.h>

#include "ops/template.h"

static const char *
label_value(const char *name, size_t length, const HaLabelText *labels, uint32_t count, const char *value)
{
	if (length == strlen("value") && memcmp(name, "value", length) == 0)
		return value;
	for (uint32_t i = 0; i < count; i++)
		if (strlen(labels[i].name) == length && memcmp(labels[i].name, name, length) == 0)
			return labels[i].value;
	return NULL;
}

/* Adds what the place that begins here stands for; returns where it ends. */
static const char *
fill_in(HaText *out, const char *place, const HaLabelText *labels, uint32_t count, const char *value)
{
	const char *end = strchr(place, '}');
	const char *with = end != NULL ? label_value(place + 1, (size_t) (end - place - 1), labels, count, value) : NULL;

	if (with != NULL)
	{
		ha_text_add_foreign(out, with, strlen(with));
		return end + 1;
	}
	ha_text_add(out, "{");
	return place + 1;
}

void
ha_template_expand(HaText *out, const char *pattern, const HaLabelText *labels, uint32_t count, const char *value)
{
	while (*pattern != '\0')
	{
		size_t plain = strcspn(pattern, "{}");

		ha_text_add_foreign(out, pattern, plain);
		pattern += plain;
		if (pattern[0] == '{' && pattern[1] == '{')
		{
			ha_text_add(out, "{");
			pattern += 2;
		}
		else if (pattern[0] == '{')
			pattern = fill_in(out, pattern, labels, count, value);
		else if (pattern[0] == '}')
		{
			ha_text_add(out, "}");
			pattern += pattern[1] == '}' ? 2 : 1;
		}
	}
}

const char *
ha_template_check(const char *pattern)
{
	for (; *pattern != '\0'; pattern++)
	{
		const char *end;

		if (*pattern != '{' && *pattern != '}')
			continue;
		if (pattern[1] == *pattern)
		{
			pattern++;
			continue;
		}
		if (*pattern == '}')
			return "a closing brace without an opening one";
		end = strpbrk(pattern + 1, "{}");
		if (end == NULL || *end == '{')
			return "an opening brace without a closing one";
		if (end == pattern + 1)
			return "braces with no name between them";
		pattern = end;
	}
	return NULL;
}
