/*
 * check_live.c: what must become true when all faults have stopped (R41); see check.h.
 */
#include "test/sim/world.h"

/* Clocks run at 0.9 at the slowest; servers that are down get a promise to start. */
#define LEADER_PROMISES 12
#define ALL_PROMISES 60
#define REPORT_PROMISES 40

static SimUs
promises(const SimWorld *w, int n)
{
	return n * (SimUs) w->plan.promise_ms * SIM_MS;
}

/* Nobody may be elected, and nobody leads: that needs the operator's forced term (R29, R42). */
static bool
stuck_in_pause(SimWorld *w)
{
	uint32_t paused = 0;

	if (sim_leader(w) != NULL)
		return false;
	for (uint32_t i = 0; i < w->host_count; i++)
		paused += !w->host[i].out && w->host[i].durable.reg.paused;
	return paused > 0;
}

/* How everybody stands, for the reader of a trace. */
static void
say_all(SimWorld *w)
{
	static const char *const state[] = {"down", "starting", "standby", "promoting", "primary", "dying", "rejoining"};

	for (uint32_t i = 0; i < w->host_count; i++)
	{
		const SimHost *h = &w->host[i];
		const HaHard *hard = &h->durable;
		const HaEpoch *last = ha_chain_last(&hard->chain);
		HaPosition end = sim_wal_position(&w->wal, h->pg.tip);

		sim_say(w, h, "member %u%s, %s, WAL %llu:%llu tli %u%s, chain to %llu:%u:%llu, joined %llu, register"
				" %llu.%llu"
				" k %u of %x, upstream %u, told state %d tli %u %llu blocks %x, electable %d", h->id,
				h->out ? " out" : "",
				state[h->pg.state], (unsigned long long) end.wal_term, (unsigned long long) end.lsn,
				w->wal.record[h->pg.tip].tli, w->wal.record[h->pg.tip].rogue ? " by hand" : "",
				last == NULL ? 0 : (unsigned long long) last->term, last == NULL ? 0 : last->tli,
				last == NULL ? 0 : (unsigned long long) last->start, (unsigned long long) hard->joined_term,
				(unsigned long long) hard->reg.version.term, (unsigned long long) hard->reg.version.number,
				hard->reg.rule.k, hard->reg.rule.sync_set, h->node.upstream, (int) h->told.state, h->told.tli,
				(unsigned long long) h->told.replay_lsn, h->told.blocks, sim_check_electable(w, h, true));
	}
}

/* Have too many of these voters lost their state for good? */
static bool
majority_lost(SimWorld *w, const HaRegister *reg, HaSet voters)
{
	int left = 0;

	for (HaSet s = voters; s != 0; s &= s - 1)
	{
		const SimHost *h = sim_host_of(w, reg, ha_set_first(s));

		left += h != NULL && !h->out;
	}
	return voters != 0 && 2 * left <= ha_set_count(voters);
}

/*
 * Nothing can be decided any more, whatever the members do: too many lost their state or the WAL that was acknowledged,
 * or hold WAL that was promoted by hand. That is beyond what heals by itself (R42).
 */
static bool
beyond_healing(SimWorld *w)
{
	const SimHost *leader = sim_leader(w);
	const HaRegister *reg = leader == NULL ? NULL : &leader->node.hard.reg;

	if (leader != NULL)
		return majority_lost(w, reg, reg->voters) || majority_lost(w, reg, reg->voters_previous);
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		const SimHost *h = &w->host[i];
		const SimRecord *end = &w->wal.record[h->pg.tip];
		bool named = ha_chain_names(&h->durable.chain, end->tli, end->tli_start) || h->durable.reg.leader == h->id;

		/* A tail from a promotion that no register knows can only be rewound, and that needs a leader. */
		if (sim_check_electable(w, h, true) && named)
			return false;
	}
	return true;
}

bool
sim_check_stuck(SimWorld *w)
{
	return stuck_in_pause(w) || beyond_healing(w);
}

