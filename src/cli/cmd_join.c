/*
 * cmd_join.c: `pg_haops join`: another data node, by a copy of the leader or by adopting a stopped standby.
 *
 * The order: everything that can be looked at is looked at; the leader adds the member as a learner, so that it makes
 * the slot that the copy needs; the copy; the files of the state. What fails after the leader has added the member
 * takes it out again.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/launch.h"
#include "cli/reach.h"
#include "drive/settings.h"
#include "drive/setup.h"
#include "io/files.h"
#include "io/mac.h"
#include "io/process.h"

#define CLUSTER_US (30 * 1000 * HA_US_PER_MS)
#define START_US (300 * 1000 * HA_US_PER_MS)
#define SLOT_US (30 * 1000 * HA_US_PER_MS)
#define PRIORITY 100
#define PORT_OF_THE_LEADER 1		/* --address names none; nobody's PostgreSQL listens on port 1 */

static struct
{
	HaLocalPlaces places;
	const char *name;
	const char *through;
	const char *address;
	const char *peer;
	const char *network;
	const char *log;
	long priority;
	bool adopt;
	bool start;
	HaOptionList settings;
	HaOptionList mappings;
} given = {.priority = PRIORITY};

static const HaOption options[] = {
	{"data", HA_OPTION_TEXT, &given.places.data, "DIR", "data directory: missing or empty, or with --adopt a standby's",
	 0, 0},
	{"name", HA_OPTION_TEXT, &given.name, "NAME", "the member's name: up to 31 letters, digits, - or _", 0, 0},
	{"key", HA_OPTION_TEXT, &given.places.key, "FILE", "the cluster's key file; copied into the state directory", 0, 0},
	{"through", HA_OPTION_TEXT, &given.through, "HOST:PORT", "peer address of any member", 0, 0},
	{"address", HA_OPTION_TEXT, &given.address, "HOST[:PORT]",
	 "where clients and members reach its PostgreSQL; numeric;\nwithout a port: the leader's", 0, 0},
	{"peer", HA_OPTION_TEXT, &given.peer, "HOST:PORT", "where members talk to each other; numeric", 0, 0},
	{"adopt", HA_OPTION_FLAG, &given.adopt, NULL, "the directory is a stopped standby of this cluster's system", 0, 0},
	{"priority", HA_OPTION_NUMBER, &given.priority, "N", "who leads among equals: the highest; 0 = never (100)", 0,
	 1000},
	{"set", HA_OPTION_LIST, &given.settings, "NAME=VALUE", "a setting for postgresql.conf; may be repeated", 0, 0},
	{"tablespace-mapping", HA_OPTION_LIST, &given.mappings, "OLD=NEW", "where a tablespace comes to; may be repeated",
	 0, 0},
	{"network", HA_OPTION_TEXT, &given.network, "CIDR", "from where members may connect, as in pg_hba.conf (all)", 0,
	 0},
	{"start", HA_OPTION_FLAG, &given.start, NULL, "start the server, and wait until it follows and votes", 0, 0},
	{"log", HA_OPTION_TEXT, &given.log, "FILE", "where its output goes then", 0, 0},
	{"config", HA_OPTION_TEXT, &given.places.config, "DIR", "where postgresql.conf is, when not in the data directory",
	 0, 0},
	{"programs", HA_OPTION_TEXT, &given.places.programs, "DIR", "where PostgreSQL's programs are", 0, 0},
	{NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand command = {
	"join", "--data DIR --name NAME --key FILE --through HOST:PORT --address HOST[:PORT] --peer HOST:PORT [OPTION]...",
	"Adds a data node to a cluster: copies the leader with pg_basebackup, or adopts a stopped standby.\n"
	"When it fails the member is taken out again and the copy is removed.",
	options, false};

typedef struct Join
{
	HaLocal local;
	HaLocalPlaces places;
	HaSettingsWishes wishes;
	HaMember member;
	HaContact contact;
	HaStatus leader;			/* before; then after the member was added */
	HaControl control;
	bool added;
	char cluster[HA_NAME_SIZE];	/* its name */
	bool existed;				/* the directory, empty, before the copy */
	bool copied;				/* it holds a whole copy now */
} Join;

/* ---- What was given ---- */

static bool
read_given(Join *join, HaExit *code)
{
	HaFault fault = {.text = ""};
	HaMember *member = &join->member;
	char host[HA_HOST_SIZE];
	uint16_t port;

	*code = HA_EXIT_USAGE;
	if (given.places.data == NULL || given.name == NULL || given.places.key == NULL || given.through == NULL ||
		given.address == NULL || given.peer == NULL)
	{
		ha_command_misuse(&command, "--data, --name, --key, --through, --address and --peer are needed");
		return false;
	}
	if (!ha_name_valid(given.name))
	{
		ha_command_misuse(&command, "\"%.40s\" is no name: 1 to 31 letters, digits, - or _, not beginning with -",
						  given.name);
		return false;
	}
	if (!ha_reach_address(&command, "through", given.through, 0, host, &port) ||
		!ha_reach_address(&command, "peer", given.peer, 0, member->peer_host, &member->peer_port) ||
		!ha_reach_address(&command, "address", given.address, PORT_OF_THE_LEADER, member->sql_host, &member->sql_port))
		return false;
	ha_contact_add(&join->contact, host, port);
	for (int i = 0; i < given.settings.count; i++)
	{
		if (!ha_settings_valid(given.settings.item[i], &fault))
		{
			ha_command_misuse(&command, "--set: %s; %s", fault.text, fault.hint);
			return false;
		}
		join->wishes.setting[join->wishes.setting_count++] = given.settings.item[i];
	}
	member->flags = HA_MEMBER_DATA;
	member->priority = (uint32_t) given.priority;
	snprintf(member->name, sizeof(member->name), "%s", given.name);
	join->wishes.network = given.network;
	join->places = given.places;
	join->places.key = NULL;	/* where the server will look for it */
	return true;
}

/* ---- Before anything is changed ---- */

/* Names and addresses must be one member's own. */
static bool
check_register(Join *join, HaFault *fault)
{
	const HaRegister *reg = &join->leader.reg;
	const HaMember *leader = ha_register_member(reg, join->leader.id);
	HaMember *member = &join->member;
	char slot[HA_NAME_SIZE + 16];
	char other_slot[HA_NAME_SIZE + 16];

	if (leader == NULL)
		return ha_fault(fault, NULL, "the leader is not in its own register");
	if (member->sql_port == PORT_OF_THE_LEADER)
		member->sql_port = leader->sql_port;
	ha_clone_slot_name(member->name, slot);
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		const HaMember *other = &reg->member[i];

		ha_clone_slot_name(other->name, other_slot);
		if (strcmp(slot, other_slot) == 0)
			return ha_fault(fault, "give another name, or take that member out with pg_haops leave --member",
							"the name \"%s\" is taken, or differs from %s only in case, - and _", member->name,
							other->name);
		if (strcmp(other->peer_host, member->peer_host) == 0 && other->peer_port == member->peer_port)
			return ha_fault(fault, NULL, "the peer address %s port %u is that of %s", member->peer_host,
							member->peer_port, other->name);
		if (strcmp(other->sql_host, member->sql_host) == 0 && other->sql_port == member->sql_port)
			return ha_fault(fault, NULL, "the address %s port %u is that of %s", member->sql_host, member->sql_port,
							other->name);
	}
	memcpy(join->wishes.sql_host, member->sql_host, sizeof(join->wishes.sql_host));
	join->wishes.sql_port = member->sql_port;
	return true;
}

static HaClone
clone_job(Join *join)
{
	HaClone clone = {
		.programs = join->local.programs,
		.major = join->local.major,
		.target = join->local.data,
		.member = join->member.name,
		.receiver = {join->leader.term, join->member.incarnation},
		.leader = ha_register_member(&join->leader.reg, join->leader.id),
		.key = &join->contact.key,
		.mapping_count = given.mappings.count,
		.teller = ha_command_teller(),
	};

	memcpy(clone.mapping, given.mappings.item, sizeof(clone.mapping));
	return clone;
}

static bool
check_adopted(Join *join, HaFault *fault)
{
	const HaLocal *local = &join->local;
	pid_t pid;

	if (ha_pgdata_in_use(local->data, &pid))
		return ha_fault(fault, "stop it with pg_ctl stop -m fast", "a server (process %d) runs in \"%s\"", (int) pid,
						local->data);
	if (!ha_pgdata_control(local->programs, local->data, &join->control, fault))
		return false;
	if (join->control.system_id != join->leader.system_id)
		return ha_fault(fault, "join with an empty directory: it is copied", "\"%s\" is of another PostgreSQL system",
						local->data);
	if (join->control.state != HA_CONTROL_SHUT_DOWN_STANDBY)
		return ha_fault(fault, "only a standby that was stopped with pg_ctl stop -m fast can be adopted",
						"\"%s\" is \"%s\"", local->data, join->control.state_text);
	if (ha_pgdata_control_tli(&join->control) != ha_chain_last(&join->leader.reg.chain)->tli)
		return ha_fault(fault, "let it follow the leader first, or join with an empty directory",
						"\"%s\" is on timeline %u, the leader on %u", local->data,
						ha_pgdata_control_tli(&join->control), ha_chain_last(&join->leader.reg.chain)->tli);
	return ha_settings_check(local, fault);
}

static bool
look(Join *join, HaFault *fault)
{
	HaClone clone;
	bool ok;

	if (given.adopt)
		ok = ha_local_open(&join->local, &join->places, fault);
	else
		ok = ha_local_open_new(&join->local, &join->places, fault);
	if (!ok || !ha_local_read_key(given.places.key, &join->contact.key, fault) ||
		!ha_contact_leader(&join->contact, &join->leader, NULL, CLUSTER_US, fault) || !check_register(join, fault))
		return false;
	clone = clone_job(join);
	if (!ha_clone_cluster_name(&clone, join->cluster, fault))
		return false;
	if (join->cluster[0] != '\0')
		join->wishes.cluster = join->cluster;
	return given.adopt ? check_adopted(join, fault) : ha_clone_check(&clone, fault);
}

/* ---- The cluster ---- */

static bool
ask_to_add(Join *join, HaFault *fault)
{
	HaRequest request = {.kind = HA_REQUEST_ADD_MEMBER};
	HaReply reply;
	HaTerm term = join->leader.term;

	if (!ha_mac_random(&join->member.incarnation, sizeof(join->member.incarnation)))
		return ha_fault(fault, NULL, "no random numbers are to be had");
	request.member = join->member;
	if (!ha_contact_request(&join->contact, 0, &request, &reply, CLUSTER_US, fault))
		return false;
	join->member.id = reply.id;
	join->added = true;
	if (!ha_contact_leader(&join->contact, &join->leader, NULL, CLUSTER_US, fault))
		return false;
	return join->leader.term == term || ha_fault(fault, "try again", "the leader changed meanwhile");
}

/* Nobody shall be left waiting for a member that does not come. */
static void
ask_to_drop(Join *join)
{
	HaRequest request = {.kind = HA_REQUEST_DROP_MEMBER, .member = {.id = join->member.id}};
	HaReply reply;
	HaFault fault = {.text = ""};

	ha_process_clear_interrupt();
	if (join->added && !ha_contact_request(&join->contact, 0, &request, &reply, CLUSTER_US, &fault))
	{
		ha_fault_prefix(&fault, "the member \"%s\" could not be taken out again: ", join->member.name);
		snprintf(fault.hint, sizeof(fault.hint), "pg_haops leave --member %s, on another member, does it",
				 join->member.name);
		ha_command_warn(&fault);
	}
}

/* ---- The data directory ---- */

static bool
copy_leader(Join *join, HaFault *fault)
{
	HaClone clone = clone_job(join);
	HaStatus after;

	ha_command_say("copying %s, which leads", clone.leader->name);
	join->existed = ha_files_exists(join->local.data);
	if (!ha_clone_await_slot(&clone, SLOT_US, fault) || !ha_clone_run(&clone, fault))
		return false;
	join->copied = true;
	if (!ha_contact_leader(&join->contact, &after, NULL, CLUSTER_US, fault))
		return false;
	if (after.id != join->leader.id || after.term != join->leader.term)
		return ha_fault(fault, "try again", "the leader changed during the copy");
	join->leader = after;
	return ha_local_settle(&join->local, &join->places, fault) &&
		ha_pgdata_control(join->local.programs, join->local.data, &join->control, fault);
}

/* The state of a member that has given no vote and no promise, and whose WAL is the leader's. */
static bool
write_state(Join *join, HaFault *fault)
{
	HaHard hard;

	memset(&hard, 0, sizeof(hard));
	hard.cluster = join->leader.cluster;
	hard.system_id = join->leader.system_id;
	hard.id = join->member.id;
	hard.incarnation = join->member.incarnation;
	hard.term = join->leader.term;
	hard.promise_ms = join->leader.promise_ms;
	hard.reg = join->leader.reg;
	hard.chain = join->leader.reg.chain;
	/* A copy is not consistent before it has streamed, so nothing can be compared before; the copying was the joining.
	 */
	hard.joined_term = given.adopt ? 0 : join->leader.term;
	if (ha_files_exists(join->local.state) && ha_store_set_aside(join->local.state) == HA_STORE_FAILED)
		return ha_fault(fault, NULL, "an old state in \"%s\" can't be moved aside: %s", join->local.state,
						strerror(errno));
	ha_files_remove(join->local.state, HA_LOCAL_NEEDS_CLONE);
	return ha_setup_state(&join->local, &hard, fault);
}

static bool
write_all(Join *join, HaFault *fault)
{
	HaSetup setup;
	int copied = 0;
	bool ok;

	if (!ha_setup_begin(&setup, &join->local, fault))
		return false;
	ok = (given.adopt || ha_settings_drop_copied(&join->local, &copied, fault)) &&
		ha_setup_secrets(&join->local, &join->contact.key, fault) && write_state(join, fault) &&
		ha_settings_hba(&join->local, &join->wishes, fault) &&
		ha_settings_write(&join->local, &join->control, &join->wishes, fault);
	if (copied > 0)
		ha_command_say("%d settings of ALTER SYSTEM that the leader has for itself were left out", copied);
	if (ok)
		ha_setup_keep(&setup);
	else
		ha_setup_undo(&setup);
	return ok;
}

static bool
make_member(Join *join, HaFault *fault)
{
	if (!look(join, fault))
		return false;
	if (ask_to_add(join, fault) && (given.adopt || copy_leader(join, fault)) && write_all(join, fault))
		return true;
	if (join->copied && join->existed)
		ha_files_empty(join->local.data);
	else if (join->copied)
		ha_files_remove_tree(join->local.data);
	ask_to_drop(join);
	return false;
}

int
ha_cmd_join(int argc, char **argv)
{
	static Join join;
	HaFault fault = {.text = ""};
	HaExit code;
	int operand;

	if (!ha_command_read(&command, argc, argv, &operand, &code) || !read_given(&join, &code))
		return code;
	ha_process_catch_signals();
	if (!make_member(&join, &fault))
		code = ha_command_fail(&command, &fault);
	else if (!given.start)
	{
		ha_command_say("\"%s\" is a member; start its server as usual: it follows, and votes once it has caught up",
					   join.member.name);
		code = HA_EXIT_OK;
	}
	else if (!ha_launch_server(&join.local, given.log, &fault) ||
			 !ha_launch_await(&join.local, &join.contact, join.member.id, false, START_US, &fault))
		code = ha_command_fail(&command, &fault);
	else
	{
		ha_command_say("\"%s\" follows the leader and votes", join.member.name);
		code = HA_EXIT_OK;
	}
	ha_contact_end(&join.contact);
	return code;
}
