/*
 * private.h: a file whose content only we may know: is it one?
 *
 * It must be a regular file (no symbolic link), owned by us or by root, without rights for group and others, in a
 * directory that not everybody may write to.
 */
#ifndef HA_IO_PRIVATE_H
#define HA_IO_PRIVATE_H

typedef enum HaPrivate
{
	HA_PRIVATE_OK,
	HA_PRIVATE_MISSING,
	HA_PRIVATE_LINK,
	HA_PRIVATE_NOT_A_FILE,
	HA_PRIVATE_OWNER,
	HA_PRIVATE_RIGHTS,
	HA_PRIVATE_DIRECTORY,		/* everybody may put another file in its place */
	HA_PRIVATE_FAILED,			/* errno */
	HA_PRIVATE_COUNT
} HaPrivate;

/* Opens the file to be read, after all checks that need no reading. *fd is to be closed; -1 unless OK. */
extern HaPrivate ha_private_open(const char *path, int *fd);

/* Opens and checks the directory alone; *name is the file's name in it. *fd is to be closed; -1 unless OK. */
extern HaPrivate ha_private_open_directory(const char *path, int *fd, const char **name);

#endif
