/*
 * operate.c: what operators ask of the cluster in SQL.
 *
 * Every request is logged with who asked and from where, goes to the ha worker (server/requests.h), from there to the
 * leader, and is answered when it is done, or refused with one clear error.
 */
#include "server/compat.h"

#include "fmgr.h"
#include "libpq/libpq-be.h"
#include "server/preflight.h"
#include "server/requests.h"
#include "server/shmem.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(ha_api_switchover);
PG_FUNCTION_INFO_V1(ha_api_pause);
PG_FUNCTION_INFO_V1(ha_api_resume);
PG_FUNCTION_INFO_V1(ha_api_set_priority);
PG_FUNCTION_INFO_V1(ha_api_set_sync);

#define ANSWER_TIMEOUT_MS 10000

/* The cluster as this server knows it, or an error. */
static HaStatus *
known_cluster(void)
{
	HaStatus   *status = palloc(sizeof(HaStatus));

	ha_shmem_require();
	if (!ha_preflight_member)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this server is not a member of a cluster"),
				 errhint("Make it the first member with \"pg_haops create\", or add it with \"pg_haops join\".")));
	if (!ha_shmem_status(status) || !status->has_register)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("this server does not take part in its cluster"),
				 errhint("The server's log says why.")));
	return status;
}

static HaId
member_id(const HaStatus *status, const char *name)
{
	for (uint32 i = 0; i < status->reg.member_count; i++)
	{
		if (strcmp(status->reg.member[i].name, name) == 0)
			return status->reg.member[i].id;
	}
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("the cluster has no member \"%s\"", name)));
	return 0;
}

static void
refuse(const HaStatus *status, const HaReply *reply)
{
	const HaMember *leader = ha_register_member(&status->reg, reply->leader);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the cluster refused: %s", ha_answer_text(reply->answer)),
			 leader != NULL && reply->answer == HA_ANSWER_NOT_LEADER ?
			 errhint("The leader is member \"%s\" at %s, port %u.", leader->name, leader->sql_host, leader->sql_port) :
			 reply->answer == HA_ANSWER_BUSY ?
			 errhint("Ask again when it is over; haops.cluster and haops.events show what became of it.") :
			 0));
}

static text *
ask(const HaStatus *status, const HaRequest *request, const char *what)
{
	HaReply		reply;

	ereport(LOG,
			(errmsg("pg_haops: %s, asked by \"%s\" from %s", what, GetUserNameFromId(GetUserId(), false),
					MyProcPort != NULL && MyProcPort->remote_host != NULL ? MyProcPort->remote_host : "this server")));
	if (!ha_request_ask(request, ANSWER_TIMEOUT_MS, &reply))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the cluster did not answer within %d seconds", ANSWER_TIMEOUT_MS / 1000),
				 errdetail("It may still carry out what was asked."),
				 errhint("Look at haops.cluster and haops.events.")));
	if (reply.answer != HA_ANSWER_DONE)
		refuse(status, &reply);
	return cstring_to_text(what);
}

Datum
ha_api_switchover(PG_FUNCTION_ARGS)
{
	HaStatus   *status = known_cluster();
	HaRequest	request = {.kind = HA_REQUEST_HAND_OVER};
	const char *name = NULL;

	if (!PG_ARGISNULL(0))
	{
		name = text_to_cstring(PG_GETARG_TEXT_PP(0));
		request.member.id = member_id(status, name);
	}
	PG_RETURN_TEXT_P(ask(status, &request,
						 name != NULL ? psprintf("hand-over to member \"%s\"", name) : "hand-over to the best member"));
}

Datum
ha_api_pause(PG_FUNCTION_ARGS)
{
	HaRequest	request = {.kind = HA_REQUEST_PAUSE};

	PG_RETURN_TEXT_P(ask(known_cluster(), &request, "pause of automatic failover"));
}

Datum
ha_api_resume(PG_FUNCTION_ARGS)
{
	HaRequest	request = {.kind = HA_REQUEST_RESUME};

	PG_RETURN_TEXT_P(ask(known_cluster(), &request, "end of the pause of automatic failover"));
}

Datum
ha_api_set_priority(PG_FUNCTION_ARGS)
{
	HaStatus   *status = known_cluster();
	const char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int32		priority = PG_GETARG_INT32(1);
	HaRequest	request = {.kind = HA_REQUEST_SET_PRIORITY};

	if (priority < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a priority is zero or more")));
	request.member.id = member_id(status, name);
	request.member.priority = (uint32) priority;
	PG_RETURN_TEXT_P(ask(status, &request, psprintf("priority %d for member \"%s\"", priority, name)));
}

Datum
ha_api_set_sync(PG_FUNCTION_ARGS)
{
	int32		wanted = PG_GETARG_INT32(0);
	int32		minimum = PG_GETARG_INT32(1);
	HaRequest	request = {.kind = HA_REQUEST_SET_SYNC};

	if (wanted < 0 || minimum < 0 || minimum > wanted)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the numbers of members must be zero or more, and the minimum not above what is wanted")));
	request.k_wanted = (uint32) wanted;
	request.k_min = (uint32) minimum;
	PG_RETURN_TEXT_P(ask(known_cluster(), &request,
						 psprintf("commits wait for %d members, at least %d", wanted, minimum)));
}
