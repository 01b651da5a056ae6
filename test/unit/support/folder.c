/*
 * folder.c: see folder.h.
 */
#include "test/unit/support/folder.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

void
folder_make(Folder *folder)
{
	const char *base = getenv("TMPDIR");
	int length = snprintf(folder->path, sizeof(folder->path), "%s/pg_haops-unit-XXXXXX",
						  base != NULL && base[0] != '\0' ? base : "/tmp");

	assert_in_range(length, 1, sizeof(folder->path) - 1);
	assert_non_null(mkdtemp(folder->path));
}

static int
remove_one(const char *path, const struct stat *about, int kind, struct FTW *where)
{
	(void) about;
	(void) kind;
	(void) where;
	return remove(path);
}

void
folder_remove(const Folder *folder)
{
	assert_int_equal(nftw(folder->path, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

const char *
folder_file(const Folder *folder, const char *name)
{
	static char paths[4][2 * FOLDER_PATH_MAX];
	static int next;
	char *path = paths[next++ % 4];
	int length = snprintf(path, sizeof(paths[0]), "%s/%s", folder->path, name);

	assert_in_range(length, 1, sizeof(paths[0]) - 1);
	return path;
}

void
folder_write(const char *path, const void *bytes, size_t count, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, count), count);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

size_t
folder_read(const char *path, void *bytes, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	assert_true(fd >= 0);
	count = read(fd, bytes, size);
	assert_true(count >= 0);
	assert_int_equal(close(fd), 0);
	return (size_t) count;
}

void
folder_copy(const char *from, const char *to)
{
	static uint8_t bytes[65536];
	size_t count = folder_read(from, bytes, sizeof(bytes));

	assert_true(count < sizeof(bytes));
	folder_write(to, bytes, count, 0600);
}

bool
folder_has(const char *path)
{
	struct stat about;

	return lstat(path, &about) == 0;
}
