/*
 * replication_wal.c: what waits for the archive, read from the names in pg_wal/archive_status and in pg_wal.
 *
 * The names are read once and nothing is opened; only the oldest that waits is asked for its age. Beyond NAMES_MAX
 * names the rest is left out, and the row says so. A file that vanishes meanwhile has been archived and is not counted.
 */
#include "server/compat.h"

#include "access/xlog_internal.h"
#include "access/xlogarchive.h"
#include "api/row.h"
#include "funcapi.h"
#include "replication/walreceiver.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include <sys/stat.h>
#include <unistd.h>

PG_FUNCTION_INFO_V1(ha_api_archive_files);

#define STATUS_DIRECTORY XLOGDIR "/archive_status"
#define NAMES_MAX 1000000
#define READY ".ready"
#define DONE ".done"

typedef struct Files
{
	int64		ready;			/* files that wait */
	char		oldest[MAXFNAMELEN];	/* of them, in the order of the archiver; empty: none waits */
	bool		complete;
	TimeLineID	tli;			/* the present one; the rest is of its segments */
	XLogSegNo	present;		/* that is being written */
	XLogSegNo  *marked;			/* that wait or are archived; sorted */
	int			marked_count;
	int			marked_room;
	int64		unmarked;		/* complete, neither archived nor waiting, and yet newer than one that is */
	char		first_unmarked[MAXFNAMELEN];
} Files;

static int
compare(const void *a, const void *b)
{
	XLogSegNo	x = *(const XLogSegNo *) a;
	XLogSegNo	y = *(const XLogSegNo *) b;

	return x < y ? -1 : x > y;
}

/* The archiver takes histories first, then what is older. */
static bool
goes_before(const char *a, const char *b)
{
	bool		history_a = IsTLHistoryFileName(a);
	bool		history_b = IsTLHistoryFileName(b);

	if (history_a != history_b)
		return history_a;
	return strcmp(a, b) < 0;
}

static void
mark(Files *files, const char *name)
{
	TimeLineID	tli;
	XLogSegNo	segment;

	if (!IsXLogFileName(name))
		return;
	XLogFromFileName(name, &tli, &segment, wal_segment_size);
	if (tli != files->tli)
		return;
	if (files->marked_count == files->marked_room)
	{
		files->marked_room *= 2;
		files->marked = repalloc_huge(files->marked, sizeof(XLogSegNo) * files->marked_room);
	}
	files->marked[files->marked_count++] = segment;
}

static void
take_status(Files *files, const char *entry)
{
	const char *dot = strrchr(entry, '.');
	char		name[MAXFNAMELEN];
	bool		ready = dot != NULL && strcmp(dot, READY) == 0;

	if (dot == NULL || (size_t) (dot - entry) >= sizeof(name) || (!ready && strcmp(dot, DONE) != 0))
		return;
	strlcpy(name, entry, (size_t) (dot - entry) + 1);
	mark(files, name);
	if (!ready)
		return;
	files->ready++;
	if (files->oldest[0] == '\0' || goes_before(name, files->oldest))
		strlcpy(files->oldest, name, sizeof(files->oldest));
}

/* A name that changes or goes while its directory is read may not have been seen. */
static bool
is_left(const char *name)
{
	char		path[MAXPGPATH];

	snprintf(path, sizeof(path), XLOGDIR "/%s", name);
	return !XLogArchiveIsReadyOrDone(name) && access(path, F_OK) == 0;
}

/*
 * A complete segment of the present timeline that nobody will archive. The last complete one may be about to be marked;
 * those older than anything marked are from before archiving was turned on.
 */
static void
take_segment(Files *files, const char *name)
{
	TimeLineID	tli;
	XLogSegNo	segment;

	if (!IsXLogFileName(name) || files->marked_count == 0)
		return;
	XLogFromFileName(name, &tli, &segment, wal_segment_size);
	if (tli != files->tli || segment + 1 >= files->present || segment < files->marked[0] ||
		bsearch(&segment, files->marked, files->marked_count, sizeof(XLogSegNo), compare) != NULL)
		return;
	if (!is_left(name))
		return;
	files->unmarked++;
	if (files->first_unmarked[0] == '\0' || strcmp(name, files->first_unmarked) < 0)
		strlcpy(files->first_unmarked, name, sizeof(files->first_unmarked));
}

static void
read_names(Files *files, const char *path, void (*take) (Files *files, const char *name))
{
	DIR		   *directory = AllocateDir(path);
	struct dirent *entry;
	int64		count = 0;

	while ((entry = ReadDir(directory, path)) != NULL && files->complete)
	{
		CHECK_FOR_INTERRUPTS();
		take(files, entry->d_name);
		files->complete = ++count < NAMES_MAX;
	}
	FreeDir(directory);
}

/* Since when the file waits, by the clock of the file system; NULL when it does not any more. */
static void
add_age(HaRow *row, const char *name)
{
	char		path[MAXPGPATH];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s" READY, STATUS_DIRECTORY, name);
	if (name[0] == '\0' || stat(path, &st) != 0)
		ha_row_add_null(row);
	else
		ha_row_add_interval(row, Max(GetCurrentTimestamp() - time_t_to_timestamptz(st.st_mtime), 0));
}

/* haops.archive_files() */
Datum
ha_api_archive_files(PG_FUNCTION_ARGS)
{
	Files		files = {.complete = true, .marked_room = 1024};
	XLogRecPtr	lsn = RecoveryInProgress() ? GetWalRcvFlushRecPtr(NULL, &files.tli) : GetFlushRecPtr(&files.tli);
	HaRow		row = {0};

	InitMaterializedSRF(fcinfo, 0);
	files.present = lsn / wal_segment_size;
	files.marked = palloc(sizeof(XLogSegNo) * files.marked_room);
	read_names(&files, STATUS_DIRECTORY, take_status);
	qsort(files.marked, files.marked_count, sizeof(XLogSegNo), compare);
	read_names(&files, XLOGDIR, take_segment);

	ha_row_add_int8(&row, files.ready);
	ha_row_add_text(&row, files.oldest);
	add_age(&row, files.oldest);
	if (files.complete)
		ha_row_add_int8(&row, files.unmarked);
	else
		ha_row_add_null(&row);
	ha_row_add_text(&row, files.complete ? files.first_unmarked : NULL);
	ha_row_add_bool(&row, files.complete);
	ha_row_put(fcinfo, &row);
	return (Datum) 0;
}
