/*
 * handover.c: giving the leadership away (R23), and the last will of a server that ends (design 4.2).
 *
 * Both close the lease first and wait until every commit in flight has ended. A hand-over then waits until its target
 * has all WAL, and gives it the token that frees the others of their promise for rounds so far. It is taken back after
 * its deadline: commits then need an answered round that was sent after that moment, and whoever answers it can no
 * longer be freed by the token.
 */
#include "core/node_parts.h"

#define HANDOVER_TIMEOUT_US (1000 * HA_US_PER_MS)
#define HANDOVER_SENT_TIMEOUT_US (500 * HA_US_PER_MS)

/* Fit to take over now: alive, in this term's WAL, nothing in its way. */
static bool
fit(const HaNode *node, HaId id)
{
	const HaPeer *peer = &node->peer[id];

	return id != node->hard.id && ha_register_may_lead(&node->hard.reg, id) && ha_node_alive(node, id) &&
		peer->joined_term == node->hard.term && peer->blocks == 0 && !peer->primary;
}

static HaId
best_target(const HaNode *node)
{
	const HaRegister *reg = &node->hard.reg;
	HaId best = 0;

	for (HaSet s = ha_register_data_voters(reg); s != 0; s &= s - 1)
	{
		HaId id = ha_set_first(s);
		int ahead;

		if (!fit(node, id))
			continue;
		if (best == 0)
		{
			best = id;
			continue;
		}
		ahead = ha_position_compare(node->peer[id].position, node->peer[best].position);
		if (ahead > 0 || (ahead == 0 && ha_register_member(reg, id)->priority >
						  ha_register_member(reg, best)->priority))
			best = id;
	}
	return best;
}

HaAnswer
ha_handover_begin(HaNode *node, HaEffects *fx, HaId target)
{
	if (target == 0)
		target = best_target(node);
	else if (ha_register_member(&node->hard.reg, target) == NULL)
		return HA_ANSWER_NO_SUCH_MEMBER;
	if (node->role != HA_ROLE_LEADER || target == 0 || !fit(node, target) || node->hard.reg.paused ||
		node->shift != HA_SHIFT_NONE)
		return HA_ANSWER_NOT_READY;

	node->target = target;
	node->handover_lsn = 0;
	node->handover_sent = false;
	ha_node_move(node, fx, HA_TRIGGER_HAND_OVER);
	node->role_until_us = node->now.boot_us + HANDOVER_TIMEOUT_US;
	node->next_beat_us = node->now.boot_us;
	if (!HA_MUTANT(HANDOVER_KEEPS_LEASE))
		ha_node_close(node, fx);
	else
		ha_leader_publish_gate(node, fx);
	ha_node_note(node, fx, HA_NOTE_HANDING_OVER, target);
	return HA_ANSWER_DONE;
}

static void
take_back(HaNode *node, HaEffects *fx)
{
	ha_node_note(node, fx, HA_NOTE_HAND_OVER_ABORTED, node->target);
	ha_node_move(node, fx, HA_TRIGGER_TAKEN_BACK);
	node->target = 0;
	node->handover_sent = false;
	node->floor_us = node->round_us + 1;
	node->next_beat_us = node->majority_us = node->now.boot_us;
	node->lull_us = 0;			/* nobody was asked while the token was out */
	node->gate.open = true;
	ha_leader_publish_gate(node, fx);
}

static void
send_resignation(HaNode *node, HaEffects *fx, HaLsn lsn)
{
	HaMessage *m = ha_node_send(node, fx, ha_register_members(&node->hard.reg), HA_MESSAGE_RESIGN);

	m->round_us = node->round_us;
	m->position = (HaPosition){node->hard.term, lsn};
	m->stopping = node->stopping;
}

void
ha_handover_drained(HaNode *node, HaEffects *fx, HaLsn lsn)
{
	if (node->role == HA_ROLE_HANDING_OVER && !node->handover_sent)
		node->handover_lsn = lsn;
	if (node->role != HA_ROLE_RESIGNING)
		return;
	send_resignation(node, fx, lsn);
	ha_node_move(node, fx, HA_TRIGGER_DRAINED);
}

void
ha_handover_resign(HaNode *node, HaEffects *fx, HaResignReason reason)
{
	node->stopping = reason == HA_RESIGN_STOPPING;
	if (node->role == HA_ROLE_RESIGNING || node->role == HA_ROLE_RESIGNED || node->role == HA_ROLE_REJOINING ||
		node->role == HA_ROLE_HELD)
		return;
	if (ha_role_leads(node->role))
	{
		/* The gate's new generation tells when the last commit that saw the open one has ended. */
		node->gate.open = true;
		ha_leader_end(node, fx, HA_TRIGGER_RESIGN);
		return;
	}
	ha_node_close(node, fx);
	node->phase = HA_PHASE_NONE;
	node->vote_pending = false;
	ha_node_move(node, fx, HA_TRIGGER_RESIGN);
}

void
ha_handover_progress(HaNode *node, HaEffects *fx)
{
	bool late = node->now.boot_us >= node->role_until_us;

	if (node->role == HA_ROLE_RESIGNING || node->role == HA_ROLE_RESIGNED)
	{
		/* Commits that never end must not keep this member out for ever; the others did not hear of it. */
		if (late)
			ha_node_move(node, fx, node->role == HA_ROLE_RESIGNED ? HA_TRIGGER_DROPPED : HA_TRIGGER_DRAINED);
		ha_node_wake(node, node->role_until_us);
		return;
	}
	if (node->role != HA_ROLE_HANDING_OVER)
		return;
	if (late)
	{
		take_back(node, fx);
		return;
	}
	if (!node->handover_sent && node->handover_lsn != 0 && ha_leader_has(node, node->target, node->handover_lsn))
	{
		HaMessage *m = ha_node_send(node, fx, ha_set_of(node->target), HA_MESSAGE_TIMEOUT_NOW);

		m->round_us = node->round_us;
		m->position = (HaPosition){node->hard.term, node->handover_lsn};
		node->handover_sent = true;
		node->role_until_us = node->now.boot_us + HANDOVER_SENT_TIMEOUT_US;
	}
	ha_node_wake(node, node->role_until_us);
}
