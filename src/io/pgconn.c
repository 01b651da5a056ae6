/*
 * pgconn.c: see pgconn.h.
 */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "io/clock.h"
#include "io/pgconn.h"
#include "io/process.h"

#define OPTIONS_MAX 3
#define TURN_MS 200

bool (*ha_pgconn_interrupted) (void) = ha_process_interrupted;

/* libpq's words on one line. */
static bool
libpq_fault(const PGconn *conn, const char *what, HaFault *fault)
{
	const char *message = conn != NULL ? PQerrorMessage(conn) : "no memory";
	char text[512];
	size_t length;

	snprintf(text, sizeof(text), "%s", message);
	length = strlen(text);
	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	for (char *c = text; *c != '\0'; c++)
	{
		if (*c == '\n')
			*c = ' ';
	}
	ha_fault_clean(text);
	return ha_fault(fault, NULL, "%s: %s", what, text);
}

static bool
wait_for(PGconn *conn, short events, HaUs until_us, HaFault *fault)
{
	for (;;)
	{
		struct pollfd wait = {PQsocket(conn), events, 0};
		HaUs left_us = until_us - ha_clock_now().mono_us;

		if (ha_pgconn_interrupted())
			return ha_fault(fault, NULL, "interrupted");
		if (left_us <= 0)
			return ha_fault(fault, NULL, "the server does not answer in time");
		if (poll(&wait, 1, left_us / 1000 < TURN_MS ? (int) (left_us / 1000) + 1 : TURN_MS) > 0)
			return true;
	}
}

static bool
connect_until(PGconn *conn, HaUs until_us, HaFault *fault)
{
	PostgresPollingStatusType state = PGRES_POLLING_WRITING;

	while (state != PGRES_POLLING_OK)
	{
		if (conn == NULL || PQstatus(conn) == CONNECTION_BAD || state == PGRES_POLLING_FAILED)
			return libpq_fault(conn, "no connection", fault);
		if (!wait_for(conn, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, until_us, fault))
			return false;
		state = PQconnectPoll(conn);
	}
	return true;
}

/* Adds the first column of all rows. */
static bool
take_rows(const PGresult *result, char *text, size_t size, HaFault *fault)
{
	size_t used = strlen(text);

	for (int row = 0; row < PQntuples(result); row++)
	{
		int added = snprintf(text + used, size - used, "%s%s", used > 0 ? "\n" : "", PQgetvalue(result, row, 0));

		if (added < 0 || (size_t) added >= size - used)
			return ha_fault(fault, NULL, "the server's answer is too long");
		used += (size_t) added;
	}
	return true;
}

static bool
ask_until(PGconn *conn, const char *sql, char *text, size_t size, HaUs until_us, HaFault *fault)
{
	bool ok = true;
	PGresult *result;

	if (PQsendQuery(conn, sql) != 1)
		return libpq_fault(conn, "a query failed", fault);
	do
	{
		while (PQisBusy(conn))
		{
			if (!wait_for(conn, POLLIN, until_us, fault))
				return false;
			if (PQconsumeInput(conn) != 1)
				return libpq_fault(conn, "a query failed", fault);
		}
		result = PQgetResult(conn);
		if (result != NULL && PQresultStatus(result) == PGRES_TUPLES_OK)
			ok = ok && take_rows(result, text, size, fault);
		else if (result != NULL && PQresultStatus(result) != PGRES_COMMAND_OK)
			ok = ok && libpq_fault(conn, "a query failed", fault);
		PQclear(result);
	} while (result != NULL);
	return ok;
}

bool
ha_pgconn_ask(const char *conninfo, const char *password, const char *sql, char *text, size_t size, HaUs limit_us,
			  HaFault *fault)
{
	HaUs until_us = ha_clock_now().mono_us + limit_us;
	const char *names[OPTIONS_MAX] = {"dbname", password != NULL ? "password" : NULL, NULL};
	const char *values[OPTIONS_MAX] = {conninfo, password, NULL};
	PGconn *conn = PQconnectStartParams(names, values, 1);
	bool ok;

	text[0] = '\0';
	ok = connect_until(conn, until_us, fault) && ask_until(conn, sql, text, size, until_us, fault);
	PQfinish(conn);
	return ok;
}
