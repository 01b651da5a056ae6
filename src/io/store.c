/*
 * store.c: see store.h.
 */
#include "io/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/binding.h"
#include "io/store_parts.h"

#define NEW_FILE HA_STORE_FILE ".new"
#define OLD_FILE HA_STORE_FILE ".old"

static const struct
{
	const char *text;
	const char *hint;
} errors[HA_STORE_ERROR_COUNT] = {
	[HA_STORE_OK] = {"the state file is in order", NULL},
	[HA_STORE_NO_DIRECTORY] = {"the state directory could not be opened", NULL},
	[HA_STORE_UNSAFE_DIRECTORY] = {"the state directory belongs to another user, or others may write in it",
		"make the server's user its owner and set its mode to 0700"},
	[HA_STORE_MISSING] = {"there is no state file",
		"a member that lost it joins anew with: pg_haops join --adopt"},
	[HA_STORE_EXISTS] = {"there is a state file already",
		"this directory belongs to a cluster; let it leave that one first"},
	[HA_STORE_UNSAFE] = {"the state file belongs to another user, is no regular file, or others have rights on it",
		"make the server's user its owner and set its mode to 0600"},
	[HA_STORE_BUSY] = {"another process has the state file open",
		"stop the member that runs on this directory first"},
	[HA_STORE_FOREIGN] = {"the state file is a copy of another member's, or was moved here",
		"it stays inert until it gets a new life with: pg_haops join --adopt"},
	[HA_STORE_BROKEN] = {"the state file is damaged",
		"a member that lost its state joins anew with: pg_haops join --adopt"},
	[HA_STORE_NEWER] = {"the state file was written by a newer release of pg_haops", "install that release"},
	[HA_STORE_IMPOSSIBLE] = {"the state to be saved holds values that cannot be", NULL},
	[HA_STORE_BACKWARDS] = {"the state to be saved goes back behind what is on the disk", NULL},
	[HA_STORE_FAILED] = {"the state file could not be read or written",
		"the member takes no part until it is started again on a disk that works"},
	[HA_STORE_DEAD] = {"the state file could not be written before, and is not used again",
		"the member takes no part until it is started again on a disk that works"},
};

static const HaStoreCalls system_calls = {pread, pwrite, fdatasync, fsync, posix_fallocate, posix_fadvise};

const char *
ha_store_text(HaStoreError error)
{
	assert(error < HA_STORE_ERROR_COUNT);
	return errors[error].text;
}

const char *
ha_store_hint(HaStoreError error)
{
	assert(error < HA_STORE_ERROR_COUNT);
	return errors[error].hint;
}

/* ---- The slots ---- */

typedef struct Slots
{
	uint8_t bytes[2][HA_RECORD_SIZE];
	HaChoice choice;
} Slots;

static HaStoreError
read_slots(int fd, const HaStoreCalls *calls, Slots *slots)
{
	struct stat about;

	if (fstat(fd, &about) != 0)
		return HA_STORE_FAILED;
	if (about.st_size != HA_STORE_SIZE)
		return HA_STORE_BROKEN;
	for (int i = 0; i < 2; i++)
	{
		ssize_t got = calls->pread(fd, slots->bytes[i], HA_RECORD_SIZE, (off_t) i * HA_RECORD_SIZE);

		if (got < 0)
			return HA_STORE_FAILED;
		if (got != HA_RECORD_SIZE)
			return HA_STORE_BROKEN;
	}
	switch (ha_record_choose(slots->bytes[0], slots->bytes[1], &slots->choice))
	{
		case HA_RECORD_OK:
			return HA_STORE_OK;
		case HA_RECORD_NEWER:
			return HA_STORE_NEWER;
		default:
			return HA_STORE_BROKEN;
	}
}

static bool
write_slot(const HaStore *store, int slot, const uint8_t bytes[HA_RECORD_SIZE])
{
	ssize_t put = store->calls->pwrite(store->fd, bytes, HA_RECORD_SIZE, (off_t) slot * HA_RECORD_SIZE);

	if (put >= 0 && put != HA_RECORD_SIZE)
		errno = EIO;
	return put == HA_RECORD_SIZE;
}

/*
 * Writes store->sequence + 1 into its own slot, makes it durable, and copies it over the other slot, which
 * will be durable with the next save at the latest: before that one overwrites the first. The store is dead
 * when this fails.
 */
static HaStoreError
write_state(HaStore *store, const HaHard *hard)
{
	HaRecord record = {store->sequence + 1, store->binding, *hard};
	uint8_t bytes[HA_RECORD_SIZE];
	int slot = (int) (record.sequence & 1);

	store->dead = true;
	if (ha_record_encode(&record, bytes) != HA_RECORD_OK)
		return HA_STORE_IMPOSSIBLE;
	if (!write_slot(store, slot, bytes) || store->calls->fdatasync(store->fd) != 0 ||
		!write_slot(store, 1 - slot, bytes))
		return HA_STORE_FAILED;
	store->sequence = record.sequence;
	store->hard = *hard;
	store->dead = false;
	return HA_STORE_OK;
}

