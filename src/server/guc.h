/*
 * guc.h: the settings of pg_haops.
 *
 * Settings that shape a running process are PGC_SIGHUP or PGC_POSTMASTER; no SET of a session changes what the fence
 * does (S38). What names a file, an address or a program can't be set by ALTER SYSTEM.
 */
#ifndef HA_SERVER_GUC_H
#define HA_SERVER_GUC_H

#include "core/node.h"

extern int ha_guc_promise_ms;		/* pg_haops.promise */
extern int ha_guc_beat_ms;			/* pg_haops.beat */
extern int ha_guc_fence_wait_ms;	/* pg_haops.fence_wait */
extern int ha_guc_stall_limit_ms;	/* pg_haops.stall_limit */
extern int ha_guc_async_lag_limit_kb;	/* pg_haops.async_lag_limit; 0 = no limit */
extern char *ha_guc_state_directory;	/* pg_haops.state_directory; empty: the default, see ha_guc_state_path() */
extern char *ha_guc_key_file;		/* pg_haops.key_file; empty: `key` in the state directory */
extern char *ha_guc_listen_address;	/* pg_haops.listen_address: host:port; empty: the member's own peer address */
extern char *ha_guc_replication_options;	/* pg_haops.replication_options: added to primary_conninfo */
extern char *ha_guc_archive_command;	/* pg_haops.archive_command, see archive.h */
extern int ha_guc_orders_number;	/* pg_haops.orders_number: of the server.conf that this process has read */

/* Defines them all; called once, in _PG_init, while the library is being preloaded. Raises an error for bad values. */
extern void ha_guc_define(void);

/* Promise and beat; false when they don't go together (at least three beats to a promise). */
extern bool ha_guc_times(HaTimes *times);

/* Absolute path of a file in the state directory, into path[MAXPGPATH]; name = NULL: the directory itself. */
extern void ha_guc_state_path(const char *name, char *path);

/* The same of the key file. */
extern void ha_guc_key_path(char *path);

/* Splits pg_haops.listen_address; host empty and port 0 when it is not set. The check hook has looked at it. */
extern void ha_guc_listen(char host[HA_HOST_SIZE], uint16_t *port);

#endif
