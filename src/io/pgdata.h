/*
 * pgdata.h: PostgreSQL's programs, and what a data directory says about itself.
 *
 * The control file is read through pg_controldata, settings through `postgres -C`: so nothing here knows a layout of
 * PostgreSQL's, and every version reads its own. All of it is for the program `pg_haops`, not for the server.
 */
#ifndef HA_IO_PGDATA_H
#define HA_IO_PGDATA_H

#include <limits.h>
#include <sys/types.h>

#include "core/types.h"
#include "io/fault.h"

#define HA_PGDATA_VALUE_SIZE 1024
#define HA_PGDATA_SIGNAL_STANDBY "standby.signal"
#define HA_PGDATA_SIGNAL_RECOVERY "recovery.signal"

/* ---- Programs ---- */

/*
 * Where PostgreSQL's programs are: `wanted` when it is not NULL; else beside the program that runs; else on PATH.
 */
extern bool ha_pgdata_find_programs(const char *wanted, char programs[PATH_MAX], HaFault *fault);

/* Major version of the programs, 15 to 18 (others are refused). */
extern bool ha_pgdata_programs_major(const char *programs, int *major, HaFault *fault);

/* ---- The control file ---- */

typedef enum HaControlState
{
	HA_CONTROL_OTHER,			/* in production, in recovery, starting: it was not shut down */
	HA_CONTROL_SHUT_DOWN,
	HA_CONTROL_SHUT_DOWN_STANDBY	/* "shut down in recovery" */
} HaControlState;

typedef struct HaControl
{
	uint64_t system_id;
	HaControlState state;
	char state_text[64];
	HaLsn checkpoint;
	HaTli tli;					/* of the latest checkpoint */
	HaLsn min_recovery;			/* 0 = none */
	HaTli min_recovery_tli;
	bool checksums;
	bool wal_log_hints;
	uint32_t segment_bytes;		/* of WAL */
	uint32_t seen;				/* which of the lines were there; for the parser */
} HaControl;

/* Takes one line of pg_controldata's output (LC_ALL=C); unknown lines are passed over. For the reader and its test. */
extern void ha_pgdata_control_line(HaControl *control, const char *line);

/* True when all that HaControl holds was there and can be true. */
extern bool ha_pgdata_control_whole(const HaControl *control);

extern bool ha_pgdata_control(const char *programs, const char *data, HaControl *control, HaFault *fault);

/* The timeline that the directory is on: of its end of recovery when that is later than its last checkpoint. */
extern HaTli ha_pgdata_control_tli(const HaControl *control);

/* ---- The directory ---- */

/* The first line of PG_VERSION as a number. */
extern bool ha_pgdata_major(const char *data, int *major, HaFault *fault);

/*
 * A setting as the server would have it, from the files in `config` (where postgresql.conf is). The server may run.
 */
extern bool ha_pgdata_setting(const char *programs, const char *config, const char *name,
							  char value[HA_PGDATA_VALUE_SIZE], HaFault *fault);

/* The same as a whole number in the setting's own unit. */
extern bool ha_pgdata_setting_number(const char *programs, const char *config, const char *name, long *value,
									 HaFault *fault);

/* What postmaster.pid says. */
typedef struct HaPostmaster
{
	pid_t pid;					/* 0 = there is no file */
	bool alive;					/* a process of this number lives, works in this directory, and is not we ourselves */
	int port;
	char socket_directory[PATH_MAX];	/* empty = none */
	char status[16];			/* "ready", "standby", "starting", ... */
} HaPostmaster;

extern void ha_pgdata_postmaster(const char *data, HaPostmaster *postmaster);

/*
 * True when a process of PostgreSQL that is not ours works in the directory: the postmaster, or a backend that
 * outlived it. *pid says which.
 */
extern bool ha_pgdata_in_use(const char *data, pid_t *pid);

/* The highest timeline with a history file in pg_wal, at least `least`. */
extern HaTli ha_pgdata_tli_max(const char *data, HaTli least);

/* True when a tablespace lies outside of the data directory, or pg_wal is a symbolic link. */
extern bool ha_pgdata_has_links(const char *data);

/* ---- WAL file names ---- */

/* TTTTTTTTXXXXXXXXYYYYYYYY -> timeline and first byte; false for any other name. */
extern bool ha_pgdata_segment(const char *name, uint32_t segment_bytes, HaTli *tli, HaLsn *start);

/* "%X/%X"; false for anything else. */
extern bool ha_pgdata_lsn(const char *text, HaLsn *lsn);

#endif
