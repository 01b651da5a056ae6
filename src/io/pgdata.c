/*
 * pgdata.c: see pgdata.h.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/files.h"
#include "io/pgdata.h"
#include "io/process.h"

#define ASK_LIMIT_US (20 * 1000 * HA_US_PER_MS)
#define MAJOR_MIN 15
#define MAJOR_MAX 18

/* ---- Programs ---- */

static bool
has_postgres(const char *directory)
{
	char path[PATH_MAX];

	return ha_files_path(path, directory, "postgres") && access(path, X_OK) == 0;
}

static bool
beside_us(char programs[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", programs, PATH_MAX - 1);
	char *slash;

	if (length <= 0)
		return false;
	programs[length] = '\0';
	slash = strrchr(programs, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	return has_postgres(programs);
}

static bool
on_path(char programs[PATH_MAX])
{
	const char *from = getenv("PATH");

	while (from != NULL && *from != '\0')
	{
		size_t length = strcspn(from, ":");

		if (from[0] == '/' && length < PATH_MAX)
		{
			memcpy(programs, from, length);
			programs[length] = '\0';
			if (has_postgres(programs))
				return true;
		}
		from += length + (from[length] == ':' ? 1 : 0);
	}
	return false;
}

bool
ha_pgdata_find_programs(const char *wanted, char programs[PATH_MAX], HaFault *fault)
{
	if (wanted != NULL)
	{
		if (realpath(wanted, programs) != NULL && has_postgres(programs))
			return true;
		return ha_fault(fault, "name the directory that holds postgres, initdb and pg_basebackup",
						"there is no program postgres in \"%s\"", wanted);
	}
	if (beside_us(programs) || on_path(programs))
		return true;
	programs[0] = '\0';
	return ha_fault(fault, "name their directory with --programs; pg_config --bindir prints it",
					"PostgreSQL's programs were not found, neither beside pg_haops nor on PATH");
}

/* Keeps the first line of an answer. */
static void
keep_line(void *self, const char *line)
{
	char *kept = self;

	if (kept[0] == '\0')
		snprintf(kept, HA_PGDATA_VALUE_SIZE, "%.*s", HA_PGDATA_VALUE_SIZE - 1, line);
}

static bool
major_known(int major, const char *what, HaFault *fault)
{
	if (major >= MAJOR_MIN && major <= MAJOR_MAX)
		return true;
	return ha_fault(fault, NULL, "%s is of PostgreSQL %d; pg_haops knows %d to %d", what, major, MAJOR_MIN, MAJOR_MAX);
}

bool
ha_pgdata_programs_major(const char *programs, int *major, HaFault *fault)
{
	char path[PATH_MAX];
	char line[HA_PGDATA_VALUE_SIZE] = "";
	const char *const argv[] = {path, "--version", NULL};
	const HaProcessJob job = {.argv = argv, .limit_us = ASK_LIMIT_US, .line = keep_line, .self = line};
	HaProcessEnd end;

	if (!ha_files_path(path, programs, "postgres") || !ha_process_run(&job, &end) ||
		sscanf(line, "postgres (PostgreSQL) %d", major) != 1)
		return ha_fault(fault, NULL, "the program \"%s\" does not say its version", path);
	return major_known(*major, path, fault);
}

/* ---- The control file ---- */

/* Lines that are wanted, and the bit that says that one was there. */
enum
{
	SEEN_SYSTEM = 0x01,
	SEEN_STATE = 0x02,
	SEEN_CHECKPOINT = 0x04,
	SEEN_TLI = 0x08,
	SEEN_MIN = 0x10,
	SEEN_MIN_TLI = 0x20,
	SEEN_HINTS = 0x40,
	SEEN_SEGMENT = 0x80,
	SEEN_CHECKSUMS = 0x100,
	SEEN_ALL = 0x1ff
};

bool
ha_pgdata_lsn(const char *text, HaLsn *lsn)
{
	unsigned high;
	unsigned low;
	int used = 0;

	if (sscanf(text, "%8X/%8X%n", &high, &low, &used) != 2 || text[used] != '\0' || strchr(text, '-') != NULL)
		return false;
	*lsn = (HaLsn) high << 32 | low;
	return true;
}

static bool
read_number(const char *text, uint64_t max, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *number <= max;
}

static bool
read_u32(const char *text, uint32_t *number)
{
	uint64_t wide;

	if (!read_number(text, UINT32_MAX, &wide))
		return false;
	*number = (uint32_t) wide;
	return true;
}

static bool
read_state(HaControl *control, const char *text)
{
	snprintf(control->state_text, sizeof(control->state_text), "%s", text);
	ha_fault_clean(control->state_text);
	if (strcmp(text, "shut down") == 0)
		control->state = HA_CONTROL_SHUT_DOWN;
	else if (strcmp(text, "shut down in recovery") == 0)
		control->state = HA_CONTROL_SHUT_DOWN_STANDBY;
	else
		control->state = HA_CONTROL_OTHER;
	return true;
}

void
ha_pgdata_control_line(HaControl *control, const char *line)
{
	const char *colon = strchr(line, ':');
	size_t label = colon != NULL ? (size_t) (colon - line) : 0;
	const char *value = colon != NULL ? colon + 1 + strspn(colon + 1, " ") : "";
	uint32_t version;

#define IS(text) (label == sizeof(text) - 1 && memcmp(line, text, label) == 0)
	if (IS("Database system identifier") && read_number(value, UINT64_MAX, &control->system_id))
		control->seen |= SEEN_SYSTEM;
	else if (IS("Database cluster state") && read_state(control, value))
		control->seen |= SEEN_STATE;
	else if (IS("Latest checkpoint location") && ha_pgdata_lsn(value, &control->checkpoint))
		control->seen |= SEEN_CHECKPOINT;
	else if (IS("Latest checkpoint's TimeLineID") && read_u32(value, &control->tli))
		control->seen |= SEEN_TLI;
	else if (IS("Minimum recovery ending location") && ha_pgdata_lsn(value, &control->min_recovery))
		control->seen |= SEEN_MIN;
	else if (IS("Min recovery ending loc's timeline") && read_u32(value, &control->min_recovery_tli))
		control->seen |= SEEN_MIN_TLI;
	else if (IS("wal_log_hints setting"))
	{
		control->wal_log_hints = strcmp(value, "on") == 0;
		control->seen |= SEEN_HINTS;
	}
	else if (IS("Bytes per WAL segment") && read_u32(value, &control->segment_bytes))
		control->seen |= SEEN_SEGMENT;
	else if (IS("Data page checksum version") && read_u32(value, &version))
	{
		control->checksums = version != 0;
		control->seen |= SEEN_CHECKSUMS;
	}
#undef IS
}

bool
ha_pgdata_control_whole(const HaControl *control)
{
	uint32_t bytes = control->segment_bytes;

	return control->seen == SEEN_ALL && control->system_id != 0 && control->tli != 0 && bytes >= 1024 * 1024 &&
		bytes <= 1024 * 1024 * 1024 && (bytes & (bytes - 1)) == 0;
}

static void
control_line(void *self, const char *line)
{
	ha_pgdata_control_line(self, line);
}

bool
ha_pgdata_control(const char *programs, const char *data, HaControl *control, HaFault *fault)
{
	char path[PATH_MAX];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	const char *const argv[] = {path, "-D", data, NULL};
	const HaProcessJob job = {.argv = argv, .limit_us = ASK_LIMIT_US, .line = control_line, .self = control};
	HaProcessEnd end;

	memset(control, 0, sizeof(*control));
	if (!ha_files_path(path, programs, "pg_controldata"))
		return ha_fault(fault, NULL, "the name of a program is too long");
	if (!ha_process_run(&job, &end))
	{
		ha_process_end_text(&end, why, sizeof(why));
		return ha_fault(fault, NULL, "the control file of \"%s\" can't be read: pg_controldata %s", data, why);
	}
	if (ha_pgdata_control_whole(control))
		return true;
	return ha_fault(fault, "its version of PostgreSQL must be the one of the programs that pg_haops uses",
					"the control file of \"%s\" is damaged or of another version", data);
}

HaTli
ha_pgdata_control_tli(const HaControl *control)
{
	return control->min_recovery_tli > control->tli ? control->min_recovery_tli : control->tli;
}

/* ---- The directory ---- */

bool
ha_pgdata_major(const char *data, int *major, HaFault *fault)
{
	char path[PATH_MAX];
	char *text = ha_files_path(path, data, "PG_VERSION") ? ha_files_read(path, 64, NULL) : NULL;
	int error = errno;
	bool ok = text != NULL && sscanf(text, "%d", major) == 1;

	free(text);
	if (text == NULL && error != ENOENT && error != ENOTDIR)
		return ha_fault(fault, NULL, "\"%s\" can't be read: %s", data, strerror(error));
	if (!ok)
		return ha_fault(fault, NULL, "\"%s\" is no data directory of PostgreSQL: it has no PG_VERSION", data);
	return major_known(*major, data, fault);
}

bool
ha_pgdata_setting(const char *programs, const char *config, const char *name, char value[HA_PGDATA_VALUE_SIZE],
				  HaFault *fault)
{
	char path[PATH_MAX];
	char why[HA_PROCESS_TAIL_SIZE + 64];
	/* Else a server that logs for debugging would drown its last words, which our callers look at. */
	const char *const argv[] = {path, "-D", config, "-C", name, "-c", "log_min_messages=warning", NULL};
	const HaProcessJob job = {.argv = argv, .errors_apart = true, .limit_us = ASK_LIMIT_US, .line = keep_line,
							  .self = value};
	HaProcessEnd end;

	value[0] = '\0';
	if (!ha_files_path(path, programs, "postgres"))
		return ha_fault(fault, NULL, "the name of a program is too long");
	if (ha_process_run(&job, &end))
		return true;
	ha_process_end_text(&end, why, sizeof(why));
	return ha_fault(fault, "postgres -C reads the configuration as the server does; mend what it complains of",
					"the setting %s can't be read from \"%s\": postgres %s", name, config, why);
}

bool
ha_pgdata_setting_number(const char *programs, const char *config, const char *name, long *value, HaFault *fault)
{
	char text[HA_PGDATA_VALUE_SIZE];
	char *end;

	if (!ha_pgdata_setting(programs, config, name, text, fault))
		return false;
	*value = strtol(text, &end, 10);
	if (end != text && *end == '\0')
		return true;
	ha_fault_clean(text);
	return ha_fault(fault, NULL, "the setting %s is not a number: \"%.64s\"", name, text);
}

/* Does the process work in this directory? All of PostgreSQL's do; so it is not just another one with that number. */
static bool
works_in(pid_t pid, const struct stat *directory)
{
	char path[64];
	struct stat there;

	snprintf(path, sizeof(path), "/proc/%d/cwd", (int) pid);
	return stat(path, &there) == 0 && there.st_dev == directory->st_dev && there.st_ino == directory->st_ino;
}

void
ha_pgdata_postmaster(const char *data, HaPostmaster *postmaster)
{
	char path[PATH_MAX];
	char *text = ha_files_path(path, data, "postmaster.pid") ? ha_files_read(path, 16384, NULL) : NULL;
	char *rest = text;
	char *line;
	struct stat directory;

	memset(postmaster, 0, sizeof(*postmaster));
	for (int number = 1; (line = strsep(&rest, "\n")) != NULL; number++)
	{
		if (number == 1)
			postmaster->pid = (pid_t) labs(strtol(line, NULL, 10));
		else if (number == 4)
			postmaster->port = atoi(line);
		else if (number == 5)
			snprintf(postmaster->socket_directory, sizeof(postmaster->socket_directory), "%s", line);
		else if (number == 8)
			snprintf(postmaster->status, sizeof(postmaster->status), "%.*s", (int) strcspn(line, " "), line);
	}
	free(text);
	postmaster->alive = postmaster->pid > 0 && postmaster->pid != getpid() && ha_process_alive(postmaster->pid) &&
		stat(data, &directory) == 0 && works_in(postmaster->pid, &directory);
}

static bool
is_postgres(pid_t pid)
{
	char path[64];
	char program[PATH_MAX];
	ssize_t length;
	const char *name;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int) pid);
	length = readlink(path, program, sizeof(program) - 1);
	if (length <= 0)
		return false;
	program[length] = '\0';
	name = strrchr(program, '/');
	return name != NULL && strncmp(name, "/postgres", 9) == 0;
}

