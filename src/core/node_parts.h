/*
 * node_parts.h: what the parts of the node ask of each other. Only the files behind node.h include it:
 *
 *	node.c		 the door, start, effects, roles; the order in which things are looked at
 *	follower.c	 beats, the promise, joining a leader's WAL, giving the leader up
 *	voter.c		 who gets this member's vote
 *	candidate.c	 standing: pre-vote, measure, vote
 *	leader.c	 register writes, the gate, the way from elected to open
 *	round.c		 rounds, and the lease that their answers give
 *	shift.c		 changing the synchronous rule under a joint gate
 *	change.c	 membership and the operator's requests
 *	handover.c	 giving the leadership away: hand-over and last will
 *
 * Handlers record what an event says; the *_progress functions, called once after each event, act on what is now
 * known. So every decision is looked at again whenever anything has changed, and no handler calls another.
 */
#ifndef HA_CORE_NODE_PARTS_H
#define HA_CORE_NODE_PARTS_H

#include "core/mutant.h"
#include "core/node.h"

/* ---- node.c ---- */

/* Changes the role by the table and notes its sentence. What the table does not hold is an assertion (R44). */
extern void ha_node_move(HaNode *node, HaEffects *fx, HaTrigger trigger);

/* A rule that must hold in production too: when it does not, this member closes its lease and takes no part (R44). */
extern bool ha_node_require(HaNode *node, HaEffects *fx, bool holds, int rule);

/* Adds a note; returns it for more fields, with term and position filled in. */
extern HaNote *ha_node_note(const HaNode *node, HaEffects *fx, HaNoteKind kind, HaId member);

/* Adds a message to `to` with the common fields filled in; returns it for the rest. */
extern HaMessage *ha_node_send(const HaNode *node, HaEffects *fx, HaSet to, HaMessageType type);

/* Closes lease and gate, before anything is persisted or sent (R7). */
extern void ha_node_close(HaNode *node, HaEffects *fx);

/* Takes a term above the own one: closes, forgets the vote, persists (R7). The role is the caller's business. */
extern void ha_node_adopt_term(HaNode *node, HaEffects *fx, HaTerm term);

/* Stores a newer register that came from another member, and looks whether it still names this one. */
extern void ha_node_adopt_register(HaNode *node, HaEffects *fx, const HaRegister *reg);

/* All bytes that are held, whole records or not: for acknowledgements. */
extern HaPosition ha_node_held(const HaNode *node);

/* True when PostgreSQL's end lies on a timeline that the own chain does not name (S34). */
extern bool ha_node_foreign(const HaNode *node);

/* -1, 0, 1; the one place where positions are compared for a vote (R12). */
extern int ha_node_compare_positions(HaPosition a, HaPosition b);

extern bool ha_node_is_data(const HaNode *node);

static inline HaSet
ha_node_self(const HaNode *node)
{
	return ha_set_of(node->hard.id);
}

static inline HaUs
ha_node_promise_us(const HaNode *node)
{
	return (HaUs) node->times.promise_ms * HA_US_PER_MS;
}

static inline HaUs
ha_node_beat_us(const HaNode *node)
{
	return (HaUs) node->times.beat_ms * HA_US_PER_MS;
}

/* True when the member has said anything within a promise and has not resigned since. */
static inline bool
ha_node_alive(const HaNode *node, HaId id)
{
	const HaPeer *peer = &node->peer[id];

	if (id == node->hard.id)
		return true;
	return peer->spoke_us != 0 && !peer->gone && node->now.boot_us - peer->spoke_us < ha_node_promise_us(node);
}

/* Brings the wake-up time forward. */
static inline void
ha_node_wake(HaNode *node, HaUs when_us)
{
	if (when_us < node->wake_us)
		node->wake_us = when_us;
}

/* ---- follower.c ---- */
extern void ha_follower_beat(HaNode *node, HaEffects *fx, const HaMessage *m);
extern void ha_follower_resign(HaNode *node, HaEffects *fx, const HaMessage *m);
extern void ha_follower_progress(HaNode *node, HaEffects *fx);

