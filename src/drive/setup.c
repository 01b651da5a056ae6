/*
 * setup.c: see setup.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive/setup.h"
#include "io/conffile.h"
#include "io/files.h"
#include "io/login.h"
#include "io/mac.h"
#include "io/process.h"

#define CONF_BYTES_MAX ((size_t) 4 * 1024 * 1024)
#define BLOCK_SIZE 8192
#define SINGLE_LIMIT_US (600 * 1000 * HA_US_PER_MS)

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

/* What is put into the state directory, which may be one of the user's own. */
static const char *const ours[] = {HA_STORE_FILE, HA_LOCAL_KEY, HA_LOGIN_PASSFILE, HA_LOCAL_SERVER_CONF, NULL};

/* ---- Remember and restore ---- */

static char *
read_conf(const char *directory, const char *name)
{
	char path[PATH_MAX];

	return ha_files_path(path, directory, name) ? ha_files_read(path, CONF_BYTES_MAX, NULL) : NULL;
}

static void
restore_conf(const char *directory, const char *name, char *text)
{
	char path[PATH_MAX];

	if (text != NULL && ha_files_path(path, directory, name))
		ha_files_write(path, text, strlen(text), 0600);
	free(text);
}

bool
ha_setup_begin(HaSetup *setup, const HaLocal *local, HaFault *fault)
{
	memset(setup, 0, sizeof(*setup));
	setup->local = local;
	setup->had_folder = ha_local_is_member(local);
	setup->conf = read_conf(local->config, "postgresql.conf");
	if (setup->conf == NULL)
		return ha_fault(fault, "name the directory that holds it with --config", "\"%s/postgresql.conf\": %s",
						local->config, strerror(errno));
	setup->hba = read_conf(local->config, "pg_hba.conf");
	if (setup->hba == NULL)
	{
		free(setup->conf);
		setup->conf = NULL;
		return ha_fault(fault, "name the directory that holds it with --config", "\"%s/pg_hba.conf\": %s",
						local->config, strerror(errno));
	}
	setup->auto_conf = read_conf(local->data, "postgresql.auto.conf");
	return true;
}

void
ha_setup_undo(HaSetup *setup)
{
	const HaLocal *local = setup->local;
	char folder[PATH_MAX];

	if (local == NULL)
		return;
	restore_conf(local->config, "postgresql.conf", setup->conf);
	restore_conf(local->config, "pg_hba.conf", setup->hba);
	restore_conf(local->data, "postgresql.auto.conf", setup->auto_conf);
	if (!setup->had_folder && ha_files_path(folder, local->data, HA_LOCAL_FOLDER))
	{
		for (int i = 0; ours[i] != NULL; i++)
			ha_files_remove(local->state, ours[i]);
		ha_files_remove_tree(folder);
	}
	memset(setup, 0, sizeof(*setup));
}

