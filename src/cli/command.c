/*
 * command.c: see command.h.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "io/clock.h"

#define OPTIONS_MAX 40
#define HELP_CODE 1000
#define HELP_COLUMN 28
#define TEXT_SIZE 2048

/* ---- Help ---- */

static void
show_option(const char *name, const char *argument, const char *help)
{
	char left[64];
	const char *line = help;

	snprintf(left, sizeof(left), "  --%s%s%s", name, argument != NULL ? " " : "", argument != NULL ? argument : "");
	printf("%-*s", HELP_COLUMN, left);
	if (strlen(left) >= HELP_COLUMN)
		printf("\n%*s", HELP_COLUMN, "");
	for (;;)
	{
		size_t length = strcspn(line, "\n");

		printf("%.*s\n", (int) length, line);
		if (line[length] == '\0')
			break;
		line += length + 1;
		printf("%*s", HELP_COLUMN, "");
	}
}

static void
show_help(const HaCommand *command)
{
	printf("Usage: pg_haops %s %s\n\n%s\n\nOptions:\n", command->name, command->synopsis, command->help);
	for (const HaOption *option = command->options; option->name != NULL; option++)
		show_option(option->name, option->argument, option->help);
	show_option("help", NULL, "show this");
	printf("\nExit codes: 0 done, 1 failed, 2 wrong command line, 3 the cluster is not as it should be.\n");
}

/* ---- Reading ---- */

static bool
read_number(const HaCommand *command, const HaOption *option, const char *text)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0 || number < option->min || number > option->max)
	{
		ha_command_misuse(command, "--%s: \"%.40s\" is not a number from %ld to %ld", option->name, text, option->min,
						  option->max);
		return false;
	}
	*(long *) option->value = number;
	return true;
}

static bool
take_option(const HaCommand *command, const HaOption *option, const char *text)
{
	HaOptionList *list = option->value;

	switch (option->kind)
	{
		case HA_OPTION_FLAG:
			*(bool *) option->value = true;
			return true;
		case HA_OPTION_NUMBER:
			return read_number(command, option, text);
		case HA_OPTION_LIST:
			if (list->count == HA_OPTION_LIST_MAX)
			{
				ha_command_misuse(command, "--%s was given more than %d times", option->name, HA_OPTION_LIST_MAX);
				return false;
			}
			list->item[list->count++] = text;
			return true;
		default:
			if (*(const char **) option->value != NULL)
			{
				ha_command_misuse(command, "--%s was given twice", option->name);
				return false;
			}
			*(const char **) option->value = text;
			return true;
	}
}

bool
ha_command_read(const HaCommand *command, int argc, char **argv, int *operand, HaExit *code)
{
	struct option known[OPTIONS_MAX + 2] = {{"help", no_argument, NULL, HELP_CODE}};
	int found;

	for (int i = 0; command->options[i].name != NULL && i < OPTIONS_MAX; i++)
	{
		known[i + 1] = (struct option){command->options[i].name,
			command->options[i].argument != NULL ? required_argument : no_argument, NULL, i};
	}
	optind = 1;
	opterr = 0;
	*code = HA_EXIT_USAGE;
	while ((found = getopt_long(argc, argv, "+", known, NULL)) != -1)
	{
		if (found == HELP_CODE)
		{
			show_help(command);
			*code = HA_EXIT_OK;
			return false;
		}
		if (found == '?' || found == ':')
		{
			ha_command_misuse(command, "\"%.60s\" is not understood", argv[optind > 1 ? optind - 1 : 1]);
			return false;
		}
		if (!take_option(command, &command->options[found], optarg))
			return false;
	}
	*operand = optind;
	if (optind < argc && !(command->operands && strcmp(argv[optind - 1], "--") == 0))
	{
		ha_command_misuse(command, "\"%.60s\" is not understood", argv[optind]);
		return false;
	}
	return true;
}

/* ---- Speaking ---- */

/* One line on standard error; control characters of what was given do not get through. */
static void
put_line(const char *head, const char *kind, const char *text)
{
	fflush(stdout);
	fprintf(stderr, "pg_haops%s%s: %s", head[0] != '\0' ? " " : "", head, kind);
	for (const char *c = text; *c != '\0'; c++)
		fputc((unsigned char) *c < ' ' || *c == 0x7f ? '?' : *c, stderr);
	fputc('\n', stderr);
}

HaExit
ha_command_fail(const HaCommand *command, const HaFault *fault)
{
	put_line(command->name, "error: ", fault->text);
	if (fault->hint[0] != '\0')
		put_line(command->name, "hint: ", fault->hint);
	return HA_EXIT_FAILED;
}

HaExit
ha_command_misuse(const HaCommand *command, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_line(command->name, "error: ", text);
	snprintf(text, sizeof(text), "pg_haops %s --help shows what it takes", command->name);
	put_line(command->name, "hint: ", text);
	return HA_EXIT_USAGE;
}

void
ha_command_warn(const HaFault *fault)
{
	put_line("", "warning: ", fault->text);
	if (fault->hint[0] != '\0')
		put_line("", "hint: ", fault->hint);
}

void
ha_command_say(const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_line("", "", text);
}

static void
say_line(void *self, const char *text)
{
	(void) self;
	ha_command_say("%s", text);
}

HaTeller
ha_command_teller(void)
{
	return (HaTeller){say_line, NULL};
}

void
ha_command_stamp(char stamp[HA_COMMAND_STAMP_SIZE])
{
	int64_t wall_us = ha_clock_wall_us();
	time_t seconds = (time_t) (wall_us / 1000000);
	char when[32] = "";
	struct tm parts;

	if (gmtime_r(&seconds, &parts) != NULL)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &parts);
	snprintf(stamp, HA_COMMAND_STAMP_SIZE, "%s.%03d UTC [%d]", when, (int) (wall_us / 1000 % 1000), (int) getpid());
}
