/*
 * operator.c: what the human asks for, and joining members anew; see operator.h.
 */
#include "test/sim/world.h"

#include <stdio.h>

void
sim_operator_begin(SimWorld *w)
{
	w->operator = (SimOperator){.due = 2 * (SimUs) w->plan.promise_ms * SIM_MS, .join_host = SIM_HOSTS_MAX,
		.drop_host = SIM_HOSTS_MAX};
}

/* Gives a request to the leader's ha worker; its number, 0 = nobody takes it. */
static uint64_t
ask(SimWorld *w, SimHost *leader, HaRequest request)
{
	HaEvent event = {.kind = HA_EVENT_REQUEST, .request = &request};

	if (leader == NULL || !sim_worker_awake(w, leader))
		return 0;
	request.number = ++w->operator.number;
	sim_say(w, leader, "the operator asks: request %d, member %u", (int) request.kind, request.member.id);
	sim_worker_turn(w, leader, &event);
	return request.number;
}

/* ---- Wishes ---- */

static HaId
any_member(SimWorld *w, const HaRegister *reg)
{
	return reg->member_count == 0 ? 0 : reg->member[sim_below(w, reg->member_count)].id;
}

/* Takes somebody out for good, while enough are left. */
static void
drop_somebody(SimWorld *w, SimHost *leader)
{
	const HaRegister *reg = &leader->node.hard.reg;
	HaId id = any_member(w, reg);
	SimHost *h = sim_host_of(w, reg, id);

	if (ha_set_count(reg->voters) <= 2 || h == NULL || h == leader || w->operator.drop_host < SIM_HOSTS_MAX)
		return;
	if (!h->witness && ha_set_count(ha_register_data(reg)) <= 2)
		return;
	w->operator.drop_host = h->index;
	w->operator.drop_number = w->operator.number + 1;
	if (ask(w, leader, (HaRequest){.kind = HA_REQUEST_DROP_MEMBER, .member.id = id}) == 0)
		w->operator.drop_host = SIM_HOSTS_MAX;
}

/* Mostly another k; now and then the other mode, for a while. */
static void
change_sync(SimWorld *w, SimHost *leader)
{
	bool sync = (w->setup.k > 0) != sim_chance(w, 100);
	uint32_t k = sync ? 1 + sim_below(w, w->setup.data - 1) : 0;

	if (!sync && leader->node.hard.reg.k_wanted == 0)
		return;
	ask(w, leader, (HaRequest){.kind = HA_REQUEST_SET_SYNC, .k_wanted = k, .k_min = k > 0 ? sim_below(w, 2) : 0});
}

void
sim_operator_ask(SimWorld *w)
{
	SimHost *leader = sim_leader(w);
	const HaRegister *reg;
	HaId id;

	if (leader == NULL)
		return;
	reg = &leader->node.hard.reg;
	id = any_member(w, reg);
	switch (sim_below(w, 8))
	{
		case 0:
		case 1:
		case 2:
			ask(w, leader, (HaRequest){.kind = HA_REQUEST_HAND_OVER, .member.id = sim_chance(w, 500) ? id : 0});
			if (sim_chance(w, 400))
			{
				/* The worst moment for a cut is the middle of a hand-over (S55). */
				w->plan.isolate_next = leader->index;
				w->plan.due = w->now + sim_between(w, SIM_MS, 300 * SIM_MS);
			}
			break;
		case 3:
			drop_somebody(w, leader);
			break;
		case 4:
			ask(w, leader, (HaRequest){.kind = reg->paused ? HA_REQUEST_RESUME : HA_REQUEST_PAUSE});
			break;
		case 5:
			ask(w, leader, (HaRequest){.kind = HA_REQUEST_SET_PRIORITY, .member.id = id,
				.member.priority = sim_chance(w, 200) ? 0 : 50 + sim_below(w, 100)});
			break;
		default:
			change_sync(w, leader);
			break;
	}
}

/* ---- Joining anew ---- */

static bool
wants_to_join(const SimWorld *w, const SimHost *h)
{
	return h->out && h->powered && (w->calm_from != SIM_NEVER || !w->operator.dropped[h->index]);
}

