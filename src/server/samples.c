/*
 * samples.c: see samples.h.
 */
#include "server/compat.h"

#include "server/samples.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "server/shmem.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* The function of pg_stat_database for a counter. */
static int64
counter(PGFunction function, Oid database)
{
	return DatumGetInt64(DirectFunctionCall1(function, ObjectIdGetDatum(database)));
}

/* That function returns NULL when it does not know, which DirectFunctionCall1() does not take. */
static TimestampTz
reset_time(Oid database)
{
	LOCAL_FCINFO(call, 1);
	Datum		value;

	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = ObjectIdGetDatum(database);
	call->args[0].isnull = false;
	value = pg_stat_get_db_stat_reset_time(call);
	return call->isnull ? 0 : DatumGetTimestampTz(value);
}

static void
fill(HaSampleEntry *entry, Oid database)
{
	entry->database = database;
	entry->counted_since = reset_time(database);
	entry->blocks_hit = counter(pg_stat_get_db_blocks_hit, database);
	entry->blocks_read = counter(pg_stat_get_db_blocks_fetched, database) - entry->blocks_hit;
	entry->temp_bytes = counter(pg_stat_get_db_temp_bytes, database);
	entry->temp_files = counter(pg_stat_get_db_temp_files, database);
	entry->deadlocks = counter(pg_stat_get_db_deadlocks, database);
	entry->commits = counter(pg_stat_get_db_xact_commit, database);
	entry->rollbacks = counter(pg_stat_get_db_xact_rollback, database);
}

static void
read_counters(HaSample *sample)
{
	Relation	relation;
	TableScanDesc scan;
	HeapTuple	tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	sample->taken_at = GetCurrentTimestamp();
	sample->count = 0;
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (sample->count < HA_SAMPLE_DATABASES && HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);

		if (database->datallowconn)
			fill(&sample->entry[sample->count++], database->oid);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	CommitTransactionCommand();
}

void
ha_samples_take(void)
{
	static HaSamples *samples = NULL;
	HaSample   *sample;

	/* What was there before this worker was restarted goes on. */
	if (samples == NULL)
	{
		samples = MemoryContextAllocZero(TopMemoryContext, sizeof(HaSamples));
		(void) ha_box_read(&ha_shmem->samples_box, ha_shmem->samples, samples, sizeof(*samples));
	}
	sample = &samples->sample[samples->next];
	read_counters(sample);
	samples->next = (samples->next + 1) % HA_SAMPLES_KEPT;
	samples->count = Min(samples->count + 1, HA_SAMPLES_KEPT);
	ha_box_write(&ha_shmem->samples_box, ha_shmem->samples, samples, sizeof(*samples));
}

HaSamples *
ha_samples_read(void)
{
	HaSamples  *samples = palloc0(sizeof(HaSamples));

	if (ha_shmem != NULL)
		(void) ha_box_read(&ha_shmem->samples_box, ha_shmem->samples, samples, sizeof(*samples));
	return samples;
}
