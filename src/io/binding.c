/*
 * binding.c: see binding.h.
 */
#include "io/binding.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wire/codec.h"

#define MACHINE_ID_LENGTH 32

/* Fills in the machine id, or an empty text when there is no proper one. */
static void
read_machine_id(const char *path, char id[MACHINE_ID_LENGTH + 1])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[MACHINE_ID_LENGTH + 2];
	ssize_t length;

	id[0] = '\0';
	if (fd < 0)
		return;
	length = read(fd, text, sizeof(text));
	close(fd);
	if (length != MACHINE_ID_LENGTH && !(length == MACHINE_ID_LENGTH + 1 && text[MACHINE_ID_LENGTH] == '\n'))
		return;
	for (int i = 0; i < MACHINE_ID_LENGTH; i++)
	{
		bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');

		if (!digit)
			return;
	}
	memcpy(id, text, MACHINE_ID_LENGTH);
	id[MACHINE_ID_LENGTH] = '\0';
}

/* The hash; `file` tells inode and, when `with_birth`, the time of birth. Returns 0, or -1 with errno. */
static int
hash_place(const HaPlace *place, const struct statx *file, bool with_birth, HaBinding *binding)
{
	uint8_t text[PATH_MAX + 256];
	HaWriter writer = ha_writer(text, sizeof(text));
	char machine_id[MACHINE_ID_LENGTH + 1];
	size_t path_size = strlen(place->real_directory) + 1;
	unsigned int size = 0;

	if (path_size > PATH_MAX)
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	read_machine_id(place->machine_id_file, machine_id);
	ha_put_text(&writer, "pg_haops binding 1", 19);
	ha_put_text(&writer, machine_id, sizeof(machine_id));
	ha_put_text(&writer, place->real_directory, path_size);
	ha_put_u64(&writer, file->stx_ino);
	ha_put_bool(&writer, with_birth);
	if (with_birth)
	{
		ha_put_i64(&writer, file->stx_btime.tv_sec);
		ha_put_u32(&writer, file->stx_btime.tv_nsec);
	}
	assert(!writer.bad);
	if (EVP_Digest(text, writer.used, binding->byte, &size, EVP_sha256(), NULL) != 1 ||
		size != HA_BINDING_SIZE)
	{
		errno = EIO;
		return -1;
	}
	return 0;
}

static int
look_at(int fd, struct statx *file)
{
	memset(file, 0, sizeof(*file));
	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, file) != 0)
		return -1;
	return 0;
}

int
ha_binding_make(const HaPlace *place, HaBinding *binding)
{
	struct statx file;

	if (look_at(place->fd, &file) != 0)
		return -1;
	return hash_place(place, &file, (file.stx_mask & STATX_BTIME) != 0, binding);
}

int
ha_binding_matches(const HaPlace *place, const HaBinding *binding)
{
	struct statx file;
	HaBinding here;

	if (look_at(place->fd, &file) != 0)
		return -1;
	if ((file.stx_mask & STATX_BTIME) != 0)
	{
		if (hash_place(place, &file, true, &here) != 0)
			return -1;
		if (memcmp(here.byte, binding->byte, sizeof(here.byte)) == 0)
			return 1;
	}
	if (hash_place(place, &file, false, &here) != 0)
		return -1;
	return memcmp(here.byte, binding->byte, sizeof(here.byte)) == 0;
}
