/*
 * setup.c: see setup.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive/setup.h"
#include "io/files.h"
#include "io/login.h"
#include "io/mac.h"
#include "io/process.h"

#define CONF_BYTES_MAX ((size_t) 4 * 1024 * 1024)
#define SINGLE_LIMIT_US (600 * 1000 * HA_US_PER_MS)

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
