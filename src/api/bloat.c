/*
 * bloat.c: haops.relation_bloat(): which relations, their locks, the rows; see bloat_parts.h.
 *
 * Nothing waits: each relation is locked as a reader would, if that is possible at once, and is a row that says so if
 * it is not. What has no pages here, or pages of a kind that we don't know, is a row with a note too.
 */
#include "server/compat.h"

#include "access/relation.h"
#include "access/xact.h"
#include "api/bloat_parts.h"
#include "api/row.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include <math.h>

PG_FUNCTION_INFO_V1(ha_api_relation_bloat);

#define PAGES_MAX 1000			/* of one relation */
#define PARTITIONS_PAGES_MAX 20000	/* of all partitions of a table, at least PARTITION_PAGES_MIN each */
#define PARTITION_PAGES_MIN 10

/* What is smaller is never worth a word; from this share on it is. */
#define SMALL_BYTES (1024 * 1024)
#define BLOATED_PERCENT 30

/* From this share of dead rows on the indexes are said to have their entries. */
#define DEAD_ROWS_SHARE 0.05

typedef struct Request
{
	FunctionCallInfo fcinfo;
	BlockNumber pages_max;
	bool		silent;			/* only the sum is wanted */
	bool		dead_rows;		/* the table at hand has many */
	HaBloat		sum;
	MemoryContext context;		/* of the relation at hand */
} Request;

/* NULL, and why, instead of a wait. */
static Relation
open_at_once(Oid oid, const char **why)
{
	Relation	rel;

	if (!ConditionalLockRelationOid(oid, AccessShareLock))
	{
		*why = "locked by another session: not read";
		return NULL;
	}
	rel = try_relation_open(oid, NoLock);
	if (rel == NULL)
	{
		UnlockRelationOid(oid, AccessShareLock);
		*why = "it does not exist any more";
	}
	return rel;
}

/* Why its pages can't be read; NULL: they can. */
static const char *
unreadable(Relation rel)
{
	if (!RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
		return rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE ? "a foreign table: its rows are elsewhere" :
			"it has no storage";
	if (RELATION_IS_OTHER_TEMP(rel))
		return "a temporary table of another session: its pages are in that session's memory";
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED && RecoveryInProgress())
		return "unlogged: a standby does not have it";
	if (rel->rd_rel->relkind == RELKIND_SEQUENCE)
		return "a sequence: always one page";
	return NULL;
}

static double
percent(double part, double whole)
{
	double		share = whole > 0 ? part / whole * 100 : 0;

	return rint(Max(Min(share, 100), 0) * 10) / 10;
}

static void
add_bytes(HaRow *row, double bytes)
{
	ha_row_add_int8(row, (int64) rint(bytes));
}

static void
add_percent(HaRow *row, double value)
{
	ha_row_add(row, Float8GetDatum(value));
}

static void
add_nulls(HaRow *row, int count)
{
	while (count-- > 0)
		ha_row_add_null(row);
}

static const char *
verdict(const HaBloat *bloat)
{
	if (bloat->total < SMALL_BYTES)
		return "small";
	return percent(bloat->lasting, bloat->total) >= BLOATED_PERCENT ? "bloated" : "ok";
}

static void
add_figures(HaRow *row, const HaBloat *bloat)
{
	const HaBloatBytes *b = &bloat->bytes;
	double		margin = ha_bloat_margin(bloat->variance);

	add_bytes(row, b->live);
	add_bytes(row, b->padding);
	add_bytes(row, b->dropped);
	add_bytes(row, b->dead);
	add_bytes(row, b->held);
	add_bytes(row, b->free);
	add_bytes(row, b->reserve);
	add_bytes(row, b->deleted);
	add_bytes(row, Max(bloat->reclaimable, 0));
	add_percent(row, percent(bloat->reclaimable, bloat->total));
	add_percent(row, percent(bloat->least - margin, bloat->total));
	add_percent(row, percent(bloat->most + margin, bloat->total));
	add_percent(row, percent(bloat->lasting, bloat->total));
	ha_row_add_text(row, ha_bloat_remedy(bloat));
	ha_row_add_text(row, verdict(bloat));
}

