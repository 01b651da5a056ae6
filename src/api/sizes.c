/*
 * sizes.c: see sizes.h.
 */
#include "server/compat.h"

#include "api/sizes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "catalog/pg_tablespace_d.h"
#include "common/hashfn.h"
#include "common/relpath.h"
#include "storage/fd.h"
#include "utils/relmapper.h"

typedef struct FileKey
{
	Oid			tablespace;
	Oid			filenode;
} FileKey;

typedef struct SizeEntry
{
	FileKey		key;
	char		status;
	int64		bytes;
} SizeEntry;

#define SH_PREFIX size
#define SH_ELEMENT_TYPE SizeEntry
#define SH_KEY_TYPE FileKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_combine(murmurhash32((key).filenode), (key).tablespace)
#define SH_EQUAL(tb, a, b) ((a).filenode == (b).filenode && (a).tablespace == (b).tablespace)
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

struct HaSizes
{
	size_hash  *files;
};

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
measure(HaSizes *sizes, Oid tablespace)
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
		SizeEntry  *file;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (key.filenode == InvalidOid || fstatat(dirfd(directory), entry->d_name, &st, 0) != 0 ||
			!S_ISREG(st.st_mode))
			continue;
		file = size_insert(sizes->files, key, &found);
		file->bytes = (found ? file->bytes : 0) + (int64) st.st_size;
	}
	FreeDir(directory);
	pfree(path);
}

HaSizes *
ha_sizes_read(void)
{
	HaSizes    *sizes = palloc(sizeof(HaSizes));
	DIR		   *tablespaces = AllocateDir("pg_tblspc");
	struct dirent *entry;

	sizes->files = size_create(CurrentMemoryContext, 1024, NULL);
	measure(sizes, MyDatabaseTableSpace);
	if (MyDatabaseTableSpace != DEFAULTTABLESPACE_OID)
		measure(sizes, DEFAULTTABLESPACE_OID);
	while ((entry = ReadDir(tablespaces, "pg_tblspc")) != NULL)
	{
		Oid			tablespace = filenode_of(entry->d_name);

		if (tablespace != InvalidOid && tablespace != MyDatabaseTableSpace)
			measure(sizes, tablespace);
	}
	FreeDir(tablespaces);
	return sizes;
}

int64
ha_sizes_of(const HaSizes *sizes, Oid relation, Form_pg_class class)
{
	FileKey		key = {class->reltablespace, class->relfilenode};
	SizeEntry  *file;

	if (!RELKIND_HAS_STORAGE(class->relkind) || class->relisshared || class->relpersistence == RELPERSISTENCE_TEMP)
		return -1;
	if (key.tablespace == InvalidOid)
		key.tablespace = MyDatabaseTableSpace;
	if (key.filenode == InvalidOid)
		key.filenode = ha_mapped_filenode(relation);
	file = size_lookup(sizes->files, key);
	return file != NULL ? file->bytes : -1;
}
