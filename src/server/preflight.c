/*
 * preflight.c: see preflight.h.
 */
#include "server/compat.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "common/file_perm.h"
#include "drive/durable.h"
#include "postmaster/syslogger.h"
#include "server/control.h"
#include "server/guc.h"
#include "server/preflight.h"
#include "server/timelines.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/guc.h"

#define MEMBER_DIRECTORY "pg_haops"
#define MARKER_FILE "rewinding"
#define WISH_FILE "rejoin"
#define LOCK_FILE "postmaster.pid"
#define ARGUMENTS_MAX 256
#define COMMAND_LINE_MAX (64 * 1024)

/* Set while the program runs on behalf of a start, so that a program that fails is not run again and again. */
#define RUN_VARIABLE "PG_HAOPS_PREFLIGHT"

/* Set for the next server in this process: its standard error is the pipe to this one's log collector. */
#define PIPE_VARIABLE "PG_HAOPS_LOG_PIPE"

typedef struct Wish
{
	bool		there;
	HaComparison comparison;
	HaId		leader;
} Wish;

bool ha_preflight_member = false;

static char *arguments[ARGUMENTS_MAX + 1];	/* the postmaster's own */
static int argument_count = 0;
static Wish wish;

/* ---- The command line ---- */

/* PostgreSQL does not keep it; the kernel does. */
static void
load_arguments(void)
{
	char	   *line = malloc(COMMAND_LINE_MAX);
	int			fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t		size = 0;
	ssize_t		count = 0;

	if (line == NULL || fd < 0)
		ereport(FATAL, (errmsg("pg_haops: the command line of the postmaster can't be read: %m")));
	while (size < COMMAND_LINE_MAX - 1 && (count = read(fd, line + size, COMMAND_LINE_MAX - 1 - size)) > 0)
		size += count;
	close(fd);
	line[size] = '\0';
	for (char *word = line; word < line + size && argument_count < ARGUMENTS_MAX; word += strlen(word) + 1)
		arguments[argument_count++] = word;
	if (count > 0 || argument_count == ARGUMENTS_MAX || argument_count == 0)
		ereport(FATAL, (errmsg("pg_haops: the command line of the postmaster is too long")));

	/* 17 and later want the full path. A relative -D was relative to a directory that we have left. */
	arguments[0] = my_exec_path;
	for (int i = 1; i < argument_count; i++)
	{
		if (strcmp(arguments[i], "-D") == 0 && i + 1 < argument_count && !is_absolute_path(arguments[i + 1]))
			arguments[i + 1] = DataDir;
	}
}

static bool
only_shows_a_setting(void)
{
	for (int i = 1; i < argument_count; i++)
	{
		if (strcmp(arguments[i], "-C") == 0)
			return true;
	}
	return false;
}

/* ---- Becoming the program ---- */

static const char *
lineage_name(HaLineage lineage)
{
	return lineage == HA_LINEAGE_STREAM ? "stream" : lineage == HA_LINEAGE_REWIND ? "rewind" : "clone";
}

