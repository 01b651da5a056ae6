/*
 * check_member.c: what must hold of members: terms, votes, elections, and what they say about them; see check.h.
 */
#include "test/sim/world.h"

#include <stdarg.h>
#include <stdio.h>

/* One more turn at once is fine, a row of them is a loop. */
#define HURRIED_MAX 20

void
sim_fail(SimWorld *w, const SimHost *h, const char *checker, const char *format, ...)
{
	va_list args;

	if (w->check.failed != NULL)
		return;
	w->check.failed = checker;
	va_start(args, format);
	vsnprintf(w->check.text, sizeof(w->check.text), format, args);
	va_end(args);
	sim_say(w, h, "VIOLATION %s: %s", checker, w->check.text);
}

/* ---- Keeping the books ---- */

static void
term_begin(SimTerm *t)
{
	*t = (SimTerm){.promoted = -1, .acked = -1};
}

void
sim_check_begin(SimWorld *w, const HaRegister *first)
{
	SimCheck *c = &w->check;

	c->failed = NULL;
	c->term_max = 0;
	term_begin(&c->term[0]);
	c->written_count = 1;
	c->written[0] = (SimWritten){first->version, {0, 0}, *first};
	c->committed = first->version;
	c->forced = false;
	c->acked_at = 0;
	c->led_at = SIM_NEVER;
	for (int i = 0; i < SIM_HOSTS_MAX; i++)
	{
		c->run_told[i] = c->term_told[i] = 0;
		c->parent[i] = first->version;
		c->restored[i] = false;
		c->hurried[i] = 0;
	}
}

void
sim_check_new_life(SimWorld *w, const SimHost *h)
{
	w->check.run_told[h->index] = w->check.term_told[h->index] = 0;
	for (HaTerm t = 0; t <= w->check.term_max; t++)
		w->check.term[t].vote[h->index] = 0;
}

SimTerm *
sim_check_term(SimWorld *w, const SimHost *h, HaTerm term)
{
	SimCheck *c = &w->check;

	if (term >= SIM_TERMS_MAX)
	{
		sim_fail(w, h, "terms_stay_small", "term %llu in one schedule (S23)", (unsigned long long) term);
		return &c->term[0];
	}
	while (c->term_max < term)
		term_begin(&c->term[++c->term_max]);
	return &c->term[term];
}

/* ---- What survives (R3) ---- */

void
sim_check_started(SimWorld *w, const SimHost *h)
{
	const HaHard *hard = &h->node.hard;
	uint8_t vote;

	if (w->plan.tainted)
		return;
	/* A write that reached the disk just before the end, and nobody else. */
	sim_check_written(w, h);
	if (hard->term < w->check.term_told[h->index] || hard->run <= w->check.run_told[h->index])
	{
		sim_fail(w, h, "hard_state_survives", "started in term %llu run %llu, had told term %llu run %llu (R3)",
				 (unsigned long long) hard->term, (unsigned long long) hard->run,
				 (unsigned long long) w->check.term_told[h->index],
				 (unsigned long long) w->check.run_told[h->index]);
		return;
	}
	vote = sim_check_term(w, h, hard->term)->vote[h->index];
	if (vote != 0 && hard->voted_for == 0)
		sim_fail(w, h, "hard_state_survives", "the vote of term %llu is gone (R3)", (unsigned long long) hard->term);
}

SimBefore
sim_check_before(const SimHost *h)
{
	const HaHard *hard = &h->node.hard;

	return (SimBefore){h->node.role, hard->term, hard->reg.version, hard->led_term,
		hard->reg.leader, hard->reg.rule};
}

static bool
same_hard(const HaHard *a, const HaHard *b)
{
	return a->term == b->term && a->voted_for == b->voted_for && a->joined_term == b->joined_term &&
		a->led_term == b->led_term &&
		a->promise_ms == b->promise_ms && a->run == b->run && a->chain.count == b->chain.count &&
		ha_version_compare(a->reg.version, b->reg.version) == 0;
}

/* ---- Elections ---- */

