/*
 * preflight.h: what happens in the postmaster before recovery starts and after everything has ended.
 *
 * Before: is this data directory a member's? Then it boots as a standby, whatever it was (R36), and follows nobody
 * until the ha worker says so. An unfinished rewind (the marker), or a rejoin that was left for this start (the wish),
 * is carried out first: the postmaster becomes the pg_haops program in the same process, and that becomes postgres
 * again.
 *
 * After: a server that was stopped in order to rejoin (control.h) becomes the program in the same way, or, under
 * systemd with Type=notify, leaves the wish and ends with a failure status, so that Restart=on-failure starts it again.
 */
#ifndef HA_SERVER_PREFLIGHT_H
#define HA_SERVER_PREFLIGHT_H

#include "postgres.h"

/* This data directory belongs to a cluster: it has a folder pg_haops. Known from _PG_init on, in every process. */
extern bool ha_preflight_member;

/* First of all in _PG_init, in the postmaster only. May not return. */
extern void ha_preflight_install(void);

/*
 * From the set-up of shared memory, at each start and each restart of the backends: writes standby.signal and a
 * server.conf without an upstream. Raises FATAL when it can't: a member never boots as a primary.
 */
extern void ha_preflight_before_recovery(void);

#endif
