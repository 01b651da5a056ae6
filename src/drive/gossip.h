/*
 * gossip.h: the events that a member holds, and how they come to be the same everywhere.
 *
 * Each member keeps the newest HA_EVENTS_KEPT events that it has heard of, in the order of ha_event_compare(). A new
 * event of its own goes to all members at once; what was missed is asked for, by saying which keys are held, when a
 * connection comes up and now and then. So members that can talk hold the same, in whatever order they heard of it.
 *
 * Pure but for its place on this floor: no clock, no socket.
 */
#ifndef HA_DRIVE_GOSSIP_H
#define HA_DRIVE_GOSSIP_H

#include "wire/event.h"

typedef struct HaGossip
{
	HaId self;
	uint64_t run;
	uint64_t number;			/* of the last own event in this run */
	int64_t wall_us;			/* its time: own events do not go back */
	uint32_t count;
	HaEventRecord record[HA_EVENTS_KEPT];	/* ascending */
} HaGossip;

extern void ha_gossip_start(HaGossip *gossip, HaId self, uint64_t run);

/* Keeps the event; false when it is known already, or older than all of a full set. */
extern bool ha_gossip_add(HaGossip *gossip, const HaEventRecord *record);

/* Gives an own event its key and keeps it. */
extern void ha_gossip_own(HaGossip *gossip, HaEventRecord *record, int64_t wall_us);

/* What is held. */
extern void ha_gossip_keys(const HaGossip *gossip, HaEventKeys *keys);

/*
 * Fills the batch with what is held and `keys` lacks, from record number `from` on. Returns the number to go on from,
 * 0 when that was all.
 */
extern uint32_t ha_gossip_missing(const HaGossip *gossip, const HaEventKeys *keys, uint32_t from,
								  HaEventBatch *batch);

#endif
