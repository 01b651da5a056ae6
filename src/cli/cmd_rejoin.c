/*
 * cmd_rejoin.c: `pg_haops rejoin`: a stopped member that has other WAL than the leader is rewound or cloned.
 *
 * --in-place is the library's way: the postmaster has become this program, in the same process, and becomes postgres
 * again when the work is done. Its standard error is the server's log; descriptor, process number and lock file are
 * kept, so that neither a service manager nor a second postmaster sees a server that is gone.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/reach.h"
#include "drive/rejoin.h"
#include "io/files.h"
#include "io/process.h"

static struct
{
	HaLocalPlaces places;
	const char *lineage;
	const char *leader;			/* a hint; the cluster is asked anyway */
	bool in_place;
	bool resume;
	bool clone;
	bool allow_clone;
	long patience_s;
} given = {.patience_s = 30};

static const HaOption options[] = {
	{"data", HA_OPTION_TEXT, &given.places.data, "DIR", "data directory of the stopped member", 0, 0},
	{"clone", HA_OPTION_FLAG, &given.clone, NULL, "copy the leader into it; what it holds is removed", 0, 0},
	{"allow-clone", HA_OPTION_FLAG, &given.allow_clone, NULL, "the same, when it can't be rewound", 0, 0},
	{"patience", HA_OPTION_NUMBER, &given.patience_s, "SECONDS", "how long a leader is waited for (30)", 1, 86400},
	{"config", HA_OPTION_TEXT, &given.places.config, "DIR",
	 "where postgresql.conf is, when not in the data directory", 0, 0},
	{"state", HA_OPTION_TEXT, &given.places.state, "DIR", "its state directory, when it is elsewhere", 0, 0},
	{"key", HA_OPTION_TEXT, &given.places.key, "FILE", "its key file, when it is elsewhere", 0, 0},
	{"programs", HA_OPTION_TEXT, &given.places.programs, "DIR", "where PostgreSQL's programs are", 0, 0},
	{"in-place", HA_OPTION_FLAG, &given.in_place, NULL, "for the library: become the server given after --", 0, 0},
	{"resume", HA_OPTION_FLAG, &given.resume, NULL, "for the library: go on with what was begun", 0, 0},
	{"lineage", HA_OPTION_TEXT, &given.lineage, "HOW", "for the library: stream, rewind or clone", 0, 0},
	{"leader", HA_OPTION_TEXT, &given.leader, "ID", "for the library: who leads", 0, 0},
	{NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand command = {
	"rejoin", "--data DIR [--clone] [OPTION]...",
	"Finishes a rewind or clone of a stopped member that was cut off, or clones it anew. A member that is\n"
	"started does what it needs by itself; this is for one that says that it needs a clone.",
	options, true};

/* ---- In the place of the postmaster ---- */

/* A line of the server's log. */
static void
log_line(void *self, const char *text)
{
	char stamp[HA_COMMAND_STAMP_SIZE];

	(void) self;
	ha_command_stamp(stamp);
	fprintf(stderr, "%s LOG:  pg_haops rejoin: %s\n", stamp, text);
}

static void
log_fault(const char *severity, const HaFault *fault)
{
	char stamp[HA_COMMAND_STAMP_SIZE];

	ha_command_stamp(stamp);
	fprintf(stderr, "%s %s:  pg_haops rejoin: %s\n", stamp, severity, fault->text);
	if (fault->hint[0] != '\0')
		fprintf(stderr, "%s HINT:  %s\n", stamp, fault->hint);
}

/* The lock file that names this very process goes at the last moment; one that names another is not ours. */
static void
drop_lock_file(const char *data)
{
	HaPostmaster postmaster;

	ha_pgdata_postmaster(data, &postmaster);
	if (postmaster.pid == getpid())
		ha_files_remove(data, "postmaster.pid");
}

static HaExit
become_server(const char *data, char **argv)
{
	HaFault fault = {.text = ""};

	drop_lock_file(data);
	if (ha_process_interrupted())
	{
		ha_fault(&fault, NULL, "told to stop: the server is not started again");
		log_fault("LOG", &fault);
		return HA_EXIT_OK;
	}
	fflush(NULL);
	ha_process_before_exec();
	execv(argv[0], argv);
	ha_fault(&fault, NULL, "\"%s\" can't be started: %s", argv[0], strerror(errno));
	log_fault("FATAL", &fault);
	return HA_EXIT_FAILED;
}

/* Where the server's command line says that its configuration is. */
static const char *
find_config(char **argv)
{
	static char directory[PATH_MAX];

	for (int i = 1; argv[i] != NULL; i++)
	{
		const char *file = strstr(argv[i], "config_file=") != NULL ? strchr(argv[i], '=') + 1 :
			strncmp(argv[i], "--config-file=", 14) == 0 ? argv[i] + 14 : NULL;

		if (file != NULL && strrchr(file, '/') != NULL)
		{
			snprintf(directory, sizeof(directory), "%.*s", (int) (strrchr(file, '/') - file), file);
			return directory;
		}
	}
	for (int i = 1; argv[i] != NULL; i++)
	{
		if (strncmp(argv[i], "-D", 2) == 0)
			return argv[i][2] != '\0' ? argv[i] + 2 : argv[i + 1];
	}
	return NULL;
}

static bool
read_lineage(HaLineage *lineage)
{
	const char *text = given.lineage != NULL ? given.lineage : "stream";

	*lineage = strcmp(text, "rewind") == 0 ? HA_LINEAGE_REWIND : strcmp(text, "clone") == 0 ? HA_LINEAGE_CLONE :
		HA_LINEAGE_STREAM;
	return *lineage != HA_LINEAGE_STREAM || strcmp(text, "stream") == 0;
}

static HaExit
in_place(const HaLocal *local, const HaRejoinOrder *order, char **argv)
{
	HaFault fault;
	HaRejoinResult result = ha_rejoin_run(local, order, (HaTeller){log_line, NULL}, &fault);

	if (fault.text[0] != '\0' && result == HA_REJOIN_START)
		ha_fault_prefix(&fault, "given up, nothing was changed, the server starts as a standby: ");
	if (fault.text[0] != '\0')
		log_fault(result == HA_REJOIN_FAILED ? "FATAL" : "WARNING", &fault);
	if (result != HA_REJOIN_FAILED)
		return become_server(local->data, argv);
	drop_lock_file(local->data);
	return HA_EXIT_FAILED;
}

/* ---- By hand ---- */

static HaExit
by_hand(const HaLocal *local, HaRejoinOrder *order)
{
	HaFault fault;
	HaRejoinResult result;

	if (given.clone)
	{
		order->lineage = HA_LINEAGE_CLONE;
		order->allow_clone = true;
	}
	result = ha_rejoin_run(local, order, ha_command_teller(), &fault);
	if (result != HA_REJOIN_START || fault.text[0] != '\0')
		return ha_command_fail(&command, &fault);
	ha_command_say("the server can be started");
	return HA_EXIT_OK;
}

int
ha_cmd_rejoin(int argc, char **argv)
{
	HaLocal local;
	HaRejoinOrder order = {.lineage = HA_LINEAGE_STREAM};
	HaFault fault = {.text = ""};
	HaExit code;
	int operand;

	if (!ha_command_read(&command, argc, argv, &operand, &code))
		return code;
	if (given.places.data == NULL)
		given.places.data = getenv("PGDATA");
	if (given.places.data == NULL || !read_lineage(&order.lineage))
		return ha_command_misuse(&command, given.places.data == NULL ? "--data is missing" :
								 "--lineage is stream, rewind or clone");
	if (given.in_place != (operand < argc) || (given.in_place && argv[operand][0] != '/'))
		return ha_command_misuse(&command, "--in-place and a server's command line after -- go together");
	ha_process_catch_signals();
	/* Nothing to be done, and nothing to be waited for. */
	if (given.in_place && order.lineage == HA_LINEAGE_STREAM && !given.resume)
		return become_server(given.places.data, argv + operand);
	if (given.in_place && given.places.config == NULL)
		given.places.config = find_config(argv + operand);
	order.patience_us = (HaUs) given.patience_s * 1000 * HA_US_PER_MS;
	order.allow_clone = given.allow_clone;
	if (!ha_local_open(&local, &given.places, &fault))
	{
		if (!given.in_place)
			return ha_command_fail(&command, &fault);
		log_fault("FATAL", &fault);
		return HA_EXIT_FAILED;
	}
	return given.in_place ? in_place(&local, &order, argv + operand) : by_hand(&local, &order);
}
