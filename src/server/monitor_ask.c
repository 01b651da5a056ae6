/*
 * monitor_ask.c: see monitor_ask.h.
 */
#include "server/compat.h"

#include "server/monitor_ask.h"

#include "io/key.h"
#include "io/login.h"
#include "io/mac.h"
#include "io/pgconn.h"
#include "server/guc.h"

#define WHO "pg_haops monitor"
#define ANSWER_MAX (64 * 1024 * 1024)	/* memory that is not written to costs nothing */

static bool
interrupted(void)
{
	return InterruptPending;
}

static bool
password_of(char password[HA_LOGIN_PASSWORD_SIZE], HaFault *fault)
{
	char		path[MAXPGPATH];
	HaKey		key;
	HaKeyError	error;
	bool		ok;

	ha_guc_key_path(path);
	error = ha_key_read(path, &key);
	if (error != HA_KEY_OK)
		return ha_fault(fault, ha_key_hint(error), "%s", ha_key_text(error));
	ok = ha_login_password(&key, password);
	ha_key_wipe(&key);
	return ok;
}

char *
ha_monitor_ask(const HaMember *member, const char *database, const char *query, int32 limit_ms, char *why,
			   size_t why_size)
{
	char		conninfo[HA_LOGIN_CONNINFO_SIZE];
	char		password[HA_LOGIN_PASSWORD_SIZE];
	char	   *text = palloc_extended(ANSWER_MAX, MCXT_ALLOC_HUGE);
	HaFault		fault = {0};
	bool		ok;

	ha_pgconn_interrupted = interrupted;
	ok = password_of(password, &fault) && ha_login_conninfo(member->sql_host, member->sql_port, WHO, conninfo) &&
		ha_login_set_database(database, conninfo) &&
		ha_pgconn_ask(conninfo, password, query, text, ANSWER_MAX, limit_ms * HA_US_PER_MS, &fault);
	ha_mac_wipe(password, sizeof(password));
	CHECK_FOR_INTERRUPTS();
	if (ok)
		return text;
	strlcpy(why, fault.text, why_size);
	pfree(text);
	return NULL;
}
