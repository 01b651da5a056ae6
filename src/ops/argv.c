/*
 * argv.c: see argv.h.
 */
#include <string.h>

#include "ops/argv.h"

typedef struct Splitter
{
	const char *from;
	HaArgv *argv;
	size_t used;				/* of argv->bytes */
	const char *error;
} Splitter;

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static void
put(Splitter *splitter, char c)
{
	if (splitter->used >= sizeof(splitter->argv->bytes))
		splitter->error = "It is too long.";
	else
		splitter->argv->bytes[splitter->used++] = c;
}

/* Reads the quoted part that begins at `from`, up to its closing quote. */
static void
split_quoted(Splitter *splitter)
{
	char quote = *splitter->from++;

	while (splitter->error == NULL && *splitter->from != quote)
	{
		if (*splitter->from == '\0')
		{
			splitter->error = "A quote is not closed.";
			return;
		}
		if (quote == '"' && *splitter->from == '\\' && (splitter->from[1] == '"' || splitter->from[1] == '\\'))
			splitter->from++;
		put(splitter, *splitter->from++);
	}
	splitter->from++;
}

/* Reads one word, up to the blank or the end after it. */
static void
split_word(Splitter *splitter)
{
	HaArgv *argv = splitter->argv;

	if (argv->count == HA_ARGV_WORDS_MAX)
	{
		splitter->error = "It has too many words.";
		return;
	}
	argv->word[argv->count++] = argv->bytes + splitter->used;
	while (splitter->error == NULL && *splitter->from != '\0' && !blank(*splitter->from))
	{
		char c = *splitter->from;

		if (c == '\'' || c == '"')
			split_quoted(splitter);
		else if (strchr("|&;<>()$`*?[]{}!#~", c) != NULL)
			splitter->error = "No shell runs it: put characters that mean something to a shell into quotes.";
		else if (c == '\\' && splitter->from[1] == '\0')
			splitter->error = "It ends with a backslash.";
		else
		{
			splitter->from += c == '\\';
			put(splitter, *splitter->from++);
		}
	}
	put(splitter, '\0');
}

const char *
ha_argv_split(const char *command, HaArgv *argv)
{
	Splitter splitter = {command, argv, 0, NULL};

	argv->count = 0;
	while (splitter.error == NULL)
	{
		while (blank(*splitter.from))
			splitter.from++;
		if (*splitter.from == '\0')
			break;
		split_word(&splitter);
	}
	argv->word[argv->count] = NULL;
	if (splitter.error == NULL && argv->count > 0 && argv->word[0][0] != '/')
		splitter.error = "Its first word is not the absolute path of a program.";
	if (splitter.error != NULL)
	{
		argv->count = 0;
		argv->word[0] = NULL;
	}
	return splitter.error;
}
