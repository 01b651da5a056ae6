/*
 * timelines.c: see timelines.h.
 *
 * Why it is safe: the end of a promotion writes a record of its own and names the new timeline in the control file
 * before anything else can be written; and an epoch is in a member's chain, durable, before the member acknowledges a
 * commit on it (its leader) or receives WAL of it (a standby, which joins first, R33).
 */
#include "server/compat.h"

#include <unistd.h>

#include "access/xlog_internal.h"
#include "common/controldata_utils.h"
#include "io/store.h"
#include "server/guc.h"
#include "server/timelines.h"
#include "storage/fd.h"

static bool
chain_names(const HaChain *chain, TimeLineID tli)
{
	for (uint32 i = 0; i < chain->count; i++)
	{
		if (chain->epoch[i].tli == tli)
			return true;
	}
	return false;
}

/* The timeline that a file of pg_wal belongs to, 0 when it is no history and no WAL file. */
static TimeLineID
timeline_of(const char *name)
{
	char		digits[9];

	if (!IsTLHistoryFileName(name) && !IsXLogFileName(name) && !IsPartialXLogFileName(name))
		return 0;
	strlcpy(digits, name, sizeof(digits));
	return (TimeLineID) strtoul(digits, NULL, 16);
}

void
ha_timelines_tidy(void)
{
	HaHard	   *hard = palloc(sizeof(HaHard));
	char		directory[MAXPGPATH];
	ControlFileData *control;
	TimeLineID	known;
	bool		whole;
	DIR		   *dir;
	struct dirent *entry;

	ha_guc_state_path(NULL, directory);
	control = get_controlfile(DataDir, &whole);
	if (!whole || ha_store_peek(directory, hard) != HA_STORE_OK)
		return;
	known = Max(control->checkPointCopy.ThisTimeLineID, control->minRecoveryPointTLI);

	dir = AllocateDir(XLOGDIR);
	while ((entry = ReadDir(dir, XLOGDIR)) != NULL)
	{
		TimeLineID	tli = timeline_of(entry->d_name);
		char		path[MAXPGPATH];

		if (tli <= known || chain_names(&hard->chain, tli) || chain_names(&hard->reg.chain, tli))
			continue;
		snprintf(path, sizeof(path), XLOGDIR "/%s", entry->d_name);
		if (unlink(path) != 0)
			ereport(FATAL,
					(errcode_for_file_access(),
					 errmsg("pg_haops: could not remove \"%s\" of an unfinished promotion: %m", path)));
		ereport(LOG, (errmsg("pg_haops: removed \"%s\" of an unfinished promotion", path)));
	}
	FreeDir(dir);
	pfree(control);
	pfree(hard);
}
