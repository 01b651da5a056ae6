/*
 * row.c: see row.h.
 */
#include "server/compat.h"

#include "api/row.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

void
ha_row_add(HaRow *row, Datum value)
{
	Assert(row->count < HA_ROW_COLUMNS_MAX);
	row->null[row->count] = false;
	row->value[row->count++] = value;
}

void
ha_row_add_null(HaRow *row)
{
	Assert(row->count < HA_ROW_COLUMNS_MAX);
	row->null[row->count] = true;
	row->value[row->count++] = (Datum) 0;
}

void
ha_row_add_text(HaRow *row, const char *text)
{
	if (text == NULL || text[0] == '\0')
		ha_row_add_null(row);
	else
		ha_row_add(row, CStringGetTextDatum(text));
}

void
ha_row_add_lsn(HaRow *row, HaLsn lsn)
{
	if (lsn == 0)
		ha_row_add_null(row);
	else
		ha_row_add(row, LSNGetDatum(lsn));
}

void
ha_row_add_bool(HaRow *row, bool value)
{
	ha_row_add(row, BoolGetDatum(value));
}

void
ha_row_add_int8(HaRow *row, int64 value)
{
	ha_row_add(row, Int64GetDatum(value));
}

void
ha_row_add_interval(HaRow *row, int64 us)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = us;
	ha_row_add(row, IntervalPGetDatum(interval));
}

void
ha_row_add_address(HaRow *row, const char *host, uint16_t port)
{
	char		text[HA_HOST_SIZE + 16];

	if (host[0] == '\0')
	{
		ha_row_add_null(row);
		return;
	}
	snprintf(text, sizeof(text), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
	ha_row_add_text(row, text);
}

void
ha_row_put(FunctionCallInfo fcinfo, HaRow *row)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (row->count != result->setDesc->natts)
		elog(ERROR, "a row of %d columns for a result of %d", row->count, result->setDesc->natts);
	tuplestore_putvalues(result->setResult, result->setDesc, row->value, row->null);
}
