/*
 * command.h: what the commands of the program share: exit codes, options from a table, ways to speak.
 *
 * Results go to standard output; errors, hints and progress to standard error, each on a line of its own. An error is
 * one sentence, its hint another.
 */
#ifndef HA_CLI_COMMAND_H
#define HA_CLI_COMMAND_H

#include <stdbool.h>

#include "drive/clone.h"
#include "io/fault.h"

/* Exit codes of every command. */
typedef enum HaExit
{
	HA_EXIT_OK = 0,
	HA_EXIT_FAILED = 1,			/* it was tried, or refused, and nothing was changed unless the message says so */
	HA_EXIT_USAGE = 2,			/* the command line is wrong; nothing was tried */
	HA_EXIT_UNHEALTHY = 3		/* status, doctor: they worked, and the cluster is not as it should be */
} HaExit;

/* ---- Options ---- */

typedef enum HaOptionKind
{
	HA_OPTION_FLAG,				/* bool */
	HA_OPTION_TEXT,				/* const char *, NULL = not given */
	HA_OPTION_NUMBER,			/* long; the default stands there before */
	HA_OPTION_LIST				/* HaOptionList; may be given again */
} HaOptionKind;

#define HA_OPTION_LIST_MAX 16

typedef struct HaOptionList
{
	int count;
	const char *item[HA_OPTION_LIST_MAX];
} HaOptionList;

typedef struct HaOption
{
	const char *name;			/* without the dashes; NULL ends the table */
	HaOptionKind kind;
	void *value;
	const char *argument;		/* what stands for its value in the help; NULL for a flag */
	const char *help;			/* a clause; \n begins another line */
	long min;					/* of a number */
	long max;
} HaOption;

typedef struct HaCommand
{
	const char *name;
	const char *synopsis;		/* what may follow the name, for the help */
	const char *help;			/* one or more sentences */
	const HaOption *options;
	bool operands;				/* words that are no options may follow "--" */
} HaCommand;

/*
 * Reads argv[1...]. Returns false when there is nothing more to do: *code is the exit code then (--help, or an error
 * that was told). *operand: index of the first word after the options.
 */
extern bool ha_command_read(const HaCommand *command, int argc, char **argv, int *operand, HaExit *code);

/* ---- Speaking ---- */

/* "pg_haops NAME: error: ..." and the hint; returns HA_EXIT_FAILED. */
extern HaExit ha_command_fail(const HaCommand *command, const HaFault *fault);

/* The same for a wrong command line; returns HA_EXIT_USAGE. */
extern HaExit ha_command_misuse(const HaCommand *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A warning, or a line about what goes on. */
extern void ha_command_warn(const HaFault *fault);
extern void ha_command_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ha_command_say() for those who tell how far they are. */
extern HaTeller ha_command_teller(void);

/* "2026-11-22 16:22:51.130 UTC [31709]": how the lines of a log begin. */
#define HA_COMMAND_STAMP_SIZE 64
extern void ha_command_stamp(char stamp[HA_COMMAND_STAMP_SIZE]);

#endif
