/*
 * indexes_read.c: rows of pg_index as descriptions that can be compared (see indexes_parts.h and ops/redundant.h).
 *
 * Expressions and predicates are compared as trees, without where they stood in the text.
 */
#include "server/compat.h"

#include "api/indexes_parts.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

typedef struct ClassEntry
{
	Oid			oid;
	char		status;
	HaIndexKind kind;
	Oid			method;
	Oid			family;
	Oid			input_type;
	Oid			stored_type;
	bool		parameters;		/* it can have some */
} ClassEntry;

#define SH_PREFIX opclass
#define SH_ELEMENT_TYPE ClassEntry
#define SH_KEY_TYPE Oid
#define SH_KEY oid
#define SH_HASH_KEY(tb, key) murmurhash32(key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

struct HaIndexReader
{
	Relation	dependencies;
	opclass_hash *classes;
	TupleDesc	form;			/* of pg_index */
	TupleDesc	class_form;		/* of pg_class */
};

/* ---- Storage options ---- */

/* The number of a text in a list, from 1 on; it is added when it is new. */
static uint32
number_of_text(List **texts, const char *text)
{
	ListCell   *cell;

	foreach(cell, *texts)
	{
		if (strcmp(lfirst(cell), text) == 0)
			return (uint32) foreach_current_index(cell) + 1;
	}
	*texts = lappend(*texts, pstrdup(text));
	return (uint32) list_length(*texts);
}

static int
compare_texts(const ListCell *a, const ListCell *b)
{
	return strcmp(strVal(((DefElem *) lfirst(a))->arg), strVal(((DefElem *) lfirst(b))->arg));
}

static int
compare_options(const ListCell *a, const ListCell *b)
{
	int			order = strcmp(((DefElem *) lfirst(a))->defname, ((DefElem *) lfirst(b))->defname);

	return order != 0 || ((DefElem *) lfirst(a))->arg == NULL || ((DefElem *) lfirst(b))->arg == NULL ? order :
		compare_texts(a, b);
}

/* The number of options, whatever their order; 0 when all are of those that make no difference (IX26). */
static uint32
number_of_options(List **texts, Datum options)
{
	List	   *list = untransformRelOptions(options);
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	list_sort(list, compare_options);
	foreach(cell, list)
	{
		DefElem    *option = lfirst(cell);

		if (strcmp(option->defname, "fillfactor") != 0 && strcmp(option->defname, "deduplicate_items") != 0)
			appendStringInfo(&text, "%s=%s ", option->defname, option->arg != NULL ? strVal(option->arg) : "");
	}
	return text.len == 0 ? 0 : number_of_text(texts, text.data);
}

/* ---- Constraints ---- */

/* Is there a row of pg_depend from or to the index that has a constraint at its other end? */
static bool
depends(HaIndexReader *reader, Oid index, bool on_it)
{
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		result = false;

	ScanKeyInit(&key[0], on_it ? Anum_pg_depend_refclassid : Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(RelationRelationId));
	ScanKeyInit(&key[1], on_it ? Anum_pg_depend_refobjid : Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(index));
	scan = systable_beginscan(reader->dependencies, on_it ? DependReferenceIndexId : DependDependerIndexId, true,
							  NULL, 2, key);
	while (!result && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		result = (on_it ? form->classid : form->refclassid) == ConstraintRelationId;
	}
	systable_endscan(scan);
	return result;
}

/*
 * Is it the index of a constraint, or the one that foreign keys rely on? Either is unique, and recorded in pg_depend:
 * pg_constraint has no index by which to find it. Primary keys and exclusions are known from pg_index.
 */
static bool
is_of_constraint(HaIndexReader *reader, Form_pg_index form)
{
	return form->indisunique && (depends(reader, form->indexrelid, false) || depends(reader, form->indexrelid, true));
}

/* ---- The reader ---- */

