/*
 * settings.c: see settings.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive/settings.h"
#include "io/conffile.h"
#include "io/files.h"
#include "io/login.h"

#define CONF_BYTES_MAX ((size_t) 4 * 1024 * 1024)
#define BLOCK_SIZE 8192

/* What a member needs at least, and what its copies of WAL are bounded by. */
#define SENDERS_MIN 20
#define WORKERS_MIN 12
#define KEEP_MB_MIN 256
#define SLOT_KEEP "16GB"

/* Settings that the program or the ha worker writes; what stands in postgresql.auto.conf would win over them. */
static const char *const ruled[] = {
	"primary_conninfo", "primary_slot_name", "synchronous_standby_names", "recovery_target_timeline",
	"restore_command", "wal_retrieve_retry_interval", "port", "listen_addresses", "cluster_name",
	"shared_preload_libraries", "hot_standby", "wal_level", "max_wal_senders", "max_replication_slots",
	"wal_log_hints", NULL};

/* What stands in the block and is each member's own. */
static const char *const own[] = {
	"shared_preload_libraries", "wal_level", "hot_standby", "max_wal_senders", "max_replication_slots",
	"max_worker_processes", "wal_keep_size", "max_slot_wal_keep_size", "wal_log_hints", "listen_addresses", "port",
	"include_if_exists", NULL};

static char *
read_conf(const char *directory, const char *name)
{
	char path[PATH_MAX];

	return ha_files_path(path, directory, name) ? ha_files_read(path, CONF_BYTES_MAX, NULL) : NULL;
}

/* ---- What must not stand there ---- */

static bool
check_auto_conf(const HaLocal *local, HaFault *fault)
{
	char *text = read_conf(local->data, "postgresql.auto.conf");
	char *rest = text;
	char *line;
	bool ok = true;

	while (ok && (line = strsep(&rest, "\n")) != NULL)
	{
		size_t length;

		line += strspn(line, " \t");
		length = strcspn(line, " =");
		for (int i = 0; ok && ruled[i] != NULL; i++)
		{
			char hint[128];

			if (strlen(ruled[i]) != length || strncasecmp(line, ruled[i], length) != 0)
				continue;
			snprintf(hint, sizeof(hint), "ALTER SYSTEM RESET %s, or take the line out while the server is stopped",
					 ruled[i]);
			ok = ha_fault(fault, hint, "\"%s/postgresql.auto.conf\" sets %s, which the cluster must rule",
						  local->data, ruled[i]);
		}
	}
	free(text);
	return ok;
}

static bool
check_setting(const HaLocal *local, const char *name, const char *wanted, const char *why, HaFault *fault)
{
	char value[HA_PGDATA_VALUE_SIZE];
	char hint[128];

	if (!ha_pgdata_setting(local->programs, local->config, name, value, fault))
		return false;
	if (strcmp(value, wanted) == 0)
		return true;
	snprintf(hint, sizeof(hint), "set %s = '%s' in postgresql.conf", name, wanted);
	ha_fault_clean(value);
	return ha_fault(fault, hint, "%s is \"%.64s\": %s", name, value, why);
}

bool
ha_settings_check(const HaLocal *local, HaFault *fault)
{
	static const char lost[] = "a member that may lose what it acknowledged never leads";
	static const char late[] = "a member that replays late never leads";

	return check_auto_conf(local, fault) && check_setting(local, "fsync", "on", lost, fault) &&
		check_setting(local, "full_page_writes", "on", lost, fault) &&
		check_setting(local, "recovery_min_apply_delay", "0", late, fault) &&
		check_setting(local, "restart_after_crash", "on",
					  "a member comes back by itself after a crash of one of its processes", fault);
}

bool
ha_settings_drop_copied(const HaLocal *local, int *count, HaFault *fault)
{
	char path[PATH_MAX];

	return ha_files_path(path, local->data, "postgresql.auto.conf") &&
		ha_conffile_unset(path, ruled, count, fault);
}

/* ---- postgresql.conf ---- */

