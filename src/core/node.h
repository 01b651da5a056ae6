/*
 * node.h: one member's part in the cluster, as a pure state machine with one door: ha_step().
 *
 * Time, randomness and everything that happens come in with the event; what is to be done comes out as effects. The
 * caller carries the effects out in this order, and no other:
 *
 *	1. close	 lower the lease in shared memory to zero, when close_lease is set (R7: before all else)
 *	2. persist	 make node->hard durable, when persist is set; on failure stop at once and never step again (R3, R4)
 *	3. send		 the messages
 *	4. act		 publish the lease, the gate and the wanted upstream; promote, checkpoint, rejoin; notes
 *
 * A member is a data node (it has PostgreSQL) or a witness (it gets no HA_EVENT_PG and no act concerns it).
 * Nothing here allocates, reads a clock, opens a file or logs. The caller owns the node and all buffers. One thread.
 */
#ifndef HA_CORE_NODE_H
#define HA_CORE_NODE_H

#include "core/lease.h"
#include "core/message.h"
#include "core/note.h"
#include "core/prng.h"
#include "core/register.h"
#include "core/roles.h"

/* ---- What must survive (R1, R3) ---- */

typedef struct HaHard
{
	HaUuid cluster;				/* of the cluster; checked in every frame */
	uint64_t system_id;			/* PostgreSQL's system identifier; 0 as long as a witness does not know it */
	HaId id;
	HaUuid incarnation;
	uint64_t run;				/* starts of the ha worker so far; counted up and persisted by ha_node_start() */
	HaTerm term;
	HaId voted_for;				/* in `term`; 0 = nobody */
	HaTerm joined_term;			/* term whose WAL may be received: its chain was compared (R33) */
	HaTerm led_term;			/* last term whose epoch this node began: its own entry in the chain, 0 = none */
	uint32_t promise_ms;		/* longest promise ever given: the length of the silence after a start (R10) */
	HaRegister reg;
	HaChain chain;				/* of the WAL that this node holds */
} HaHard;

/* ---- What comes in ---- */

typedef enum HaPgState
{
	HA_PG_NONE,					/* unknown yet, or a witness */
	HA_PG_STARTING,				/* replaying, not consistent yet */
	HA_PG_STANDBY,				/* in recovery and consistent */
	HA_PG_PRIMARY				/* out of recovery */
} HaPgState;

/* What the local PostgreSQL is and holds; read from shared memory, at every turn of the loop. */
typedef struct HaPg
{
	HaPgState state;
	bool receiving;				/* a WAL receiver runs, or may be started by the settings in force */
	bool receiver_running;		/* a WAL receiver process is alive at this moment */
	bool settled;				/* replay stands at the end of the local WAL: replay_lsn is its end */
	HaLsn flush_lsn;			/* standby: end of the WAL received and flushed, 0 when no receiver has run since
								 * the start (E12); primary: flushed (R14) */
	HaLsn replay_lsn;			/* standby: end of the last record replayed; primary: end of its recovery */
	HaTli tli;					/* standby: of the last record replayed; primary: of the WAL it writes */
	HaLsn tli_start;			/* where that timeline began, 0 = not known */
	bool promoting;				/* a standby: a promotion was asked for in this run of the server */
	uint32_t blocks;			/* HA_BLOCK_...: why it may not stand */
	bool checkpointed;			/* primary: a checkpoint on the present timeline is complete */
	bool held_shut;				/* the operator's command is to end before this member takes writes */
} HaPg;

typedef enum HaRequestKind
{
	HA_REQUEST_ADD_MEMBER = 1,	/* member (its id may be 0: the next free one); comes in as a learner (R30) */
	HA_REQUEST_DROP_MEMBER,		/* member.id */
	HA_REQUEST_SET_PRIORITY,	/* member.id, member.priority */
	HA_REQUEST_SET_ADDRESS,		/* member.id, the hosts and ports */
	HA_REQUEST_SET_SYNC,		/* k_wanted, k_min */
	HA_REQUEST_PAUSE,
	HA_REQUEST_RESUME,
	HA_REQUEST_HAND_OVER,		/* member.id, 0 = the best */
	HA_REQUEST_FORCE			/* a survivor takes over without a majority; the caller has checked who asks (R42) */
} HaRequestKind;

typedef struct HaRequest
{
	HaRequestKind kind;
	uint64_t number;			/* the caller's; named in the reply */
	HaMember member;
	uint32_t k_wanted;
	uint32_t k_min;
} HaRequest;

typedef enum HaAnswer
{
	HA_ANSWER_DONE = 1,			/* on a majority (or, for a hand-over: begun) */
	HA_ANSWER_NOT_LEADER,
	HA_ANSWER_BUSY,				/* another change or a hand-over is on its way: ask again */
	HA_ANSWER_NO_SUCH_MEMBER,
	HA_ANSWER_TAKEN,			/* the name, the id or the incarnation is in use by another member */
	HA_ANSWER_FULL,
	HA_ANSWER_LEADER_STAYS,		/* the leader can't be dropped: hand over first */
	HA_ANSWER_NOT_READY,		/* the hand-over's target may not lead now, or is behind */
	HA_ANSWER_INVALID,
	HA_ANSWER_LOST				/* the leadership ended before it was on a majority: outcome unknown */
} HaAnswer;

