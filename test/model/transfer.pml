/*
 * transfer.pml: the hand-over (R23), with the token that lets voters pass over their promise.
 *
 * Property: no two leases are valid at one instant of real time.
 *
 * Modelled (with common.pml): a leader closes its lease, then gives the token of its term to a target.
 * Whoever carries the token may stand in spite of its own promise, and asks with it; a voter passes over
 * its promise for it. The leader may give up the hand-over at any time and take its lease back, while the
 * token may still come to the target arbitrarily late. Therefore, as in core/message.h, a token is bound to
 * a round: who has answered a round of this leader that was sent after the token refuses it
 * (BUG_LATE_TOKEN), and so does who has gone on to a higher term, when a candidate stands a second time
 * (BUG_OLD_TOKEN). The silence after a restart is not passed over: the member has forgotten what it
 * answered (BUG_TOKEN_BREAKS_SILENCE). Beats go on during the hand-over.
 * Bound: one hand-over in a term.
 * Not modelled: the draining of commits and the target's position (they decide when the token is sent,
 * which here is at any time), the register.
 *
 * Measured, exhaustive: 1,406,274 states with TERMS=2, 2,057,225 with RESTARTS=0, 1,328,106 with PROMISE=5.
 * Mutants and times: README.md.
 */
#include "common.pml"

byte token[TERMS + 1];			/* of this term's leader, on its way for ever: its target + 1; 0 = none */
byte carries[3];				/* as a candidate: term of the token in its requests; 0 = none */
bool handing[3];				/* as a leader: the token was given and the hand-over not given up */
bool stale[3];					/* the open round was sent before the hand-over was given up */
bool past[3];					/* the open round was sent after the token */
bool moved_on[3];				/* has answered a round of its term's leader that was sent after the token */

#ifdef BUG_HANDOVER_KEEPS_LEASE	/* R23: the token is given while the lease runs */
#define close_first(i) skip
#else
#define close_first(i) lease[i] = 0
#endif

#ifdef BUG_STALE_ROUND			/* R23: answers to rounds sent before count again (etcd 12704) */
#define fresh(i) (!handing[i])
#else
#define fresh(i) (!handing[i] && !stale[i])
#endif

/* May the token of term t be used with member i? */
#ifdef BUG_LATE_TOKEN			/* whatever rounds the member has answered */
#define valid(i, t) (term[i] <= (t))
#else
#ifdef BUG_OLD_TOKEN			/* whatever its term */
#define valid(i, t) (!moved_on[i])
#else
#define valid(i, t) (term[i] < (t) || term[i] == (t) && !moved_on[i])
#endif
#endif

#ifdef BUG_TOKEN_BREAKS_SILENCE	/* R10 */
#define usable(i, t) (valid(i, t))
#else
#define usable(i, t) (valid(i, t) && silence[i] == 0)
#endif

#define may_hand_over(i) (leads[i] && term[i] < TERMS && token[term[i]] == 0)

inline hand_over(i, target)
{
	close_first(i);
	token[term[i]] = target + 1;
	handing[i] = true;
	stale[i] = (acks[i] != 0);
	past[i] = false
}

#define token_comes(i) (token[term[i]] == i + 1 && usable(i, term[i]))
#define may_grant(i, c) (asked(i, c) && (promise_over(i) || carries[c] != 0 && usable(i, carries[c])))

/* What belongs to the term; carries[] is set by the callers. */
inline forget(i)
{
	handing[i] = false;
	stale[i] = false;
	past[i] = false;
	moved_on[i] = false
}

inline stand_with(i, t)
{
	carries[i] = t;
	forget(i);
	stand(i)
}

inline send_round(i)
{
	open_round(i);
	stale[i] = handing[i];
	past[i] = (token[term[i]] != 0)
}

inline answer_noting(i, l)
{
	if
	:: term[i] < term[l] -> forget(i)
	:: else
	fi;
	carries[i] = 0;
	moved_on[i] = moved_on[i] | past[l];
	answer(i, l)
}

#ifdef GOAL						/* to be reached: a lease taken back although others went on by the token */
#define goal(i) assert(!(past[i] && term[0] + term[1] + term[2] > 3 * term[i] && restarts == 0))
#else
#define goal(i) skip
#endif

proctype member(byte me, a, b)
{
	do
	:: atomic { may_stand(me) && promise_over(me) -> stand_with(me, 0) }
	:: atomic { may_stand(me) && promise_over(me) && carries[me] != 0 -> stand_with(me, carries[me]) }
	:: atomic { may_stand(me) && token_comes(me) -> stand_with(me, term[me]) }
	:: atomic { may_grant(me, a) -> carries[me] = 0; forget(me); grant(me, a) }
	:: atomic { may_grant(me, b) -> carries[me] = 0; forget(me); grant(me, b) }
	:: atomic { majority(votes[me]) -> carries[me] = 0; win(me) }
	:: atomic { leads[me] -> send_round(me) }
	:: atomic { beat_comes(me, a) -> answer_noting(me, a) }
	:: atomic { beat_comes(me, b) -> answer_noting(me, b) }
	:: atomic { supported(me) && fresh(me) -> goal(me); extend(me) }
	:: atomic { may_hand_over(me) -> hand_over(me, a) }
	:: atomic { may_hand_over(me) -> hand_over(me, b) }
	:: atomic { handing[me] -> handing[me] = false }
	:: atomic { restarts > 0 -> carries[me] = 0; forget(me); restart(me) }
	od
}
