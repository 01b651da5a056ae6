/*
 * rejoin_parts.h: what the halves of a rejoin share (rejoin.c, rejoin_rewind.c); for nobody else.
 *
 * All of them tell what did not go well in r->fault.
 */
#ifndef HA_DRIVE_REJOIN_PARTS_H
#define HA_DRIVE_REJOIN_PARTS_H

#include "drive/contact.h"
#include "drive/marker.h"
#include "drive/rejoin.h"

typedef struct HaRejoin
{
	const HaLocal *local;
	const HaRejoinOrder *order;
	HaTeller teller;
	HaFault *fault;
	HaStore store;
	HaContact contact;
	HaStatus leader;			/* as it was when it was found, term and chain */
	HaControl control;
	bool again;					/* nothing was touched, and the leader has changed: to be decided anew */
	bool marked;
	HaMarker marker;
	char work[PATH_MAX];
	char clone[PATH_MAX];
} HaRejoin;

extern void ha_rejoin_tell(const HaRejoin *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

extern const HaMember *ha_rejoin_leader(const HaRejoin *r);

/* Does the leader that was found still lead, in the same term? Asked by the peers' protocol. */
extern bool ha_rejoin_leader_stays(HaRejoin *r);

/* From now on the member holds the leader's WAL, and may receive more of it: it need not compare (R33). */
extern bool ha_rejoin_save(HaRejoin *r);

extern bool ha_rejoin_mark(HaRejoin *r, HaMarkerMethod method, HaMarkerPhase phase);

/* The end: what is new comes in. */
extern HaRejoinResult ha_rejoin_come_in(HaRejoin *r);

/* What can't be rewound is cloned, when that is allowed; r->fault says why it can't. */
extern HaRejoinResult ha_rejoin_clone_or_hold(HaRejoin *r);

/* A rewind from its beginning, and one that was cut off. */
extern HaRejoinResult ha_rejoin_rewind(HaRejoin *r);
extern HaRejoinResult ha_rejoin_rewind_on(HaRejoin *r);

#endif
