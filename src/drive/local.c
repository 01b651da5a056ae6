/*
 * local.c: see local.h.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drive/local.h"
#include "io/files.h"

/* ---- Who runs us ---- */

static bool
owned_by_us(const char *path, HaFault *fault)
{
	const struct passwd *owner;
	char hint[256];
	struct stat about;

	if (stat(path, &about) != 0)
		return ha_fault(fault, NULL, "\"%s\" can't be looked at: %s", path, strerror(errno));
	if (about.st_uid == geteuid() && about.st_uid != 0)
		return true;
	owner = getpwuid(about.st_uid);
	snprintf(hint, sizeof(hint), "run it as the user %s", owner != NULL && about.st_uid != 0 ? owner->pw_name :
			 "who runs PostgreSQL");
	return ha_fault(fault, hint, "\"%s\" does not belong to the user who runs pg_haops", path);
}

static bool
not_root(HaFault *fault)
{
	if (geteuid() != 0)
		return true;
	return ha_fault(fault, "run it as the user who runs PostgreSQL, postgres for instance",
					"root can't run PostgreSQL's programs");
}

/* ---- Places ---- */

static bool
absolute(const char *from, char path[PATH_MAX], HaFault *fault)
{
	char here[PATH_MAX];

	if (from[0] == '/')
	{
		if (snprintf(path, PATH_MAX, "%s", from) < PATH_MAX)
			return true;
	}
	else if (getcwd(here, sizeof(here)) != NULL && ha_files_path(path, here, from))
		return true;
	return ha_fault(fault, NULL, "the path \"%.200s\" is too long", from);
}

static bool
find_programs(HaLocal *local, const HaLocalPlaces *places, HaFault *fault)
{
	return ha_pgdata_find_programs(places->programs, local->programs, fault) &&
		ha_pgdata_programs_major(local->programs, &local->major, fault);
}

bool
ha_local_setting_if_known(const HaLocal *local, const char *name, char value[HA_PGDATA_VALUE_SIZE], HaFault *fault)
{
	if (ha_pgdata_setting(local->programs, local->config, name, value, fault))
		return true;
	value[0] = '\0';
	if (strstr(fault->text, "unrecognized configuration parameter") == NULL)
		return false;
	memset(fault, 0, sizeof(*fault));
	return true;
}

static bool
place_state(HaLocal *local, const HaLocalPlaces *places, HaFault *fault)
{
	char value[HA_PGDATA_VALUE_SIZE] = "";
	char file[PATH_MAX];
	size_t length;

	if (places->state != NULL)
	{
		if (!absolute(places->state, local->state, fault))
			return false;
	}
	else if (!ha_files_path(local->state, local->data, HA_LOCAL_STATE) ||
			 !ha_files_path(file, local->state, HA_STORE_FILE) || !ha_files_exists(file))
	{
		if (!ha_local_setting_if_known(local, "pg_haops.state_directory", value, fault))
			return false;
		if (value[0] == '/')
			snprintf(local->state, sizeof(local->state), "%s", value);
		else if (!ha_files_path(local->state, local->data, HA_LOCAL_STATE))
			return ha_fault(fault, NULL, "the path of the state directory is too long");
	}
	length = strlen(local->data);
	local->state_inside = strncmp(local->state, local->data, length) == 0 && local->state[length] == '/';
	return true;
}

static bool
place_key(HaLocal *local, const HaLocalPlaces *places, HaFault *fault)
{
	char value[HA_PGDATA_VALUE_SIZE] = "";

	if (places->key != NULL)
		return absolute(places->key, local->key_file, fault);
	if (ha_files_path(local->key_file, local->state, HA_LOCAL_KEY) && ha_files_exists(local->key_file))
		return true;
	if (!ha_local_setting_if_known(local, "pg_haops.key_file", value, fault))
		return false;
	if (value[0] == '/')
		snprintf(local->key_file, sizeof(local->key_file), "%s", value);
	else if (!ha_files_path(local->key_file, local->state, HA_LOCAL_KEY))
		return ha_fault(fault, NULL, "the path of the key file is too long");
	return true;
}

static bool
has_configuration(const HaLocal *local, HaFault *fault)
{
	char path[PATH_MAX];

	return (ha_files_path(path, local->config, "postgresql.conf") && ha_files_exists(path)) ||
		ha_fault(fault, "name the directory that holds this server's postgresql.conf and pg_hba.conf with --config",
				 "there is no postgresql.conf in \"%s\"", local->config);
}

