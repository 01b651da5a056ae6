/*
 * disk.c: see disk.h.
 */
#include "test/unit/support/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/prng.h"

#define SECTOR 512
#define SECTORS (HA_STORE_SIZE / SECTOR)

static struct
{
	uint8_t durable[SECTORS][SECTOR];
	uint8_t cache[SECTORS][SECTOR];
	bool dirty[SECTORS];
	HaPrng prng;
	unsigned count;
	unsigned directory_syncs;
	unsigned countdown;
	DiskAccident accident;
	bool stopped;
} disk;

void
disk_begin(uint64_t seed)
{
	memset(&disk, 0, sizeof(disk));
	ha_prng_seed(&disk.prng, seed);
}

void
disk_accident(unsigned countdown, DiskAccident accident)
{
	disk.countdown = countdown;
	disk.accident = accident;
	disk.stopped = false;
}

unsigned
disk_count(void)
{
	return disk.count;
}

static bool
coin(void)
{
	return ha_prng_below(&disk.prng, 2) == 0;
}

/* Writes dirty sectors back: all, or each with an even chance. */
static void
write_back(bool all)
{
	for (int i = 0; i < SECTORS; i++)
	{
		if (!disk.dirty[i] || !(all || coin()))
			continue;
		memcpy(disk.durable[i], disk.cache[i], SECTOR);
		disk.dirty[i] = false;
	}
}

unsigned
disk_directory_syncs(void)
{
	return disk.directory_syncs;
}

void
disk_power_cut(void)
{
	write_back(ha_prng_below(&disk.prng, 8) == 0);
	memcpy(disk.cache, disk.durable, sizeof(disk.cache));
	memset(disk.dirty, 0, sizeof(disk.dirty));
}

void
disk_damage(size_t at)
{
	assert(at < HA_STORE_SIZE);
	disk.durable[at / SECTOR][at % SECTOR] ^= 0x5A;
	if (!disk.dirty[at / SECTOR])
		memcpy(disk.cache[at / SECTOR], disk.durable[at / SECTOR], SECTOR);
}

bool
disk_is_clean(void)
{
	return memcmp(disk.durable, disk.cache, sizeof(disk.cache)) == 0;
}

/* Counts a call that writes or syncs; true when it fails. The kernel has had time to write something back. */
static bool
fails(void)
{
	disk.count++;
	if (ha_prng_below(&disk.prng, 4) == 0)
		write_back(false);
	if (disk.stopped)
	{
		errno = EIO;
		return true;
	}
	if (disk.countdown == 0 || --disk.countdown > 0)
		return false;
	disk.stopped = disk.accident == DISK_FULL_STOP;
	errno = EIO;
	return true;
}

static ssize_t
disk_pread(int fd, void *bytes, size_t count, off_t offset)
{
	(void) fd;
	assert((size_t) offset + count <= HA_STORE_SIZE);
	memcpy(bytes, (uint8_t *) disk.cache + offset, count);
	return (ssize_t) count;
}

static ssize_t
disk_pwrite(int fd, const void *bytes, size_t count, off_t offset)
{
	bool stopped = disk.stopped;
	bool failing = fails();
	size_t written = 0;

	(void) fd;
	assert(offset % SECTOR == 0 && count % SECTOR == 0 && (size_t) offset + count <= HA_STORE_SIZE);
	if (stopped)
		return -1;
	for (; written < count && !(failing && ha_prng_below(&disk.prng, 12) == 0); written += SECTOR)
	{
		size_t sector = ((size_t) offset + written) / SECTOR;

		memcpy(disk.cache[sector], (const uint8_t *) bytes + written, SECTOR);
		disk.dirty[sector] = true;
	}
	if (failing && disk.accident == DISK_SHORT)
		return (ssize_t) (written < count ? written : count - 1);
	return failing ? -1 : (ssize_t) count;
}

static int
disk_sync(int fd)
{
	bool stopped = disk.stopped;
	struct stat about;

	if (fstat(fd, &about) == 0 && S_ISDIR(about.st_mode))
	{
		disk.directory_syncs++;
		return fails() ? -1 : 0;
	}
	if (!fails())
	{
		write_back(true);
		return 0;
	}
	if (!stopped)
		write_back(false);
	/* What the disk refused is forgotten by the kernel; but a process that ended only left it for later. */
	if (!disk.stopped)
		memset(disk.dirty, 0, sizeof(disk.dirty));
	return -1;
}

static int
disk_fallocate(int fd, off_t offset, off_t length)
{
	assert(offset == 0 && length == HA_STORE_SIZE);
	(void) offset;
	if (fails())
		return EIO;
	memset(disk.durable, 0, sizeof(disk.durable));
	memset(disk.cache, 0, sizeof(disk.cache));
	memset(disk.dirty, 0, sizeof(disk.dirty));
	return ftruncate(fd, length) == 0 ? 0 : errno;
}

static int
disk_fadvise(int fd, off_t offset, off_t length, int advice)
{
	(void) fd;
	assert(offset == 0 && length == 0 && advice == POSIX_FADV_DONTNEED);
	(void) offset;
	(void) length;
	(void) advice;
	for (int i = 0; i < SECTORS; i++)
	{
		if (!disk.dirty[i])
			memcpy(disk.cache[i], disk.durable[i], SECTOR);
	}
	return 0;
}

const HaStoreCalls disk_calls = {disk_pread, disk_pwrite, disk_sync, disk_sync, disk_fallocate, disk_fadvise};
