/*
 * follower.c: hearing a leader, promising it silence, joining its WAL, and giving it up; see node_parts.h.
 *
 * A follower that answers a beat neither votes nor stands for the promise that the beat names (R9). It receives WAL
 * only from the leader of a term that it has joined: after its receiver was gone and its replay had reached the end
 * of its WAL, it compared chains and persisted the leader's (R13, R33, R38).
 */
#include "core/node_parts.h"

/* How long the end of a stopping leader's WAL is waited for before this member stands without it. */
#define STOPPING_WAIT_US (250 * HA_US_PER_MS)

/* ---- Beats ---- */

/*
 * May this beat's term be taken now? A data node that still receives WAL from an older leader stops that first and
 * answers a later beat (R13).
 */
static bool
ready_for_term(HaNode *node, const HaMessage *m)
{
	if (m->term == node->hard.term || !ha_node_is_data(node) || !node->pg.receiving)
		return true;
	node->leader = 0;
	node->upstream = 0;
	return false;
}

static void
answer_beat(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	HaMessage *r = ha_node_send(node, fx, ha_set_of(m->from), HA_MESSAGE_BEAT_R);

	r->round_us = m->round_us;
	r->joined_term = node->hard.joined_term;
	r->position = ha_node_held(node);
	r->replay_lsn = node->pg.replay_lsn;
	r->blocks = node->pg.blocks;
	r->primary = node->pg.state == HA_PG_PRIMARY;
}

/* This member's own leadership or candidacy ends before it follows. */
static void
yield(HaNode *node, HaEffects *fx, HaTerm term)
{
	if (ha_role_leads(node->role) || node->role == HA_ROLE_RESIGNING)
		ha_leader_end(node, fx, HA_TRIGGER_DEPOSED);
	else if (node->role == HA_ROLE_CANDIDATE)
		ha_candidate_drop(node, fx);
	if (term > node->hard.term)
		ha_node_adopt_term(node, fx, term);
}

/* By its own word. */
static bool
leader_hears_majority(const HaNode *node, uint32_t promise_ms)
{
	const HaRegister *reg = &node->hard.reg;
	HaSet heard = 0;

	for (uint32_t i = 0; i < node->summary_count; i++)
	{
		if (node->summary[i].seen_ms <= promise_ms)
			heard |= ha_set_of(node->summary[i].id);
	}
	return ha_majority_joint(heard, reg->voters, reg->voters_previous);
}

/* A leader that was lost is back in the same term: told when it has more than this member, and may stay (S17). */
static void
tell_leader(HaNode *node, HaEffects *fx, uint32_t promise_ms)
{
	bool same = node->term_told == node->hard.term;

	if (same && (node->leader_told == node->leader || !leader_hears_majority(node, promise_ms)))
		return;
	node->leader_told = node->leader;
	node->term_told = node->hard.term;
	node->attempt_told = false;
	ha_node_note(node, fx, HA_NOTE_LEADER_FOUND, node->leader);
}

void
ha_follower_beat(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	if (m->term < node->hard.term)
	{
		answer_beat(node, fx, m);	/* our term is in it: the old leader steps down */
		return;
	}
	if (m->promise_ms < HA_PROMISE_MS_MIN || m->promise_ms > HA_PROMISE_MS_MAX || !ready_for_term(node, m))
		return;
	if (m->term == node->hard.term)
	{
		/* Two leaders of one term: stop rather than choose (R7, R44). */
		bool one = !ha_role_leads(node->role) && (node->leader == 0 || node->leader == m->from);

		if (!ha_node_require(node, fx, one, 7))
			return;
	}
	yield(node, fx, m->term);
	if (node->role == HA_ROLE_HELD)
		return;

	if (m->promise_ms > node->hard.promise_ms)
	{
		node->hard.promise_ms = m->promise_ms;
		fx->persist = true;
	}
	if (m->reg != NULL)
		ha_node_adopt_register(node, fx, m->reg);
	if (node->role == HA_ROLE_HELD)
		return;
	node->leader = m->from;
	node->promise_until = ha_until_later(node->promise_until,
										 ha_until(node->now, (HaUs) m->promise_ms * HA_US_PER_MS));
	if (m->round_us > node->last_round_us)
		node->last_round_us = m->round_us;
	if (ha_version_compare(m->committed, node->committed) > 0)
		node->committed = m->committed;
	if (m->summary != NULL && m->summary_count <= HA_MEMBERS_MAX)
	{
		node->summary_count = m->summary_count;
		for (uint32_t i = 0; i < m->summary_count; i++)
			node->summary[i] = m->summary[i];
	}
	tell_leader(node, fx, m->promise_ms);
	node->attempts = 0;
	node->stand_us = HA_US_NEVER;
	node->lost_us = 0;
	node->vote_pending = false;
	answer_beat(node, fx, m);
}

