/*
 * tables.c: the sizes of all tables, with their TOAST and their indexes, by two passes over the catalog.
 */
#include "server/compat.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "api/row.h"
#include "api/sizes.h"
#include "catalog/pg_index.h"
#include "common/hashfn.h"
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
	char		status;
} TableEntry;

#define SH_PREFIX tables
#define SH_ELEMENT_TYPE TableEntry
#define SH_KEY_TYPE Oid
#define SH_KEY oid
#define SH_HASH_KEY(tb, key) murmurhash32(key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

static tables_hash *
read_relations(const HaSizes *sizes)
{
	tables_hash *relations = tables_create(CurrentMemoryContext, 4096, NULL);
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);
		TableEntry *entry;
		bool		found;

		if (!RELKIND_HAS_STORAGE(class->relkind) || class->relpersistence == RELPERSISTENCE_TEMP)
			continue;
		entry = tables_insert(relations, class->oid, &found);
		entry->kind = class->relkind;
		entry->toast = class->reltoastrelid;
		entry->bytes = ha_sizes_of(sizes, class->oid, class);
		entry->index_bytes = 0;
		entry->indexes = 0;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return relations;
}

static void
add_indexes(tables_hash *relations)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
		TableEntry *index = tables_lookup(relations, form->indexrelid);
		TableEntry *owner = tables_lookup(relations, form->indrelid);

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
	tables_hash *relations = read_relations(ha_sizes_read());
	tables_iterator iterator;
	TableEntry *table;

	InitMaterializedSRF(fcinfo, 0);
	add_indexes(relations);
	tables_start_iterate(relations, &iterator);
	while ((table = tables_iterate(relations, &iterator)) != NULL)
	{
		TableEntry *toast = OidIsValid(table->toast) ? tables_lookup(relations, table->toast) : NULL;
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
