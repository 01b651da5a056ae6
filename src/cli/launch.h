/*
 * launch.h: starting a member's server, and waiting until it has taken its place.
 */
#ifndef HA_CLI_LAUNCH_H
#define HA_CLI_LAUNCH_H

#include "drive/contact.h"
#include "drive/local.h"

/* By pg_ctl, in the background, its output in `log` (NULL: server.log in the state directory). Does not wait. */
extern bool ha_launch_server(const HaLocal *local, const char *log, HaFault *fault);

/*
 * Until the cluster has a leader, and this member is it (lead) or votes and receives its WAL; or its server ends. A
 * fault tells what the server said last that was fatal.
 */
extern bool ha_launch_await(const HaLocal *local, HaContact *contact, HaId id, bool lead, HaUs limit_us,
							HaFault *fault);

/* The last FATAL or PANIC in a server's log, but not a refusal of a client; empty when there is none. Cuts the text. */
extern void ha_launch_complaint(char *text, char *complaint, size_t size);

#endif
