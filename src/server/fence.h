/*
 * fence.h: no commit is acknowledged without a valid lease (R21, R22) nor, in synchronous mode, without its quorum
 * (R31).
 *
 * Two checks, in every process that commits. Before the record is written: a transaction that wrote is refused with
 * an error (25006) that names the leader, after a wait of pg_haops.fence_wait. After it is flushed: when the lease or
 * the gate is gone by then, or the wait for standbys was cut, the connection is closed without an acknowledgement;
 * an error there would be a PANIC of the whole server (E3, E4), so nothing is ever thrown.
 *
 * No setting of a session and no right switches it off (S38). Only transactions that write are checked, so a fenced
 * server can be inspected.
 */
#ifndef HA_SERVER_FENCE_H
#define HA_SERVER_FENCE_H

/* Registers callbacks and hooks; called once, in _PG_init, and only when this server is a member. */
extern void ha_fence_install(void);

/*
 * Of this process nobody learns that it committed: a worker that keeps pg_haops' own records (samples, alerts). Its
 * commits need the lease, too, but wait for no quorum: or it would stand still with all the others while standbys are
 * gone, which is when people are to be told. Called once, when the process starts; never for a client.
 */
extern void ha_fence_keeps_records(void);

#endif
