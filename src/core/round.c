/*
 * round.c: the leader's rounds and what they give: the lease, and who has stored the register; see node_parts.h.
 *
 * A round is named by the BOOTTIME at which it was first sent, so that an answer of any age supports the right moment
 * (R19, R20).
 */
#include "core/node_parts.h"

/* ---- Lease ---- */

/*
 * The promise that binds whoever answered a round since start_us: he may have answered one that named it, or one before
 * it was changed. A longer one that was set since binds nobody yet.
 */
static uint32_t
promise_since(const HaNode *node, HaUs start_us)
{
	bool before = start_us < node->promise_used_us && !HA_MUTANT(LONGER_AT_ONCE);

	return before && node->promise_before_ms < node->promise_used_ms ? node->promise_before_ms :
		node->promise_used_ms;
}

HaUs
ha_round_lease(const HaNode *node)
{
	const HaRegister *reg = &node->hard.reg;
	HaUs acked_us[HA_ID_MAX + 1];	/* of the voters only */
	HaUs start_us;

	for (HaSet s = reg->voters | reg->voters_previous; s != 0; s &= s - 1)
	{
		HaId id = ha_set_first(s);
		HaUs round_us = id == node->hard.id ? node->round_us : node->peer[id].acked_us;

		acked_us[id] = round_us >= node->floor_us || HA_MUTANT(STALE_ROUND) ? round_us : 0;
	}
	start_us = ha_lease_start(acked_us, reg->voters);
	if (reg->voters_previous != 0)
	{
		HaUs before_us = ha_lease_start(acked_us, reg->voters_previous);

		start_us = before_us < start_us ? before_us : start_us;
	}
	return start_us == 0 ? 0 : ha_lease_end(start_us, promise_since(node, start_us));
}

/* The pause lets the leader go on without rounds, once a majority refuses elections because of it (R29). */
static HaUs
lease_now(const HaNode *node)
{
	if (node->role != HA_ROLE_LEADER && !(HA_MUTANT(HANDOVER_KEEPS_LEASE) && node->role == HA_ROLE_HANDING_OVER))
		return 0;
	if (node->hard.reg.paused && !node->write_pending)
		return HA_US_NEVER;
	return ha_round_lease(node);
}

void
ha_round_publish_lease(HaNode *node, HaEffects *fx)
{
	HaUs until_us = lease_now(node);
	bool valid = node->now.boot_us < until_us;

	if (until_us != node->lease_until_us)
	{
		node->lease_until_us = until_us;
		fx->acts |= HA_ACT_LEASE;
	}
	if (node->role != HA_ROLE_LEADER)
		return;
	if (valid)
		ha_node_wake(node, until_us);
	if (valid == node->fenced)
	{
		node->fenced = !valid;
		ha_node_note(node, fx, valid ? HA_NOTE_UNFENCED : HA_NOTE_FENCED, node->hard.id);
	}
}

/* Who has persisted the present version, as each said in this term. */
HaSet
ha_round_stored_by(const HaNode *node)
{
	HaSet set = ha_node_self(node);

	for (HaSet s = ha_register_members(&node->hard.reg); s != 0; s &= s - 1)
	{
		HaId id = ha_set_first(s);

		if (ha_version_compare(node->peer[id].stored, node->hard.reg.version) == 0)
			set |= ha_set_of(id);
	}
	return set;
}

/* ---- Sending and hearing ---- */

static void
summarize(HaNode *node)
{
	const HaRegister *reg = &node->hard.reg;

	node->summary_count = reg->member_count;
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		HaId id = reg->member[i].id;
		const HaPeer *peer = &node->peer[id];
		HaUs ago_us = node->now.boot_us - peer->heard_us;

		node->summary[i] = (HaSummary){
			.id = id,
			.seen_ms = peer->heard_us == 0 ? UINT32_MAX : (uint32_t) (ago_us / HA_US_PER_MS),
			.joined_term = peer->joined_term,
			.position = peer->position,
			.replay_lsn = peer->replay_lsn,
			.blocks = peer->blocks,
			.primary = peer->primary,
		};
		if (id != node->hard.id)
			continue;
		node->summary[i].seen_ms = 0;
		node->summary[i].joined_term = node->hard.term;
		node->summary[i].position = ha_node_held(node);
		node->summary[i].replay_lsn = node->pg.replay_lsn;
		node->summary[i].primary = node->pg.state == HA_PG_PRIMARY;
	}
}

static void
fill_beat(const HaNode *node, HaMessage *m)
{
	m->round_us = node->round_us;
	m->promise_ms = node->times.promise_ms;
	m->committed = node->committed;
	m->summary = node->summary;
	m->summary_count = node->summary_count;
}

/* From this round on. Those before the last change count no more: only two lengths are remembered. */
static void
use_promise(HaNode *node)
{
	if (node->floor_us < node->promise_used_us)
		node->floor_us = node->promise_used_us;
	node->promise_before_ms = node->promise_used_ms;
	node->promise_used_ms = node->times.promise_ms;
	node->promise_used_us = node->round_us;
}

void
ha_round_send(HaNode *node, HaEffects *fx)
{
	const HaRegister *reg = &node->hard.reg;
	HaSet all = ha_register_members(reg);
	HaSet stored = ha_round_stored_by(node);
	bool hurry = node->write_pending || node->role == HA_ROLE_HANDING_OVER || node->role == HA_ROLE_OPENING;
	HaMessage *m;

	node->round_us = node->now.boot_us > node->round_us ? node->now.boot_us : node->round_us + 1;
	if (node->promise_used_ms != node->times.promise_ms)
		use_promise(node);
	node->next_beat_us = node->now.boot_us + ha_node_beat_us(node) / (hurry ? 10 : 1);
	summarize(node);
	if ((all & ~stored) != 0)
	{
		m = ha_node_send(node, fx, all & ~stored, HA_MESSAGE_BEAT);
		fill_beat(node, m);
		m->reg = reg;
	}
	if ((all & stored & ~ha_node_self(node)) != 0)
		fill_beat(node, ha_node_send(node, fx, all & stored, HA_MESSAGE_BEAT));
}

void
ha_round_answer(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	HaPeer *peer = &node->peer[m->from];

	if (m->term > node->hard.term)
	{
		if (m->term > node->term_seen)
			node->term_seen = m->term;
		if (ha_role_leads(node->role) || node->role == HA_ROLE_RESIGNING)
		{
			ha_leader_end(node, fx, HA_TRIGGER_DEPOSED);
			ha_node_adopt_term(node, fx, m->term);
		}
		return;
	}
	if (!ha_role_leads(node->role) || m->term < node->hard.term || m->round_us > node->round_us)
		return;
	peer->heard_us = node->now.boot_us;
	if (m->round_us > peer->acked_us)
		peer->acked_us = HA_MUTANT(LEASE_FROM_RECEIPT) ? node->now.boot_us : m->round_us;
	if (ha_version_compare(m->version, peer->stored) > 0)
		peer->stored = m->version;
	peer->joined_term = m->joined_term;
	peer->position = m->position;
	peer->replay_lsn = m->replay_lsn;
	peer->blocks = m->blocks;
	peer->primary = m->primary;
}
