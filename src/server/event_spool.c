/*
 * event_spool.c: see event_spool.h.
 */
#include "server/compat.h"

#include "server/event_spool.h"

#include "io/clock.h"
#include "io/spool.h"
#include "server/guc.h"
#include "server/shmem.h"

#define PAUSE_US (1000 * HA_US_PER_MS)
#define REST_MS 60000

static uint64 kept_version = 0;	/* of the events that the file holds */
static HaUs kept_us = 0;
static bool told = false;

static void
tell(const HaFault *fault)
{
	if (!told)
		ereport(WARNING, (errmsg("pg_haops: %s", fault->text), errhint("%s", fault->hint)));
	told = true;
}

void
ha_event_spool_restore(void)
{
	char		path[MAXPGPATH];
	HaFault		fault = {0};
	int			count;

	if (pg_atomic_read_u32(&ha_shmem->restored_state) != HA_RESTORED_NOT_YET)
		return;
	ha_guc_state_path("events", path);
	count = ha_spool_read(path, ha_shmem->restored.record, &fault);
	if (count < 0)
		tell(&fault);
	ha_shmem->restored.count = Max(count, 0);
	pg_write_barrier();
	pg_atomic_write_u32(&ha_shmem->restored_state, HA_RESTORED_READY);
	ha_shmem_wake(&ha_shmem->ha_proc);
}

int
ha_event_spool_keep(void)
{
	static HaEventList list;
	char		path[MAXPGPATH];
	uint64		version = pg_atomic_read_u64(&ha_shmem->events_box.version);
	HaUs		now_us = ha_clock_now().mono_us;
	HaFault		fault = {0};

	if (pg_atomic_read_u32(&ha_shmem->restored_state) != HA_RESTORED_TAKEN || version == kept_version)
		return REST_MS;
	if (kept_us != 0 && now_us - kept_us < PAUSE_US)
		return (int) ((kept_us + PAUSE_US - now_us) / HA_US_PER_MS) + 1;
	if (!ha_shmem_events(&list))
		return REST_MS;
	kept_us = now_us;
	ha_guc_state_path("events", path);
	if (ha_spool_write(path, list.record, list.count, &fault))
	{
		kept_version = version;
		told = false;
		return REST_MS;
	}
	tell(&fault);
	return (int) (PAUSE_US / HA_US_PER_MS);
}
