/*
 * slots.c: see slots.h.
 */
#include "server/compat.h"

#include <signal.h>

#include "access/xlogrecovery.h"
#include "server/gate.h"
#include "server/slots.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

#define PREFIX "pg_haops_"

typedef struct Found
{
	char		name[NAMEDATALEN];
	XLogRecPtr	restart_lsn;
	pid_t		user;			/* the process that has it now, 0 = none */
	bool		lost;
} Found;

/* The slots of ours that there are; also how many more could be made. */
static int
find_slots(Found *found, int *room)
{
	int			count = 0;

	*room = max_replication_slots;
	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		Found	   *f = &found[count];

		if (!slot->in_use)
			continue;
		(*room)--;
		if (strncmp(NameStr(slot->data.name), PREFIX, strlen(PREFIX)) != 0 || SlotIsLogical(slot))
			continue;
		SpinLockAcquire(&slot->mutex);
		strlcpy(f->name, NameStr(slot->data.name), NAMEDATALEN);
		f->restart_lsn = slot->data.restart_lsn;
		f->user = slot->active_pid;
		f->lost = ha_slot_is_lost(slot);
		SpinLockRelease(&slot->mutex);
		count++;
	}
	LWLockRelease(ReplicationSlotControlLock);
	return count;
}

static const HaMember *
owner_of(const HaStatus *status, const char *slot)
{
	for (uint32 i = 0; i < status->reg.member_count; i++)
	{
		const HaMember *member = &status->reg.member[i];
		char		name[NAMEDATALEN];

		ha_gate_slot_name(member->name, name);
		if (member->id != status->id && (member->flags & HA_MEMBER_DATA) && strcmp(name, slot) == 0)
			return member;
	}
	return NULL;
}

static void
make_slot(const char *name)
{
	ha_slot_create_physical(name);
	ReplicationSlotReserveWal();
	ReplicationSlotMarkDirty();
	ReplicationSlotSave();
	ReplicationSlotRelease();
	ereport(LOG, (errmsg("pg_haops: made the replication slot \"%s\"", name)));
}

static void
drop_slot(const char *name)
{
	ReplicationSlotDrop(name, true);
	ereport(LOG, (errmsg("pg_haops: dropped the replication slot \"%s\"", name)));
}

/*
 * How far a member surely is, as the leader last said; never beyond what this node has itself, so that the member finds
 * the WAL here that it lacks. 0 = nothing can be said.
 */
static XLogRecPtr
safe_position(const HaStatus *status, const HaMember *member)
{
	const HaSummary *summary = ha_status_summary(status, member->id);
	XLogRecPtr	own = GetXLogReplayRecPtr(NULL);

	if (summary == NULL || summary->joined_term != status->term || status->joined_term != status->term)
		return InvalidXLogRecPtr;
	return Min(summary->position.lsn, own);
}

/* On a primary the walsenders do this. */
static void
move_slot(const Found *found, XLogRecPtr to)
{
	if (found->user != 0 || to == InvalidXLogRecPtr || to <= found->restart_lsn)
		return;
	ha_slot_acquire(found->name);
	SpinLockAcquire(&MyReplicationSlot->mutex);
	if (MyReplicationSlot->data.restart_lsn < to)
		MyReplicationSlot->data.restart_lsn = to;
	SpinLockRelease(&MyReplicationSlot->mutex);
	ReplicationSlotMarkDirty();	/* saved with the next checkpoint; going back a little keeps WAL, no more */
	ReplicationSlotRelease();
	ReplicationSlotsComputeRequiredLSN();
}

/* A member's slot is for the member, in its present life: who else has it is ended, and the slot is free again. */
static void
end_stranger(const HaMember *member, const Found *found)
{
	if (member != NULL && ha_gate_is_sender(member->id, found->user))
		return;
	ereport(LOG,
			(errmsg("pg_haops: process %d uses the replication slot \"%s\" and is ended",
					(int) found->user, found->name),
			 errdetail("The slot is for a member of the cluster.")));
	kill(found->user, SIGTERM);
}

static void
make_missing(const HaStatus *status, const Found *found, int count, int room)
{
	static bool complained = false;

	for (uint32 i = 0; i < status->reg.member_count; i++)
	{
		const HaMember *member = &status->reg.member[i];
		char		name[NAMEDATALEN];
		bool		there = false;

		if (member->id == status->id || !(member->flags & HA_MEMBER_DATA))
			continue;
		ha_gate_slot_name(member->name, name);
		for (int j = 0; j < count && !there; j++)
			there = strcmp(found[j].name, name) == 0;
		if (there)
			continue;
		if (room-- > 0)
			make_slot(name);
		else if (!complained)
			ereport(WARNING,
					(errmsg("pg_haops: there is no room for the replication slot \"%s\"", name),
					 errhint("Raise max_replication_slots to at least the number of members.")));
		complained = room < 0;
	}
}

void
ha_slots_keep(const HaStatus *status)
{
	Found	   *found;
	int			count;
	int			room;

	if (!status->has_register || max_replication_slots == 0)
		return;
	found = palloc0(sizeof(Found) * max_replication_slots);
	count = find_slots(found, &room);
	for (int i = 0; i < count; i++)
	{
		const HaMember *member = owner_of(status, found[i].name);

		if (found[i].user != 0)
		{
			end_stranger(member, &found[i]);
			continue;
		}
		if (member == NULL || found[i].lost)
		{
			drop_slot(found[i].name);
			found[i].name[0] = '\0';
			room++;
		}
		else if (member != NULL && RecoveryInProgress())
			move_slot(&found[i], safe_position(status, member));
	}
	make_missing(status, found, count, room);
	pfree(found);
}

void
ha_slots_end_decoding(void)
{
	HaGateView	view;

	if (RecoveryInProgress() || ha_gate_look(&view) == HA_GATE_OPEN)
		return;
	LWLockAcquire(ReplicationSlotControlLock, LW_SHARED);
	for (int i = 0; i < max_replication_slots; i++)
	{
		ReplicationSlot *slot = &ReplicationSlotCtl->replication_slots[i];
		pid_t		user = 0;

		if (!slot->in_use || !SlotIsLogical(slot))
			continue;
		SpinLockAcquire(&slot->mutex);
		user = slot->active_pid;
		SpinLockRelease(&slot->mutex);
		if (user == 0)
			continue;
		ereport(LOG,
				(errmsg("pg_haops: process %d decodes the slot \"%s\" without a lease and is ended", (int) user,
						NameStr(slot->data.name))));
		kill(user, SIGTERM);
	}
	LWLockRelease(ReplicationSlotControlLock);
}
