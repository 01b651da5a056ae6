/*
 * limit.c: see limit.h.
 */
#include "server/compat.h"

#include "server/limit.h"

#include "utils/timeout.h"

static TimeoutId limit_id = MAX_TIMEOUTS;
static volatile sig_atomic_t passed = false;

/* As a user's cancel comes: the query ends at the next place where it looks. */
static void
limit_handler(void)
{
	passed = true;
	InterruptPending = true;
	QueryCancelPending = true;
	SetLatch(MyLatch);
}

void
ha_limit_begin(int32 limit_ms)
{
	if (limit_id == MAX_TIMEOUTS)
		limit_id = RegisterTimeout(USER_TIMEOUT, limit_handler);
	passed = false;
	enable_timeout_after(limit_id, limit_ms);
}

void
ha_limit_end(void)
{
	disable_timeout(limit_id, false);
}

bool
ha_limit_passed(void)
{
	return passed;
}

bool
ha_limit_was(ErrorData *error)
{
	bool		canceled = error->sqlerrcode == ERRCODE_QUERY_CANCELED;

	if (canceled && !passed)
		ReThrowError(error);
	if (passed && !canceled)
		QueryCancelPending = false; /* it came between the error and its end */
	return canceled;
}