/* `why`: its pages were not read. */
static void
put(Request *request, Oid oid, const char *part, Oid method, const HaBloat *bloat, const char *why)
{
	HaRow		row = {0};
	char		note[sizeof(bloat->note) + 128];
	bool		known = why == NULL && bloat->relations > bloat->relations_skipped &&
		(bloat->pages_read > 0 || (bloat->pages == 0 && bloat->pages_damaged == 0));

	if (request->silent)
		return;
	snprintf(note, sizeof(note), "%s", why != NULL ? why : bloat->note);
	if (why == NULL && bloat->pages_damaged > 0)
		snprintf(note, sizeof(note), INT64_FORMAT " pages are damaged or can't be read%s%s", bloat->pages_damaged,
				 bloat->note[0] == '\0' ? "" : "; ", bloat->note);
	ha_row_add(&row, ObjectIdGetDatum(oid));
	ha_row_add_text(&row, part);
	ha_row_add_text(&row, OidIsValid(method) ? get_am_name(method) : NULL);
	if (bloat->relations > bloat->relations_skipped)
		add_bytes(&row, bloat->total);
	else
		ha_row_add_null(&row);
	if (known)
		add_figures(&row, bloat);
	else
		add_nulls(&row, 15);
	ha_row_add_text(&row, !known ? bloat->relations_skipped > 0 ? "skipped" : "not estimated" :
					bloat->pages_read + bloat->pages_damaged < bloat->pages ? "sampled" : "read");
	ha_row_add_int8(&row, bloat->pages_read);
	if (bloat->relations > bloat->relations_skipped)
		ha_row_add_int8(&row, bloat->pages);
	else
		ha_row_add_null(&row);
	ha_row_add_text(&row, note);
	ha_row_put(request->fcinfo, &row);
}

/* An index does not know which of its entries are of dead rows. */
static void
note_dead_rows(Request *request, Relation rel, HaBloat *bloat)
{
	if (rel->rd_rel->relkind != RELKIND_INDEX)
		request->dead_rows = bloat->bytes.dead > bloat->total * DEAD_ROWS_SHARE;
	else if (request->dead_rows && bloat->note[0] == '\0' && bloat->pages_read > 0 &&
			 rel->rd_rel->relam != BRIN_AM_OID)
		snprintf(bloat->note, sizeof(bloat->note), "entries of dead rows count as live ones: VACUUM first");
}

/* The pages of one relation, which is open and locked. */
static void
read_relation(Request *request, Relation rel, const char *part)
{
	HaBloat		bloat = {0};
	const char *why = unreadable(rel);
	MemoryContext old = MemoryContextSwitchTo(request->context);

	if (why == NULL)
	{
		ha_bloat_sample(rel, request->pages_max, &bloat);
		note_dead_rows(request, rel, &bloat);
		if (ha_bloat_method(rel) == NULL)
			why = "not an access method whose pages are known";
	}
	MemoryContextSwitchTo(old);
	put(request, RelationGetRelid(rel), part, rel->rd_rel->relam, &bloat, why);
	bloat.relations = 1;
	if (why != NULL || bloat.pages_read == 0)
		bloat.relations_skipped = bloat.pages > 0 || bloat.pages_damaged > 0 || why != NULL ? 1 : 0;
	ha_bloat_add(&request->sum, &bloat);
	MemoryContextReset(request->context);
}

static void
skip(Request *request, Oid oid, const char *part, const char *why)
{
	HaBloat		nothing = {.relations_skipped = 1};

	put(request, oid, part, InvalidOid, &nothing, why);
	nothing.relations = 1;
	ha_bloat_add(&request->sum, &nothing);
}

