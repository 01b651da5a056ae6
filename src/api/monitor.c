/*
 * monitor.c: what SQL sees of the monitor's duties.
 *
 * Read from shared memory; empty where the library is not preloaded, and before the first sample.
 */
#include "server/compat.h"

#include "api/row.h"
#include "commands/dbcommands.h"
#include "funcapi.h"
#include "server/monitor.h"
#include "server/shmem.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(ha_api_monitor);

Datum
ha_api_monitor(PG_FUNCTION_ARGS)
{
	static const char *const outcome[] = {"done", "failed", "no extension"};
	HaDutyRuns *runs = palloc(sizeof(HaDutyRuns));

	InitMaterializedSRF(fcinfo, 0);
	if (ha_shmem == NULL || !ha_box_read(&ha_shmem->duties_box, ha_shmem->duties, runs, sizeof(*runs)))
		return (Datum) 0;
	for (uint32 i = 0; i < runs->count; i++)
	{
		const HaDutyRun *run = &runs->run[i];
		char	   *database = get_database_name(run->database);
		HaRow		row = {0};

		if (database == NULL)
			continue;
		ha_row_add_text(&row, database);
		ha_row_add_text(&row, ha_duty_name[run->duty]);
		ha_row_add_text(&row, outcome[run->outcome]);
		ha_row_add(&row, TimestampTzGetDatum(run->began));
		ha_row_add_interval(&row, (int64) run->took_ms * 1000);
		ha_row_add_text(&row, run->text);
		ha_row_put(fcinfo, &row);
	}
	return (Datum) 0;
}
