/*
 * wal.pml: no acknowledged entry is lost, without any clock
 * (R3, R7, R11 to R16, R25, R26, R28, R31 to R33, R38; layer A).
 *
 * Property: every leader of a later term holds every acknowledged entry. And: one leader in a term.
 *
 * Modelled: 3 data members (with WITNESS: 2 and a witness, who votes and keeps the register and holds no
 * WAL), terms, persisted votes, WAL as a row of entries that each bear the term of the leader who wrote it,
 * WAL receivers that stop before a vote, comparing of chains and rewinding before following, flush reports,
 * commits acknowledged by k others of the sync set, the register with k, written by each leader at its
 * start (first write) and changed once (second write: k = 1 to k = 0, the leader goes on alone, or back)
 * with joint gate and barrier, and the data quorum.
 *
 * What stands for what:
 *	- The sync set is all data members. The last leader of R15 is who wrote the candidate's register.
 *	- Messages are not stored. A vote request comes at any time while its sender is a candidate of that
 *	  term, a register version at any time after it was written (who[], k_of[], second[] remember what was),
 *	  WAL as long as its source has not rewound. Grants, register answers and flush reports are used by
 *	  their receiver at any time after they were sent. So all are delayed without bound, lost and overtaken.
 *	- A crash loses only what is volatile: a member that crashes and comes back is one that does nothing
 *	  more in its role, until it follows or stands again; that is possible at any time, for a leader too,
 *	  any number of times.
 *	- A write is a flush. There are no timers: promises and leases are left out, which allows more
 *	  elections.
 *	- Standing or voting in a term that already has its leader is left out: it could as well have happened
 *	  before that leader's win, when its only effect, a rival with a majority, is looked for (yield_to). A
 *	  candidate may leave out terms instead. The members are numbered in the order in which they leave term
 *	  0 (no mirror images).
 * Not modelled: PostgreSQL's promotion and timelines (R16 second half, R17), R37, changes of the sync set's
 * members, two sets in the gate (at 3 members k alone decides).
 *
 * Measured, exhaustive: 15,908,367 states with ENTRIES=3, 3,444,338 with 2; with WITNESS 1,292,812, 375,856.
 * Mutants and times: README.md.
 */
#ifndef TERMS
#define TERMS 3					/* 2 or 3 elections */
#endif
#ifndef ENTRIES
#define ENTRIES 2				/* 2 or 3, of each member's WAL */
#endif
#ifdef WITNESS
#define DATA 3					/* set of data members */
#else
#define DATA 7
#endif

#define NOBODY 3
#define bit_of(i) (1 << (i))
#define majority(set) ((set) == 3 || (set) >= 5)	/* of three */

/* Persisted (R3). */
byte term[3];
byte voted[3] = NOBODY;
byte version[3] = 1;			/* of the register: 2 x term, + 1 for a second write; 1 = at the founding */
byte chain[3];					/* term whose leader's WAL may be received (R33), and is held; 0 = none */
byte lsn[3];					/* number of entries held */
byte wal[3 * ENTRIES];			/* term of the leader that wrote the entry; 0 = none */

/* Volatile. */
bool receives[3];				/* a WAL receiver runs */
byte votes[3];					/* as a candidate: set of grants, sent or received; 0 = no candidate */
byte stored[3];					/* as a leader: set of members that persisted its newest version */
byte flushed[9];				/* [3 * l + j]: what j, having joined, has reported to the leader l */

/* What has been sent, and what must not be lost. */
byte who[TERMS + 1] = NOBODY;	/* leader of the term */
bool k_of[TERMS + 1];			/* k in its first write, not k in the second; at the founding k = 1 */
bool second[TERMS + 1];			/* there was a second write */
byte acked[ENTRIES];			/* term of the acknowledged entry at this place; 0 = none */

#define at(i, n) wal[(i) * ENTRIES + (n)]
#define k_in(v) (k_of[(v) / 2] ^ ((v) & 1))
#define leads(i) (who[term[i]] == i)
#define first_write(l) (version[l] == 2 * term[l])
#define committed(l) (majority(stored[l]))

#ifdef WITNESS
#define in_turn(i) (term[i] > 0 || i != 1 || term[0] > 0)
#else
#define in_turn(i) (term[i] > 0 || i == 0 || term[i - 1] > 0)
#endif

/* ---- The rules, and the seeded bugs in them ---- */

#ifdef BUG_STALE_REGISTER		/* R11: the candidate's register may be older */
#define as_new(c, i) true
#else
#define as_new(c, i) (version[c] >= version[i])
#endif

