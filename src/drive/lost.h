/*
 * lost.h: WAL that a rewind is about to discard, kept aside (S47).
 *
 * In the state directory, lost/<timeline>-<lsn>/: the segments from the last common checkpoint to the end, and the
 * histories. They tell afterwards what was lost (pg_waldump reads them), and they let a rewind that was cut off begin
 * again (S43): pg_rewind overwrites the WAL by which it knows what to copy. The two newest are kept.
 */
#ifndef HA_DRIVE_LOST_H
#define HA_DRIVE_LOST_H

#include "core/types.h"
#include "io/pgdata.h"

#define HA_LOST_NAME_SIZE 32

typedef struct HaLost
{
	const char *programs;
	const char *state;			/* directory */
	uint32_t segment_bytes;
	HaTli tli;					/* on which the diverged WAL lies */
	HaLsn checkpoint;			/* the last common one: what is kept begins in its segment */
	HaLsn fork;					/* what is lost begins here */
	HaLsn end;					/* and ends about here */
	char name[HA_LOST_NAME_SIZE];	/* of the folder; empty: nothing could be kept */
	long commits;				/* that are lost; -1 = could not be counted */
} HaLost;

/* Copies from the data directory's pg_wal, durable; sets name. Without room on the disk nothing is kept. */
extern bool ha_lost_keep(HaLost *lost, const char *data, HaFault *fault);

/* Puts the kept segments back into `directory`/pg_wal, over what is there. */
extern bool ha_lost_restore(const char *state, const char *name, const char *directory, HaFault *fault);

/* Counts the commits between fork and end. */
extern void ha_lost_count(HaLost *lost, const char *data);

/* Removes all but the two newest and `name`. */
extern void ha_lost_prune(const char *state, const char *name);

#endif
