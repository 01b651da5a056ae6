/*
 * indexes_parts.h: what the files of the domain of indexes share: the catalog's indexes as descriptions (indexes_read),
 * and names, sizes and statements of the few that are reported (indexes_text). No relation of the user's is opened or
 * locked, but for a definition that only PostgreSQL can write, and then without waiting.
 */
#ifndef HA_API_INDEXES_PARTS_H
#define HA_API_INDEXES_PARTS_H

#include "server/compat.h"

#include "access/htup.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "ops/redundant.h"
#include "utils/relcache.h"

/* ---- indexes_read.c ---- */

/* What is looked up once: operator classes, and texts of storage options. */
typedef struct HaIndexReader HaIndexReader;

extern HaIndexReader *ha_indexes_begin(void);
extern void ha_indexes_end(HaIndexReader *reader);

/* Of an operator class; its method is InvalidOid when it is gone. */
extern HaIndexKind ha_indexes_kind(HaIndexReader *reader, Oid class, Oid *method);

/*
 * Describes all indexes of a table from their rows of pg_index and of pg_class, NULL for what is gone; index[count] and
 * their columns lie in the current memory context.
 */
extern void ha_indexes_describe(HaIndexReader *reader, Oid table, HeapTuple *tuple, HeapTuple *class, int count,
								HaIndex *index);

/* ---- indexes_scan.c ---- */

/*
 * The tables, but the system's, of which one index might cover another one: all of which one does, and few others. Some
 * forty bytes for each index of the database.
 */
typedef struct HaIndexScan HaIndexScan;

extern HaIndexScan *ha_index_scan_begin(HaIndexReader *reader);

/* The next one, with the rows of pg_index of these indexes in the current memory context; false at the end. */
extern bool ha_index_scan_next(HaIndexScan *scan, Oid *table, HeapTuple **tuple, int *count);

extern void ha_index_scan_end(HaIndexScan *scan);

/* ---- indexes_text.c ---- */

typedef struct HaIndexTexts HaIndexTexts;

extern HaIndexTexts *ha_index_texts_begin(void);
extern void ha_index_texts_end(HaIndexTexts *texts);

/* A copy of the relation's row; NULL when it is gone. Nothing stays in the session's caches. */
extern HeapTuple ha_index_class(HaIndexTexts *texts, Oid relation);

/* Bytes of an index, summed over the partitions of a partitioned one; as its files have it now. */
extern int64 ha_index_bytes(HaIndexTexts *texts, HeapTuple class);

/* DROP INDEX, CONCURRENTLY where that is allowed. */
extern char *ha_index_drop(HeapTuple class);

/*
 * CREATE INDEX, CONCURRENTLY where that is allowed. NULL when it has what only PostgreSQL can write, and that would
 * wait for a lock.
 */
extern char *ha_index_create(HaIndexTexts *texts, HeapTuple tuple, HeapTuple class, HeapTuple table);

#endif