bool
ha_local_settle(HaLocal *local, const HaLocalPlaces *places, HaFault *fault)
{
	char real[PATH_MAX];
	int major;

	if (realpath(local->data, real) == NULL)
		return ha_fault(fault, NULL, "\"%s\" can't be found: %s", local->data, strerror(errno));
	memcpy(local->data, real, sizeof(real));
	if (!owned_by_us(local->data, fault) || !ha_pgdata_major(local->data, &major, fault))
		return false;
	if (major != local->major)
		return ha_fault(fault, "name the programs of the right version with --programs",
						"\"%s\" is of PostgreSQL %d, the programs in \"%s\" are of %d", local->data, major,
						local->programs, local->major);
	if (places->config == NULL)
		memcpy(local->config, local->data, sizeof(local->data));
	else if (!absolute(places->config, local->config, fault))
		return false;
	return has_configuration(local, fault) && place_state(local, places, fault) && place_key(local, places, fault);
}

bool
ha_local_open(HaLocal *local, const HaLocalPlaces *places, HaFault *fault)
{
	memset(local, 0, sizeof(*local));
	if (!ha_files_is_directory(places->data))
		return ha_fault(fault, NULL, "there is no directory \"%s\"", places->data);
	return absolute(places->data, local->data, fault) && not_root(fault) && find_programs(local, places, fault) &&
		ha_local_settle(local, places, fault);
}

bool
ha_local_look(HaLocal *local, const HaLocalPlaces *places, HaFault *fault)
{
	char state[PATH_MAX];
	char key[PATH_MAX];
	char file[PATH_MAX];

	if (places->state == NULL && ha_files_path(state, places->data, HA_LOCAL_STATE) &&
		ha_files_path(key, state, HA_LOCAL_KEY) && ha_files_path(file, state, HA_STORE_FILE) &&
		ha_files_exists(file) && (places->key != NULL || ha_files_exists(key)))
	{
		memset(local, 0, sizeof(*local));
		if (!absolute(places->data, local->data, fault) || !absolute(state, local->state, fault) ||
			!absolute(places->key != NULL ? places->key : key, local->key_file, fault))
			return false;
		local->state_inside = true;
		return not_root(fault) && owned_by_us(local->data, fault);
	}
	return ha_local_open(local, places, fault);
}

bool
ha_local_open_new(HaLocal *local, const HaLocalPlaces *places, HaFault *fault)
{
	memset(local, 0, sizeof(*local));
	if (!absolute(places->data, local->data, fault) || !not_root(fault) || !find_programs(local, places, fault))
		return false;
	if (!ha_files_is_empty(local->data))
		return ha_fault(fault, "name a directory that is empty or does not exist",
						errno == ENOTEMPTY ? "\"%s\" is not empty" : "\"%s\" can't be used", local->data);
	return places->config == NULL ||
		(absolute(places->config, local->config, fault) && has_configuration(local, fault));
}

bool
ha_local_is_member(const HaLocal *local)
{
	char path[PATH_MAX];

	return ha_files_path(path, local->data, HA_LOCAL_FOLDER) && ha_files_exists(path);
}

/* ---- State and key ---- */

bool
ha_local_store_fault(const HaLocal *local, HaStoreError error, HaFault *fault)
{
	const char *more = error == HA_STORE_FAILED || error == HA_STORE_NO_DIRECTORY ? strerror(errno) : NULL;

	return ha_fault(fault, ha_store_hint(error), "\"%s\": %s%s%s", local->state, ha_store_text(error),
					more != NULL ? ": " : "", more != NULL ? more : "");
}

bool
ha_local_peek(const HaLocal *local, HaHard *hard, HaFault *fault)
{
	HaStoreError error;

	if (!ha_local_is_member(local) && local->state_inside)
		return ha_fault(fault, "make it one with pg_haops create or pg_haops join",
						"\"%s\" is no member of a cluster", local->data);
	error = ha_store_peek(local->state, hard);
	return error == HA_STORE_OK || ha_local_store_fault(local, error, fault);
}

bool
ha_local_read_key(const char *path, HaKey *key, HaFault *fault)
{
	HaKeyError error = ha_key_read(path, key);
	int number = errno;

	if (error == HA_KEY_OK)
		return true;
	return ha_fault(fault, ha_key_hint(error), "the key file \"%s\": %s%s%s", path, ha_key_text(error),
					error == HA_KEY_FAILED ? ": " : "", error == HA_KEY_FAILED ? strerror(number) : "");
}

bool
ha_local_make_state(const HaLocal *local, HaFault *fault)
{
	char folder[PATH_MAX];
	bool ok = ha_files_path(folder, local->data, HA_LOCAL_FOLDER) && ha_files_make_directory(folder, 0700) &&
		ha_files_make_directory(local->state, 0700) && chmod(local->state, 0700) == 0 &&
		ha_files_sync_directory(folder) && ha_files_sync_directory(local->data);

	return ok || ha_fault(fault, NULL, "the state directory \"%s\" can't be made: %s", local->state, strerror(errno));
}