/* ---- Last will of the leader ---- */

void
ha_follower_resign(HaNode *node, HaEffects *fx, const HaMessage *m)
{
	bool ours = m->term == node->hard.term && (node->leader == m->from || node->leader == 0) &&
		m->round_us >= node->last_round_us;

	if (!ours && !HA_MUTANT(OLD_RESIGNATION))
		return;
	node->peer[m->from].gone = true;
	if (ha_role_leads(node->role))
		return;
	if (node->leader_told == m->from)
		ha_node_note(node, fx, HA_NOTE_RESIGNED, m->from)->lsn = m->position.lsn;
	node->leader_told = 0;
	node->promise_until = (HaUntil){0, 0};
	if (node->leader != 0 || node->lost_us == 0)
		node->lost_us = node->now.boot_us;	/* said again and again, it must not put off what waits for it */
	node->leader = 0;
	if (node->role != HA_ROLE_FOLLOWER)
		return;
	node->stand_at_end = m->stopping && node->pg.receiver_running;
	node->stand_us = node->now.boot_us + (node->stand_at_end ? STOPPING_WAIT_US : ha_candidate_delay(node));
}

/* ---- Joining the leader's WAL ---- */

static void
rejoin(HaNode *node, HaEffects *fx, HaComparison how)
{
	if (how.lineage == HA_LINEAGE_REWIND)
		ha_node_note(node, fx, HA_NOTE_DIVERGED, node->leader)->lsn = how.fork;
	else if (how.lineage == HA_LINEAGE_CLONE)
		ha_node_note(node, fx, HA_NOTE_MUST_CLONE, node->leader);
	else
		ha_node_note(node, fx, HA_NOTE_RESTART, node->leader);
	if (node->pg.state == HA_PG_PRIMARY && ha_node_foreign(node))
		ha_node_note(node, fx, HA_NOTE_ROGUE, node->hard.id);
	node->upstream = 0;
	ha_node_move(node, fx, HA_TRIGGER_REJOIN);
	fx->acts |= HA_ACT_REJOIN;
	fx->rejoin = how;
	fx->rejoin_leader = node->leader;
}

/*
 * Has the leader of this term registered its epoch, on a majority? Before that nobody can compare with it, and the next
 * leader may take the same timeline number (R17, R26).
 */
static bool
epoch_known(const HaNode *node)
{
	const HaEpoch *last = ha_chain_last(&node->hard.reg.chain);

	return node->hard.reg.version.term == node->hard.term && last != NULL && last->term == node->hard.term &&
		ha_version_compare(node->committed, node->hard.reg.version) >= 0;
}

static void
join(HaNode *node, HaEffects *fx)
{
	const HaPg *pg = &node->pg;
	HaLsn lsn = pg->state == HA_PG_PRIMARY ? pg->flush_lsn : pg->replay_lsn;
	HaComparison how;

	if (!epoch_known(node))
		return;
	/* A rewound member is not consistent before it has received more: it joins at the end of what it has. */
	if (pg->state == HA_PG_NONE || (pg->state != HA_PG_PRIMARY && (pg->receiving || !pg->settled)))
		return;
	if (HA_MUTANT(JOINED_CONSISTENT) && pg->state == HA_PG_STARTING)
		return;
	how = ha_chain_compare(&node->hard.chain, lsn, pg->tli, pg->tli_start, &node->hard.reg.chain);
	if (HA_MUTANT(JOIN_UNCHECKED))
		how.lineage = HA_LINEAGE_STREAM;

	/* pg_rewind says "no rewind required" before the new leader's first checkpoint (E9b): wait for it. */
	if (how.lineage == HA_LINEAGE_REWIND && node->hard.reg.checkpoint_term != node->hard.term)
		return;
	if (how.lineage != HA_LINEAGE_STREAM || pg->state == HA_PG_PRIMARY)
	{
		rejoin(node, fx, how);
		return;
	}
	node->hard.chain = node->hard.reg.chain;
	node->hard.joined_term = node->hard.term;
	fx->persist = true;
	ha_node_note(node, fx, HA_NOTE_JOINED, node->leader)->lsn = lsn;
}

