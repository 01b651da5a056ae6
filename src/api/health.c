/*
 * health.c: what SQL can't ask without waiting: file systems, and the values of sequences, which somebody may have
 * locked; and the samples that a standby keeps.
 */
#include "server/compat.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "access/relation.h"
#include "api/row.h"
#include "catalog/pg_class.h"
#include "commands/sequence.h"
#include "commands/tablespace.h"
#include "common/relpath.h"
#include "funcapi.h"
#include "server/samples.h"
#include "storage/bufmgr.h"
#include "storage/fd.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(ha_api_sequence_value);
PG_FUNCTION_INFO_V1(ha_api_filesystems);
PG_FUNCTION_INFO_V1(ha_api_standby_samples);

/* ---- Sequences ---- */

/* NULL: the value is in *value. */
static const char *
read_sequence(Relation rel, int64 *value)
{
	const char *reason = NULL;
	Buffer		buffer;
	Page		page;

	if (rel->rd_rel->relkind != RELKIND_SEQUENCE)
		return "no sequence";
	if (RELATION_IS_OTHER_TEMP(rel))
		return "another session's";
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_UNLOGGED && RecoveryInProgress())
		return "unlogged: it has no value on a standby";
	if (RelationGetNumberOfBlocks(rel) == 0)
		return "damaged";
	buffer = ReadBuffer(rel, 0);
	LockBuffer(buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(buffer);
	if (PageIsNew(page) || PageGetMaxOffsetNumber(page) < FirstOffsetNumber ||
		!ItemIdIsNormal(PageGetItemId(page, FirstOffsetNumber)))
		reason = "damaged";
	else
	{
		HeapTupleHeader tuple = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, FirstOffsetNumber));
		Form_pg_sequence_data data = (Form_pg_sequence_data) ((char *) tuple + tuple->t_hoff);

		*value = data->last_value;
		reason = data->is_called ? NULL : "never called";
	}
	UnlockReleaseBuffer(buffer);
	return reason;
}

/* haops.sequence_value(oid) */
Datum
ha_api_sequence_value(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const char *reason;
	int64		value = 0;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2] = {true, false};

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "a row is expected");
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		reason = "locked by somebody";
	else
	{
		Relation	rel = SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) ?
			try_relation_open(relid, NoLock) : NULL;

		reason = rel != NULL ? read_sequence(rel, &value) : "gone";
		if (rel != NULL)
			relation_close(rel, NoLock);
		UnlockRelationOid(relid, AccessShareLock);
	}
	values[0] = Int64GetDatum(value);
	nulls[0] = reason != NULL;
	values[1] = CStringGetTextDatum(reason != NULL ? reason : "");
	nulls[1] = reason == NULL;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

/* ---- File systems ---- */

/* NULLs for what can't be asked: a mount that is gone. */
static void
put_place(FunctionCallInfo fcinfo, const char *place, const char *name, const char *path)
{
	struct statvfs space;
	struct stat st;
	HaRow		row = {0};

	ha_row_add_text(&row, place);
	ha_row_add_text(&row, name);
	ha_row_add_text(&row, path);
	if (statvfs(path, &space) == 0 && stat(path, &st) == 0)
	{
		ha_row_add_int8(&row, (int64) space.f_blocks * (int64) space.f_frsize);
		ha_row_add_int8(&row, (int64) space.f_bavail * (int64) space.f_frsize);
		ha_row_add_int8(&row, (int64) st.st_dev);
	}
	else
	{
		for (int i = 0; i < 3; i++)
			ha_row_add_null(&row);
	}
	ha_row_put(fcinfo, &row);
}

/* haops.filesystems() */
Datum
ha_api_filesystems(PG_FUNCTION_ARGS)
{
	char		path[MAXPGPATH];
	DIR		   *tablespaces;
	struct dirent *entry;

	InitMaterializedSRF(fcinfo, 0);
	put_place(fcinfo, "data directory", NULL, DataDir);
	join_path_components(path, DataDir, "pg_wal");
	put_place(fcinfo, "wal", NULL, path);
	tablespaces = AllocateDir("pg_tblspc");
	while ((entry = ReadDir(tablespaces, "pg_tblspc")) != NULL)
	{
		Oid			tablespace = (Oid) strtoul(entry->d_name, NULL, 10);
		char	   *name;

		CHECK_FOR_INTERRUPTS();
		name = tablespace != InvalidOid ? get_tablespace_name(tablespace) : NULL;
		if (name == NULL)
			continue;
		snprintf(path, sizeof(path), "%s/pg_tblspc/%u", DataDir, tablespace);
		put_place(fcinfo, "tablespace", name, path);
	}
	FreeDir(tablespaces);
	return (Datum) 0;
}

/* ---- Samples ---- */

/* haops.standby_samples() */
Datum
ha_api_standby_samples(PG_FUNCTION_ARGS)
{
	HaSamples  *samples;

	InitMaterializedSRF(fcinfo, 0);
	if (!RecoveryInProgress())
		return (Datum) 0;
	samples = ha_samples_read();
	for (uint32 i = 0; i < samples->count; i++)
	{
		const HaSample *sample = &samples->sample[i];

		for (uint32 k = 0; k < sample->count; k++)
		{
			const HaSampleEntry *entry = &sample->entry[k];
			HaRow		row = {0};

			ha_row_add(&row, TimestampTzGetDatum(sample->taken_at));
			ha_row_add(&row, ObjectIdGetDatum(entry->database));
			if (entry->counted_since != 0)
				ha_row_add(&row, TimestampTzGetDatum(entry->counted_since));
			else
				ha_row_add_null(&row);
			ha_row_add_int8(&row, entry->blocks_hit);
			ha_row_add_int8(&row, entry->blocks_read);
			ha_row_add_int8(&row, entry->temp_bytes);
			ha_row_add_int8(&row, entry->temp_files);
			ha_row_add_int8(&row, entry->deadlocks);
			ha_row_add_int8(&row, entry->commits);
			ha_row_add_int8(&row, entry->rollbacks);
			ha_row_put(fcinfo, &row);
		}
	}
	return (Datum) 0;
}
