/*
 * statedir.c: see store_parts.h.
 */
#include "io/store_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Root may look at anybody's state, but nobody makes or keeps state in another's name. */
static bool
owned(const struct stat *file, bool look_only)
{
	return file->st_uid == geteuid() || (look_only && geteuid() == 0);
}

void
ha_statedir_close_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

void
ha_statedir_close(HaStateDir *dir)
{
	ha_statedir_close_fd(&dir->fd);
}

HaStoreError
ha_statedir_open(HaStateDir *dir, const char *directory, bool look_only)
{
	struct stat about;

	dir->fd = -1;
	if (realpath(directory, dir->real) == NULL)
		return HA_STORE_NO_DIRECTORY;
	dir->fd = open(dir->real, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->fd < 0)
		return HA_STORE_NO_DIRECTORY;
	if (fstat(dir->fd, &about) == 0 && owned(&about, look_only) && (about.st_mode & 0022) == 0)
		return HA_STORE_OK;
	ha_statedir_close(dir);
	return HA_STORE_UNSAFE_DIRECTORY;
}

/* What it means that the state file could not be opened. */
static HaStoreError
open_error(int error_number)
{
	switch (error_number)
	{
		case ENOENT:
			return HA_STORE_MISSING;
		case ELOOP:
		case EISDIR:
		case EACCES:
		case EPERM:
		case ENXIO:
			return HA_STORE_UNSAFE;
		default:
			return HA_STORE_FAILED;
	}
}

HaStoreError
ha_statedir_open_file(const HaStateDir *dir, bool look_only, int *fd)
{
	int access = look_only ? O_RDONLY : O_RDWR;
	struct stat about;

	*fd = openat(dir->fd, HA_STORE_FILE, access | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0)
		return open_error(errno);
	if (fstat(*fd, &about) == 0 && S_ISREG(about.st_mode) && owned(&about, look_only) &&
		(about.st_mode & 0077) == 0)
		return HA_STORE_OK;
	ha_statedir_close_fd(fd);
	return HA_STORE_UNSAFE;
}

bool
ha_statedir_names(const HaStateDir *dir, const char *name, int fd)
{
	struct stat named;
	struct stat held;

	return fstatat(dir->fd, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && fstat(fd, &held) == 0 &&
		named.st_dev == held.st_dev && named.st_ino == held.st_ino;
}

HaStoreError
ha_statedir_lock_file(const HaStateDir *dir, int *fd)
{
	HaStoreError error = ha_statedir_open_file(dir, false, fd);

	if (error != HA_STORE_OK)
		return error;
	if (flock(*fd, LOCK_EX | LOCK_NB) != 0)
		error = errno == EWOULDBLOCK ? HA_STORE_BUSY : HA_STORE_FAILED;
	/* It may have been set aside between the opening and the locking. */
	else if (!ha_statedir_names(dir, HA_STORE_FILE, *fd))
		error = HA_STORE_BUSY;
	if (error != HA_STORE_OK)
		ha_statedir_close_fd(fd);
	return error;
}
