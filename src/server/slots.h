/*
 * slots.h: physical replication slots for the other members, on every data node.
 *
 * A promoted standby has no slots unless they were there before; without them the others could not follow it at once.
 * So each node keeps one per other data member, pg_haops_<name>, and a standby moves them on by what the leader says of
 * the members' positions. A member's slot goes with the member. A slot that lost its WAL is made anew (S49).
 */
#ifndef HA_SERVER_SLOTS_H
#define HA_SERVER_SLOTS_H

#include "wire/status.h"

/*
 * Brings the slots in line with the register. Touches the disk and takes locks: of the keeper. Errors are raised, and
 * end the worker; it is started again.
 */
extern void ha_slots_keep(const HaStatus *status);

/*
 * Ends whoever decodes a logical slot while this primary does not hold the lease, so that no slot moves over WAL that
 * may be taken back (R39); the door lets nobody in before it does. Of the keeper.
 */
extern void ha_slots_end_decoding(void);

#endif
