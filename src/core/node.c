/*
 * node.c: the door of the core; see node.h. Takes one event, lets the part that it concerns record it, and then lets
 * every part act on what is known.
 */
#include "core/node_parts.h"

/* After so many messages in a row from an older run, the sender's state went back rather than its messages late. */
#define STALE_MESSAGES_MAX 50

/* ---- Small things that all parts use ---- */

bool
ha_node_is_data(const HaNode *node)
{
	const HaMember *self = ha_register_member(&node->hard.reg, node->hard.id);

	return self != NULL && (self->flags & HA_MEMBER_DATA);
}

/* What was written outside the cluster, on a timeline of its own, is nobody's WAL (S34). */
static HaPosition
position_at(const HaNode *node, HaLsn lsn)
{
	const HaEpoch *epoch;

	if (ha_node_foreign(node) && node->pg.tli_start != 0 && node->pg.tli_start < lsn)
		lsn = node->pg.tli_start;
	epoch = ha_chain_at(&node->hard.chain, lsn);
	return (HaPosition){epoch != NULL ? epoch->term : 0, lsn};
}

/*
 * Without a receiver, bytes beyond the last whole record are no WAL that anybody will go on from: the next stream
 * overwrites them, perhaps with another leader's.
 */
static HaLsn
held_lsn(const HaPg *pg)
{
	if (pg->state == HA_PG_PRIMARY)
		return pg->flush_lsn;
	if (pg->settled && !pg->receiver_running)
		return pg->replay_lsn;
	return pg->flush_lsn > pg->replay_lsn ? pg->flush_lsn : pg->replay_lsn;
}

HaPosition
ha_node_held(const HaNode *node)
{
	return position_at(node, held_lsn(&node->pg));
}

/*
 * For a vote: the end of the last whole record when replay stands there, else all bytes. Bytes beyond the last whole
 * record hold no acknowledged commit and are lost by a promotion; as a voter's position they only refuse more.
 */
HaPosition
ha_node_position(const HaNode *node)
{
	bool whole = node->pg.state != HA_PG_PRIMARY && node->pg.settled;

	return position_at(node, whole ? node->pg.replay_lsn : held_lsn(&node->pg));
}

bool
ha_node_foreign(const HaNode *node)
{
	return node->pg.tli != 0 && !ha_chain_names(&node->hard.chain, node->pg.tli, node->pg.tli_start);
}

int
ha_node_compare_positions(HaPosition a, HaPosition b)
{
	if (HA_MUTANT(LSN_ONLY))
		a.wal_term = b.wal_term = 0;
	return ha_position_compare(a, b);
}

bool
ha_node_lease_valid(const HaNode *node, HaNow now)
{
	return node->lease_until_us != 0 && now.boot_us < node->lease_until_us;
}

/* ---- Effects ---- */

static void
effects_reset(HaEffects *fx)
{
	fx->close_lease = false;
	fx->persist = false;
	fx->send_count = 0;
	fx->acts = 0;
	fx->note_count = 0;
	fx->request_number = 0;
	fx->answer_id = 0;
}

HaNote *
ha_node_note(const HaNode *node, HaEffects *fx, HaNoteKind kind, HaId member)
{
	HaNote *note = &fx->note[fx->note_count < HA_NOTES_MAX ? fx->note_count++ : HA_NOTES_MAX - 1];

	*note = (HaNote){.kind = kind, .member = member, .term = node->hard.term, .lsn = held_lsn(&node->pg)};
	return note;
}

HaMessage *
ha_node_send(const HaNode *node, HaEffects *fx, HaSet to, HaMessageType type)
{
	static const HaMessage nothing_said;	/* copied, which is quicker than to clear as many bytes */
	HaSend *send = &fx->send[fx->send_count < HA_SENDS_MAX ? fx->send_count++ : HA_SENDS_MAX - 1];
	HaMessage *m = &send->message;

	send->to = to & ~ha_node_self(node);
	*m = nothing_said;
	m->type = type;
	m->from = node->hard.id;
	m->incarnation = node->hard.incarnation;
	m->run = node->hard.run;
	m->term = node->hard.term;
	m->version = node->hard.reg.version;
	return m;
}

void
ha_node_close(HaNode *node, HaEffects *fx)
{
	if (!HA_MUTANT(HIGHER_TERM_KEEPS_LEASE))
		fx->close_lease = true;
	node->lease_until_us = 0;
	if (node->gate.open)
	{
		node->gate.open = false;
		ha_leader_publish_gate(node, fx);
	}
}

