/*
 * limits.c: see limits.h.
 */
#include <stdio.h>
#include <string.h>

#include "cli/limits.h"
#include "io/login.h"
#include "io/mac.h"
#include "io/pgconn.h"

#define ASK_US (2 * 1000 * HA_US_PER_MS)

const char *const ha_limits_name[HA_LIMITS_COUNT] = {
	"max_connections", "max_worker_processes", "max_wal_senders", "max_prepared_transactions",
	"max_locks_per_transaction"};

bool
ha_limits_read(const char *text, HaLimits *limits)
{
	int found = 0;

	memset(limits, 0, sizeof(*limits));
	for (const char *line = text; line != NULL && *line != '\0' && found < HA_LIMITS_COUNT; found++)
	{
		char name[64];
		char pending;
		long value;
		int i = 0;

		if (sscanf(line, "%63s %ld %c", name, &value, &pending) != 3)
			return false;
		while (i < HA_LIMITS_COUNT && strcmp(name, ha_limits_name[i]) != 0)
			i++;
		if (i == HA_LIMITS_COUNT)
			return false;
		limits->value[i] = value;
		limits->pending[i] = pending == 't';
		line = strchr(line, '\n');
		line = line != NULL ? line + 1 : NULL;
	}
	limits->known = found == HA_LIMITS_COUNT;
	return limits->known;
}

bool
ha_limits_ask(const HaKey *key, const HaMember *member, HaLimits *limits, HaFault *fault)
{
	static const char sql[] =
		"SELECT name || ' ' || setting || ' ' || pending_restart FROM pg_catalog.pg_settings WHERE name IN "
		"('max_connections', 'max_worker_processes', 'max_wal_senders', 'max_prepared_transactions', "
		"'max_locks_per_transaction')";
	char conninfo[HA_LOGIN_CONNINFO_SIZE];
	char password[HA_LOGIN_PASSWORD_SIZE] = "";
	char text[512] = "";
	bool ok = ha_login_conninfo(member->sql_host, member->sql_port, "pg_haops limits", conninfo) &&
		ha_login_password(key, password) &&
		ha_pgconn_ask(conninfo, password, sql, text, sizeof(text), ASK_US, fault);

	ha_mac_wipe(password, sizeof(password));
	limits->known = false;
	return ok && (ha_limits_read(text, limits) || ha_fault(fault, NULL, "its answer can't be understood"));
}

int
ha_limits_lower(const HaLimits *standby, const HaLimits *primary, bool restarts, int from)
{
	int i = from;

	if (!standby->known || !primary->known)
		return HA_LIMITS_COUNT;
	while (i < HA_LIMITS_COUNT &&
		   (standby->value[i] >= primary->value[i] || (restarts && standby->pending[i])))
		i++;
	return i;
}