typedef enum HaResignReason
{
	HA_RESIGN_POSTMASTER_DIED,
	HA_RESIGN_STOPPING,
	HA_RESIGN_WAL_BROKEN
} HaResignReason;

typedef enum HaEventKind
{
	HA_EVENT_TICK,				/* node->wake_us has come, or nothing special */
	HA_EVENT_PG,				/* pg: every time it is read; cheap when nothing changed */
	HA_EVENT_MESSAGE,			/* message: from a member, authenticated */
	HA_EVENT_REQUEST,			/* request */
	HA_EVENT_DRAINED,			/* no commit is in flight that saw a gate older than `generation`; lsn = end of WAL */
	HA_EVENT_RESIGN				/* reason: last will of this server */
} HaEventKind;

typedef struct HaEvent
{
	HaEventKind kind;
	HaNow now;
	const HaPg *pg;
	const HaMessage *message;
	const HaRequest *request;
	uint64_t generation;
	HaLsn lsn;
	HaResignReason reason;
} HaEvent;

/* ---- What goes out ---- */

/*
 * By what commits are judged (R21, R22, R31). Published whole, under one generation: a commit that began under an
 * older generation is in flight until it has ended or has been judged again.
 */
typedef struct HaGate
{
	uint64_t generation;
	HaTerm term;
	bool open;					/* this node is the leader and has opened; the lease decides the rest */
	uint32_t rule_count;		/* 1 or 2: a commit must satisfy all (R32) */
	HaSyncRule rule[2];
	HaSet joined;				/* members that hold this term's WAL: only their slots count (R33) */
} HaGate;

#define HA_SENDS_MAX 8
#define HA_NOTES_MAX 12

typedef struct HaSend
{
	HaSet to;
	HaMessage message;			/* `to` inside is filled in by the sender, per receiver */
} HaSend;

/* One-shot acts; bits. */
#define HA_ACT_PROMOTE 0x01
#define HA_ACT_CHECKPOINT 0x02	/* ask for a checkpoint, do not wait */
/*
 * Stop the server and come back as a standby: effects.rejoin says how. Whoever has rewound or cloned the data directory
 * then sets hard.chain to the chain of the leader that it was taken from, before the next ha_node_start().
 */
#define HA_ACT_REJOIN 0x04
#define HA_ACT_GATE 0x08		/* publish node->gate; answer with HA_EVENT_DRAINED when older ones are gone */
#define HA_ACT_LEASE 0x10		/* publish node->lease_until_us */
#define HA_ACT_REPLY 0x20		/* effects.answer to the request effects.request_number */

typedef struct HaEffects
{
	bool close_lease;
	bool persist;
	uint32_t send_count;
	HaSend send[HA_SENDS_MAX];
	uint32_t acts;
	HaComparison rejoin;		/* how, for HA_ACT_REJOIN */
	HaId rejoin_leader;			/* whom to follow then, 0 = not known yet */
	HaAnswer answer;
	uint64_t request_number;
	HaId answer_id;				/* ADD_MEMBER: the new member's id */
	uint32_t note_count;
	HaNote note[HA_NOTES_MAX];
} HaEffects;

/* ---- The node ---- */

/* Settings that shape a running member; may be changed between two steps. */
typedef struct HaTimes
{
	uint32_t promise_ms;		/* HA_PROMISE_MS_MIN..MAX, at least three beats */
	uint32_t beat_ms;
} HaTimes;

/* What is known of one member since this start. */
typedef struct HaPeer
{
	HaUuid incarnation;			/* of the life that run and term belong to */
	uint64_t run;
	HaTerm term;				/* highest seen in this run: older messages are stale (R6) */
	HaUs heard_us;				/* last answer to this leader's beats, 0 = never in this term */
	HaUs acked_us;				/* newest round answered in this term, 0 = none */
	HaVersion stored;			/* register version that it has persisted, as it said in this term */
	HaTerm joined_term;
	HaPosition position;
	HaLsn replay_lsn;
	uint32_t blocks;
	bool primary;
	HaUs spoke_us;				/* last message of any kind, in any term of this run; 0 = never */
	bool gone;					/* it resigned and has not spoken since */
	uint32_t stale_count;		/* messages in a row from an older run: its state went back (R6) */
} HaPeer;

/* Where a candidacy stands. */
typedef enum HaPhase
{
	HA_PHASE_NONE,
	HA_PHASE_PREVOTE,
	HA_PHASE_MEASURE,			/* waits for the receiver to be gone and the replay to settle (R13) */
	HA_PHASE_VOTE
} HaPhase;

