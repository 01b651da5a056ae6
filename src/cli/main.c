/*
 * main.c: the table of the program's commands.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cmd_witness.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "wire/status.h"

static const struct
{
	const char *name;
	int (*run) (int argc, char **argv);
	const char *help;
} commands[] = {
	{"create", ha_cmd_create, "make a data directory the first member of a new cluster"},
	{"join", ha_cmd_join, "add a data node: copy the leader, or adopt a standby"},
	{"witness", ha_cmd_witness, "run a member that votes and has no data"},
	{"status", ha_cmd_status, "show the cluster as its members see it"},
	{"doctor", ha_cmd_doctor, "look for what stands against a failover, and say what to do"},
	{"switchover", ha_cmd_switchover, "hand the leadership over to another member"},
	{"pause", ha_cmd_pause, "no automatic failover until resume"},
	{"resume", ha_cmd_resume, "automatic failover again"},
	{"leave", ha_cmd_leave, "take a member out of the cluster"},
	{"failover", ha_cmd_failover, "with --force: let this member lead after the majority was lost"},
	{"rejoin", ha_cmd_rejoin, "rewind or clone a stopped member so that it can follow"},
};

static void
show_help(void)
{
	printf("pg_haops makes PostgreSQL's streaming replication highly available from inside the server.\n\n"
		   "Usage: pg_haops COMMAND [OPTION]...\n\nCommands:\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %-12s%s\n", commands[i].name, commands[i].help);
	printf("\npg_haops COMMAND --help shows what a command takes. pg_haops --version shows the version.\n");
}

int
main(int argc, char **argv)
{
	if (argc < 2)
	{
		fprintf(stderr, "pg_haops: error: no command was given\npg_haops: hint: pg_haops --help shows them\n");
		return HA_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
	{
		printf("pg_haops %s\n", HA_VERSION);
		return HA_EXIT_OK;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0 || strcmp(argv[1], "help") == 0)
	{
		show_help();
		return HA_EXIT_OK;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "pg_haops: error: there is no command \"%.40s\"\npg_haops: hint: pg_haops --help shows them\n",
			argv[1]);
	return HA_EXIT_USAGE;
}