/* A new life on the same machine; nothing of the former one is left. */
static void
begin_join(SimWorld *w, SimHost *h)
{
	SimOperator *o = &w->operator;

	o->join_host = h->index;
	o->join_step = h->id != 0 ? SIM_JOIN_DROP : SIM_JOIN_ADD;
	o->join_number = 0;
	o->join_id = 0;
	sim_worker_end(w, h);
	if (!h->witness)
		sim_pg_crash(w, h, true);
}

static void
ask_to_add(SimWorld *w, SimHost *h, SimHost *leader)
{
	HaMember member = {.flags = h->witness ? 0 : HA_MEMBER_DATA, .priority = h->witness ? 0 : 100};

	member.incarnation = sim_incarnation(h);
	snprintf(member.name, sizeof(member.name), "h%u-%u", h->index, h->life);
	w->operator.join_number = w->operator.number + 1;
	ask(w, leader, (HaRequest){.kind = HA_REQUEST_ADD_MEMBER, .member = member});
}

/* The data directory is a copy of the leader's, the state file is made anew. */
static void
start_joined(SimWorld *w, SimHost *h, SimHost *leader)
{
	HaHard *hard = &h->durable;

	memset(hard, 0, sizeof(*hard));
	hard->cluster.byte[0] = 1;
	hard->system_id = 1;
	hard->id = h->id = w->operator.join_id;
	hard->incarnation = sim_incarnation(h);
	hard->reg = leader->durable.reg;
	h->pg.half_done = false;
	h->out = false;
	w->operator.dropped[h->index] = false;
	w->operator.join_host = SIM_HOSTS_MAX;
	w->operator.join_step = SIM_JOIN_NONE;
	sim_say(w, h, "joins anew as member %u", h->id);
	if (h->witness)
	{
		sim_worker_start(w, h);
		return;
	}
	sim_rejoin_copy(w, h, leader, true);
	sim_pg_start(w, h);
}

static void
former_life_is_over(SimWorld *w, SimHost *h)
{
	w->operator.join_step = SIM_JOIN_ADD;
	w->operator.join_number = 0;
	h->life++;
	sim_check_new_life(w, h);
}

/* Is the entry of the present life still there? */
static bool
is_listed(const SimHost *h, const SimHost *leader)
{
	const HaMember *member = ha_register_member(&leader->node.hard.reg, h->id);
	HaUuid incarnation = sim_incarnation(h);

	return member != NULL && ha_uuid_equal(&member->incarnation, &incarnation);
}

static void
join_step(SimWorld *w, SimHost *h, SimHost *leader)
{
	SimOperator *o = &w->operator;

	if (o->join_number != 0 && w->now < o->join_until)
		return;
	if (o->give_way)
	{
		/* Rather no synchronous member than no writes. */
		o->give_way = false;
		ask(w, leader, (HaRequest){.kind = HA_REQUEST_SET_SYNC, .k_wanted = leader->node.hard.reg.k_wanted});
		return;
	}
	o->join_until = w->now + 3 * (SimUs) w->plan.promise_ms * SIM_MS;
	if (o->join_step == SIM_JOIN_DROP && !is_listed(h, leader))
		former_life_is_over(w, h);
	if (o->join_step == SIM_JOIN_DROP)
	{
		o->join_number = o->number + 1;
		ask(w, leader, (HaRequest){.kind = HA_REQUEST_DROP_MEMBER, .member.id = h->id});
	}
	else if (o->join_step == SIM_JOIN_ADD)
		ask_to_add(w, h, leader);
	else if (h->witness || sim_net_linked(&w->net, h, leader))
		start_joined(w, h, leader);
}

