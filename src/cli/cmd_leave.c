/*
 * cmd_leave.c: `pg_haops leave`: takes the member on this machine, or another one by its name, out of the cluster.
 */
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/reach.h"

static struct
{
	HaReach reach;
	const char *member;
} given = {.reach = {.timeout_s = HA_REACH_TIMEOUT_S}};

static const HaOption options[] = {
	HA_REACH_OPTIONS(given.reach),
	{"member", HA_OPTION_TEXT, &given.member, "NAME", "another member, which is gone for good", 0, 0},
	{NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand command = {
	"leave", "[--data DIR] [--member NAME] [OPTION]...",
	"Takes a member out of the cluster: the one of the data directory, or the one that is named. It votes no\n"
	"more and its slots go. Its data directory stays as it is, and its server takes no writes any more.",
	options, false};

/* Who is to go. */
static const HaMember *
find_member(const HaReach *reach, const HaStatus *leader, HaFault *fault)
{
	const HaMember *self;

	if (given.member != NULL)
		return ha_reach_named(&leader->reg, given.member, fault);
	if (!reach->is_local)
	{
		ha_fault(fault, NULL, "name the member with --member, or its data directory with --data");
		return NULL;
	}
	self = ha_register_member(&leader->reg, reach->hard.id);
	if (self != NULL && ha_uuid_equal(&self->incarnation, &reach->hard.incarnation))
		return self;
	ha_fault(fault, NULL, "the cluster does not know the member of this data directory any more");
	return NULL;
}

/* Its state is of no use any more; a running server holds it and keeps it. */
static void
put_state_away(const HaReach *reach)
{
	HaStoreError error = ha_store_set_aside(reach->local.state);

	printf("to use its directory without a cluster, remove the folder pg_haops in it and the block of pg_haops in\n"
		   "postgresql.conf\n");
	if (error == HA_STORE_BUSY)
		printf("its server still runs, takes no writes, and can be stopped\n");
	else if (error != HA_STORE_OK)
	{
		HaFault fault = {.text = ""};

		ha_local_store_fault(&reach->local, error, &fault);
		ha_command_warn(&fault);
	}
}

static bool
leave(HaReach *reach, HaFault *fault)
{
	HaRequest request = {.kind = HA_REQUEST_DROP_MEMBER};
	HaStatus leader;
	HaReply reply;
	const HaMember *member;
	bool own;

	if (!ha_contact_leader(&reach->contact, &leader, NULL, reach->limit_us, fault))
		return false;
	member = find_member(reach, &leader, fault);
	if (member == NULL)
		return false;
	if (member->id == leader.id)
		return ha_fault(fault, "hand over first: pg_haops switchover", "%s leads", member->name);
	request.member.id = member->id;
	if (!ha_contact_request(&reach->contact, 0, &request, &reply, reach->limit_us, fault))
		return false;
	printf("%s is no member of the cluster any more\n", member->name);
	own = reach->is_local && member->id == reach->hard.id &&
		ha_uuid_equal(&member->incarnation, &reach->hard.incarnation);
	if (own)
		put_state_away(reach);
	return true;
}

int
ha_cmd_leave(int argc, char **argv)
{
	HaFault fault = {.text = ""};
	HaExit code;
	int operand;

	if (!ha_command_read(&command, argc, argv, &operand, &code) || !ha_reach_open(&given.reach, &command, &code))
		return code;
	code = leave(&given.reach, &fault) ? HA_EXIT_OK : ha_command_fail(&command, &fault);
	ha_reach_close(&given.reach);
	return code;
}