bool
ha_settings_valid(const char *setting, HaFault *fault)
{
	const char *equals = strchr(setting, '=');

	if (equals != NULL && ha_conffile_name_valid(setting, (size_t) (equals - setting)) &&
		strpbrk(equals, "\r\n") == NULL && strlen(equals) < 512)
		return true;
	return ha_fault(fault, "write it as name=value", "\"%.64s\" is no setting", setting);
}

/* Is `host` among the addresses that the server listens on? */
static bool
listens_on(const char *list, const char *host)
{
	bool four = strchr(host, ':') == NULL;
	size_t length;

	for (const char *item = list; *item != '\0'; item += length)
	{
		item += strspn(item, ", ");
		length = strcspn(item, ", ");
#define IS(text) (length == strlen(text) && strncmp(item, text, length) == 0)
		if (IS(host) || IS("*") || IS(four ? "0.0.0.0" : "::"))
			return true;
		if (IS("localhost") && (strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0))
			return true;
#undef IS
	}
	return false;
}

static bool
add_listen(const HaLocal *local, const char *host, char *block, HaFault *fault)
{
	char value[HA_PGDATA_VALUE_SIZE];
	char wanted[HA_PGDATA_VALUE_SIZE + HA_HOST_SIZE + 4];

	if (!ha_pgdata_setting(local->programs, local->config, "listen_addresses", value, fault))
		return false;
	if (listens_on(value, host))
		return true;
	snprintf(wanted, sizeof(wanted), "%s%s%s", value, value[0] != '\0' ? ", " : "", host);
	return ha_conffile_add(block, BLOCK_SIZE, "listen_addresses", wanted);
}

static bool
add_at_least(const HaLocal *local, const char *name, long least, const char *unit, char *block, HaFault *fault)
{
	long value;
	char wanted[32];

	if (!ha_pgdata_setting_number(local->programs, local->config, name, &value, fault))
		return false;
	if (value >= least)
		return true;
	snprintf(wanted, sizeof(wanted), "%ld%s", least, unit);
	return ha_conffile_add(block, BLOCK_SIZE, name, wanted);
}

static bool
add_library(const HaLocal *local, char *block, HaFault *fault)
{
	char value[HA_PGDATA_VALUE_SIZE];
	char wanted[HA_PGDATA_VALUE_SIZE + 16];
	const char *at;

	if (!ha_pgdata_setting(local->programs, local->config, "shared_preload_libraries", value, fault))
		return false;
	at = strstr(value, "pg_haops");
	if (at != NULL)
		snprintf(wanted, sizeof(wanted), "%s", value);
	else
		snprintf(wanted, sizeof(wanted), "%s%spg_haops", value, value[0] != '\0' ? ", " : "");
	return ha_conffile_add(block, BLOCK_SIZE, "shared_preload_libraries", wanted);
}

static bool
add_if(const HaLocal *local, const char *name, const char *bad, const char *wanted, char *block, HaFault *fault)
{
	char value[HA_PGDATA_VALUE_SIZE];

	if (!ha_pgdata_setting(local->programs, local->config, name, value, fault))
		return false;
	return strcmp(value, bad) != 0 || ha_conffile_add(block, BLOCK_SIZE, name, wanted);
}

/* Does the line set something that is decided anew for each member? */
static bool
decided_anew(const HaSettingsWishes *wishes, const char *line)
{
	size_t length = strcspn(line, " =");

	for (int i = 0; own[i] != NULL; i++)
	{
		if (strlen(own[i]) == length && strncmp(line, own[i], length) == 0)
			return true;
	}
	if (wishes->cluster != NULL && strncmp(line, "cluster_name ", 13) == 0)
		return true;
	for (int i = 0; i < wishes->setting_count; i++)
	{
		if (strncmp(line, wishes->setting[i], length) == 0 && wishes->setting[i][length] == '=')
			return true;
	}
	return false;
}