void
ha_node_adopt_term(HaNode *node, HaEffects *fx, HaTerm term)
{
	ha_node_close(node, fx);
	node->hard.term = term;
	node->hard.voted_for = 0;
	node->leader = 0;
	node->last_round_us = 0;
	node->committed = (HaVersion){0, 0};
	fx->persist = true;
}

/* ---- Roles ---- */

static void
hold(HaNode *node, HaEffects *fx)
{
	const HaTransition *way = ha_roles_find(node->role, HA_TRIGGER_HOLD);

	ha_node_close(node, fx);
	node->upstream = 0;
	node->vote_pending = false;
	node->phase = HA_PHASE_NONE;
	node->role = HA_ROLE_HELD;
	if (way != NULL)
		ha_node_note(node, fx, HA_NOTE_ROLE, node->hard.id)->sentence = way->sentence;
}

bool
ha_node_require(HaNode *node, HaEffects *fx, bool holds, int rule)
{
	if (holds)
		return true;
	ha_node_note(node, fx, HA_NOTE_ASSERTION, node->hard.id)->value = rule;
	node->broken = true;
	hold(node, fx);
	return false;
}

void
ha_node_move(HaNode *node, HaEffects *fx, HaTrigger trigger)
{
	const HaTransition *way = ha_roles_find(node->role, trigger);
	bool attempt;

	if (!ha_node_require(node, fx, way != NULL, 44))
		return;
	/* Without a majority candidacies follow each other for as long as it takes: the first one is told. */
	attempt = trigger == HA_TRIGGER_STAND || (trigger == HA_TRIGGER_DROPPED && node->role == HA_ROLE_CANDIDATE);
	node->role = way->to;
	node->role_until_us = HA_US_NEVER;
	if (node->role == HA_ROLE_RESIGNING || node->role == HA_ROLE_RESIGNED)
		node->role_until_us = node->now.boot_us + ha_node_promise_us(node);
	if (attempt && node->attempt_told)
		return;
	node->attempt_told |= attempt && trigger == HA_TRIGGER_DROPPED;
	ha_node_note(node, fx, HA_NOTE_ROLE, node->hard.id)->sentence = way->sentence;
}

/* Does the register name this member, in this life? */
static bool
is_member(const HaNode *node)
{
	const HaMember *self = ha_register_member(&node->hard.reg, node->hard.id);

	return self != NULL && ha_uuid_equal(&self->incarnation, &node->hard.incarnation);
}

void
ha_node_adopt_register(HaNode *node, HaEffects *fx, const HaRegister *reg)
{
	if (ha_version_compare(reg->version, node->hard.reg.version) <= 0 || !ha_register_valid(reg))
		return;
	node->hard.reg = *reg;
	if (reg->version.term > node->term_seen)
		node->term_seen = reg->version.term;
	fx->persist = true;
	if (!is_member(node) && node->role != HA_ROLE_HELD)
	{
		ha_node_note(node, fx, HA_NOTE_NOT_ADOPTED, node->hard.id);
		hold(node, fx);
	}
	else if (is_member(node) && node->role == HA_ROLE_HELD && !node->broken)
		ha_node_move(node, fx, HA_TRIGGER_ADOPTED);
}

/* ---- Start ---- */

void
ha_node_start(HaNode *node, const HaHard *hard, HaTimes times, HaNow now, uint64_t seed, HaEffects *fx)
{
	uint32_t silence_ms = times.promise_ms > hard->promise_ms ? times.promise_ms : hard->promise_ms;

	effects_reset(fx);
	memset(node, 0, sizeof(*node));
	node->hard = *hard;
	node->hard.run++;
	node->times = times;
	node->role = HA_ROLE_FOLLOWER;
	node->now = now;
	ha_prng_seed(&node->prng, seed);
	if (!HA_MUTANT(NO_SILENCE))
		node->silent_until = ha_until(now, (HaUs) silence_ms * HA_US_PER_MS);
	node->stand_us = HA_US_NEVER;
	node->role_until_us = HA_US_NEVER;
	node->next_beat_us = now.boot_us;
	node->floor_us = now.boot_us;
	node->lost_us = now.boot_us;
	/* A member that has just joined holds a register, and has seen no term yet. */
	node->term_seen = hard->term > hard->reg.version.term ? hard->term : hard->reg.version.term;
	node->gate.term = hard->term;
	fx->close_lease = true;
	fx->persist = true;
	if (!is_member(node))
	{
		ha_node_note(node, fx, HA_NOTE_NOT_ADOPTED, node->hard.id);
		hold(node, fx);
	}
	node->wake_us = now.boot_us;
}

/* ---- The door ---- */

