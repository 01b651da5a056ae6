/*
 * login.h: the role by which members replicate from and rewind against each other.
 *
 * Its password is derived from the cluster's key, so that nothing but the key has to be handed out. It stands in a
 * passfile of mode 0600 in the state directory for the server, and in the environment of the programs that pg_haops
 * runs; never in a setting, a conninfo or the arguments of a program.
 */
#ifndef HA_IO_LOGIN_H
#define HA_IO_LOGIN_H

#include "io/fault.h"
#include "io/key.h"
#include "wire/receiver.h"

#define HA_LOGIN_ROLE "haops_replicator"
#define HA_LOGIN_DATABASE "postgres"	/* where pg_rewind connects to, and where its functions are granted */
#define HA_LOGIN_PASSFILE "passfile"
#define HA_LOGIN_PASSWORD_SIZE 65
#define HA_LOGIN_CONNINFO_SIZE 1024

/* 64 hex digits: HMAC-SHA-256 of the key over the role's name. False when the machine is broken. */
extern bool ha_login_password(const HaKey *key, char password[HA_LOGIN_PASSWORD_SIZE]);

/* Writes the passfile into the state directory. */
extern bool ha_login_write_passfile(const char *state_directory, const HaKey *key, HaFault *fault);

/*
 * What a program of PostgreSQL's needs to connect to a member: address, role, database, short time-outs. `who` becomes
 * the application_name. The password goes into its environment: ha_login_environment(). False when it does not fit.
 */
extern bool ha_login_conninfo(const char *host, uint16_t port, const char *who,
							  char conninfo[HA_LOGIN_CONNINFO_SIZE]);

/* Another database than HA_LOGIN_DATABASE. False when it does not fit. */
extern bool ha_login_set_database(const char *database, char conninfo[HA_LOGIN_CONNINFO_SIZE]);

/* Adds who it is that asks for WAL; needed by every connection that replicates. False when it does not fit. */
extern bool ha_login_add_receiver(const HaReceiver *receiver, char conninfo[HA_LOGIN_CONNINFO_SIZE]);

/* "PGPASSWORD=..."; to be wiped. */
#define HA_LOGIN_ENVIRONMENT_SIZE (HA_LOGIN_PASSWORD_SIZE + 16)
extern bool ha_login_environment(const HaKey *key, char variable[HA_LOGIN_ENVIRONMENT_SIZE]);

/*
 * SQL that makes the role, or brings an existing one in line, with what replication and pg_rewind need; statements end
 * with an empty line (postgres --single -j). Holds the password: to be wiped.
 */
extern bool ha_login_sql(const char *password, char *sql, size_t size);

#endif
