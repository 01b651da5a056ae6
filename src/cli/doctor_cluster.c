/*
 * doctor_cluster.c: what doctor asks the members; see findings.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/findings.h"
#include "cli/limits.h"
#include "io/clock.h"
#include "io/login.h"
#include "io/mac.h"
#include "io/pgconn.h"
#include "ops/members.h"
#include "ops/readiness.h"

#define CLOCK_WARN_US (1000 * HA_US_PER_MS)
#define SQL_LIMIT_US (5 * 1000 * HA_US_PER_MS)

typedef struct Answers
{
	HaStatus cluster;			/* the register that all is compared with */
	HaSet answered;
	HaStatus of[HA_ID_MAX + 1];
	int64_t clock_us[HA_ID_MAX + 1];	/* ahead of ours */
} Answers;

static const char *
name_of(const Answers *answers, HaId id)
{
	const char *name = ha_members_name(&answers->cluster, id);

	return name != NULL ? name : "?";
}

/* ---- Asking ---- */

static void
ask_member(HaReach *reach, Answers *answers, const HaMember *member, HaFindings *findings)
{
	HaFault fault = {.text = ""};
	int64_t before_us = ha_clock_wall_us();
	HaStatus *status = &answers->of[member->id];

	if (!ha_contact_member(&reach->contact, member, status, HA_CONTACT_ONE_US, &fault))
	{
		ha_fault_prefix(&fault, "%s: ", member->name);
		if (fault.hint[0] == '\0')
			snprintf(fault.hint, sizeof(fault.hint), "is it running, and may this machine reach port %u of %s?",
					 member->peer_port, member->peer_host);
		ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
		return;
	}
	answers->answered |= ha_set_of(member->id);
	answers->clock_us[member->id] = status->wall_us - (before_us + ha_clock_wall_us()) / 2;
}

/* ---- Comparing ---- */

/* A witness has no settings: its times are made of the leader's promise, and it never beats. */
static bool
has_times(const HaStatus *status)
{
	const HaMember *self = ha_register_member(&status->reg, status->id);

	return self != NULL && (self->flags & HA_MEMBER_DATA) != 0;
}

static void
check_times(const Answers *answers, HaFindings *findings)
{
	const HaStatus *first = NULL;

	for (HaSet s = answers->answered; s != 0; s &= s - 1)
	{
		const HaStatus *status = &answers->of[ha_set_first(s)];

		if (!has_times(status))
			continue;
		if (first == NULL)
			first = status;
		if (status->promise_ms != first->promise_ms || status->beat_ms != first->beat_ms)
			ha_findings_add(findings, HA_FINDING_WARN,
							"set pg_haops.promise and pg_haops.beat to the same on all members",
							"promise and beat are %u ms and %u ms on %s, %u ms and %u ms on %s", status->promise_ms,
							status->beat_ms, name_of(answers, status->id), first->promise_ms, first->beat_ms,
							name_of(answers, first->id));
	}
}

static void
check_versions(const Answers *answers, HaFindings *findings)
{
	HaId first = ha_set_first(answers->answered);
	bool same = true;

	for (HaSet s = answers->answered; s != 0; s &= s - 1)
	{
		const HaStatus *status = &answers->of[ha_set_first(s)];

		if (strcmp(status->software, answers->of[first].software) != 0)
		{
			same = false;
			ha_findings_add(findings, HA_FINDING_WARN, "bring all members to one version",
							"%s runs pg_haops %s, %s runs %s", name_of(answers, status->id), status->software,
							name_of(answers, first), answers->of[first].software);
		}
	}
	if (same && first != 0)
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "all that answer run pg_haops %s",
						answers->of[first].software);
}

static void
check_clocks(const Answers *answers, HaFindings *findings)
{
	bool good = true;

	for (HaSet s = answers->answered; s != 0; s &= s - 1)
	{
		HaId id = ha_set_first(s);
		int64_t ahead_us = answers->clock_us[id];

		if (ahead_us < CLOCK_WARN_US && ahead_us > -CLOCK_WARN_US)
			continue;
		good = false;
		ha_findings_add(findings, HA_FINDING_WARN, "let chrony or systemd-timesyncd keep the time",
						"the clock of %s is %" PRId64
						" ms %s; nothing is decided by it, but the times of events are wrong",
						name_of(answers, id), (ahead_us < 0 ? -ahead_us : ahead_us) / HA_US_PER_MS,
						ahead_us < 0 ? "behind" : "ahead");
	}
	if (good && answers->answered != 0)
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "the clocks agree within a second");
}

/* Each member must reach each other one, so both directions are asked for. */
static void
check_reach(const Answers *answers, HaFindings *findings)
{
	bool good = true;

	for (HaSet s = answers->answered; s != 0; s &= s - 1)
	{
		const HaStatus *status = &answers->of[ha_set_first(s)];
		HaSet missing = ha_register_members(&answers->cluster.reg) & ~status->reaches & ~ha_set_of(status->id);

		for (; missing != 0; missing &= missing - 1)
		{
			HaId id = ha_set_first(missing);
			const HaMember *other = ha_register_member(&answers->cluster.reg, id);
			char remedy[256];

			if (!ha_set_has(answers->answered, id))
				continue;		/* that it does not answer is said already */
			good = false;
			snprintf(remedy, sizeof(remedy), "let %s reach port %u of %s", name_of(answers, status->id),
					 other->peer_port, other->peer_host);
			ha_findings_add(findings, HA_FINDING_WARN, remedy, "%s can't open a connection to %s",
							name_of(answers, status->id), other->name);
		}
	}
	if (good && ha_set_count(answers->answered) > 1)
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "all that answer reach each other, both ways");
}

