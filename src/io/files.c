/*
 * files.c: see files.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "io/files.h"

#define COPY_BYTES (256 * 1024)
#define DEPTH_MAX 64

bool
ha_files_path(char path[PATH_MAX], const char *directory, const char *name)
{
	int length = snprintf(path, PATH_MAX, "%s/%s", directory, name);

	if (length > 0 && length < PATH_MAX)
		return true;
	path[0] = '\0';
	errno = ENAMETOOLONG;
	return false;
}

bool
ha_files_exists(const char *path)
{
	struct stat about;

	return lstat(path, &about) == 0;
}

bool
ha_files_is_directory(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

bool
ha_files_is_empty(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	bool empty = true;

	if (dir == NULL)
		return errno == ENOENT;
	while (empty && (entry = readdir(dir)) != NULL)
		empty = is_dots(entry->d_name);
	closedir(dir);
	if (!empty)
		errno = ENOTEMPTY;
	return empty;
}

bool
ha_files_make_directory(const char *path, mode_t mode)
{
	char part[PATH_MAX];

	if (snprintf(part, sizeof(part), "%s", path) >= (int) sizeof(part))
	{
		errno = ENAMETOOLONG;
		return false;
	}
	for (char *slash = strchr(part + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
	{
		*slash = '\0';
		if (mkdir(part, mode) != 0 && errno != EEXIST)
			return false;
		*slash = '/';
	}
	if (mkdir(part, mode) == 0)
		return true;
	return errno == EEXIST && ha_files_is_directory(part);
}

/* Removes what is in the open directory; closes it. */
static bool
empty_open(int fd, int depth)
{
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	bool ok = dir != NULL && depth < DEPTH_MAX;

	while (ok && (entry = readdir(dir)) != NULL)
	{
		if (is_dots(entry->d_name))
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			continue;
		if (errno != EISDIR && errno != EPERM)
			ok = false;
		else
			ok = empty_open(openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
							depth + 1) &&
				unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR) == 0;
	}
	if (dir != NULL)
	{
		int error = errno;

		closedir(dir);
		errno = error;
	}
	return ok;
}

bool
ha_files_empty(const char *path)
{
	return empty_open(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
}

bool
ha_files_remove_tree(const char *path)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	if (errno != EISDIR && errno != EPERM)
		return false;
	return empty_open(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), 0) && rmdir(path) == 0;
}

bool
ha_files_sync_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return ok;
}

static bool
sync_parent(const char *path)
{
	char parent[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');

	if (slash != NULL)
		snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int) (slash - path), path);
	return ha_files_sync_directory(parent);
}

static bool
write_all(int fd, const void *bytes, size_t count)
{
	const char *from = bytes;

	while (count > 0)
	{
		ssize_t written = write(fd, from, count);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		from += written;
		count -= (size_t) written;
	}
	return true;
}

/* Keeps errno. */
static void
drop(int fd, const char *path)
{
	int error = errno;

	if (fd >= 0)
		close(fd);
	unlink(path);
	errno = error;
}

bool
ha_files_write(const char *path, const void *bytes, size_t count, mode_t mode)
{
	char real[PATH_MAX];
	char temporary[PATH_MAX];
	struct stat about;
	bool exists = stat(path, &about) == 0;
	int fd;

	if (realpath(path, real) == NULL && snprintf(real, sizeof(real), "%s", path) >= (int) sizeof(real))
		return false;
	if (snprintf(temporary, sizeof(temporary), "%.*s.new", PATH_MAX - 8, real) >= (int) sizeof(temporary))
		return false;
	unlink(temporary);
	fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	if (exists && (fchmod(fd, about.st_mode & 07777) != 0 ||
				   (geteuid() == 0 && fchown(fd, about.st_uid, about.st_gid) != 0)))
	{
		drop(fd, temporary);
		return false;
	}
	if (!write_all(fd, bytes, count) || fsync(fd) != 0 || close(fd) != 0)
	{
		drop(-1, temporary);
		return false;
	}
	if (rename(temporary, real) != 0)
	{
		drop(-1, temporary);
		return false;
	}
	return sync_parent(real);
}

bool
ha_files_write_line(const char *directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	char line[2048];
	int length = snprintf(line, sizeof(line), "%.2000s\n", text);

	return ha_files_path(path, directory, name) && ha_files_write(path, line, (size_t) length, S_IRUSR | S_IWUSR);
}

bool
ha_files_remove(const char *directory, const char *name)
{
	char path[PATH_MAX];

	return ha_files_path(path, directory, name) && (unlink(path) == 0 || errno == ENOENT);
}

char *
ha_files_read(const char *path, size_t limit, size_t *count)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat about = {0};
	char *bytes = NULL;
	size_t used = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || (size_t) about.st_size > limit)
	{
		errno = S_ISREG(about.st_mode) ? EFBIG : EINVAL;
		close(fd);
		return NULL;
	}
	bytes = malloc((size_t) about.st_size + 1);
	while (bytes != NULL && used < (size_t) about.st_size)
	{
		ssize_t got = read(fd, bytes + used, (size_t) about.st_size - used);

		if (got < 0 && errno != EINTR)
		{
			free(bytes);
			bytes = NULL;
		}
		else if (got == 0)
			break;
		else if (got > 0)
			used += (size_t) got;
	}
	close(fd);
	if (bytes == NULL)
		return NULL;
	bytes[used] = '\0';
	if (count != NULL)
		*count = used;
	return bytes;
}

bool
ha_files_copy(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int out = in < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
	char *bytes = malloc(COPY_BYTES);
	bool ok = in >= 0 && out >= 0 && bytes != NULL;

	while (ok)
	{
		ssize_t got = read(in, bytes, COPY_BYTES);

		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0)
			break;
		ok = got > 0 && write_all(out, bytes, (size_t) got);
	}
	ok = ok && fsync(out) == 0;
	free(bytes);
	if (in >= 0)
		close(in);
	if (out >= 0 && !ok)
		drop(out, to);
	else if (out >= 0)
		close(out);
	return ok;
}

uint64_t
ha_files_space(const char *path)
{
	struct statvfs about;

	if (statvfs(path, &about) != 0)
		return 0;
	return (uint64_t) about.f_bavail * about.f_frsize;
}
