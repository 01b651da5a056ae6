/*
 * shift.c: changing the synchronous rule (S, k) without a moment at which an acknowledged commit could be lost (R32):
 *
 *	drain		the gate holds the old and the new rule; commits that saw the old one alone leave
 *	barrier		until the new rule holds for everything flushed so far
 *	write		the register takes the new rule, and a majority persists it
 *	then the gate holds the new rule alone
 *
 * Going back is allowed up to the barrier, because nothing outside has seen the new rule yet.
 */
#include "core/node_parts.h"

/* A member comes into the set when it is at most this far behind. */
#define ENTER_LAG_BYTES_MAX ((HaLsn) 16 * 1024 * 1024)

static bool
rule_equal(const HaSyncRule *a, const HaSyncRule *b)
{
	return a->sync == b->sync && a->k == b->k && a->sync_set == b->sync_set;
}

/* May this member be in the set: it lives, and holds this term's WAL or still has time to join it. */
static bool
belongs(const HaNode *node, HaId id)
{
	const HaPeer *peer = &node->peer[id];
	bool inside = ha_set_has(node->hard.reg.rule.sync_set, id);
	bool joined = peer->joined_term == node->hard.term;

	if (id == node->drop_id || !ha_node_alive(node, id))
		return false;
	if (inside)
		return joined || node->now.boot_us < node->grace_us;
	return joined && peer->position.lsn + ENTER_LAG_BYTES_MAX >= node->pg.flush_lsn;
}

/* The rule that would be right for the members that live now. */
static HaSyncRule
wanted_rule(const HaNode *node)
{
	const HaRegister *reg = &node->hard.reg;
	HaSyncRule rule = {.sync = reg->k_wanted > 0, .k = 0, .sync_set = 0};
	uint32_t others;

	if (!rule.sync)
		return rule;
	rule.sync_set = ha_node_self(node);
	for (HaSet s = ha_register_data_voters(reg) & ~ha_node_self(node); s != 0; s &= s - 1)
	{
		if (belongs(node, ha_set_first(s)))
			rule.sync_set |= ha_set_of(ha_set_first(s));
	}
	others = (uint32_t) ha_set_count(rule.sync_set) - 1;
	rule.k = reg->k_wanted < others ? reg->k_wanted : others;
	if (rule.k < reg->k_min)
	{
		/* Fewer than the operator allows: nobody leaves, and writes wait (R35). */
		rule.k = reg->k_min;
		rule.sync_set |= reg->rule.sync_set & ~ha_set_of(node->drop_id);
	}
	return rule;
}

/* Can the rule in force be met by the members that live now? */
static bool
satisfiable(const HaNode *node)
{
	const HaSyncRule *rule = &node->hard.reg.rule;
	HaSet holders = 0;

	for (HaSet s = rule->sync_set & ~ha_node_self(node); s != 0; s &= s - 1)
	{
		if (belongs(node, ha_set_first(s)))
			holders |= ha_set_of(ha_set_first(s));
	}
	return ha_sync_satisfied(rule, node->hard.id, holders);
}

static void
set_gate(HaNode *node, HaEffects *fx, const HaSyncRule *first, const HaSyncRule *second)
{
	node->gate.rule[0] = *first;
	node->gate.rule_count = 1;
	if (second != NULL)
		node->gate.rule[node->gate.rule_count++] = *second;
	ha_leader_publish_gate(node, fx);
}

static void
begin(HaNode *node, HaEffects *fx, HaSyncRule rule)
{
	node->shift_rule = rule;
	node->shift = HA_SHIFT_DRAIN;
	if (HA_MUTANT(REGISTER_FIRST))
		node->shift = HA_SHIFT_BARRIER;
	else if (HA_MUTANT(NO_JOINT_GATE))
		set_gate(node, fx, &node->shift_rule, NULL);
	else
		set_gate(node, fx, &node->hard.reg.rule, &node->shift_rule);
	/* A gate that was never opened in this term has let nothing through. */
	if (node->role == HA_ROLE_OPENING)
		ha_shift_drained(node, fx, node->pg.flush_lsn);
}

void
ha_shift_drained(HaNode *node, HaEffects *fx, HaLsn lsn)
{
	(void) fx;
	if (node->shift != HA_SHIFT_DRAIN)
		return;
	node->shift = HA_SHIFT_BARRIER;
	node->barrier_lsn = lsn;
}

static bool
barrier_reached(const HaNode *node)
{
	HaSet holders = 0;

	if (HA_MUTANT(NO_BARRIER) || HA_MUTANT(REGISTER_FIRST))
		return true;
	for (HaSet s = node->shift_rule.sync_set & ~ha_node_self(node); s != 0; s &= s - 1)
	{
		if (ha_leader_has(node, ha_set_first(s), node->barrier_lsn))
			holders |= ha_set_of(ha_set_first(s));
	}
	return ha_sync_satisfied(&node->shift_rule, node->hard.id, holders);
}

static void
write_rule(HaNode *node, HaEffects *fx)
{
	uint32_t k_before = node->hard.reg.rule.k;
	HaNote *note;

	node->hard.reg.rule = node->shift_rule;
	node->shift = HA_SHIFT_WRITE;
	ha_leader_write(node, fx);
	if (k_before == node->shift_rule.k)
		return;
	note = ha_node_note(node, fx, node->shift_rule.k < k_before && node->shift_rule.k < node->hard.reg.k_wanted ?
						HA_NOTE_SYNC_DEGRADED : HA_NOTE_SYNC_CHANGED, node->hard.id);
	note->value = node->shift_rule.k;
}

void
ha_shift_progress(HaNode *node, HaEffects *fx)
{
	HaSyncRule wanted;

	if (node->shift == HA_SHIFT_WRITE)
	{
		if (node->write_pending)
			return;
		set_gate(node, fx, &node->hard.reg.rule, NULL);
		node->shift = HA_SHIFT_NONE;
	}
	wanted = wanted_rule(node);
	if (node->shift == HA_SHIFT_NONE && node->role == HA_ROLE_OPENING && satisfiable(node))
		return;					/* open first, tidy up afterwards */
	if (node->shift == HA_SHIFT_NONE)
	{
		if (rule_equal(&wanted, &node->hard.reg.rule))
			return;
		begin(node, fx, wanted);
	}
	else if (!rule_equal(&wanted, &node->shift_rule))
	{
		/* The members changed meanwhile: begin again with another goal, or go back. */
		if (rule_equal(&wanted, &node->hard.reg.rule))
		{
			set_gate(node, fx, &node->hard.reg.rule, NULL);
			node->shift = HA_SHIFT_NONE;
			return;
		}
		begin(node, fx, wanted);
	}
	if (node->shift == HA_SHIFT_BARRIER && !node->write_pending && barrier_reached(node))
		write_rule(node, fx);
}
