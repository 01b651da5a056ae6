/*
 * limit.h: a limit of time within a statement, after which what runs is ended as if the user had cancelled it.
 *
 * A wait for a lock ends too. One at a time: limits don't nest. The error that it raises is caught by who set it, in a
 * subtransaction, and told from a cancel of the user's by ha_limit_was().
 */
#ifndef HA_SERVER_LIMIT_H
#define HA_SERVER_LIMIT_H

#include "server/compat.h"

extern void ha_limit_begin(int32 limit_ms);

/* To be called on the way of an error, too. */
extern void ha_limit_end(void);

/* True once the limit has passed, until the next one begins. */
extern bool ha_limit_passed(void);

/*
 * To be called with an error that was caught and whose subtransaction is rolled back. True when the limit raised it.
 * What is meant for the whole statement, a cancel of the user's, is thrown again.
 */
extern bool ha_limit_was(ErrorData *error);

#endif
