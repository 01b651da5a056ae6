/*
 * leader.c: leading a term; see node_parts.h.
 *
 * From the win to open: the term's first register write reaches a majority (R16, R28), PostgreSQL is promoted, the
 * epoch is registered (R16, R17), and in synchronous mode its beginning is flushed on k members (R37). Only then are
 * commits acknowledged, and only while the lease runs. Rounds are named by the BOOTTIME at which they were first sent,
 * so that an answer of any age supports the right moment (R19, R20).
 */
#include "core/node_parts.h"

#define PROMOTION_TIMEOUT_US (60 * 1000 * HA_US_PER_MS)

void
ha_leader_begin(HaNode *node, HaEffects *fx)
{
	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		HaPeer *peer = &node->peer[id];

		peer->heard_us = peer->acked_us = 0;
		peer->stored = (HaVersion){0, 0};
		peer->joined_term = 0;
		peer->position = (HaPosition){0, 0};
	}
	node->leader = node->hard.id;
	node->lost_us = 0;
	node->attempts = 0;
	node->stand_us = HA_US_NEVER;
	node->floor_us = node->now.boot_us;
	node->next_beat_us = node->now.boot_us;
	node->grace_us = node->now.boot_us + 2 * ha_node_promise_us(node);
	node->role_until_us = node->role == HA_ROLE_ELECTED ? node->now.boot_us + ha_node_promise_us(node) :
		HA_US_NEVER;
	node->lease_until_us = 0;
	node->write_pending = true;		/* whatever is held must be on a majority in this term, too */
	node->committed = (HaVersion){0, 0};
	node->shift = HA_SHIFT_NONE;
	node->request_number = 0;
	node->drop_id = 0;
	node->target = 0;
	node->fenced = false;
	node->open_lsn = 0;
	node->gate.term = node->hard.term;
	node->gate.open = false;
	node->gate.rule_count = 1;
	node->gate.rule[0] = node->hard.reg.rule;
	node->gate.joined = 0;
	ha_leader_publish_gate(node, fx);
}

void
ha_leader_end(HaNode *node, HaEffects *fx, HaTrigger trigger)
{
	if (node->request_number != 0)
		ha_change_answer(fx, node->request_number, HA_ANSWER_LOST);
	node->request_number = 0;
	node->drop_id = 0;
	node->shift = HA_SHIFT_NONE;
	node->write_pending = false;
	ha_node_close(node, fx);
	if (trigger == HA_TRIGGER_DEPOSED)
		ha_node_note(node, fx, HA_NOTE_DEPOSED, node->hard.id);
	ha_node_move(node, fx, trigger);
	node->leader = 0;
	node->lost_us = node->now.boot_us;
	if (node->role == HA_ROLE_REJOINING)
	{
		fx->acts |= HA_ACT_REJOIN;
		fx->rejoin = (HaComparison){HA_LINEAGE_STREAM, 0};
		fx->rejoin_leader = 0;
	}
}

/* ---- Register ---- */

void
ha_leader_write(HaNode *node, HaEffects *fx)
{
	HaRegister *reg = &node->hard.reg;

	if (!ha_node_require(node, fx, reg->version.term == node->hard.term, 25))
		return;
	reg->version.number++;
	reg->leader = node->hard.id;
	fx->persist = true;
	node->write_pending = true;
	node->next_beat_us = node->now.boot_us;
}

/* Who has persisted the present version, as each said in this term. */
static HaSet
stored_by(const HaNode *node)
{
	HaSet set = ha_node_self(node);

	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		if (ha_version_compare(node->peer[id].stored, node->hard.reg.version) == 0)
			set |= ha_set_of(id);
	}
	return set;
}

static void
look_at_write(HaNode *node, HaEffects *fx)
{
	const HaRegister *reg = &node->hard.reg;
	HaSet voters = reg->voters;
	bool early = HA_MUTANT(EARLY_ACK) && node->role != HA_ROLE_LEADER;

	if (!node->write_pending)
		return;
	if (HA_MUTANT(VISIBLE_MAJORITY))
	{
		voters = 0;
		for (HaSet s = reg->voters; s != 0; s &= s - 1)
			voters |= ha_node_alive(node, ha_set_first(s)) ? ha_set_of(ha_set_first(s)) : 0;
	}
	if (!ha_majority_joint(stored_by(node), voters, reg->voters_previous) && !early)
		return;
	node->write_pending = false;
	node->committed = reg->version;
	node->next_beat_us = node->now.boot_us;	/* the members learn at once that it is on a majority */
	if (node->request_number != 0 && node->drop_id == 0)
	{
		ha_change_answer(fx, node->request_number, HA_ANSWER_DONE);
		fx->answer_id = node->request_id;
		node->request_number = 0;
	}
}

