/*
 * lost.c: see lost.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drive/lost.h"
#include "io/files.h"
#include "io/process.h"

#define FOLDER "lost"
#define KEPT_MAX 2
#define FOLDERS_MAX 64
#define KEEP_BYTES_MAX ((uint64_t) 2 * 1024 * 1024 * 1024)
#define SPARE_BYTES ((uint64_t) 256 * 1024 * 1024)	/* that stay free on the disk */
#define COUNT_LIMIT_US (60 * 1000 * HA_US_PER_MS)

static bool
is_history(const char *name)
{
	return strlen(name) == 16 && strspn(name, "0123456789ABCDEF") == 8 && strcmp(name + 8, ".history") == 0;
}

/* Segments and histories that are to be kept. */
static bool
wanted(const HaLost *lost, const char *name)
{
	HaTli tli;
	HaLsn start;

	if (is_history(name))
		return true;
	return ha_pgdata_segment(name, lost->segment_bytes, &tli, &start) && tli <= lost->tli &&
		start + lost->segment_bytes > lost->checkpoint && start <= lost->end;
}

/* Calls `each` for each wanted file of the directory (all files when `lost` is NULL). */
static bool
for_each(const HaLost *lost, const char *directory, bool (*each) (void *self, const char *name), void *self)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	bool ok = dir != NULL;

	while (ok && (entry = readdir(dir)) != NULL)
	{
		if (entry->d_name[0] != '.' && (lost == NULL || wanted(lost, entry->d_name)))
			ok = each(self, entry->d_name);
	}
	if (dir != NULL)
	{
		int error = errno;

		closedir(dir);
		errno = error;
	}
	return ok;
}

typedef struct Copying
{
	const char *from;
	const char *to;
	uint64_t bytes;				/* counted */
} Copying;

static bool
count_one(void *self, const char *name)
{
	Copying *copying = self;
	char path[PATH_MAX];
	struct stat about;

	if (ha_files_path(path, copying->from, name) && stat(path, &about) == 0)
		copying->bytes += (uint64_t) about.st_size;
	return true;
}

static bool
copy_one(void *self, const char *name)
{
	Copying *copying = self;
	char from[PATH_MAX];
	char to[PATH_MAX];

	return ha_files_path(from, copying->from, name) && ha_files_path(to, copying->to, name) &&
		(unlink(to) == 0 || errno == ENOENT) && ha_files_copy(from, to);
}

bool
ha_lost_keep(HaLost *lost, const char *data, HaFault *fault)
{
	char from[PATH_MAX];
	char folder[PATH_MAX];
	char to[PATH_MAX];
	char name[HA_LOST_NAME_SIZE];
	Copying copying = {from, to, 0};

	lost->name[0] = '\0';
	snprintf(name, sizeof(name), "%u-%08X%08X", lost->tli, (unsigned) (lost->fork >> 32), (unsigned) lost->fork);
	if (!ha_files_path(from, data, "pg_wal") || !ha_files_path(folder, lost->state, FOLDER) ||
		!ha_files_path(to, folder, name))
		return ha_fault(fault, NULL, "the path of the state directory is too long");
	for_each(lost, from, count_one, &copying);
	if (copying.bytes > KEEP_BYTES_MAX || copying.bytes + SPARE_BYTES > ha_files_space(lost->state))
		return true;
	if (!ha_files_remove_tree(to) || !ha_files_make_directory(to, 0700) ||
		!for_each(lost, from, copy_one, &copying) || !ha_files_sync_directory(to) || !ha_files_sync_directory(folder))
		return ha_fault(fault, NULL, "the diverged WAL can't be kept in \"%s\": %s", to, strerror(errno));
	memcpy(lost->name, name, sizeof(name));
	return true;
}

bool
ha_lost_restore(const char *state, const char *name, const char *directory, HaFault *fault)
{
	char folder[PATH_MAX];
	char from[PATH_MAX];
	char to[PATH_MAX];
	Copying copying = {from, to, 0};

	if (ha_files_path(folder, state, FOLDER) && ha_files_path(from, folder, name) &&
		ha_files_path(to, directory, "pg_wal") && for_each(NULL, from, copy_one, &copying))
		return true;
	return ha_fault(fault, NULL, "the WAL that was kept in \"%s\" can't be put back: %s", from, strerror(errno));
}

/* ---- Counting ---- */

static void
count_commit(void *self, const char *line)
{
	if (strstr(line, "desc: COMMIT") != NULL)
		(*(long *) self)++;
}

void
ha_lost_count(HaLost *lost, const char *data)
{
	char program[PATH_MAX];
	char wal[PATH_MAX];
	char tli[16];
	char start[32];
	const char *const argv[] = {program, "-p", wal, "-t", tli, "-s", start, "-r", "Transaction", NULL};
	long commits = 0;
	HaProcessJob job = {.argv = argv, .limit_us = COUNT_LIMIT_US, .line = count_commit, .self = &commits};
	HaProcessEnd end;

	lost->commits = -1;
	snprintf(tli, sizeof(tli), "%u", lost->tli);
	snprintf(start, sizeof(start), "%X/%X", (unsigned) (lost->fork >> 32), (unsigned) lost->fork);
	if (!ha_files_path(program, lost->programs, "pg_waldump") || !ha_files_path(wal, data, "pg_wal"))
		return;
	/* It ends with an error at the end of the WAL, always: exit code 1. */
	ha_process_run(&job, &end);
	if (!end.timed_out && !end.interrupted && (end.exit_code == 0 || end.exit_code == 1))
		lost->commits = commits;
}

/* ---- Bounding ---- */

typedef struct Folders
{
	const char *folder;
	const char *keep;
	int count;
	char name[FOLDERS_MAX][HA_LOST_NAME_SIZE];
	time_t changed[FOLDERS_MAX];
} Folders;

static bool
note_folder(void *self, const char *name)
{
	Folders *folders = self;
	char path[PATH_MAX];
	struct stat about;

	if (folders->count == FOLDERS_MAX || strlen(name) >= HA_LOST_NAME_SIZE || strcmp(name, folders->keep) == 0 ||
		!ha_files_path(path, folders->folder, name) || lstat(path, &about) != 0 || !S_ISDIR(about.st_mode))
		return true;
	snprintf(folders->name[folders->count], HA_LOST_NAME_SIZE, "%s", name);
	folders->changed[folders->count++] = about.st_mtime;
	return true;
}

void
ha_lost_prune(const char *state, const char *name)
{
	char folder[PATH_MAX];
	Folders folders = {.folder = folder, .keep = name};
	int left;

	if (!ha_files_path(folder, state, FOLDER) || !for_each(NULL, folder, note_folder, &folders))
		return;
	left = folders.count + (name[0] != '\0' ? 1 : 0);
	for (; left > KEPT_MAX; left--)
	{
		char path[PATH_MAX];
		int oldest = -1;

		for (int i = 0; i < folders.count; i++)
		{
			if (folders.name[i][0] != '\0' && (oldest < 0 || folders.changed[i] < folders.changed[oldest]))
				oldest = i;
		}
		if (oldest < 0)
			return;
		if (ha_files_path(path, folder, folders.name[oldest]))
			ha_files_remove_tree(path);
		folders.name[oldest][0] = '\0';
	}
}
