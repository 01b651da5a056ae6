/*
 * wall_clock.c: a wall clock that jumps, for one server (S39). Loaded with LD_PRELOAD.
 *
 * WALL_CLOCK names a file of one 64-bit number of seconds: by so much every call that tells the wall clock is off, from
 * the moment that the number changes on. Other clocks are as they are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset_s;

__attribute__((constructor)) static void
open_offset(void)
{
	const char *path = getenv("WALL_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *place = fd >= 0 ? mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	if (place == MAP_FAILED)
		abort();
	offset_s = place;
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int) syscall(SYS_clock_gettime, clock, now);

	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		now->tv_sec += *offset_s;
	return result;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec spec;
	int result = clock_gettime(CLOCK_REALTIME, &spec);

	(void) zone;
	now->tv_sec = spec.tv_sec;
	now->tv_usec = spec.tv_nsec / 1000;
	return result;
}

time_t
time(time_t *place)
{
	struct timespec spec;
	time_t now = clock_gettime(CLOCK_REALTIME, &spec) == 0 ? spec.tv_sec : -1;

	if (place != NULL)
		*place = now;
	return now;
}
