/*
 * check_data.c: what must hold of leases, acknowledgements and WAL; see check.h.
 */
#include "test/sim/world.h"

/* ---- Leases ---- */

/*
 * A lease that rests on a round from before its machine stood still: the one exception that is granted (A3,
 * reliability.md 7.4).
 */
static bool
stood_still(const SimWorld *w, const SimHost *h)
{
	HaUs longest = (HaUs) w->plan.promise_ms * HA_US_PER_MS * 6 / 5;

	return h->still_boot_us >= 0 && h->fence.lease_until_us != HA_US_NEVER &&
		h->fence.lease_until_us - longest <= h->still_boot_us;
}

void
sim_check_lease(SimWorld *w, const SimHost *h)
{
	if (w->plan.tainted || !sim_fence_lease_valid(w, h) || stood_still(w, h))
		return;
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		const SimHost *other = &w->host[i];

		if (other == h || !other->powered || !sim_fence_lease_valid(w, other) || stood_still(w, other))
			continue;
		sim_fail(w, h, "lease_exclusive", "h%u and h%u have valid leases at one moment, terms %llu and %llu (R9,"
				 " R19 to R21)", h->index, other->index, (unsigned long long) h->node.hard.term,
				 (unsigned long long) other->node.hard.term);
	}
}

/* ---- Opening ---- */

/*
 * R28: the term's first register write is on a majority, of the voters that it names. One of them may have been dropped
 * or have lost its disk since: then a later write of the term stands for it.
 */
static void
first_write_is_secured(SimWorld *w, const SimHost *h, HaTerm term)
{
	const SimWritten *first = sim_check_find(&w->check, (HaVersion){term, 1});
	HaVersion committed = h->node.committed;
	bool later = committed.term == term && committed.number > 1 && sim_check_stored(w, &h->durable.reg, committed);

	if (first == NULL || (!later && !sim_check_stored(w, &first->value, first->version)))
		sim_fail(w, h, "opens_secured", "term %llu's register is not on a majority (R28)", (unsigned long long) term);
}

/* Hosts other than h that the rule counts and that hold the record. */
static uint32_t
holders(SimWorld *w, const SimHost *h, const HaSyncRule *rule, int record)
{
	uint32_t n = 0;

	for (HaSet s = rule->sync_set & ~ha_set_of(h->id); s != 0; s &= s - 1)
	{
		const SimHost *other = sim_host_of(w, &h->durable.reg, ha_set_first(s));

		n += other != NULL && !other->witness && sim_wal_holds(&w->wal, other->pg.tip, record);
	}
	return n;
}

/* R17: the promotion ended where it had to, on a timeline that the register had not seen. */
static void
promotion_fits(SimWorld *w, const SimHost *h, const SimTerm *t)
{
	const SimPg *pg = &h->pg;
	const HaChain *chain = &h->durable.reg.chain;
	const HaEpoch *own = ha_chain_last(chain);
	HaLsn end = w->wal.record[pg->end_of_recovery].end;

	if (end < t->claimed)
		sim_fail(w, h, "promotion_fits", "ended at %llu, claimed %llu (R17)", (unsigned long long) end,
				 (unsigned long long) t->claimed);
	if (own == NULL || own->term != h->fence.gate.term || own->start != end || own->tli != pg->tli)
		sim_fail(w, h, "promotion_fits", "the epoch is not registered as it is (R16)");
	for (uint32_t i = 0; i + 1 < chain->count; i++)
	{
		if (chain->epoch[i].tli >= pg->tli)
			sim_fail(w, h, "promotion_fits", "timeline %u is not new (R17)", pg->tli);
	}
	for (HaTerm term = 1; term < h->fence.gate.term; term++)
	{
		const SimTerm *before = &w->check.term[term];

		if (before->opened && before->leader != 0 && before->tli >= pg->tli)
			sim_fail(w, h, "promotion_fits", "timeline %u was opened in term %llu already (R17)", pg->tli,
					 (unsigned long long) term);
	}
}