/* The survivor that holds most; NULL = none that could be forced. */
static SimHost *
best_survivor(SimWorld *w)
{
	SimHost *best = NULL;

	for (uint32_t i = 0; i < w->host_count; i++)
	{
		SimHost *h = &w->host[i];

		if (h->witness || h->out || !sim_worker_awake(w, h) || h->told.state != HA_PG_STANDBY ||
			w->wal.record[h->pg.tip].rogue || h->pg.half_done)
			continue;
		if (best == NULL || ha_position_compare(sim_wal_position(&w->wal, h->pg.tip),
												sim_wal_position(&w->wal, best->pg.tip)) > 0)
			best = h;
	}
	return best;
}

/*
 * Nobody can be elected any more (a pause without a leader, too much lost): the operator makes a survivor the leader
 * and accepts what is lost by it (R42).
 */
static void
force_somebody(SimWorld *w)
{
	SimHost *h = best_survivor(w);

	if (h == NULL)
		return;
	ask(w, h, (HaRequest){.kind = HA_REQUEST_FORCE});
}

/*
 * In the calm: no pause, and whoever is no member is to become one again. A leader that has been alone for long does
 * not know who is one.
 */
static void
tidy_up(SimWorld *w, SimHost *leader)
{
	if (!ha_node_lease_valid(&leader->node, sim_clock_now(leader, w->now)))
		return;
	if (leader->node.hard.reg.paused)
		ask(w, leader, (HaRequest){.kind = HA_REQUEST_RESUME});
	if (leader->node.write_pending)
		return;
	for (uint32_t i = 0; i < w->host_count; i++)
	{
		if (!is_listed(&w->host[i], leader))
			w->host[i].out = true;
	}
}

void
sim_operator_turn(SimWorld *w)
{
	SimOperator *o = &w->operator;
	SimHost *leader = sim_leader(w);

	o->due = w->now + (SimUs) w->plan.promise_ms * SIM_MS / 4;
	if (w->calm_from != SIM_NEVER && w->now > w->calm_from + 3 * (SimUs) w->plan.promise_ms * SIM_MS &&
		sim_check_stuck(w))
		force_somebody(w);
	if (w->calm_from != SIM_NEVER && leader != NULL)
		tidy_up(w, leader);
	for (uint32_t i = 0; i < w->host_count && o->join_host == SIM_HOSTS_MAX; i++)
	{
		if (wants_to_join(w, &w->host[i]) && (w->calm_from != SIM_NEVER || sim_chance(w, 100)))
			begin_join(w, &w->host[i]);
	}
	if (o->join_host < SIM_HOSTS_MAX && leader != NULL && w->host[o->join_host].powered)
		join_step(w, &w->host[o->join_host], leader);
}

/* ---- Answers ---- */

static void
joined_on(SimWorld *w, SimHost *h, const HaEffects *fx)
{
	SimOperator *o = &w->operator;

	o->join_number = 0;
	if (o->join_step == SIM_JOIN_DROP && (fx->answer == HA_ANSWER_DONE || fx->answer == HA_ANSWER_NO_SUCH_MEMBER))
		former_life_is_over(w, h);
	else if (o->join_step == SIM_JOIN_DROP && fx->answer == HA_ANSWER_NOT_READY)
		o->give_way = true;
	else if (o->join_step == SIM_JOIN_ADD && fx->answer == HA_ANSWER_DONE)
	{
		o->join_step = SIM_JOIN_CLONE;
		o->join_id = fx->answer_id;
	}
}

void
sim_operator_reply(SimWorld *w, SimHost *h, const HaEffects *fx)
{
	SimOperator *o = &w->operator;

	sim_say(w, h, "answer %d to request %llu, member %u", (int) fx->answer, (unsigned long long) fx->request_number,
			fx->answer_id);
	if (o->join_host < SIM_HOSTS_MAX && fx->request_number == o->join_number)
		joined_on(w, &w->host[o->join_host], fx);
	if (o->drop_host < SIM_HOSTS_MAX && fx->request_number == o->drop_number)
	{
		SimHost *gone = &w->host[o->drop_host];

		o->drop_host = SIM_HOSTS_MAX;
		if (fx->answer != HA_ANSWER_DONE)
			return;
		/* It runs on for now, and must not matter any more. */
		gone->out = true;
		o->dropped[gone->index] = sim_chance(w, 500);
	}
}
