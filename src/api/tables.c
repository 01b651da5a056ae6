/*
 * tables.c: the sizes of all relations of this database, from its files.
 *
 * PostgreSQL's own functions open and lock each relation, wait behind whoever holds it exclusively, and leave four
 * kilobytes of memory for each in the session. Here the directories are read, once, and nothing is opened.
 */
#include "server/compat.h"

#include "api/row.h"
#include "catalog/pg_tablespace_d.h"
#include "common/relpath.h"
#include "funcapi.h"
#include "storage/fd.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"

#include <fcntl.h>
#include <sys/stat.h>

PG_FUNCTION_INFO_V1(ha_api_relation_files);

typedef struct FileKey
{
	Oid			tablespace;
	Oid			filenode;
} FileKey;

typedef struct RelationFile
{
	FileKey		key;
	int64		bytes;
} RelationFile;

/*
 * The filenode that a file belongs to, whichever its fork and segment; 0 for what is no relation's, and for those of
 * temporary tables, whose numbers are their session's own.
 */
static Oid
filenode_of(const char *name)
{
	uint64		number = 0;

	for (; *name >= '0' && *name <= '9' && number <= OID_MAX; name++)
		number = number * 10 + (uint64) (*name - '0');
	if (number > OID_MAX || (*name != '\0' && *name != '_' && *name != '.'))
		return InvalidOid;
	return (Oid) number;
}

/* A file that vanishes meanwhile counts nothing. */
static void
measure(HTAB *files, Oid tablespace)
{
	char	   *path = GetDatabasePath(MyDatabaseId, tablespace);
	DIR		   *directory = AllocateDir(path);
	struct dirent *entry;
	struct stat st;

	if (directory == NULL && errno == ENOENT)
		return;
	while ((entry = ReadDir(directory, path)) != NULL)
	{
		FileKey		key = {tablespace, filenode_of(entry->d_name)};
		RelationFile *file;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (key.filenode == InvalidOid || fstatat(dirfd(directory), entry->d_name, &st, 0) != 0 ||
			!S_ISREG(st.st_mode))
			continue;
		file = hash_search(files, &key, HASH_ENTER, &found);
		file->bytes = (found ? file->bytes : 0) + (int64) st.st_size;
	}
	FreeDir(directory);
	pfree(path);
}

/* haops.relation_files() */
Datum
ha_api_relation_files(PG_FUNCTION_ARGS)
{
	HASHCTL		control = {.keysize = sizeof(FileKey), .entrysize = sizeof(RelationFile), .hcxt = CurrentMemoryContext};
	HTAB	   *files = hash_create("pg_haops files", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	DIR		   *tablespaces = AllocateDir("pg_tblspc");
	struct dirent *entry;
	HASH_SEQ_STATUS seq;
	RelationFile *file;

	InitMaterializedSRF(fcinfo, 0);
	measure(files, MyDatabaseTableSpace);
	if (MyDatabaseTableSpace != DEFAULTTABLESPACE_OID)
		measure(files, DEFAULTTABLESPACE_OID);
	while ((entry = ReadDir(tablespaces, "pg_tblspc")) != NULL)
	{
		Oid			tablespace = filenode_of(entry->d_name);

		if (tablespace != InvalidOid && tablespace != MyDatabaseTableSpace)
			measure(files, tablespace);
	}
	FreeDir(tablespaces);

	hash_seq_init(&seq, files);
	while ((file = hash_seq_search(&seq)) != NULL)
	{
		HaRow		row = {0};

		ha_row_add(&row, ObjectIdGetDatum(file->key.tablespace));
		ha_row_add(&row, ObjectIdGetDatum(file->key.filenode));
		ha_row_add_int8(&row, file->bytes);
		ha_row_put(fcinfo, &row);
	}
	hash_destroy(files);
	return (Datum) 0;
}
