/*
 * candidate.c: standing for leadership; see node_parts.h.
 *
 * Three phases. Pre-vote: would a majority vote for this member? No term is used up by asking (R8). Measure: stop
 * the receiver, let replay come to the end of the WAL (R13, R14). Vote: take the term, persist, ask. The win needs a
 * majority of the configured voters and a data quorum (R15). A candidacy ends with its phase's deadline (R16).
 */
#include "core/node_parts.h"

/* Deadlines: a pre-vote takes a round trip; a vote a round trip, a few synced writes and a stopped receiver. */
static HaUs
prevote_us(const HaNode *node)
{
	return ha_node_promise_us(node) / 10;
}

static HaUs
vote_us(const HaNode *node)
{
	return ha_node_promise_us(node) / 2;
}

bool
ha_candidate_eligible(const HaNode *node)
{
	const HaPg *pg = &node->pg;

	return (node->role == HA_ROLE_FOLLOWER || node->role == HA_ROLE_CANDIDATE) && pg->state == HA_PG_STANDBY &&
		pg->blocks == 0 && !pg->promoting && (!node->hard.reg.paused || HA_MUTANT(PAUSE_IGNORED)) &&
		ha_register_may_lead(&node->hard.reg, node->hard.id) && !ha_node_foreign(node) && node->hard.chain.count > 0;
}

/* ---- Who stands first ---- */

/* How many members, by what the last leader said of all, should stand before this one. */
static uint32_t
rank(const HaNode *node)
{
	const HaMember *self = ha_register_member(&node->hard.reg, node->hard.id);
	HaPosition own = ha_node_held(node);
	uint32_t before = 0;

	/* All positions of one moment: the summary's own line, not what has come in since. */
	for (uint32_t i = 0; i < node->summary_count; i++)
	{
		if (node->summary[i].id == node->hard.id)
			own = node->summary[i].position;
	}
	for (uint32_t i = 0; i < node->summary_count; i++)
	{
		const HaSummary *s = &node->summary[i];
		const HaMember *other = ha_register_member(&node->hard.reg, s->id);
		int ahead = ha_position_compare(s->position, own);

		if (other == NULL || self == NULL || s->id == node->hard.id || s->primary || s->blocks != 0 ||
			!ha_register_may_lead(&node->hard.reg, s->id) || node->peer[s->id].gone)
			continue;
		if (ahead == 0)
			ahead = (other->priority > self->priority) - (other->priority < self->priority);
		if (ahead == 0)
			ahead = s->id < node->hard.id ? 1 : -1;
		before += ahead > 0;
	}
	return before;
}

HaUs
ha_candidate_delay(HaNode *node)
{
	HaUs beat_us = ha_node_beat_us(node);

	return rank(node) * beat_us / 10 + ha_prng_below(&node->prng, (uint32_t) (beat_us / 25));
}

/* ---- Phases ---- */

void
ha_candidate_drop(HaNode *node, HaEffects *fx)
{
	HaUs beat_us = ha_node_beat_us(node);
	uint32_t steps = node->attempts < 5 ? node->attempts + 1 : 6;

	ha_node_move(node, fx, HA_TRIGGER_DROPPED);
	node->phase = HA_PHASE_NONE;
	node->token = (HaToken){0, 0};
	node->attempts++;
	node->lost_us = node->now.boot_us;
	node->stand_us = node->now.boot_us + beat_us / 10 + ha_prng_below(&node->prng, (uint32_t) (steps * beat_us / 2));
}

/* Asks those who have not granted: messages get lost, and a voter may hear of the leader's end a moment later. */
static void
ask(HaNode *node, HaEffects *fx)
{
	const HaRegister *reg = &node->hard.reg;
	const HaMember *self = ha_register_member(reg, node->hard.id);
	bool vote = node->phase == HA_PHASE_VOTE;
	HaMessage *m = ha_node_send(node, fx, (reg->voters | reg->voters_previous) & ~node->granted,
								vote ? HA_MESSAGE_VOTE : HA_MESSAGE_PREVOTE);

	m->term = node->proposed;
	m->position = vote ? node->claimed : ha_node_position(node);
	m->priority = self != NULL ? self->priority : 0;
	m->token = node->token;
	node->ask_us = node->now.boot_us + ha_node_beat_us(node) / 10;
}

void
ha_candidate_stand(HaNode *node, HaEffects *fx, HaToken token)
{
	ha_node_move(node, fx, HA_TRIGGER_STAND);
	node->phase = HA_PHASE_PREVOTE;
	node->phase_until_us = node->now.boot_us + prevote_us(node);
	node->stand_us = HA_US_NEVER;
	node->stand_at_end = false;
	node->token = token;
	node->granted = ha_node_self(node);
	node->proposed = (node->hard.term > node->term_seen ? node->hard.term : node->term_seen) + 1;

	ask(node, fx);
}

/* Majority of the configured voters, and a data quorum among the data nodes that granted (R15). */
static bool
won(const HaNode *node)
{
	const HaRegister *reg = &node->hard.reg;
	HaSet data = ha_register_data_voters(reg);
	HaSet voters = reg->voters;

	if (HA_MUTANT(WITNESS_IS_DATA) && reg->rule.sync)
		data = (data & (reg->rule.sync_set | ha_set_of(reg->leader))) | (reg->voters & ~data);
	if (HA_MUTANT(VISIBLE_MAJORITY))
	{
		voters = node->granted;
		for (HaSet s = reg->voters; s != 0; s &= s - 1)
			voters |= ha_node_alive(node, ha_set_first(s)) ? ha_set_of(ha_set_first(s)) : 0;
	}
	return ha_majority_joint(node->granted, voters, reg->voters_previous) &&
		ha_data_quorum(&reg->rule, reg->leader, node->granted & data);
}

