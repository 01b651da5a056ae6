/*
 * cmd_switchover.c: `pg_haops switchover`, `pause` and `resume`: what an operator asks of the leader.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/reach.h"
#include "io/clock.h"
#include "io/process.h"
#include "ops/members.h"

#define AGAIN_US (20 * HA_US_PER_MS)
#define BEGUN_US (500 * HA_US_PER_MS)	/* a hand-over shows by then, if it is under way */

static struct
{
	HaReach reach;
	const char *to;
} given = {.reach = {.timeout_s = HA_REACH_TIMEOUT_S}};

#define NO_MORE {NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}

static const HaOption switchover_options[] = {
	HA_REACH_OPTIONS(given.reach),
	{"to", HA_OPTION_TEXT, &given.to, "NAME", "to this member; without it: to the best", 0, 0},
	NO_MORE};

static const HaOption pause_options[] = {HA_REACH_OPTIONS(given.reach), NO_MORE};

static const HaCommand switchover_command = {
	"switchover", "[--to NAME] [--data DIR | --through HOST:PORT --key FILE] [OPTION]...",
	"Hands the leadership over to another member. Writes wait meanwhile; nothing that was acknowledged is\n"
	"lost. When the other member does not take over in time the leader goes on.",
	switchover_options, false};

static const HaCommand pause_command = {
	"pause", "[--data DIR | --through HOST:PORT --key FILE] [OPTION]...",
	"Turns automatic failover off: nobody is elected, and the leader goes on whatever happens to the others.",
	pause_options, false};

static const HaCommand resume_command = {
	"resume", "[--data DIR | --through HOST:PORT --key FILE] [OPTION]...",
	"Turns automatic failover on again.", pause_options, false};

static HaExit
begin(const HaCommand *command, int argc, char **argv, bool *go)
{
	HaExit code;
	int operand;

	*go = ha_command_read(command, argc, argv, &operand, &code) && ha_reach_open(&given.reach, command, &code);
	return code;
}

/* ---- switchover ---- */

/* Until another member leads, or the old one has taken it back. */
static bool
await_other(HaReach *reach, HaId old, HaTerm term, HaStatus *now, HaFault *fault)
{
	HaUs began_us = ha_clock_now().mono_us;

	for (;;)
	{
		HaUs passed_us = ha_clock_now().mono_us - began_us;

		if (passed_us >= reach->limit_us)
			return ha_fault(fault, "pg_haops status shows who leads now", "nobody has taken over in time");
		if (!ha_contact_leader(&reach->contact, now, NULL, reach->limit_us - passed_us, fault))
			return false;
		if (now->term > term && now->id != old)
			return true;
		if (now->id == old && now->target == 0 && passed_us > BEGUN_US)
			return ha_fault(fault, "its log and haops.events say why", "%s goes on leading: nobody took over in time",
							ha_members_name(now, old));
		if (!ha_process_pause(AGAIN_US))
			return ha_fault(fault, NULL, "interrupted");
	}
}

/* A member that was started a moment ago neither votes nor stands yet (R10): a hand-over would come to nothing. */
static void
await_voices(HaReach *reach, const HaRegister *reg, HaUs until_us)
{
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		HaStatus status;
		HaFault ignored;

		while (ha_contact_member(&reach->contact, &reg->member[i], &status, HA_CONTACT_ONE_US, &ignored) &&
			   status.silent_left_us > 0 && ha_clock_now().mono_us < until_us)
		{
			if (!ha_process_pause(status.silent_left_us))
				return;
		}
	}
}

/* Not a second one behind the first: its operator did not know where the leadership goes. */
static bool
hand_over_under_way(HaReach *reach, HaFault *fault)
{
	const HaMember *leader;
	HaStatus status;
	HaFault ignored;

	if (!ha_contact_any(&reach->contact, &status, reach->limit_us, &ignored) || !status.has_register)
		return false;
	leader = status.leader != status.id ? ha_register_member(&status.reg, status.leader) : NULL;
	if (leader != NULL && !ha_contact_member(&reach->contact, leader, &status, HA_CONTACT_ONE_US, &ignored))
		return false;
	if (status.role != HA_ROLE_HANDING_OVER)
		return false;
	ha_fault(fault, "pg_haops status shows who leads when it is over; ask again if it is still wanted",
			 "a hand-over from %s to %s is under way", ha_members_name(&status, status.id),
			 ha_members_name(&status, status.target));
	return true;
}

static bool
hand_over(HaReach *reach, HaFault *fault)
{
	HaRequest request = {.kind = HA_REQUEST_HAND_OVER};
	HaStatus before;
	HaStatus after;
	HaReply reply;
	HaUs began_us;

	if (hand_over_under_way(reach, fault) || !ha_contact_leader(&reach->contact, &before, NULL, reach->limit_us, fault))
		return false;
	if (given.to != NULL)
	{
		const HaMember *target = ha_reach_named(&before.reg, given.to, fault);

		if (target == NULL)
			return false;
		if (target->id == before.id)
			return ha_fault(fault, NULL, "%s leads already", target->name);
		request.member.id = target->id;
	}
	await_voices(reach, &before.reg, ha_clock_now().mono_us + reach->limit_us);
	began_us = ha_clock_now().mono_us;
	if (!ha_contact_request(&reach->contact, before.term, &request, &reply, reach->limit_us, fault) ||
		!await_other(reach, before.id, before.term, &after, fault))
		return false;
	printf("%s leads now, in term %" PRIu64 ", after %" PRId64 " ms\n", ha_members_name(&after, after.id), after.term,
		   (ha_clock_now().mono_us - began_us) / HA_US_PER_MS);
	return true;
}

int
ha_cmd_switchover(int argc, char **argv)
{
	HaFault fault = {.text = ""};
	bool go;
	HaExit code = begin(&switchover_command, argc, argv, &go);

	if (!go)
		return code;
	code = hand_over(&given.reach, &fault) ? HA_EXIT_OK : ha_command_fail(&switchover_command, &fault);
	ha_reach_close(&given.reach);
	return code;
}

/* ---- pause, resume ---- */

static HaExit
put_request(const HaCommand *command, HaRequestKind kind, const char *done)
{
	const HaRequest request = {.kind = kind};
	HaFault fault = {.text = ""};
	HaReply reply;
	bool ok = ha_contact_request(&given.reach.contact, 0, &request, &reply, given.reach.limit_us, &fault);

	ha_reach_close(&given.reach);
	if (!ok)
		return ha_command_fail(command, &fault);
	printf("%s\n", done);
	return HA_EXIT_OK;
}

int
ha_cmd_pause(int argc, char **argv)
{
	bool go;
	HaExit code = begin(&pause_command, argc, argv, &go);

	return go ? put_request(&pause_command, HA_REQUEST_PAUSE, "automatic failover is paused") : code;
}

int
ha_cmd_resume(int argc, char **argv)
{
	bool go;
	HaExit code = begin(&resume_command, argc, argv, &go);

	return go ? put_request(&resume_command, HA_REQUEST_RESUME, "automatic failover is on again") : code;
}
