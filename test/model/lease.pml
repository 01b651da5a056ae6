/*
 * lease.pml: promise and lease under drifting clocks (R7, R9, R10, R19; layer B).
 *
 * Property: no two leases are valid at one instant of real time.
 *
 * Modelled (with common.pml): 3 members, elections, rounds of beats with delayed beats and answers, a lease
 * counted from the sending of the round, promises, the silence after a restart of the ha worker (which
 * leaves the lease in shared memory), and a leader's last will, which frees those who hear it from the
 * promise that they gave it.
 * Not modelled: changes of the members (member.pml), hand-over (transfer.pml), suspend (two clocks, R9),
 * and clocks that stand still while others run: that is outside assumption A3 and named in reliability.md
 * 7.4.
 *
 * Measured, exhaustive: 6,749,049 states with RESTARTS=2, 1,458,144 with 1. Mutants and times: README.md.
 */
#ifdef BUG_LEASE_ONE_LONGER		/* R19: one unit above the bound */
#define LEASE (PROMISE * SLOW / FAST + 1)
#endif
#include "common.pml"

bool resigned[TERMS + 1];		/* the last will of this term's leader is on its way, for ever */

/* The leader closes its lease and leads no more in this term. */
inline resign(i)
{
	resigned[term[i]] = true;
	lease[i] = 0;
	leads[i] = false;
	close_round(i)
}

#ifdef BUG_OLD_RESIGNATION		/* a resignation of an older term ends the promise */
#define will_comes(i) (resigned[term[i]] || term[i] > 0 && resigned[term[i] - 1])
#else
#define will_comes(i) (resigned[term[i]])
#endif

inline hear_will(i)
{
	promise[i] = 0;
	silence[i] = 0
}

#ifdef GOAL						/* to be reached: a lease of the last term, after a will and all restarts */
#define goal(i) assert(!(term[i] == TERMS && resigned[TERMS - 1] && restarts == 0))
#else
#define goal(i) skip
#endif

proctype member(byte me, a, b)
{
	do
	:: atomic { may_stand(me) && promise_over(me) -> stand(me) }
	:: atomic { asked(me, a) && promise_over(me) -> grant(me, a) }
	:: atomic { asked(me, b) && promise_over(me) -> grant(me, b) }
	:: atomic { majority(votes[me]) -> win(me) }
	:: atomic { leads[me] -> open_round(me) }
	:: atomic { beat_comes(me, a) -> answer(me, a) }
	:: atomic { beat_comes(me, b) -> answer(me, b) }
	:: atomic { supported(me) -> goal(me); extend(me) }
	:: atomic { leads[me] -> resign(me) }
	:: atomic { will_comes(me) && promise[me] + silence[me] > 0 -> hear_will(me) }
	:: atomic { restarts > 0 -> restart(me) }
	od
}
