/*
 * argv.h: a command in a setting, split into words the way a shell would, without a shell.
 *
 * Blanks divide words; 'single quotes' keep everything; "double quotes" keep everything but \" and \\; outside of
 * quotes a backslash keeps the next character. There is nothing else: no variables, no patterns, no pipes, no
 * redirection; characters that would mean such a thing to a shell are refused outside of quotes, so that nobody
 * believes that they work. The first word is the absolute path of the program.
 */
#ifndef HA_OPS_ARGV_H
#define HA_OPS_ARGV_H

#include <stdbool.h>
#include <stddef.h>

#define HA_ARGV_WORDS_MAX 32
#define HA_ARGV_BYTES_MAX 1024

typedef struct HaArgv
{
	size_t count;				/* 0 = the command is empty: there is nothing to run */
	char *word[HA_ARGV_WORDS_MAX + 1];	/* into bytes, so the struct must not be copied; ends with NULL */
	char bytes[HA_ARGV_BYTES_MAX];
} HaArgv;

/* NULL when the command could be split; else what is wrong with it, for a message: never freed, never changed. */
extern const char *ha_argv_split(const char *command, HaArgv *argv);

#endif