void
ha_setup_keep(HaSetup *setup)
{
	free(setup->conf);
	free(setup->hba);
	free(setup->auto_conf);
	memset(setup, 0, sizeof(*setup));
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
ha_setup_check(const HaLocal *local, HaFault *fault)
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
ha_setup_drop_copied(const HaLocal *local, int *count, HaFault *fault)
{
	char path[PATH_MAX];

	return ha_files_path(path, local->data, "postgresql.auto.conf") &&
		ha_conffile_unset(path, ruled, count, fault);
}

/* ---- postgresql.conf ---- */

bool
ha_setup_setting_valid(const char *setting, HaFault *fault)
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

static bool
add_wishes(const HaSetupWishes *wishes, char *block)
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
ha_setup_settings(const HaLocal *local, const HaControl *control, const HaSetupWishes *wishes, HaFault *fault)
{
	char block[BLOCK_SIZE] = "";
	char path[PATH_MAX];

	memset(fault, 0, sizeof(*fault));

	/* A copy brings the other member's block along: what is asked for below is what the file says without it. */
	if (ha_files_path(path, local->config, "postgresql.conf") &&
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
ha_setup_hba(const HaLocal *local, const HaSetupWishes *wishes, HaFault *fault)
{
	char path[PATH_MAX];
	char lines[1024];
	const char *network = wishes->network != NULL ? wishes->network : "all";

	snprintf(lines, sizeof(lines),
			 "host replication %s %s scram-sha-256\n"
			 "host %s %s %s scram-sha-256\n",
			 HA_LOGIN_ROLE, network, HA_LOGIN_DATABASE, HA_LOGIN_ROLE, network);
	return ha_files_path(path, local->config, "pg_hba.conf") &&
		ha_conffile_set_block(path, lines, HA_CONF_TOP, fault);
}

/* ---- The role ---- */

bool
ha_setup_role(const HaLocal *local, const HaKey *key, HaFault *fault)
{
	char postgres[PATH_MAX];
	char password[HA_LOGIN_PASSWORD_SIZE];
	char sql[2048];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	/* Quiet about the password, and waiting for no standby. */
	const char *const argv[] = {
		postgres, "--single", "-j", "-D", local->config, "-c", "exit_on_error=on", "-c", "log_statement=none",
		"-c", "log_min_error_statement=panic", "-c", "log_min_duration_statement=-1", "-c",
		"log_min_duration_sample=-1", "-c", "log_transaction_sample_rate=0", "-c", "synchronous_standby_names=",
		"-c", "default_transaction_read_only=off", "-c", "password_encryption=scram-sha-256", "-c",
		"log_destination=stderr", "-c", "logging_collector=off", HA_LOGIN_DATABASE, NULL};
	HaProcessJob job = {.argv = argv, .limit_us = SINGLE_LIMIT_US, .input = sql};
	HaProcessEnd end;
	bool ok = ha_files_path(postgres, local->programs, "postgres") && ha_login_password(key, password) &&
		ha_login_sql(password, sql, sizeof(sql)) && ha_process_run(&job, &end);

	ha_mac_wipe(password, sizeof(password));
	ha_mac_wipe(sql, sizeof(sql));
	if (ok)
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, "the database \"" HA_LOGIN_DATABASE "\" must exist; the server must be stopped",
					"the role %s can't be made: postgres --single %s", HA_LOGIN_ROLE, why);
}

/* ---- Files of the state ---- */

/* To where the server will look for it. A key file that is there already must hold the same key. */
static bool
copy_key(const HaLocal *local, const HaKey *key, HaFault *fault)
{
	char line[2 * HA_KEY_SIZE + 2];
	HaKey there;
	bool same;

	if (ha_files_exists(local->key_file))
	{
		if (!ha_local_read_key(local->key_file, &there, fault))
			return false;
		same = memcmp(there.byte, key->byte, HA_KEY_SIZE) == 0;
		ha_key_wipe(&there);
		return same || ha_fault(fault, NULL, "\"%s\" holds another key", local->key_file);
	}
	for (size_t i = 0; i < HA_KEY_SIZE; i++)
		snprintf(line + 2 * i, 3, "%02x", key->byte[i]);
	memcpy(line + 2 * HA_KEY_SIZE, "\n", 2);
	same = ha_files_write(local->key_file, line, strlen(line), 0600);
	ha_mac_wipe(line, sizeof(line));
	return same || ha_fault(fault, NULL, "\"%s\" can't be written: %s", local->key_file, strerror(errno));
}

bool
ha_setup_secrets(const HaLocal *local, const HaKey *key, HaFault *fault)
{
	static const char empty[] = "# Written by pg_haops whenever the leader changes. Do not edit: changes are lost.\n"
		"primary_conninfo = ''\n";
	char conf[PATH_MAX];

	if (!ha_local_make_state(local, fault) || !copy_key(local, key, fault) ||
		!ha_login_write_passfile(local->state, key, fault))
		return false;
	if (ha_files_path(conf, local->state, HA_LOCAL_SERVER_CONF) && ha_files_write(conf, empty, strlen(empty), 0600))
		return true;
	return ha_fault(fault, NULL, "\"%s\" can't be written: %s", conf, strerror(errno));
}

bool
ha_setup_state(const HaLocal *local, const HaHard *hard, HaFault *fault)
{
	HaStore store;
	HaStoreError error = ha_store_create(&store, local->state, hard, NULL);

	if (error != HA_STORE_OK)
		return ha_local_store_fault(local, error, fault);
	ha_store_close(&store);
	return true;
}
