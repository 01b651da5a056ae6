/*
 * common.pml: three members with terms, votes, promises, rounds of beats and leases, under clocks of
 * different rates. Included by lease.pml and transfer.pml, which say what else may happen.
 *
 * Time. A tick is a moment of real time in which every clock advances by SLOW or by FAST units, each as it
 * likes and anew in every tick. All times are what is left by the member's own clock. SLOW : FAST = 0.8 is
 * the ratio that pg_haops relies on (R19), so LEASE = 0.8 x PROMISE is exactly the bound.
 *
 * Messages are not stored. What was sent may be received at any later time by who has not received it:
 *	- a vote request, as long as its sender is a candidate of that term; the candidate counts a grant when
 *	  it likes;
 *	- a beat, as long as its round is open; the leader counts an answer when it likes.
 * So both ways are delayed without bound, messages overtake each other and are lost. Left out is only a
 * beat that comes twice or after its round was closed: it lengthens a promise, which hinders an election
 * and allows nothing. A leader has one round open at a time: rounds give leases independently of each
 * other, so a lease that is wrong is wrong with this one round.
 *
 * Pre-vote, registers and positions are left out: they only refuse more candidates.
 */
#ifndef SLOW
#define SLOW 4
#endif
#ifndef FAST
#define FAST 5
#endif
#ifndef PROMISE
#define PROMISE 10
#endif
#ifndef LEASE
#define LEASE (PROMISE * SLOW / FAST)
#endif
#ifndef TERMS
#define TERMS 3					/* elections */
#endif
#ifndef RESTARTS
#define RESTARTS 1				/* of the ha worker, all members together */
#endif

#define bit_of(i) (1 << (i))
#define majority(set) ((set) == 3 || (set) >= 5)	/* of three */

/* Persisted (R3). */
byte term[3];
byte voted[3];					/* whom in this term: member + 1; 0 = nobody */

/* Forgotten by a restart of the ha worker. */
bool leads[3];
byte votes[3];					/* as a candidate: set of grants, sent or received; 0 = no candidate */
byte promise[3];				/* R9 */
byte silence[3];				/* R10 */
byte age[3] = LEASE;			/* of the open round since it was sent; LEASE = it is worth nothing */
byte acks[3];					/* set of members that answered the open round; 0 = none open */

/* In shared memory, where the backends read it: outlives the ha worker. */
byte lease[3];

byte restarts = RESTARTS;

/* ---- The rules, and the seeded bugs in them ---- */

#ifdef BUG_HIGHER_TERM_KEEPS_LEASE	/* R7: a vote or a higher term leaves the lease in place */
#define close_lease(i) skip
#else
#define close_lease(i) lease[i] = 0
#endif

#ifdef BUG_NO_STICKINESS		/* R9: a vote ignores the promise */
#define promise_over(i) (silence[i] == 0)
#else
#define promise_over(i) (promise[i] == 0 && silence[i] == 0)
#endif

#ifdef BUG_NO_SILENCE			/* R10: a restart forgets the promise */
#define SILENCE 0
#else
#define SILENCE PROMISE
#endif

#ifdef BUG_LEASE_FROM_RECEIPT	/* R19: the lease is counted from the receipt of the answers */
#define in_time(i) true
#define worth(i) LEASE
#else
#define in_time(i) (age[i] < LEASE)
#define worth(i) (LEASE - age[i])
#endif

/* ---- Elections ---- */

inline close_round(i)
{
	age[i] = LEASE;
	acks[i] = 0
}

inline step_down(i)
{
	close_lease(i);
	leads[i] = false;
	votes[i] = 0;
	close_round(i)
}

/* The members are alike: they are numbered in the order in which they leave term 0. No mirror images. */
#define in_turn(i) (term[i] > 0 || i == 0 || term[i - 1] > 0)

#define may_stand(i) (!leads[i] && term[i] < TERMS && in_turn(i))

inline stand(i)
{
	step_down(i);
	term[i]++;
	voted[i] = i + 1;
	votes[i] = bit_of(i)
}

#define asked(i, c) (votes[c] != 0 && in_turn(i) && \
	(term[i] < term[c] || term[i] == term[c] && voted[i] == 0))

inline grant(i, c)
{
	step_down(i);
	term[i] = term[c];
	voted[i] = c + 1;
	votes[c] = votes[c] | bit_of(i)
}

inline win(i)
{
	votes[i] = 0;
	leads[i] = true
}

/* ---- Rounds ---- */

inline open_round(i)
{
	age[i] = 0;
	acks[i] = bit_of(i)
}

#define beat_comes(i, l) (acks[l] != 0 && !(acks[l] & bit_of(i)) && in_turn(i) && term[i] <= term[l])

inline answer(i, l)
{
	if
	:: term[i] < term[l] ->
		step_down(i);
		term[i] = term[l];
		voted[i] = 0
	:: else ->
		votes[i] = 0
	fi;
	promise[i] = PROMISE;
	acks[l] = acks[l] | bit_of(i)
}

#define supported(i) (majority(acks[i]) && in_time(i))

/* The property: at no instant of real time are there two leases. */
inline extend(i)
{
	if
	:: lease[i] < worth(i) -> lease[i] = worth(i)
	:: else
	fi;
	close_round(i);
	assert((lease[0] > 0) + (lease[1] > 0) + (lease[2] > 0) <= 1)
}

/* ---- The world ---- */

/*
 * The ha worker starts again. Its lease runs on in shared memory (a crash of the whole server, which loses
 * it, is the weaker case), and a leader may resume its term or not.
 */
inline restart(i)
{
	restarts--;
	votes[i] = 0;
	close_round(i);
	promise[i] = 0;
	silence[i] = SILENCE;
	if
	:: leads[i] = false
	:: leads[i]
	fi
}

#define rest(a, units) ((a) > (units) -> (a) - (units) : 0)

inline advance(i, units)
{
	promise[i] = rest(promise[i], units);
	silence[i] = rest(silence[i], units);
	lease[i] = rest(lease[i], units);
	if
	:: age[i] + units < LEASE ->
		age[i] = age[i] + units
	:: else ->
#ifdef BUG_LEASE_FROM_RECEIPT
		age[i] = LEASE
#else
		close_round(i)
#endif
	fi
}

proctype time()
{
	do
	:: atomic {
		if :: advance(0, SLOW) :: advance(0, FAST) fi;
		if :: advance(1, SLOW) :: advance(1, FAST) fi;
		if :: advance(2, SLOW) :: advance(2, FAST) fi
	}
	od
}

init
{
	atomic {
		run member(0, 1, 2);
		run member(1, 2, 0);
		run member(2, 0, 1);
		run time()
	}
}