/* ---- Lease ---- */

HaUs
ha_leader_lease(const HaNode *node)
{
	const HaRegister *reg = &node->hard.reg;
	HaUs acked_us[HA_ID_MAX + 1] = {0};
	HaUs start_us;

	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		HaUs round_us = id == node->hard.id ? node->round_us : node->peer[id].acked_us;

		if (round_us >= node->floor_us || HA_MUTANT(STALE_ROUND))
			acked_us[id] = round_us;
	}
	start_us = ha_lease_start(acked_us, reg->voters);
	if (reg->voters_previous != 0)
	{
		HaUs before_us = ha_lease_start(acked_us, reg->voters_previous);

		start_us = before_us < start_us ? before_us : start_us;
	}
	return start_us == 0 ? 0 : ha_lease_end(start_us, node->times.promise_ms);
}

/* The pause lets the leader go on without rounds, once a majority refuses elections because of it (R29). */
static HaUs
lease_now(const HaNode *node)
{
	if (node->role != HA_ROLE_LEADER && !(HA_MUTANT(HANDOVER_KEEPS_LEASE) && node->role == HA_ROLE_HANDING_OVER))
		return 0;
	if (node->hard.reg.paused && !node->write_pending)
		return HA_US_NEVER;
	return ha_leader_lease(node);
}

static void
publish_lease(HaNode *node, HaEffects *fx)
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

/* ---- Gate ---- */

void
ha_leader_publish_gate(HaNode *node, HaEffects *fx)
{
	node->gate.generation++;
	fx->acts |= HA_ACT_GATE;
}

/* Members that hold this term's WAL may count; a growing set needs no new generation. */
static void
publish_joined(HaNode *node, HaEffects *fx)
{
	HaSet joined = 0;

	for (HaSet s = ha_register_data(&node->hard.reg); s != 0; s &= s - 1)
	{
		HaId id = ha_set_first(s);

		if (node->peer[id].joined_term == node->hard.term || HA_MUTANT(UNJOINED_COUNTS))
			joined |= ha_set_of(id);
	}
	joined &= ~ha_node_self(node);
	if (joined == node->gate.joined)
		return;
	node->gate.joined = joined;
	fx->acts |= HA_ACT_GATE;
}

bool
ha_leader_has(const HaNode *node, HaId id, HaLsn lsn)
{
	const HaPeer *peer = &node->peer[id];

	return (peer->joined_term == node->hard.term || HA_MUTANT(UNJOINED_COUNTS)) && peer->position.lsn >= lsn;
}

/* ---- Rounds ---- */

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

