/*
 * text.c: see text.h.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ops/text.h"

HaText
ha_text(char *bytes, size_t size)
{
	assert(size > 0);
	bytes[0] = '\0';
	return (HaText){bytes, size, 0, false};
}

/* Adds one character, whole or not at all. */
static void
add_char(HaText *text, const char *bytes, size_t count)
{
	if (text->cut || text->length + count >= text->size)
	{
		text->cut = true;
		return;
	}
	memcpy(text->bytes + text->length, bytes, count);
	text->length += count;
	text->bytes[text->length] = '\0';
}

size_t
ha_text_char_bytes(const char *bytes, size_t count)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const uint8_t *b = (const uint8_t *) bytes;
	size_t length = 1;
	uint32_t point;

	if (count == 0)
		return 0;
	if (b[0] < 0x80)
		return 1;
	if (b[0] < 0xC2 || b[0] > 0xF4)
		return 0;
	length = b[0] < 0xE0 ? 2 : b[0] < 0xF0 ? 3 : 4;
	if (length > count)
		return 0;
	point = b[0] & (0x7F >> length);
	for (size_t i = 1; i < length; i++)
	{
		if ((b[i] & 0xC0) != 0x80)
			return 0;
		point = point << 6 | (b[i] & 0x3F);
	}
	if (point < least[length] || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
		return 0;
	return length;
}

void
ha_text_add(HaText *text, const char *words)
{
	size_t count = strlen(words);

	while (count > 0)
	{
		size_t length = ha_text_char_bytes(words, count);

		if (length == 0)
			add_char(text, "?", length = 1);
		else
			add_char(text, words, length);
		words += length;
		count -= length;
	}
}

void
ha_text_format(HaText *text, const char *format, ...)
{
	char words[512];
	va_list arguments;

	va_start(arguments, format);
	if (vsnprintf(words, sizeof(words), format, arguments) < 0)
		words[0] = '\0';
	va_end(arguments);
	ha_text_add(text, words);
}

/* True for characters that move or hide others: C1 controls, marks of direction, zero width, line separators. */
static bool
treacherous(const char *bytes, size_t length)
{
	const uint8_t *b = (const uint8_t *) bytes;

	if (length == 2)
		return b[0] == 0xC2 && b[1] < 0xA0;
	if (length != 3)
		return false;
	if (b[0] == 0xE2 && b[1] == 0x80)
		return (b[2] >= 0x8B && b[2] <= 0x8F) || (b[2] >= 0xA8 && b[2] <= 0xAE);	/* U+200B.. U+2028.. */
	if (b[0] == 0xE2 && b[1] == 0x81)
		return b[2] >= 0xA0 && b[2] <= 0xAF;	/* U+2060.. */
	return b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF;	/* U+FEFF */
}

void
ha_text_add_foreign(HaText *text, const char *bytes, size_t count)
{
	while (count > 0)
	{
		size_t length = ha_text_char_bytes(bytes, count);
		bool plain = length > 0 && (unsigned char) *bytes >= ' ' && *bytes != 0x7F && !treacherous(bytes, length);

		if (plain)
			add_char(text, bytes, length);
		else if (*bytes == '\n')
			ha_text_add(text, "\\n");
		else if (*bytes == '\t')
			ha_text_add(text, "\\t");
		else
			for (size_t i = 0; i < (length > 0 ? length : 1); i++)
				ha_text_format(text, "\\x%02X", (unsigned char) bytes[i]);
		length = length > 0 ? length : 1;
		bytes += length;
		count -= length;
	}
}

/* The full-width form of an ASCII character, which stands at U+FF00 plus its distance from the space. */
static void
add_full_width(HaText *text, char c)
{
	unsigned code = 0xFF00u + (unsigned char) c - ' ';
	char bytes[4] = {
		(char) (0xE0 | code >> 12), (char) (0x80 | (code >> 6 & 0x3F)), (char) (0x80 | (code & 0x3F)), '\0'
	};

	ha_text_add(text, bytes);
}

void
ha_text_add_harmless(HaText *text, const char *words, bool markdown)
{
	char before = '\0';

	while (*words != '\0')
	{
		size_t length = ha_text_char_bytes(words, strlen(words));
		char word[5] = {0};

		if (*words == '<' || *words == '@' || (markdown && strchr(">`*\\#", *words) != NULL) ||
			(markdown && before == ']' && *words == '('))
			add_full_width(text, *words);
		else
		{
			memcpy(word, words, length > 0 ? length : 1);
			ha_text_add(text, word);
		}
		before = *words;
		words += length > 0 ? length : 1;
	}
}
