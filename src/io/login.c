/*
 * login.c: see login.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "io/files.h"
#include "io/login.h"
#include "io/mac.h"

bool
ha_login_password(const HaKey *key, char password[HA_LOGIN_PASSWORD_SIZE])
{
	uint8_t mac[HA_MAC_BYTES];
	bool ok = ha_mac(key->byte, HA_LOGIN_ROLE, strlen(HA_LOGIN_ROLE), mac);

	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(password + 2 * i, 3, "%02x", mac[i]);
	ha_mac_wipe(mac, sizeof(mac));
	return ok;
}

bool
ha_login_write_passfile(const char *state_directory, const HaKey *key, HaFault *fault)
{
	char path[PATH_MAX];
	char password[HA_LOGIN_PASSWORD_SIZE];
	char line[sizeof(password) + 64];
	bool ok = ha_files_path(path, state_directory, HA_LOGIN_PASSFILE) && ha_login_password(key, password);

	if (ok)
	{
		snprintf(line, sizeof(line), "*:*:*:" HA_LOGIN_ROLE ":%s\n", password);
		ok = ha_files_write(path, line, strlen(line), 0600);
	}
	ha_mac_wipe(password, sizeof(password));
	ha_mac_wipe(line, sizeof(line));
	return ok || ha_fault(fault, NULL, "\"%s\" can't be written: %s", path, strerror(errno));
}

/* Adds ` key='value'`, escaped; false when it does not fit. */
static bool
add_value(char *conninfo, const char *key, const char *value)
{
	size_t used = strlen(conninfo);
	size_t limit = HA_LOGIN_CONNINFO_SIZE - 3;	/* for an escape, a quote and the end */
	int head = snprintf(conninfo + used, HA_LOGIN_CONNINFO_SIZE - used, "%s%s='", used > 0 ? " " : "", key);

	used += (size_t) head;
	for (const char *c = value; *c != '\0' && used < limit; c++)
	{
		if (*c == '\'' || *c == '\\')
			conninfo[used++] = '\\';
		conninfo[used++] = *c;
	}
	if (used >= limit)
		return false;
	conninfo[used++] = '\'';
	conninfo[used] = '\0';
	return true;
}

bool
ha_login_conninfo(const char *host, uint16_t port, const char *who, char conninfo[HA_LOGIN_CONNINFO_SIZE])
{
	char number[8];

	conninfo[0] = '\0';
	snprintf(number, sizeof(number), "%u", (unsigned) port);
	return add_value(conninfo, "host", host) && add_value(conninfo, "port", number) &&
		add_value(conninfo, "user", HA_LOGIN_ROLE) && add_value(conninfo, "dbname", HA_LOGIN_DATABASE) &&
		add_value(conninfo, "application_name", who) && add_value(conninfo, "connect_timeout", "5") &&
		add_value(conninfo, "tcp_user_timeout", "10000") && add_value(conninfo, "gssencmode", "disable");
}

/* Of two values libpq takes the last one. */
bool
ha_login_set_database(const char *database, char conninfo[HA_LOGIN_CONNINFO_SIZE])
{
	return add_value(conninfo, "dbname", database);
}

bool
ha_login_add_receiver(const HaReceiver *receiver, char conninfo[HA_LOGIN_CONNINFO_SIZE])
{
	char option[HA_RECEIVER_SIZE];

	ha_receiver_print(receiver, option);
	return add_value(conninfo, "options", option);
}

bool
ha_login_environment(const HaKey *key, char variable[HA_LOGIN_ENVIRONMENT_SIZE])
{
	char password[HA_LOGIN_PASSWORD_SIZE];
	bool ok = ha_login_password(key, password);

	snprintf(variable, HA_LOGIN_ENVIRONMENT_SIZE, "PGPASSWORD=%s", password);
	ha_mac_wipe(password, sizeof(password));
	return ok;
}

bool
ha_login_sql(const char *password, char *sql, size_t size)
{
	int length = snprintf(sql, size,
						  "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '%s')"
						  " THEN CREATE ROLE %s; END IF; END $$;\n\n"
						  "ALTER ROLE %s WITH LOGIN REPLICATION INHERIT NOSUPERUSER NOCREATEDB NOCREATEROLE"
						  " NOBYPASSRLS CONNECTION LIMIT -1 PASSWORD '%s' VALID UNTIL 'infinity';\n\n"
						  "GRANT pg_monitor TO %s;\n\n"
						  "GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text, boolean, boolean),"
						  " pg_catalog.pg_stat_file(text, boolean), pg_catalog.pg_read_binary_file(text),"
						  " pg_catalog.pg_read_binary_file(text, bigint, bigint, boolean) TO %s;\n\n",
						  HA_LOGIN_ROLE, HA_LOGIN_ROLE, HA_LOGIN_ROLE, password, HA_LOGIN_ROLE, HA_LOGIN_ROLE);

	return length > 0 && (size_t) length < size;
}
