/*
 * cmd_failover.c: `pg_haops failover --force`: a survivor leads after the majority was lost for good (R42).
 *
 * A failover with a majority needs no command. This one gives up what the majority guarantees, so it says what may be
 * lost, wants the cluster's name typed, and works on the member of this machine only. That it was done is an event.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/reach.h"
#include "io/clock.h"
#include "io/process.h"
#include "ops/members.h"

#define AGAIN_US (100 * HA_US_PER_MS)

static struct
{
	HaReach reach;
	const char *accept;
	bool force;
} given = {.reach = {.timeout_s = 60}};

static const HaOption options[] = {
	{"force", HA_OPTION_FLAG, &given.force, NULL, "yes, without a majority", 0, 0},
	{"data", HA_OPTION_TEXT, &given.reach.places.data, "DIR", "data directory of the member that is to lead", 0, 0},
	{"yes-i-accept-loss", HA_OPTION_TEXT, &given.accept, "CLUSTER", "the cluster's name, instead of typing it", 0, 0},
	{"config", HA_OPTION_TEXT, &given.reach.places.config, "DIR",
	 "where postgresql.conf is, when not in the data directory", 0, 0},
	{"programs", HA_OPTION_TEXT, &given.reach.places.programs, "DIR", "where PostgreSQL's programs are", 0, 0},
	{"timeout", HA_OPTION_NUMBER, &given.reach.timeout_s, "SECONDS", "how long to wait for it to lead (60)", 1, 3600},
	{NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand command = {
	"failover", "--force --data DIR [OPTION]...",
	"Lets the member on this machine lead although there is no majority, because the others are gone for good.\n"
	"What they had acknowledged and this one had not received is lost. If one of them still runs and is only\n"
	"cut off, both take writes until it hears of this.",
	options, false};

/* Who else is there, and what each was last known to hold. */
static void
show_loss(const HaStatus *self)
{
	printf("This member, %s, holds WAL up to %X/%X of term %" PRIu64 ".\n", ha_members_name(self, self->id),
		   (unsigned) (self->position.lsn >> 32), (unsigned) self->position.lsn, self->position.wal_term);
	for (uint32_t i = 0; i < self->reg.member_count; i++)
	{
		const HaMember *member = &self->reg.member[i];
		const HaSummary *summary = ha_status_summary(self, member->id);

		if (member->id == self->id)
			continue;
		if ((member->flags & HA_MEMBER_DATA) == 0)
			printf("  %-16s witness, no data\n", member->name);
		else if (summary == NULL || summary->position.lsn == 0)
			printf("  %-16s what it holds is not known\n", member->name);
		else if (ha_position_compare(summary->position, self->position) > 0)
			printf("  %-16s held MORE when last heard of: up to %X/%X (%" PRIu64 " bytes more)\n", member->name,
				   (unsigned) (summary->position.lsn >> 32), (unsigned) summary->position.lsn,
				   summary->position.lsn - self->position.lsn);
		else
			printf("  %-16s held no more than this one when last heard of\n", member->name);
	}
	if (self->reg.rule.sync && self->reg.rule.k > 0)
		printf("Commits waited for %u standbys: what this one has not received may have been acknowledged.\n",
			   self->reg.rule.k);
	else
		printf("Replication was asynchronous: what this one has not received may have been acknowledged.\n");
	printf("Whatever the others did since is lost, too. Afterwards this member votes alone; the others must be\n"
		   "rewound or cloned, and vote again when they follow it.\n");
}

/*
 * Nobody may lead, and no majority may be there that could elect: not by this member's word alone, which may have been
 * started a moment ago, but by everybody's who answers.
 */
static bool
check_lost(HaReach *reach, const HaStatus *self, HaFault *fault)
{
	HaUs silence_us = (HaUs) self->promise_ms * HA_US_PER_MS;
	HaSet answered = ha_set_of(self->id);
	HaStatus status;

	printf("Looking for a leader ...\n");
	if (ha_contact_leader(&reach->contact, &status, NULL, silence_us, fault))
		return ha_fault(fault, "pg_haops switchover hands over, pg_haops status shows the members",
						"%s leads: there is nothing to be forced", ha_members_name(&status, status.id));
	if (ha_process_interrupted())
		return false;
	for (uint32_t i = 0; i < self->reg.member_count; i++)
	{
		if (ha_contact_member(&reach->contact, &self->reg.member[i], &status, HA_CONTACT_ONE_US, fault))
			answered |= ha_set_of(status.id);
	}
	if (ha_majority(answered & self->reg.voters, self->reg.voters))
		return ha_fault(fault, "pg_haops status shows what it waits for",
						"a majority of the voters answers: it elects a leader by itself");
	return true;
}

