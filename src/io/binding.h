/*
 * binding.h: what ties a state file to the place where it was made (R2), so that a copy of it is inert.
 *
 * The binding is a SHA-256 over the machine id, the real path of the state directory, and the state file's
 * inode number and time of birth. cp, tar, rsync, pg_basebackup and a restored backup make another inode, or
 * put it on another machine or path; restart, reboot and an in-place upgrade change none of these. Moving the
 * directory does: then the member must be adopted.
 *
 * What this cannot see is the same bytes coming back under the same inode: a restored disk image or snapshot,
 * or an old state written over the file itself. The peers see that (R6).
 */
#ifndef HA_IO_BINDING_H
#define HA_IO_BINDING_H

#include "wire/record.h"

/* The real path of the directory, the open state file in it, and the file that holds the machine id. */
typedef struct HaPlace
{
	const char *real_directory;
	int fd;
	const char *machine_id_file;
} HaPlace;

#define HA_MACHINE_ID_FILE "/etc/machine-id"

/*
 * The binding that a state file made at this place gets. A machine without an id (missing, empty or not 32
 * hex digits, as in some containers) counts as one with an empty id. Returns 0, or -1 with errno.
 */
extern int ha_binding_make(const HaPlace *place, HaBinding *binding);

/*
 * Was this binding made at this place? Returns 1 or 0, or -1 with errno. A binding made where the file system
 * told no time of birth goes on to match when a newer kernel tells one.
 */
extern int ha_binding_matches(const HaPlace *place, const HaBinding *binding);

#endif
