/*
 * key.c: see key.h.
 */
#include "io/key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "io/private.h"

enum
{
	DIGITS = 2 * HA_KEY_SIZE
};

static const struct
{
	const char *text;
	const char *hint;
} errors[HA_KEY_ERROR_COUNT] = {
	[HA_KEY_OK] = {"the key file is in order", NULL},
	[HA_KEY_MISSING] = {"the key file does not exist", "copy it from another member of the cluster"},
	[HA_KEY_EXISTS] = {"the key file exists already",
		"a key is never replaced: the other members would not be understood any more"},
	[HA_KEY_LINK] = {"the key file is a symbolic link", "name the file itself"},
	[HA_KEY_NOT_A_FILE] = {"the key file is not a regular file", NULL},
	[HA_KEY_OWNER] = {"the key file belongs to another user", "make the user who runs the server its owner"},
	[HA_KEY_RIGHTS] = {"the key file may be read or written by others", "set its mode to 0600"},
	[HA_KEY_DIRECTORY] = {"the key file lies in a directory that everybody may write to",
		"move it into a directory of the server's user"},
	[HA_KEY_LENGTH] = {"the key file does not hold one line of 64 characters",
		"copy it again from another member of the cluster"},
	[HA_KEY_DIGITS] = {"the key file holds something else than hex digits",
		"copy it again from another member of the cluster"},
	[HA_KEY_FAILED] = {"the key file could not be read or written", NULL},
};

const char *
ha_key_text(HaKeyError error)
{
	assert(error < HA_KEY_ERROR_COUNT);
	return errors[error].text;
}

const char *
ha_key_hint(HaKeyError error)
{
	assert(error < HA_KEY_ERROR_COUNT);
	return errors[error].hint;
}

void
ha_key_wipe(HaKey *key)
{
	explicit_bzero(key, sizeof(*key));
}

/* Keeps errno. */
static void
close_all(int directory, int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	close(directory);
	errno = saved;
}

static HaKeyError
error_of(HaPrivate found)
{
	static const HaKeyError meaning[HA_PRIVATE_COUNT] = {
		[HA_PRIVATE_OK] = HA_KEY_OK,
		[HA_PRIVATE_MISSING] = HA_KEY_MISSING,
		[HA_PRIVATE_LINK] = HA_KEY_LINK,
		[HA_PRIVATE_NOT_A_FILE] = HA_KEY_NOT_A_FILE,
		[HA_PRIVATE_OWNER] = HA_KEY_OWNER,
		[HA_PRIVATE_RIGHTS] = HA_KEY_RIGHTS,
		[HA_PRIVATE_DIRECTORY] = HA_KEY_DIRECTORY,
		[HA_PRIVATE_FAILED] = HA_KEY_FAILED,
	};

	return meaning[found];
}

static int
digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

HaKeyError
ha_key_parse(const char *line, size_t length, HaKey *key)
{
	if (length != DIGITS && !(length == DIGITS + 1 && line[DIGITS] == '\n'))
	{
		ha_key_wipe(key);
		return HA_KEY_LENGTH;
	}
	for (int i = 0; i < HA_KEY_SIZE; i++)
	{
		int high = digit_value(line[2 * i]);
		int low = digit_value(line[2 * i + 1]);

		if (high < 0 || low < 0)
		{
			ha_key_wipe(key);
			return HA_KEY_DIGITS;
		}
		key->byte[i] = (uint8_t) (high << 4 | low);
	}
	return HA_KEY_OK;
}

static HaKeyError
read_digits(int fd, HaKey *key)
{
	char line[DIGITS + 2];
	ssize_t length = read(fd, line, sizeof(line));
	HaKeyError error = length < 0 ? HA_KEY_FAILED : ha_key_parse(line, (size_t) length, key);

	explicit_bzero(line, sizeof(line));
	return error;
}

HaKeyError
ha_key_read(const char *path, HaKey *key)
{
	int fd;
	HaKeyError error = error_of(ha_private_open(path, &fd));
	int saved;

	ha_key_wipe(key);
	if (error != HA_KEY_OK)
		return error;
	error = read_digits(fd, key);
	if (error != HA_KEY_OK)
		ha_key_wipe(key);
	saved = errno;
	close(fd);
	errno = saved;
	return error;
}

/* Writes the line and makes it durable; `fd` is the new, empty file. */
static bool
write_digits(int directory, int fd, const HaKey *key)
{
	static const char digits[] = "0123456789abcdef";
	char line[DIGITS + 1];
	ssize_t put;

	for (int i = 0; i < HA_KEY_SIZE; i++)
	{
		line[2 * i] = digits[key->byte[i] >> 4];
		line[2 * i + 1] = digits[key->byte[i] & 0xF];
	}
	line[DIGITS] = '\n';
	put = write(fd, line, sizeof(line));
	explicit_bzero(line, sizeof(line));
	if (put >= 0 && put != sizeof(line))
		errno = ENOSPC;
	return put == sizeof(line) && fsync(fd) == 0 && fsync(directory) == 0;
}

HaKeyError
ha_key_create(const char *path, HaKey *key)
{
	const char *name;
	int directory;
	int fd;
	HaKeyError error;

	ha_key_wipe(key);
	error = error_of(ha_private_open_directory(path, &directory, &name));
	if (error != HA_KEY_OK)
		return error;
	fd = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		error = errno == EEXIST ? HA_KEY_EXISTS : HA_KEY_FAILED;
	else if (getrandom(key->byte, sizeof(key->byte), 0) != (ssize_t) sizeof(key->byte) ||
			 !write_digits(directory, fd, key))
		error = HA_KEY_FAILED;
	if (error != HA_KEY_OK)
	{
		int saved = errno;

		ha_key_wipe(key);
		if (fd >= 0)
			(void) unlinkat(directory, name, 0);
		errno = saved;
	}
	close_all(directory, fd);
	return error;
}
