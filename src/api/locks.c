/*
 * locks.c: everybody who waits for a lock, joined to trees under those who hold them up.
 */
#include "server/compat.h"

#include "api/locks_parts.h"
#include "api/row.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "ops/waits.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(ha_api_lock_graph);

#define DRAWING_SIZE 256		/* bytes; what is deeper is cut off on the left */

/* The nodes: all waits, then those who hold others up and wait for nothing themselves. */
typedef struct Graph
{
	HaLockWaits *waits;
	int			count;
	HaWaitNode *node;
	int		   *proc;			/* of each node */
	int		   *node_of;		/* by process: the node that stands for its group, -1 = none */
} Graph;

static int
compare_waits(const void *a, const void *b)
{
	const HaLockWait *x = a;
	const HaLockWait *y = b;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	return x->proc < y->proc ? -1 : x->proc > y->proc;
}

static int
node_for(Graph *graph, int blocker)
{
	if (blocker < 0)
		return -1;
	if (graph->node_of[blocker] < 0)
	{
		graph->node[graph->count].blocker = -1;
		graph->proc[graph->count] = blocker;
		graph->node_of[blocker] = graph->count++;
	}
	return graph->node_of[blocker];
}

static Graph *
build(void)
{
	Graph	   *graph = palloc(sizeof(Graph));
	HaLockWaits *waits = ha_locks_collect();
	int			most = waits->count * 2;

	qsort(waits->wait, waits->count, sizeof(HaLockWait), compare_waits);
	graph->waits = waits;
	graph->count = waits->count;
	graph->node = palloc((most + 1) * sizeof(HaWaitNode));
	graph->proc = palloc((most + 1) * sizeof(int));
	graph->node_of = palloc(waits->proc_count * sizeof(int));
	memset(graph->node_of, 0xFF, waits->proc_count * sizeof(int));
	for (int i = waits->count; --i >= 0;)
	{
		int			proc = waits->wait[i].proc;

		graph->proc[i] = proc;
		graph->node_of[waits->proc[proc].leader] = i;
	}
	for (int i = 0; i < waits->count; i++)	/* the leader's own wait counts before its workers' */
		if (waits->proc[waits->wait[i].proc].leader == waits->wait[i].proc)
			graph->node_of[waits->wait[i].proc] = i;
	for (int i = 0; i < waits->count; i++)
		graph->node[i].blocker = node_for(graph, waits->wait[i].blocker);
	ha_waits_resolve(graph->node, graph->count);
	return graph;
}

/* ---- Rows ---- */

/* A session's pid, or the transaction of a prepared one with a minus: what names it in lock_parties() too. */
static void
add_party(HaRow *row, const HaLockWaits *waits, int proc)
{
	if (proc < 0)
		ha_row_add_null(row);
	else if (waits->proc[proc].pid != 0)
		ha_row_add_int8(row, waits->proc[proc].pid);
	else
		ha_row_add_int8(row, -(int64) waits->proc[proc].xid);
}

/* The strongest of them. */
static const char *
mode_name(const LOCKTAG *tag, LOCKMASK modes)
{
	for (LOCKMODE mode = MAX_LOCKMODES - 1; mode > 0; mode--)
	{
		if (modes & LOCKBIT_ON(mode))
			return GetLockmodeName(tag->locktag_lockmethodid, mode);
	}
	return NULL;
}

static void
add_what(HaRow *row, const HaLockWait *wait)
{
	static const char *const words[] = {NULL, "a safe snapshot", "queries that see rows which its WAL removes"};
	static const char *const type[] = {NULL, "safe snapshot", "recovery conflict"};

	if (wait->kind == HA_WAIT_LOCK)
	{
		ha_row_add_text(row, LockTagTypeNames[Min(wait->tag.locktag_type, LOCKTAG_LAST_TYPE)]);
		ha_row_add_text(row, ha_locks_words(&wait->tag));
		ha_row_add_text(row, wait->has_row ? ha_locks_words(&wait->row) : NULL);
		ha_row_add_text(row, mode_name(&wait->tag, LOCKBIT_ON(wait->mode)));
	}
	else
	{
		ha_row_add_text(row, type[wait->kind]);
		ha_row_add_text(row, words[wait->kind]);
		ha_row_add_null(row);
		ha_row_add_null(row);
	}
	if (wait->since != 0)
		ha_row_add(row, TimestampTzGetDatum(wait->since));
	else
		ha_row_add_null(row);
}

static void
put_node(FunctionCallInfo fcinfo, const Graph *graph, int at, int position)
{
	const HaLockWaits *waits = graph->waits;
	const HaWaitNode *node = &graph->node[at];
	const HaLockWait *wait = at < waits->count ? &waits->wait[at] : NULL;
	int			proc = graph->proc[at];
	int			leader = waits->proc[proc].leader;
	int			blocker = wait != NULL ? wait->blocker : -1;
	int			root = node->root >= 0 ? graph->proc[node->root] : -1;
	char		drawing[DRAWING_SIZE];
	HaRow		row = {0};

	ha_waits_draw(graph->node, at, GetDatabaseEncoding() != PG_UTF8, drawing, sizeof(drawing));
	ha_row_add(&row, Int32GetDatum(position));
	ha_row_add(&row, Int32GetDatum(node->depth));
	ha_row_add(&row, Int32GetDatum(node->held_up));
	ha_row_add(&row, CStringGetTextDatum(drawing));
	add_party(&row, waits, proc);
	add_party(&row, waits, leader != proc ? leader : -1);
	ha_row_add_bool(&row, waits->proc[proc].wraparound);
	ha_row_add_bool(&row, wait != NULL);
	if (wait != NULL)
		add_what(&row, wait);
	else
		for (int i = 0; i < 5; i++)
			ha_row_add_null(&row);
	add_party(&row, waits, blocker);
	ha_row_add_bool(&row, blocker >= 0 && waits->proc[blocker].wraparound);
	ha_row_add_text(&row, blocker >= 0 && wait->kind == HA_WAIT_LOCK ?
					mode_name(&wait->tag, wait->blocker_modes) : NULL);
	ha_row_add_bool(&row, wait != NULL && wait->queued);
	ha_row_add(&row, Int32GetDatum(wait != NULL ? wait->blockers : 0));
	add_party(&row, waits, root);
	ha_row_add_bool(&row, root < 0);
	ha_row_put(fcinfo, &row);
}

/* haops.lock_graph() */
Datum
ha_api_lock_graph(PG_FUNCTION_ARGS)
{
	Graph	   *graph = build();
	int			position = 0;

	InitMaterializedSRF(fcinfo, 0);
	for (int32 at = ha_waits_next(graph->node, graph->count, -1); at >= 0;
		 at = ha_waits_next(graph->node, graph->count, at))
		put_node(fcinfo, graph, at, ++position);
	return (Datum) 0;
}