void
sim_check_forced(SimWorld *w, const SimHost *h)
{
	SimCheck *c = &w->check;

	for (HaTerm t = 0; t <= c->term_max; t++)
	{
		c->term[t].acked = c->term[t].promoted = -1;
		c->term[t].opened = false;
	}
	c->committed = (HaVersion){0, 0};
	c->forced = true;
	sim_check_term(w, h, h->node.hard.term)->forced = true;
	w->calm_from = w->now;
	w->counts.forced++;
	sim_say(w, h, "was forced into the lead");
}

static bool
leads(const SimWorld *w, const SimHost *h)
{
	return h->fence.gate.open && sim_fence_lease_valid(w, h) && w->check.acked_at > w->calm_from;
}

/* Why this host does not follow yet; NULL = it does. */
static const char *
missing(const SimWorld *w, const SimHost *h, const SimHost *leader)
{
	const HaNode *node = &h->node;

	if (h->out)
		return "is no member yet";
	if (!h->running)
		return "its ha worker does not run";
	if (node->hard.term != leader->node.hard.term || node->leader != leader->id)
		return "does not know the leader";
	if (!ha_set_has(leader->node.hard.reg.voters, h->id))
		return "is no voter";
	if (h->witness)
		return NULL;
	if (h->pg.state != SIM_PG_STANDBY)
		return "is no standby";
	if (node->hard.joined_term != node->hard.term || node->upstream != leader->id)
		return "has not joined";
	if (h->pg.stream.state < SIM_STREAM_IDLE || h->pg.stream.up != leader->index)
		return "does not stream";
	return sim_wal_holds(&w->wal, leader->pg.tip, h->pg.tip) ? NULL : "holds other WAL";
}

bool
sim_check_settled(SimWorld *w)
{
	SimHost *leader = sim_leader(w);
	const char *why = NULL;
	uint32_t who = 0;

	if (w->calm_from == SIM_NEVER)
		return false;
	if (w->plan.tainted)
		return w->now > w->calm_from + promises(w, REPORT_PROMISES);
	if (sim_check_stuck(w))
		return w->now > w->calm_from + promises(w, LEADER_PROMISES);	/* nobody is left to be forced either */
	if (w->check.led_at == SIM_NEVER && leader != NULL && leads(w, leader))
		w->check.led_at = w->now;
	if (w->check.led_at == SIM_NEVER && w->now > w->calm_from + promises(w, LEADER_PROMISES))
	{
		say_all(w);
		sim_fail(w, leader, "leader_within_ten_promises", "%s after %d promises of calm (R41)",
				 leader == NULL ? "nobody leads" : "the leader acknowledges nothing", LEADER_PROMISES);
		return true;
	}
	if (leader == NULL || w->check.led_at == SIM_NEVER)
		return false;
	for (uint32_t i = 0; i < w->host_count && why == NULL; i++)
	{
		if (&w->host[i] != leader)
			why = missing(w, &w->host[i], leader);
		who = i;
	}
	if (why != NULL && w->now > w->calm_from + promises(w, ALL_PROMISES))
	{
		say_all(w);
		sim_fail(w, &w->host[who], "everyone_follows", "h%u %s after %d promises of calm (R41)", who, why,
				 ALL_PROMISES);
	}
	return why == NULL;
}

/* R6: whoever remembers a later run of a member than it has now has said so. */
static void
went_back_is_reported(SimWorld *w)
{
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		const SimHost *h = &w->host[i];

		if (!w->check.restored[i] || !h->running || h->out)
			continue;
		for (uint32_t j = 0; j < w->host_count; j++)
		{
			const SimHost *other = &w->host[j];
			const HaPeer *peer = &other->node.peer[h->id];
			HaUuid incarnation = sim_incarnation(h);

			if (j != i && other->running && other->node.role != HA_ROLE_HELD &&
				ha_uuid_equal(&peer->incarnation, &incarnation) && peer->run > h->node.hard.run &&
				peer->stale_count >= 100)
				sim_fail(w, other, "went_back_is_reported", "h%u is at run %llu after run %llu, and nobody"
						 " says so (R6)", i, (unsigned long long) h->node.hard.run, (unsigned long long) peer->run);
		}
	}
}

void
sim_check_end(SimWorld *w)
{
	w->counts.tainted += w->plan.tainted;
	if (w->plan.tainted)
		went_back_is_reported(w);
}