/* It holds what was on a majority, or more, and that names it as a voter (R11, R30). */
static void
removed_member_never_wins(SimWorld *w, const SimHost *h, const SimBefore *before)
{
	const HaRegister *reg = &h->node.hard.reg;
	const HaMember *self = ha_register_member(reg, h->id);

	/* A late win of an old term is legal: it can't do anything with it (R16). */
	if (w->check.committed.term < h->node.hard.term && ha_version_compare(before->version, w->check.committed) < 0)
		sim_fail(w, h, "elected_with_newest_register", "holds %llu.%llu, %llu.%llu was on a majority (R11)",
				 (unsigned long long) before->version.term, (unsigned long long) before->version.number,
				 (unsigned long long) w->check.committed.term, (unsigned long long) w->check.committed.number);
	if (self == NULL || sim_host_by_incarnation(w, &self->incarnation) != h || !ha_set_has(reg->voters, h->id))
		sim_fail(w, h, "removed_member_never_wins", "elected, but its register has taken it out");
}

static int
count(HaSet set)
{
	return __builtin_popcount(set);
}

/* Who voted for this host, as member numbers of its register. */
static HaSet
granted_to(SimWorld *w, const SimHost *h, HaSet among)
{
	const SimTerm *t = sim_check_term(w, h, h->node.hard.term);
	HaSet granted = 0;

	for (HaSet s = among; s != 0; s &= s - 1)
	{
		const SimHost *other = sim_host_of(w, &h->node.hard.reg, ha_set_first(s));

		/* The own vote is on its way to the disk in this very step, when nobody else votes. */
		if (other != NULL && (t->vote[other->index] == h->index + 1 ||
							  (other == h && h->node.hard.voted_for == h->id)))
			granted |= ha_set_of(ha_set_first(s));
	}
	return granted;
}

static void
elected_by_majority(SimWorld *w, const SimHost *h)
{
	const HaRegister *reg = &h->node.hard.reg;
	HaSet now = granted_to(w, h, reg->voters);
	HaSet before = granted_to(w, h, reg->voters_previous);

	if (2 * count(now) <= count(reg->voters) ||
		(reg->voters_previous != 0 && 2 * count(before) <= count(reg->voters_previous)))
		sim_fail(w, h, "elected_by_majority", "votes of %d of %d voters (R15)", count(now), count(reg->voters));
}

static void
elected_by_data_quorum(SimWorld *w, const SimHost *h, const SimBefore *before)
{
	const HaRegister *reg = &h->node.hard.reg;
	HaSet granted = granted_to(w, h, ha_register_data_voters(reg));
	HaSet others = before->rule.sync_set & ~ha_set_of(before->leader);

	if (!before->rule.sync || ha_set_has(granted, before->leader))
		return;
	if (count(granted & others) + (int) before->rule.k <= count(others))
		sim_fail(w, h, "elected_by_data_quorum", "%d of %d synchronous members, k %u, last leader %u silent (R15)",
				 count(granted & others), count(others), before->rule.k, before->leader);
}

static void
one_leader_per_term(SimWorld *w, const SimHost *h)
{
	SimTerm *t = sim_check_term(w, h, h->node.hard.term);

	if (t->leader != 0 && (t->leader != h->index + 1 || t->life != h->life))
		sim_fail(w, h, "one_leader_per_term", "h%u led term %llu already (R7)", t->leader - 1,
				 (unsigned long long) h->node.hard.term);
	t->leader = h->index + 1;
	t->life = h->life;
}

/* What the step learned from a message before it made more of it. */
static void
learned(const SimHost *h, const HaEvent *event, SimBefore *before)
{
	const HaRegister *reg = event->kind == HA_EVENT_MESSAGE ? event->message->reg : NULL;

	if (reg == NULL || ha_version_compare(reg->version, before->version) <= 0 ||
		ha_version_compare(reg->version, h->node.hard.reg.version) > 0)
		return;
	before->version = reg->version;
	before->rule = reg->rule;
	before->leader = reg->leader;
}

/* It won this term before, and its ha worker is back. */
static bool
leads_already(SimWorld *w, const SimHost *h)
{
	const SimTerm *t = sim_check_term(w, h, h->node.hard.term);

	return t->leader == h->index + 1 && t->life == h->life;
}

static void
elected(SimWorld *w, const SimHost *h, const SimBefore *before)
{
	w->counts.elections++;
	one_leader_per_term(w, h);
	sim_check_term(w, h, h->node.hard.term)->claimed = h->node.claimed.lsn;
	if (h->node.hard.reg.forced_term == h->node.hard.term)
	{
		sim_check_forced(w, h);
		return;
	}
	removed_member_never_wins(w, h, before);
	elected_by_majority(w, h);
	elected_by_data_quorum(w, h, before);
}

