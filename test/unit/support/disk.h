/*
 * disk.h: a disk with a page cache under the state file, that loses its power, fails, and lies as disks and kernels do.
 *
 * It stands in for the calls of HaStoreCalls. What is written goes into the cache; at any time the kernel may write any
 * dirty sector back; what is dirty when the power goes reaches the disk or not, sector by sector. An fdatasync that
 * fails leaves its pages in the cache, marked clean, although the disk never saw some of them. The real file behind the
 * descriptor only gives a name, a size and a lock. One disk at a time.
 */
#ifndef HA_TEST_UNIT_SUPPORT_DISK_H
#define HA_TEST_UNIT_SUPPORT_DISK_H

#include "io/store.h"

/* What happens at the call that was chosen for it. */
typedef enum DiskAccident
{
	DISK_ERROR,					/* it returns EIO; of what it should write or sync, some sectors made it */
	DISK_SHORT,					/* a write writes less than it should; a sync fails as above */
	DISK_FULL_STOP,				/* the process ends in it: it and all later calls fail, the cache stays as it is */
	DISK_ACCIDENTS
} DiskAccident;

extern const HaStoreCalls disk_calls;

/* An empty disk, whose accidents are drawn from the seed. */
extern void disk_begin(uint64_t seed);

/* The accident comes at the `countdown`-th call that writes or syncs from now on, 1 = the next; 0 = none. */
extern void disk_accident(unsigned countdown, DiskAccident accident);

/* Calls that write or sync since disk_begin(). */
extern unsigned disk_count(void);

/* The machine loses its power and comes back: the cache is gone. */
extern void disk_power_cut(void);

/* One byte of the disk itself changes. */
extern void disk_damage(size_t at);

/* How often a directory was synced. */
extern unsigned disk_directory_syncs(void);

/* True when the disk holds what the cache shows. */
extern bool disk_is_clean(void);

#endif
