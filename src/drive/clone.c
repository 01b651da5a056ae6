/*
 * clone.c: see clone.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drive/clone.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/login.h"
#include "io/mac.h"
#include "io/pgconn.h"
#include "io/process.h"

#define ASK_LIMIT_US (10 * 1000 * HA_US_PER_MS)
#define RUN_LIMIT_US ((HaUs) 72 * 3600 * 1000 * HA_US_PER_MS)
#define SPARE_BYTES ((uint64_t) 256 * 1024 * 1024)	/* for WAL that comes meanwhile */
#define TELL_PERCENT 10
#define ARGUMENTS_MAX (20 + 2 * HA_CLONE_MAPPINGS_MAX)

void
ha_clone_slot_name(const char *member, char slot[HA_NAME_SIZE + 16])
{
	snprintf(slot, HA_NAME_SIZE + 16, "pg_haops_%s", member);
	for (char *c = slot; *c != '\0'; c++)
		*c = *c == '-' ? '_' : (char) tolower((unsigned char) *c);
}

/* ---- Questions to the leader ---- */

static bool
ask(const HaClone *clone, const char *sql, char *text, size_t size, HaFault *fault)
{
	char conninfo[HA_LOGIN_CONNINFO_SIZE];
	char password[HA_LOGIN_PASSWORD_SIZE];
	bool ok = ha_login_conninfo(clone->leader->sql_host, clone->leader->sql_port, "pg_haops", conninfo) &&
		ha_login_password(clone->key, password) &&
		ha_pgconn_ask(conninfo, password, sql, text, size, ASK_LIMIT_US, fault);

	ha_mac_wipe(password, sizeof(password));
	if (ok)
		return true;
	snprintf(fault->hint, sizeof(fault->hint), "its pg_hba.conf must let %s in from here, its firewall port %u",
			 HA_LOGIN_ROLE, clone->leader->sql_port);
	return ha_fault_prefix(fault, "the PostgreSQL of %s at %s: ", clone->leader->name, clone->leader->sql_host);
}

static bool
check_version(const HaClone *clone, HaFault *fault)
{
	char text[64];
	long version;

	if (!ask(clone, "SHOW server_version_num", text, sizeof(text), fault))
		return false;
	version = strtol(text, NULL, 10) / 10000;
	return version == clone->major ||
		ha_fault(fault, "name the programs of the right version with --programs",
				 "the leader runs PostgreSQL %ld, the programs here are of %d", version, clone->major);
}

/* Where the tablespace would be put: by the mapping, or where it is on the leader. */
static const char *
place_of(const HaClone *clone, const char *location)
{
	for (int i = 0; i < clone->mapping_count; i++)
	{
		const char *equals = strchr(clone->mapping[i], '=');

		if (equals != NULL && strncmp(clone->mapping[i], location, (size_t) (equals - clone->mapping[i])) == 0 &&
			location[equals - clone->mapping[i]] == '\0')
			return equals + 1;
	}
	return location;
}

static bool
check_tablespaces(const HaClone *clone, HaFault *fault)
{
	char text[8192];
	char *rest = text;
	char *location;

	if (!ask(clone, "SELECT pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace "
			 "WHERE pg_catalog.pg_tablespace_location(oid) <> ''", text, sizeof(text), fault))
		return false;
	while ((location = strsep(&rest, "\n")) != NULL)
	{
		const char *place = place_of(clone, location);

		if (place[0] == '/' && !ha_files_is_empty(place))
			return ha_fault(fault, "put it elsewhere with --tablespace-mapping OLD=NEW",
							"a tablespace of the leader would come to \"%s\", which is not empty", place);
	}
	return true;
}

static uint64_t
space_for(const char *target)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", target);
	while (!ha_files_is_directory(path))
	{
		char *slash = strrchr(path, '/');

		if (slash == NULL || slash == path)
			return ha_files_space("/");
		*slash = '\0';
	}
	return ha_files_space(path);
}

static bool
check_space(const HaClone *clone, HaFault *fault)
{
	char text[64];
	uint64_t need;
	uint64_t have = space_for(clone->target);

	if (!ask(clone, "SELECT pg_catalog.sum(pg_catalog.pg_database_size(oid))::bigint FROM pg_catalog.pg_database",
			 text, sizeof(text), fault))
		return false;
	need = strtoull(text, NULL, 10) + SPARE_BYTES;
	return have == 0 || have >= need ||
		ha_fault(fault, NULL, "the copy needs %llu MB, and there are only %llu MB for \"%s\"",
				 (unsigned long long) (need >> 20), (unsigned long long) (have >> 20), clone->target);
}

