/*
 * commands.h: the commands of the program, one file each. argv[0] is the command's name.
 *
 * They return the program's exit code (cli/command.h).
 */
#ifndef HA_CLI_COMMANDS_H
#define HA_CLI_COMMANDS_H

extern int ha_cmd_create(int argc, char **argv);
extern int ha_cmd_join(int argc, char **argv);
extern int ha_cmd_status(int argc, char **argv);
extern int ha_cmd_leave(int argc, char **argv);
extern int ha_cmd_switchover(int argc, char **argv);
extern int ha_cmd_pause(int argc, char **argv);
extern int ha_cmd_resume(int argc, char **argv);
extern int ha_cmd_failover(int argc, char **argv);
extern int ha_cmd_rejoin(int argc, char **argv);
extern int ha_cmd_doctor(int argc, char **argv);

#endif
