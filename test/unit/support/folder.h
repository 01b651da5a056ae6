/*
 * folder.h: a temporary directory for a test, 0700, and files in it.
 */
#ifndef HA_TEST_UNIT_SUPPORT_FOLDER_H
#define HA_TEST_UNIT_SUPPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FOLDER_PATH_MAX 256

typedef struct Folder
{
	char path[FOLDER_PATH_MAX];
} Folder;

/* Below TMPDIR. Fails the test when it can't be made. */
extern void folder_make(Folder *folder);

/* With everything in it, two levels deep. */
extern void folder_remove(const Folder *folder);

/* The path of a name in it; the text is overwritten by the fourth call after this one. */
extern const char *folder_file(const Folder *folder, const char *name);

/* Writes a whole file with this mode, whatever the umask is. */
extern void folder_write(const char *path, const void *bytes, size_t count, mode_t mode);

/* Reads at most `size` bytes; how many there were. */
extern size_t folder_read(const char *path, void *bytes, size_t size);

/* As `cp` does: another file with the same bytes, and mode 0600. */
extern void folder_copy(const char *from, const char *to);

extern bool folder_has(const char *path);

#endif