/* Drops what is late or from another life of the sender; remembers that it spoke (R1, R6). */
static bool
message_counts(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	const HaMember *member = ha_register_member(&node->hard.reg, m->from);
	HaPeer *peer;

	if (m->from < 1 || m->from > HA_ID_MAX || m->from == node->hard.id || m->term >= HA_TERM_MAX)
		return false;
	if (m->term > node->hard.term && m->term - node->hard.term > HA_TERM_JUMP_MAX)
		return false;
	peer = &node->peer[m->from];
	if (member != NULL && !ha_uuid_equal(&member->incarnation, &m->incarnation) &&
		ha_version_compare(m->version, node->hard.reg.version) <= 0)
	{
		if (!ha_uuid_equal(&peer->incarnation, &m->incarnation))
			ha_node_note(node, fx, HA_NOTE_STRANGER, m->from);
		memset(peer, 0, sizeof(*peer));
		peer->incarnation = m->incarnation;
		return false;
	}
	if (!ha_uuid_equal(&peer->incarnation, &m->incarnation))
	{
		memset(peer, 0, sizeof(*peer));
		peer->incarnation = m->incarnation;
	}
	if (m->run < peer->run)
	{
		if (++peer->stale_count == STALE_MESSAGES_MAX)
			ha_node_note(node, fx, HA_NOTE_WENT_BACK, m->from);
		return false;
	}
	/* Proposed terms of pre-votes are nobody's term yet. */
	if (m->type != HA_MESSAGE_PREVOTE && m->type != HA_MESSAGE_PREVOTE_R)
	{
		if (m->term < peer->term && !(HA_MUTANT(OLD_RESIGNATION) && m->type == HA_MESSAGE_RESIGN))
			return false;
		if (m->term > peer->term)
			peer->term = m->term;
	}
	peer->run = m->run;
	peer->stale_count = 0;
	peer->spoke_us = node->now.boot_us;
	peer->gone = false;
	return true;
}

static void
handle_message(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	if (!message_counts(node, fx, m))
		return;
	if (node->role == HA_ROLE_HELD)
	{
		/* Only a register that names this member (again) lets it out. */
		if (m->reg != NULL && m->type == HA_MESSAGE_BEAT)
			ha_node_adopt_register(node, fx, m->reg);
		return;
	}
	switch (m->type)
	{
		case HA_MESSAGE_PREVOTE:
			ha_voter_prevote(node, fx, m);
			break;
		case HA_MESSAGE_PREVOTE_R:
			ha_candidate_prevote_r(node, fx, m);
			break;
		case HA_MESSAGE_VOTE:
			ha_voter_vote(node, fx, m);
			break;
		case HA_MESSAGE_VOTE_R:
			ha_candidate_vote_r(node, fx, m);
			break;
		case HA_MESSAGE_BEAT:
			ha_follower_beat(node, fx, m);
			break;
		case HA_MESSAGE_BEAT_R:
			ha_round_answer(node, fx, m);
			break;
		case HA_MESSAGE_TIMEOUT_NOW:
			ha_candidate_timeout_now(node, fx, m);
			break;
		case HA_MESSAGE_RESIGN:
			ha_follower_resign(node, fx, m);
			break;
	}
}

static void
handle_drained(HaNode *node, HaEffects *fx, const HaEvent *event)
{
	if (event->generation != node->gate.generation)
		return;
	ha_shift_drained(node, fx, event->lsn);
	ha_handover_drained(node, fx, event->lsn);
}

void
ha_step(HaNode *node, const HaEvent *event, HaEffects *fx)
{
	effects_reset(fx);
	node->now = event->now;
	node->wake_us = event->now.boot_us + ha_node_beat_us(node);

	switch (event->kind)
	{
		case HA_EVENT_TICK:
			break;
		case HA_EVENT_PG:
			node->pg = *event->pg;
			/* A receiver is started there and not before. */
			node->tail_seen |= node->pg.settled || node->pg.receiver_running;
			break;
		case HA_EVENT_MESSAGE:
			handle_message(node, fx, event->message);
			break;
		case HA_EVENT_REQUEST:
			ha_change_request(node, fx, event->request);
			break;
		case HA_EVENT_DRAINED:
			handle_drained(node, fx, event);
			break;
		case HA_EVENT_RESIGN:
			ha_handover_resign(node, fx, event->reason);
			break;
	}

	if (node->role == HA_ROLE_HELD)
		return;
	ha_voter_progress(node, fx);
	ha_candidate_progress(node, fx);
	ha_leader_progress(node, fx);
	ha_handover_progress(node, fx);
	ha_follower_progress(node, fx);
}