bool
ha_pgdata_in_use(const char *data, pid_t *pid)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	struct stat directory;
	siginfo_t child;
	bool found = false;

	if (dir == NULL)
		return false;
	if (stat(data, &directory) == 0)
	{
		while (!found && (entry = readdir(dir)) != NULL)
		{
			/* A child of ours is the log collector of the server that this process was. */
			*pid = (pid_t) strtol(entry->d_name, NULL, 10);
			found = *pid > 0 && *pid != getpid() && works_in(*pid, &directory) && is_postgres(*pid) &&
				waitid(P_PID, (id_t) *pid, &child, WEXITED | WNOHANG | WNOWAIT) != 0 && ha_process_alive(*pid);
		}
	}
	closedir(dir);
	return found;
}

HaTli
ha_pgdata_tli_max(const char *data, HaTli least)
{
	char path[PATH_MAX];
	DIR *dir = ha_files_path(path, data, "pg_wal") ? opendir(path) : NULL;
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
	{
		const char *name = entry->d_name;

		if (strspn(name, "0123456789ABCDEF") == 8 && strcmp(name + 8, ".history") == 0)
		{
			HaTli tli = (HaTli) strtoul(name, NULL, 16);

			least = tli > least ? tli : least;
		}
	}
	if (dir != NULL)
		closedir(dir);
	return least;
}

bool
ha_pgdata_has_links(const char *data)
{
	char path[PATH_MAX];
	struct stat about;

	if (ha_files_path(path, data, "pg_wal") && lstat(path, &about) == 0 && S_ISLNK(about.st_mode))
		return true;
	return ha_files_path(path, data, "pg_tblspc") && !ha_files_is_empty(path);
}

/* ---- WAL file names ---- */

bool
ha_pgdata_segment(const char *name, uint32_t segment_bytes, HaTli *tli, HaLsn *start)
{
	unsigned timeline;
	unsigned high;
	unsigned low;

	if (strlen(name) != 24 || strspn(name, "0123456789ABCDEF") != 24 ||
		sscanf(name, "%8X%8X%8X", &timeline, &high, &low) != 3)
		return false;
	if (segment_bytes == 0 || low >= (UINT64_C(1) << 32) / segment_bytes)
		return false;
	*tli = timeline;
	*start = ((HaLsn) high << 32) + (HaLsn) low * segment_bytes;
	return true;
}