void
sim_check_gate(SimWorld *w, const SimHost *h)
{
	const HaGate *gate = &h->fence.gate;
	const HaSyncRule *rule = &h->durable.reg.rule;
	SimTerm *t = sim_check_term(w, h, gate->term);
	int first;

	if (w->plan.tainted || h->pg.epoch == 0)
		return;
	if (h->pg.epoch != gate->term)
		sim_fail(w, h, "opens_own_epoch", "opens term %llu over WAL of another promotion",
				 (unsigned long long) gate->term);
	if (t->opened)
		return;
	first_write_is_secured(w, h, gate->term);
	first = sim_wal_at(&w->wal, h->pg.tip, w->wal.record[h->pg.end_of_recovery].end + 1);
	if (rule->sync && holders(w, h, rule, first) < rule->k)
		sim_fail(w, h, "opens_secured", "its epoch is on %u of %u members (R37)", holders(w, h, rule, first),
				 rule->k);
	promotion_fits(w, h, t);
	t->opened = true;
	t->tli = h->pg.tli;
	w->counts.opened++;
}

/* ---- Promotion ---- */

void
sim_check_promotion_asked(SimWorld *w, const SimHost *h)
{
	if (!w->plan.tainted && !sim_check_stored(w, &h->durable.reg, (HaVersion){h->node.hard.term, 1}))
		sim_fail(w, h, "promotion_secured", "promotes before term %llu's register is on a majority (R16)",
				 (unsigned long long) h->node.hard.term);
}

void
sim_check_promoted(SimWorld *w, const SimHost *h, HaTerm led, int record)
{
	SimTerm *t = sim_check_term(w, h, led);

	if (w->plan.tainted)
		return;
	t->promoted = record;
	for (HaTerm term = 0; term < led; term++)
	{
		int acked = w->check.term[term].acked;

		if (acked >= 0 && !sim_wal_holds(&w->wal, record, acked))
			sim_fail(w, h, "leader_holds_acknowledged", "entry %d of term %llu is not in the WAL that leads term %llu",
					 acked, (unsigned long long) term, (unsigned long long) led);
	}
}

/* ---- Acknowledgements ---- */

/* R31: flushed on this node and on k others of every rule. */
void
sim_check_judged(SimWorld *w, const SimHost *h, const SimCommit *c)
{
	if (w->plan.tainted)
		return;
	if (!sim_wal_holds(&w->wal, h->pg.tip, c->record))
		sim_fail(w, h, "acknowledged_is_held", "entry %d is not flushed here", c->record);
	for (uint32_t i = 0; i < c->rule_count; i++)
	{
		if (c->rule[i].sync && holders(w, h, &c->rule[i], c->record) < c->rule[i].k)
			sim_fail(w, h, "acknowledged_is_held", "entry %d is on %u of %u members (R31)", c->record,
					 holders(w, h, &c->rule[i], c->record), c->rule[i].k);
	}
}

/*
 * Whoever may take part in electing x, as things stand: register and WAL not ahead of x's (R11, R12). `now`: without
 * those whose ha worker can't run before there is a leader to copy from.
 */
static HaSet
would_grant(SimWorld *w, const SimHost *x, bool now)
{
	const HaRegister *reg = &x->durable.reg;
	HaPosition position = sim_wal_position(&w->wal, x->pg.tip);
	HaSet set = 0;

	for (HaSet s = reg->voters | reg->voters_previous; s != 0; s &= s - 1)
	{
		const SimHost *v = sim_host_of(w, reg, ha_set_first(s));

		if (v == NULL || v->out || (now && v->pg.half_done) ||
			ha_version_compare(v->durable.reg.version, reg->version) > 0)
			continue;
		if (!v->witness && (w->wal.record[v->pg.tip].rogue ||
							ha_position_compare(sim_wal_position(&w->wal, v->pg.tip), position) > 0))
			continue;
		set |= ha_set_of(ha_set_first(s));
	}
	return set;
}