HaIndexReader *
ha_indexes_begin(void)
{
	HaIndexReader *reader = palloc0(sizeof(HaIndexReader));
	Relation	indexes = table_open(IndexRelationId, AccessShareLock);
	Relation	relations = table_open(RelationRelationId, AccessShareLock);

	reader->form = CreateTupleDescCopy(RelationGetDescr(indexes));
	reader->class_form = CreateTupleDescCopy(RelationGetDescr(relations));
	table_close(indexes, AccessShareLock);
	table_close(relations, AccessShareLock);
	reader->dependencies = table_open(DependRelationId, AccessShareLock);
	reader->classes = opclass_create(CurrentMemoryContext, 64, NULL);
	return reader;
}

void
ha_indexes_end(HaIndexReader *reader)
{
	table_close(reader->dependencies, AccessShareLock);
}

/* ---- Operator classes ---- */

static HaIndexKind
kind_of(Oid method)
{
	switch (method)
	{
		case BTREE_AM_OID:
			return HA_INDEX_ORDERED;
		case GIST_AM_OID:
			return HA_INDEX_LEADING;
		case GIN_AM_OID:
		case BRIN_AM_OID:
			return HA_INDEX_SET;
		default:
			return HA_INDEX_EXACT;
	}
}

/* Has this class, of its input type, a function for parameters? */
static bool
takes_parameters(const ClassEntry *entry)
{
	IndexAmRoutine *routine = GetIndexAmRoutineByAmId(entry->method, true);

	return routine != NULL && routine->amoptsprocnum > 0 &&
		OidIsValid(get_opfamily_proc(entry->family, entry->input_type, entry->input_type,
									 (int16) routine->amoptsprocnum));
}

/* NULL when it is gone. */
static const ClassEntry *
class_entry(HaIndexReader *reader, Oid oid)
{
	ClassEntry *entry = opclass_lookup(reader->classes, oid);
	HeapTuple	tuple;
	Form_pg_opclass form;
	bool		found;

	if (entry != NULL)
		return entry;
	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(oid));
	if (!HeapTupleIsValid(tuple))
		return NULL;
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	entry = opclass_insert(reader->classes, oid, &found);
	entry->kind = kind_of(form->opcmethod);
	entry->method = form->opcmethod;
	entry->family = form->opcfamily;
	entry->input_type = form->opcintype;
	entry->stored_type = form->opckeytype;
	ReleaseSysCache(tuple);
	entry->parameters = takes_parameters(entry);
	return entry;
}

HaIndexKind
ha_indexes_kind(HaIndexReader *reader, Oid class, Oid *method)
{
	const ClassEntry *entry = class_entry(reader, class);

	*method = entry != NULL ? entry->method : InvalidOid;
	return entry != NULL ? entry->kind : HA_INDEX_EXACT;
}

/* ---- A table's indexes ---- */

/* What was found equal within the table has the same number. */
typedef struct Table
{
	HaIndexReader *reader;
	Oid			oid;
	List	   *trees;
	List	   *storages;
	List	   *parameters;
	bool		nulls_matter;	/* some index has an option */
} Table;

static uint32
number_of_tree(Table *table, Node *tree)
{
	ListCell   *cell;

	foreach(cell, table->trees)
	{
		if (equal(lfirst(cell), tree))
			return (uint32) foreach_current_index(cell) + 1;
	}
	table->trees = lappend(table->trees, tree);
	return (uint32) list_length(table->trees);
}

static Node *
tree_of(Table *table, HeapTuple tuple, int attribute)
{
	bool		null;
	Datum		value = heap_getattr(tuple, attribute, table->reader->form, &null);

	return null ? NULL : (Node *) stringToNode(TextDatumGetCString(value));
}

static uint32
parameters_of(Table *table, Oid index, int number)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(index), Int16GetDatum(number));
	uint32		result = 0;
	bool		null;
	Datum		options;

	if (!HeapTupleIsValid(tuple))
		return 0;
	options = SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attoptions, &null);
	if (!null)
		result = number_of_options(&table->parameters, options);
	ReleaseSysCache(tuple);
	return result;
}