/* What else the block says, that of a copied member too: the cluster's name, settings that were given to create. */
static bool
keep_others(const HaLocal *local, const HaSettingsWishes *wishes, char *block)
{
	char *text = read_conf(local->config, "postgresql.conf");
	char *lines = text != NULL ? ha_conffile_block(text) : NULL;
	char *rest = lines;
	char *line;
	bool ok = lines != NULL;

	while (ok && (line = strsep(&rest, "\n")) != NULL)
	{
		size_t used = strlen(block);

		if (line[0] != '\0' && !decided_anew(wishes, line))
			ok = snprintf(block + used, BLOCK_SIZE - used, "%s\n", line) < (int) (BLOCK_SIZE - used);
	}
	free(lines);
	free(text);
	return ok;
}

static bool
add_wishes(const HaSettingsWishes *wishes, char *block)
{
	char number[8];

	snprintf(number, sizeof(number), "%u", wishes->sql_port);
	if (!ha_conffile_add(block, BLOCK_SIZE, "port", number) ||
		(wishes->cluster != NULL && !ha_conffile_add(block, BLOCK_SIZE, "cluster_name", wishes->cluster)))
		return false;
	for (int i = 0; i < wishes->setting_count; i++)
	{
		const char *equals = strchr(wishes->setting[i], '=');
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int) (equals - wishes->setting[i]), wishes->setting[i]);
		if (!ha_conffile_add(block, BLOCK_SIZE, name, equals + 1))
			return false;
	}
	return true;
}

/* Of a path below the configuration's own directory: relative, so that a copy includes its own. */
static bool
add_include(const HaLocal *local, char *block)
{
	char path[PATH_MAX];
	size_t length = strlen(local->config);
	size_t used;

	if (!ha_files_path(path, local->state, HA_LOCAL_SERVER_CONF))
		return false;
	if (strncmp(path, local->config, length) == 0 && path[length] == '/')
		memmove(path, path + length + 1, strlen(path + length + 1) + 1);
	used = strlen(block);
	return snprintf(block + used, BLOCK_SIZE - used, "include_if_exists = '%s'\n", path) < (int) (BLOCK_SIZE - used) &&
		strpbrk(path, "'\\\n") == NULL;
}

bool
ha_settings_write(const HaLocal *local, const HaControl *control, const HaSettingsWishes *wishes, HaFault *fault)
{
	char block[BLOCK_SIZE] = "";
	char path[PATH_MAX];

	memset(fault, 0, sizeof(*fault));

	/* A copy brings the other member's block along: what is asked for below is what the file says without it. */
	if (ha_files_path(path, local->config, "postgresql.conf") && keep_others(local, wishes, block) &&
		ha_conffile_set_block(path, "", HA_CONF_END, fault) && add_library(local, block, fault) &&
		add_if(local, "wal_level", "minimal", "replica", block, fault) &&
		add_if(local, "hot_standby", "off", "on", block, fault) &&
		add_at_least(local, "max_wal_senders", SENDERS_MIN, "", block, fault) &&
		add_at_least(local, "max_replication_slots", SENDERS_MIN, "", block, fault) &&
		add_at_least(local, "max_worker_processes", WORKERS_MIN, "", block, fault) &&
		add_at_least(local, "wal_keep_size", KEEP_MB_MIN, "MB", block, fault) &&
		add_if(local, "max_slot_wal_keep_size", "-1", SLOT_KEEP, block, fault) &&
		(control->checksums || add_if(local, "wal_log_hints", "off", "on", block, fault)) &&
		add_listen(local, wishes->sql_host, block, fault) && add_wishes(wishes, block) && add_include(local, block))
		return ha_conffile_set_block(path, block, HA_CONF_END, fault);
	if (fault->text[0] != '\0')
		return false;
	return ha_fault(fault, NULL, "the settings do not fit, or a value or the path holds a quote or a line end");
}

bool
ha_settings_hba(const HaLocal *local, const HaSettingsWishes *wishes, HaFault *fault)
{
	char path[PATH_MAX];
	char lines[1024];
	const char *network = wishes->network != NULL ? wishes->network : "all";

	snprintf(lines, sizeof(lines),
			 "host replication %s %s scram-sha-256\n"
			 "host all %s %s scram-sha-256\n",
			 HA_LOGIN_ROLE, network, HA_LOGIN_ROLE, network);
	return ha_files_path(path, local->config, "pg_hba.conf") &&
		ha_conffile_set_block(path, lines, HA_CONF_TOP, fault);
}

