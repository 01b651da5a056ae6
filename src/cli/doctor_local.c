/*
 * doctor_local.c: what doctor looks at on this machine; see findings.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/findings.h"
#include "drive/marker.h"
#include "drive/settings.h"
#include "io/conffile.h"
#include "io/files.h"
#include "io/process.h"

#define ASK_LIMIT_US (5 * 1000 * HA_US_PER_MS)
#define SPACE_BAD_BYTES ((uint64_t) 512 * 1024 * 1024)
#define SPACE_WARN_BYTES ((uint64_t) 4 * 1024 * 1024 * 1024)

/* ---- Files ---- */

static void
check_files(const HaReach *reach, HaFindings *findings)
{
	char path[PATH_MAX];
	char *text;
	HaMarker marker;
	bool marked;
	HaFault fault = {.text = ""};

	ha_findings_add(findings, HA_FINDING_GOOD, NULL, "state and key of member %u can be read",
					(unsigned) reach->hard.id);
	if (ha_register_member(&reach->hard.reg, reach->hard.id) == NULL)
		ha_findings_add(findings, HA_FINDING_BAD, "join it anew with pg_haops join --adopt",
						"this member's register does not name it: it takes no part");
	if (!ha_marker_read(reach->local.state, &marker, &marked, &fault))
		ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
	else if (marked)
		ha_findings_add(findings, HA_FINDING_BAD, "pg_haops rejoin finishes it; so does a start of the server",
						"a rewind or clone of this data directory was cut off");
	text = ha_files_path(path, reach->local.state, HA_LOCAL_NEEDS_CLONE) ? ha_files_read(path, 4096, NULL) : NULL;
	if (text != NULL)
	{
		text[strcspn(text, "\n")] = '\0';
		ha_fault_clean(text);
		ha_findings_add(findings, HA_FINDING_BAD, "stop the server and run pg_haops rejoin --clone",
						"this member needs a clone: %.300s", text);
	}
	free(text);
}

static void
check_space(const HaReach *reach, HaFindings *findings)
{
	uint64_t bytes = ha_files_space(reach->local.data);
	HaFindingLevel level = bytes < SPACE_BAD_BYTES ? HA_FINDING_BAD :
		bytes < SPACE_WARN_BYTES ? HA_FINDING_WARN : HA_FINDING_GOOD;

	if (bytes == 0)
		ha_findings_add(findings, HA_FINDING_WARN, NULL, "the space left on the disk can't be told: %s",
						strerror(errno));
	else
		ha_findings_add(findings, level, level == HA_FINDING_GOOD ? NULL :
						"make room: a full disk stops PostgreSQL, and a rewind wants room for the WAL that it keeps",
						"%llu MB are left for the data directory", (unsigned long long) (bytes >> 20));
}

/* ---- Settings ---- */

static bool
value_of(const HaReach *reach, const char *name, char value[HA_PGDATA_VALUE_SIZE], HaFindings *findings)
{
	HaFault fault = {.text = ""};

	if (ha_pgdata_setting(reach->local.programs, reach->local.config, name, value, &fault))
		return true;
	ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
	return false;
}

static bool
check_library(const HaReach *reach, HaFindings *findings)
{
	char value[HA_PGDATA_VALUE_SIZE];

	if (!value_of(reach, "shared_preload_libraries", value, findings))
		return false;
	if (strstr(value, "pg_haops") != NULL)
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "the library is preloaded");
	else
		ha_findings_add(findings, HA_FINDING_BAD, "add pg_haops to shared_preload_libraries and restart",
						"shared_preload_libraries does not hold pg_haops: nothing is fenced, and nobody fails over");
	return true;
}

static void
check_rewindable(const HaReach *reach, HaFindings *findings)
{
	HaControl control;
	HaFault fault = {.text = ""};

	if (!ha_pgdata_control(reach->local.programs, reach->local.data, &control, &fault))
		ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
	else if (control.checksums || control.wal_log_hints)
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "it can be rewound: %s",
						control.checksums ? "data checksums are on" : "wal_log_hints is on");
	else
		ha_findings_add(findings, HA_FINDING_WARN, "set wal_log_hints = on, and restart",
						"there are neither data checksums nor wal_log_hints: a diverged member must be cloned");
}

static void
check_numbers(const HaReach *reach, HaFindings *findings)
{
	static const char *const names[] = {"max_wal_senders", "max_replication_slots", NULL};
	long members = ha_set_count(ha_register_data(&reach->hard.reg));

	for (int i = 0; names[i] != NULL; i++)
	{
		HaFault fault = {.text = ""};
		char remedy[128];
		long value;

		snprintf(remedy, sizeof(remedy), "set %s = 20 and restart", names[i]);
		if (!ha_pgdata_setting_number(reach->local.programs, reach->local.config, names[i], &value, &fault))
			ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
		else if (value < 2 * members)
			ha_findings_add(findings, HA_FINDING_WARN, remedy, "%s is %ld: it should be twice the number of data nodes",
							names[i], value);
	}
}

