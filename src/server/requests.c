/*
 * requests.c: see requests.h.
 *
 * A slot goes FREE, CLAIMED, POSTED (by the asker), TAKEN, ANSWERED (by the ha worker), FREE (by the asker). An asker
 * that gives up leaves ABANDONED behind, which the answer frees. Each step is a compare-and-exchange: nobody waits.
 */
#include "server/compat.h"

#include "server/requests.h"

#include "io/clock.h"
#include "storage/ipc.h"

#define POLL_MS 100

/* The number of a request is its slot and the worker's count, so that a late answer finds no other request. */
#define NUMBER_UNIT HA_REQUESTS_MAX

enum
{
	FREE,
	CLAIMED,
	POSTED,
	TAKEN,
	ANSWERED,
	ABANDONED
};

static bool
change(HaRequestSlot *slot, uint32 from, uint32 to)
{
	return pg_atomic_compare_exchange_u32(&slot->state, &from, to);
}

/* ---- Of a backend ---- */

static void
give_up(int code, Datum arg)
{
	HaRequestSlot *slot = (HaRequestSlot *) DatumGetPointer(arg);

	if (!change(slot, POSTED, FREE) && !change(slot, TAKEN, ABANDONED))
		pg_atomic_write_u32(&slot->state, FREE);
}

static bool
wait_for_answer(HaRequestSlot *slot, long timeout_ms)
{
	HaUs		deadline_us = ha_clock_now().boot_us + timeout_ms * HA_US_PER_MS;

	while (pg_atomic_read_u32(&slot->state) != ANSWERED)
	{
		if (ha_clock_now().boot_us >= deadline_us)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, POLL_MS, PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	pg_read_barrier();
	return true;
}

bool
ha_request_ask(const HaRequest *request, long timeout_ms, HaReply *reply)
{
	HaRequestSlot *volatile slot = NULL;
	volatile bool answered = false;

	for (int i = 0; i < HA_REQUESTS_MAX && slot == NULL; i++)
	{
		if (change(&ha_shmem->request[i], FREE, CLAIMED))
			slot = &ha_shmem->request[i];
	}
	if (slot == NULL)
		return false;

	slot->request = *request;
	slot->asker = ha_my_proc_number();
	PG_ENSURE_ERROR_CLEANUP(give_up, PointerGetDatum(slot));
	{
		pg_write_barrier();
		pg_atomic_write_u32(&slot->state, POSTED);
		ha_shmem_wake(&ha_shmem->ha_proc);
		answered = wait_for_answer(slot, timeout_ms);
		if (answered)
			*reply = slot->reply;
	}
	PG_END_ENSURE_ERROR_CLEANUP(give_up, PointerGetDatum(slot));
	give_up(0, PointerGetDatum(slot));
	return answered;
}

/* ---- Of the ha worker ---- */

bool
ha_request_take(HaRequest *request)
{
	static uint64 count = 0;

	for (int i = 0; i < HA_REQUESTS_MAX; i++)
	{
		HaRequestSlot *slot = &ha_shmem->request[i];

		if (!change(slot, POSTED, TAKEN))
			continue;
		pg_read_barrier();
		slot->request.number = ++count * NUMBER_UNIT + (uint64) i;
		*request = slot->request;
		return true;
	}
	return false;
}

void
ha_request_answer(const HaReply *reply)
{
	HaRequestSlot *slot = &ha_shmem->request[reply->number % NUMBER_UNIT];
	uint32		state = pg_atomic_read_u32(&slot->state);

	if ((state != TAKEN && state != ABANDONED) || slot->request.number != reply->number)
		return;
	slot->reply = *reply;
	pg_write_barrier();
	if (change(slot, TAKEN, ANSWERED))
		SetLatch(&ProcGlobal->allProcs[slot->asker].procLatch);
	else
		change(slot, ABANDONED, FREE);
}

void
ha_request_forget(void)
{
	for (int i = 0; i < HA_REQUESTS_MAX; i++)
	{
		HaRequestSlot *slot = &ha_shmem->request[i];

		slot->reply = (HaReply) {.number = slot->request.number, .answer = HA_ANSWER_LOST};
		if (!change(slot, TAKEN, ANSWERED))
			change(slot, ABANDONED, FREE);
	}
}
