/*
 * guc.c: see guc.h.
 */
#include "server/compat.h"

#include "io/address.h"
#include "server/guc.h"
#include "server/shmem.h"
#include "utils/guc.h"
#include "wire/receiver.h"

#define STATE_SUBDIRECTORY "pg_haops/pgsql_tmp"

int ha_guc_promise_ms = 3000;
int ha_guc_beat_ms = 500;
int ha_guc_fence_wait_ms = 1000;
int ha_guc_stall_limit_ms = 10000;
int ha_guc_async_lag_limit_kb = 0;
char *ha_guc_state_directory = NULL;
char *ha_guc_key_file = NULL;
char *ha_guc_listen_address = NULL;
char *ha_guc_replication_options = NULL;
char *ha_guc_archive_command = NULL;
int ha_guc_orders_number = 0;

/* ---- Paths and addresses ---- */

void
ha_guc_state_path(const char *name, char *path)
{
	char		directory[MAXPGPATH];

	if (ha_guc_state_directory != NULL && ha_guc_state_directory[0] != '\0')
		strlcpy(directory, ha_guc_state_directory, MAXPGPATH);
	else
		join_path_components(directory, DataDir, STATE_SUBDIRECTORY);
	if (name == NULL)
		strlcpy(path, directory, MAXPGPATH);
	else
		join_path_components(path, directory, name);
}

void
ha_guc_key_path(char *path)
{
	if (ha_guc_key_file != NULL && ha_guc_key_file[0] != '\0')
		strlcpy(path, ha_guc_key_file, MAXPGPATH);
	else
		ha_guc_state_path("key", path);
}

void
ha_guc_listen(char host[HA_HOST_SIZE], uint16_t *port)
{
	host[0] = '\0';
	*port = 0;
	if (ha_guc_listen_address != NULL && ha_guc_listen_address[0] != '\0' &&
		!ha_address_split(ha_guc_listen_address, host, port))
		elog(ERROR, "pg_haops.listen_address \"%s\" is not an address", ha_guc_listen_address);
}

bool
ha_guc_times(HaTimes *times)
{
	times->promise_ms = (uint32_t) ha_guc_promise_ms;
	times->beat_ms = (uint32_t) ha_guc_beat_ms;
	return ha_guc_promise_ms >= 3 * ha_guc_beat_ms;
}

/* ---- Checks ---- */

static bool
check_absolute(char **value, void **extra, GucSource source)
{
	if (**value == '\0' || is_absolute_path(*value))
		return true;
	GUC_check_errdetail("It must be an absolute path, or empty.");
	return false;
}

static bool
check_listen(char **value, void **extra, GucSource source)
{
	char		host[HA_HOST_SIZE];
	uint16_t	port = 0;

	if (**value == '\0' || ha_address_split(*value, host, &port))
		return true;
	GUC_check_errdetail("It must be a numeric address and a port, such as \"10.0.0.1:5433\" or \"[fd00::1]:5433\".");
	return false;
}

static bool
check_replication_options(char **value, void **extra, GucSource source)
{
	if (strstr(*value, "password") != NULL)
	{
		GUC_check_errdetail("Passwords stand in the passfile of the state directory, not in a setting.");
		return false;
	}
	if (strstr(*value, "options") != NULL)
	{
		GUC_check_errdetail("\"options\" is what pg_haops itself brings along.");
		return false;
	}
	if (strpbrk(*value, "\n\r") != NULL || strlen(*value) > 256)
	{
		GUC_check_errdetail("It must be one line of at most 256 bytes.");
		return false;
	}
	return true;
}

/*
 * The startup process tells by this that it has read the ha worker's orders: from then on it starts no WAL receiver by
 * older ones (R13), because PrimaryConnInfo, which stands before this setting in the file, is already the new one.
 */
static void
assign_orders_number(int value, void *extra)
{
	if (ha_shmem == NULL || MyProc == NULL || MyBackendType != B_STARTUP)
		return;
	pg_atomic_write_u32(&ha_shmem->startup_proc, (uint32) ha_my_proc_number() + 1);
	pg_memory_barrier();
	pg_atomic_write_u32(&ha_shmem->startup_number, (uint32) value);
	ha_shmem_wake(&ha_shmem->ha_proc);
}