static void
read_index(Request *request, Oid oid, const char *part)
{
	const char *why = NULL;
	Relation	rel = open_at_once(oid, &why);

	if (rel == NULL)
		skip(request, oid, part, why);
	else
	{
		read_relation(request, rel, part);
		relation_close(rel, AccessShareLock);
	}
}

/* A table or a TOAST table with its indexes; a table with its TOAST table. `index_part`: what its indexes are. */
static void
read_table(Request *request, Oid oid, const char *part, const char *index_part)
{
	const char *why = NULL;
	Relation	rel = open_at_once(oid, &why);
	List	   *indexes;
	ListCell   *cell;
	bool		dead_rows;

	if (rel == NULL)
	{
		skip(request, oid, part, why);
		return;
	}
	read_relation(request, rel, part);
	dead_rows = request->dead_rows;
	if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind) && rel->rd_rel->relkind != RELKIND_SEQUENCE)
	{
		if (OidIsValid(rel->rd_rel->reltoastrelid))
			read_table(request, rel->rd_rel->reltoastrelid, "toast", "toast index");
		request->dead_rows = dead_rows;
		indexes = RelationGetIndexList(rel);
		foreach(cell, indexes)
			read_index(request, lfirst_oid(cell), index_part);
		list_free(indexes);
	}
	relation_close(rel, AccessShareLock);
}

static void
put_sum(Request *request, Oid oid, const char *part)
{
	HaBloat    *sum = &request->sum;

	request->silent = false;
	if (sum->relations_skipped > 0)
		snprintf(sum->note, sizeof(sum->note), "without %d of %d relations, which were not read",
				 sum->relations_skipped, sum->relations);
	put(request, oid, part, InvalidOid, sum, NULL);
}

/* A partitioned table or index has no pages of its own: the sum of what lies below it. */
static void
read_partitions(Request *request, Oid oid)
{
	List	   *all = find_all_inheritors(oid, NoLock, NULL);
	int			count = list_length(all);
	ListCell   *cell;

	request->silent = true;
	request->pages_max = Min(Max(PARTITIONS_PAGES_MAX / count, PARTITION_PAGES_MIN), PAGES_MAX);
	foreach(cell, all)
	{
		char		relkind = get_rel_relkind(lfirst_oid(cell));

		CHECK_FOR_INTERRUPTS();
		if (relkind == RELKIND_INDEX)
			read_index(request, lfirst_oid(cell), "index");
		else if (relkind != '\0' && relkind != RELKIND_PARTITIONED_TABLE && relkind != RELKIND_PARTITIONED_INDEX)
			read_table(request, lfirst_oid(cell), "table", "index");
	}
	put_sum(request, oid, "partitions");
}

/* haops.relation_bloat(regclass) */
Datum
ha_api_relation_bloat(PG_FUNCTION_ARGS)
{
	Oid			oid = PG_GETARG_OID(0);
	Request		request = {.fcinfo = fcinfo, .pages_max = PAGES_MAX};

	InitMaterializedSRF(fcinfo, 0);
	request.context = AllocSetContextCreate(CurrentMemoryContext, "pg_haops bloat", ALLOCSET_DEFAULT_SIZES);
	switch (get_rel_relkind(oid))
	{
		case '\0':
			skip(&request, oid, "table", "it does not exist any more");
			break;
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_PARTITIONED_INDEX:
			read_partitions(&request, oid);
			break;
		case RELKIND_INDEX:
			read_index(&request, oid, "index");
			break;
		case RELKIND_TOASTVALUE:
			read_table(&request, oid, "toast", "toast index");
			break;
		case RELKIND_RELATION:
		case RELKIND_MATVIEW:
			read_table(&request, oid, "table", "index");
			put_sum(&request, oid, "total");
			break;
		default:
			read_table(&request, oid, "table", "index");
	}
	MemoryContextDelete(request.context);
	return (Datum) 0;
}
