/*
 * launch.c: see launch.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/launch.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/process.h"

#define START_LIMIT_US (60 * 1000 * HA_US_PER_MS)
#define ASK_US (100 * HA_US_PER_MS)
#define LOCK_US (2000 * HA_US_PER_MS)
#define LOG_BYTES (64 * 1024)	/* of its end */

/* Of the server that was started: one at a time. */
static struct
{
	char path[PATH_MAX];
	off_t begin;				/* what stood in it before is not this server's */
} server_log;

/* ---- Its log ---- */

static off_t
size_of(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 ? about.st_size : 0;
}

void
ha_launch_complaint(char *text, char *complaint, size_t size)
{
	char *rest = text;
	char *line;

	complaint[0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
	{
		char *found = strstr(line, "FATAL:  ");

		if (found == NULL)
			found = strstr(line, "PANIC:  ");
		if (found != NULL && strstr(found, "the database system is ") == NULL)
			snprintf(complaint, size, "%.400s", found);
	}
	ha_fault_clean(complaint);
}

/* Adds what the server said last that was fatal, if anything. */
static bool
fault_with_log(HaFault *fault, const char *hint, const char *what)
{
	static char text[LOG_BYTES + 1];
	char complaint[512] = "";
	off_t end = size_of(server_log.path);
	off_t begin = end - server_log.begin > LOG_BYTES ? end - LOG_BYTES : server_log.begin;
	int fd = open(server_log.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t count = fd >= 0 ? pread(fd, text, LOG_BYTES, begin) : 0;

	if (fd >= 0)
		close(fd);
	text[count > 0 ? count : 0] = '\0';
	ha_launch_complaint(text, complaint, sizeof(complaint));
	return ha_fault(fault, hint, "%s%s%s (log: %.500s)", what, complaint[0] != '\0' ? ": " : "", complaint,
					server_log.path);
}

/* ---- Starting and waiting ---- */

bool
ha_launch_server(const HaLocal *local, const char *log, HaFault *fault)
{
	char program[PATH_MAX];
	char *path = server_log.path;
	char why[HA_PROCESS_TAIL_SIZE + 64];
	const char *argv[] = {program, "-D", local->config, "-l", path, "-W", "start", NULL};
	const HaProcessJob job = {.argv = argv, .keep_environment = true, .limit_us = START_LIMIT_US};
	HaProcessEnd end;

	if (log != NULL)
		snprintf(path, PATH_MAX, "%s", log);
	else if (!ha_files_path(path, local->state, "server.log"))
		return ha_fault(fault, NULL, "the path of the server's log is too long");
	server_log.begin = size_of(path);
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
			return fault_with_log(fault, "the member is set up, and can be started again",
								  "the server was started, and has ended");
		if (!ha_process_pause(ASK_US))
			return ha_fault(fault, NULL, "interrupted; the server goes on");
	}
	return fault_with_log(fault, "the server's log and pg_haops status say more", lead ?
						  "the server was started, but does not lead in time" :
						  "the server was started, but does not follow and vote in time");
}
