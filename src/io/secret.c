/*
 * secret.c: see secret.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/secret.h"

const char HA_SECRET_FAILED[] = "the file could not be read";

void
ha_secret_wipe(char *text, size_t size)
{
	explicit_bzero(text, size);
}

/* True when everybody may put another file in its place. */
static bool
lies_open(const char *path)
{
	char directory[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');
	struct stat about;

	if (slash != NULL)
		snprintf(directory, sizeof(directory), "%.*s", (int) (slash - path) + 1, path);
	return stat(directory, &about) == 0 && (about.st_mode & S_IWOTH) != 0;
}

/* Everything that can be said without reading it. */
static const char *
check_file(int fd)
{
	struct stat about;

	if (fstat(fd, &about) != 0)
		return HA_SECRET_FAILED;
	if (!S_ISREG(about.st_mode))
		return "the file is not a regular file";
	if (about.st_uid != geteuid() && about.st_uid != 0)
		return "the file belongs to another user";
	if ((about.st_mode & 0077) != 0)
		return "the file may be read or written by others: set its mode to 0600";
	return NULL;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *
ha_secret_take_line(char *text, size_t length)
{
	size_t start = 0;

	while (length > 0 && blank(text[length - 1]))
		length--;
	while (start < length && blank(text[start]))
		start++;
	if (start == length)
		return "the file is empty";
	memmove(text, text + start, length - start);
	text[length - start] = '\0';
	if (strlen(text) != length - start || strpbrk(text, "\r\n") != NULL)
		return "the file does not hold one line of text";
	return NULL;
}

const char *
ha_secret_read(const char *path, char *text, size_t size)
{
	const char *wrong;
	ssize_t length = 0;
	int fd;

	text[0] = '\0';
	if (lies_open(path))
		return "the file lies in a directory that everybody may write to";
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return errno == ENOENT ? "the file does not exist" :
			errno == ELOOP ? "the file is a symbolic link" : HA_SECRET_FAILED;
	wrong = check_file(fd);
	if (wrong == NULL)
	{
		length = read(fd, text, size);
		if (length < 0)
			wrong = HA_SECRET_FAILED;
		else if ((size_t) length == size)
			wrong = "the file is too long";
		else
			wrong = ha_secret_take_line(text, (size_t) length);
	}
	if (wrong != NULL)
		ha_secret_wipe(text, size);
	close(fd);
	return wrong;
}
