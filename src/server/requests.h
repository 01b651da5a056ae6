/*
 * requests.h: what operators ask for in SQL, on its way to the ha worker and back.
 *
 * A function of SQL only asks: it leaves the request in shared memory and waits for the answer; the ha worker looks at
 * it as at any other.
 */
#ifndef HA_SERVER_REQUESTS_H
#define HA_SERVER_REQUESTS_H

#include "server/shmem.h"

/*
 * Of a backend: asks and waits. False when no answer came in time, or when too many are waiting. Can be interrupted,
 * by an error that it raises; the outcome is unknown then.
 */
extern bool ha_request_ask(const HaRequest *request, long timeout_ms, HaReply *reply);

/* Of the ha worker: the next request that waits, with a number of its own in it. */
extern bool ha_request_take(HaRequest *request);

/* Of the ha worker: the answer to a request that was taken. Others are not ours and are ignored. */
extern void ha_request_answer(const HaReply *reply);

/* Of the ha worker, when it begins: what another one took is lost. */
extern void ha_request_forget(void);

#endif