/* ---- voter.c ---- */
extern void ha_voter_prevote(HaNode *node, HaEffects *fx, const HaMessage *m);
extern void ha_voter_vote(HaNode *node, HaEffects *fx, const HaMessage *m);
extern void ha_voter_progress(HaNode *node, HaEffects *fx);

/* True when the token frees this member of its promise (R23). */
extern bool ha_voter_token_frees(const HaNode *node, HaToken token);

/* ---- candidate.c ---- */

/* True when nothing but promise and silence keeps this member from standing. */
extern bool ha_candidate_eligible(const HaNode *node);
extern void ha_candidate_stand(HaNode *node, HaEffects *fx, HaToken token);
extern void ha_candidate_drop(HaNode *node, HaEffects *fx);
extern void ha_candidate_prevote_r(HaNode *node, HaEffects *fx, const HaMessage *m);
extern void ha_candidate_vote_r(HaNode *node, HaEffects *fx, const HaMessage *m);
extern void ha_candidate_timeout_now(HaNode *node, HaEffects *fx, const HaMessage *m);
extern void ha_candidate_progress(HaNode *node, HaEffects *fx);

/* How long to wait before standing, so that the best stands first. */
extern HaUs ha_candidate_delay(HaNode *node);

/* ---- leader.c ---- */

/* Takes up the leadership of hard.term: forgets what was known of the members in older terms. */
extern void ha_leader_begin(HaNode *node, HaEffects *fx);
extern void ha_leader_progress(HaNode *node, HaEffects *fx);

/* Gives up the leadership of the present term by `trigger`; a waiting request is answered LOST. */
extern void ha_leader_end(HaNode *node, HaEffects *fx, HaTrigger trigger);

/* Numbers, persists and sends the value that the caller has put into hard.reg (R25). Only when none is pending. */
extern void ha_leader_write(HaNode *node, HaEffects *fx);

/* Publishes the gate under a new generation. */
extern void ha_leader_publish_gate(HaNode *node, HaEffects *fx);

/* True when the member holds this term's WAL up to lsn. */
extern bool ha_leader_has(const HaNode *node, HaId id, HaLsn lsn);

/* ---- round.c ---- */

/* Sends a round to all members now, with the register to those who have not stored it. */
extern void ha_round_send(HaNode *node, HaEffects *fx);
extern void ha_round_answer(HaNode *node, HaEffects *fx, const HaMessage *m);

/* The lease that the answered rounds give, whatever the role makes of it; 0 = none. */
extern HaUs ha_round_lease(const HaNode *node);

/* Brings node->lease_until_us up to date, and tells when the fence closed or opened. */
extern void ha_round_publish_lease(HaNode *node, HaEffects *fx);

/* Who has persisted the present version of the register, as each said in this term. */
extern HaSet ha_round_stored_by(const HaNode *node);

/* ---- shift.c ---- */
extern void ha_shift_progress(HaNode *node, HaEffects *fx);
extern void ha_shift_drained(HaNode *node, HaEffects *fx, HaLsn lsn);

/* ---- change.c ---- */
extern void ha_change_request(HaNode *node, HaEffects *fx, const HaRequest *request);

/* Begins the next change of the register that is due, if any. True when it wrote. */
extern bool ha_change_progress(HaNode *node, HaEffects *fx);
extern void ha_change_answer(HaEffects *fx, uint64_t number, HaAnswer answer);

/* ---- handover.c ---- */
extern HaAnswer ha_handover_begin(HaNode *node, HaEffects *fx, HaId target);
extern void ha_handover_resign(HaNode *node, HaEffects *fx, HaResignReason reason);
extern void ha_handover_drained(HaNode *node, HaEffects *fx, HaLsn lsn);
extern void ha_handover_progress(HaNode *node, HaEffects *fx);

#endif
