/*
 * durable.c: see durable.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "drive/durable.h"
#include "io/files.h"

#define TELLS_MAJOR 5
#define TELLS_MINOR 8

bool
ha_durable_release_tells(const char *release)
{
	int major;
	int minor;

	return sscanf(release, "%5d.%5d", &major, &minor) == 2 &&
		(major > TELLS_MAJOR || (major == TELLS_MAJOR && minor >= TELLS_MINOR));
}

/* Takes the path's file system in; with `adding` false only asks whether it was taken. */
static bool
take(HaDurable *durable, const char *path, bool adding)
{
	struct stat about;
	int fd;

	if (stat(path, &about) != 0)
		return false;
	for (int i = 0; i < durable->count; i++)
	{
		if (durable->device[i] == about.st_dev)
			return true;
	}
	if (!adding || durable->count == HA_DURABLE_SYSTEMS_MAX)
		return false;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	durable->fd[durable->count] = fd;
	durable->device[durable->count++] = about.st_dev;
	return true;
}

/* The directory itself, and what its links lead to. */
static bool
take_all(HaDurable *durable, const char *directory, bool adding)
{
	char path[PATH_MAX];
	char spaces[PATH_MAX];
	DIR *dir;
	struct dirent *entry;
	bool ok = take(durable, directory, adding) && ha_files_path(path, directory, "pg_wal") &&
		take(durable, path, adding) && ha_files_path(spaces, directory, "pg_tblspc");

	dir = ok ? opendir(spaces) : NULL;
	ok = dir != NULL;
	while (ok && (entry = readdir(dir)) != NULL)
	{
		if (entry->d_name[0] != '.')
			ok = ha_files_path(path, spaces, entry->d_name) && take(durable, path, adding);
	}
	if (dir != NULL)
		closedir(dir);
	return ok;
}

void
ha_durable_begin(HaDurable *durable, const char *directory)
{
	struct utsname system;

	*durable = (HaDurable){.possible = false};
	durable->possible = uname(&system) == 0 && ha_durable_release_tells(system.release) &&
		take_all(durable, directory, true);
}

bool
ha_durable_end(HaDurable *durable, const char *directory)
{
	bool ok = durable->possible && take_all(durable, directory, false);

	for (int i = 0; i < durable->count; i++)
	{
		ok = ok && syncfs(durable->fd[i]) == 0;
		close(durable->fd[i]);
	}
	durable->count = 0;
	return ok;
}
