/*
 * monitor_query.c: see monitor_query.h.
 */
#include "server/compat.h"

#include "server/monitor_query.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#define VALUES_MAX 5

char *
ha_monitor_query(const char *query, int count, const char *const *value, int32 limit_ms)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid			type[VALUES_MAX];
	Datum		datum[VALUES_MAX];
	char	   *text = NULL;

	Assert(count <= VALUES_MAX);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	enable_timeout_after(STATEMENT_TIMEOUT, limit_ms);
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	for (int i = 0; i < count; i++)
	{
		type[i] = TEXTOID;
		datum[i] = CStringGetTextDatum(value[i]);
	}
	pgstat_report_activity(STATE_RUNNING, query);
	if (SPI_execute_with_args(query, count, type, datum, NULL, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "\"%s\" is no query", query);
	if (SPI_processed > 0)
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	if (text != NULL)
		text = MemoryContextStrdup(caller, text);
	SPI_finish();
	PopActiveSnapshot();
	disable_timeout(STATEMENT_TIMEOUT, false);
	CommitTransactionCommand();
	MemoryContextSwitchTo(caller);
	pgstat_report_stat(true);
	pgstat_report_activity(STATE_IDLE, NULL);
	return text;
}
