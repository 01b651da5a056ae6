/*
 * store.h: the state file, where a member's hard state survives (R1 to R6).
 *
 * The file `state` lies in the state directory: two slots of HA_RECORD_SIZE bytes (wire/record.h), allocated
 * when it is made, so that a full disk never stops or tears a vote. A save writes the slot of its sequence
 * number, makes it durable, and only then copies it over the other slot. So at every moment one whole slot on
 * the disk holds the last state whose save returned, and at rest both do: a torn write or one damaged slot
 * loses nothing.
 *
 * Any error while saving is final (R4): the store is dead, every later save fails, and the process must stop
 * taking part and end; an fsync is never retried. A file that is missing, damaged in both slots, or a copy
 * (R2) is never replaced silently: the program's `join` gives the member a new life, by ha_store_adopt() or
 * ha_store_set_aside().
 *
 * The open file is locked: no two processes run one member. One thread; nothing here waits except for the
 * disk.
 */
#ifndef HA_IO_STORE_H
#define HA_IO_STORE_H

#include <sys/types.h>

#include "wire/record.h"

#define HA_STORE_FILE "state"
#define HA_STORE_SIZE (2 * HA_RECORD_SIZE)

/* What can be wrong. The sentences and hints stand in store.c; errno says more where it is named. */
typedef enum HaStoreError
{
	HA_STORE_OK,
	HA_STORE_NO_DIRECTORY,		/* errno */
	HA_STORE_UNSAFE_DIRECTORY,	/* not ours, or others may write in it */
	HA_STORE_MISSING,			/* no state file */
	HA_STORE_EXISTS,			/* create: there is one already */
	HA_STORE_UNSAFE,			/* no regular file, not ours, or others have rights */
	HA_STORE_BUSY,				/* another process has it open */
	HA_STORE_FOREIGN,			/* a copy: made elsewhere (R2) */
	HA_STORE_BROKEN,			/* neither slot can be read, or it has another size (R4) */
	HA_STORE_NEWER,				/* written by a newer release */
	HA_STORE_IMPOSSIBLE,		/* save: the state is not one that this code writes */
	HA_STORE_BACKWARDS,			/* save: term, vote, register, run or identity would go back (R3, R7) */
	HA_STORE_FAILED,			/* the disk: errno */
	HA_STORE_DEAD,				/* an earlier save failed */
	HA_STORE_ERROR_COUNT
} HaStoreError;

/* One sentence, and what to do about it; without a stop at the end. The hint is NULL when there is none. */
extern const char *ha_store_text(HaStoreError error);
extern const char *ha_store_hint(HaStoreError error);

/* The calls that reach the disk; a test gives its own. NULL in their place means the system's. */
typedef struct HaStoreCalls
{
	ssize_t (*pread)(int fd, void *bytes, size_t count, off_t offset);
	ssize_t (*pwrite)(int fd, const void *bytes, size_t count, off_t offset);
	int (*fdatasync)(int fd);
	int (*fsync)(int fd);
	int (*fallocate)(int fd, off_t offset, off_t length);	/* posix_fallocate: returns an errno */
	int (*fadvise)(int fd, off_t offset, off_t length, int advice);	/* posix_fadvise: returns an errno */
} HaStoreCalls;

typedef struct HaStore
{
	HaHard hard;				/* what the disk holds; changed by open, adopt and save only */
	bool repaired;				/* one slot could not be read when it was opened; worth a warning */
	bool dead;

	int fd;						/* -1 = closed */
	uint64_t sequence;
	HaBinding binding;
	const HaStoreCalls *calls;
} HaStore;

/*
 * Makes the state file of a new member, with `hard` in it, and leaves it open. The directory must exist, be
 * ours and be closed to others (0700); making that durable is the caller's. Either the file is there whole
 * and durable, or nothing is left behind.
 */
extern HaStoreError ha_store_create(HaStore *store, const char *directory, const HaHard *hard,
									const HaStoreCalls *calls);

/*
 * Opens and locks the state file; store->hard is what it holds. Everything read is known to be on the disk.
 */
extern HaStoreError ha_store_open(HaStore *store, const char *directory, const HaStoreCalls *calls);

/*
 * Makes `hard` durable. Identity (cluster, id, incarnation) must be as it was; term, run and the register's
 * version must not go back, nor a given vote change within its term; otherwise the store is dead as after any
 * other error.
 */
extern HaStoreError ha_store_save(HaStore *store, const HaHard *hard);

/*
 * Gives a state file, own or copied, a new life at this place and opens it: the member number `id` under the
 * new `incarnation`, with no vote, no run and no upstream. Term, promise, register and chain are kept: they
 * may only be older than the truth, and the chain is that of the WAL that was copied with it.
 */
extern HaStoreError ha_store_adopt(HaStore *store, const char *directory, HaId id, const HaUuid *incarnation,
								   const HaStoreCalls *calls);

/* Moves a state file that nobody has open out of the way, to `state.old`, so that a new one can be made. */
extern HaStoreError ha_store_set_aside(const char *directory);

/*
 * Reads the state without locking or changing anything, beside a running member too; for the program. Also
 * tells HA_STORE_FOREIGN, with `hard` filled in.
 */
extern HaStoreError ha_store_peek(const char *directory, HaHard *hard);

/* Closes and unlocks; may be called twice. */
extern void ha_store_close(HaStore *store);

#endif
