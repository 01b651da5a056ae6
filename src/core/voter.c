/*
 * voter.c: who gets this member's vote; see node_parts.h.
 *
 * A vote is given once per term (R7), only to a candidate whose register (R11) and position (R12) are not older than
 * the own ones, and not while a promise runs (R9, R10) or failover is paused (R29). A data node first stops receiving
 * WAL and lets its replay come to the end, then measures, persists and answers (R13): what it grants stays true.
 * A higher term is taken only by granting it; refusing leaves the own term as it is.
 */
#include "core/node_parts.h"

bool
ha_voter_token_frees(const HaNode *node, HaToken token)
{
	if (token.term == 0 || token.term < node->hard.term)
		return false;
	return token.term > node->hard.term || node->last_round_us <= token.round_us;
}

/* Does a running leader keep this member from voting: its own lease, or the promise that it gave? */
static HaRefusal
bound_by_time(const HaNode *node, const HaMessage *m)
{
	bool own_lease = ha_role_leads(node->role) && node->role != HA_ROLE_HANDING_OVER &&
		node->now.boot_us < ha_round_lease(node);

	if (!ha_until_over(node->silent_until, node->now))
		return HA_REFUSAL_SILENT;
	if (HA_MUTANT(NO_STICKINESS))
		return HA_REFUSAL_NONE;
	if (own_lease)
		return HA_REFUSAL_PROMISE;
	if (!ha_until_over(node->promise_until, node->now) && !ha_voter_token_frees(node, m->token))
		return HA_REFUSAL_PROMISE;
	return HA_REFUSAL_NONE;
}

/* Everything but the positions, in the order of HaRefusal. */
static HaRefusal
refusal(const HaNode *node, const HaMessage *m, bool term_free)
{
	const HaRegister *reg = &node->hard.reg;
	int older = ha_version_compare(m->version, reg->version);
	HaRefusal by_time;

	if (node->role == HA_ROLE_RESIGNED || node->role == HA_ROLE_RESIGNING)
		return HA_REFUSAL_HELD;
	/* A candidate with a newer register may have been added by what this member has not heard of yet. */
	if (older <= 0 && !ha_set_has(reg->voters, m->from))
		return HA_REFUSAL_STRANGER;
	if (!term_free)
		return HA_REFUSAL_TERM;
	if (reg->paused && !HA_MUTANT(PAUSE_IGNORED))
		return HA_REFUSAL_PAUSED;
	by_time = bound_by_time(node, m);
	if (by_time != HA_REFUSAL_NONE)
		return by_time;
	if (older < 0 && !HA_MUTANT(STALE_REGISTER))
		return HA_REFUSAL_REGISTER;
	if (older <= 0 && !ha_register_may_lead(reg, m->from))
		return HA_REFUSAL_INELIGIBLE;
	return HA_REFUSAL_NONE;
}

/* Is the candidate's WAL at least as far as this member's (R12)? A witness has none to compare. */
static bool
behind(const HaNode *node, const HaMessage *m)
{
	return ha_node_is_data(node) && ha_node_compare_positions(m->position, ha_node_position(node)) < 0;
}

/* Among equally far members the higher priority comes first, then the lower number; it stands itself. */
static bool
comes_before(const HaNode *node, const HaMessage *m)
{
	const HaMember *self = ha_register_member(&node->hard.reg, node->hard.id);
	int ahead = ha_node_compare_positions(ha_node_position(node), m->position);

	if (m->token.term != 0 || node->attempts >= 3 || !ha_candidate_eligible(node) || self == NULL)
		return false;
	if (ahead != 0)
		return ahead > 0;
	if (self->priority != m->priority)
		return self->priority > m->priority;
	return node->hard.id < m->from;
}

static HaMessage *
answer(const HaNode *node, HaEffects *fx, const HaMessage *m, HaMessageType type, HaRefusal why)
{
	HaMessage *r = ha_node_send(node, fx, ha_set_of(m->from), type);

	r->refusal = why;
	r->position = ha_node_position(node);
	if (ha_version_compare(node->hard.reg.version, m->version) > 0)
		r->reg = &node->hard.reg;
	return r;
}

/* ---- Pre-vote: nothing is stopped, nothing is persisted (R8) ---- */

