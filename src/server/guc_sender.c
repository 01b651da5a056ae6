/*
 * guc_sender.c: see guc_sender.h.
 */
#include "server/compat.h"

#include "ops/argv.h"
#include "ops/card.h"
#include "server/guc_sender.h"
#include "utils/guc.h"

int			ha_guc_language = HA_LANGUAGE_EN;
char	   *ha_guc_channel_directory = NULL;
char	   *ha_guc_hook[HA_HOOK_COUNT];
int			ha_guc_hook_timeout_ms = 10000;

static const struct config_enum_entry languages[] = {
	{"en", HA_LANGUAGE_EN, false},
	{"zh", HA_LANGUAGE_ZH, false},
	{NULL, 0, false}
};

/* What each setting says of itself; in the order of HA_HOOK_LIST. */
static const struct
{
	const char *name;
	const char *description;
} hooks[HA_HOOK_COUNT] = {
	{"pg_haops.on_opening", "Command that runs before this member takes writes, and is waited for."},
	{"pg_haops.on_promote", "Command that runs when this member became the leader and takes writes."},
	{"pg_haops.on_fence", "Command that runs when this member leads, but its lease ran out."},
	{"pg_haops.on_demote", "Command that runs when this member leads no more, or stops while it leads."},
	{"pg_haops.on_rejoin", "Command that runs when this member came back and follows the leader."},
	{"pg_haops.on_leader_change", "Command that runs when this member learned of another leader than before."},
};

static bool
check_file(char **value, void **extra, GucSource source)
{
	if (**value == '\0' || is_absolute_path(*value))
		return true;
	GUC_check_errdetail("It must be an absolute path, or empty.");
	return false;
}

static bool
check_command(char **value, void **extra, GucSource source)
{
	HaArgv		argv;
	const char *wrong = ha_argv_split(*value, &argv);

	if (wrong == NULL)
		return true;
	GUC_check_errdetail("%s", wrong);
	GUC_check_errhint("Give the absolute path of a program and its arguments; the facts stand in its environment.");
	return false;
}

static void
define_channels(int flags)
{
	DefineCustomEnumVariable("pg_haops.language",
							 "Language of messages to people: en or zh.",
							 NULL,
							 &ha_guc_language, HA_LANGUAGE_EN, languages,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomStringVariable("pg_haops.channel_directory",
							   "Directory with the channels by which people are told, a file <name>.conf for each.",
							   "Files of mode 0600. By default, the folder channels in the state directory.",
							   &ha_guc_channel_directory, "",
							   PGC_SIGHUP, flags, check_file, NULL, NULL);
}

void
ha_guc_sender_define(void)
{
	int			flags = GUC_DISALLOW_IN_AUTO_FILE | GUC_SUPERUSER_ONLY;

	define_channels(flags);
	for (int i = 0; i < HA_HOOK_COUNT; i++)
		DefineCustomStringVariable(hooks[i].name, hooks[i].description,
								   "The absolute path of a program and its arguments; no shell runs it.",
								   &ha_guc_hook[i], "",
								   PGC_SIGHUP, flags, check_command, NULL, NULL);
	DefineCustomIntVariable("pg_haops.hook_timeout",
							"For how long a command of pg_haops.on_... may run before it is ended.",
							NULL,
							&ha_guc_hook_timeout_ms, 10000, 100, 600000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
}