static void
ask_for_votes(HaNode *node, HaEffects *fx)
{
	node->claimed = ha_node_position(node);
	if (node->term_seen > node->proposed - 1)
		node->proposed = node->term_seen + 1;
	/* Epochs that it was told of and never received: its own promotion may take the number of one of them (R17). */
	ha_chain_cut(&node->hard.chain, node->claimed.lsn);
	ha_node_adopt_term(node, fx, node->proposed);
	node->hard.voted_for = node->hard.id;
	node->term_seen = node->proposed;
	node->phase = HA_PHASE_VOTE;
	node->phase_until_us = node->now.boot_us + vote_us(node);
	node->granted = ha_node_self(node);

	ask(node, fx);
}

static void
become_elected(HaNode *node, HaEffects *fx)
{
	ha_node_move(node, fx, HA_TRIGGER_WON);
	node->phase = HA_PHASE_NONE;
	node->token = (HaToken){0, 0};
	ha_leader_begin(node, fx);
	/* The first write of the term: what is held, under (term, 1) (R25). */
	node->hard.reg.version = (HaVersion){node->hard.term, 0};
	ha_leader_write(node, fx);
	ha_node_note(node, fx, HA_NOTE_ELECTED, node->hard.id)->lsn = node->claimed.lsn;
}

void
ha_candidate_progress(HaNode *node, HaEffects *fx)
{
	bool stopped = (!node->pg.receiving || HA_MUTANT(RECEIVER_RUNS)) && node->pg.settled;

	if (node->role != HA_ROLE_CANDIDATE)
		return;
	if (!ha_candidate_eligible(node) && !HA_MUTANT(CANDIDATE_BLINDED))
	{
		ha_candidate_drop(node, fx);	/* something came in its way meanwhile (R18) */
		return;
	}
	if (node->phase == HA_PHASE_PREVOTE && won(node))
	{
		node->phase = HA_PHASE_MEASURE;
		node->phase_until_us = node->now.boot_us + vote_us(node);
		if (!HA_MUTANT(RECEIVER_RUNS))
			node->upstream = 0;
	}
	if (node->phase == HA_PHASE_MEASURE && stopped)
		ask_for_votes(node, fx);
	if (node->phase == HA_PHASE_VOTE && won(node))
		become_elected(node, fx);
	else if (node->now.boot_us >= node->phase_until_us)
		ha_candidate_drop(node, fx);
	else
	{
		if (node->phase != HA_PHASE_MEASURE && node->now.boot_us >= node->ask_us)
			ask(node, fx);
		ha_node_wake(node, node->phase == HA_PHASE_MEASURE ? node->phase_until_us : node->ask_us);
		ha_node_wake(node, node->phase_until_us);
	}
}

/* ---- Answers ---- */

/*
 * A voter with a newer register refused: take the value, so that the next attempt is not refused for it. Its rule then
 * binds this candidate too; a value that was on a majority can't be passed over, one that was not does no harm.
 */
static bool
learn_register(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	HaVersion before = node->hard.reg.version;

	if (m->reg == NULL || ha_role_leads(node->role) || HA_MUTANT(STALE_REGISTER))
		return false;
	ha_node_adopt_register(node, fx, m->reg);
	return ha_version_compare(node->hard.reg.version, before) > 0;
}

void
ha_candidate_prevote_r(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	bool learned = learn_register(node, fx, m);

	if (m->refusal == HA_REFUSAL_TERM && m->term > node->term_seen)
	{
		node->term_seen = m->term;	/* the voter's own: the next candidacy goes above it */
		learned = true;
	}
	if (node->role != HA_ROLE_CANDIDATE || node->phase != HA_PHASE_PREVOTE)
		return;
	if (m->refusal == HA_REFUSAL_NONE && m->term == node->proposed)
		node->granted |= ha_set_of(m->from);
	else if (learned)
	{
		ha_candidate_drop(node, fx);
		node->stand_us = node->now.boot_us;
	}
}

void
ha_candidate_vote_r(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	bool learned = learn_register(node, fx, m);
	bool standing = node->role == HA_ROLE_CANDIDATE && node->phase == HA_PHASE_VOTE;

	if (m->refusal != HA_REFUSAL_NONE && m->term > node->term_seen)
		node->term_seen = m->term;
	if (HA_MUTANT(LATE_WIN) && node->role == HA_ROLE_FOLLOWER && m->refusal == HA_REFUSAL_NONE &&
		m->term <= node->hard.term && ha_candidate_eligible(node))
	{
		/* The bug: the votes of a dropped candidacy elect, and PostgreSQL is promoted at once. */
		node->granted |= ha_set_of(m->from);
		if (!won(node))
			return;
		ha_node_move(node, fx, HA_TRIGGER_STAND);
		become_elected(node, fx);
		fx->acts |= HA_ACT_PROMOTE;
		return;
	}
	if (!standing)
		return;
	if (m->refusal == HA_REFUSAL_NONE && m->term == node->hard.term)
		node->granted |= ha_set_of(m->from);
	else if (learned)
	{
		ha_candidate_drop(node, fx);
		node->stand_us = node->now.boot_us;
	}
}

/* The leader hands over to this member: it stands at once, with the token that frees the others (R23). */
void
ha_candidate_timeout_now(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	HaToken token = {m->term, m->round_us};

	if (m->term != node->hard.term || node->leader != m->from || node->role != HA_ROLE_FOLLOWER)
		return;
	if (!ha_candidate_eligible(node) || !ha_voter_token_frees(node, token) ||
		!ha_until_over(node->silent_until, node->now))
		return;
	ha_candidate_stand(node, fx, token);
}
