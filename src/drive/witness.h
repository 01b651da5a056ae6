/*
 * witness.h: a member without data: it votes, keeps the register, and needs no PostgreSQL.
 *
 * Its state directory holds `state` and `key`, as a data member's does. Joining asks the leader to be added under an
 * incarnation that is written down first (`joining`), so that a join that was cut short can be repeated.
 */
#ifndef HA_DRIVE_WITNESS_H
#define HA_DRIVE_WITNESS_H

#include "core/register.h"
#include "io/fault.h"
#include "wire/event.h"

typedef struct HaWitnessPlan
{
	const char *state;			/* its directory; made when it is missing */
	const char *key;			/* the cluster's key file; copied into the state directory */
	char name[HA_NAME_SIZE];
	char peer_host[HA_HOST_SIZE];	/* numeric: where the others reach it */
	uint16_t peer_port;
	char through_host[HA_HOST_SIZE];	/* numeric peer address of any member */
	uint16_t through_port;
} HaWitnessPlan;

/* True when the directory holds a state file, whatever its condition: then it has joined. */
extern bool ha_witness_has_joined(const char *state);

/* Asks the cluster to add this witness and writes its state. Waits limit_us at the most. */
extern bool ha_witness_join(const HaWitnessPlan *plan, HaUs limit_us, HaFault *fault);

/*
 * Takes part until SIGTERM or SIGINT. listen_host empty: at its address in the register. False with a fault when it
 * could not begin. `log` gets one line at a time, without its end; a state that can't be saved is logged and ends the
 * process with code 1 (R4).
 */
extern bool ha_witness_run(const char *state, const char *listen_host, uint16_t listen_port,
						   void (*log)(HaSeverity severity, const char *text), HaFault *fault);

#endif
