/*
 * receiver.h: how a member says who it is when it asks another one's PostgreSQL for WAL (R33).
 *
 * PostgreSQL lets a connection bring settings along. A member brings one, pg_haops.receiver, which names the term that
 * it has joined and its incarnation:
 *
 *	-c pg_haops.receiver=<term>/<incarnation, 32 hex digits>
 *
 * It claims, it proves nothing: the role's password does that. The other end compares it with what it knows (door.h).
 */
#ifndef HA_WIRE_RECEIVER_H
#define HA_WIRE_RECEIVER_H

#include "core/types.h"

#define HA_RECEIVER_SETTING "pg_haops.receiver"
#define HA_RECEIVER_SIZE 96

typedef struct HaReceiver
{
	HaTerm joined_term;			/* whose leader's WAL it wants */
	HaUuid incarnation;			/* of the member's present life (R4) */
} HaReceiver;

/* Writes the option. */
extern void ha_receiver_print(const HaReceiver *receiver, char option[HA_RECEIVER_SIZE]);

/* Finds it among the options that a connection came with; false when it is not there, or not as it should be. */
extern bool ha_receiver_parse(const char *options, HaReceiver *receiver);

#endif