#define wal_term(i) (lsn[i] > 0 -> at(i, lsn[i] - 1) : 0)
#ifdef BUG_LSN_ONLY				/* R12: positions are compared by LSN alone */
#define as_far(c, i) (lsn[c] >= lsn[i])
#else
#define as_far(c, i) (wal_term(c) > wal_term(i) || wal_term(c) == wal_term(i) && lsn[c] >= lsn[i])
#endif

#ifdef BUG_RECEIVER_RUNS		/* R13: who votes goes on receiving */
#define stop_receiver(i) skip
#else							/* chain[] matters no more, except as the source of others */
#define stop_receiver(i) receives[i] = false; chain[i] = (who[chain[i]] == i -> chain[i] : 0)
#endif

#ifdef BUG_NO_DATA_QUORUM		/* R15 */
#define data_quorum(set, v) true
#else							/* with k = 1, |S'| - k + 1 are all the others; with k = 0 more than all */
#define with_all_others(set, l) (((set) & DATA | bit_of(l)) == DATA)
#define data_quorum(set, v) ((v) == 1 || (set) & bit_of(who[(v) / 2]) || \
	k_in(v) && with_all_others(set, who[(v) / 2]))
#endif

#ifdef BUG_EARLY_ACK			/* R16, R28: before the term's first write is on a majority */
#define open(l) true
#else
#define open(l) (!first_write(l) || committed(l))
#endif

/* R32: while the second write is uncommitted, the gate holds both rules, of which k = 1 is the stricter. */
#ifdef BUG_NO_JOINT_GATE		/* the new rule alone */
#define k_needed(l) k_in(version[l])
#else
#ifdef BUG_REGISTER_FIRST		/* the old rule alone */
#define k_needed(l) (k_in(version[l]) ^ (!first_write(l) && !committed(l)))
#else
#define k_needed(l) (k_in(version[l]) || !first_write(l) && !committed(l))
#endif
#endif
#ifdef BUG_NO_BARRIER			/* R32: k = 1 is registered before everything flushed satisfies it */
#define barrier(l, a, b) true
#else
#define barrier(l, a, b) (k_in(version[l]) || flushed[3 * l + a] >= lsn[l] || flushed[3 * l + b] >= lsn[l])
#endif

/* ---- Elections ---- */

inline leave_role(i)
{
	votes[i] = 0;
	stored[i] = 0;
	flushed[3 * i] = 0;
	flushed[3 * i + 1] = 0;
	flushed[3 * i + 2] = 0
}

inline go_to(i, t)
{
	leave_role(i);
	stop_receiver(i);
	term[i] = t;
	voted[i] = NOBODY
}

#define may_stand(i, t) (bit_of(i) & DATA && term[i] < t && who[t] == NOBODY && in_turn(i))

inline stand(i, t)
{
	go_to(i, t);
	receives[i] = false;
	voted[i] = i;
	votes[i] = bit_of(i)
}

#define may_grant(i, c) (votes[c] != 0 && who[term[c]] == NOBODY && in_turn(i) && \
	(term[i] < term[c] || term[i] == term[c] && voted[i] == NOBODY) && as_new(c, i) && as_far(c, i))

inline grant(i, c)
{
	go_to(i, term[c]);
	voted[i] = c;
	votes[c] = votes[c] | bit_of(i)
}

#define may_win(i) (majority(votes[i]) && data_quorum(votes[i], version[i]))

/* c can win this term no more: one leader in a term. */
inline yield_to(i, c)
{
	if
	:: term[c] == term[i] ->
		assert(!majority(votes[c]));
		votes[c] = 0;
		voted[c] = NOBODY
	:: else
	fi
}

#define holds(i, n) (acked[n] == 0 || acked[n] >= term[i] || at(i, n) == acked[n])

inline win(i, a, b)
{
	assert(holds(i, 0) && holds(i, 1) && holds(i, ENTRIES - 1));
	yield_to(i, a);
	yield_to(i, b);
	who[term[i]] = i;
	k_of[term[i]] = k_in(version[i]);
	version[i] = 2 * term[i];
	chain[i] = term[i];
	leave_role(i);
	voted[i] = NOBODY;
	stored[i] = bit_of(i)
}

/* ---- The register ---- */

#define may_write_second(i, a, b) (leads(i) && first_write(i) && committed(i) && barrier(i, a, b))

inline write_second(i)
{
	second[term[i]] = true;
	version[i]++;
	stored[i] = bit_of(i)
}

#define may_store(i, t, v) (v > version[i] && term[i] <= t && who[t] != NOBODY && in_turn(i) && \
	(v == 2 * t || second[t]))

/* Version v of term t comes to i. */
inline store(i, t, v)
{
	if
	:: term[i] < t -> go_to(i, t)
	:: else
	fi;
	version[i] = v;
	if
	:: stored[who[t]] != 0 && version[who[t]] == v -> stored[who[t]] = stored[who[t]] | bit_of(i)
	:: else
	fi
}