static void
send_beat(HaNode *node, HaEffects *fx)
{
	const HaRegister *reg = &node->hard.reg;
	HaSet all = ha_register_members(reg);
	HaSet stored = stored_by(node);
	bool hurry = node->write_pending || node->role == HA_ROLE_HANDING_OVER || node->role == HA_ROLE_OPENING;
	HaMessage *m;

	/* Rounds that named another promise don't say how long the answer binds now. */
	if (node->promise_used_ms != node->times.promise_ms)
		node->floor_us = node->now.boot_us;
	node->promise_used_ms = node->times.promise_ms;
	node->round_us = node->now.boot_us > node->round_us ? node->now.boot_us : node->round_us + 1;
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
ha_leader_beat_r(HaNode *node, HaEffects *fx, const HaMessage *m)
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

/* ---- From elected to open ---- */

/* The WAL that this node holds ends where its promotion began: later epochs of its chain were never received. */
static void
append_own_epoch(HaNode *node, HaEpoch epoch)
{
	HaChain *chain = &node->hard.chain;

	while (chain->count > 1 && chain->epoch[chain->count - 1].start >= epoch.start)
		chain->count--;
	ha_chain_append(chain, epoch);
	node->hard.joined_term = epoch.term;
}

/* Also true when the ha worker came back after the epoch had been registered. */
static bool
epoch_registered(const HaNode *node)
{
	const HaEpoch *last = ha_chain_last(&node->hard.reg.chain);

	return last != NULL && last->term == node->hard.term;
}

static void
promotion_ended(HaNode *node, HaEffects *fx)
{
	HaRegister *reg = &node->hard.reg;
	const HaPg *pg = &node->pg;
	HaEpoch epoch = {node->hard.term, pg->tli, pg->replay_lsn};
	bool whole = pg->replay_lsn >= node->claimed.lsn;
	bool fresh = pg->tli > reg->tli_max || HA_MUTANT(SAME_TIMELINE);

	if (!epoch_registered(node))
	{
		/*
		 * A gap: what it claimed is not there. It must not lead, and as its new timeline is in no chain it can't stand
		 * again. A number that another leader took: it may try again, from the timeline that it has now (R17).
		 */
		if (whole)
		{
			append_own_epoch(node, epoch);
			fx->persist = true;
		}
		if (!whole || !fresh)
		{
			ha_node_note(node, fx, HA_NOTE_PROMOTION_BAD, node->hard.id)->value = pg->tli;
			ha_leader_end(node, fx, HA_TRIGGER_PROMOTION_FAILED);
			return;
		}
		reg->chain = node->hard.chain;
		reg->tli_max = pg->tli > reg->tli_max ? pg->tli : reg->tli_max;
		ha_leader_write(node, fx);
		ha_node_note(node, fx, HA_NOTE_PROMOTED, node->hard.id)->value = pg->tli;
	}
	node->open_lsn = pg->flush_lsn;
	ha_node_move(node, fx, HA_TRIGGER_PROMOTED);
}

/* The epoch's beginning is flushed on k members of every rule that may bind this term (R37). */
static bool
secured(const HaNode *node)
{
	HaSet holders = 0;

	for (HaSet s = ha_register_data(&node->hard.reg) & ~ha_node_self(node); s != 0; s &= s - 1)
	{
		if (ha_leader_has(node, ha_set_first(s), node->open_lsn))
			holders |= ha_set_of(ha_set_first(s));
	}
	for (uint32_t i = 0; i < node->gate.rule_count; i++)
	{
		if (!ha_sync_satisfied(&node->gate.rule[i], node->hard.id, holders) && !HA_MUTANT(OPEN_UNSECURED))
			return false;
	}
	return true;
}

static void
open_for_writes(HaNode *node, HaEffects *fx)
{
	ha_node_move(node, fx, HA_TRIGGER_OPENED);
	ha_node_note(node, fx, HA_NOTE_OPENED, node->hard.id);
	node->gate.open = true;
	ha_leader_publish_gate(node, fx);
	fx->acts |= HA_ACT_CHECKPOINT;
}

/* One step on the way; called again until nothing more can be done in this turn. */
static void
advance(HaNode *node, HaEffects *fx)
{
	bool late = node->now.boot_us >= node->role_until_us;

	switch (node->role)
	{
		case HA_ROLE_ELECTED:
			if (!node->write_pending)
			{
				ha_node_move(node, fx, HA_TRIGGER_SECURED);
				node->role_until_us = node->now.boot_us + PROMOTION_TIMEOUT_US;
				fx->acts |= HA_ACT_PROMOTE;
			}
			else if (late)
				ha_leader_end(node, fx, HA_TRIGGER_DROPPED);
			break;
		case HA_ROLE_PROMOTING:
			if (!node->write_pending && node->pg.state == HA_PG_PRIMARY)
				promotion_ended(node, fx);
			else if (late)
				ha_leader_end(node, fx, HA_TRIGGER_PROMOTION_FAILED);
			break;
		case HA_ROLE_OPENING:
			if (!node->write_pending && node->shift == HA_SHIFT_NONE && secured(node))
				open_for_writes(node, fx);
			break;
		default:
			break;
	}
}

void
ha_leader_progress(HaNode *node, HaEffects *fx)
{
	HaRole before;

	if (!ha_role_leads(node->role))
		return;
	look_at_write(node, fx);
	do
	{
		before = node->role;
		advance(node, fx);
	} while (node->role != before && ha_role_leads(node->role));

	if (!ha_role_leads(node->role))
		return;
	publish_joined(node, fx);
	if (node->role == HA_ROLE_OPENING || node->role == HA_ROLE_LEADER)
	{
		ha_shift_progress(node, fx);
		ha_change_progress(node, fx);
	}
	if (node->role == HA_ROLE_LEADER && node->pg.state != HA_PG_PRIMARY && node->pg.state != HA_PG_NONE)
	{
		ha_leader_end(node, fx, HA_TRIGGER_DEPOSED);
		return;
	}
	/* After the token was given, no round may bind the voters again (R23). */
	if (node->now.boot_us >= node->next_beat_us && !(node->role == HA_ROLE_HANDING_OVER && node->handover_sent))
	{
		send_beat(node, fx);
		look_at_write(node, fx);
	}
	publish_lease(node, fx);
	ha_node_wake(node, node->next_beat_us);
	ha_node_wake(node, node->role_until_us);
}
