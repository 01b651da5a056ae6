/*
 * sizes.c: see sizes.h.
 */
#include "server/compat.h"

#include "api/oidmap.h"
#include "api/sizes.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "catalog/pg_tablespace_d.h"
#include "common/relpath.h"
#include "storage/fd.h"
#include "utils/relmapper.h"

/* A tablespace's folder of this database. */
typedef struct Folder
{
	Oid			tablespace;
	HaOidMap   *files;			/* from filenodes to bytes[] */
} Folder;

struct HaSizes
{
	Folder	   *folder;
	int			folder_count;
	int64	   *bytes;
	uint32		count;
	uint32		room;
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

static void
add_bytes(HaSizes *sizes, HaOidMap *files, Oid filenode, int64 bytes)
{
	uint32	   *place = ha_oidmap_at(files, filenode);

	if (*place == 0)
	{
		if (sizes->count == sizes->room)
		{
			sizes->room *= 2;
			sizes->bytes = repalloc_huge(sizes->bytes, sizeof(int64) * sizes->room);
		}
		sizes->bytes[sizes->count] = 0;
		*place = ++sizes->count;
	}
	sizes->bytes[*place - 1] += bytes;
}

/* A file that vanishes meanwhile counts nothing. */
static void
measure(HaSizes *sizes, Oid tablespace)
{
	char	   *path = GetDatabasePath(MyDatabaseId, tablespace);
	DIR		   *directory = AllocateDir(path);
	Folder	   *folder;
	struct dirent *entry;
	struct stat st;

	if (directory == NULL && errno == ENOENT)
		return;
	sizes->folder = repalloc(sizes->folder, sizeof(Folder) * (sizes->folder_count + 1));
	folder = &sizes->folder[sizes->folder_count++];
	folder->tablespace = tablespace;
	folder->files = ha_oidmap_create();
	while ((entry = ReadDir(directory, path)) != NULL)
	{
		Oid			filenode = filenode_of(entry->d_name);

		CHECK_FOR_INTERRUPTS();
		if (filenode != InvalidOid && fstatat(dirfd(directory), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode))
			add_bytes(sizes, folder->files, filenode, (int64) st.st_size);
	}
	FreeDir(directory);
	pfree(path);
}

HaSizes *
ha_sizes_read(void)
{
	HaSizes    *sizes = palloc0(sizeof(HaSizes));
	DIR		   *tablespaces = AllocateDir("pg_tblspc");
	struct dirent *entry;

	sizes->folder = palloc(sizeof(Folder));
	sizes->room = 1024;
	sizes->bytes = palloc(sizeof(int64) * sizes->room);
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
	Oid			tablespace = OidIsValid(class->reltablespace) ? class->reltablespace : MyDatabaseTableSpace;
	Oid			filenode = class->relfilenode;
	uint32		place = 0;

	if (!RELKIND_HAS_STORAGE(class->relkind) || class->relisshared || class->relpersistence == RELPERSISTENCE_TEMP)
		return -1;
	if (filenode == InvalidOid)
		filenode = ha_mapped_filenode(relation);
	for (int i = 0; i < sizes->folder_count; i++)
	{
		if (sizes->folder[i].tablespace == tablespace)
			place = ha_oidmap_find(sizes->folder[i].files, filenode);
	}
	return place != 0 ? sizes->bytes[place - 1] : -1;
}
