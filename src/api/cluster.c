/*
 * cluster.c: what SQL sees of the cluster: members, events, readiness, the fence, the table of roles.
 *
 * Everything is read from what the ha worker published in shared memory; nothing here waits or touches the network. On
 * a server that is no member the views are empty.
 */
#include "server/compat.h"

#include "api/row.h"
#include "core/roles.h"
#include "fmgr.h"
#include "funcapi.h"
#include "io/clock.h"
#include "ops/members.h"
#include "ops/readiness.h"
#include "server/gate.h"
#include "server/preflight.h"
#include "server/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(ha_api_cluster_members);
PG_FUNCTION_INFO_V1(ha_api_events);
PG_FUNCTION_INFO_V1(ha_api_readiness);
PG_FUNCTION_INFO_V1(ha_api_fence);
PG_FUNCTION_INFO_V1(ha_api_roles);

/* ---- Members ---- */

static void
add_blocks(HaRow *row, uint32 blocks)
{
	Datum		element[32];
	int			count = 0;
	int			bit = 0;
	const char *name;

	while ((name = ha_members_next_block(blocks, &bit)) != NULL)
		element[count++] = CStringGetTextDatum(name);
	if (count == 0)
		ha_row_add_null(row);
	else
		ha_row_add(row, PointerGetDatum(construct_array(element, count, TEXTOID, -1, false, TYPALIGN_INT)));
}

static const char *
role_of(const HaStatus *status, const HaMember *member)
{
	if (member->id == status->leader)
		return "leader";
	if (!(member->flags & HA_MEMBER_DATA))
		return "witness";
	return ha_set_has(status->reg.voters, member->id) ? "standby" : "learner";
}

/* One word: what is to be said of this member first. */
static const char *
state_of(const HaStatus *status, const HaMember *member, const HaSummary *summary)
{
	if (member->id == status->id && member->id == status->leader)
		return status->role == HA_ROLE_LEADER && status->lease_left_us == 0 ? "fenced" : ha_role_name(status->role);
	if (summary == NULL)
		return "unknown";
	if (summary->seen_ms > status->promise_ms)
		return "silent";
	if (member->id == status->leader)
		return "leader";
	if (!(member->flags & HA_MEMBER_DATA))
		return "voting";
	if (summary->primary)
		return "deposed primary";
	if (summary->joined_term != status->term)
		return "joining";
	return summary->blocks != 0 ? "blocked" : "following";
}

static const char *
sync_of(const HaStatus *status, const HaMember *member)
{
	const HaSyncRule *rule = &status->reg.rule;

	if (!(member->flags & HA_MEMBER_DATA) || member->id == status->leader)
		return NULL;
	return rule->sync && rule->k > 0 && ha_set_has(rule->sync_set, member->id) ? "quorum" : "async";
}

static void
put_member(FunctionCallInfo fcinfo, const HaStatus *status, const HaMember *member)
{
	const HaSummary *summary = ha_status_summary(status, member->id);
	const HaSummary *leader = ha_status_summary(status, status->leader);
	bool		data = (member->flags & HA_MEMBER_DATA) != 0;
	HaLsn		lsn = summary != NULL && data ? summary->position.lsn : 0;
	const HaEpoch *epoch = lsn != 0 ? ha_chain_at(&status->reg.chain, lsn) : NULL;
	HaRow		row = {0};

	ha_row_add_text(&row, member->name);
	ha_row_add(&row, Int32GetDatum((int32) member->id));
	ha_row_add_text(&row, data ? "data" : "witness");
	ha_row_add_text(&row, role_of(status, member));
	ha_row_add_text(&row, state_of(status, member, summary));
	ha_row_add_bool(&row, ha_set_has(status->reg.voters, member->id));
	ha_row_add(&row, Int32GetDatum((int32) member->priority));
	ha_row_add_text(&row, sync_of(status, member));
	if (lsn != 0)
		ha_row_add_int8(&row, (int64) summary->position.wal_term);
	else
		ha_row_add_null(&row);
	if (epoch != NULL && epoch->term == summary->position.wal_term)
		ha_row_add(&row, Int32GetDatum((int32) epoch->tli));
	else
		ha_row_add_null(&row);
	ha_row_add_lsn(&row, lsn);
	ha_row_add_lsn(&row, lsn != 0 ? summary->replay_lsn : 0);
	if (lsn != 0 && leader != NULL && leader->position.lsn != 0)
		ha_row_add_int8(&row, Max((int64) (leader->position.lsn - lsn), 0));
	else
		ha_row_add_null(&row);
	if (summary != NULL && summary->seen_ms != UINT32_MAX)
		ha_row_add_interval(&row, (int64) summary->seen_ms * HA_US_PER_MS);
	else
		ha_row_add_null(&row);
	if (member->id == status->id && member->id == status->leader)
		ha_row_add_interval(&row, Min(status->lease_left_us, INT64CONST(1000000) * 86400));
	else
		ha_row_add_null(&row);
	add_blocks(&row, summary != NULL ? summary->blocks : 0);
	ha_row_add_address(&row, member->sql_host, member->sql_port);
	ha_row_add_address(&row, member->peer_host, member->peer_port);
	ha_row_add_bool(&row, member->id == status->id);
	ha_row_put(fcinfo, &row);
}

