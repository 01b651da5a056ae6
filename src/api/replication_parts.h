/*
 * replication_parts.h: what replication.c and replication_view.c share: the state of replication as this server sees
 * it, read once, from which the rows of haops.replication_lag are made.
 */
#ifndef HA_API_REPLICATION_PARTS_H
#define HA_API_REPLICATION_PARTS_H

#include "server/compat.h"

#include "ops/lag.h"
#include "replication/walsender_private.h"
#include "wire/status.h"

/* A walsender that gives WAL to a physical receiver. */
typedef struct HaSender
{
	int			pid;
	WalSndState state;
	HaLsn		sent_lsn;
	HaLsn		flush_lsn;		/* as the receiver said, 0 = it did not */
	HaLsn		apply_lsn;
	int64		apply_lag_us;	/* as the sender measured it last, -1 = not known */
	TimestampTz replied_at;		/* 0 = never */
	char		name[NAMEDATALEN];	/* application_name */
	bool		is_member;		/* has a row of its own already */
} HaSender;

/* A physical slot. */
typedef struct HaSlot
{
	char		name[NAMEDATALEN];
	int			pid;			/* who uses it, 0 = nobody */
	HaLsn		restart_lsn;
	bool		lost;
} HaSlot;

typedef struct HaReplication
{
	HaUs		now_us;			/* BOOTTIME */
	TimestampTz now;
	HaStatus   *status;			/* NULL on a server that is no member, and before the ha worker has published one */
	HaLagRing  *ring;
	bool		recovery;		/* this server is a standby */
	HaLsn		own_lsn;		/* end of the WAL that it holds on disk */

	/* The primary, as far as it is known here. */
	HaLsn		primary_lsn;
	HaTli		primary_tli;
	bool		primary_heard;	/* that is of now, or nearly */
	HaUs		primary_age_us;
	const char *primary_note;	/* why it is not heard */

	int			sender_count;
	HaSender   *sender;
	int			slot_count;
	HaSlot	   *slot;
} HaReplication;

/* In the current memory context. Takes ReplicationSlotControlLock shared for a moment, and waits for nothing else. */
extern HaReplication *ha_replication_read(void);

/* The slot that the process uses, NULL when there is none. */
extern const HaSlot *ha_replication_slot_of(const HaReplication *replication, int pid);

#endif
