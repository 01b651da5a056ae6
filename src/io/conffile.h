/*
 * conffile.h: a block of lines of ours in a configuration file of PostgreSQL's.
 *
 * The block stands between two marks, at the top or at the end of the file, where it counts whatever else the file
 * says; it is replaced as a whole, and not a byte outside of it is changed. Every change is one rename: a crash leaves
 * the old file or the new one.
 */
#ifndef HA_IO_CONFFILE_H
#define HA_IO_CONFFILE_H

#include "io/fault.h"

#include <stddef.h>

typedef enum HaConfPlace
{
	HA_CONF_TOP,				/* of the file: pg_hba.conf, where the first match counts */
	HA_CONF_END					/* postgresql.conf, where the last one counts */
} HaConfPlace;

/*
 * The file's text with its block taken out and a block of `lines` at that place (empty `lines`: none). NULL when there
 * is no memory, or the marks are not one pair in order (then *marks_bad is set). To be freed. Pure.
 */
extern char *ha_conffile_edit(const char *text, const char *lines, HaConfPlace place, bool *marks_bad);

/* The lines of its block, empty when it has none. NULL when there is no memory. To be freed. Pure. */
extern char *ha_conffile_block(const char *text);

/* Does that to a file. `lines` ends with a line end. */
extern bool ha_conffile_set_block(const char *path, const char *lines, HaConfPlace place, HaFault *fault);

/*
 * Takes the lines that set one of the names out of postgresql.auto.conf (of a server that does not run), and says how
 * many were. A missing file is fine. `names` ends with NULL.
 */
extern bool ha_conffile_unset(const char *path, const char *const *names, int *count, HaFault *fault);

/* Adds `name = 'value'` to lines[size], with quotes doubled; false when it does not fit or holds a line end. */
extern bool ha_conffile_add(char *lines, size_t size, const char *name, const char *value);

/* True for a name that a setting may have: letters, digits, _ and one dot. */
extern bool ha_conffile_name_valid(const char *name, size_t length);

#endif
