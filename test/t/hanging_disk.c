/*
 * hanging_disk.c: a disk that hangs, for one server (S7, S31). Loaded with LD_PRELOAD.
 *
 * HANGING_DISK names a file of one byte. 'f': no flush returns; 'w': no write to a place in a file returns either;
 * anything else: the disk works. Who hangs goes on as soon as the byte says so.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOOK_MS 10

static const volatile char *mode;

__attribute__((constructor)) static void
open_mode(void)
{
	const char *path = getenv("HANGING_DISK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *place = fd >= 0 ? mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	if (place == MAP_FAILED)
		abort();
	mode = place;
}

static void
wait_for_flush(void)
{
	while (*mode == 'f' || *mode == 'w')
		poll(NULL, 0, LOOK_MS);
}

static void
wait_for_write(void)
{
	while (*mode == 'w')
		poll(NULL, 0, LOOK_MS);
}

int
fsync(int fd)
{
	int (*real) (int) = (int (*) (int)) dlsym(RTLD_NEXT, "fsync");

	wait_for_flush();
	return real(fd);
}

int
fdatasync(int fd)
{
	int (*real) (int) = (int (*) (int)) dlsym(RTLD_NEXT, "fdatasync");

	wait_for_flush();
	return real(fd);
}

ssize_t
pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	ssize_t (*real) (int, const void *, size_t, off_t) =
		(ssize_t (*) (int, const void *, size_t, off_t)) dlsym(RTLD_NEXT, "pwrite");

	wait_for_write();
	return real(fd, bytes, count, offset);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t count, off_t offset)
{
	return pwrite(fd, bytes, count, offset);
}