/* Where a change of the synchronous rule stands (R32). */
typedef enum HaShift
{
	HA_SHIFT_NONE,
	HA_SHIFT_DRAIN,				/* the gate holds both; commits that saw the old one alone are leaving */
	HA_SHIFT_BARRIER,			/* waits until the new rule holds for everything up to barrier_lsn */
	HA_SHIFT_WRITE				/* the register is being written */
} HaShift;

typedef struct HaNode
{
	HaHard hard;
	HaTimes times;
	HaRole role;
	HaNow now;
	HaPrng prng;
	HaUs wake_us;				/* BOOTTIME at which a TICK is wanted at the latest */

	/* As a follower */
	HaId leader;				/* of hard.term, 0 = unknown */
	HaUntil silent_until;		/* no vote and no candidacy before (R10) */
	HaUntil promise_until;		/* the same (R9) */
	HaUs last_round_us;			/* newest round of hard.term's leader that was answered */
	HaPg pg;
	bool tail_seen;				/* replay stood at the end of the local WAL since the start: what is held is known */
	HaId upstream;				/* wanted source of WAL, 0 = none: no receiver (R13); to be read after each step */
	bool vote_pending;			/* a vote is asked for and the receiver has still to stop */
	HaMessage vote_asked;		/* its message; reg and summary are NULL */
	HaUs vote_until_us;			/* when to answer it by what is known then */
	HaUs lost_us;				/* since when an ex-leader knows no leader, 0 = it does */
	HaId leader_told;			/* whose leadership was told last, 0 = its loss was */
	HaTerm term_told;			/* and in which term */
	bool attempt_told;			/* a candidacy that came to nothing was told since */
	HaTerm proposed;			/* as a candidate: the term that it stands for */
	HaSummary summary[HA_MEMBERS_MAX];	/* the leader's last, or the own one as a leader */
	uint32_t summary_count;

	/* As a candidate */
	HaUs stand_us;				/* when to stand next, HA_US_NEVER = not decided */
	bool stand_at_end;			/* stand as soon as the stopping leader's last WAL is in */
	uint32_t attempts;			/* since the last leader was heard */
	HaPhase phase;
	HaUs phase_until_us;
	HaUs ask_us;				/* when those who have not granted are asked again; a follower: when it asks around */
	HaSet granted;
	HaToken token;
	HaPosition claimed;			/* position that the vote was asked with (R17) */
	HaTerm term_seen;			/* highest term heard of: the next candidacy goes above it */

	/* As a leader */
	HaUs round_us;				/* the last one sent */
	HaUs next_beat_us;
	HaUs floor_us;				/* rounds before it don't count for the lease (R23) */
	HaUs lease_until_us;		/* 0 = closed */
	HaUs majority_us;			/* when a majority's answers were last good for a lease, or asking began anew */
	HaUs lull_us;				/* since when it sends no beats, because no majority answered (S17); 0 = it does */
	HaUs role_until_us;			/* deadline of the present role, HA_US_NEVER = none */
	bool write_pending;			/* hard.reg.version is not on a majority yet */
	HaVersion committed;		/* newest version known to be on a majority; as a follower: as the leader said */
	HaLsn open_lsn;				/* to be flushed on k members before opening (R37) */
	HaGate gate;
	HaShift shift;
	HaSyncRule shift_rule;
	HaLsn barrier_lsn;
	uint64_t request_number;	/* waits for the write, 0 = none */
	HaId request_id;
	HaId target;				/* of the hand-over */
	HaLsn handover_lsn;			/* what the target must hold; 0 = not drained yet */
	bool handover_sent;
	HaId drop_id;				/* member that is being taken out, 0 = none */
	HaUs grace_us;				/* until then members that have not joined this term are not given up */
	uint32_t promise_used_ms;	/* that the last round named */
	HaUs promise_used_us;		/* the first round that named it */
	uint32_t promise_before_ms;	/* that the rounds before it named, from floor_us on */
	bool fenced;				/* as last told: the leader's lease is out */
	bool broken;				/* held because a rule did not hold (R44): until the next start */
	bool stopping;				/* last will of a server that is being stopped cleanly */
	HaPeer peer[HA_ID_MAX + 1];
} HaNode;

/*
 * Begins a run of a member whose hard state was read from disk (or made anew for a first start): counts the run,
 * begins the silence (R10). effects->persist is always set. A register without this member's incarnation holds it:
 * it takes no part until it is adopted (R2).
 */
extern void ha_node_start(HaNode *node, const HaHard *hard, HaTimes times, HaNow now, uint64_t seed,
						  HaEffects *effects);

/* One event, to its end. `effects` need not be initialized. event->now must not go back between two steps. */
extern void ha_step(HaNode *node, const HaEvent *event, HaEffects *effects);

/* The position that this node can claim now (R12, R14): for the views; decisions measure it themselves. */
extern HaPosition ha_node_position(const HaNode *node);

/* True when the lease is open at this moment by this node's own record; the backends ask shared memory. */
extern bool ha_node_lease_valid(const HaNode *node, HaNow now);

#endif