/*
 * A standby of the present leader: where its WAL comes from. After a start that is said only when the end of the local
 * WAL has been seen: what a promotion by hand left there may bear the leader's timeline number (S34, E9).
 */
static void
follow(HaNode *node, HaEffects *fx)
{
	if (node->hard.joined_term != node->hard.term)
	{
		node->upstream = 0;
		join(node, fx);
	}
	if (node->role != HA_ROLE_FOLLOWER)
		return;
	if (node->hard.joined_term == node->hard.term && node->pg.state != HA_PG_PRIMARY)
		node->upstream = node->tail_seen ? node->leader : 0;
	else if (node->pg.state == HA_PG_PRIMARY)
		join(node, fx);
}

/* ---- A primary that does not lead ---- */

/*
 * True when this member won hard.term, PostgreSQL is its primary, and only the ha worker was away: it may go on, with
 * fresh rounds, because nobody can have been elected in the same term.
 */
static bool
may_resume(const HaNode *node)
{
	const HaEpoch *last = ha_chain_last(&node->hard.chain);
	bool same = last == NULL || last->term != node->hard.term || HA_MUTANT(RESUMED_BLINDLY) ||
		(last->tli == node->pg.tli && last->start == node->pg.replay_lsn);

	return node->hard.reg.leader == node->hard.id && node->hard.reg.version.term == node->hard.term &&
		node->hard.voted_for == node->hard.id && node->leader == 0 && same;
}

/*
 * PostgreSQL left recovery without an election: epochs that begin where its recovery ended were never received, and
 * the timeline that it took may have the number of one of them.
 */
static void
forget_unreceived(HaNode *node, HaEffects *fx)
{
	HaChain *chain = &node->hard.chain;
	uint32_t before = chain->count;

	if (before > 0 && ha_chain_last(chain)->term != node->hard.led_term)
		ha_chain_cut(chain, node->pg.replay_lsn);
	if (chain->count != before)
		fx->persist = true;
}

/*
 * This member won a term, was promoted, and lost power before it had written its epoch down. Nobody else wrote in that
 * term: the timeline that it finds itself on is that epoch.
 */
static void
recover_own_epoch(HaNode *node, HaEffects *fx)
{
	const HaRegister *reg = &node->hard.reg;
	HaEpoch epoch = {reg->version.term, node->pg.tli, node->pg.tli_start};
	const HaEpoch *last = ha_chain_last(&node->hard.chain);

	if (reg->leader != node->hard.id || node->pg.tli_start == 0 || !ha_node_foreign(node) || last == NULL ||
		last->term >= epoch.term || node->pg.state != HA_PG_STANDBY || HA_MUTANT(EPOCH_FORGOTTEN))
		return;
	ha_chain_cut(&node->hard.chain, epoch.start);
	ha_chain_append(&node->hard.chain, epoch);
	node->hard.led_term = epoch.term;
	fx->persist = true;
}

/* Deposed, or promoted by hand (S34): without a leader to follow it restarts, so that it may stand again (R41). */
static void
stray_primary(HaNode *node, HaEffects *fx)
{
	const HaComparison as_it_is = {HA_LINEAGE_STREAM, 0};

	if (may_resume(node))
	{
		ha_node_move(node, fx, HA_TRIGGER_RESUMED);
		ha_leader_begin(node, fx);
		node->claimed = (HaPosition){0, 0};
		return;
	}
	if (node->lost_us == 0)
		node->lost_us = node->now.boot_us;
	if (node->now.boot_us - node->lost_us < ha_node_promise_us(node))
	{
		ha_node_wake(node, node->lost_us + ha_node_promise_us(node));
		return;
	}
	rejoin(node, fx, as_it_is);
}

/*
 * After a crash restart this term's leader finds itself a standby: its lease and its backends are gone, so the others
 * need not wait for the promise (design 4.2). Said at each beat until someone else leads.
 */