void
ha_voter_prevote(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	HaRefusal why = refusal(node, m, m->term > node->hard.term);

	if (why == HA_REFUSAL_NONE && behind(node, m))
		why = HA_REFUSAL_BEHIND;
	if ((why == HA_REFUSAL_NONE || why == HA_REFUSAL_BEHIND) && comes_before(node, m))
	{
		why = why == HA_REFUSAL_NONE ? HA_REFUSAL_BETTER : why;
		if (node->role == HA_ROLE_FOLLOWER && node->now.boot_us < node->stand_us)
			node->stand_us = node->now.boot_us;
	}
	answer(node, fx, m, HA_MESSAGE_PREVOTE_R, why)->term = why == HA_REFUSAL_TERM ? node->hard.term : m->term;
}

/* ---- Vote ---- */

static HaRefusal
vote_refusal(const HaNode *node, const HaMessage *m)
{
	const HaHard *hard = &node->hard;
	bool term_free = m->term > hard->term ||
		(m->term == hard->term && node->leader == 0 && (hard->voted_for == 0 || hard->voted_for == m->from));

	return refusal(node, m, term_free);
}

static void
grant(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	if (ha_role_leads(node->role))
		ha_leader_end(node, fx, HA_TRIGGER_DEPOSED);
	else if (node->role == HA_ROLE_CANDIDATE)
		ha_candidate_drop(node, fx);
	if (ha_voter_token_frees(node, m->token))
		node->promise_until = (HaUntil){0, 0};
	if (m->term > node->hard.term)
		ha_node_adopt_term(node, fx, m->term);
	node->hard.voted_for = m->from;
	fx->persist = !HA_MUTANT(VOTE_FORGOTTEN);
	node->upstream = HA_MUTANT(RECEIVER_RUNS) ? node->upstream : 0;
	node->stand_at_end = false;
	/* Give the winner time to be heard before standing oneself. */
	node->stand_us = node->now.boot_us + ha_node_promise_us(node) / 2;
	node->lost_us = node->now.boot_us;
	answer(node, fx, m, HA_MESSAGE_VOTE_R, HA_REFUSAL_NONE);
}

static void
decide(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	HaRefusal why = vote_refusal(node, m);

	node->vote_pending = false;
	if (why == HA_REFUSAL_NONE && behind(node, m))
		why = HA_REFUSAL_BEHIND;
	if (why == HA_REFUSAL_NONE)
		grant(node, fx, m);
	else
		answer(node, fx, m, HA_MESSAGE_VOTE_R, why);
}

/* Is there a receiver to stop, or replay to wait for, before the position can be measured? */
static bool
must_stop_first(const HaNode *node)
{
	if (!ha_node_is_data(node) || node->pg.state == HA_PG_PRIMARY || HA_MUTANT(RECEIVER_RUNS))
		return false;
	return node->pg.receiving || !node->pg.settled;
}

void
ha_voter_vote(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	HaRefusal why = vote_refusal(node, m);

	if (m->term > node->term_seen)
		node->term_seen = m->term;
	if (why != HA_REFUSAL_NONE || !must_stop_first(node))
	{
		decide(node, fx, m);
		return;
	}
	node->upstream = 0;
	if (node->vote_pending && node->vote_asked.from == m->from && node->vote_asked.term == m->term)
		return;					/* asked again: it is on its way */
	node->vote_pending = true;
	node->vote_until_us = node->now.boot_us + ha_node_promise_us(node) / 4;
	node->vote_asked = *m;
	node->vote_asked.reg = NULL;
	node->vote_asked.summary = NULL;
	node->vote_asked.summary_count = 0;
}

void
ha_voter_progress(HaNode *node, HaEffects *fx)
{
	if (!node->vote_pending)
		return;
	if (must_stop_first(node))
	{
		bool late = node->now.boot_us >= node->vote_until_us;
		bool unknown = node->pg.receiving || node->pg.flush_lsn == 0;

		ha_node_wake(node, node->vote_until_us);
		if (late && unknown)
			node->vote_pending = false;	/* what it holds can't be told: no answer (R14) */
		if (!late || unknown)
			return;
		/* Replay does not come to its end: all received bytes count as held, which only refuses more. */
	}
	decide(node, fx, &node->vote_asked);
}
