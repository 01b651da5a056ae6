/*
 * cmd_switchover.c: `pg_haops switchover`, `pause` and `resume`: what an operator asks of the leader.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/limits.h"
#include "cli/reach.h"
#include "io/clock.h"
#include "io/process.h"
#include "ops/members.h"
#include "ops/readiness.h"

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

/* Whoever can't be asked is not compared, so that a hand-over does not depend on it. */
static bool
limits_of(HaReach *reach, const HaMember *member, HaLimits *limits)
{
	HaFault fault = {.text = ""};

	if (ha_limits_ask(&reach->contact.key, member, limits, &fault))
		return true;
	fprintf(stderr, "pg_haops switchover: the limits of %s are not compared: %s\n", member->name, fault.text);
	return false;
}

/*
 * Would a member be lost as a standby of the target, because it has one of the limits lower (S60)? That is refused:
 * such a standby can't take over any more, and the old leader would not even start as one.
 */
static bool
check_limits(HaReach *reach, const HaStatus *before, HaId target_id, HaFault *fault)
{
	const HaMember *target = ha_register_member(&before->reg, target_id);
	HaLimits wanted;

	if (target == NULL || !limits_of(reach, target, &wanted))
		return true;
	for (uint32_t i = 0; i < before->reg.member_count; i++)
	{
		const HaMember *member = &before->reg.member[i];
		bool leads = member->id == before->id;
		HaLimits limits;
		char hint[256];
		int low;

		if ((member->flags & HA_MEMBER_DATA) == 0 || member->id == target->id ||
			!ha_members_row(before, member).well || !limits_of(reach, member, &limits))
			continue;
		low = ha_limits_lower(&limits, &wanted, leads, 0);
		if (low == HA_LIMITS_COUNT)
			continue;
		snprintf(hint, sizeof(hint), "set %s to %ld on %s, %s, and ask again", ha_limits_name[low], wanted.value[low],
				 member->name, leads ? "reload (the hand-over restarts it)" : "restart it");
		return ha_fault(fault, hint, "%s is %ld on %s and only %ld on %s, which could not follow", ha_limits_name[low],
						wanted.value[low], target->name, limits.value[low], member->name);
	}
	return true;
}

/* Whom the operator named, or who would be chosen now, 0 = nobody; false with a fault. */
static bool
find_target(const HaStatus *before, HaId *id, HaFault *fault)
{
	const HaMember *named;

	(void) ha_readiness(before, id);
	if (given.to == NULL)
		return true;
	named = ha_reach_named(&before->reg, given.to, fault);
	if (named == NULL)
		return false;
	*id = named->id;
	return named->id != before->id || ha_fault(fault, NULL, "%s leads already", named->name);
}

static bool
hand_over(HaReach *reach, HaFault *fault)
{
	HaRequest request = {.kind = HA_REQUEST_HAND_OVER};
	HaStatus before;
	HaStatus after;
	HaReply reply;
	HaTerm term;
	HaUs began_us;

	if (hand_over_under_way(reach, fault) ||
		!ha_contact_leader(&reach->contact, &before, NULL, reach->limit_us, fault) ||
		!find_target(&before, &request.member.id, fault))
		return false;
	term = before.term;
	await_voices(reach, &before.reg, ha_clock_now().mono_us + reach->limit_us);
	if (!ha_contact_leader(&reach->contact, &before, NULL, reach->limit_us, fault) ||
		!find_target(&before, &request.member.id, fault) ||
		!check_limits(reach, &before, request.member.id, fault))
		return false;
	began_us = ha_clock_now().mono_us;
	if (!ha_contact_request(&reach->contact, term, &request, &reply, reach->limit_us, fault) ||
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
