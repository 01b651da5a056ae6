/*
 * member.pml: changes of the voters, in single steps through the register (R3, R7, R11, R20, R25 to R27).
 *
 * Property: one leader in a term, and every leader of a later term was elected with every register version
 * that was committed. So no two disjoint majorities act: one of them would elect a leader without what the
 * other committed.
 *
 * Modelled: 4 members, of whom 3 (FIRST = 7) or 4 (FIRST = 15) are voters at first; CHANGES of voters, each
 * adding or removing any one member but the leader. The register version holds the list of voters and,
 * while a change is uncommitted, the list before. A leader's first write repeats what it holds; a change
 * writes (new list, list before); when that is committed, it is settled by writing (new list, none), which
 * makes room for another change. While there is a list before, elections and commits need a majority of
 * both lists. A member uses the list that it holds, committed or not.
 *
 * There are two belts here: "one change at a time, after the first write" (R27, enough by itself: Raft's
 * single-server change), and the majority of both lists (R20, R26, enough by itself against an early
 * change). The model shows that either may be lost alone, but not both: BUG_NEW_VOTERS_ONLY and
 * BUG_EARLY_CHANGE alone are correct, together they are the bug of 2015. BUG_SECOND_CHANGE is one by
 * itself, from the third uncommitted change on.
 *
 * What stands for what:
 *	- Messages are not stored. A vote request comes at any time while its sender is a candidate of that
 *	  term, a register version at any time after it was written; grants and answers are used at any time
 *	  after they were sent.
 *	- A crash is a member that does nothing more in its role until it stands or stores again; possible at
 *	  any time.
 *	- Standing or voting in a term that already has its leader is left out: it could as well have happened
 *	  before that leader's win, where a rival with a majority is looked for. A candidate may leave out terms
 *	  instead. The members that are alike are numbered in the order in which they leave term 0 (no mirror
 *	  images).
 * Not modelled: WAL, leases, learners (every member has the register from the start: a learner is a member
 * that is in no list), a leader that removes itself (refused).
 *
 * Measured, exhaustive: 8,776,226 states with FIRST=7, 10,707,785 with FIRST=15.
 * Mutants and times: README.md.
 */
#ifndef FIRST
#define FIRST 7
#endif
#ifndef TERMS
#define TERMS 3					/* 2 or 3 elections */
#endif
#ifndef CHANGES
#define CHANGES 2				/* of voters, all leaders together */
#endif
#ifndef WRITES
#define WRITES 3				/* 2, 3 or 4: of one leader, the first one included */
#endif

#define MEMBERS 4
#define NOBODY MEMBERS
#define bit_of(i) (1 << (i))
#define count(s) (((s) & 1) + ((s) / 2 & 1) + ((s) / 4 & 1) + ((s) / 8 & 1))
#define majority(yes, list) (2 * count((yes) & (list)) > count(list))

/* Register versions are numbered through: the writes of term t are t x WRITES + 0, 1, ... */
#define version_of(t, n) ((t) * WRITES + (n))
#define term_of(v) ((v) / WRITES)
#define FOUNDING (WRITES - 1)

/* Persisted (R3). */
byte term[MEMBERS];
byte voted[MEMBERS] = NOBODY;
byte version[MEMBERS] = FOUNDING;

/* Volatile. */
byte votes[MEMBERS];			/* as a candidate: set of grants, sent or received; 0 = no candidate */
byte stored[MEMBERS];			/* as a leader, until committed: who has persisted its newest version */

/* What has been written, and what must not be lost. */
byte who[TERMS + 1] = NOBODY;	/* leader of the term */
byte held[TERMS + 1];			/* version with which it was elected */
byte committed[TERMS + 1];		/* newest committed version of the term; 0 = none */
byte voters[(TERMS + 1) * WRITES];	/* of the version; 0 = not written */
byte before[(TERMS + 1) * WRITES];	/* list before; 0 = none */
byte changes = CHANGES;			/* left */
byte x;							/* loops; otherwise 0 */

#define leads(i) (who[term[i]] == i)
#define first_write(i) (version[i] % WRITES == 0)
#define is_committed(i) (committed[term[i]] == version[i])
#define in_turn(i) (term[i] > 0 || i == 0 || i == 3 && FIRST == 7 || term[i - 1] > 0)

/* ---- The rules, and the seeded bugs in them ---- */

#ifdef BUG_NEW_VOTERS_ONLY		/* R20, R26: the new list alone */
#define agreed(yes, v) majority(yes, voters[v])
#else
#define agreed(yes, v) (majority(yes, voters[v]) && (before[v] == 0 || majority(yes, before[v])))
#endif

#ifdef BUG_EARLY_CHANGE			/* R27: before the term's first write is committed */
#define first_done(i) true
#else
#define first_done(i) (!first_write(i) || is_committed(i))
#endif

#ifdef BUG_SECOND_CHANGE		/* R27: before the change before is committed */
#define none_open(i) true
#else
#define none_open(i) (before[version[i]] == 0 && (first_write(i) || is_committed(i)))
#endif

/* ---- Elections ---- */

inline leave_role(i)
{
	votes[i] = 0;
	stored[i] = 0
}

