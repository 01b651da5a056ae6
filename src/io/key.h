/*
 * key.h: the cluster's secret, in a file of its own.
 *
 * 256 random bits as 64 hex digits in one line. Whoever holds it can speak as any member; so the file must be
 * a regular one (no symbolic link), owned by us or by root, without rights for group and others, and not in a
 * directory that everybody may write to. The key never stands in a setting, a log line or an error text.
 */
#ifndef HA_IO_KEY_H
#define HA_IO_KEY_H

#include "core/types.h"

#define HA_KEY_SIZE 32

typedef struct HaKey
{
	uint8_t byte[HA_KEY_SIZE];
} HaKey;

/* What can be wrong. The sentences and hints stand in key.c; errno says more where it is named. */
typedef enum HaKeyError
{
	HA_KEY_OK,
	HA_KEY_MISSING,
	HA_KEY_EXISTS,				/* create */
	HA_KEY_LINK,
	HA_KEY_NOT_A_FILE,
	HA_KEY_OWNER,
	HA_KEY_RIGHTS,
	HA_KEY_DIRECTORY,			/* everybody may write to the directory it lies in */
	HA_KEY_LENGTH,				/* not 64 characters and a line end */
	HA_KEY_DIGITS,				/* something else than hex digits */
	HA_KEY_FAILED,				/* errno */
	HA_KEY_ERROR_COUNT
} HaKeyError;

/* One sentence, and what to do about it; without a stop at the end. The hint is NULL when there is none. */
extern const char *ha_key_text(HaKeyError error);
extern const char *ha_key_hint(HaKeyError error);

/* Reads the key; it is all zero unless HA_KEY_OK is returned. Wipe it with ha_key_wipe() after use. */
extern HaKeyError ha_key_read(const char *path, HaKey *key);

/* The same for what stands in the file: HA_KEY_OK, HA_KEY_LENGTH or HA_KEY_DIGITS. Pure. */
extern HaKeyError ha_key_parse(const char *line, size_t length, HaKey *key);

/* Makes a new key and its file (0600, durable), or leaves nothing behind. Never replaces a file. */
extern HaKeyError ha_key_create(const char *path, HaKey *key);

extern void ha_key_wipe(HaKey *key);

#endif
