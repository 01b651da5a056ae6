/*
 * archive.c: see archive.h.
 */
#include "server/compat.h"

#include "access/xlog.h"
#include "server/archive.h"
#include "server/gate.h"
#include "server/guc.h"
#include "server/preflight.h"

static bool
holds_lease(void)
{
	HaGateView	view;

	return !ha_preflight_member || ha_gate_look(&view) == HA_GATE_OPEN;
}

/* Asked before every file. */
static bool
configured(HA_ARCHIVE_NO_ARGS)
{
	static bool waits = false;
	bool		may = holds_lease();

	if (ha_guc_archive_command == NULL || ha_guc_archive_command[0] == '\0')
	{
		ha_archive_detail("\"pg_haops.archive_command\" is empty.");
		return false;
	}
	if (may == waits)
		ereport(LOG,
				(may ? errmsg("pg_haops: archiving goes on") :
				 errmsg("pg_haops: archiving waits: this server does not hold the lease of the leader")));
	waits = !may;
	if (waits)
		ha_archive_detail("This server does not hold the lease of the leader.");
	return may;
}

/* PostgreSQL refuses both archive_library and archive_command, so the command is put in its place for the call. */
static bool
archive(HA_ARCHIVE_ARGS(const char *file, const char *path))
{
	char	   *usual = XLogArchiveCommand;
	bool		done = false;

	XLogArchiveCommand = ha_guc_archive_command;
	PG_TRY();
	{
		done = ha_archive_by_shell(file, path);
	}
	PG_FINALLY();
	{
		XLogArchiveCommand = usual;
	}
	PG_END_TRY();
	return done;
}

HA_ARCHIVE_MODULE(configured, archive)
