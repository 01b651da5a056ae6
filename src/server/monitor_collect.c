/*
 * monitor_collect.c: see monitor_collect.h.
 */
#include "server/compat.h"

#include "server/monitor_collect.h"

#include "server/monitor_ask.h"
#include "server/monitor_query.h"
#include "server/shmem.h"
#include "wire/status.h"

#define ASK_LIMIT_MS 5000
#define WHY_SIZE 256

static void
collect_from(const HaMember *member, const char *domain, const char *database, const char *query, int32 limit_ms)
{
	char		why[WHY_SIZE];
	char	   *answer = ha_monitor_ask(member, database, query, ASK_LIMIT_MS, why, sizeof(why));
	char	   *store = psprintf(answer != NULL ? "SELECT haops.%s_store($1, $2::pg_catalog.json)" :
								 "SELECT haops.%s_missed($1, $2)", domain);

	(void) ha_monitor_query(store, 2, (const char *const[]) {member->name, answer != NULL ? answer : why}, limit_ms);
	pfree(store);
	if (answer != NULL)
		pfree(answer);
}

void
ha_monitor_collect(const char *domain, Oid database, int32 limit_ms)
{
	HaStatus   *status = palloc(sizeof(HaStatus));
	char	   *name;
	char	   *query;

	if (!ha_shmem_status(status) || !status->has_register)
		return;
	name = ha_monitor_query(psprintf("SELECT datname FROM pg_catalog.pg_database WHERE oid = %u", database), 0, NULL,
							limit_ms);
	query = ha_monitor_query(psprintf("SELECT haops.%s_query()", domain), 0, NULL, limit_ms);
	for (uint32 i = 0; name != NULL && query != NULL && i < status->reg.member_count; i++)
	{
		const HaMember *member = &status->reg.member[i];

		if ((member->flags & HA_MEMBER_DATA) && member->id != status->id)
			collect_from(member, domain, name, query, limit_ms);
	}
	pfree(status);
}
