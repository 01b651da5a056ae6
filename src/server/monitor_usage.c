/*
 * monitor_usage.c: see monitor_usage.h.
 */
#include "server/compat.h"

#include "server/monitor_usage.h"

#include "server/monitor_ask.h"
#include "server/monitor_query.h"
#include "server/shmem.h"
#include "wire/status.h"

#define ASK_LIMIT_MS 5000
#define WHY_SIZE 256

static void
collect_from(const HaMember *member, const char *database, const char *query, int32 limit_ms)
{
	char		why[WHY_SIZE];
	char	   *answer = ha_monitor_ask(member, database, query, ASK_LIMIT_MS, why, sizeof(why));

	if (answer == NULL)
		ha_monitor_query("SELECT haops.index_usage_missed($1, $2)", 2,
						 (const char *const[]) {member->name, why}, limit_ms);
	else
	{
		ha_monitor_query("SELECT haops.index_usage_store($1, $2::pg_catalog.json)", 2,
						 (const char *const[]) {member->name, answer}, limit_ms);
		pfree(answer);
	}
}

void
ha_monitor_usage_collect(Oid database, int32 limit_ms)
{
	HaStatus   *status = palloc(sizeof(HaStatus));
	char		oid[16];
	char	   *name;
	char	   *query;

	snprintf(oid, sizeof(oid), "%u", database);
	if (!ha_shmem_status(status) || !status->has_register)
		return;
	name = ha_monitor_query("SELECT datname FROM pg_catalog.pg_database WHERE oid = $1::pg_catalog.oid", 1,
							(const char *const[]) {oid}, limit_ms);
	query = ha_monitor_query("SELECT haops.index_usage_query()", 0, NULL, limit_ms);
	for (uint32 i = 0; name != NULL && query != NULL && i < status->reg.member_count; i++)
	{
		const HaMember *member = &status->reg.member[i];

		if ((member->flags & HA_MEMBER_DATA) && member->id != status->id)
			collect_from(member, name, query, limit_ms);
	}
	pfree(status);
}
