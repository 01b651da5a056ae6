/*
 * prober.c: clients that write small rows without a pause and note down, with times, what was acknowledged.
 *
 *     prober [--interval-ms N] NAME=CONNINFO...
 *
 * One client stays with each node, whatever becomes of it; one more ("any") goes to whoever takes writes, as an
 * application with several hosts would: it gives a connection half a second and a write one second, and then tries
 * the next node. Each row is (client, seq) in the table haops_bench; a sequence number is never used twice.
 *
 * An acknowledgement is a CommandComplete that libpq has read, whatever notice came with it and whatever happened to
 * the connection afterwards. Lines on standard output, times in microseconds of CLOCK_MONOTONIC:
 *
 *     ack TIME CLIENT NODE SEQ WARNED		the row is acknowledged; WARNED: 1 when a warning came with it
 *     not TIME CLIENT NODE SEQ SQLSTATE	it was refused, or its outcome is unknown (SQLSTATE 00000)
 *     node TIME NODE ROLE STANDBYS			what a node is now (primary, standby, down), and who streams from it
 *
 * Ends when its standard input does.
 */
#include <libpq-fe.h>

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/clock.h"

#define NODES_MAX 8
#define CLIENTS_MAX (2 * NODES_MAX + 1)
#define CONNECT_US 500000
#define ROAM_WRITE_US 1000000
#define WATCH_US 20000
#define RECONNECT_US 50000
#define NEVER INT64_MAX

typedef struct Node
{
	char name[32];
	const char *conninfo;
	char seen[512];				/* last "node" line without its time */
} Node;

typedef enum Kind
{
	PINNED,
	ROAMING,
	WATCHER
} Kind;

typedef enum State
{
	DOWN,
	CONNECTING,
	IDLE,
	BUSY
} State;

typedef struct Client
{
	Kind kind;
	State state;
	int node;
	const char *name;
	PGconn *conn;
	PostgresPollingStatusType wants;
	int64_t next_us;			/* DOWN, IDLE: when to act */
	int64_t deadline_us;		/* CONNECTING, BUSY: when to give up */
	bool standby;				/* ask before writing again */
	bool asking;				/* BUSY with that question */
	bool answered;				/* BUSY: the result was seen */
	bool warned;
	int64_t seq;
} Client;

static Node node[NODES_MAX];
static int node_count = 0;
static Client client[CLIENTS_MAX];
static int client_count = 0;
static int64_t interval_us = 5000;

static int64_t
now_us(void)
{
	return ha_clock_now().mono_us;
}

/* ---- What is told ---- */

static void
tell_row(const Client *c, bool acknowledged, const char *what)
{
	printf("%s %" PRId64 " %s %s %" PRId64 " %s\n", acknowledged ? "ack" : "not", now_us(), c->name, node[c->node].name,
		   c->seq, what);
}

static void
tell_node(Node *n, const char *seen)
{
	if (strcmp(n->seen, seen) == 0)
		return;
	snprintf(n->seen, sizeof(n->seen), "%s", seen);
	printf("node %" PRId64 " %s %s\n", now_us(), n->name, seen);
}

static void
take_notice(void *data, const PGresult *result)
{
	const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);

	if (severity != NULL && strcmp(severity, "WARNING") == 0)
		((Client *) data)->warned = true;
}

/* ---- Connections ---- */

/* Ends the connection; what was under way has no known outcome. */
static void
go_down(Client *c)
{
	if (c->state == BUSY && !c->asking && !c->answered && c->kind != WATCHER)
		tell_row(c, false, "00000");
	if (c->kind == WATCHER)
		tell_node(&node[c->node], "down -");
	PQfinish(c->conn);
	c->conn = NULL;
	c->state = DOWN;
	c->next_us = now_us() + (c->kind == ROAMING ? interval_us : RECONNECT_US);
	c->deadline_us = NEVER;
	if (c->kind == ROAMING)
		c->node = (c->node + 1) % node_count;
}

static void
go_idle(Client *c, int64_t next_us)
{
	c->state = IDLE;
	c->next_us = next_us;
	c->deadline_us = NEVER;
}

static void
begin_connect(Client *c)
{
	c->conn = PQconnectStart(node[c->node].conninfo);
	c->state = CONNECTING;
	c->wants = PGRES_POLLING_WRITING;
	c->deadline_us = now_us() + CONNECT_US * (c->kind == ROAMING ? 1 : 4);
	c->standby = true;
	if (c->conn == NULL || PQstatus(c->conn) == CONNECTION_BAD)
		go_down(c);
	else
		PQsetNoticeReceiver(c->conn, take_notice, c);
}

static void
go_on_connecting(Client *c)
{
	c->wants = PQconnectPoll(c->conn);
	if (c->wants == PGRES_POLLING_FAILED)
		go_down(c);
	else if (c->wants == PGRES_POLLING_OK)
	{
		PQsetnonblocking(c->conn, 1);
		go_idle(c, now_us());
	}
}

/* ---- Statements ---- */

static void
send_next(Client *c)
{
	static const char ask[] = "SELECT pg_is_in_recovery()";
	static const char watch[] = "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' ELSE 'primary' END || ' ' || "
		"coalesce((SELECT string_agg(DISTINCT application_name, ',' ORDER BY application_name) "
		"FROM pg_stat_replication WHERE state = 'streaming'), '-')";
	char statement[128];

	c->asking = c->kind != WATCHER && c->standby;
	c->answered = false;
	c->warned = false;
	if (c->kind == WATCHER)
		snprintf(statement, sizeof(statement), "%s", "");
	else if (!c->asking)
		snprintf(statement, sizeof(statement), "INSERT INTO haops_bench VALUES ('%s', %" PRId64 ")", c->name, ++c->seq);
	c->state = BUSY;
	c->deadline_us = c->kind == ROAMING || c->asking ? now_us() + ROAM_WRITE_US : NEVER;
	if (PQsendQuery(c->conn, c->kind == WATCHER ? watch : c->asking ? ask : statement) == 0)
		go_down(c);
}