/* Would this set elect x, by x's register (R15)? */
static bool
would_elect(const HaRegister *reg, HaSet set)
{
	HaSet data = set & ha_register_data_voters(reg);
	HaSet others = reg->rule.sync_set & ~ha_set_of(reg->leader);

	if (2 * ha_set_count(set & reg->voters) <= ha_set_count(reg->voters))
		return false;
	if (reg->voters_previous != 0 &&
		2 * ha_set_count(set & reg->voters_previous) <= ha_set_count(reg->voters_previous))
		return false;
	return !reg->rule.sync || ha_set_has(data, reg->leader) ||
		ha_set_count(data & others) + (int) reg->rule.k > ha_set_count(others);
}

bool
sim_check_electable(SimWorld *w, const SimHost *x, bool now)
{
	return !x->witness && !x->out && !x->pg.half_done && x->pg.consistent_at < 0 && !w->wal.record[x->pg.tip].rogue &&
		ha_register_may_lead(&x->durable.reg, x->id) && would_elect(&x->durable.reg, would_grant(w, x, now));
}

/* What 2.1 and 2.2 are for: from this moment on no election that the members could hold loses the entry. */
static void
survives_any_election(SimWorld *w, const SimHost *h, int record)
{
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		const SimHost *x = &w->host[i];

		if (!sim_wal_holds(&w->wal, x->pg.tip, record) && sim_check_electable(w, x, false))
			sim_fail(w, h, "survives_any_election", "entry %d is acknowledged, and h%u could be elected without it"
					 " (R15, R32)", record, x->index);
	}
}

void
sim_check_ack(SimWorld *w, const SimHost *h, const SimCommit *c)
{
	SimTerm *t = sim_check_term(w, h, c->term);
	bool sync = c->rule_count > 0;

	w->check.acked_at = w->now;
	if (w->plan.tainted)
		return;
	sim_check_lease(w, h);
	if (!t->opened)
		sim_fail(w, h, "opens_secured", "acknowledged in term %llu before it was opened", (unsigned long long) c->term);
	for (uint32_t i = 0; i < c->rule_count; i++)
		sync = sync && c->rule[i].sync;
	for (HaTerm later = c->term + 1; later <= w->check.term_max; later++)
	{
		const SimTerm *l = &w->check.term[later];

		if (l->opened && !stood_still(w, h))
			sim_fail(w, h, "deposed_is_silent", "acknowledged in term %llu after term %llu had opened",
					 (unsigned long long) c->term, (unsigned long long) later);
		if (sync && l->promoted >= 0 && !sim_wal_holds(&w->wal, l->promoted, c->record))
			sim_fail(w, h, "leader_holds_acknowledged", "entry %d is not in the WAL that leads term %llu", c->record,
					 (unsigned long long) later);
	}
	if (!sync)
		return;
	if (!w->check.forced)
		survives_any_election(w, h, c->record);
	if (t->acked < 0 || sim_wal_holds(&w->wal, c->record, t->acked))
		t->acked = c->record;
}

/* ---- WAL that is received ---- */

void
sim_check_received(SimWorld *w, const SimHost *h, const SimHost *from)
{
	/* Who was taken out or lost its state is nobody, until it is cloned and joins anew. */
	if (w->plan.tainted || h->out)
		return;
	if (!sim_wal_holds(&w->wal, h->pg.stream.target, h->pg.tip))
		sim_fail(w, h, "same_lineage", "receives WAL of h%u, which is not a continuation of its own (R33, R38)",
				 from->index);
	if (from->pg.epoch == SIM_ROGUE_TERM)
		sim_fail(w, h, "nobody_follows_a_rogue", "receives WAL of h%u, which was promoted by hand (S34)", from->index);
	else if (from->pg.epoch != 0 && from->pg.epoch < h->durable.term)
		sim_fail(w, h, "no_wal_after_a_vote", "in term %llu, receives WAL of term %llu's leader (R13)",
				 (unsigned long long) h->durable.term, (unsigned long long) from->pg.epoch);
}
