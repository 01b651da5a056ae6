/*
 * mutant.h: seeded protocol bugs, for the test of the tests.
 *
 * In every build but the simulator's own, HA_MUTANT(x) is the constant 0 and the bug does not exist in the object
 * file. The simulator's mutant build (-DHA_MUTANTS) selects one of them at run time and must find it.
 */
#ifndef HA_CORE_MUTANT_H
#define HA_CORE_MUTANT_H

#define HA_MUTANT_LIST(X) \
	X(RECEIVER_RUNS, "a voter goes on receiving WAL while it votes (R13)") \
	X(LSN_ONLY, "positions are compared by LSN alone (R12)") \
	X(VOTE_FORGOTTEN, "the vote is not persisted before the answer (R3)") \
	X(NO_DATA_QUORUM, "a majority wins without a data quorum (R15)") \
	X(JOIN_UNCHECKED, "a standby follows without comparing chains (R38)") \
	X(EARLY_ACK, "commits are acknowledged before the term's register is on a majority (R28)") \
	X(NO_JOINT_GATE, "the sync set changes without the old rule in the gate (R32)") \
	X(NO_BARRIER, "the sync set changes without the catch-up barrier (R32)") \
	X(REGISTER_FIRST, "the new sync set is registered before the gate holds it (R32)") \
	X(WITNESS_IS_DATA, "a witness counts in the data quorum (R15)") \
	X(STALE_REGISTER, "a vote ignores that the candidate's register is older (R11)") \
	X(LEASE_FROM_RECEIPT, "the lease is counted from the receipt of the acknowledgements (R19)") \
	X(NO_SILENCE, "a restart forgets the promise (R10)") \
	X(NO_STICKINESS, "a vote ignores the promise (R9)") \
	X(VISIBLE_MAJORITY, "the majority is that of the visible members") \
	X(OLD_RESIGNATION, "a resignation of an old term ends the promise") \
	X(STALE_ROUND, "a hand-over taken back counts rounds sent before it (R23)") \
	X(SECOND_CHANGE, "a second change of voters before the first is committed (R27)") \
	X(EARLY_CHANGE, "a change of voters before the term's first write is committed (R27)") \
	X(LATE_WIN, "a win counts after the candidacy was dropped, and promotes at once (R16)") \
	X(SAME_TIMELINE, "a promotion may take a timeline number that the register knows (R17)") \
	X(UNJOINED_COUNTS, "a standby of an older term's chain counts for the quorum (R33)") \
	X(HIGHER_TERM_KEEPS_LEASE, "a higher term leaves the lease in place (R7)") \
	X(PAUSE_IGNORED, "a vote ignores the pause (R29)") \
	X(LEASE_WHOLE_PROMISE, "the lease is as long as the promise, without the clocks' margin (R19)") \
	X(NEW_VOTERS_ONLY, "a change of voters counts the new list alone (R26)") \
	X(OPEN_UNSECURED, "a leader opens before its epoch is flushed on k members (R37)") \
	X(LONGER_AT_ONCE, "a longer promise counts for rounds that named the shorter one (R19)") \
	X(HANDOVER_KEEPS_LEASE, "a hand-over gives the token while the lease runs (R23)") \
	HA_MUTANT_PAST(X)

/* Bugs that were there once, and must be found if they come back (R43). */
#define HA_MUTANT_PAST(X) \
	X(LATE_CHECKPOINT, "the checkpoint is registered only after opening, which may need a rewind (R37, R38)") \
	X(EPOCH_FORGOTTEN, "an epoch that was begun and not written down is nobody's (R41)") \
	X(RESUMED_BLINDLY, "a leader that was promoted by hand meanwhile takes its term up again (S34)") \
	X(BUSY_LOOP, "a wake-up lies in the past while the hand-over's token is out") \
	X(OPENING_DEAF, "nothing can be asked of a leader that waits to open (R37)") \
	X(JOINED_CONSISTENT, "a member joins only when it is consistent, which needs the WAL of a leader (R38)") \
	X(FOREIGN_JOINED, "what was written outside the cluster does not end the membership in the WAL (S34)") \
	X(IRREPLACEABLE_DROPPED, "a member that nobody can replace is dropped from the sync set for ever (R32)") \
	X(CANDIDATE_BLINDED, "a candidate that is no voter any more goes on (R30)")

/* Bugs of the alerts' decisions (ops/episode, ops/lane) and of the queue that test/sim/alerts.h stands in for. */
#define HA_MUTANT_ALERTS(X) \
	X(UNKNOWN_ENDS, "a round that could not find out counts as the end of the condition") \
	X(UNKNOWN_REPEATS, "a round that could not find out repeats what was told") \
	X(UNKNOWN_AGES, "the time in which nothing was known counts as time in which the condition held") \
	X(UNKNOWN_FORGETS, "the time before nothing was known is forgotten") \
	X(PENDING_KEPT, "what is pending goes on to be when its condition is gone") \
	X(FUTURE_COUNTS, "a time of the future is not taken for now") \
	X(MUTED_IS_TOLD, "what fired muted counts as told") \
	X(MUTE_IGNORED, "what is muted is told") \
	X(MUTED_END_KEPT, "the end of what people were told of is withheld while it is muted") \
	X(END_UNASKED, "people are told of the end of what they never heard of") \
	X(REPEAT_BY_STATE, "repetitions are counted from the state, not from the last message") \
	X(SAME_TRANSITION, "the end has the number of the message before it") \
	X(LANE_STARTS_AT_ONCE, "a lane waits for nothing when its process starts") \
	X(HOLD_IGNORED, "a receiver that throttles is asked again after the usual distance") \
	X(GAVE_UP_FOR_GOOD, "a channel whose fallback works is never tried again") \
	X(ALL_SEND_LIKE_ONE, "each member sends as if it were the only one") \
	X(LONG_GAP_STAYS, "who begins to lead still waits as long as who does not") \
	X(CLAIMED_WHEN_FREE, "alerts are claimed when the channel is free, and not before") \
	X(EVENTS_FIRST, "events of the cluster come before alerts by rules, always") \
	X(ANEW_AFTER_RESTART, "a restart forgets which alerts there are") \
	X(NAMED_ANEW, "a restart names alerts after the begin of their state") \
	X(NEWS_BEFORE_STATE, "news are stored before the state that they belong to") \
	X(CLAIM_IS_SENT, "what was claimed counts as sent") \
	X(NEWS_OVERTAKE, "news are claimed while older ones of the same alert are under way")

enum
{
	HA_MUTANT_NONE,
#define HA_MUTANT_ENUM(name, text) HA_MUTANT_##name,
	HA_MUTANT_LIST(HA_MUTANT_ENUM)
	HA_MUTANT_ALERTS(HA_MUTANT_ENUM)
#undef HA_MUTANT_ENUM
	HA_MUTANT_COUNT
};

#ifdef HA_MUTANTS
extern int ha_mutant;			/* which bug is alive; defined by the simulator */
#define HA_MUTANT(name) (ha_mutant == HA_MUTANT_##name)
#else
#define HA_MUTANT(name) 0
#endif

#endif