#define may_stand(i, t) (term[i] < t && who[t] == NOBODY && voters[version[i]] & bit_of(i) && in_turn(i))

inline stand(i, t)
{
	leave_role(i);
	term[i] = t;
	voted[i] = i;
	votes[i] = bit_of(i)
}

#define may_grant(i, c) (votes[c] != 0 && who[term[c]] == NOBODY && in_turn(i) && \
	version[c] >= version[i] && (term[i] < term[c] || term[i] == term[c] && voted[i] == NOBODY))

inline grant(i, c)
{
	leave_role(i);
	term[i] = term[c];
	voted[i] = c;
	votes[c] = votes[c] | bit_of(i)
}

#define may_win(i) (votes[i] != 0 && agreed(votes[i], version[i]))

inline write(i, v, list, old)
{
	voters[v] = list;
	before[v] = old;
	version[i] = v;
	stored[i] = bit_of(i)
}

inline win(i)
{
	who[term[i]] = i;
	held[term[i]] = version[i];
	do
	:: x < MEMBERS && term[x] == term[i] ->
		assert(x == i || !may_win(x));	/* one leader in a term */
		voted[x] = NOBODY;
		votes[x] = (x == i -> votes[i] : 0);
		x++
	:: x < MEMBERS && term[x] != term[i] -> x++
	:: else -> break
	od;
	x = 1;
	do
	:: x < term[i] ->
		assert(held[term[i]] >= committed[x]);
		x++
	:: else -> break
	od;
	x = 0;
	votes[i] = 0;
	write(i, version_of(term[i], 0), voters[held[term[i]]], before[held[term[i]]])
}

/* ---- The register ---- */

#define may_commit(i) (leads(i) && !is_committed(i) && agreed(stored[i], version[i]))

#ifdef GOAL						/* to be reached: a change is committed after another leader's was settled */
#define goal(i) assert(!(before[version[i]] != 0 && before[version[i]] != FIRST && \
	version_of(term[i], 1) == version[i]))
#else
#define goal(i) skip
#endif

inline commit(i)
{
	committed[term[i]] = version[i];
	stored[i] = 0;
	x = term[i] + 1;
	do
	:: x <= TERMS ->
		assert(who[x] == NOBODY || held[x] >= version[i]);
		x++
	:: else -> break
	od;
	goal(i);
	x = 0
}

#define may_write(i) (leads(i) && version[i] % WRITES < WRITES - 1)
#define may_change(i, m) (changes > 0 && may_write(i) && first_done(i) && none_open(i) && \
	voters[version[i]] != bit_of(m))

inline change(i, m)
{
	changes--;
	write(i, version[i] + 1, voters[version[i]] ^ bit_of(m), voters[version[i]])
}

#define may_settle(i) (may_write(i) && is_committed(i) && before[version[i]] != 0)

inline settle(i)
{
	write(i, version[i] + 1, voters[version[i]], 0)
}

#define may_store(i, v) (voters[v] != 0 && v > version[i] && term[i] <= term_of(v) && in_turn(i))

inline store(i, v)
{
	if
	:: term[i] < term_of(v) ->
		leave_role(i);
		term[i] = term_of(v);
		voted[i] = NOBODY
	:: else ->
		votes[i] = 0
	fi;
	version[i] = v;
	if
	:: stored[who[term_of(v)]] != 0 && version[who[term_of(v)]] == v ->
		stored[who[term_of(v)]] = stored[who[term_of(v)]] | bit_of(i)
	:: else
	fi
}

#define STORE(v) :: atomic { may_store(me, v) -> store(me, v) }

proctype member(byte me, a, b, c)
{
end:
	do
	:: atomic { may_stand(me, 1) -> stand(me, 1) }
	:: atomic { may_stand(me, 2) -> stand(me, 2) }
	:: atomic { may_stand(me, TERMS) -> stand(me, TERMS) }
	:: atomic { may_grant(me, a) -> grant(me, a) }
	:: atomic { may_grant(me, b) -> grant(me, b) }
	:: atomic { may_grant(me, c) -> grant(me, c) }
	:: atomic { may_win(me) -> win(me) }
	:: atomic { may_commit(me) -> commit(me) }
	:: atomic { may_change(me, a) -> change(me, a) }
	:: atomic { may_change(me, b) -> change(me, b) }
	:: atomic { may_change(me, c) -> change(me, c) }
	:: atomic { may_settle(me) -> settle(me) }
	STORE(version_of(1, 0))
	STORE(version_of(1, 1))
	STORE(version_of(2, 0))
	STORE(version_of(2, 1))
	STORE(version_of(TERMS, 0))
	STORE(version_of(TERMS, 1))
#if WRITES > 2
	STORE(version_of(1, 2))
	STORE(version_of(2, 2))
	STORE(version_of(TERMS, 2))
#endif
#if WRITES > 3
	STORE(version_of(1, 3))
	STORE(version_of(2, 3))
	STORE(version_of(TERMS, 3))
#endif
	od
}

init
{
	atomic {
		voters[FOUNDING] = FIRST;
		run member(0, 1, 2, 3);
		run member(1, 2, 3, 0);
		run member(2, 3, 0, 1);
		run member(3, 0, 1, 2)
	}
}