/* ---- Create ---- */

static void
begin(HaStore *store, const HaStoreCalls *calls)
{
	memset(store, 0, sizeof(*store));
	store->fd = -1;
	store->calls = calls != NULL ? calls : &system_calls;
}

/* The end of every function that opens: an open store is left behind only when all was well. */
static HaStoreError
finish(HaStore *store, HaStateDir *dir, HaStoreError error)
{
	ha_statedir_close(dir);
	if (error != HA_STORE_OK)
		ha_store_close(store);
	return error;
}

static HaPlace
place_of(const HaStore *store, const HaStateDir *dir)
{
	return (HaPlace){dir->real, store->fd, HA_MACHINE_ID_FILE};
}

/* Makes the file under another name, with the state in both slots. */
static HaStoreError
make_new(HaStore *store, const HaStateDir *dir, const HaHard *hard)
{
	HaPlace place;
	HaStoreError error;
	int failed;

	store->fd = openat(dir->fd, NEW_FILE, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store->fd < 0)
		return HA_STORE_FAILED;
	failed = store->calls->fallocate(store->fd, 0, HA_STORE_SIZE);
	if (failed != 0)
	{
		errno = failed;
		return HA_STORE_FAILED;
	}
	place = place_of(store, dir);
	if (flock(store->fd, LOCK_EX | LOCK_NB) != 0 || ha_binding_make(&place, &store->binding) != 0)
		return HA_STORE_FAILED;
	error = write_state(store, hard);
	if (error == HA_STORE_OK && store->calls->fsync(store->fd) != 0)
		error = HA_STORE_FAILED;
	return error;
}

/* Gives it its name, which must be free. */
static HaStoreError
name_new(const HaStore *store, const HaStateDir *dir)
{
	if (linkat(dir->fd, NEW_FILE, dir->fd, HA_STORE_FILE, 0) != 0)
		return errno == EEXIST ? HA_STORE_EXISTS : HA_STORE_FAILED;
	if (!ha_statedir_names(dir, HA_STORE_FILE, store->fd))
		return HA_STORE_BUSY;
	if (unlinkat(dir->fd, NEW_FILE, 0) != 0 || store->calls->fsync(dir->fd) != 0)
	{
		int saved = errno;

		(void) unlinkat(dir->fd, HA_STORE_FILE, 0);
		errno = saved;
		return HA_STORE_FAILED;
	}
	return HA_STORE_OK;
}