/* ---- WAL ---- */

inline report(i, l)
{
	if
	:: leads(l) && chain[i] == term[l] -> flushed[3 * l + i] = lsn[i]
	:: else
	fi
}

#define may_join(i, l) (bit_of(i) & DATA && leads(l) && term[i] <= term[l] && in_turn(i) && \
	(chain[i] < term[l] || !receives[i]))

/* Compares chains, rewinds to where they part, and follows. */
inline join(i, l)
{
	if
	:: term[i] < term[l] -> go_to(i, term[l])
	:: else
	fi;
	votes[i] = 0;
#ifndef BUG_JOIN_UNCHECKED		/* R33, R38: follows with what it has */
	n = 0;
	do
	:: n < lsn[i] && n < lsn[l] && at(i, n) == at(l, n) -> n++
	:: else -> break
	od;
	lsn[i] = n;
	do
	:: n < ENTRIES ->
		at(i, n) = 0;
		n++
	:: else -> break
	od;
	n = 0;
#endif
	chain[i] = term[l];
	receives[i] = true;
	report(i, l)
}

/* The source may be a leader that was deposed or has crashed and does not know or follow another yet. */
#define may_receive(i, l) (receives[i] && who[chain[i]] == l && chain[l] == chain[i] && lsn[i] < lsn[l])

inline receive(i, l)
{
	at(i, lsn[i]) = at(l, lsn[i]);
	lsn[i]++;
	report(i, l)
}

#define may_append(i) (leads(i) && open(i) && lsn[i] < ENTRIES)

inline append(i)
{
	at(i, lsn[i]) = term[i];
	lsn[i]++
}

#define enough(l, a, b, n) (!k_needed(l) || flushed[3 * l + a] > n || flushed[3 * l + b] > n)
#define may_ack(l, a, b, n) (leads(l) && open(l) && at(l, n) == term[l] && acked[n] != term[l] && \
	enough(l, a, b, n))

#ifdef GOAL						/* to be reached: the last leader acknowledges alone, the one before did too */
#define goal(l, n) assert(!(term[l] == TERMS && !k_needed(l) && n == 1 && acked[0] == TERMS - 1))
#else
#define goal(l, n) skip
#endif

inline ack(l, a, b, n)
{
	goal(l, n);
	acked[n] = term[l];
	assert(!(leads(a) && term[a] > term[l]) || at(a, n) == acked[n]);
	assert(!(leads(b) && term[b] > term[l]) || at(b, n) == acked[n])
}

#ifdef BUG_VOTE_FORGOTTEN		/* R3: once, a restart forgets the vote */
bool forgotten;
#endif

proctype member(byte me, a, b)
{
	byte n;

end:
	do
	:: atomic { may_stand(me, 1) -> stand(me, 1) }
	:: atomic { may_stand(me, 2) -> stand(me, 2) }
	:: atomic { may_stand(me, TERMS) -> stand(me, TERMS) }
	:: atomic { may_grant(me, a) -> grant(me, a) }
	:: atomic { may_grant(me, b) -> grant(me, b) }
	:: atomic { may_win(me) -> win(me, a, b) }
	:: atomic { may_write_second(me, a, b) -> write_second(me) }
	:: atomic { may_store(me, 1, 2) -> store(me, 1, 2) }
	:: atomic { may_store(me, 1, 3) -> store(me, 1, 3) }
	:: atomic { may_store(me, 2, 4) -> store(me, 2, 4) }
	:: atomic { may_store(me, 2, 5) -> store(me, 2, 5) }
	:: atomic { may_store(me, TERMS, 2 * TERMS) -> store(me, TERMS, 2 * TERMS) }
	:: atomic { may_store(me, TERMS, 2 * TERMS + 1) -> store(me, TERMS, 2 * TERMS + 1) }
	:: atomic { may_join(me, a) -> join(me, a) }
	:: atomic { may_join(me, b) -> join(me, b) }
	:: atomic { may_receive(me, a) -> receive(me, a) }
	:: atomic { may_receive(me, b) -> receive(me, b) }
	:: atomic { may_append(me) -> append(me) }
	:: atomic { may_ack(me, a, b, 0) -> ack(me, a, b, 0) }
	:: atomic { may_ack(me, a, b, 1) -> ack(me, a, b, 1) }
	:: atomic { may_ack(me, a, b, ENTRIES - 1) -> ack(me, a, b, ENTRIES - 1) }
#ifdef BUG_VOTE_FORGOTTEN
	:: atomic { !forgotten && !leads(me) -> forgotten = true; voted[me] = NOBODY }
#endif
	od
}

init
{
	atomic {
		run member(0, 1, 2);
		run member(1, 2, 0);
		run member(2, 0, 1)
	}
}
