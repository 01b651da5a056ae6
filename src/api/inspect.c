/*
 * inspect.c: runs the checks of the inspection, one after the other.
 *
 * Promises: each check has a limit of time of its own, and all of them have one together; what a check meets, an error
 * or its limit, is one row that says so, and the next check runs; no check writes anything; of each severity a check
 * shows no more than the limit of rows, and how many more there are (RT1, RT3, RT5). Only the caller's own cancel, its
 * statement_timeout or the end of the session ends the whole.
 *
 * A check is a query with the columns severity, object, finding, fix, undo (text) and weight (numeric, the worst is
 * the largest): see inspect_checks.sql. It runs with the rights of the caller, in a subtransaction that is read-only.
 */
#include "server/compat.h"

#include "server/limit.h"
#include "api/row.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "io/clock.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define NOT_CHECKED "not checked"
#define CHECKS "SELECT number, \"check\", only_on, why, query FROM haops.inspect_checks() ORDER BY number"

/*
 * What a check found, the worst of each severity first, and how many there are of each. Texts are cut, statements
 * never: one that is too long is not given at all. So a row is some 2,000 characters at the most, and psql pads no
 * more.
 */
#define FINDINGS \
	"SELECT severity, pg_catalog.left(object, 200), pg_catalog.left(finding, 300)," \
	" CASE WHEN pg_catalog.length(fix) <= 600 THEN fix END," \
	" CASE WHEN pg_catalog.length(undo) <= 600 THEN undo END, place, total" \
	" FROM (SELECT f.*," \
	" pg_catalog.row_number() OVER (PARTITION BY severity ORDER BY weight DESC NULLS LAST, object) AS place," \
	" pg_catalog.count(*) OVER (PARTITION BY severity) AS total FROM (%s) AS f) AS f WHERE place <= %d" \
	" ORDER BY pg_catalog.array_position(ARRAY['critical', 'warning', 'info'], severity), place"

typedef struct Check
{
	int32		number;
	char	   *name;
	char	   *only_on;		/* primary, standby, or NULL */
	char	   *why;
	char	   *query;
} Check;

PG_FUNCTION_INFO_V1(ha_api_inspect_rows);

/* ---- Rows ---- */

static void
put_row(FunctionCallInfo fcinfo, const Check *check, const char *severity, const char *object, const char *finding,
		const char *fix, const char *undo, int64 findings)
{
	HaRow		row = {0};

	ha_row_add(&row, Int32GetDatum(check->number));
	ha_row_add_text(&row, check->name);
	ha_row_add_text(&row, severity);
	ha_row_add_text(&row, object);
	ha_row_add_text(&row, finding);
	ha_row_add_text(&row, check->why);
	ha_row_add_text(&row, fix);
	ha_row_add_text(&row, undo);
	ha_row_add_int8(&row, findings);
	ha_row_put(fcinfo, &row);
}

static void
put_not_checked(FunctionCallInfo fcinfo, const Check *check, const char *because)
{
	char	   *finding = psprintf("not checked because %s", because);

	/* A server's message may hold a name of any length, or several lines. */
	finding[pg_mbcliplen(finding, (int) strlen(finding), 300)] = '\0';
	put_row(fcinfo, check, NOT_CHECKED, NULL, finding, NULL, NULL, 1);
}

static int64
count_of(uint64 row, int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &isnull));
}

/* What SPI has of the FINDINGS. Where a severity has more than rows_limit, its last row says how many more. */
static void
put_findings(FunctionCallInfo fcinfo, const Check *check)
{
	TupleDesc	tupdesc = SPI_tuptable->tupdesc;

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		char	   *severity = SPI_getvalue(tuple, tupdesc, 1);
		int64		place = count_of(i, 6);
		int64		total = count_of(i, 7);
		bool		last = i + 1 == SPI_processed || count_of(i + 1, 6) == 1;

		put_row(fcinfo, check, severity, SPI_getvalue(tuple, tupdesc, 2), SPI_getvalue(tuple, tupdesc, 3),
				SPI_getvalue(tuple, tupdesc, 4), SPI_getvalue(tuple, tupdesc, 5), 1);
		if (last && place < total)
			put_row(fcinfo, check, severity, NULL, psprintf("and " INT64_FORMAT " more", total - place), NULL, NULL,
					total - place);
	}
	if (SPI_processed == 0)
		put_row(fcinfo, check, "ok", NULL, NULL, NULL, NULL, 0);
}

