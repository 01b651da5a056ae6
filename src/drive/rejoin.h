/*
 * rejoin.h: makes a stopped data directory one that can follow the present leader (R38, S43 to S48).
 *
 * Nothing is done when its WAL is a part of the leader's. Otherwise it is rewound: crash recovery, a dry run, the
 * diverged WAL kept aside, the marker, PostgreSQL's folders moved aside, pg_rewind, back again. Where that can't be
 * done it is cloned, if that is allowed, or else waits for somebody to clone it.
 *
 * The state file is open and locked all the time; configuration, key and state stay where they are and as they are.
 * A run that was cut off anywhere is taken up again by the next one: the marker says where.
 */
#ifndef HA_DRIVE_REJOIN_H
#define HA_DRIVE_REJOIN_H

#include "core/chain.h"
#include "drive/clone.h"
#include "drive/local.h"

typedef struct HaRejoinOrder
{
	HaLineage lineage;			/* what the member found out; a marker comes before it */
	bool allow_clone;
	HaUs patience_us;			/* how long a leader is waited for */
} HaRejoinOrder;

typedef enum HaRejoinResult
{
	HA_REJOIN_START,			/* start it: it is whole; with a fault: untouched, and the member asks again */
	HA_REJOIN_HOLD,				/* start it: it is whole, but can't follow before somebody has cloned it */
	HA_REJOIN_FAILED			/* don't start it: it is not whole; try again, or clone it */
} HaRejoinResult;

/*
 * What a member must do that holds this chain and data directory, by the present leader's chain. The control file
 * tells where its WAL ends at the least.
 */
extern HaLineage ha_rejoin_compare(const HaChain *own, const HaControl *control, const HaChain *leader);

/* Tells what it does. Whatever the result, a fault says what did not go well, if anything. */
extern HaRejoinResult ha_rejoin_run(const HaLocal *local, const HaRejoinOrder *order, HaTeller teller, HaFault *fault);

#endif
