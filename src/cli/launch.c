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

void
ha_launch_log(const HaLocal *local, char path[PATH_MAX])
{
	if (!ha_files_path(path, local->state, "server.log"))
		path[0] = '\0';
}

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
	else
		ha_launch_log(local, path);
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

bool
ha_launch_await(HaContact *contact, HaId id, bool lead, HaUs limit_us, HaFault *fault)
{
	HaUs until_us = ha_clock_now().mono_us + limit_us;
	HaStatus status;

	for (;;)
	{
		HaUs left_us = until_us - ha_clock_now().mono_us;

		if (left_us <= 0)
			break;
		if (ha_contact_leader(contact, &status, NULL, left_us, fault) && in_place(&status, id, lead))
			return true;
		if (!ha_process_pause(ASK_US))
			return ha_fault(fault, NULL, "interrupted; the server goes on");
	}
	return ha_fault(fault, "the server's log and pg_haops status say more", lead ?
					"the server was started, but does not lead in time" :
					"the server was started, but does not follow and vote in time");
}
