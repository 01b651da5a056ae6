/*
 * poster.h: posts alerts to people. A part of the sender worker; joins the outbox, the card and the webhook.
 *
 * What is to be posted is read out of the events; that it was taken, or can't be, becomes an event. The address and
 * the secret are read from their files at each attempt, so that a mended file works at once, and are wiped after it.
 */
#ifndef HA_SERVER_POSTER_H
#define HA_SERVER_POSTER_H

#include "ops/alert.h"
#include "wire/status.h"

/* Once in the process. Raises an error when libcurl can't be set up: the worker is restarted then. */
extern void ha_poster_start(uint64_t seed);

/* Breaks off what is under way; never waits. */
extern void ha_poster_stop(void);

/* One descriptor for the whole life: readable when ha_poster_serve() should be called. */
extern int	ha_poster_fd(void);

/*
 * Goes on with what is under way, and begins with the next alert when there is one. Never waits. Returns the
 * milliseconds until it should be called again at the latest, -1 = not by time.
 */
extern int	ha_poster_serve(const HaStatus *status, HaEventLog log, const char *cluster, HaNow now);

#endif
