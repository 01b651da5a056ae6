/*
 * local.h: where the member on this machine keeps what: data directory, configuration, state, key, programs.
 *
 * For the program; the server knows these from its settings. Whoever uses it must be the user who owns the data
 * directory, never root.
 */
#ifndef HA_DRIVE_LOCAL_H
#define HA_DRIVE_LOCAL_H

#include "io/key.h"
#include "io/pgdata.h"
#include "io/store.h"

#define HA_LOCAL_FOLDER "pg_haops"			/* in the data directory; its being there makes it a member's */
#define HA_LOCAL_STATE "pg_haops/pgsql_tmp"	/* no copy made by PostgreSQL's programs contains it */
#define HA_LOCAL_KEY "key"
#define HA_LOCAL_SERVER_CONF "server.conf"
#define HA_LOCAL_NEEDS_CLONE \
	"needs_clone" /* one line: why; the member does not ask for a rejoin as long as it is there */
#define HA_LOCAL_REJOINED "rejoined"		/* one line: what a rewind discarded; the ha worker tells it as an event */

/* What the command line says; NULL = the default. */
typedef struct HaLocalPlaces
{
	const char *data;
	const char *config;			/* default: the data directory */
	const char *state;			/* default: pg_haops.state_directory, else HA_LOCAL_STATE */
	const char *key;			/* default: pg_haops.key_file, else `key` in the state directory */
	const char *programs;
} HaLocalPlaces;

typedef struct HaLocal
{
	char data[PATH_MAX];		/* real path, once it exists */
	char config[PATH_MAX];
	char state[PATH_MAX];
	char key_file[PATH_MAX];
	char programs[PATH_MAX];
	int major;					/* of the programs */
	bool state_inside;			/* the state directory lies in the data directory */
} HaLocal;

/* An existing data directory that is of the programs' version. */
extern bool ha_local_open(HaLocal *local, const HaLocalPlaces *places, HaFault *fault);

/* The same for those who only talk: finds state and key, and PostgreSQL's programs only when it must ask them where. */
extern bool ha_local_look(HaLocal *local, const HaLocalPlaces *places, HaFault *fault);

/* One that is to be made: missing or empty. */
extern bool ha_local_open_new(HaLocal *local, const HaLocalPlaces *places, HaFault *fault);

/* Once PostgreSQL's own files are there: real paths, and the settings that move state and key. */
extern bool ha_local_settle(HaLocal *local, const HaLocalPlaces *places, HaFault *fault);

/* Is it a member's, by the folder in it? */
extern bool ha_local_is_member(const HaLocal *local);

/* The member's state, read beside a running server too; a copy (R2) is a fault. */
extern bool ha_local_peek(const HaLocal *local, HaHard *hard, HaFault *fault);

extern bool ha_local_read_key(const char *path, HaKey *key, HaFault *fault);

/* A fault that tells what the store says. */
extern bool ha_local_store_fault(const HaLocal *local, HaStoreError error, HaFault *fault);

/* Makes the folder and the state directory in it, 0700, durable. */
extern bool ha_local_make_state(const HaLocal *local, HaFault *fault);

/* A setting that may be unknown as long as the library is not loaded: empty then. */
extern bool ha_local_setting_if_known(const HaLocal *local, const char *name, char value[HA_PGDATA_VALUE_SIZE],
									  HaFault *fault);

#endif
