/*
 * mute.c: see mute.h.
 */
#include <string.h>

#include "ops/mute.h"
#include "ops/text.h"

/* The bytes of the character that begins here, which is not the closing zero; what is no UTF-8 counts byte by byte. */
static size_t
step(const char *text)
{
	size_t bytes = 1;
	size_t whole;

	while (bytes < 4 && text[bytes] != '\0')
		bytes++;
	whole = ha_text_char_bytes(text, bytes);
	return whole > 0 ? whole : 1;
}

/*
 * Only the last * is ever gone back to: what an earlier one could take more of, the last one can take as well. So the
 * time is at most the product of both lengths.
 */
bool
ha_mute_like(const char *pattern, const char *text)
{
	const char *star = NULL;
	const char *from = text;

	while (*text != '\0')
	{
		const char *literal = *pattern == '\\' && pattern[1] != '\0' ? pattern + 1 : pattern;

		if (*pattern == '*')
		{
			star = ++pattern;
			from = text;
		}
		else if (*pattern == '?')
		{
			pattern++;
			text += step(text);
		}
		else if (*pattern != '\0' && *literal == *text)
		{
			pattern = literal + 1;
			text++;
		}
		else if (star != NULL)
		{
			pattern = star;
			from += step(from);
			text = from;
		}
		else
			return false;
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == '\0';
}

static const char *
value_of(const char *name, const HaLabelText *labels, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (strcmp(labels[i].name, name) == 0)
			return labels[i].value;
	return "";
}

static bool
fits(const HaMatcher *matcher, const char *value)
{
	switch (matcher->match)
	{
		case HA_MATCH_EQUAL:
			return strcmp(matcher->text, value) == 0;
		case HA_MATCH_DIFFERENT:
			return strcmp(matcher->text, value) != 0;
		case HA_MATCH_LIKE:
			return ha_mute_like(matcher->text, value);
		case HA_MATCH_UNLIKE:
			return !ha_mute_like(matcher->text, value);
	}
	return false;
}

bool
ha_mute_matches(const HaMatcher *matcher, uint32_t count, const HaLabelText *labels, uint32_t label_count)
{
	for (uint32_t i = 0; i < count; i++)
		if (!fits(&matcher[i], value_of(matcher[i].name, labels, label_count)))
			return false;
	return true;
}

bool
ha_mute_silenced(const HaSilence *silence, const HaLabelText *labels, uint32_t label_count, int64_t now_us)
{
	return now_us >= silence->starts_us && now_us < silence->ends_us &&
		ha_mute_matches(silence->matcher, silence->matcher_count, labels, label_count);
}

/* True when both have the same labels with the same values. */
static bool
same_labels(const HaLabelText *a, uint32_t a_count, const HaLabelText *b, uint32_t b_count)
{
	if (a_count != b_count)
		return false;
	for (uint32_t i = 0; i < a_count; i++)
		if (strcmp(value_of(a[i].name, b, b_count), a[i].value) != 0)
			return false;
	return true;
}

bool
ha_mute_inhibits(const char *source_rule, const HaLabelText *source, uint32_t source_count,
				 const char *const *inhibited_by, uint32_t inhibited_by_count,
				 const char *const *equal, uint32_t equal_count,
				 const HaLabelText *target, uint32_t target_count)
{
	bool named = false;

	for (uint32_t i = 0; i < inhibited_by_count && !named; i++)
		named = strcmp(inhibited_by[i], source_rule) == 0;
	if (!named)
		return false;
	for (uint32_t i = 0; i < equal_count; i++)
	{
		const char *value = value_of(equal[i], source, source_count);

		if (value[0] == '\0' || strcmp(value, value_of(equal[i], target, target_count)) != 0)
			return false;
	}
	return !(strcmp(value_of("rule", target, target_count), source_rule) == 0 &&
			 same_labels(source, source_count, target, target_count));
}
