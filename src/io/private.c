/*
 * private.c: see private.h.
 */
#include "io/private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Keeps errno. */
static void
close_kept(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

HaPrivate
ha_private_open_directory(const char *path, int *fd, const char **name)
{
	char directory[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t) (slash - path) + 1;
	struct stat about;

	*fd = -1;
	*name = path + length;
	if (length >= sizeof(directory))
	{
		errno = ENAMETOOLONG;
		return HA_PRIVATE_FAILED;
	}
	if (length > 0)
	{
		memcpy(directory, path, length);
		directory[length] = '\0';
	}
	*fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT ? HA_PRIVATE_MISSING : HA_PRIVATE_FAILED;
	if (fstat(*fd, &about) == 0 && (about.st_mode & S_IWOTH) == 0)
		return HA_PRIVATE_OK;
	close(*fd);
	*fd = -1;
	return HA_PRIVATE_DIRECTORY;
}

/* What it means that the file could not be opened. */
static HaPrivate
open_error(int error_number)
{
	switch (error_number)
	{
		case ENOENT:
			return HA_PRIVATE_MISSING;
		case ELOOP:
			return HA_PRIVATE_LINK;
		case ENXIO:
			return HA_PRIVATE_NOT_A_FILE;
		default:
			return HA_PRIVATE_FAILED;
	}
}

static HaPrivate
check_file(int fd)
{
	struct stat about;

	if (fstat(fd, &about) != 0)
		return HA_PRIVATE_FAILED;
	if (!S_ISREG(about.st_mode))
		return HA_PRIVATE_NOT_A_FILE;
	if (about.st_uid != geteuid() && about.st_uid != 0)
		return HA_PRIVATE_OWNER;
	return (about.st_mode & 0077) != 0 ? HA_PRIVATE_RIGHTS : HA_PRIVATE_OK;
}

HaPrivate
ha_private_open(const char *path, int *fd)
{
	const char *name;
	int directory;
	HaPrivate found = ha_private_open_directory(path, &directory, &name);

	*fd = -1;
	if (found != HA_PRIVATE_OK)
		return found;
	*fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	found = *fd < 0 ? open_error(errno) : check_file(*fd);
	close_kept(directory);
	if (found != HA_PRIVATE_OK && *fd >= 0)
	{
		close_kept(*fd);
		*fd = -1;
	}
	return found;
}