/* ---- One check ---- */

/*
 * The error of a check becomes its row, and late what is to be said when it was ended by its limit. What is meant for
 * the whole statement is thrown again.
 */
static void
put_error(FunctionCallInfo fcinfo, const Check *check, ErrorData *error, const char *late)
{
	if (ha_limit_was(error))
		put_not_checked(fcinfo, check, late);
	else
		put_not_checked(fcinfo, check, error->message != NULL ? error->message : "of an error without a message");
}

static void
run_check(FunctionCallInfo fcinfo, const Check *check, int32 limit_ms, const char *late, int32 rows_limit)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		XactReadOnly = true;	/* until the subtransaction ends, which brings the old value back */
		ha_limit_begin(limit_ms);
		if (SPI_execute(psprintf(FINDINGS, check->query, rows_limit), true, 0) != SPI_OK_SELECT)
			elog(ERROR, "the check is no query");
		ha_limit_end();
		if (ha_limit_passed())
			CHECK_FOR_INTERRUPTS();
		put_findings(fcinfo, check);
		SPI_freetuptable(SPI_tuptable);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ha_limit_end();
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (error != NULL)
		put_error(fcinfo, check, error, late);
}

/* ---- All of them ---- */

static Check *
read_checks(uint64 *count)
{
	Check	   *checks;

	if (SPI_execute(CHECKS, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "the list of checks could not be read");
	*count = SPI_processed;
	checks = palloc0(sizeof(Check) * (*count + 1));
	for (uint64 i = 0; i < *count; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	tupdesc = SPI_tuptable->tupdesc;
		bool		isnull;

		checks[i].number = DatumGetInt32(SPI_getbinval(tuple, tupdesc, 1, &isnull));
		checks[i].name = SPI_getvalue(tuple, tupdesc, 2);
		checks[i].only_on = SPI_getvalue(tuple, tupdesc, 3);
		checks[i].why = SPI_getvalue(tuple, tupdesc, 4);
		checks[i].query = SPI_getvalue(tuple, tupdesc, 5);
	}
	SPI_freetuptable(SPI_tuptable);
	return checks;
}

static int32
limit_argument(FunctionCallInfo fcinfo, int argument, const char *name, int32 most)
{
	int32		value = PG_GETARG_INT32(argument);

	if (value < 1 || value > most)
		ereport(ERROR,
				errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("%s of the inspection is out of range", name),
				errhint("It is from 1 to %d.", most));
	return value;
}

/* (check_limit_ms, total_limit_ms, rows_limit), all integer */
Datum
ha_api_inspect_rows(PG_FUNCTION_ARGS)
{
	int32		check_limit_ms = limit_argument(fcinfo, 0, "the limit in milliseconds of a check", 3600 * 1000);
	int32		total_limit_ms = limit_argument(fcinfo, 1, "the limit in milliseconds", 24 * 3600 * 1000);
	int32		rows_limit = limit_argument(fcinfo, 2, "the limit of rows", 10000);
	int64		start_us = ha_clock_now().boot_us;
	char	   *late = psprintf("it took longer than its limit of %g s", check_limit_ms / 1000.0);
	char	   *over = psprintf("the %g s of the inspection were over", total_limit_ms / 1000.0);
	bool		standby = RecoveryInProgress();
	Check	   *checks;
	uint64		count;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	checks = read_checks(&count);
	for (uint64 i = 0; i < count; i++)
	{
		Check	   *check = &checks[i];
		int64		left_ms = total_limit_ms - (ha_clock_now().boot_us - start_us) / HA_US_PER_MS;

		CHECK_FOR_INTERRUPTS();
		if (check->only_on != NULL && strcmp(check->only_on, standby ? "standby" : "primary") != 0)
			put_not_checked(fcinfo, check, standby ? "this server is a standby: ask the primary" :
							"this server is a primary: ask the standbys");
		else if (left_ms <= 0)
			put_not_checked(fcinfo, check, over);
		else if (left_ms < check_limit_ms)
			run_check(fcinfo, check, (int32) left_ms, over, rows_limit);
		else
			run_check(fcinfo, check, check_limit_ms, late, rows_limit);
	}
	SPI_finish();
	return (Datum) 0;
}
