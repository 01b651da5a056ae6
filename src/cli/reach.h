/*
 * reach.h: how a command finds the cluster: through the member on this machine, or through an address and the key.
 */
#ifndef HA_CLI_REACH_H
#define HA_CLI_REACH_H

#include "cli/command.h"
#include "drive/contact.h"
#include "drive/local.h"

typedef struct HaReach
{
	/* What the command line says. */
	HaLocalPlaces places;		/* data NULL = not given */
	const char *through;
	long timeout_s;

	/* What came of it. */
	bool is_local;
	HaLocal local;				/* when is_local */
	HaHard hard;				/* the same: the state of the member on this machine */
	HaContact contact;
	HaUs limit_us;
} HaReach;

#define HA_REACH_TIMEOUT_S 10

/* The options of every such command, to be put into its table; `reach` is the name of its HaReach. */
#define HA_REACH_OPTIONS(reach) \
	{"data", HA_OPTION_TEXT, &(reach).places.data, "DIR", \
	 "data directory (or a witness's state directory) of a member\non this machine; default: PGDATA", 0, 0}, \
	{"through", HA_OPTION_TEXT, &(reach).through, "HOST:PORT", \
	 "or the peer address of any member, with --key", 0, 0}, \
	{"key", HA_OPTION_TEXT, &(reach).places.key, "FILE", "the cluster's key file", 0, 0}, \
	{"config", HA_OPTION_TEXT, &(reach).places.config, "DIR", \
	 "where postgresql.conf is, when not in the data directory", 0, 0}, \
	{"programs", HA_OPTION_TEXT, &(reach).places.programs, "DIR", "where PostgreSQL's programs are", 0, 0}, \
	{"timeout", HA_OPTION_NUMBER, &(reach).timeout_s, "SECONDS", "how long to wait at the most (10)", 1, 3600}

/* Finds the local member or the address, and reads the key. False with an exit code, after telling why. */
extern bool ha_reach_open(HaReach *reach, const HaCommand *command, HaExit *code);

extern void ha_reach_close(HaReach *reach);

/* The member of this name in the register; NULL with a fault. */
extern const HaMember *ha_reach_named(const HaRegister *reg, const char *name, HaFault *fault);

/* A numeric address of the command line, told of when it is none. default_port 0: the port must be there. */
extern bool ha_reach_address(const HaCommand *command, const char *option, const char *text, uint16_t default_port,
							 char host[HA_HOST_SIZE], uint16_t *port);

#endif
