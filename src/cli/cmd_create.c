/*
 * cmd_create.c: `pg_haops create`: the first member of a new cluster, on a new or a stopped data directory.
 *
 * Everything is looked at before anything is written, and what was written is taken back when a later step fails.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/launch.h"
#include "cli/reach.h"
#include "drive/settings.h"
#include "drive/setup.h"
#include "io/files.h"
#include "io/mac.h"
#include "io/process.h"

#define INITDB_LIMIT_US (600 * 1000 * HA_US_PER_MS)
#define START_US (60 * 1000 * HA_US_PER_MS)
#define PRIORITY 100
#define PORT_OF_THE_CONFIGURATION 1	/* --address names none; nobody's PostgreSQL listens on port 1 */

static struct
{
	HaLocalPlaces places;
	const char *name;
	const char *cluster;
	const char *address;
	const char *peer;
	const char *network;
	const char *log;
	long sync;
	bool initdb;
	bool start;
	HaOptionList settings;
	HaOptionList initdb_options;
} given;

static const HaOption options[] =
	{{"data", HA_OPTION_TEXT, &given.places.data, "DIR", "data directory", 0, 0},
	 {"name", HA_OPTION_TEXT, &given.name, "NAME", "the member's name: up to 31 letters, digits, - or _", 0, 0},
	 {"cluster", HA_OPTION_TEXT, &given.cluster, "NAME", "the cluster's name", 0, 0},
	 {"address", HA_OPTION_TEXT, &given.address, "HOST[:PORT]",
	  "where clients and members reach its PostgreSQL; numeric;\nwithout a port: the one in its configuration", 0, 0},
	 {"peer", HA_OPTION_TEXT, &given.peer, "HOST:PORT", "where members talk to each other; numeric", 0, 0},
	 {"initdb", HA_OPTION_FLAG, &given.initdb, NULL, "make the data directory, with checksums", 0, 0},
	 {"initdb-option", HA_OPTION_LIST, &given.initdb_options, "OPTION", "an option for initdb; may be repeated", 0, 0},
	 {"sync", HA_OPTION_NUMBER, &given.sync, "K",
	  "commits wait for K standbys as soon as there are some;\n0 (the default): they wait for none", 0,
	  HA_MEMBERS_MAX - 1},
	 {"set", HA_OPTION_LIST, &given.settings, "NAME=VALUE", "a setting for postgresql.conf; may be repeated", 0, 0},
	 {"network", HA_OPTION_TEXT, &given.network, "CIDR", "from where members may connect, as in pg_hba.conf (all)", 0,
	  0},
	 {"key", HA_OPTION_TEXT, &given.places.key, "FILE", "use this key instead of making one", 0, 0},
	 {"start", HA_OPTION_FLAG, &given.start, NULL, "start the server, and wait until it leads", 0, 0},
	 {"log", HA_OPTION_TEXT, &given.log, "FILE", "where its output goes then", 0, 0},
	 {"config", HA_OPTION_TEXT, &given.places.config, "DIR", "where postgresql.conf is, when not in the data directory",
	  0, 0},
	 {"programs", HA_OPTION_TEXT, &given.places.programs, "DIR", "where PostgreSQL's programs are", 0, 0},
	 {NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand command = {
	"create", "--data DIR --name NAME --cluster NAME --address HOST[:PORT] --peer HOST:PORT [OPTION]...",
	"Makes a data directory the first member of a new cluster. The server must be stopped;\n"
	"with --initdb the directory is made. Nothing is changed when anything is wrong.",
	options, false};

/* ---- What was given ---- */

typedef struct Plan
{
	HaLocal local;
	HaSettingsWishes wishes;
	HaMember member;
	HaControl control;
	HaKey key;
} Plan;

static bool
check_names(HaExit *code)
{
	*code = HA_EXIT_USAGE;
	if (given.places.data == NULL || given.name == NULL || given.cluster == NULL || given.address == NULL ||
		given.peer == NULL)
		ha_command_misuse(&command, "--data, --name, --cluster, --address and --peer are needed");
	else if (!ha_name_valid(given.name) || !ha_name_valid(given.cluster))
		ha_command_misuse(&command, "\"%.40s\" is no name: 1 to 31 letters, digits, - or _, not beginning with -",
						  ha_name_valid(given.name) ? given.cluster : given.name);
	else
		return true;
	return false;
}

static bool
read_given(Plan *plan, HaExit *code)
{
	HaFault fault = {.text = ""};
	HaMember *member = &plan->member;

	memset(plan, 0, sizeof(*plan));
	if (!check_names(code))
		return false;
	member->sql_port = 0;
	if (!ha_reach_address(&command, "peer", given.peer, 0, member->peer_host, &member->peer_port) ||
		!ha_reach_address(&command, "address", given.address, PORT_OF_THE_CONFIGURATION, member->sql_host,
						  &member->sql_port))
		return false;
	for (int i = 0; i < given.settings.count; i++)
	{
		if (!ha_settings_valid(given.settings.item[i], &fault))
		{
			ha_command_misuse(&command, "--set: %s; %s", fault.text, fault.hint);
			return false;
		}
		plan->wishes.setting[plan->wishes.setting_count++] = given.settings.item[i];
	}
	member->id = 1;
	member->flags = HA_MEMBER_DATA;
	member->priority = PRIORITY;
	snprintf(member->name, sizeof(member->name), "%s", given.name);
	plan->wishes.cluster = given.cluster;
	plan->wishes.network = given.network;
	return true;
}

/* ---- The data directory ---- */

static bool
run_initdb(const HaLocal *local, HaFault *fault)
{
	char program[PATH_MAX];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	const char *argv[8 + HA_OPTION_LIST_MAX] = {program, "-D", local->data, "--data-checksums", "--auth-local=peer",
		"--auth-host=scram-sha-256"};
	const HaProcessJob job = {.argv = argv, .keep_environment = true, .limit_us = INITDB_LIMIT_US};
	HaProcessEnd end;

	for (int i = 0; i < given.initdb_options.count; i++)
		argv[6 + i] = given.initdb_options.item[i];
	if (ha_files_path(program, local->programs, "initdb") && ha_process_run(&job, &end))
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, NULL, "the data directory can't be made: initdb %s", why);
}

/* It must be stopped cleanly, be no member already, and be able to lead. */
static bool
check_data(Plan *plan, HaFault *fault)
{
	const HaLocal *local = &plan->local;
	pid_t pid;

	if (ha_local_is_member(local))
		return ha_fault(fault,
						"take it out with pg_haops leave first, or remove its folder pg_haops when its cluster is gone",
						"\"%s\" is already a member of a cluster", local->data);
	if (ha_pgdata_in_use(local->data, &pid))
		return ha_fault(fault, "stop it with pg_ctl stop -m fast", "a server (process %d) runs in \"%s\"", (int) pid,
						local->data);
	if (!ha_pgdata_control(local->programs, local->data, &plan->control, fault))
		return false;
	if (plan->control.state == HA_CONTROL_SHUT_DOWN_STANDBY)
		return ha_fault(fault, "create the cluster on the primary; let the standbys join with --adopt",
						"\"%s\" is a standby", local->data);
	if (plan->control.state != HA_CONTROL_SHUT_DOWN)
		return ha_fault(fault, "start it, and stop it with pg_ctl stop -m fast",
						"\"%s\" was not shut down cleanly: it is \"%s\"", local->data, plan->control.state_text);
	return ha_settings_check(local, fault);
}

/* Without a port in --address it is the configuration's. */
static bool
settle_port(Plan *plan, HaFault *fault)
{
	long port;

	if (plan->member.sql_port == PORT_OF_THE_CONFIGURATION)
	{
		if (!ha_pgdata_setting_number(plan->local.programs, plan->local.config, "port", &port, fault))
			return false;
		plan->member.sql_port = (uint16_t) port;
	}
	memcpy(plan->wishes.sql_host, plan->member.sql_host, sizeof(plan->wishes.sql_host));
	plan->wishes.sql_port = plan->member.sql_port;
	if (plan->member.sql_port == plan->member.peer_port && strcmp(plan->member.sql_host, plan->member.peer_host) == 0)
		return ha_fault(fault, NULL, "--address and --peer name the same port: PostgreSQL and the peers need one each");
	return true;
}

/* ---- Writing ---- */

static bool
make_key(Plan *plan, HaFault *fault)
{
	if (given.places.key != NULL)
		return ha_local_read_key(given.places.key, &plan->key, fault);
	return ha_mac_random(plan->key.byte, sizeof(plan->key.byte)) ||
		ha_fault(fault, NULL, "no random numbers are to be had");
}

/* Register version {0, 1}: this member alone, as it is. It has promised nothing to anybody. */
static bool
make_hard(Plan *plan, HaHard *hard, HaFault *fault)
{
	HaTli tli = ha_pgdata_control_tli(&plan->control);
	HaRegister *reg = &hard->reg;

	memset(hard, 0, sizeof(*hard));
	if (!ha_mac_random(&hard->cluster, sizeof(hard->cluster)) ||
		!ha_mac_random(&plan->member.incarnation, sizeof(plan->member.incarnation)))
		return ha_fault(fault, NULL, "no random numbers are to be had");
	hard->system_id = plan->control.system_id;
	hard->id = plan->member.id;
	hard->incarnation = plan->member.incarnation;
	ha_chain_append(&hard->chain, (HaEpoch){0, tli, 0});
	reg->version = (HaVersion){0, 1};
	reg->leader = plan->member.id;
	reg->member_count = 1;
	reg->member[0] = plan->member;
	reg->voters = ha_set_of(plan->member.id);
	reg->rule.sync = given.sync > 0;
	reg->rule.sync_set = given.sync > 0 ? ha_set_of(plan->member.id) : 0;
	reg->k_wanted = (uint32_t) given.sync;
	reg->chain = hard->chain;
	reg->tli_max = ha_pgdata_tli_max(plan->local.data, tli);
	return true;
}

static bool
write_all(Plan *plan, HaFault *fault)
{
	HaSetup setup;
	HaHard hard;
	bool ok;

	if (!make_key(plan, fault) || !make_hard(plan, &hard, fault) || !ha_setup_begin(&setup, &plan->local, fault))
		return false;
	ok = ha_setup_role(&plan->local, &plan->key, fault) &&
		ha_pgdata_control(plan->local.programs, plan->local.data, &plan->control, fault) &&
		ha_setup_secrets(&plan->local, &plan->key, fault) && ha_settings_hba(&plan->local, &plan->wishes, fault) &&
		ha_settings_write(&plan->local, &plan->control, &plan->wishes, fault) &&
		ha_setup_state(&plan->local, &hard, fault);
	if (ok)
		ha_setup_keep(&setup);
	else
		ha_setup_undo(&setup);
	return ok;
}

/* Takes back an initdb that was for nothing. */
static void
take_back(const Plan *plan, bool existed)
{
	if (existed)
		ha_files_empty(plan->local.data);
	else
		ha_files_remove_tree(plan->local.data);
}

static bool
make_member(Plan *plan, HaFault *fault)
{
	HaLocalPlaces places = given.places;
	bool existed = ha_files_exists(given.places.data);
	bool ok;

	places.key = NULL;			/* where the server will look for it, not where it comes from */
	if (!given.initdb)
		return ha_local_open(&plan->local, &places, fault) && settle_port(plan, fault) && check_data(plan, fault) &&
			write_all(plan, fault);
	if (!ha_local_open_new(&plan->local, &places, fault))
		return false;
	ok = run_initdb(&plan->local, fault) && ha_local_settle(&plan->local, &places, fault) && settle_port(plan, fault) &&
		check_data(plan, fault) && write_all(plan, fault);
	if (!ok)
		take_back(plan, existed);
	return ok;
}

/* ---- After ---- */

static HaExit
start_it(Plan *plan)
{
	HaContact contact = {.key = plan->key};
	HaFault fault = {.text = ""};
	bool ok;

	ha_contact_add(&contact, plan->member.peer_host, plan->member.peer_port);
	ok = ha_launch_server(&plan->local, given.log, &fault) &&
		ha_launch_await(&plan->local, &contact, plan->member.id, true, START_US, &fault);
	ha_contact_end(&contact);
	return ok ? HA_EXIT_OK : ha_command_fail(&command, &fault);
}

int
ha_cmd_create(int argc, char **argv)
{
	static Plan plan;
	HaFault fault = {.text = ""};
	HaExit code;
	int operand;

	if (!ha_command_read(&command, argc, argv, &operand, &code) || !read_given(&plan, &code))
		return code;
	ha_process_catch_signals();
	if (!make_member(&plan, &fault))
	{
		ha_key_wipe(&plan.key);
		return ha_command_fail(&command, &fault);
	}
	ha_command_say("\"%s\" is the first member of the cluster %s; its key is in \"%s\"", plan.member.name,
				   given.cluster, plan.local.key_file);
	code = given.start ? start_it(&plan) : HA_EXIT_OK;
	ha_key_wipe(&plan.key);
	if (code != HA_EXIT_OK)
		return code;
	if (given.start)
		ha_command_say("it leads and takes writes");
	else
		ha_command_say("start the server as usual; it takes writes as soon as it leads");
	ha_command_say("the views: CREATE EXTENSION pg_haops, in any database; other members: pg_haops join, witness");
	return HA_EXIT_OK;
}