static void
give_back_own_term(HaNode *node, HaEffects *fx)
{
	HaMessage *m;

	if (node->hard.reg.leader != node->hard.id || node->hard.reg.version.term != node->hard.term)
		return;
	if (node->pg.state != HA_PG_STARTING && node->pg.state != HA_PG_STANDBY)
		return;
	if (node->now.boot_us >= node->next_beat_us)
	{
		m = ha_node_send(node, fx, ha_register_members(&node->hard.reg), HA_MESSAGE_RESIGN);
		m->round_us = node->now.boot_us;
		m->position = ha_node_held(node);
		node->next_beat_us = node->now.boot_us + ha_node_beat_us(node);
	}
	ha_node_wake(node, node->next_beat_us);
}

/* ---- Progress ---- */

/*
 * Who hears no leader and may not stand asks for a pre-vote that nobody can grant; who refuses tells the term, and adds
 * the register when it is newer. A learner may have been taken out without hearing of it; a member that is to be forced
 * must know the terms that others have had; and a member that was just started lets a leader that has fallen silent
 * hear that somebody is there again (S17).
 */
static void
ask_around(HaNode *node, HaEffects *fx)
{
	bool started = !ha_until_over(node->silent_until, node->now);

	if ((!started && ha_candidate_eligible(node)) || !ha_until_over(node->promise_until, node->now))
		return;
	if (node->now.boot_us >= node->ask_us)
	{
		ha_node_send(node, fx, ha_register_members(&node->hard.reg), HA_MESSAGE_PREVOTE);
		node->ask_us = node->now.boot_us + (started ? ha_node_beat_us(node) : ha_node_promise_us(node));
	}
	ha_node_wake(node, node->ask_us);
}

static void
consider_standing(HaNode *node, HaEffects *fx)
{
	if (!ha_candidate_eligible(node))
		return;
	if (!ha_until_over(node->silent_until, node->now) || !ha_until_over(node->promise_until, node->now))
	{
		ha_node_wake(node, node->now.boot_us + ha_node_beat_us(node) / 10);
		return;
	}
	if (node->stand_us == HA_US_NEVER)
		node->stand_us = node->now.boot_us + ha_candidate_delay(node);
	if (node->stand_at_end && !node->pg.receiver_running)
	{
		node->stand_at_end = false;
		node->stand_us = node->now.boot_us;
	}
	if (node->now.boot_us >= node->stand_us)
		ha_candidate_stand(node, fx, (HaToken){0, 0});
	else
		ha_node_wake(node, node->stand_us);
}

void
ha_follower_progress(HaNode *node, HaEffects *fx)
{
	if (node->role == HA_ROLE_REJOINING)
		return;
	if (node->role != HA_ROLE_FOLLOWER)
		return;
	/* A promotion that nobody wants any more can't be called off: it ends with the server (S34, E9). */
	if (node->pg.promoting && node->pg.state != HA_PG_PRIMARY)
	{
		rejoin(node, fx, (HaComparison){HA_LINEAGE_STREAM, 0});
		return;
	}
	if (node->pg.state == HA_PG_PRIMARY && !may_resume(node))
		forget_unreceived(node, fx);
	recover_own_epoch(node, fx);
	/* What was written outside the cluster (S34) ends the membership in the WAL that was joined. */
	if (node->hard.joined_term != 0 && ha_node_foreign(node) && !HA_MUTANT(FOREIGN_JOINED))
	{
		node->hard.joined_term = 0;
		fx->persist = true;
	}
	if (node->leader != 0 && ha_until_over(node->promise_until, node->now))
	{
		if (node->leader_told == node->leader)
			ha_node_note(node, fx, HA_NOTE_LEADER_LOST, node->leader);
		node->leader = node->leader_told = 0;
		node->lost_us = node->now.boot_us;
	}
	if (node->leader != 0)
	{
		if (ha_node_is_data(node) && !node->vote_pending)
			follow(node, fx);
		return;
	}
	if (node->pg.state == HA_PG_PRIMARY)
	{
		stray_primary(node, fx);
		return;
	}
	give_back_own_term(node, fx);
	ask_around(node, fx);
	consider_standing(node, fx);
}