Datum
ha_api_cluster_members(PG_FUNCTION_ARGS)
{
	HaStatus   *status = palloc(sizeof(HaStatus));

	ha_shmem_require();
	InitMaterializedSRF(fcinfo, 0);
	if (ha_shmem_status(status) && status->has_register)
	{
		for (uint32 i = 0; i < status->reg.member_count; i++)
			put_member(fcinfo, status, &status->reg.member[i]);
	}
	return (Datum) 0;
}

/* ---- Events ---- */

static const char *
member_name(const HaStatus *status, HaId id)
{
	const HaMember *member = status->has_register ? ha_register_member(&status->reg, id) : NULL;

	return member != NULL ? member->name : NULL;
}

static void
put_event(FunctionCallInfo fcinfo, const HaStatus *status, const HaEventRecord *record)
{
	static const char *const severity[] = {"info", "warning", "critical"};
	HaRow		row = {0};

	ha_row_add(&row, TimestampTzGetDatum(record->key.wall_us -
								  (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * USECS_PER_DAY));
	ha_row_add_text(&row, member_name(status, record->key.origin));
	ha_row_add_int8(&row, (int64) record->term);
	ha_row_add_text(&row, ha_event_name(record->kind));
	ha_row_add_text(&row, (unsigned) record->severity < lengthof(severity) ? severity[record->severity] : "critical");
	ha_row_add_text(&row, member_name(status, record->member));
	ha_row_add_lsn(&row, record->lsn);
	ha_row_add_int8(&row, record->value);
	ha_row_add_text(&row, record->text);
	ha_row_put(fcinfo, &row);
}

Datum
ha_api_events(PG_FUNCTION_ARGS)
{
	HaStatus   *status = palloc(sizeof(HaStatus));
	HaEventList *list = palloc(sizeof(HaEventList));

	ha_shmem_require();
	InitMaterializedSRF(fcinfo, 0);
	ha_shmem_status(status);
	if (ha_shmem_events(list))
	{
		for (uint32 i = 0; i < list->count; i++)
			put_event(fcinfo, status, &list->record[i]);
	}
	return (Datum) 0;
}

/* ---- Readiness ---- */

Datum
ha_api_readiness(PG_FUNCTION_ARGS)
{
	HaStatus   *status = palloc(sizeof(HaStatus));
	const HaSummary *candidate;
	HaReadiness readiness;
	HaId		best = 0;
	HaRow		row = {0};

	ha_shmem_require();
	InitMaterializedSRF(fcinfo, 0);
	if (!ha_shmem_status(status))
		return (Datum) 0;

	readiness = ha_readiness(status, &best);
	candidate = ha_status_summary(status, best);
	ha_row_add_bool(&row, readiness == HA_READINESS_READY);
	ha_row_add_text(&row, member_name(status, best));
	if (candidate == NULL)
		ha_row_add_null(&row);
	else if (status->reg.rule.sync && status->reg.rule.k > 0)
		ha_row_add_int8(&row, 0);	/* whoever is elected holds every acknowledged commit */
	else
		ha_row_add_int8(&row, Max((int64) (status->pg.flush_lsn - candidate->position.lsn), 0));
	ha_row_add_text(&row, ha_readiness_text(readiness, false));
	ha_row_put(fcinfo, &row);
	return (Datum) 0;
}

/* ---- This server's fence ---- */

Datum
ha_api_fence(PG_FUNCTION_ARGS)
{
	HaStatus   *status = palloc(sizeof(HaStatus));
	HaGateView	view;
	HaVerdictOfGate verdict;
	int64		left_us;
	bool		known;
	HaRow		row = {0};

	ha_shmem_require();
	InitMaterializedSRF(fcinfo, 0);
	known = ha_shmem_status(status);
	verdict = ha_gate_look(&view);
	left_us = (int64) pg_atomic_read_u64(&ha_shmem->lease_until_us) - ha_clock_now().boot_us;

	ha_row_add_bool(&row, ha_preflight_member);
	ha_row_add_text(&row, known ? ha_role_name(status->role) : NULL);
	if (known)
		ha_row_add_int8(&row, (int64) status->term);
	else
		ha_row_add_null(&row);
	ha_row_add_text(&row, known ? member_name(status, status->leader) : NULL);
	ha_row_add_bool(&row, !ha_preflight_member || verdict == HA_GATE_OPEN);
	if (verdict == HA_GATE_OPEN)
		ha_row_add_interval(&row, Min(left_us, INT64CONST(1000000) * 86400));
	else
		ha_row_add_null(&row);
	ha_row_add_int8(&row, (int64) pg_atomic_read_u64(&ha_shmem->refused));
	ha_row_add_int8(&row, (int64) pg_atomic_read_u64(&ha_shmem->unacknowledged));
	ha_row_put(fcinfo, &row);
	return (Datum) 0;
}

/* ---- The table of roles ---- */

Datum
ha_api_roles(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (size_t i = 0; i < ha_roles_count; i++)
	{
		const HaTransition *way = &ha_roles_table[i];
		HaRow		row = {0};

		ha_row_add_text(&row, ha_role_name(way->from));
		ha_row_add_text(&row, ha_trigger_name(way->trigger));
		ha_row_add_text(&row, ha_role_name(way->to));
		ha_row_add_text(&row, way->sentence);
		ha_row_put(fcinfo, &row);
	}
	return (Datum) 0;
}
