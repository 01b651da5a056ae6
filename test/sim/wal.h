/*
 * wal.h: the write-ahead logs of all nodes of a schedule, as one tree of records.
 *
 * A node's WAL is named by its last record; everything before it is found through the parents. Two nodes hold the
 * same WAL up to a position exactly when they hold the same record there: so "is a prefix of", "has this entry" and
 * "where do they part" are answered by walking up, and nothing is ever copied. Each record knows the truth that the
 * members have to work out for themselves: which leader wrote it.
 */
#ifndef HA_SIM_WAL_H
#define HA_SIM_WAL_H

#include "core/types.h"

#define SIM_RECORDS_MAX 4096

typedef struct SimRecord
{
	int parent;					/* -1: the first record */
	int depth;
	HaTerm term;				/* of the leader that wrote it; what a promotion by hand wrote has none and is rogue */
	HaTli tli;
	HaLsn tli_start;			/* where that timeline began */
	HaLsn start;
	HaLsn end;
	bool rogue;
} SimRecord;

typedef struct SimWal
{
	int count;
	SimRecord record[SIM_RECORDS_MAX];
} SimWal;

/* Forgets everything and makes the first record, number 0: the WAL from before the first election. */
extern void sim_wal_begin(SimWal *wal);

/* True when `bytes` more records can be made. */
extern bool sim_wal_room(const SimWal *wal);

/* Adds a record of `bytes` after `parent`; returns its number. */
extern int sim_wal_append(SimWal *wal, int parent, HaTerm term, HaTli tli, HaLsn bytes, bool rogue);

/* True when the WAL that ends with `inner` is a prefix of the one that ends with `outer` (or the same). */
extern bool sim_wal_holds(const SimWal *wal, int outer, int inner);

/* The last record that both have. */
extern int sim_wal_fork(const SimWal *wal, int a, int b);

/* The record of `tip`'s WAL that is `steps` before its end; the first one when there are fewer. */
extern int sim_wal_back(const SimWal *wal, int tip, int steps);

/* The record of `tip`'s WAL that holds the byte before lsn, -1 when lsn lies beyond its end. */
extern int sim_wal_at(const SimWal *wal, int tip, HaLsn lsn);

/* Position by the truth, for comparison with what a member claims. */
extern HaPosition sim_wal_position(const SimWal *wal, int tip);

#endif
