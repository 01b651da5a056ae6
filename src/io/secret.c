/*
 * secret.c: see secret.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/private.h"
#include "io/secret.h"

const char HA_SECRET_FAILED[] = "the file could not be read";

void
ha_secret_wipe(char *text, size_t size)
{
	explicit_bzero(text, size);
}

static const char *const wrongs[HA_PRIVATE_COUNT] = {
	[HA_PRIVATE_MISSING] = "the file does not exist",
	[HA_PRIVATE_LINK] = "the file is a symbolic link",
	[HA_PRIVATE_NOT_A_FILE] = "the file is not a regular file",
	[HA_PRIVATE_OWNER] = "the file belongs to another user",
	[HA_PRIVATE_RIGHTS] = "the file may be read or written by others: set its mode to 0600",
	[HA_PRIVATE_DIRECTORY] = "the file lies in a directory that everybody may write to",
	[HA_PRIVATE_FAILED] = HA_SECRET_FAILED,
};

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
ha_secret_read_bytes(const char *path, char *bytes, size_t size, size_t *length)
{
	const char *wrong = NULL;
	ssize_t got;
	int saved;
	int fd;
	HaPrivate found = ha_private_open(path, &fd);

	bytes[0] = '\0';
	*length = 0;
	if (found != HA_PRIVATE_OK)
		return wrongs[found];
	got = read(fd, bytes, size);
	if (got < 0)
		wrong = HA_SECRET_FAILED;
	else if ((size_t) got == size)
		wrong = "the file is too long";
	else
		*length = (size_t) got;
	saved = errno;
	if (wrong != NULL)
		ha_secret_wipe(bytes, size);
	close(fd);
	errno = saved;
	return wrong;
}

const char *
ha_secret_read(const char *path, char *text, size_t size)
{
	size_t length;
	const char *wrong = ha_secret_read_bytes(path, text, size, &length);

	if (wrong == NULL)
	{
		wrong = ha_secret_take_line(text, length);
		if (wrong != NULL)
			ha_secret_wipe(text, size);
	}
	return wrong;
}
