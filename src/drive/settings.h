/*
 * settings.h: a member's lines in postgresql.conf and pg_hba.conf.
 *
 * In one block each, at the end and at the top, where they count (io/conffile.h). Of a server that does not run.
 */
#ifndef HA_DRIVE_SETTINGS_H
#define HA_DRIVE_SETTINGS_H

#include "drive/local.h"

#define HA_SETTINGS_GIVEN_MAX 32

typedef struct HaSettingsWishes
{
	const char *cluster;		/* its name: becomes cluster_name; NULL = leave it */
	char sql_host[HA_HOST_SIZE];
	uint16_t sql_port;
	const char *network;		/* from where members connect: pg_hba's address field */
	int setting_count;
	const char *setting[HA_SETTINGS_GIVEN_MAX];	/* "name=value", checked */
} HaSettingsWishes;

/*
 * Settings that would keep a member from ever leading, or that the cluster must rule, but stand in
 * postgresql.auto.conf. Nothing is changed.
 */
extern bool ha_settings_check(const HaLocal *local, HaFault *fault);

/* Takes those of postgresql.auto.conf out that came with a copy of another member's directory. *count: how many. */
extern bool ha_settings_drop_copied(const HaLocal *local, int *count, HaFault *fault);

/* The block in postgresql.conf. `control`: does it need wal_log_hints? */
extern bool ha_settings_write(const HaLocal *local, const HaControl *control, const HaSettingsWishes *wishes,
							  HaFault *fault);

extern bool ha_settings_hba(const HaLocal *local, const HaSettingsWishes *wishes, HaFault *fault);

/* True when "name=value" names a setting that may be given; else one sentence in the fault. */
extern bool ha_settings_valid(const char *setting, HaFault *fault);

#endif
