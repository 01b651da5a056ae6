/*
 * monitor.h: the monitor, which takes samples where a DBA's views need a history: its duties, and what came of them.
 *
 * The worker (worker_monitor.c) has no database: it knows which duty is due where, and starts one job at a time for
 * it, a short-lived worker (monitor_job.c) in that database. It rests while a member may not acknowledge commits. Not
 * the ha worker's business in any way: nothing of the lease waits for it.
 */
#ifndef HA_SERVER_MONITOR_H
#define HA_SERVER_MONITOR_H

#include "server/compat.h"

#include "datatype/timestamp.h"

/*
 * Duty, name, the domain of SQL whose haops.<domain>_take() it runs, whether the other members are asked then (see
 * monitor_collect.h), seconds between two runs when the setting says nothing. Each has a setting of its own.
 */
#define HA_DUTY_LIST(X) \
	X(HEALTH, "health", "health", false, 60) \
	X(STATEMENTS, "statements", "statement", false, 60) \
	X(INDEXES, "indexes", "index_usage", true, 600) \
	X(SETTINGS, "settings", "settings", true, 600)

typedef enum HaDuty
{
#define HA_DUTY_ENUM(duty, name, domain, collects, seconds) HA_DUTY_##duty,
	HA_DUTY_LIST(HA_DUTY_ENUM)
#undef HA_DUTY_ENUM
	HA_DUTY_COUNT
} HaDuty;

typedef enum HaDutyOutcome
{
	HA_DUTY_DONE,
	HA_DUTY_FAILED,				/* an error, a time-out, or no worker to be had: see the text */
	HA_DUTY_ABSENT,				/* the extension is not in that database, or is another version */
} HaDutyOutcome;

#define HA_DUTY_TEXT_SIZE 128

/* The last run of a duty in a database. */
typedef struct HaDutyRun
{
	Oid			database;
	HaDuty		duty;
	HaDutyOutcome outcome;
	TimestampTz began;
	int32		took_ms;
	char		text[HA_DUTY_TEXT_SIZE];	/* of an error */
} HaDutyRun;

#define HA_DUTY_RUNS_MAX 384

typedef struct HaDutyRuns
{
	uint32		count;
	HaDutyRun	run[HA_DUTY_RUNS_MAX];
} HaDutyRuns;

/* The order for a job, and its report: written by the monitor before the job starts, by the job until it ends. */
typedef struct HaJob
{
	Oid			database;
	int32		limit_ms;		/* of each duty */
	bool		due[HA_DUTY_COUNT];
	bool		reported[HA_DUTY_COUNT];
	HaDutyRun	report[HA_DUTY_COUNT];
} HaJob;

/* ---- What a standby keeps in shared memory (samples.h) ---- */

#define HA_SAMPLES_KEPT 61
#define HA_SAMPLE_DATABASES 32	/* more are left out */

/* Counters of a database, since counted_since. */
typedef struct HaSampleEntry
{
	Oid			database;
	TimestampTz counted_since;	/* 0 = not known */
	int64		blocks_hit;
	int64		blocks_read;
	int64		temp_bytes;
	int64		temp_files;
	int64		deadlocks;
	int64		commits;
	int64		rollbacks;
} HaSampleEntry;

typedef struct HaSample
{
	TimestampTz taken_at;
	uint32		count;
	HaSampleEntry entry[HA_SAMPLE_DATABASES];
} HaSample;

typedef struct HaSamples
{
	uint32		count;
	uint32		next;			/* the oldest one, once all places are taken */
	HaSample	sample[HA_SAMPLES_KEPT];
} HaSamples;

extern const char *const ha_duty_name[HA_DUTY_COUNT];

#endif
