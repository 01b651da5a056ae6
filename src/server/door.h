/*
 * door.h: who gives WAL to whom: the elected primary to members that have joined its term, and nobody else (R33, S34).
 *
 * Two nodes can hold the same timeline number with different WAL (E9), and PostgreSQL compares numbers only. A member
 * that was cut off and still has its old leader as its source would mix the two when that one serves another leader's
 * WAL by now, be it as a standby or as the leader of a later term. So connections of the replication role that ask for
 * WAL are refused unless this server is out of recovery by an election, and the member says (wire/receiver.h) that it
 * has joined that very term. A server leads in one term between two starts, so a connection that was let in stays
 * right. Connections of other roles (backups) and the ones that ask for SQL (pg_rewind) are not concerned; they count
 * for no commit.
 *
 * Logical replication, of any role, begins only under a valid lease (R39); slots.h ends what goes on without one.
 */
#ifndef HA_SERVER_DOOR_H
#define HA_SERVER_DOOR_H

/* Installs the authentication hook; called once, in _PG_init. */
extern void ha_door_install(void);

#endif