void
sim_check_step(SimWorld *w, SimHost *h, const HaEvent *event, const HaEffects *fx, SimBefore *before)
{
	const HaNode *node = &h->node;

	if (w->plan.tainted)
		return;
	learned(h, event, before);
	if (node->hard.term < before->term || ha_version_compare(node->hard.reg.version, before->version) < 0)
		sim_fail(w, h, "nothing_goes_back", "term or register went back in a running member");
	if (!fx->persist && !same_hard(&node->hard, &h->durable))
		sim_fail(w, h, "memory_follows_disk", "the hard state changed and is not to be persisted (R3)");
	w->check.hurried[h->index] = node->wake_us <= node->now.boot_us ? w->check.hurried[h->index] + 1 : 0;
	if (w->check.hurried[h->index] > HURRIED_MAX)
		sim_fail(w, h, "sleeps_between_turns", "its wake-up lies in the past, again and again: a busy loop");
	if (ha_role_leads(node->role) && !ha_role_leads(before->role) && !leads_already(w, h))
		elected(w, h, before);
	if (node->hard.led_term != before->led_term)
		sim_pg_adopt(w, h);
	if (node->hard.reg.leader == h->id && ha_version_compare(node->hard.reg.version, before->version) != 0)
		w->check.parent[h->index] = before->version;
}

/* ---- What is said ---- */

static void
voted(SimWorld *w, const SimHost *h, const SimHost *candidate, HaTerm term)
{
	SimTerm *t = sim_check_term(w, h, term);

	if (candidate == NULL)
		return;
	if (t->vote[h->index] != 0 && t->vote[h->index] != candidate->index + 1)
		sim_fail(w, h, "one_vote_per_term", "voted for h%u in term %llu, now for h%u (R7)", t->vote[h->index] - 1,
				 (unsigned long long) term, candidate->index);
	t->vote[h->index] = (uint8_t) (candidate->index + 1);
	if (h->durable.term != term || h->durable.voted_for == 0)
		sim_fail(w, h, "sent_is_durable", "a vote that is not on disk (R3)");
	if (h->durable.reg.paused && candidate != h)
		sim_fail(w, h, "no_vote_in_pause", "voted while the register says pause (R29)");
}

/* The position that a candidate claims is what it really holds, and nothing forbids it to stand (R12, R14, R18). */
static void
claims_truth(SimWorld *w, const SimHost *h, const HaMessage *m)
{
	int tip = h->pg.tip;
	HaPosition truth;

	/* Promoted by hand while the vote was on its way to the disk: what was before that is what counts. */
	while (w->wal.record[tip].rogue)
		tip = w->wal.record[tip].parent;
	truth = sim_wal_position(&w->wal, tip);
	if (ha_position_compare(truth, m->position) != 0)
		sim_fail(w, h, "claims_truth", "claims (%llu, %llu), holds (%llu, %llu) (R12, R14)",
				 (unsigned long long) m->position.wal_term, (unsigned long long) m->position.lsn,
				 (unsigned long long) truth.wal_term, (unsigned long long) truth.lsn);
	if (h->told.blocks != 0)
		sim_fail(w, h, "claims_truth", "stands although blocked by %x (R18)", h->told.blocks);
}

void
sim_check_sent(SimWorld *w, const SimHost *h, const HaSend *send)
{
	const HaMessage *m = &send->message;
	bool proposal = m->type == HA_MESSAGE_PREVOTE || m->type == HA_MESSAGE_PREVOTE_R;

	w->check.run_told[h->index] = m->run;
	if (w->plan.tainted)
		return;
	if (!same_hard(&h->durable, &h->node.hard) || (!proposal && m->term > h->durable.term) ||
		ha_version_compare(m->version, h->durable.reg.version) > 0)
		sim_fail(w, h, "sent_is_durable", "a message says what is not on disk (R3)");
	if (!proposal)
		w->check.term_told[h->index] = m->term > w->check.term_told[h->index] ? m->term : w->check.term_told[h->index];
	if (m->type == HA_MESSAGE_BEAT)
		one_leader_per_term(w, h);
	else if (m->type == HA_MESSAGE_VOTE_R && m->refusal == HA_REFUSAL_NONE)
		voted(w, h, sim_host_at(w, &h->node.hard.reg, ha_set_first(send->to)), m->term);
	else if (m->type == HA_MESSAGE_VOTE)
	{
		voted(w, h, h, m->term);
		claims_truth(w, h, m);
	}
}
