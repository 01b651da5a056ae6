/*
 * note.c: see note.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include "core/note.h"

static const struct
{
	const char *name;
	HaSeverity severity;
	const char *text;
} notes[HA_NOTE_COUNT] = {
#define HA_NOTE_ROW(kind, name, severity, text) {name, HA_SEVERITY_##severity, text},
	HA_NOTE_LIST(HA_NOTE_ROW)
#undef HA_NOTE_ROW
};

const char *
ha_note_name(HaNoteKind kind)
{
	return (unsigned) kind < HA_NOTE_COUNT ? notes[kind].name : "unknown";
}

HaSeverity
ha_note_severity(HaNoteKind kind)
{
	return (unsigned) kind < HA_NOTE_COUNT ? notes[kind].severity : HA_SEVERITY_WARNING;
}

/* The text that stands for one %-letter of a note's sentence, written into `word`. */
static void
expand(const HaNote *note, char letter, const char *member_name, char *word, size_t size)
{
	switch (letter)
	{
		case 'm':
			if (member_name != NULL)
				snprintf(word, size, "\"%s\"", member_name);
			else
				snprintf(word, size, "%" PRIu32, note->member);
			break;
		case 't':
			snprintf(word, size, "%" PRIu64, note->term);
			break;
		case 'l':
			snprintf(word, size, "%" PRIX32 "/%" PRIX32, (uint32_t) (note->lsn >> 32), (uint32_t) note->lsn);
			break;
		case 'v':
			snprintf(word, size, "%" PRId64, note->value);
			break;
		default:
			snprintf(word, size, "%s", note->sentence != NULL ? note->sentence : "");
			break;
	}
}

void
ha_note_text(const HaNote *note, const char *member_name, char *text, size_t size)
{
	const char *from = (unsigned) note->kind < HA_NOTE_COUNT ? notes[note->kind].text : "unknown note";
	size_t n = 0;

	if (size == 0)
		return;
	for (; *from != '\0' && n + 1 < size; from++)
	{
		char word[160];

		if (*from != '%' || from[1] == '\0')
		{
			text[n++] = *from;
			continue;
		}
		expand(note, *++from, member_name, word, sizeof(word));
		for (const char *w = word; *w != '\0' && n + 1 < size; w++)
			text[n++] = *w;
	}
	text[n] = '\0';
}