bool
ha_clone_check(const HaClone *clone, HaFault *fault)
{
	return check_version(clone, fault) && check_tablespaces(clone, fault) && check_space(clone, fault);
}

bool
ha_clone_cluster_name(const HaClone *clone, char name[HA_NAME_SIZE], HaFault *fault)
{
	char text[256];

	if (!ask(clone, "SHOW cluster_name", text, sizeof(text), fault))
		return false;
	snprintf(name, HA_NAME_SIZE, "%.*s", HA_NAME_SIZE - 1, ha_name_valid(text) ? text : "");
	return true;
}

bool
ha_clone_await_slot(const HaClone *clone, HaUs limit_us, HaFault *fault)
{
	HaUs until_us = ha_clock_now().mono_us + limit_us;
	char slot[HA_NAME_SIZE + 16];
	char sql[256];
	char text[32];

	ha_clone_slot_name(clone->member, slot);
	snprintf(sql, sizeof(sql), "SELECT 1 FROM pg_catalog.pg_replication_slots WHERE slot_name = '%s'", slot);
	do
	{
		if (!ask(clone, sql, text, sizeof(text), fault))
			return false;
		if (strcmp(text, "1") == 0)
			return true;
	} while (ha_clock_now().mono_us < until_us && ha_process_pause(100 * HA_US_PER_MS));
	return ha_fault(fault, "its log may say why; max_replication_slots must be larger than the number of members",
					"the leader %s has not made the slot %s", clone->leader->name, slot);
}

/* ---- The copy ---- */

int
ha_clone_percent(const char *line)
{
	const char *open = strchr(line, '(');
	int percent;
	int used = 0;

	if (open == NULL || sscanf(open, "(%3d%%)%n", &percent, &used) != 1 || used == 0)
		return -1;
	return percent < 0 || percent > 100 ? -1 : percent;
}

typedef struct Progress
{
	HaTeller teller;
	int told;					/* percent, last */
} Progress;

static void
hear(void *self, const char *line)
{
	Progress *progress = self;
	int percent = ha_clone_percent(line);
	char text[64];

	if (percent < 0 || progress->teller.tell == NULL)
		return;
	if (percent < progress->told + TELL_PERCENT && (percent != 100 || progress->told == 100))
		return;
	progress->told = percent;
	snprintf(text, sizeof(text), "copied %d %%", percent);
	progress->teller.tell(progress->teller.self, text);
}

static bool
run_basebackup(const HaClone *clone, const char *conninfo, const char *const *environment, HaFault *fault)
{
	char program[PATH_MAX];
	char slot[HA_NAME_SIZE + 16];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	const char *argv[ARGUMENTS_MAX + 1] = {
		program, "-D", clone->target, "-d", conninfo, "-X", "stream", "-S", slot, "-c", "fast", "-P", "-w"};
	Progress progress = {clone->teller, -TELL_PERCENT};
	HaProcessJob job = {.argv = argv, .environment = environment, .limit_us = RUN_LIMIT_US, .line = hear,
						.self = &progress};
	HaProcessEnd end;
	size_t count = 0;

	ha_clone_slot_name(clone->member, slot);
	while (argv[count] != NULL)
		count++;
	for (int i = 0; i < clone->mapping_count; i++)
	{
		argv[count++] = "-T";
		argv[count++] = clone->mapping[i];
	}
	if (ha_files_path(program, clone->programs, "pg_basebackup") && ha_process_run(&job, &end))
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, NULL, "the copy failed: pg_basebackup %s", why);
}

bool
ha_clone_run(const HaClone *clone, HaFault *fault)
{
	char conninfo[HA_LOGIN_CONNINFO_SIZE];
	char password[HA_LOGIN_ENVIRONMENT_SIZE];
	const char *const environment[] = {password, NULL};
	bool existed = ha_files_exists(clone->target);
	bool ok = ha_login_environment(clone->key, password) &&
		ha_login_conninfo(clone->leader->sql_host, clone->leader->sql_port, clone->member, conninfo) &&
		ha_login_add_receiver(&clone->receiver, conninfo) && run_basebackup(clone, conninfo, environment, fault);

	ha_mac_wipe(password, sizeof(password));
	if (!ok && existed)
		ha_files_empty(clone->target);
	else if (!ok)
		ha_files_remove_tree(clone->target);
	return ok;
}
