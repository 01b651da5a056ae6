/*
 * spool.h: the events of the cluster in a file, so that what nobody was told of yet outlives a crash of all members.
 *
 * Events live in the members' memory, which is enough while one member lives. The file is whole or the one before it
 * (written beside, fsynced, renamed), and checksummed. It says nothing that is decided by: a file that is missing or
 * damaged costs what was not told, nothing else.
 *
 * Waits for the disk: never called from the ha worker or the sender.
 */
#ifndef HA_IO_SPOOL_H
#define HA_IO_SPOOL_H

#include "io/fault.h"
#include "wire/event.h"

/* Writes these instead of what the file held. `count` <= HA_EVENTS_KEPT. */
extern bool ha_spool_write(const char *path, const HaEventRecord *record, uint32_t count, HaFault *fault);

/* Reads them, ascending; returns how many. Without a file that is 0, and -1 when it can't be read. */
extern int ha_spool_read(const char *path, HaEventRecord record[HA_EVENTS_KEPT], HaFault *fault);

#endif
