/*
 * sizes.h: the sizes of all relations of this database, from its directories.
 *
 * PostgreSQL's own functions open and lock each relation, wait behind whoever holds it exclusively, and leave four
 * kilobytes in the session for each. Here the directories are read, once, and nothing is opened or locked.
 */
#ifndef HA_API_SIZES_H
#define HA_API_SIZES_H

#include "server/compat.h"

#include "catalog/pg_class.h"

typedef struct HaSizes HaSizes;

/* Reads them, into the current memory context: some 30 bytes for each relation. Raises an error for a bad directory. */
extern HaSizes *ha_sizes_read(void);

/*
 * Bytes of all forks and segments of the relation; -1 for what has no files of its own, for shared and temporary
 * relations, and for what came after the directories were read.
 */
extern int64 ha_sizes_of(const HaSizes *sizes, Oid relation, Form_pg_class class);

#endif
