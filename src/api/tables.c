/*
 * tables.c: the sizes of all tables, with their TOAST and their indexes, by two passes over the catalog.
 */
#include "server/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "api/oidmap.h"
#include "api/row.h"
#include "api/sizes.h"
#include "catalog/pg_index.h"
#include "funcapi.h"

PG_FUNCTION_INFO_V1(ha_api_table_sizes);

/* A relation, and what its indexes take. */
typedef struct TableEntry
{
	Oid			oid;
	Oid			toast;
	int64		bytes;			/* -1 = unknown */
	int64		index_bytes;
	int32		indexes;
	char		kind;
} TableEntry;

typedef struct Tables
{
	HaOidMap   *places;
	TableEntry *entry;
	uint32		count;
	uint32		room;
} Tables;

static TableEntry *
add(Tables *tables, Oid relation)
{
	uint32	   *place = ha_oidmap_at(tables->places, relation);

	if (*place == 0)
	{
		if (tables->count == tables->room)
		{
			tables->room *= 2;
			tables->entry = repalloc_huge(tables->entry, sizeof(TableEntry) * tables->room);
		}
		*place = ++tables->count;
	}
	return &tables->entry[*place - 1];
}

/* NULL when it is not among them. */
static TableEntry *
find(const Tables *tables, Oid relation)
{
	uint32		place = ha_oidmap_find(tables->places, relation);

	return place != 0 ? &tables->entry[place - 1] : NULL;
}

static void
read_relations(Tables *tables, const HaSizes *sizes)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);
		TableEntry *entry;

		if (!RELKIND_HAS_STORAGE(class->relkind) || class->relpersistence == RELPERSISTENCE_TEMP)
			continue;
		entry = add(tables, class->oid);
		entry->oid = class->oid;
		entry->kind = class->relkind;
		entry->toast = class->reltoastrelid;
		entry->bytes = ha_sizes_of(sizes, class->oid, class);
		entry->index_bytes = 0;
		entry->indexes = 0;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

static void
add_indexes(const Tables *tables)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		TableEntry *index = find(tables, form->indexrelid);
		TableEntry *owner = find(tables, form->indrelid);

		if (index == NULL || owner == NULL)
			continue;
		owner->indexes++;
		owner->index_bytes += Max(index->bytes, 0);
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* haops.table_sizes() */
Datum
ha_api_table_sizes(PG_FUNCTION_ARGS)
{
	Tables		tables = {.room = 4096};

	tables.places = ha_oidmap_create();
	tables.entry = palloc(sizeof(TableEntry) * tables.room);
	read_relations(&tables, ha_sizes_read());
	add_indexes(&tables);
	InitMaterializedSRF(fcinfo, 0);
	for (uint32 i = 0; i < tables.count; i++)
	{
		const TableEntry *table = &tables.entry[i];
		const TableEntry *toast = OidIsValid(table->toast) ? find(&tables, table->toast) : NULL;
		HaRow		row = {0};

		if ((table->kind != RELKIND_RELATION && table->kind != RELKIND_MATVIEW) || table->bytes < 0)
			continue;
		ha_row_add(&row, ObjectIdGetDatum(table->oid));
		ha_row_add_int8(&row, table->bytes);
		if (toast != NULL)
			ha_row_add_int8(&row, Max(toast->bytes, 0) + toast->index_bytes);
		else
			ha_row_add_null(&row);
		ha_row_add_int8(&row, table->index_bytes);
		ha_row_add(&row, Int32GetDatum(table->indexes));
		ha_row_put(fcinfo, &row);
	}
	return (Datum) 0;
}
