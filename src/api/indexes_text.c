/*
 * indexes_text.c: names, sizes and statements of reported indexes (see indexes_parts.h).
 *
 * pg_get_indexdef() waits for whoever has locked the table, and leaves an open relation in the session for each call.
 * It is asked only for expressions, predicates and whatever else is unusual, after its lock was had without waiting.
 */
#include "server/compat.h"

#include "api/indexes_parts.h"

#include <sys/stat.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_tablespace_d.h"
#include "commands/defrem.h"
#include "common/hashfn.h"
#include "common/relpath.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

/* Is this operator class the default for the type? */
typedef struct DefaultKey
{
	Oid			class;
	Oid			type;
} DefaultKey;

typedef struct DefaultEntry
{
	DefaultKey	key;
	bool		is_default;
	Oid			method;
} DefaultEntry;

/* A column of the table of which an index was asked for last. */
typedef struct Column
{
	char		name[NAMEDATALEN];
	Oid			type;
	Oid			collation;
} Column;

struct HaIndexTexts
{
	Relation	classes;
	Relation	attributes;
	TupleDesc	index_form;
	HTAB	   *defaults;
	Oid			table;			/* whose columns these are */
	int			column_count;
	Column		column[MaxHeapAttributeNumber + 1];
};

HaIndexTexts *
ha_index_texts_begin(void)
{
	HaIndexTexts *texts = palloc(sizeof(HaIndexTexts));
	HASHCTL		control = {.keysize = sizeof(DefaultKey), .entrysize = sizeof(DefaultEntry),
		.hcxt = CurrentMemoryContext};
	Relation	indexes = table_open(IndexRelationId, AccessShareLock);

	texts->index_form = CreateTupleDescCopy(RelationGetDescr(indexes));
	table_close(indexes, AccessShareLock);
	texts->table = InvalidOid;
	texts->column_count = 0;
	texts->classes = table_open(RelationRelationId, AccessShareLock);
	texts->attributes = table_open(AttributeRelationId, AccessShareLock);
	texts->defaults = hash_create("pg_haops default operator classes", 64, &control,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	return texts;
}

void
ha_index_texts_end(HaIndexTexts *texts)
{
	table_close(texts->classes, AccessShareLock);
	table_close(texts->attributes, AccessShareLock);
	hash_destroy(texts->defaults);
}

HeapTuple
ha_index_class(HaIndexTexts *texts, Oid relation)
{
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relation));
	scan = systable_beginscan(texts->classes, ClassOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		tuple = heap_copytuple(tuple);
	systable_endscan(scan);
	return tuple;
}

/* ---- Sizes ---- */

/* Of the main fork, which is all but a few pages of an index; 0 when it is gone. */
static int64
bytes_of_files(Form_pg_class class)
{
	Oid			tablespace = OidIsValid(class->reltablespace) ? class->reltablespace : MyDatabaseTableSpace;
	char	   *folder = GetDatabasePath(MyDatabaseId, tablespace);
	char		path[MAXPGPATH];
	struct stat st;
	int64		bytes = 0;

	for (int segment = 0;; segment++)
	{
		if (segment == 0)
			snprintf(path, sizeof(path), "%s/%u", folder, (unsigned) class->relfilenode);
		else
			snprintf(path, sizeof(path), "%s/%u.%d", folder, (unsigned) class->relfilenode, segment);
		if (stat(path, &st) != 0)
			break;
		bytes += (int64) st.st_size;
		if (st.st_size < (off_t) RELSEG_SIZE * BLCKSZ)
			break;
	}
	pfree(folder);
	return bytes;
}

int64
ha_index_bytes(HaIndexTexts *texts, HeapTuple tuple)
{
	Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);
	int64		bytes = 0;
	ListCell   *cell;

	if (class->relkind != RELKIND_PARTITIONED_INDEX)
		return bytes_of_files(class);
	foreach(cell, find_all_inheritors(class->oid, NoLock, NULL))
	{
		HeapTuple	partition = ha_index_class(texts, lfirst_oid(cell));

		if (HeapTupleIsValid(partition) && RELKIND_HAS_STORAGE(((Form_pg_class) GETSTRUCT(partition))->relkind))
			bytes += bytes_of_files((Form_pg_class) GETSTRUCT(partition));
	}
	return bytes;
}

/* ---- Statements ---- */

static const char *
concurrently(Form_pg_class class)
{
	return class->relkind == RELKIND_PARTITIONED_INDEX ? "" : "CONCURRENTLY ";
}

static const char *
qualified(Form_pg_class class)
{
	char	   *schema = get_namespace_name(class->relnamespace);

	return schema == NULL ? NULL : quote_qualified_identifier(schema, NameStr(class->relname));
}

char *
ha_index_drop(HeapTuple tuple)
{
	Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);
	const char *name = qualified(class);

	return name == NULL ? NULL : psprintf("DROP INDEX %s%s", concurrently(class), name);
}

static void
load_columns(HaIndexTexts *texts, Oid table)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	if (texts->table == table)
		return;
	texts->table = table;
	texts->column_count = 0;
	ScanKeyInit(&key[0], Anum_pg_attribute_attrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(table));
	ScanKeyInit(&key[1], Anum_pg_attribute_attnum, BTGreaterStrategyNumber, F_INT2GT, Int16GetDatum(0));
	scan = systable_beginscan(texts->attributes, AttributeRelidNumIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_attribute form = (Form_pg_attribute) GETSTRUCT(tuple);
		Column	   *column = &texts->column[form->attnum];

		strlcpy(column->name, NameStr(form->attname), NAMEDATALEN);
		column->type = form->atttypid;
		column->collation = form->attcollation;
		texts->column_count = Max(texts->column_count, form->attnum);
	}
	systable_endscan(scan);
}