static bool
is_not_null(Oid table, int number)
{
	HeapTuple	tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(number));
	bool		not_null;

	if (!HeapTupleIsValid(tuple))
		return false;
	not_null = ((Form_pg_attribute) GETSTRUCT(tuple))->attnotnull;
	ReleaseSysCache(tuple);
	return not_null;
}

/* False when an operator class is gone. */
static bool
describe_columns(Table *table, HeapTuple tuple, HaIndex *index)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	int			attribute[3] = {Anum_pg_index_indcollation, Anum_pg_index_indclass, Anum_pg_index_indoption};
	Datum		value[3];
	List	   *trees = castNode(List, tree_of(table, tuple, Anum_pg_index_indexprs));
	ListCell   *tree = list_head(trees);
	bool		null;

	for (int i = 0; i < 3; i++)
		value[i] = heap_getattr(tuple, attribute[i], table->reader->form, &null);
	index->column = palloc0(sizeof(HaIndexColumn) * form->indnatts);
	for (int i = 0; i < form->indnatts; i++)
	{
		HaIndexColumn *column = &index->column[i];
		const ClassEntry *class;

		column->attno = form->indkey.values[i];
		if (i >= form->indnkeyatts)
			continue;
		class = class_entry(table->reader, ((oidvector *) DatumGetPointer(value[1]))->values[i]);
		if (class == NULL)
			return false;
		if (column->attno == 0 && tree != NULL)
		{
			column->expression = number_of_tree(table, lfirst(tree));
			tree = lnext(trees, tree);
		}
		index->kind = class->kind;
		index->method = class->method;
		column->family = class->family;
		column->input_type = class->input_type;
		column->stored_type = class->stored_type;
		column->collation = ((oidvector *) DatumGetPointer(value[0]))->values[i];
		column->option = (uint8) ((int2vector *) DatumGetPointer(value[2]))->values[i];
		column->not_null = table->nulls_matter && column->attno > 0 && is_not_null(table->oid, column->attno);
		column->parameters = class->parameters ? parameters_of(table, form->indexrelid, i + 1) : 0;
	}
	return true;
}

static uint32
storage_of(Table *table, HeapTuple class)
{
	bool		null;
	Datum		options = heap_getattr(class, Anum_pg_class_reloptions, table->reader->class_form, &null);

	return null ? 0 : number_of_options(&table->storages, options);
}

static void
describe(Table *table, HeapTuple tuple, HeapTuple class, HaIndex *index)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	Node	   *predicate = tree_of(table, tuple, Anum_pg_index_indpred);

	memset(index, 0, sizeof(*index));
	index->id = form->indexrelid;
	if (!HeapTupleIsValid(class))
		return;					/* gone: not usable */
	index->storage = storage_of(table, class);
	index->predicate = predicate != NULL ? number_of_tree(table, predicate) : 0;
	index->unique = form->indisunique;
	index->immediate = form->indimmediate;
	index->nulls_not_distinct = form->indisunique && form->indnullsnotdistinct;
	index->clustered = form->indisclustered;
	index->kept = form->indisprimary || form->indisexclusion || form->indisreplident ||
		((Form_pg_class) GETSTRUCT(class))->relispartition || is_of_constraint(table->reader, form);
	index->key_count = form->indnkeyatts;
	index->column_count = form->indnatts;
	index->usable = form->indisvalid && form->indisready && form->indislive && describe_columns(table, tuple, index);
}

void
ha_indexes_describe(HaIndexReader *reader, Oid relation, HeapTuple *tuple, HeapTuple *class, int count, HaIndex *index)
{
	Table		table = {.reader = reader, .oid = relation};

	for (int i = 0; i < count; i++)
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple[i]);
		bool		null;
		int2vector *option = (int2vector *)
			DatumGetPointer(heap_getattr(tuple[i], Anum_pg_index_indoption, reader->form, &null));

		for (int k = 0; k < form->indnkeyatts; k++)
			table.nulls_matter = table.nulls_matter || option->values[k] != 0;
	}
	for (int i = 0; i < count; i++)
		describe(&table, tuple[i], class[i], &index[i]);
}
