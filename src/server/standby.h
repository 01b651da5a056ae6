/*
 * standby.h: this server as a standby: its WAL receiver, its replay, and why the receiver ended last.
 *
 * PostgreSQL tells the reason to the log only. Where the library is preloaded it is kept: the last FATAL line of a WAL
 * receiver, which speaks of connections and of WAL, not of data.
 */
#ifndef HA_SERVER_STANDBY_H
#define HA_SERVER_STANDBY_H

#include "server/compat.h"

#include <netdb.h>

#include "datatype/timestamp.h"
#include "server/shmem.h"

typedef struct HaStandby
{
	bool		paused;			/* or about to be */
	HaLagReceiver receiver;
	int			receiver_pid;
	HaLsn		flush_lsn;
	HaLsn		replay_lsn;
	HaTli		replay_tli;
	HaLsn		source_lsn;		/* end of the WAL of its source, as it last said; 0 = not known */
	TimestampTz heard_at;		/* when that source last said anything; 0 = never */
	char		source_host[NI_MAXHOST];	/* empty without a receiver */
	int			source_port;
	char		slot[NAMEDATALEN];
	bool		has_error;		/* the receiver has died, and nothing has come since */
	HaReceiverError error;
} HaStandby;

/* Called once, in _PG_init. */
extern void ha_standby_install(void);

/* Of any process of a server in recovery. */
extern void ha_standby_read(HaStandby *standby);

#endif
