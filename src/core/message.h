/*
 * message.h: what members say to each other about leadership (reliability.md 7.2).
 *
 * The frame around a message (wire/frame.h) carries and checks the cluster, the sender's and the receiver's identity
 * (R1); what arrives here is from a member of this cluster that holds the key. Fields that a type does not name are
 * zero. Messages may be lost, repeated, late and out of order.
 */
#ifndef HA_CORE_MESSAGE_H
#define HA_CORE_MESSAGE_H

#include "core/register.h"
#include "core/types.h"

typedef enum HaMessageType
{
	HA_MESSAGE_PREVOTE = 1,		/* would you vote for me?  term (proposed), position, priority, token */
	HA_MESSAGE_PREVOTE_R,		/* term (proposed; refused for it: the voter's), refusal, position, reg if newer */
	HA_MESSAGE_VOTE,			/* term (own, persisted), position, token */
	HA_MESSAGE_VOTE_R,			/* term (the voter's), refusal, reg if newer */
	HA_MESSAGE_BEAT,			/* term, round_us, promise_ms, committed, summary, reg if not stored yet */
	HA_MESSAGE_BEAT_R,			/* term, round_us, version stored, joined_term, position, replay_lsn, blocks */
	HA_MESSAGE_TIMEOUT_NOW,		/* hand-over to the receiver: term, round_us, position (the leader's end of WAL) */
	HA_MESSAGE_RESIGN			/* last will: term, round_us, position, stopping */
} HaMessageType;

#define HA_MESSAGE_TYPE_MAX HA_MESSAGE_RESIGN

/* Why a vote was refused; the first that holds, in this order. The texts stand in note.c. */
typedef enum HaRefusal
{
	HA_REFUSAL_NONE,			/* granted */
	HA_REFUSAL_HELD,			/* the voter takes no part */
	HA_REFUSAL_STRANGER,		/* the candidate is no voter with this incarnation */
	HA_REFUSAL_TERM,			/* the term is not above the voter's, or its vote in it is given */
	HA_REFUSAL_PAUSED,			/* R29 */
	HA_REFUSAL_SILENT,			/* R10 */
	HA_REFUSAL_PROMISE,			/* R9 */
	HA_REFUSAL_REGISTER,		/* R11 */
	HA_REFUSAL_INELIGIBLE,		/* a witness, a learner, or priority 0 (R18) */
	HA_REFUSAL_BEHIND,			/* R12 */
	HA_REFUSAL_BETTER,			/* pre-vote only: the voter itself is as far and comes first, and stands */
	HA_REFUSAL_COUNT
} HaRefusal;

/*
 * A hand-over token: the leader of `term` closed its lease after its round `round_us` and takes nothing back from
 * rounds up to it. A voter that has answered no later round of that leader may vote in spite of its promise (R23).
 * All zero = no token.
 */
typedef struct HaToken
{
	HaTerm term;
	HaUs round_us;
} HaToken;

/* Why a member may not stand now (R18); bits. */
#define HA_BLOCK_PAUSED_REPLAY 0x01
#define HA_BLOCK_APPLY_DELAY 0x02
#define HA_BLOCK_RECOVERY_TARGET 0x04
#define HA_BLOCK_FSYNC_OFF 0x08
#define HA_BLOCK_PAGE_WRITES_OFF 0x10
#define HA_BLOCK_INCONSISTENT 0x20	/* backup or rewind not finished: the data directory is not whole (S40) */
#define HA_BLOCK_NOT_IN_CHARGE 0x40	/* settings that the server needs are overridden elsewhere */
#define HA_BLOCK_NO_WAL 0x80		/* the leader is there, and its WAL does not come (S25, S49) */

/* What the leader knows of one member, told to all in its beats, for the views and for the order of standing. */
typedef struct HaSummary
{
	HaId id;
	uint32_t seen_ms;			/* since its last answer; UINT32_MAX = never in this term */
	HaTerm joined_term;
	HaPosition position;
	HaLsn replay_lsn;
	uint32_t blocks;
	bool primary;				/* its PostgreSQL is out of recovery */
} HaSummary;

typedef struct HaMessage
{
	HaMessageType type;
	HaId from;
	HaId to;
	HaUuid incarnation;			/* the sender's */
	uint64_t run;				/* the sender's starts so far; grows with every start of its ha worker (R6) */
	HaTerm term;
	HaVersion version;			/* of the register that the sender holds */
	HaPosition position;
	uint32_t priority;
	HaRefusal refusal;
	HaToken token;
	HaUs round_us;				/* the round's number: the leader's BOOTTIME before its first send (R19) */
	uint32_t promise_ms;
	HaVersion committed;
	HaTerm joined_term;			/* term whose WAL the sender may receive, after it compared chains (R33) */
	HaLsn replay_lsn;
	uint32_t blocks;
	bool primary;
	bool stopping;				/* the server is being stopped cleanly: its last WAL is still to come */
	const HaRegister *reg;		/* NULL, or valid until the next step of the sender's (or receiver's) node */
	uint32_t summary_count;		/* <= HA_MEMBERS_MAX */
	const HaSummary *summary;	/* as reg */
} HaMessage;

#endif
