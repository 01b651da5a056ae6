/*
 * door.c: see door.h.
 */
#include "server/compat.h"

#include "io/login.h"
#include "libpq/auth.h"
#include "libpq/libpq-be.h"
#include "replication/walsender.h"
#include "server/door.h"
#include "server/shmem.h"

static ClientAuthentication_hook_type prev_authentication = NULL;

/* Out of recovery by an election of this cluster: its epoch is registered, or about to be. */
static bool
elected_primary(void)
{
	static HaStatus status;

	if (RecoveryInProgress() || !ha_shmem_status(&status))
		return false;
	return status.role == HA_ROLE_OPENING || status.role == HA_ROLE_LEADER || status.role == HA_ROLE_HANDING_OVER;
}

static void
authenticated(Port *port, int status)
{
	if (prev_authentication != NULL)
		prev_authentication(port, status);
	if (status != STATUS_OK || !am_walsender || strcmp(port->user_name, HA_LOGIN_ROLE) != 0 || elected_primary())
		return;
	ereport(FATAL,
			(errcode(ERRCODE_CANNOT_CONNECT_NOW),
			 errmsg("this server does not lead the cluster: it gives no WAL to its members"),
			 errhint("haops.cluster says who leads.")));
}

void
ha_door_install(void)
{
	prev_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = authenticated;
}
