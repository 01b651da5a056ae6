/*
 * guc_sender.h: the settings of the sender: where people are told of events, and what commands run at which change.
 *
 * They name files, addresses and programs: only who may edit the configuration files can set them, not ALTER SYSTEM.
 */
#ifndef HA_SERVER_GUC_SENDER_H
#define HA_SERVER_GUC_SENDER_H

#include "ops/hook.h"

extern int	ha_guc_language;		/* pg_haops.language, a HaLanguage */
extern char *ha_guc_channel_directory;	/* pg_haops.channel_directory; empty: channels in the state directory */
extern char *ha_guc_hook[HA_HOOK_COUNT];	/* pg_haops.on_promote, ...; empty: nothing to run */
extern int	ha_guc_hook_timeout_ms; /* pg_haops.hook_timeout */

/* Defines them all; called once, in _PG_init, while the library is being preloaded. */
extern void ha_guc_sender_define(void);

#endif