static void
check_sql(HaReach *reach, const HaMember *member, HaFindings *findings)
{
	char conninfo[HA_LOGIN_CONNINFO_SIZE];
	char password[HA_LOGIN_PASSWORD_SIZE] = "";
	char text[64];
	HaFault fault = {.text = ""};
	bool ok = ha_login_conninfo(member->sql_host, member->sql_port, "pg_haops doctor", conninfo) &&
		ha_login_password(&reach->contact.key, password) &&
		ha_pgconn_ask(conninfo, password, "SHOW server_version", text, sizeof(text), SQL_LIMIT_US, &fault);

	ha_mac_wipe(password, sizeof(password));
	if (ok)
	{
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "%s lets the replication role in from here; PostgreSQL %.40s",
						member->name, text);
		return;
	}
	ha_fault_prefix(&fault, "the PostgreSQL of %s does not let the replication role in from here: ", member->name);
	snprintf(fault.hint, sizeof(fault.hint), "its pg_hba.conf must let %s in, its firewall port %u", HA_LOGIN_ROLE,
			 member->sql_port);
	ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
}

static void
compare_limits(const Answers *answers, HaId low, HaId high, const HaLimits of[HA_ID_MAX + 1], HaFindings *findings)
{
	char remedy[256];

	for (int i = -1; (i = ha_limits_lower(&of[low], &of[high], false, i + 1)) < HA_LIMITS_COUNT;)
	{
		snprintf(remedy, sizeof(remedy), "set %s to %ld on %s, and restart it", ha_limits_name[i], of[high].value[i],
				 name_of(answers, low));
		ha_findings_add(findings, HA_FINDING_WARN, remedy,
						"%s is %ld on %s and only %ld on %s, which can't follow when %s leads", ha_limits_name[i],
						of[high].value[i], name_of(answers, high), of[low].value[i], name_of(answers, low),
						name_of(answers, high));
	}
}

/* Each against each: who leads next is not known (S60). */
static void
check_limits(HaReach *reach, const Answers *answers, HaFindings *findings)
{
	static HaLimits of[HA_ID_MAX + 1];
	const HaRegister *reg = &answers->cluster.reg;
	HaSet asked = ha_register_data(reg) & answers->answered;
	HaFault ignored;

	for (HaSet s = asked; s != 0; s &= s - 1)
		(void) ha_limits_ask(&reach->contact.key, ha_register_member(reg, ha_set_first(s)), &of[ha_set_first(s)],
							 &ignored);
	for (HaSet s = asked; s != 0; s &= s - 1)
	{
		for (HaSet t = asked; t != 0; t &= t - 1)
			compare_limits(answers, ha_set_first(s), ha_set_first(t), of, findings);
	}
}

static void
check_members(const Answers *answers, HaFindings *findings)
{
	for (uint32_t i = 0; i < answers->cluster.reg.member_count; i++)
	{
		const HaMember *member = &answers->cluster.reg.member[i];
		HaMemberRow row = ha_members_row(&answers->cluster, member);
		const char *block;
		int bit = 0;

		while (row.summary != NULL && (block = ha_members_next_block(row.summary->blocks, &bit)) != NULL)
			ha_findings_add(findings, HA_FINDING_BAD, "mend it on that member", "%s may not lead: %s", member->name,
							block);
		if (!row.well && ha_set_has(answers->answered, member->id))
			ha_findings_add(findings, HA_FINDING_WARN, NULL, "%s is %s%s", member->name, row.state,
							row.votes ? "" : " and does not vote");
	}
}

static void
check_readiness(const Answers *answers, HaFindings *findings)
{
	HaId candidate;
	HaReadiness readiness = ha_readiness(&answers->cluster, &candidate);

	if (!ha_contact_leads(&answers->cluster))
		ha_findings_add(findings, HA_FINDING_BAD, "a majority of the voters must run and reach each other",
						"no member leads at the moment");
	else if (readiness == HA_READINESS_READY)
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "%s, to %s", ha_readiness_text(readiness, false),
						name_of(answers, candidate));
	else
		ha_findings_add(findings, HA_FINDING_BAD, NULL, "%s", ha_readiness_text(readiness, false));
}

void
ha_doctor_cluster(HaReach *reach, HaFindings *findings)
{
	static Answers answers;
	HaFault fault = {.text = ""};
	const HaRegister *reg = &answers.cluster.reg;

	if (!ha_contact_leader(&reach->contact, &answers.cluster, NULL, HA_CONTACT_ONE_US, &fault) &&
		!ha_contact_any(&reach->contact, &answers.cluster, reach->limit_us, &fault))
	{
		ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
		return;
	}
	if (!answers.cluster.has_register)
		return;
	for (uint32_t i = 0; i < reg->member_count; i++)
		ask_member(reach, &answers, &reg->member[i], findings);
	check_versions(&answers, findings);
	check_times(&answers, findings);
	check_clocks(&answers, findings);
	check_reach(&answers, findings);
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		if ((reg->member[i].flags & HA_MEMBER_DATA) != 0 && ha_set_has(answers.answered, reg->member[i].id))
			check_sql(reach, &reg->member[i], findings);
	}
	check_limits(reach, &answers, findings);
	check_members(&answers, findings);
	check_readiness(&answers, findings);
}