static bool
confirm(const char *cluster, HaFault *fault)
{
	char typed[128] = "";

	if (given.accept != NULL)
		snprintf(typed, sizeof(typed), "%s", given.accept);
	else if (!isatty(STDIN_FILENO))
		return ha_fault(fault, "give --yes-i-accept-loss with the cluster's name", "nobody is there to be asked");
	else
	{
		printf("Type the cluster's name to go on: ");
		fflush(stdout);
		if (fgets(typed, sizeof(typed), stdin) == NULL)
			typed[0] = '\0';
		typed[strcspn(typed, "\n")] = '\0';
	}
	if (strcmp(typed, cluster) == 0)
		return true;
	return ha_fault(fault, NULL, "that is not the name of this cluster: nothing was changed");
}

static bool
await_lead(HaReach *reach, const HaMember *self, HaFault *fault)
{
	HaUs until_us = ha_clock_now().mono_us + reach->limit_us;
	HaStatus status;

	while (ha_clock_now().mono_us < until_us)
	{
		if (ha_contact_member(&reach->contact, self, &status, HA_CONTACT_ONE_US, fault) &&
			status.role == HA_ROLE_LEADER)
		{
			printf("%s leads, in term %" PRIu64 "\n", self->name, status.term);
			return true;
		}
		if (!ha_process_pause(AGAIN_US))
			break;
	}
	return ha_fault(fault, "the server's log and pg_haops status say more", "it does not lead yet");
}

/* Why, as far as the member's status tells, and what to do about it. */
static bool
refused(HaReach *reach, const HaMember *self, HaAnswer answer, HaFault *fault)
{
	HaStatus now;
	HaUs bound_us;
	char hint[128];

	if (answer != HA_ANSWER_NOT_READY || !ha_contact_member(&reach->contact, self, &now, HA_CONTACT_ONE_US, fault))
		return ha_fault(fault, "the server's log and pg_haops status say more", "the member refuses: %s",
						ha_answer_text(answer));
	if (now.leader != 0)
		return ha_fault(fault, "pg_haops status shows the members", "the member refuses: it hears %s, who leads",
						ha_members_name(&now, now.leader));
	if (now.pg.state != HA_PG_STANDBY)
		return ha_fault(fault, "look into the server's log, and ask again when it is a standby",
						"the member refuses: its PostgreSQL is no standby that can be read");
	/* As much when it is over by now. */
	bound_us = now.silent_left_us > now.promise_left_us ? now.silent_left_us : now.promise_left_us;
	snprintf(hint, sizeof(hint), "wait for one promise (%" PRId64 " s) and ask again",
			 bound_us / (1000 * HA_US_PER_MS) + 1);
	return ha_fault(fault, hint, "the member refuses: it has promised a leader to wait, or was started a moment ago");
}

static bool
force(HaReach *reach, HaFault *fault)
{
	const HaMember *self = ha_register_member(&reach->hard.reg, reach->hard.id);
	const HaRequest request = {.kind = HA_REQUEST_FORCE};
	char cluster[HA_PGDATA_VALUE_SIZE];
	HaStatus status;
	HaReply reply;
	HaOperator *op;
	bool ok;

	if (!ha_pgdata_setting(reach->local.programs, reach->local.config, "cluster_name", cluster, fault))
		return false;
	if (self == NULL)
		return ha_fault(fault, "join it anew", "this member is not in its own register");
	if (!ha_contact_member(&reach->contact, self, &status, HA_CONTACT_ONE_US, fault))
		return ha_fault_prefix(fault, "the server on this machine must run: ");
	if (!check_lost(reach, &status, fault))
		return false;
	show_loss(&status);
	if (!confirm(cluster, fault))
		return false;
	op = ha_operator_open(&reach->contact.key, self->peer_host, self->peer_port, HA_CONTACT_ONE_US, fault);
	ok = op != NULL && ha_operator_request(op, &request, &reply, HA_CONTACT_ONE_US, fault);
	ha_operator_close(op);
	if (!ok)
		return false;
	if (reply.answer != HA_ANSWER_DONE)
		return refused(reach, self, reply.answer, fault);
	return await_lead(reach, self, fault);
}

int
ha_cmd_failover(int argc, char **argv)
{
	HaFault fault = {.text = ""};
	HaExit code;
	int operand;

	if (!ha_command_read(&command, argc, argv, &operand, &code))
		return code;
	if (!given.force)
		return ha_command_misuse(&command,
								 "with a majority a failover happens by itself, and pg_haops switchover hands "
								 "over; without one it needs --force");
	if (!ha_reach_open(&given.reach, &command, &code))
		return code;
	/* The programs, for the cluster's name. */
	if (ha_local_open(&given.reach.local, &given.reach.places, &fault) && force(&given.reach, &fault))
		code = HA_EXIT_OK;
	else
		code = ha_command_fail(&command, &fault);
	ha_reach_close(&given.reach);
	return code;
}
