/*
 * row.h: one row of a set that a function returns, built from left to right.
 *
 * For functions that began with InitMaterializedSRF(). What an adder makes lies in the current memory context; a
 * function with many rows resets a context of its own between them. PostgreSQL's errors are raised when a type or the
 * number of columns is not what the SQL declaration says.
 */
#ifndef HA_API_ROW_H
#define HA_API_ROW_H

#include "server/compat.h"

#include "core/node.h"
#include "fmgr.h"

#define HA_ROW_COLUMNS_MAX 64

typedef struct HaRow
{
	int			count;
	Datum		value[HA_ROW_COLUMNS_MAX];
	bool		null[HA_ROW_COLUMNS_MAX];
} HaRow;

extern void ha_row_add(HaRow *row, Datum value);
extern void ha_row_add_null(HaRow *row);

/* NULL for a NULL pointer and for an empty text. */
extern void ha_row_add_text(HaRow *row, const char *text);

/* NULL for 0. */
extern void ha_row_add_lsn(HaRow *row, HaLsn lsn);

extern void ha_row_add_bool(HaRow *row, bool value);
extern void ha_row_add_int8(HaRow *row, int64 value);

/* An interval of this many microseconds. */
extern void ha_row_add_interval(HaRow *row, int64 us);

/* host:port, with an IPv6 address in brackets; NULL for an empty host. */
extern void ha_row_add_address(HaRow *row, const char *host, uint16_t port);

/* Adds the row to the function's result. */
extern void ha_row_put(FunctionCallInfo fcinfo, HaRow *row);

#endif
