/*
 * launch.c: see launch.h.
 */
#include <stdio.h>
#include <string.h>

#include "cli/launch.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/process.h"

#define START_LIMIT_US (60 * 1000 * HA_US_PER_MS)
#define ASK_US (100 * HA_US_PER_MS)
#define LOCK_US (2000 * HA_US_PER_MS)

bool
ha_launch_server(const HaLocal *local, const char *log, HaFault *fault)
{
	char program[PATH_MAX];
	char path[PATH_MAX];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	const char *argv[] = {program, "-D", local->config, "-l", path, "-W", "start", NULL};
	const HaProcessJob job = {.argv = argv, .keep_environment = true, .limit_us = START_LIMIT_US};
	HaProcessEnd end;

	if (log != NULL)
		snprintf(path, sizeof(path), "%s", log);
	else if (!ha_files_path(path, local->state, "server.log"))
		return ha_fault(fault, NULL, "the path of the server's log is too long");
	if (ha_files_path(program, local->programs, "pg_ctl") && ha_process_run(&job, &end))
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, "its log says why", "the server could not be started: pg_ctl %s (log: %s)", why, path);
}

/* Has the member the place that is waited for? */
static bool
in_place(const HaStatus *status, HaId id, bool lead)
{
	const HaSummary *summary = ha_status_summary(status, id);

	if (lead)
		return status->id == id;
	return ha_set_has(status->reg.voters, id) && summary != NULL && summary->joined_term == status->term;
}

/* After a moment in which it may not have written its lock file yet. */
static bool
has_ended(const HaLocal *local, HaUs began_us)
{
	HaPostmaster postmaster;

	if (ha_clock_now().mono_us < began_us + LOCK_US)
		return false;
	ha_pgdata_postmaster(local->data, &postmaster);
	return !postmaster.alive;
}

bool
ha_launch_await(const HaLocal *local, HaContact *contact, HaId id, bool lead, HaUs limit_us, HaFault *fault)
{
	HaUs began_us = ha_clock_now().mono_us;
	HaUs until_us = began_us + limit_us;
	HaStatus status;

	for (;;)
	{
		HaUs left_us = until_us - ha_clock_now().mono_us;

		if (left_us <= 0)
			break;
		if (ha_contact_leader(contact, &status, NULL, left_us < LOCK_US ? left_us : LOCK_US, fault) &&
			in_place(&status, id, lead))
			return true;
		if (has_ended(local, began_us))
			return ha_fault(fault, "its log says why; the member is set up, and can be started again",
							"the server was started, and has ended");
		if (!ha_process_pause(ASK_US))
			return ha_fault(fault, NULL, "interrupted; the server goes on");
	}
	return ha_fault(fault, "the server's log and pg_haops status say more", lead ?
					"the server was started, but does not lead in time" :
					"the server was started, but does not follow and vote in time");
}
