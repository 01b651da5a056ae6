/*
 * indexes_read.c: rows of pg_index as descriptions that can be compared (see indexes_parts.h and ops/redundant.h).
 *
 * Expressions and predicates are compared as trees, without where they stood in the text. Few indexes are out of the
 * ordinary: only these, and the indexes of constraints, are noted when pg_class and pg_constraint are read.
 */
#include "server/compat.h"

#include "api/indexes_parts.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type_d.h"
#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* An index that is out of the ordinary. */
typedef struct OddEntry
{
	Oid			oid;
	char		status;
	bool		constraint;
	bool		partition;
	bool		temporary;
	uint32		storage;		/* number of its storage options */
} OddEntry;

#define SH_PREFIX odd
#define SH_ELEMENT_TYPE OddEntry
#define SH_KEY_TYPE Oid
#define SH_KEY oid
#define SH_HASH_KEY(tb, key) murmurhash32(key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

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
	odd_hash   *odd;
	opclass_hash *classes;
	List	   *storages;		/* texts of storage options, each once; the n-th has number n */
	TupleDesc	form;			/* of pg_index */
};

/* ---- What is not as usual ---- */

static OddEntry *
odd_entry(HaIndexReader *reader, Oid oid)
{
	bool		found;
	OddEntry   *entry = odd_insert(reader->odd, oid, &found);

	if (!found)
	{
		entry->constraint = entry->partition = entry->temporary = false;
		entry->storage = 0;
	}
	return entry;
}

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

static void
read_classes(HaIndexReader *reader)
{
	Relation	catalog = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);
		bool		null;
		Datum		options;

		if (class->relkind != RELKIND_INDEX && class->relkind != RELKIND_PARTITIONED_INDEX)
			continue;
		options = heap_getattr(tuple, Anum_pg_class_reloptions, RelationGetDescr(catalog), &null);
		if (!null)
			odd_entry(reader, class->oid)->storage = number_of_options(&reader->storages, options);
		if (class->relispartition)
			odd_entry(reader, class->oid)->partition = true;
		if (class->relpersistence == RELPERSISTENCE_TEMP)
			odd_entry(reader, class->oid)->temporary = true;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

/* Primary keys and exclusions are known from pg_index. */
static void
read_constraints(HaIndexReader *reader)
{
	Relation	catalog = table_open(ConstraintRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_constraint constraint = (Form_pg_constraint) GETSTRUCT(tuple);

		if (constraint->contype != CONSTRAINT_PRIMARY && OidIsValid(constraint->conindid))
			odd_entry(reader, constraint->conindid)->constraint = true;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
}

HaIndexReader *
ha_indexes_begin(void)
{
	HaIndexReader *reader = palloc0(sizeof(HaIndexReader));
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);

	reader->form = CreateTupleDescCopy(RelationGetDescr(catalog));
	table_close(catalog, AccessShareLock);
	reader->odd = odd_create(CurrentMemoryContext, 1024, NULL);
	reader->classes = opclass_create(CurrentMemoryContext, 64, NULL);
	read_classes(reader);
	read_constraints(reader);
	return reader;
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

/* ---- A table's indexes ---- */

/* What was found equal within the table has the same number. */
typedef struct Table
{
	HaIndexReader *reader;
	Oid			oid;
	List	   *trees;
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

static void
describe(Table *table, HeapTuple tuple, HaIndex *index)
{
	Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple);
	const OddEntry *odd = odd_lookup(table->reader->odd, form->indexrelid);
	Node	   *predicate = tree_of(table, tuple, Anum_pg_index_indpred);

	memset(index, 0, sizeof(*index));
	index->id = form->indexrelid;
	index->storage = odd != NULL ? odd->storage : 0;
	index->predicate = predicate != NULL ? number_of_tree(table, predicate) : 0;
	index->unique = form->indisunique;
	index->immediate = form->indimmediate;
	index->nulls_not_distinct = form->indisunique && form->indnullsnotdistinct;
	index->clustered = form->indisclustered;
	index->kept = form->indisprimary || form->indisexclusion || form->indisreplident ||
		(odd != NULL && (odd->constraint || odd->partition));
	index->key_count = form->indnkeyatts;
	index->column_count = form->indnatts;
	index->usable = form->indisvalid && form->indisready && form->indislive && describe_columns(table, tuple, index);
}

bool
ha_indexes_describe(HaIndexReader *reader, Oid relation, HeapTuple *tuple, int count, HaIndex *index)
{
	Table		table = {.reader = reader, .oid = relation};

	if (relation < FirstNormalObjectId)
		return false;
	for (int i = 0; i < count; i++)
	{
		Form_pg_index form = (Form_pg_index) GETSTRUCT(tuple[i]);
		const OddEntry *odd = odd_lookup(reader->odd, form->indexrelid);
		bool		null;
		int2vector *option = (int2vector *)
			DatumGetPointer(heap_getattr(tuple[i], Anum_pg_index_indoption, reader->form, &null));

		if (odd != NULL && odd->temporary)
			return false;
		for (int k = 0; k < form->indnkeyatts; k++)
			table.nulls_matter = table.nulls_matter || option->values[k] != 0;
	}
	for (int i = 0; i < count; i++)
		describe(&table, tuple[i], &index[i]);
	return true;
}