/* Looks at the catalog once for each class and type. */
static const DefaultEntry *
default_entry(HaIndexTexts *texts, Oid class, Oid type)
{
	DefaultKey	key = {class, type};
	bool		found;
	DefaultEntry *entry = hash_search(texts->defaults, &key, HASH_ENTER, &found);
	HeapTuple	tuple;

	if (found)
		return entry;
	entry->is_default = false;
	entry->method = InvalidOid;
	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(class));
	if (!HeapTupleIsValid(tuple))
		return entry;
	entry->method = ((Form_pg_opclass) GETSTRUCT(tuple))->opcmethod;
	ReleaseSysCache(tuple);
	entry->is_default = GetDefaultOpClass(type, entry->method) == class;
	return entry;
}

/* One column of an ordinary index; false when it is not one. */
static bool
append_column(HaIndexTexts *texts, StringInfo text, HeapTuple tuple, int i, Oid *method)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	int			number = form->indkey.values[i];
	const Column *column = &texts->column[Max(number, 0)];
	const DefaultEntry *entry;
	bool		null;
	int			option;
	oidvector  *collations = (oidvector *)
		DatumGetPointer(heap_getattr(tuple, Anum_pg_index_indcollation, texts->index_form, &null));
	oidvector  *classes = (oidvector *)
		DatumGetPointer(heap_getattr(tuple, Anum_pg_index_indclass, texts->index_form, &null));
	int2vector *options = (int2vector *)
		DatumGetPointer(heap_getattr(tuple, Anum_pg_index_indoption, texts->index_form, &null));

	if (number <= 0 || number > texts->column_count)
		return false;
	appendStringInfo(text, "%s%s", i == 0 ? "" : i == form->indnkeyatts ? ") INCLUDE (" : ", ",
					 quote_identifier(column->name));
	if (i >= form->indnkeyatts)
		return true;
	entry = default_entry(texts, classes->values[i], column->type);
	if (!entry->is_default || (OidIsValid(collations->values[i]) && collations->values[i] != column->collation))
		return false;
	*method = entry->method;
	option = options->values[i];
	if (option & HA_INDEX_DESC)
		appendStringInfoString(text, option & HA_INDEX_NULLS_FIRST ? " DESC" : " DESC NULLS LAST");
	else if (option & HA_INDEX_NULLS_FIRST)
		appendStringInfoString(text, " NULLS FIRST");
	return true;
}

/* Of plain columns with the types' own classes and collations; NULL for any other index. */
static char *
ordinary(HaIndexTexts *texts, HeapTuple tuple, HeapTuple class_tuple, HeapTuple table)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Form_pg_class class = (Form_pg_class) GETSTRUCT(class_tuple);
	const char *on = qualified((Form_pg_class) GETSTRUCT(table));
	StringInfoData columns;
	Oid			method = InvalidOid;

	if (on == NULL || OidIsValid(class->reltablespace) ||
		!heap_attisnull(tuple, Anum_pg_index_indpred, texts->index_form) ||
		!heap_attisnull(tuple, Anum_pg_index_indexprs, texts->index_form) ||
		!heap_attisnull(class_tuple, Anum_pg_class_reloptions, RelationGetDescr(texts->classes)))
		return NULL;
	load_columns(texts, form->indrelid);
	initStringInfo(&columns);
	for (int i = 0; i < form->indnatts; i++)
	{
		if (!append_column(texts, &columns, tuple, i, &method))
			return NULL;
	}
	if (method != BTREE_AM_OID)
		return NULL;			/* the others may have parameters */
	return psprintf("CREATE %sINDEX %s%s ON %s USING btree (%s)%s", form->indisunique ? "UNIQUE " : "",
					concurrently(class), quote_identifier(NameStr(class->relname)), on, columns.data,
					form->indisunique && form->indnullsnotdistinct ? " NULLS NOT DISTINCT" : "");
}

/* PostgreSQL's own text, with CONCURRENTLY; NULL when it would wait. */
static char *
by_server(Form_pg_index form, Form_pg_class class)
{
	const char *const start[2] = {"CREATE INDEX ", "CREATE UNIQUE INDEX "};
	const char *head = start[form->indisunique];
	char	   *text = NULL;

	if (!ConditionalLockRelationOid(form->indrelid, AccessShareLock))
		return NULL;
	if (SearchSysCacheExists1(INDEXRELID, ObjectIdGetDatum(form->indexrelid)) &&
		SearchSysCacheExists1(RELOID, ObjectIdGetDatum(form->indexrelid)))
		text = pg_get_indexdef_string(form->indexrelid);
	UnlockRelationOid(form->indrelid, AccessShareLock);
	if (text == NULL || strncmp(text, head, strlen(head)) != 0)
		return text;
	return psprintf("%s%s%s", head, concurrently(class), text + strlen(head));
}

char *
ha_index_create(HaIndexTexts *texts, HeapTuple tuple, HeapTuple class, HeapTuple table)
{
	char	   *text = ordinary(texts, tuple, class, table);

	return text != NULL ? text : by_server((Form_pg_index) GETSTRUCT(tuple), (Form_pg_class) GETSTRUCT(class));
}
