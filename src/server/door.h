/*
 * door.h: who gives WAL to the members: the elected primary, and nobody else (R33, S34).
 *
 * Two nodes can hold the same timeline number with different WAL (E9), and PostgreSQL compares numbers only. A member
 * that was cut off and still has its old leader as its source would mix the two when that one serves another leader's
 * WAL by now. So connections of the replication role that ask for WAL are refused unless this server is out of recovery
 * by an election. Connections of other roles (backups) and the ones that ask for SQL (pg_rewind) are not concerned.
 */
#ifndef HA_SERVER_DOOR_H
#define HA_SERVER_DOOR_H

/* Installs the authentication hook; called once, in _PG_init. */
extern void ha_door_install(void);

#endif
