/*
 * check_register.c: what must hold of the register: one value a version, one line of descent, real majorities (R25 to
 * R28); see check.h.
 */
#include "test/sim/copy.h"
#include "test/sim/world.h"

const SimWritten *
sim_check_find(const SimCheck *check, HaVersion version)
{
	for (uint32_t i = check->written_count; i-- > 0;)
	{
		if (ha_version_compare(check->written[i].version, version) == 0)
			return &check->written[i];
	}
	return NULL;
}

/* ---- Majorities, counted anew ---- */

static bool
majority_has(SimWorld *w, const HaRegister *reg, HaSet voters, HaVersion version)
{
	int have = 0;
	int all = 0;

	for (HaSet s = voters; s != 0; s &= s - 1)
	{
		const SimHost *other = sim_host_of(w, reg, ha_set_first(s));

		all++;
		have += other != NULL && ha_version_compare(other->durable.reg.version, version) >= 0;
	}
	return 2 * have > all;
}

bool
sim_check_stored(SimWorld *w, const HaRegister *reg, HaVersion version)
{
	return majority_has(w, reg, reg->voters, version) &&
		(reg->voters_previous == 0 || majority_has(w, reg, reg->voters_previous, version));
}

/* ---- Values ---- */

static bool
same_value(const HaRegister *a, const HaRegister *b)
{
	return a->leader == b->leader && a->voters == b->voters && a->voters_previous == b->voters_previous &&
		a->member_count == b->member_count && a->rule.sync == b->rule.sync && a->rule.k == b->rule.k &&
		a->rule.sync_set == b->rule.sync_set && a->k_wanted == b->k_wanted && a->k_min == b->k_min &&
		a->paused == b->paused && a->tli_max == b->tli_max && a->checkpoint_term == b->checkpoint_term &&
		a->chain.count == b->chain.count &&
		memcmp(a->chain.epoch, b->chain.epoch, sizeof(HaEpoch) * a->chain.count) == 0;
}

/* True when `version` is `ancestor` or was made from it, as far as is known. */
static bool
descends(const SimCheck *check, HaVersion version, HaVersion ancestor)
{
	while (ha_version_compare(version, ancestor) > 0)
	{
		const SimWritten *written = sim_check_find(check, version);

		if (written == NULL)
			return false;
		version = written->parent;
	}
	return ha_version_compare(version, ancestor) == 0;
}

/* A change of voters: one at a time, beside the list before, and on firm ground (R26, R27). */
static void
one_change_at_a_time(SimWorld *w, const SimHost *h, const HaRegister *reg, const HaRegister *parent)
{
	HaSet changed = reg->voters ^ parent->voters;

	if (reg->voters == parent->voters && reg->voters_previous == parent->voters_previous)
		return;
	if (reg->voters_previous != 0 && (reg->voters_previous != parent->voters || ha_set_count(changed) != 1))
		sim_fail(w, h, "one_change_at_a_time", "voters %x after %x, previous %x (R26, R27)", reg->voters,
				 parent->voters, reg->voters_previous);
	if (reg->voters_previous == 0 && changed != 0)
		sim_fail(w, h, "one_change_at_a_time", "voters %x replace %x without both counting (R26)", reg->voters,
				 parent->voters);
	if (parent->version.term != reg->version.term)
		sim_fail(w, h, "one_change_at_a_time", "voters change with the first write of a term (R27)");
	else if (!sim_check_stored(w, parent, parent->version))
		sim_fail(w, h, "one_change_at_a_time", "voters change while %llu.%llu is not on a majority (R27)",
				 (unsigned long long) parent->version.term, (unsigned long long) parent->version.number);
}

void
sim_check_written(SimWorld *w, const SimHost *h)
{
	SimCheck *c = &w->check;
	const HaRegister *reg = &h->durable.reg;
	const SimWritten *known;
	const SimWritten *parent;
	SimWritten *written;

	if (w->plan.tainted || reg->leader != h->id || reg->version.term != h->durable.term)
		return;
	known = sim_check_find(c, reg->version);
	if (known != NULL)
	{
		if (!same_value(&known->value, reg))
			sim_fail(w, h, "one_value_per_version", "two values under %llu.%llu (R25)",
					 (unsigned long long) reg->version.term, (unsigned long long) reg->version.number);
		return;
	}
	if (c->written_count == SIM_WRITTEN_MAX)
	{
		sim_fail(w, h, "terms_stay_small", "%u register writes in one schedule", c->written_count);
		return;
	}
	sim_say(w, h, "  writes %llu.%llu: voters %x, before %x, k %u of %x, tli %u%s",
			(unsigned long long) reg->version.term, (unsigned long long) reg->version.number, reg->voters,
			reg->voters_previous, reg->rule.k, reg->rule.sync_set, reg->tli_max, reg->paused ? ", paused" : "");
	parent = sim_check_find(c, c->parent[h->index]);
	written = &c->written[c->written_count++];
	written->version = reg->version;
	written->parent = c->parent[h->index];
	sim_copy_register(&written->value, reg);
	if (parent == NULL)
		return;
	w->counts.sync_changes += reg->rule.k != parent->value.rule.k ||
		reg->rule.sync_set != parent->value.rule.sync_set;
	w->counts.member_changes += reg->voters != parent->value.voters ||
		reg->member_count != parent->value.member_count;
	/* Without a rule that asks for others nothing is claimed of what was acknowledged before, either. */
	for (HaTerm t = 0; !reg->rule.sync && t <= c->term_max; t++)
		c->term[t].acked = -1;
	if (reg->forced_term != reg->version.term || reg->version.number != 1)
		one_change_at_a_time(w, h, reg, &parent->value);
}

/* ---- Committed values ---- */

void
sim_check_committed(SimWorld *w, const SimHost *h)
{
	SimCheck *c = &w->check;
	HaVersion version = h->node.committed;
	const SimWritten *written;

	if (w->plan.tainted || version.term == 0 || version.term != h->node.hard.term ||
		ha_version_compare(version, c->believed[h->index]) == 0)
		return;
	c->believed[h->index] = version;
	/* In the step in which it is committed the next value may have been made already. */
	written = sim_check_find(c, version);
	if (!sim_check_stored(w, written != NULL ? &written->value : &h->node.hard.reg, version))
		sim_fail(w, h, "committed_by_majority", "%llu.%llu is not on a majority (R26)",
				 (unsigned long long) version.term, (unsigned long long) version.number);
	if (c->committed.term == 0 && c->committed.number == 0)
		c->committed = version;	/* the first after a forced term */
	if (ha_version_compare(version, c->committed) >= 0 ? !descends(c, version, c->committed) :
		!descends(c, c->committed, version))
		sim_fail(w, h, "committed_values_descend", "%llu.%llu and %llu.%llu are both committed, neither from the other"
				 " (R25, R26)", (unsigned long long) version.term, (unsigned long long) version.number,
				 (unsigned long long) c->committed.term, (unsigned long long) c->committed.number);
	if (ha_version_compare(version, c->committed) > 0)
		c->committed = version;
}
