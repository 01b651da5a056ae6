/*
 * rewind.h: pg_rewind, and what must be true before it.
 */
#ifndef HA_DRIVE_REWIND_H
#define HA_DRIVE_REWIND_H

#include "drive/clone.h"
#include "drive/local.h"

typedef struct HaRewind
{
	const HaLocal *local;
	const HaMember *leader;		/* the source */
	const HaKey *key;
	HaTeller teller;
	bool (*go_on) (void *self);	/* asked while pg_rewind runs (io/process.h) */
	void *self;
} HaRewind;

/* What pg_rewind says of where the two histories part. */
typedef struct HaDivergence
{
	bool needed;				/* false: the target's WAL is a part of the source's */
	bool same_timeline;			/* ... or both are on one timeline, and pg_rewind looks no further (E9) */
	HaLsn fork;
	HaTli tli;					/* of the target at the fork */
	HaLsn checkpoint;			/* the last common one */
} HaDivergence;

/* Takes one line of pg_rewind's output (LC_ALL=C); others are passed over. For the reader and its test. */
extern void ha_rewind_line(HaDivergence *divergence, const char *line);

/*
 * Brings a data directory that was not shut down to a clean end, by crash recovery in single-user mode; PostgreSQL
 * would do it at its next start as well. It must be the directory of the member, with its configuration.
 */
extern bool ha_rewind_shut_down(const HaLocal *local, HaFault *fault);

/* A dry run: changes nothing. False when pg_rewind can't do it, or can't reach the leader. */
extern bool ha_rewind_check(const HaRewind *rewind, HaDivergence *divergence, HaFault *fault);

/*
 * Rewinds `directory` (drive/aside.h); all of it is durable then. When it fails half way the directory is neither the
 * one nor the other.
 */
extern bool ha_rewind_run(const HaRewind *rewind, const char *directory, HaFault *fault);

#endif
