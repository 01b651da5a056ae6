/*
 * rewind.c: see rewind.h.
 */
#include <stdio.h>
#include <string.h>

#include "drive/durable.h"
#include "drive/rewind.h"
#include "io/files.h"
#include "io/login.h"
#include "io/mac.h"
#include "io/process.h"

/* Recovery and copying take as long as they take; these only end what hangs. */
#define RECOVERY_LIMIT_US ((HaUs) 24 * 3600 * 1000 * HA_US_PER_MS)
#define RUN_LIMIT_US ((HaUs) 24 * 3600 * 1000 * HA_US_PER_MS)
#define TELL_PERCENT 20

bool
ha_rewind_shut_down(const HaLocal *local, HaFault *fault)
{
	char program[PATH_MAX];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	const char *const argv[] = {program, "--single", "-F", "-D", local->config, "-c", "log_destination=stderr", "-c",
		"logging_collector=off", "-c", "synchronous_standby_names=", "template1", NULL};
	const HaProcessJob job = {.argv = argv, .limit_us = RECOVERY_LIMIT_US};
	HaProcessEnd end;

	/* A server alone is no standby; the library writes the file again at the next start. */
	ha_files_remove(local->data, HA_PGDATA_SIGNAL_STANDBY);
	ha_files_remove(local->data, HA_PGDATA_SIGNAL_RECOVERY);
	if (ha_files_path(program, local->programs, "postgres") && ha_process_run(&job, &end))
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, NULL, "crash recovery of \"%s\" failed: postgres --single %s", local->data, why);
}

/* "...at WAL location 0/3018048 on timeline 1": what stands after the words. */
static bool
read_place(const char *line, const char *words, HaLsn *lsn, HaTli *tli)
{
	const char *at = strstr(line, words);
	unsigned high;
	unsigned low;
	unsigned timeline;

	if (at == NULL || sscanf(at + strlen(words), "%8X/%8X on timeline %u", &high, &low, &timeline) != 3)
		return false;
	*lsn = (HaLsn) high << 32 | low;
	*tli = timeline;
	return true;
}

void
ha_rewind_line(HaDivergence *divergence, const char *line)
{
	HaTli tli;

	if (read_place(line, "servers diverged at WAL location ", &divergence->fork, &divergence->tli))
		return;
	if (read_place(line, "rewinding from last common checkpoint at ", &divergence->checkpoint, &tli))
		divergence->needed = true;
	else if (strstr(line, "source and target cluster are on the same timeline") != NULL)
		divergence->same_timeline = true;
}

typedef struct Hearing
{
	const HaRewind *rewind;
	HaDivergence divergence;
	HaTeller teller;
	int told;
} Hearing;

static void
hear(void *self, const char *line)
{
	Hearing *hearing = self;
	int percent = ha_clone_percent(line);
	char text[64];

	ha_rewind_line(&hearing->divergence, line);
	if (percent < 0 || hearing->teller.tell == NULL || percent < hearing->told + TELL_PERCENT)
		return;
	hearing->told = percent;
	snprintf(text, sizeof(text), "rewound %d %%", percent);
	hearing->teller.tell(hearing->teller.self, text);
}

static bool
go_on(void *self)
{
	const HaRewind *rewind = ((Hearing *) self)->rewind;

	return rewind->go_on == NULL || rewind->go_on(rewind->self);
}

static bool
run_pg_rewind(const HaRewind *rewind, const char *directory, const char *option, Hearing *hearing, HaFault *fault)
{
	char program[PATH_MAX];
	char conninfo[HA_LOGIN_CONNINFO_SIZE];
	char password[HA_LOGIN_ENVIRONMENT_SIZE] = "";
	char why[HA_PROCESS_TAIL_SIZE + 64];
	/* The source would compile pg_rewind's list of files for a second, to run it for some milliseconds. */
	const char *const environment[] = {password, "PGOPTIONS=-c jit=off", NULL};
	/* Its own sync goes file by file, through the whole directory. */
	const char *const argv[] = {program, "--target-pgdata", directory, "--source-server", conninfo, "--no-sync",
		option, NULL};
	const HaProcessJob job = {.argv = argv, .environment = environment, .limit_us = RUN_LIMIT_US, .line = hear,
							  .go_on = go_on, .self = hearing};
	HaProcessEnd end = {.exit_code = -1};
	bool ok = ha_files_path(program, rewind->local->programs, "pg_rewind") &&
		ha_login_environment(rewind->key, password) &&
		ha_login_conninfo(rewind->leader->sql_host, rewind->leader->sql_port, "pg_haops rejoin", conninfo) &&
		ha_process_run(&job, &end);

	ha_mac_wipe(password, sizeof(password));
	if (ok)
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, NULL, "pg_rewind against %s %s", rewind->leader->name, why);
}

bool
ha_rewind_check(const HaRewind *rewind, HaDivergence *divergence, HaFault *fault)
{
	Hearing hearing = {.rewind = rewind};
	bool ok = run_pg_rewind(rewind, rewind->local->data, "--dry-run", &hearing, fault);

	*divergence = hearing.divergence;
	return ok;
}

/* Makes all files below the directory durable, one after the other. */
static bool
sync_files(const HaRewind *rewind, const char *directory, HaFault *fault)
{
	char program[PATH_MAX];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	const char *const argv[] = {program, "--sync-only", "-D", directory, NULL};
	const HaProcessJob job = {.argv = argv, .limit_us = RUN_LIMIT_US};
	HaProcessEnd end;

	if (ha_files_path(program, rewind->local->programs, "initdb") && ha_process_run(&job, &end))
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, NULL, "\"%s\" can't be made durable: initdb --sync-only %s", directory, why);
}

bool
ha_rewind_run(const HaRewind *rewind, const char *directory, HaFault *fault)
{
	Hearing hearing = {.rewind = rewind, .teller = rewind->teller};
	HaDurable durable;
	bool rewound;
	bool synced;

	ha_durable_begin(&durable, directory);
	rewound = run_pg_rewind(rewind, directory, "--progress", &hearing, fault);
	synced = ha_durable_end(&durable, directory);
	return rewound && (synced || sync_files(rewind, directory, fault));
}
