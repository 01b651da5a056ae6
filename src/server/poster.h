/*
 * poster.h: posts what people are to be told, a lane for each channel. A part of the sender worker; joins the events,
 * the posts of the alerts worker, tests and heartbeats with channels, lanes and requests.
 *
 * What is posted of the cluster's events is read out of them; that it was taken, or can't be, becomes an event. A
 * channel's file is read at each attempt, so that a mended one works at once, and what it holds is wiped after it.
 */
#ifndef HA_SERVER_POSTER_H
#define HA_SERVER_POSTER_H

#include "ops/alert.h"
#include "wire/status.h"

/* Once in the process. Raises an error when there is no descriptor: the worker is restarted then. */
extern void ha_poster_start(uint64_t seed);

/* Breaks off what is under way; never waits. */
extern void ha_poster_stop(void);

/* One descriptor for the whole life: readable when ha_poster_serve() should be called. */
extern int	ha_poster_fd(void);

/* The directory of the channels is to be read again: after a change of settings. */
extern void ha_poster_reload(void);

/*
 * Goes on with what is under way, and begins with the next message of each channel when there is one. Never waits.
 * Returns the milliseconds until it should be called again at the latest.
 */
extern int	ha_poster_serve(const HaStatus *status, HaEventLog log, const char *cluster, HaNow now);

#endif
