/*
 * door.c: see door.h.
 */
#include "server/compat.h"

#include "io/login.h"
#include "libpq/auth.h"
#include "libpq/libpq-be.h"
#include "replication/walsender.h"
#include "server/door.h"
#include "server/gate.h"
#include "server/shmem.h"
#include "wire/receiver.h"

static ClientAuthentication_hook_type prev_authentication = NULL;

/*
 * The term in which this server left recovery by an election of this cluster, its epoch registered or about to be;
 * 0 when it did not.
 */
static HaTerm
elected_term(void)
{
	static HaStatus status;

	if (RecoveryInProgress() || !ha_shmem_status(&status))
		return 0;
	return status.role == HA_ROLE_OPENING || status.role == HA_ROLE_LEADER || status.role == HA_ROLE_HANDING_OVER ?
		status.term : 0;
}

static void
refuse_unless_joined(const char *options)
{
	HaTerm		term = elected_term();
	HaReceiver	receiver;

	if (term == 0)
		ereport(FATAL,
				(errcode(ERRCODE_CANNOT_CONNECT_NOW),
				 errmsg("this server does not lead the cluster: it gives no WAL to its members"),
				 errhint("haops.cluster says who leads.")));
	if (!ha_receiver_parse(options, &receiver))
		ereport(FATAL,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" is for members of the cluster, and this connection does not say which one it is",
						HA_LOGIN_ROLE),
				 errhint("For backups and other receivers of WAL make a role of their own.")));
	if (receiver.joined_term != term)
		ereport(FATAL,
				(errcode(ERRCODE_CANNOT_CONNECT_NOW),
				 errmsg("the member has joined term " UINT64_FORMAT ", this server leads in term " UINT64_FORMAT,
						receiver.joined_term, term),
				 errdetail("It gets no WAL before it has compared its own with the leader's.")));
	if (!ha_gate_admit_sender(&receiver.incarnation))
		ereport(FATAL,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("this is no member of the cluster, or not any more"),
				 errhint("\"pg_haops join\" makes it one.")));
}

/* What is decoded here may be no part of the cluster's history, and the subscriber could never give it back (R39). */
static void
refuse_without_lease(void)
{
	HaGateView	view;

	if (!RecoveryInProgress() && ha_gate_look(&view) != HA_GATE_OPEN)
		ereport(FATAL,
				(errcode(ERRCODE_CANNOT_CONNECT_NOW),
				 errmsg("this server does not hold the lease of the leader: it decodes no WAL"),
				 errhint("haops.cluster says who leads.")));
}

static void
authenticated(Port *port, int status)
{
	if (prev_authentication != NULL)
		prev_authentication(port, status);
	if (status == STATUS_OK && am_walsender && strcmp(port->user_name, HA_LOGIN_ROLE) == 0)
		refuse_unless_joined(port->cmdline_options);
	if (status == STATUS_OK && am_db_walsender)
		refuse_without_lease();
}

void
ha_door_install(void)
{
	prev_authentication = ClientAuthentication_hook;
	ClientAuthentication_hook = authenticated;
}
