/*
 * check.c: a module for bench/fence: how long the fence's check of one commit takes, in nanoseconds.
 *
 * It calls the very functions of the loaded pg_haops library that every commit calls, many times, in an ordinary
 * session: enter, look at the gate and the lease, leave; once before the commit record and once after it.
 */
#include "postgres.h"

#include "fmgr.h"
#include "portability/instr_time.h"
#include "server/gate.h"

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(haops_bench_check);

/* haops_bench_check(rounds int) returns float8: nanoseconds per round of both checks. Error unless the gate is open. */
Datum
haops_bench_check(PG_FUNCTION_ARGS)
{
	int32		rounds = PG_GETARG_INT32(0);
	bool		(*enter) (HaFlightKind kind);
	HaVerdictOfGate (*look) (HaGateView *view);
	void		(*leave) (void);
	HaGateView	view;
	instr_time	began;
	instr_time	ended;

	enter = (bool (*) (HaFlightKind)) load_external_function("pg_haops", "ha_gate_enter", true, NULL);
	look = (HaVerdictOfGate (*) (HaGateView *)) load_external_function("pg_haops", "ha_gate_look", true, NULL);
	leave = (void (*) (void)) load_external_function("pg_haops", "ha_gate_leave", true, NULL);
	INSTR_TIME_SET_CURRENT(began);
	for (int32 i = 0; i < rounds; i++)
	{
		HaVerdictOfGate before;
		HaVerdictOfGate after;

		(void) enter(HA_FLIGHT_WRITING);
		before = look(&view);
		(void) enter(HA_FLIGHT_JUDGING);
		after = look(&view);
		leave();
		if (before != HA_GATE_OPEN || after != HA_GATE_OPEN)
			elog(ERROR, "the gate is not open");
	}
	INSTR_TIME_SET_CURRENT(ended);
	INSTR_TIME_SUBTRACT(ended, began);
	PG_RETURN_FLOAT8(INSTR_TIME_GET_DOUBLE(ended) * 1e9 / Max(rounds, 1));
}
