/*
 * setup.h: what makes a data directory a member's, besides its settings: the role for replication, the state's files.
 *
 * All of it on a server that does not run, and with a way back: ha_setup_begin() remembers, ha_setup_undo() restores,
 * ha_setup_keep() lets it stand. The way back includes the settings (drive/settings.h).
 */
#ifndef HA_DRIVE_SETUP_H
#define HA_DRIVE_SETUP_H

#include "drive/local.h"

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

/* Makes the role in single-user mode; needs the database `postgres`. */
extern bool ha_setup_role(const HaLocal *local, const HaKey *key, HaFault *fault);

/* State directory with the key (a copy, unless the key file already lies there), passfile and an empty server.conf. */
extern bool ha_setup_secrets(const HaLocal *local, const HaKey *key, HaFault *fault);

/* The state file of a member with this hard state; it must not exist. */
extern bool ha_setup_state(const HaLocal *local, const HaHard *hard, HaFault *fault);

#endif
