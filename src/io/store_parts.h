/*
 * store_parts.h: statedir.c, the part of the store that opens the state directory and the state file in it,
 * with distrust. Only the files behind store.h include it.
 *
 * Symbolic links are resolved once, on the way to the directory, and never followed below it. Both must
 * belong to the user who runs us; nobody else may write in the directory or has any right on the file. A
 * reader (look_only) may also be root.
 */
#ifndef HA_IO_STORE_PARTS_H
#define HA_IO_STORE_PARTS_H

#include <limits.h>

#include "io/store.h"

typedef struct HaStateDir
{
	int fd;						/* -1 = not open */
	char real[PATH_MAX];
} HaStateDir;

extern HaStoreError ha_statedir_open(HaStateDir *dir, const char *directory, bool look_only);

extern void ha_statedir_close(HaStateDir *dir);

/* Opens the state file; *fd is -1 unless HA_STORE_OK is returned. Nothing is said about its content. */
extern HaStoreError ha_statedir_open_file(const HaStateDir *dir, bool look_only, int *fd);

/* The same for a writer, and locks it. */
extern HaStoreError ha_statedir_lock_file(const HaStateDir *dir, int *fd);

/* True when the open file is the one that stands in the directory under this name. */
extern bool ha_statedir_names(const HaStateDir *dir, const char *name, int fd);

/* Closes what is open and sets it to -1; keeps errno. */
extern void ha_statedir_close_fd(int *fd);

#endif
