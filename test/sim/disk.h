/*
 * disk.h: the state file: writes that are slow, fail, or are cut off by a loss of power.
 *
 * The store itself (two slots, checksums, binding) has its own tests; here a write ends as the old state or as the
 * new one, and whoever made it may be gone by then. A failed write ends the ha worker (R4).
 */
#ifndef HA_SIM_DISK_H
#define HA_SIM_DISK_H

#include "test/sim/sim.h"

/* What the next write meets. */
typedef enum SimDiskTrap
{
	SIM_DISK_WELL,
	SIM_DISK_FAILS,				/* EIO, or the disk is full */
	SIM_DISK_TORN				/* power is lost meanwhile */
} SimDiskTrap;

/*
 * Makes node.hard durable. True: it is, go on. False: it takes time (sim_disk_timer goes on then), or whoever asked
 * is no longer there.
 */
extern bool sim_disk_persist(struct SimWorld *w, struct SimHost *h);
extern void sim_disk_timer(struct SimWorld *w, struct SimHost *h);

#endif
