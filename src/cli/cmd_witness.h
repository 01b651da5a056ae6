/*
 * cmd_witness.h: `pg_haops witness`: a member that votes and keeps the register, and has no data.
 */
#ifndef HA_CLI_CMD_WITNESS_H
#define HA_CLI_CMD_WITNESS_H

/* Runs until SIGTERM or SIGINT. Returns the program's exit code. */
extern int ha_cmd_witness(int argc, char **argv);

#endif
