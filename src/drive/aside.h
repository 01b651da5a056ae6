/*
 * aside.h: PostgreSQL's own folders, moved out of a data directory and in again.
 *
 * pg_rewind removes what the source has not, the state directory among it, and overwrites configuration, certificates
 * and logs (measured; S46). So it works on a folder that holds nothing but PostgreSQL's own; it lies in the data
 * directory, so that each move is a rename. What is left behind meanwhile lets a server come as far as loading the
 * library, and no further: PG_VERSION, the configuration, a control file. Both ways can be repeated from any point.
 */
#ifndef HA_DRIVE_ASIDE_H
#define HA_DRIVE_ASIDE_H

#include "io/fault.h"

/* data -> work; `work` is made, and must be on the same file system. */
extern bool ha_aside_out(const char *data, const char *work, HaFault *fault);

/* work -> data; what is not PostgreSQL's own stays in work, to be removed by the caller. */
extern bool ha_aside_in(const char *work, const char *data, HaFault *fault);

#endif
