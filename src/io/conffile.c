/*
 * conffile.c: see conffile.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/conffile.h"
#include "io/files.h"

#define FILE_BYTES_MAX ((size_t) 4 * 1024 * 1024)

static const char mark_begin[] = "# ---- pg_haops: written by its program; changes between these marks are lost ----";
static const char mark_end[] = "# ---- pg_haops: end ----";

/* The mark that is a whole line, perhaps the last one without its end; NULL when it is not there. */
static const char *
find_mark(const char *text, const char *mark)
{
	const char *at = text;

	while ((at = strstr(at, mark)) != NULL)
	{
		char next = at[strlen(mark)];

		if ((at == text || at[-1] == '\n') && (next == '\n' || next == '\0'))
			return at;
		at++;
	}
	return NULL;
}

/* The line after this one, or the end of the text. */
static const char *
next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line == '\n' ? line + 1 : line;
}

/* Copies `count` bytes to the end of what is there. */
static char *
append(char *to, const char *from, size_t count)
{
	memcpy(to, from, count);
	return to + count;
}

static char *
append_line(char *to, const char *line)
{
	to = append(to, line, strlen(line));
	*to++ = '\n';
	return to;
}

char *
ha_conffile_edit(const char *text, const char *lines, HaConfPlace place, bool *marks_bad)
{
	const char *begin = find_mark(text, mark_begin);
	const char *end = find_mark(text, mark_end);
	size_t before = begin != NULL ? (size_t) (begin - text) : strlen(text);
	const char *rest = end != NULL ? next_line(end) : text + before;
	char *edited;
	char *to;

	*marks_bad = (begin == NULL) != (end == NULL) || end < begin ||
		(begin != NULL && find_mark(begin + 1, mark_begin) != NULL) ||
		(end != NULL && find_mark(end + 1, mark_end) != NULL);
	edited = *marks_bad ? NULL : malloc(strlen(text) + strlen(lines) + sizeof(mark_begin) + sizeof(mark_end) + 2);
	if (edited == NULL)
		return NULL;
	to = edited;
	if (place == HA_CONF_END)
	{
		to = append(to, text, before);
		to = append(to, rest, strlen(rest));
		if (to > edited && to[-1] != '\n')
			*to++ = '\n';
	}
	if (lines[0] != '\0')
	{
		to = append_line(to, mark_begin);
		to = append(to, lines, strlen(lines));
		to = append_line(to, mark_end);
	}
	if (place == HA_CONF_TOP)
	{
		to = append(to, text, before);
		to = append(to, rest, strlen(rest));
	}
	*to = '\0';
	return edited;
}

char *
ha_conffile_block(const char *text)
{
	const char *begin = find_mark(text, mark_begin);
	const char *end = begin != NULL ? find_mark(begin, mark_end) : NULL;

	if (end == NULL)
		return strdup("");
	begin = next_line(begin);
	return strndup(begin, (size_t) (end - begin));
}

bool
ha_conffile_set_block(const char *path, const char *lines, HaConfPlace place, HaFault *fault)
{
	char *text = ha_files_read(path, FILE_BYTES_MAX, NULL);
	char *edited;
	bool marks_bad;
	bool ok;

	if (text == NULL)
		return ha_fault(fault, "name the directory of postgresql.conf with --config when it is not the data directory",
						"\"%s\" can't be read: %s", path, strerror(errno));
	edited = ha_conffile_edit(text, lines, place, &marks_bad);
	free(text);
	if (edited == NULL)
		return ha_fault(fault, "take the lines of pg_haops out of the file by hand",
						"the marks of pg_haops in \"%s\" are damaged", path);
	ok = ha_files_write(path, edited, strlen(edited), 0600);
	free(edited);
	if (!ok)
		return ha_fault(fault, NULL, "\"%s\" can't be written: %s", path, strerror(errno));
	return true;
}

bool
ha_conffile_name_valid(const char *name, size_t length)
{
	size_t dots = 0;

	for (size_t i = 0; i < length; i++)
	{
		if (name[i] == '.' && i > 0 && i + 1 < length)
			dots++;
		else if (!isalpha((unsigned char) name[i]) && name[i] != '_' && (i == 0 || !isdigit((unsigned char) name[i])))
			return false;
	}
	return length > 0 && length < 64 && dots <= 1;
}

static bool
sets_one_of(const char *line, const char *const *names)
{
	line += strspn(line, " \t");
	for (size_t i = 0; names[i] != NULL; i++)
	{
		size_t length = strlen(names[i]);

		if (strncasecmp(line, names[i], length) == 0 && (line[length] == ' ' || line[length] == '='))
			return true;
	}
	return false;
}

bool
ha_conffile_unset(const char *path, const char *const *names, int *count, HaFault *fault)
{
	char *text = ha_files_read(path, FILE_BYTES_MAX, NULL);
	char *to = text;
	bool ok = true;

	*count = 0;
	if (text == NULL && errno == ENOENT)
		return true;
	if (text == NULL)
		return ha_fault(fault, NULL, "\"%s\" can't be read: %s", path, strerror(errno));
	for (char *line = text; *line != '\0';)
	{
		size_t length = strcspn(line, "\n");

		length += line[length] == '\n' ? 1 : 0;
		if (sets_one_of(line, names))
			(*count)++;
		else
		{
			memmove(to, line, length);
			to += length;
		}
		line += length;
	}
	if (*count > 0)
		ok = ha_files_write(path, text, (size_t) (to - text), 0600);
	free(text);
	if (!ok)
		return ha_fault(fault, NULL, "\"%s\" can't be written: %s", path, strerror(errno));
	return true;
}

bool
ha_conffile_add(char *lines, size_t size, const char *name, const char *value)
{
	size_t used = strlen(lines);
	size_t need = strlen(name) + 7;

	for (const char *c = value; *c != '\0'; c++)
	{
		if (*c == '\n' || *c == '\r')
			return false;
		need += *c == '\'' || *c == '\\' ? 2 : 1;
	}
	if (used + need >= size)
		return false;
	used += (size_t) snprintf(lines + used, size - used, "%s = '", name);
	for (const char *c = value; *c != '\0'; c++)
	{
		if (*c == '\'' || *c == '\\')
			lines[used++] = *c;
		lines[used++] = *c;
	}
	snprintf(lines + used, size - used, "'\n");
	return true;
}