/* As a freshly started process: no descriptor but the standard ones, no signal blocked or ignored. */
static void
clean_process(void)
{
	sigset_t	none;

	for (int number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
	{
		for (int fd = STDERR_FILENO + 1; fd < 1024; fd++)
			close(fd);
	}
}

/* Returns only when it fails. `lineage` = NULL: go on with what the marker says. */
static void
become_program(const char *lineage, HaId leader)
{
	char	   *command[ARGUMENTS_MAX + 16];
	char		program[MAXPGPATH];
	char		leader_text[16];
	int			count = 0;

	strlcpy(program, my_exec_path, sizeof(program));
	get_parent_directory(program);
	join_path_components(program, program, "pg_haops");
	snprintf(leader_text, sizeof(leader_text), "%u", leader);

	command[count++] = program;
	command[count++] = "rejoin";
	command[count++] = "--in-place";
	command[count++] = "--data";
	command[count++] = DataDir;
	if (lineage == NULL)
		command[count++] = "--resume";
	else
	{
		command[count++] = "--lineage";
		command[count++] = unconstify(char *, lineage);
		command[count++] = "--leader";
		command[count++] = leader_text;
	}
	command[count++] = "--";
	for (int i = 0; i < argument_count; i++)
		command[count++] = arguments[i];
	command[count] = NULL;

	if (Logging_collector)
		setenv(PIPE_VARIABLE, "1", 1);
	clean_process();
	execv(program, command);
	write_stderr("pg_haops: could not execute \"%s\": %s\n", program, strerror(errno));
}

/* ---- The wish ---- */

static bool
write_wish(void)
{
	char		path[MAXPGPATH];
	char		text[128];
	int			length;
	int			fd;
	bool		ok;

	ha_guc_state_path(WISH_FILE, path);
	length = snprintf(text, sizeof(text), "lineage=%s leader=%u fork=%X/%X\n",
					  lineage_name(wish.comparison.lineage), wish.leader, LSN_FORMAT_ARGS(wish.comparison.fork));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	ok = fd >= 0 && write(fd, text, length) == length && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Reads and removes it: what it asked for either happens now, or is decided anew by the ha worker. */
static bool
take_wish(char lineage[16], HaId *leader)
{
	char		path[MAXPGPATH];
	char		text[128];
	int			fd;
	ssize_t		length;

	ha_guc_state_path(WISH_FILE, path);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	unlink(path);
	text[Max(length, 0)] = '\0';
	return sscanf(text, "lineage=%15s leader=%u", lineage, leader) == 2 &&
		(strcmp(lineage, "stream") == 0 || strcmp(lineage, "rewind") == 0 || strcmp(lineage, "clone") == 0);
}

/* ---- After: the end of the postmaster ---- */

/* Shared memory is gone when the postmaster's last callbacks run. */
static void
copy_wish(int code, Datum arg)
{
	if (ha_shmem == NULL || pg_atomic_read_u32(&ha_shmem->rejoin_asked) == 0)
		return;
	wish.comparison = ha_shmem->rejoin;
	wish.leader = ha_shmem->rejoin_leader;
	wish.there = true;
}

static void
at_the_end(int code, Datum arg)
{
	if (!wish.there)
		return;
	if (getenv("NOTIFY_SOCKET") != NULL)
	{
		/* systemd was told that this service is stopping; only a new start helps. */
		if (!write_wish())
			write_stderr("pg_haops: could not write the wish to rejoin: %s\n", strerror(errno));
		unlink(LOCK_FILE);
		_exit(1);
	}
	become_program(lineage_name(wish.comparison.lineage), wish.leader);
	_exit(1);
}

/* ---- Before: the start ---- */

static void
finish_what_was_begun(void)
{
	char		path[MAXPGPATH];
	char		lineage[16];
	HaId		leader;
	struct stat st;
	bool		tried = getenv(RUN_VARIABLE) != NULL;

	unsetenv(RUN_VARIABLE);
	ha_guc_state_path(MARKER_FILE, path);
	if (stat(path, &st) == 0)
	{
		if (tried)
			ereport(FATAL,
					(errmsg("pg_haops: this data directory holds an unfinished rewind or clone"),
					 errdetail("The file \"%s\" exists, and finishing it failed; see above.", path),
					 errhint("Repair it with \"pg_haops rejoin\", or clone the member anew with \"pg_haops join\".")));
		setenv(RUN_VARIABLE, "1", 1);
		become_program(NULL, 0);
		_exit(1);
	}
	if (take_wish(lineage, &leader) && !tried)
	{
		setenv(RUN_VARIABLE, "1", 1);
		become_program(lineage, leader);
		_exit(1);
	}
}

void
ha_preflight_install(void)
{
	struct stat st;

	/* First in, last out: at the end everything of the server is gone but its lock file. */
	on_proc_exit(at_the_end, (Datum) 0);
	load_arguments();
	if (only_shows_a_setting())
		return;
	ha_preflight_member = stat(MEMBER_DIRECTORY, &st) == 0 && S_ISDIR(st.st_mode);
	if (ha_preflight_member)
		finish_what_was_begun();
	else
		ereport(LOG,
				(errmsg("pg_haops: this server is not a member of a cluster, nothing is fenced"),
				 errhint("Make it the first member with \"pg_haops create\", or add it with \"pg_haops join\".")));
}

/*
 * The log collector of the server that was here before ends when nobody holds its pipe any more. The new one is
 * about to be started and would hold it for good, as its own standard error.
 */
static void
let_old_collector_go(void)
{
	int			fd;

	if (getenv(PIPE_VARIABLE) == NULL)
		return;
	unsetenv(PIPE_VARIABLE);
	fd = Logging_collector ? open(DEVNULL, O_WRONLY) : -1;
	if (fd < 0)
		return;
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

/*
 * Before it recovers, PostgreSQL makes the whole directory durable, by default with an fsync for each file: a second
 * for an empty database on an ordinary disk, in which the member can't follow. Where syncfs() tells of errors it is as
 * good. As a default: what the configuration says counts more.
 */
static void
sync_at_once(void)
{
#ifdef HAVE_SYNCFS
	struct utsname system;

	if (uname(&system) == 0 && ha_durable_release_tells(system.release))
		SetConfigOption("recovery_init_sync_method", "syncfs", PGC_POSTMASTER, PGC_S_DYNAMIC_DEFAULT);
#endif
}

void
ha_preflight_before_recovery(void)
{
	int			fd;

	/* Callbacks before the end of shared memory are forgotten when the backends are restarted. */
	wish.there = false;
	if (!ha_preflight_member || IsUnderPostmaster)
		return;
	before_shmem_exit(copy_wish, (Datum) 0);

	fd = open(STANDBY_SIGNAL_FILE, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, pg_file_create_mode);
	if (fd < 0)
		ereport(FATAL,
				(errcode_for_file_access(),
				 errmsg("pg_haops: could not create \"%s\": %m", STANDBY_SIGNAL_FILE)));
	close(fd);
	ha_control_write_first();
	sync_at_once();
	ha_timelines_tidy();
	let_old_collector_go();
}