/* A primary that is deposed without noticing archives on, unless the library is asked for each file (R39). */
static void
check_archiving(const HaReach *reach, HaFindings *findings)
{
	char mode[HA_PGDATA_VALUE_SIZE];
	char library[HA_PGDATA_VALUE_SIZE];

	if (!value_of(reach, "archive_mode", mode, findings) || strcmp(mode, "off") == 0 ||
		!value_of(reach, "archive_library", library, findings) || strcmp(library, "pg_haops") == 0)
		return;
	ha_findings_add(findings, HA_FINDING_WARN,
					"set archive_library = 'pg_haops', and move archive_command to pg_haops.archive_command",
					"WAL is archived without a look at the lease");
}

static void
check_settings(const HaReach *reach, HaFindings *findings)
{
	const HaMember *self = ha_register_member(&reach->hard.reg, reach->hard.id);
	char value[HA_PGDATA_VALUE_SIZE];
	HaFault fault = {.text = ""};
	long port;

	if (!check_library(reach, findings))
		return;
	if (ha_settings_check(&reach->local, &fault))
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "no setting stands against its leading");
	else
		ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
	if (value_of(reach, "wal_level", value, findings) && strcmp(value, "minimal") == 0)
		ha_findings_add(findings, HA_FINDING_BAD, "set wal_level = replica and restart", "wal_level is minimal");
	if (value_of(reach, "hot_standby", value, findings) && strcmp(value, "on") != 0)
		ha_findings_add(findings, HA_FINDING_BAD, "set hot_standby = on and restart", "hot_standby is off");
	if (value_of(reach, "max_slot_wal_keep_size", value, findings) && strcmp(value, "-1") == 0)
		ha_findings_add(findings, HA_FINDING_WARN, "set max_slot_wal_keep_size to what the disk can spare",
						"max_slot_wal_keep_size is unlimited: a member that stays away fills the disk with WAL");
	if (self != NULL && ha_pgdata_setting_number(reach->local.programs, reach->local.config, "port", &port, &fault) &&
		port != self->sql_port)
		ha_findings_add(findings, HA_FINDING_BAD, "set port to what the cluster knows",
						"its port is %ld, but the cluster knows %u", port, self->sql_port);
	check_archiving(reach, findings);
	check_numbers(reach, findings);
	check_rewindable(reach, findings);
}

/* ---- Who starts it again ---- */

typedef struct Unit
{
	char name[256];
	char restart[64];
} Unit;

static void
keep_restart(void *self, const char *line)
{
	Unit *unit = self;

	snprintf(unit->restart, sizeof(unit->restart), "%.*s", (int) sizeof(unit->restart) - 1, line);
}

/* The systemd service that the process belongs to. */
static bool
find_unit(pid_t pid, Unit *unit)
{
	char path[64];
	FILE *file;
	char line[1024];

	unit->name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int) pid);
	file = fopen(path, "re");
	while (file != NULL && fgets(line, sizeof(line), file) != NULL)
	{
		const char *end = strstr(line, ".service\n");
		const char *from = end;

		while (from != NULL && from > line && from[-1] != '/')
			from--;
		if (from != NULL)
			snprintf(unit->name, sizeof(unit->name), "%.*s.service", (int) (end - from), from);
	}
	if (file != NULL)
		fclose(file);
	return unit->name[0] != '\0';
}

static void
check_supervisor(const HaReach *reach, HaFindings *findings)
{
	static const char remedy[] = "put Restart=on-failure into a drop-in of the unit: systemctl edit";
	HaPostmaster postmaster;
	Unit unit = {{0}, {0}};
	const char *const argv[] = {"/usr/bin/systemctl", "show", "-p", "Restart", "--value", unit.name, NULL};
	const HaProcessJob job = {.argv = argv, .limit_us = ASK_LIMIT_US, .line = keep_restart, .self = &unit};
	HaProcessEnd end;

	ha_pgdata_postmaster(reach->local.data, &postmaster);
	if (!postmaster.alive)
		ha_findings_add(findings, HA_FINDING_BAD, "start it", "the server of this member does not run");
	else if (!find_unit(postmaster.pid, &unit) || access(argv[0], X_OK) != 0 || !ha_process_run(&job, &end))
		ha_findings_add(findings, HA_FINDING_WARN,
						"let systemd (Restart=on-failure) or a container's restart policy do it",
						"nothing is known to start the server again when it was killed");
	else if (strcmp(unit.restart, "no") == 0)
		ha_findings_add(findings, HA_FINDING_WARN, remedy, "%s does not start the server again when it was killed",
						unit.name);
	else
		ha_findings_add(findings, HA_FINDING_GOOD, NULL, "%s starts the server again: Restart=%s", unit.name,
						unit.restart);
}

void
ha_doctor_local(HaReach *reach, HaFindings *findings)
{
	HaFault fault = {.text = ""};

	check_files(reach, findings);
	if (reach->local.data[0] == '\0')
		return;					/* a witness */
	if (!ha_local_open(&reach->local, &reach->places, &fault))
	{
		ha_findings_add_fault(findings, HA_FINDING_BAD, &fault);
		return;
	}
	check_settings(reach, findings);
	check_space(reach, findings);
	check_supervisor(reach, findings);
}
