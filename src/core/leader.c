/*
 * leader.c: leading a term; see node_parts.h.
 *
 * From the win to open: the term's first register write reaches a majority (R16, R28), PostgreSQL is promoted, the
 * epoch is registered (R16, R17), and in synchronous mode its beginning is flushed on k members (R37). Only then are
 * commits acknowledged, and only while the lease runs (round.c).
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
	node->leader = node->leader_told = node->hard.id;
	node->term_told = node->hard.term;
	node->attempt_told = false;
	node->lost_us = 0;
	node->attempts = 0;
	node->stand_us = HA_US_NEVER;
	node->floor_us = node->now.boot_us;
	node->next_beat_us = node->now.boot_us;
	node->grace_us = node->now.boot_us + 2 * ha_node_promise_us(node);
	node->role_until_us = node->role == HA_ROLE_ELECTED ? node->now.boot_us + ha_node_promise_us(node) :
		HA_US_NEVER;
	node->lease_until_us = 0;
	node->majority_us = node->now.boot_us;
	node->lull_us = 0;
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
	if (!ha_majority_joint(ha_round_stored_by(node), voters, reg->voters_previous) && !early)
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

		if (ha_leader_has(node, id, 0))
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

	/* What was rewound and is not consistent yet could not take over: it holds the WAL for nobody. */
	if (peer->blocks & HA_BLOCK_INCONSISTENT)
		return false;
	return (peer->joined_term == node->hard.term || HA_MUTANT(UNJOINED_COUNTS)) && peer->position.lsn >= lsn;
}

/* ---- From elected to open ---- */

/* The WAL that this node holds ends where its promotion began: later epochs of its chain were never received. */
static void
append_own_epoch(HaNode *node, HaEpoch epoch)
{
	/* Also written down when the ha worker came back before the register had it. */
	if (ha_chain_last(&node->hard.chain)->term != epoch.term)
	{
		ha_chain_cut(&node->hard.chain, epoch.start);
		ha_chain_append(&node->hard.chain, epoch);
	}
	node->hard.joined_term = node->hard.led_term = epoch.term;
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
	fx->acts |= HA_ACT_CHECKPOINT;
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
			if (!node->write_pending && node->shift == HA_SHIFT_NONE && secured(node) && !node->pg.held_shut)
				open_for_writes(node, fx);
			break;
		default:
			break;
	}
}

/* ---- A leader that nobody answers (S17) ---- */

/*
 * Its beats may be heard all the same, and would bind the others for ever. So it goes on asking for one promise after
 * its lease is out, and then falls silent for two: the slowest clock's promise is over after a quarter more than one
 * (lease.h), and the rest is time to elect. Then it asks again. It remains the leader of its term all the while: when
 * nobody was elected, the answers of a majority open it again, and no server was restarted (design 4.2).
 */
#define ASK_PROMISES 1
#define LULL_PROMISES 2

static bool
heard_majority_since(const HaNode *node, HaUs since_us)
{
	const HaRegister *reg = &node->hard.reg;
	HaSet heard = ha_node_self(node);

	for (HaSet s = reg->voters | reg->voters_previous; s != 0; s &= s - 1)
	{
		if (node->peer[ha_set_first(s)].spoke_us > since_us)
			heard |= ha_set_of(ha_set_first(s));
	}
	return ha_majority_joint(heard, reg->voters, reg->voters_previous);
}

static void
ask_or_be_silent(HaNode *node)
{
	const HaUs promise_us = ha_node_promise_us(node);
	HaUs now_us = node->now.boot_us;
	bool paused = node->hard.reg.paused && !node->write_pending;
	bool away = now_us - node->round_us > promise_us / 2;	/* stopped, or asleep: nobody was asked */

	if (node->lull_us != 0)
	{
		HaUs end_us = node->lull_us + LULL_PROMISES * promise_us;

		/* Who hears a majority need not fear that it is only heard. */
		if (now_us < end_us && !paused && !heard_majority_since(node, node->lull_us))
		{
			ha_node_wake(node, end_us);
			return;
		}
		node->lull_us = 0;
		node->majority_us = node->next_beat_us = now_us;
	}
	if (ha_node_lease_valid(node, node->now) || now_us < ha_round_lease(node) || paused || away)
		node->majority_us = now_us;
	if (now_us - node->majority_us < ASK_PROMISES * promise_us)
		return;
	node->lull_us = now_us;
	node->floor_us = node->round_us + 1;	/* late answers to what was asked before give no lease any more */
}

void
ha_leader_progress(HaNode *node, HaEffects *fx)
{
	HaRole before;

	if (!ha_role_leads(node->role))
		return;
	ask_or_be_silent(node);
	look_at_write(node, fx);
	do
	{
		before = node->role;
		advance(node, fx);
	} while (node->role != before && ha_role_leads(node->role));

	if (!ha_role_leads(node->role))
		return;
	publish_joined(node, fx);
	if (node->role == HA_ROLE_OPENING || node->role == HA_ROLE_LEADER || HA_MUTANT(EARLY_CHANGE))
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
	if (node->lull_us == 0 && !(node->role == HA_ROLE_HANDING_OVER && node->handover_sent))
	{
		if (node->now.boot_us >= node->next_beat_us)
		{
			ha_round_send(node, fx);
			look_at_write(node, fx);
		}
		ha_node_wake(node, node->next_beat_us);
	}
	else if (HA_MUTANT(BUSY_LOOP))
		ha_node_wake(node, node->next_beat_us);
	ha_round_publish_lease(node, fx);
	ha_node_wake(node, node->role_until_us);
}
