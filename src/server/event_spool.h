/*
 * event_spool.h: brings the cluster's events back after a start, and keeps them on disk (io/spool).
 *
 * Of the alerts worker: the one process of this server that may wait for a disk and of which nothing else waits.
 */
#ifndef HA_SERVER_EVENT_SPOOL_H
#define HA_SERVER_EVENT_SPOOL_H

/* Once the server has started: hands what the file holds to the ha worker. Later calls do nothing. */
extern void ha_event_spool_restore(void);

/* Writes the events when there are others than before; at most once a second. Milliseconds until it wants to again. */
extern int	ha_event_spool_keep(void);

#endif