HaStoreError
ha_store_create(HaStore *store, const char *directory, const HaHard *hard, const HaStoreCalls *calls)
{
	HaStateDir dir;
	HaStoreError error;

	begin(store, calls);
	error = ha_statedir_open(&dir, directory, false);
	if (error == HA_STORE_OK && faccessat(dir.fd, HA_STORE_FILE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		error = HA_STORE_EXISTS;
	if (error != HA_STORE_OK)
		return finish(store, &dir, error);

	/* What an interrupted attempt left is nobody's state: it never had the name. */
	(void) unlinkat(dir.fd, NEW_FILE, 0);
	error = make_new(store, &dir, hard);
	if (error == HA_STORE_OK)
		error = name_new(store, &dir);
	if (error != HA_STORE_OK)
	{
		int saved = errno;

		(void) unlinkat(dir.fd, NEW_FILE, 0);
		errno = saved;
	}
	return finish(store, &dir, error);
}

/* ---- Open, save, adopt ---- */

/* Makes both slots the same again, when a crash came between the two writes or one of them was lost. */
static HaStoreError
mend(const HaStore *store, const Slots *slots)
{
	if (memcmp(slots->bytes[0], slots->bytes[1], HA_RECORD_SIZE) == 0)
		return HA_STORE_OK;
	if (!write_slot(store, 1 - slots->choice.slot, slots->bytes[slots->choice.slot]) ||
		store->calls->fdatasync(store->fd) != 0)
		return HA_STORE_FAILED;
	return HA_STORE_OK;
}

/*
 * Opens, locks and reads, wherever the file was made; *own says whether it was here. The caller calls
 * finish().
 *
 * A process that ended after a failed fsync may have left pages that the kernel calls clean and the disk
 * never saw; and one that ended before its fsync, pages that are not durable yet. So they are written first,
 * then forgotten, then read.
 */
static HaStoreError
take(HaStore *store, HaStateDir *dir, const char *directory, Slots *slots, bool *own)
{
	HaStoreError error = ha_statedir_open(dir, directory, false);
	HaPlace place;
	int matches;

	if (error == HA_STORE_OK)
		error = ha_statedir_lock_file(dir, &store->fd);
	if (error != HA_STORE_OK)
		return error;
	if (store->calls->fdatasync(store->fd) != 0)
		return HA_STORE_FAILED;
	(void) store->calls->fadvise(store->fd, 0, 0, POSIX_FADV_DONTNEED);
	error = read_slots(store->fd, store->calls, slots);
	if (error != HA_STORE_OK)
		return error;
	store->sequence = slots->choice.record.sequence;
	store->binding = slots->choice.record.binding;
	store->hard = slots->choice.record.hard;
	store->repaired = slots->choice.other_lost;
	place = place_of(store, dir);
	matches = ha_binding_matches(&place, &store->binding);
	*own = matches == 1;
	return matches < 0 ? HA_STORE_FAILED : HA_STORE_OK;
}

HaStoreError
ha_store_open(HaStore *store, const char *directory, const HaStoreCalls *calls)
{
	HaStateDir dir;
	Slots slots;
	bool own = false;
	HaStoreError error;

	begin(store, calls);
	error = take(store, &dir, directory, &slots, &own);
	if (error == HA_STORE_OK && !own)
		error = HA_STORE_FOREIGN;
	if (error == HA_STORE_OK)
		error = mend(store, &slots);
	return finish(store, &dir, error);
}

/* True when this would take back what the disk holds, and others may have been told. */
static bool
goes_back(const HaHard *was, const HaHard *now)
{
	if (!ha_uuid_equal(&was->cluster, &now->cluster) || was->id != now->id ||
		!ha_uuid_equal(&was->incarnation, &now->incarnation) ||
		(was->system_id != 0 && was->system_id != now->system_id))
		return true;
	if (now->term < was->term || now->run < was->run || now->promise_ms < was->promise_ms)
		return true;
	if (now->term == was->term && was->voted_for != 0 && now->voted_for != was->voted_for)
		return true;
	return ha_version_compare(now->reg.version, was->reg.version) < 0;
}

HaStoreError
ha_store_save(HaStore *store, const HaHard *hard)
{
	if (store->dead || store->fd < 0)
		return HA_STORE_DEAD;
	if (goes_back(&store->hard, hard))
	{
		store->dead = true;
		return HA_STORE_BACKWARDS;
	}
	return write_state(store, hard);
}

HaStoreError
ha_store_adopt(HaStore *store, const char *directory, HaId id, const HaUuid *incarnation,
			   const HaStoreCalls *calls)
{
	HaStateDir dir;
	Slots slots;
	HaHard heir;
	HaPlace place;
	bool own = false;
	HaStoreError error;

	begin(store, calls);
	error = take(store, &dir, directory, &slots, &own);
	if (error == HA_STORE_OK && ha_uuid_equal(&store->hard.incarnation, incarnation))
		error = HA_STORE_IMPOSSIBLE;
	if (error == HA_STORE_OK)
		error = mend(store, &slots);
	place = place_of(store, &dir);
	if (error == HA_STORE_OK && ha_binding_make(&place, &store->binding) != 0)
		error = HA_STORE_FAILED;
	if (error != HA_STORE_OK)
		return finish(store, &dir, error);

	heir = store->hard;
	heir.id = id;
	heir.incarnation = *incarnation;
	heir.voted_for = 0;
	heir.run = 0;
	heir.joined_term = 0;
	heir.led_term = 0;
	error = write_state(store, &heir);
	if (error == HA_STORE_OK && store->calls->fdatasync(store->fd) != 0)
		error = HA_STORE_FAILED;
	return finish(store, &dir, error);
}

/* ---- Without opening it for use ---- */

HaStoreError
ha_store_set_aside(const char *directory)
{
	HaStateDir dir;
	int fd = -1;
	HaStoreError error = ha_statedir_open(&dir, directory, false);

	if (error == HA_STORE_OK)
		error = ha_statedir_lock_file(&dir, &fd);
	if (error == HA_STORE_OK &&
		(renameat(dir.fd, HA_STORE_FILE, dir.fd, OLD_FILE) != 0 || fsync(dir.fd) != 0))
		error = HA_STORE_FAILED;
	ha_statedir_close_fd(&fd);
	ha_statedir_close(&dir);
	return error;
}

HaStoreError
ha_store_peek(const char *directory, HaHard *hard)
{
	HaStore store;
	HaStateDir dir;
	Slots slots;
	HaPlace place;
	HaStoreError error;
	int own;

	memset(hard, 0, sizeof(*hard));
	begin(&store, NULL);
	error = ha_statedir_open(&dir, directory, true);
	if (error == HA_STORE_OK)
		error = ha_statedir_open_file(&dir, true, &store.fd);
	if (error == HA_STORE_OK)
	{
		/*
		 * A member that saves meanwhile may be met in both slots, one after the other; but not again and
		 * again.
		 */
		for (int attempt = 0; attempt < 5; attempt++)
		{
			error = read_slots(store.fd, store.calls, &slots);
			if (error != HA_STORE_BROKEN)
				break;
		}
	}
	if (error == HA_STORE_OK)
	{
		*hard = slots.choice.record.hard;
		place = place_of(&store, &dir);
		own = ha_binding_matches(&place, &slots.choice.record.binding);
		if (own != 1)
			error = own == 0 ? HA_STORE_FOREIGN : HA_STORE_FAILED;
	}
	ha_store_close(&store);
	ha_statedir_close(&dir);
	return error;
}

void
ha_store_close(HaStore *store)
{
	ha_statedir_close_fd(&store->fd);
}
