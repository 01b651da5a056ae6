/*
 * members.c: see members.h.
 */
#include "ops/members.h"

static const char *
role_of(const HaStatus *status, const HaMember *member)
{
	if (member->id == status->leader)
		return "leader";
	if ((member->flags & HA_MEMBER_DATA) == 0)
		return "witness";
	return ha_set_has(status->reg.voters, member->id) ? "standby" : "learner";
}

static bool
is_itself_leader(const HaStatus *status, const HaMember *member)
{
	return member->id == status->id && member->id == status->leader;
}

static const char *
state_of(const HaStatus *status, const HaMember *member, const HaSummary *summary)
{
	if (is_itself_leader(status, member))
		return status->role == HA_ROLE_LEADER && status->lease_left_us == 0 && !status->reg.paused ? "fenced" :
			ha_role_name(status->role);
	/* Without a leader nobody tells of the others any more: what is known of them is old. */
	if (status->leader == 0 && member->id == status->id)
		return ha_role_name(status->role);
	if (summary == NULL || status->leader == 0)
		return "unknown";
	if (summary->seen_ms > status->promise_ms)
		return "silent";
	if (member->id == status->leader)
		return "leader";
	if ((member->flags & HA_MEMBER_DATA) == 0)
		return "voting";
	if (summary->primary)
		return "deposed primary";
	if (summary->joined_term != status->term)
		return "joining";
	return summary->blocks != 0 ? "blocked" : "following";
}

static bool
is_well(const HaMemberRow *row)
{
	return row->votes && (strcmp(row->state, "leader") == 0 || strcmp(row->state, "voting") == 0 ||
						  strcmp(row->state, "following") == 0);
}

HaMemberRow
ha_members_row(const HaStatus *status, const HaMember *member)
{
	bool data = (member->flags & HA_MEMBER_DATA) != 0;
	const HaSyncRule *rule = &status->reg.rule;
	const HaSummary *leader = ha_status_summary(status, status->leader);
	HaMemberRow row = {.member = member, .lag_bytes = -1, .seen_ms = -1, .lease_ms = -1};
	const HaEpoch *epoch;

	row.summary = ha_status_summary(status, member->id);
	row.kind = data ? "data" : "witness";
	row.role = role_of(status, member);
	row.state = state_of(status, member, row.summary);
	row.votes = ha_set_has(status->reg.voters, member->id);
	if (data && member->id != status->leader)
		row.sync = rule->sync && rule->k > 0 && ha_set_has(rule->sync_set, member->id) ? "quorum" : "async";
	row.well = is_well(&row);
	if (is_itself_leader(status, member))
		row.lease_ms = status->lease_left_us / HA_US_PER_MS;
	if (row.summary == NULL)
		return row;
	if (row.summary->seen_ms != UINT32_MAX && status->leader != 0)
		row.seen_ms = row.summary->seen_ms;
	if (!data || row.summary->position.lsn == 0)
		return row;
	row.lsn = row.summary->position.lsn;
	epoch = ha_chain_at(&status->reg.chain, row.lsn);
	if (epoch != NULL && epoch->term == row.summary->position.wal_term)
		row.tli = epoch->tli;
	if (leader != NULL && leader->position.lsn != 0)
		row.lag_bytes = leader->position.lsn > row.lsn ? (int64_t) (leader->position.lsn - row.lsn) : 0;
	return row;
}

const char *
ha_members_name(const HaStatus *status, HaId id)
{
	const HaMember *member = status->has_register ? ha_register_member(&status->reg, id) : NULL;

	return member != NULL ? member->name : NULL;
}

const char *
ha_members_next_block(uint32_t blocks, int *bit)
{
	static const char *const name[] = {"replay paused", "recovery_min_apply_delay", "recovery target", "fsync off",
		"full_page_writes off", "not consistent", "settings overridden", "no WAL comes"};

	for (; *bit < (int) (sizeof(name) / sizeof(name[0])); (*bit)++)
	{
		if ((blocks & (UINT32_C(1) << *bit)) != 0)
			return name[(*bit)++];
	}
	return NULL;
}
