/*
 * files.h: small files and folders, written so that a crash leaves the old or the new and nothing between.
 *
 * Everything here waits for the disk: never call it from the ha worker. Errors are errno unless said otherwise.
 * Symbolic links below the named path are not followed by what removes or copies.
 */
#ifndef HA_IO_FILES_H
#define HA_IO_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* directory/name into path[PATH_MAX]; false (and an empty path) when it is too long. */
extern bool ha_files_path(char path[PATH_MAX], const char *directory, const char *name);

/* Is there something under this name, a dangling link too? */
extern bool ha_files_exists(const char *path);
extern bool ha_files_is_directory(const char *path);

/* True when there is no such directory, or nothing is in it. False with errno otherwise (ENOTEMPTY, ENOTDIR, ...). */
extern bool ha_files_is_empty(const char *path);

/* Makes the directory and what is missing above it. An existing one is fine. */
extern bool ha_files_make_directory(const char *path, mode_t mode);

/* Removes it and all that is below; a missing one is fine. */
extern bool ha_files_remove_tree(const char *path);

/* Removes all that is in the directory, which stays. */
extern bool ha_files_empty(const char *path);

/* Makes names in the directory durable. */
extern bool ha_files_sync_directory(const char *path);

/*
 * Writes the whole file: to path.new, durable, then renamed into place, and that durable too. An existing file's mode
 * and owner are kept, otherwise the mode is `mode`. A symbolic link at the path is followed.
 */
extern bool ha_files_write(const char *path, const void *bytes, size_t count, mode_t mode);

/* directory/name with one line of text, 0600; and gone, if it was there. */
extern bool ha_files_write_line(const char *directory, const char *name, const char *text);
extern bool ha_files_remove(const char *directory, const char *name);

/* Reads all of a regular file, up to `limit` bytes (EFBIG beyond), with a zero after it. NULL with errno; to be freed.
 */
extern char *ha_files_read(const char *path, size_t limit, size_t *count);

/* Copies one regular file, durable; `to` must not exist. */
extern bool ha_files_copy(const char *from, const char *to);

/* Bytes that we may still write where the path is; 0 with errno when that can't be said. */
extern uint64_t ha_files_space(const char *path);

#endif
