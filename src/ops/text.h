/*
 * text.h: texts built in a buffer of fixed size, that stay valid UTF-8 and never hold what was not meant.
 *
 * A text that does not fit is cut between two characters and marked `cut`; it always ends with a zero. Whoever adds
 * says whether the words are ours (ha_text_add) or came from outside (ha_text_add_foreign): a program's output, a
 * name, a message of somebody's library. Nothing here allocates or keeps a pointer to what was added.
 */
#ifndef HA_OPS_TEXT_H
#define HA_OPS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct HaText
{
	char *bytes;				/* the caller's */
	size_t size;				/* > 0, with the closing zero */
	size_t length;				/* < size */
	bool cut;					/* something did not fit; what comes after is dropped too */
} HaText;

/* An empty text in `bytes`. */
extern HaText ha_text(char *bytes, size_t size);

/* Adds our own words, which must be valid UTF-8. */
extern void ha_text_add(HaText *text, const char *words);

/* Adds by a format. No single call may make more than 511 bytes; what is beyond is cut. */
extern void ha_text_format(HaText *text, const char *format, ...)
#ifdef __GNUC__
	__attribute__((format(printf, 2, 3)))
#endif
	;

/*
 * Adds `count` bytes from outside on one line: control characters and bytes that are not UTF-8 become \n, \t or \xNN.
 * Code points that turn the direction of writing or hide themselves are control characters too.
 */
extern void ha_text_add_foreign(HaText *text, const char *bytes, size_t count);

/*
 * Adds valid UTF-8 of which no client of a chat may make more than text: what begins a mention, a tag, a link or a
 * format is replaced by its full-width look-alike. `markdown`: the receiver reads markdown, too.
 */
extern void ha_text_add_harmless(HaText *text, const char *words, bool markdown);

/* Bytes of the character that begins here, 1 to 4; 0 when it is no valid UTF-8 (overlong, surrogate, cut off). */
extern size_t ha_text_char_bytes(const char *bytes, size_t count);

#endif
