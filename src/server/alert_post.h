/*
 * alert_post.h: the way of messages between the tables and the sender: claims, answers. Of the leader's alerts worker.
 *
 * Claim (a transaction), send (the sender's, no transaction), record (a transaction). What was claimed and whose answer
 * was lost is claimed again, with the same ids: at least once.
 */
#ifndef HA_SERVER_ALERT_POST_H
#define HA_SERVER_ALERT_POST_H

#include "server/compat.h"

/*
 * Records the answers that have come, and claims what is due for channels that can take a request soon. Has
 * transactions of its own. Returns the milliseconds until it should be called again at the latest, -1 = not by time.
 */
extern int	ha_alert_post(const char *node);

/* To be called once when this process begins to lead: what its predecessor had claimed, and is under way no more. */
extern void ha_alert_reclaim(void);

#endif
