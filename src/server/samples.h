/*
 * samples.h: on a standby, which can't write tables, the last samples of its own counters are kept in shared memory:
 * one a turn of the health duty, an hour of them at its default. On a primary they are in haops.health_sample.
 */
#ifndef HA_SERVER_SAMPLES_H
#define HA_SERVER_SAMPLES_H

#include "server/compat.h"

#include "server/monitor.h"

/* Takes one. Of the monitor, outside of a transaction, while recovery is in progress and takes queries. */
extern void ha_samples_take(void);

/* What is there, palloc'd; empty where there is no monitor. */
extern HaSamples *ha_samples_read(void);

#endif
