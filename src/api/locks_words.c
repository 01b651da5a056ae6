/*
 * locks_words.c: what is locked, in words a DBA reads.
 *
 * Names of this database come from the catalog's caches; of another database only numbers are known here, and its
 * name. What is gone by now is named by its number.
 */
#include "server/compat.h"

#include "api/locks_parts.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_namespace.h"
#include "commands/dbcommands.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* Of the tag's words, the database is the first one where there is one. */
static char *
in_database(Oid database)
{
	char	   *name;

	if (database == MyDatabaseId || !OidIsValid(database))
		return "";
	name = get_database_name(database);
	return name != NULL ? psprintf(" in database %s", quote_identifier(name)) : psprintf(" in database %u", database);
}

static char *
relation(Oid database, Oid relid)
{
	char	   *name = database == MyDatabaseId || !OidIsValid(database) ? get_rel_name(relid) : NULL;
	char	   *schema = name != NULL ? get_namespace_name(get_rel_namespace(relid)) : NULL;

	if (name == NULL)
		return psprintf("relation %u%s", relid, in_database(database));
	return quote_qualified_identifier(schema, name);
}

/* Of the objects of the catalog, those that people lock by their names. */
static char *
object(Oid database, Oid class, Oid objid)
{
	char	   *name = NULL;
	char	   *catalog = get_rel_name(class);

	const char *kind = class == DatabaseRelationId ? "database" : class == AuthIdRelationId ? "role" : "schema";

	if (class == DatabaseRelationId)
		name = get_database_name(objid);
	else if (class == NamespaceRelationId && database == MyDatabaseId)
		name = get_namespace_name(objid);
	else if (class == AuthIdRelationId)
		name = GetUserNameFromId(objid, true);
	if (name != NULL)
		return psprintf("%s %s%s", kind, quote_identifier(name), in_database(database));
	return psprintf("object %u of %s%s", objid, catalog != NULL ? catalog : "an unknown catalog",
					in_database(database));
}

static char *
advisory(const LOCKTAG *tag)
{
	int64		key = (int64) (((uint64) tag->locktag_field2 << 32) | tag->locktag_field3);

	if (tag->locktag_field4 == 1)
		return psprintf("advisory lock " INT64_FORMAT "%s", key, in_database(tag->locktag_field1));
	return psprintf("advisory lock (%d, %d)%s", (int32) tag->locktag_field2, (int32) tag->locktag_field3,
					in_database(tag->locktag_field1));
}

char *
ha_locks_words(const LOCKTAG *tag)
{
	uint32		a = tag->locktag_field1;
	uint32		b = tag->locktag_field2;

	switch ((LockTagType) tag->locktag_type)
	{
		case LOCKTAG_RELATION:
			return relation(a, b);
		case LOCKTAG_RELATION_EXTEND:
			return psprintf("extension of %s", relation(a, b));
		case LOCKTAG_DATABASE_FROZEN_IDS:
			return psprintf("frozen ids of the database%s", in_database(a));
		case LOCKTAG_PAGE:
			return psprintf("page %u of %s", tag->locktag_field3, relation(a, b));
		case LOCKTAG_TUPLE:
			return psprintf("row (%u,%u) of %s", tag->locktag_field3, tag->locktag_field4, relation(a, b));
		case LOCKTAG_TRANSACTION:
			return psprintf("transaction %u", a);
		case LOCKTAG_VIRTUALTRANSACTION:
			return psprintf("virtual transaction %u/%u", a, b);
		case LOCKTAG_SPECULATIVE_TOKEN:
			return psprintf("speculative insertion %u of transaction %u", b, a);
		case LOCKTAG_OBJECT:
			return object(a, b, tag->locktag_field3);
		case LOCKTAG_ADVISORY:
			return advisory(tag);
		default:
			return psprintf("%u/%u/%u/%u", a, b, tag->locktag_field3, tag->locktag_field4);
	}
}
