/*
 * aside.c: see aside.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drive/aside.h"
#include "io/files.h"

/* All but `global`, which is exchanged, because it holds the control file. */
static const char *const own[] = {
	"base", "pg_commit_ts", "pg_dynshmem", "pg_logical", "pg_multixact", "pg_notify", "pg_replslot", "pg_serial",
	"pg_snapshots", "pg_stat", "pg_stat_tmp", "pg_subtrans", "pg_tblspc", "pg_twophase", "pg_wal", "pg_xact",
	"backup_label", "tablespace_map", "standby.signal", "recovery.signal", "promote.signal", NULL};

static bool
failed(const char *from, const char *to, HaFault *fault)
{
	return ha_fault(fault, NULL, "\"%s\" can't be moved to \"%s\": %s", from, to, strerror(errno));
}

/* Moves what is there; a file of the same name gives way. */
static bool
move(const char *from, const char *to, const char *name, HaFault *fault)
{
	char source[PATH_MAX];
	char target[PATH_MAX];

	if (!ha_files_path(source, from, name) || !ha_files_path(target, to, name))
		return failed(from, to, fault);
	if (!ha_files_exists(source))
		return true;
	return rename(source, target) == 0 || failed(source, target, fault);
}

/* The real `global` holds more than a control file. */
static bool
is_real(const char *global)
{
	char path[PATH_MAX];

	return ha_files_path(path, global, "pg_filenode.map") && ha_files_exists(path);
}

/* Two directories change places in one step where the file system can do that, else in two. */
static bool
exchange(const char *a, const char *b)
{
	char between[PATH_MAX];

	if (!ha_files_exists(b))
		return rename(a, b) == 0;	/* cut off after the first of two steps */
	if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
		return true;
	if (errno != EINVAL && errno != ENOSYS)
		return false;
	return snprintf(between, sizeof(between), "%.*s.between", PATH_MAX - 16, b) > 0 && rename(b, between) == 0 &&
		rename(a, b) == 0 && rename(between, a) == 0;
}

/* A directory with nothing but a copy of the control file. */
static bool
make_stand_in(const char *global, const char *stand_in)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	return ha_files_remove_tree(stand_in) && mkdir(stand_in, 0700) == 0 && ha_files_path(from, global, "pg_control") &&
		ha_files_path(to, stand_in, "pg_control") && ha_files_copy(from, to) && ha_files_sync_directory(stand_in);
}

static bool
global_out(const char *data, const char *work, HaFault *fault)
{
	char global[PATH_MAX];
	char moving[PATH_MAX];
	char moved[PATH_MAX];

	if (!ha_files_path(global, data, "global") || !ha_files_path(moving, work, "global.moving") ||
		!ha_files_path(moved, work, "global"))
		return failed(data, work, fault);
	if (is_real(moved))
		return true;
	if (!is_real(moving) && (!make_stand_in(global, moving) || !exchange(global, moving)))
		return failed(global, moving, fault);
	return rename(moving, moved) == 0 || failed(moving, moved, fault);
}

bool
ha_aside_out(const char *data, const char *work, HaFault *fault)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if (!ha_files_make_directory(work, 0700) || !ha_files_path(from, data, "PG_VERSION") ||
		!ha_files_path(to, work, "PG_VERSION"))
		return failed(data, work, fault);
	if (!ha_files_exists(to) && !ha_files_copy(from, to))
		return failed(from, to, fault);
	/* From here on no server starts on what is left. */
	if (!global_out(data, work, fault))
		return false;
	for (int i = 0; own[i] != NULL; i++)
	{
		if (!move(data, work, own[i], fault))
			return false;
	}
	return (ha_files_sync_directory(work) && ha_files_sync_directory(data)) || failed(data, work, fault);
}

bool
ha_aside_in(const char *work, const char *data, HaFault *fault)
{
	char real[PATH_MAX];
	char stand_in[PATH_MAX];

	for (int i = 0; own[i] != NULL; i++)
	{
		if (!move(work, data, own[i], fault))
			return false;
	}
	if (!ha_files_path(real, work, "global") || !ha_files_path(stand_in, data, "global"))
		return failed(work, data, fault);
	/* Last: with the real control file the directory is whole. */
	if (is_real(real) && (!ha_files_sync_directory(data) || !exchange(real, stand_in)))
		return failed(real, stand_in, fault);
	return (ha_files_sync_directory(data) && ha_files_sync_directory(work)) || failed(work, data, fault);
}
