/*
 * gate.h: by what commits are judged, and which commits are being judged at this moment.
 *
 * The ha worker publishes the gate (R31, R32) and the lease (R21). A commit is in flight in two stretches:
 *
 *	writing		from its admission until its record is flushed; its end decides how far the WAL goes
 *	judging		from the reading of the gate that it is judged by until the decision; each judgement enters anew
 *
 * Only judging matters for safety: whatever gate admitted a commit, it is judged by the newest one. A flight holds the
 * generation under which it entered, so the ha worker can tell when none is older (HA_EVENT_DRAINED).
 */
#ifndef HA_SERVER_GATE_H
#define HA_SERVER_GATE_H

#include "server/shmem.h"

/* ---- Of the ha worker ---- */

/* The lease, now zero: no commit is acknowledged that is judged from this moment on (R7). */
extern void ha_gate_close_lease(void);
extern void ha_gate_publish_lease(HaTerm term, HaUs until_us);

/* Whose slot is whose; before a gate that names new members. */
extern void ha_gate_publish_owners(const HaRegister *reg);

/* Publishes a gate; `fresh`: with a new generation, so that older commits have to drain. */
extern void ha_gate_publish(const HaGate *gate, HaId self, bool fresh);

/*
 * True when no commit is being judged, and with `writing` none being written either, that entered under an older
 * generation than the present one. Who sleeps in PostgreSQL's own wait for standbys has been written.
 */
extern bool ha_gate_drained(bool writing);

/* True when nobody who is still alive judges a commit: after a crash of another process, when all are being killed. */
extern bool ha_gate_drained_by_death(void);

/*
 * End of the WAL that is inserted, as a position that a flush can reach; the WAL writer is asked to get there soon.
 * Of a primary.
 */
extern HaLsn ha_gate_wal_end(void);

/* ---- Of any process ---- */

typedef enum HaVerdictOfGate
{
	HA_GATE_OPEN,				/* leader, open, lease valid at this moment */
	HA_GATE_NO_LEASE,			/* open, but the lease is out: it may come back */
	HA_GATE_CLOSED				/* not the leader, or not open */
} HaVerdictOfGate;

/* The gate and the lease as they are now; `view` is filled in. The lease word is read first, then the clock (R21). */
extern HaVerdictOfGate ha_gate_look(HaGateView *view);

typedef enum HaFlightKind
{
	HA_FLIGHT_WRITING = 1,
	HA_FLIGHT_JUDGING
} HaFlightKind;

/* Enters, or enters anew, with the present generation. False when this process has no place (it never commits then). */
extern bool ha_gate_enter(HaFlightKind kind);
extern void ha_gate_leave(void);

/*
 * True when every rule of the gate is satisfied for WAL up to lsn: by distinct slots whose walsender says so, of
 * members that have joined this term (R31, R33, E7). Takes ReplicationSlotControlLock shared for a moment.
 */
extern bool ha_gate_quorum(const HaGateView *view, HaLsn lsn);

/* Does some rule of the gate ask for a standby? */
extern bool ha_gate_waits(const HaGate *gate);

/*
 * Asynchronous mode (R40): true when the best of the standbys that could lead next has all WAL up to lsn but the last
 * pg_haops.async_lag_limit; or when there is no such limit, or no other member that may lead. A part of the quorum;
 * also asked before the commit is written, so that hardly any has to wait for it afterwards.
 */
extern bool ha_gate_within_lag(const HaGateView *view, HaLsn lsn);

/*
 * Of a walsender, once: it gives WAL to the member in this life, until it exits. Only such a process counts in the
 * quorum. False when no data member of the register has this incarnation.
 */
extern bool ha_gate_admit_sender(const HaUuid *incarnation);

/* Is that the process which was let in last for the member, and for its present life? */
extern bool ha_gate_is_sender(HaId id, pid_t pid);

/* The name of a member's slot: pg_haops_<name in lower case, '-' as '_'>. */
extern void ha_gate_slot_name(const char *member, char name[NAMEDATALEN]);

#endif
