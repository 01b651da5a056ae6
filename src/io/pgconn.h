/*
 * pgconn.h: one question to a PostgreSQL server over libpq, with a deadline.
 *
 * For the program, and for workers of the server outside of a transaction. Every call connects, asks and leaves;
 * nothing waits longer than its limit, whatever the network or the server does, nor longer than a fifth of a second
 * when it is interrupted. The conninfo names a numeric host, so that no name is resolved.
 */
#ifndef HA_IO_PGCONN_H
#define HA_IO_PGCONN_H

#include <stddef.h>

#include "core/types.h"
#include "io/fault.h"

/* Says whether to give up; a worker of the server sets its own. Called while a call waits. */
extern bool (*ha_pgconn_interrupted) (void);

/*
 * The first column of all rows, one line each, into text[size]; false when it does not fit. `password` may be NULL.
 */
extern bool ha_pgconn_ask(const char *conninfo, const char *password, const char *sql, char *text, size_t size,
						  HaUs limit_us, HaFault *fault);

#endif