static void
take_row(Client *c, const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);

	if (c->answered)
		return;					/* what follows the first word of the server says nothing about the row */
	c->answered = true;
	if (PQresultStatus(result) == PGRES_COMMAND_OK)
		tell_row(c, true, c->warned ? "1" : "0");
	else
		tell_row(c, false, state != NULL ? state : "00000");
	c->standby = state != NULL && strcmp(state, "25006") == 0;
}

static void
take_result(Client *c, const PGresult *result)
{
	bool rows = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;

	if (c->kind == WATCHER && rows)
		tell_node(&node[c->node], PQgetvalue(result, 0, 0));
	else if (c->asking && rows)
		c->standby = PQgetvalue(result, 0, 0)[0] == 't';
	else if (c->kind != WATCHER && !c->asking)
		take_row(c, result);
}

/* Reads what has come; also what came before the connection broke. */
static void
go_on_busy(Client *c)
{
	bool alive = PQconsumeInput(c->conn) != 0;

	while (!PQisBusy(c->conn))
	{
		PGresult *result = PQgetResult(c->conn);

		if (result == NULL)
		{
			if (!alive || PQstatus(c->conn) == CONNECTION_BAD)
				go_down(c);
			else if (c->kind == ROAMING && c->standby)
				go_down(c);		/* to the next node */
			else if (c->kind == WATCHER)
				go_idle(c, now_us() + WATCH_US);
			else
				go_idle(c, c->asking && !c->standby ? now_us() : now_us() + interval_us);
			return;
		}
		take_result(c, result);
		PQclear(result);
	}
	if (!alive)
		go_down(c);
}

/* ---- The loop ---- */

static int64_t
due_us(const Client *c)
{
	return c->state == DOWN || c->state == IDLE ? c->next_us : c->deadline_us;
}

static void
act(Client *c, bool ready)
{
	bool due = now_us() >= due_us(c);

	if (c->state == DOWN && due)
		begin_connect(c);
	else if (c->state == CONNECTING && ready)
		go_on_connecting(c);
	else if (c->state == BUSY && ready)
	{
		if (PQflush(c->conn) < 0 && PQstatus(c->conn) == CONNECTION_BAD)
			go_down(c);
		else
			go_on_busy(c);
	}
	else if (c->state == IDLE && ready)
	{
		/* The server says goodbye. */
		if (PQconsumeInput(c->conn) == 0)
			go_down(c);
	}
	else if (c->state == IDLE && due)
		send_next(c);
	else if (due)
		go_down(c);
}

static short
events_of(const Client *c)
{
	if (c->state == CONNECTING)
		return c->wants == PGRES_POLLING_READING ? POLLIN : POLLOUT;
	if (c->state == BUSY && PQflush(c->conn) == 1)
		return POLLIN | POLLOUT;
	return POLLIN;
}

/* One turn; false when standard input has ended. */
static bool
turn(void)
{
	struct pollfd wait[CLIENTS_MAX + 1];
	int64_t first_us = NEVER;
	int64_t left_us;
	int wait_ms;

	for (int i = 0; i < client_count; i++)
	{
		Client *c = &client[i];

		wait[i] = (struct pollfd){c->conn != NULL ? PQsocket(c->conn) : -1, 0, 0};
		if (wait[i].fd >= 0)
			wait[i].events = events_of(c);
		if (due_us(c) < first_us)
			first_us = due_us(c);
	}
	wait[client_count] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
	left_us = first_us - now_us();
	wait_ms = left_us <= 0 ? 0 : left_us > 1000000 ? 1000 : (int) (left_us / 1000) + 1;
	if (poll(wait, (nfds_t) client_count + 1, wait_ms) < 0 && errno != EINTR)
		return false;
	for (int i = 0; i < client_count; i++)
		act(&client[i], wait[i].fd >= 0 && wait[i].revents != 0);
	fflush(stdout);
	return wait[client_count].revents == 0;
}

static void
add_client(Kind kind, int at, const char *name)
{
	client[client_count++] = (Client){.kind = kind, .node = at, .name = name, .deadline_us = NEVER};
}

static int
usage(void)
{
	fprintf(stderr, "usage: prober [--interval-ms N] NAME=CONNINFO...\n");
	return 2;
}

int
main(int argc, char **argv)
{
	int i = 1;

	if (argc > 2 && strcmp(argv[1], "--interval-ms") == 0)
	{
		interval_us = atoll(argv[2]) * 1000;
		i = 3;
	}
	for (; i < argc && node_count < NODES_MAX; i++)
	{
		const char *equal = strchr(argv[i], '=');

		if (equal == NULL || equal == argv[i] || (size_t) (equal - argv[i]) >= sizeof(node[0].name))
			return usage();
		memcpy(node[node_count].name, argv[i], (size_t) (equal - argv[i]));
		node[node_count++].conninfo = equal + 1;
	}
	if (node_count == 0 || i < argc || interval_us <= 0)
		return usage();
	for (int n = 0; n < node_count; n++)
	{
		add_client(PINNED, n, node[n].name);
		add_client(WATCHER, n, node[n].name);
	}
	add_client(ROAMING, 0, "any");
	while (turn())
		;
	return 0;
}
