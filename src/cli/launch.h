/*
 * launch.h: starting a member's server, and waiting until it has taken its place.
 */
#ifndef HA_CLI_LAUNCH_H
#define HA_CLI_LAUNCH_H

#include "drive/contact.h"
#include "drive/local.h"

/* By pg_ctl, in the background, its output in `log` (NULL: server.log in the state directory). Does not wait. */
extern bool ha_launch_server(const HaLocal *local, const char *log, HaFault *fault);

/* The file that output goes to when `log` is NULL. */
extern void ha_launch_log(const HaLocal *local, char path[PATH_MAX]);

/* Until the cluster has a leader, and this member is it (lead) or votes and receives its WAL. */
extern bool ha_launch_await(HaContact *contact, HaId id, bool lead, HaUs limit_us, HaFault *fault);

#endif