/* ---- Definitions ---- */

static void
define_times(void)
{
	DefineCustomIntVariable("pg_haops.promise",
							"For how long a member that answered the leader neither votes nor stands.",
							"The leader's lease is 0.8 of it. At least three times pg_haops.beat.",
							&ha_guc_promise_ms, 3000, HA_PROMISE_MS_MIN, HA_PROMISE_MS_MAX,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_haops.beat",
							"Time between two heartbeats of the leader.",
							NULL,
							&ha_guc_beat_ms, 500, 20, HA_PROMISE_MS_MAX / 3,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_haops.fence_wait",
							"For how long a commit waits for the lease before it is refused.",
							"Zero refuses at once.",
							&ha_guc_fence_wait_ms, 1000, 0, 60000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("pg_haops.stall_limit",
							"For how long the leader's WAL writes or its postmaster may stand still.",
							"After that it gives its leadership back. Zero: never.",
							&ha_guc_stall_limit_ms, 10000, 0, 3600000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}

static void
define_limits(void)
{
	DefineCustomIntVariable("pg_haops.async_lag_limit",
							"Asynchronous mode: how much WAL the best standby may lack when a commit is acknowledged.",
							"What a failover can lose at the most. Commits wait, then are refused. Zero: no limit.",
							&ha_guc_async_lag_limit_kb, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
}

static void
define_places(void)
{
	int			flags = GUC_DISALLOW_IN_AUTO_FILE | GUC_SUPERUSER_ONLY;

	DefineCustomStringVariable("pg_haops.state_directory",
							   "Directory of this member's state.",
							   "Empty: pg_haops/pgsql_tmp in the data directory, which no copy of it contains.",
							   &ha_guc_state_directory, "",
							   PGC_POSTMASTER, flags, check_absolute, NULL, NULL);
	DefineCustomStringVariable("pg_haops.key_file",
							   "File with the cluster's secret.",
							   "Empty: \"key\" in the state directory.",
							   &ha_guc_key_file, "",
							   PGC_POSTMASTER, flags, check_absolute, NULL, NULL);
	DefineCustomStringVariable("pg_haops.listen_address",
							   "Numeric address and port on which other members are heard.",
							   "Empty: this member's own peer address in the register.",
							   &ha_guc_listen_address, "",
							   PGC_POSTMASTER, flags, check_listen, NULL, NULL);
	DefineCustomStringVariable("pg_haops.replication_options",
							   "Options of libpq that are added to primary_conninfo, such as sslmode.",
							   NULL,
							   &ha_guc_replication_options, "",
							   PGC_POSTMASTER, flags, check_replication_options, NULL, NULL);
	DefineCustomStringVariable("pg_haops.archive_command",
							   "Command that archives a WAL file, while this server holds the lease.",
							   "Used with archive_library = 'pg_haops'; %p and %f as in archive_command.",
							   &ha_guc_archive_command, "",
							   PGC_SIGHUP, flags, NULL, NULL, NULL);
}

void
ha_guc_define(void)
{
	static char *receiver;		/* the door reads it, before it is a setting */
	HaTimes		times;

	define_times();
	define_limits();
	define_places();
	DefineCustomIntVariable("pg_haops.orders_number",
							"Number of the settings that the ha worker wrote last; not to be set by people.",
							NULL,
							&ha_guc_orders_number, 0, 0, INT_MAX,
							PGC_SIGHUP, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_AUTO_FILE,
							NULL, assign_orders_number, NULL);
	DefineCustomStringVariable(HA_RECEIVER_SETTING,
							   "Which member asks for WAL; not to be set by people.",
							   NULL,
							   &receiver, "",
							   PGC_BACKEND, GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE | GUC_DISALLOW_IN_FILE,
							   NULL, NULL, NULL);
	if (!ha_guc_times(&times))
		ereport(FATAL,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("pg_haops.promise (%d ms) must be at least three times pg_haops.beat (%d ms)",
						ha_guc_promise_ms, ha_guc_beat_ms)));
}
