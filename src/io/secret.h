/*
 * secret.h: one line of text from a file that only we can read: a webhook's address, its secret.
 *
 * The file must be a regular one (no symbolic link), owned by us or by root, without rights for group and others, in a
 * directory that not everybody may write to. What it holds never stands in a setting, a log line or an error text.
 */
#ifndef HA_IO_SECRET_H
#define HA_IO_SECRET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Reads the first line, without its end and blanks around it; there may be no second one. NULL when it was read; else
 * one sentence about the file, without its path and a stop at the end, never freed; `text` is empty then, and errno
 * says more when the sentence is HA_SECRET_FAILED. Wipe the text with ha_secret_wipe() after use.
 */
extern const char *ha_secret_read(const char *path, char *text, size_t size);

/* The same for a file of any bytes, of which there are `length` < size; the text is not closed by a zero. */
extern const char *ha_secret_read_bytes(const char *path, char *bytes, size_t size, size_t *length);

/*
 * The same for what was read, text[length] with room for one byte more: leaves the line and a closing zero, or returns
 * what is wrong; then `text` is undefined. Pure.
 */
extern const char *ha_secret_take_line(char *text, size_t length);

extern const char HA_SECRET_FAILED[];

extern void ha_secret_wipe(char *text, size_t size);

#endif
