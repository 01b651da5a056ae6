/*
 * setup.h: what makes a data directory a member's: settings, pg_hba, the role for replication, the files of the state.
 *
 * All of it on a server that does not run, and with a way back: ha_setup_begin() remembers, ha_setup_undo() restores,
 * ha_setup_keep() lets it stand.
 */
#ifndef HA_DRIVE_SETUP_H
#define HA_DRIVE_SETUP_H

#include "drive/local.h"

#define HA_SETUP_SETTINGS_MAX 32

typedef struct HaSetupWishes
{
	const char *cluster;		/* its name: becomes cluster_name; NULL = leave it */
	char sql_host[HA_HOST_SIZE];
	uint16_t sql_port;
	const char *network;		/* from where members connect: pg_hba's address field */
	int setting_count;
	const char *setting[HA_SETUP_SETTINGS_MAX];	/* "name=value", checked */
} HaSetupWishes;

typedef struct HaSetup
{
	const HaLocal *local;
	char *conf;					/* the files as they were; NULL = not there */
	char *hba;
	char *auto_conf;
	bool had_folder;			/* the member's folder was there before */
} HaSetup;

extern bool ha_setup_begin(HaSetup *setup, const HaLocal *local, HaFault *fault);
extern void ha_setup_undo(HaSetup *setup);
extern void ha_setup_keep(HaSetup *setup);

/*
 * Settings that would keep a member from ever leading, or that the cluster must rule, but stand in
 * postgresql.auto.conf. Nothing is changed.
 */
extern bool ha_setup_check(const HaLocal *local, HaFault *fault);

/* Takes those of postgresql.auto.conf out that came with a copy of another member's directory. *count: how many. */
extern bool ha_setup_drop_copied(const HaLocal *local, int *count, HaFault *fault);

/* The block in postgresql.conf. `control`: does it need wal_log_hints? */
extern bool ha_setup_settings(const HaLocal *local, const HaControl *control, const HaSetupWishes *wishes,
							  HaFault *fault);

extern bool ha_setup_hba(const HaLocal *local, const HaSetupWishes *wishes, HaFault *fault);

/* Makes the role in single-user mode; needs the database `postgres`. */
extern bool ha_setup_role(const HaLocal *local, const HaKey *key, HaFault *fault);

/* State directory with the key (a copy, unless the key file already lies there), passfile and an empty server.conf. */
extern bool ha_setup_secrets(const HaLocal *local, const HaKey *key, HaFault *fault);

/* The state file of a member with this hard state; it must not exist. */
extern bool ha_setup_state(const HaLocal *local, const HaHard *hard, HaFault *fault);

/* True when "name=value" names a setting that may be given; else one sentence in the fault. */
extern bool ha_setup_setting_valid(const char *setting, HaFault *fault);

#endif
