/*
 * facts.h: what the local PostgreSQL is and holds (HaPg), read from shared memory.
 *
 * No SQL, no file, no lock but spinlocks that are held for a few instructions; it costs about a microsecond. Of the ha
 * worker.
 */
#ifndef HA_SERVER_FACTS_H
#define HA_SERVER_FACTS_H

#include "core/node.h"

/*
 * `orders_number` and `orders_upstream` are the last orders written (control.h): as long as the startup process has not
 * read them, or as they name an upstream, a WAL receiver may be started at any moment (HaPg.receiving).
 */
extern void ha_facts_read(HaPg *pg, uint32_t orders_number, HaId orders_upstream);

/* The WAL receiver's process, 0 = none. */
extern int ha_facts_receiver_pid(void);

/* True once the startup process has read the orders of this number. */
extern bool ha_facts_orders_read(uint32_t orders_number);

/* Why this member may not stand, as far as settings say (HA_BLOCK_...). Of the keeper, which reads settings anew. */
extern uint32_t ha_facts_config_blocks(void);

#endif
