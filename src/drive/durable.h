/*
 * durable.h: everything below a data directory made durable in one step, instead of file by file.
 *
 * Thousands of fsyncs are what a small rewind takes longest for. syncfs() writes a whole file system at once, and tells
 * of an error since the descriptor was opened; it does so from Linux 5.8 on. So the descriptors are taken before the
 * first byte is written, one for each file system that the directory reaches, through pg_wal and tablespaces too.
 */
#ifndef HA_DRIVE_DURABLE_H
#define HA_DRIVE_DURABLE_H

#include <stdbool.h>
#include <sys/types.h>

#define HA_DURABLE_SYSTEMS_MAX 16

typedef struct HaDurable
{
	bool possible;
	int count;
	int fd[HA_DURABLE_SYSTEMS_MAX];
	dev_t device[HA_DURABLE_SYSTEMS_MAX];
} HaDurable;

/* Before the writing. What it can't do, ha_durable_end() answers. */
extern void ha_durable_begin(HaDurable *durable, const char *directory);

/*
 * After it; always to be called, it closes what begin opened. True: all is on the disk. False: that is not known, by
 * this kernel, an error, or a file system that was not there at the beginning; then sync file by file.
 */
extern bool ha_durable_end(HaDurable *durable, const char *directory);

/* Does syncfs() tell of errors on the kernel with this release ("6.1.0-13-amd64")? For begin and its test. */
extern bool ha_durable_release_tells(const char *release);

#endif
