/*
 * town.c: see town.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "town.h"
#include "trace.h"

#define TICK_US 1000
#define LETTER_US 300
#define PROMOTION_US 40000
#define RESTART_US 200000
#define START_LSN 1000

static const HaTimes times = {.promise_ms = 3000, .beat_ms = 500};

HaLsn
town_lsn(uint32_t records)
{
	return START_LSN + (HaLsn) records * 10;
}

static void
show_lsn(TownHouse *house)
{
	HaLsn lsn = town_lsn(house->wal_count);

	house->pg.replay_lsn = house->pg.state == HA_PG_PRIMARY ? house->pg.replay_lsn : lsn;
	if (house->pg.state == HA_PG_PRIMARY || house->pg.flush_lsn != 0)
		house->pg.flush_lsn = lsn;
}

static void
append(TownHouse *house, uint32_t record)
{
	assert_true(house->wal_count < TOWN_WAL_MAX);
	house->wal[house->wal_count++] = record;
	show_lsn(house);
}

/* ---- Effects ---- */

static void
post(Town *town, const HaSend *send)
{
	for (HaSet s = send->to; s != 0; s &= s - 1)
	{
		TownLetter *letter = &town->queue[town->queue_tail % TOWN_QUEUE_MAX];
		HaId to = ha_set_first(s);

		if ((int) to > town->count || ha_set_has(town->cut_to[send->message.from], to))
			continue;
		assert_true(town->queue_tail - town->queue_head < TOWN_QUEUE_MAX);
		town->queue_tail++;
		letter->message = send->message;
		letter->message.to = to;
		letter->due_us = town->now_us + LETTER_US;
		if (letter->message.reg != NULL)
		{
			letter->reg = *letter->message.reg;
			letter->message.reg = &letter->reg;
		}
		for (uint32_t i = 0; i < letter->message.summary_count; i++)
			letter->summary[i] = letter->message.summary[i];
		letter->message.summary = letter->summary;
	}
}

static void
act(Town *town, TownHouse *house, const HaEffects *fx)
{
	if (fx->acts & HA_ACT_PROMOTE)
	{
		house->promote_us = town->now_us + PROMOTION_US;
		house->pg.promoting = true;
	}
	if (fx->acts & HA_ACT_CHECKPOINT)
		house->pg.checkpointed = true;
	if (fx->acts & HA_ACT_LEASE)
		house->lease_us = house->node.lease_until_us;
	if (fx->acts & HA_ACT_GATE)
	{
		house->gate = house->node.gate;
		house->drain = house->gate.generation;
	}
	if (fx->acts & HA_ACT_REPLY)
	{
		house->replies++;
		house->answer = fx->answer;
	}
	if (fx->acts & HA_ACT_REJOIN)
	{
		house->rejoining = true;
		house->rejoin = fx->rejoin;
		house->restart_us = town->now_us + RESTART_US;
	}
}

static void
carry_out(Town *town, TownHouse *house, const HaEffects *fx)
{
	if (fx->close_lease)
		house->lease_us = 0;
	if (fx->persist)
		house->disk = house->node.hard;
	for (uint32_t i = 0; i < fx->note_count; i++)
		town->notes[fx->note[i].kind]++;
	if (town->trace != NULL)
		trace_effects(town->trace, town->now_us, &house->node, fx);
	for (uint32_t i = 0; i < fx->send_count; i++)
		post(town, &fx->send[i]);
	act(town, house, fx);
}

static void
step(Town *town, TownHouse *house, HaEvent event)
{
	static HaEffects fx;

	event.now = (HaNow){town->now_us, town->now_us};
	ha_step(&house->node, &event, &fx);
	carry_out(town, house, &fx);
}

/* ---- PostgreSQL ---- */

static bool
awake(const TownHouse *house)
{
	return house->worker && !house->frozen;
}

static bool
linked(const Town *town, HaId a, HaId b)
{
	return !ha_set_has(town->cut_to[a], b) && !ha_set_has(town->cut_to[b], a);
}

static void
stream(Town *town, HaId id)
{
	TownHouse *house = &town->house[id];
	HaId from = house->node.upstream;
	TownHouse *source = &town->house[from];

	house->pg.receiving = from != 0;
	house->pg.receiver_running = from != 0 && source->server && !source->frozen && linked(town, id, from) &&
		source->pg.state == HA_PG_PRIMARY;
	if (!house->pg.receiver_running)
		return;
	/* What the core let through must be a prefix. */
	for (uint32_t i = 0; i < house->wal_count; i++)
		assert_true(i < source->wal_count && house->wal[i] == source->wal[i]);
	while (house->wal_count < source->wal_count)
		append(house, source->wal[house->wal_count]);
	house->pg.flush_lsn = town_lsn(house->wal_count);
	house->pg.tli = source->pg.tli;
	house->pg.tli_start = source->pg.tli_start;
}

static void
promote(Town *town, TownHouse *house)
{
	house->promote_us = 0;
	house->pg.state = HA_PG_PRIMARY;
	house->pg.receiving = house->pg.receiver_running = false;
	house->pg.tli = ++town->tli_next;
	house->pg.tli_start = town_lsn(house->wal_count);
	house->pg.promoting = false;
	house->pg.checkpointed = false;
	append(house, town->record_next++);	/* the end-of-recovery record */
}

static void
start_worker(Town *town, TownHouse *house)
{
	static HaEffects fx;

	house->worker = true;
	ha_node_start(&house->node, &house->disk, times, (HaNow){town->now_us, town->now_us},
				  house->disk.id + house->disk.run * 100, &fx);
	carry_out(town, house, &fx);
}

static void
start_server(Town *town, TownHouse *house)
{
	HaTli tli = house->pg.tli;
	HaLsn tli_start = house->pg.tli_start;

	house->server = true;
	house->frozen = house->rejoining = false;
	house->promote_us = house->restart_us = 0;
	house->lease_us = 0;
	house->gate = (HaGate){0};
	house->pg = (HaPg){0};
	if (!house->witness)
		house->pg = (HaPg){.state = HA_PG_STANDBY, .settled = true, .tli = tli, .tli_start = tli_start};
	show_lsn(house);
	start_worker(town, house);
}

/* What the program does between the stop and the start: rewind or clone from the leader. */
static void
rejoin(Town *town, TownHouse *house)
{
	if (house->rejoin.lineage != HA_LINEAGE_STREAM)
	{
		TownHouse *leader = &town->house[house->node.leader];

		if (house->node.leader == 0 || !leader->server || leader->pg.state != HA_PG_PRIMARY)
			return;
		memcpy(house->wal, leader->wal, sizeof(house->wal));
		house->wal_count = leader->wal_count;
		house->pg.tli = leader->pg.tli;
		house->pg.tli_start = leader->pg.tli_start;
		house->disk.chain = house->disk.reg.chain;
		house->disk.joined_term = 0;
	}
	start_server(town, house);
}

static void
live(Town *town, HaId id)
{
	TownHouse *house = &town->house[id];

	if (house->server && !house->frozen && !house->witness)
	{
		if (house->rejoining && town->now_us >= house->restart_us)
			rejoin(town, house);
		if (house->promote_us != 0 && town->now_us >= house->promote_us)
			promote(town, house);
		if (house->pg.state == HA_PG_STANDBY)
			stream(town, id);
	}
	if (!awake(house))
		return;
	step(town, house, (HaEvent){.kind = house->witness ? HA_EVENT_TICK : HA_EVENT_PG, .pg = &house->pg});
	if (house->drain != 0)
	{
		uint64_t generation = house->drain;

		house->drain = 0;
		step(town, house,
			 (HaEvent){.kind = HA_EVENT_DRAINED, .generation = generation, .lsn = town_lsn(house->wal_count)});
	}
}

static void
tick(Town *town)
{
	town->now_us += TICK_US;
	while (town->queue_head < town->queue_tail)
	{
		TownLetter *letter = &town->queue[town->queue_head % TOWN_QUEUE_MAX];
		TownHouse *to = &town->house[letter->message.to];

		if (letter->due_us > town->now_us)
			break;
		if (awake(to))
			step(town, to, (HaEvent){.kind = HA_EVENT_MESSAGE, .message = &letter->message});
		town->queue_head++;
	}
	for (HaId id = 1; (int) id <= town->count; id++)
		live(town, id);
}

/* ---- The story's verbs ---- */

Town *
town_new(int data, int witnesses, uint32_t k, FILE *trace)
{
	Town *town = calloc(1, sizeof(Town));
	HaHard hard = {.promise_ms = times.promise_ms};

	town->count = data + witnesses;
	town->queue = calloc(TOWN_QUEUE_MAX, sizeof(TownLetter));
	town->now_us = 1000000;
	town->tli_next = 1;
	town->record_next = 1;
	town->trace = trace;
	for (int i = 1; i <= town->count; i++)
	{
		HaMember *member = &hard.reg.member[hard.reg.member_count++];

		*member = (HaMember){.id = (HaId) i, .priority = 100, .flags = i <= data ? HA_MEMBER_DATA : 0};
		member->incarnation.byte[0] = (uint8_t) i;
		snprintf(member->name, sizeof(member->name), "n%d", i);
		hard.reg.voters |= ha_set_of((HaId) i);
	}
	hard.reg.version = (HaVersion){0, 1};
	hard.reg.k_wanted = k;
	hard.reg.rule = (HaSyncRule){.sync = k > 0, .k = k, .sync_set = k > 0 ? ha_register_data(&hard.reg) : 0};
	hard.reg.tli_max = 1;
	ha_chain_append(&hard.reg.chain, (HaEpoch){0, 1, 0});
	hard.chain = hard.reg.chain;
	assert_true(ha_register_valid(&hard.reg));
	for (int i = 1; i <= town->count; i++)
	{
		TownHouse *house = &town->house[i];

		hard.id = (HaId) i;
		hard.incarnation.byte[0] = (uint8_t) i;
		house->disk = hard;
		house->witness = i > data;
		house->pg.tli = house->witness ? 0 : 1;
		start_server(town, house);
	}
	return town;
}

void
town_free(Town *town)
{
	free(town->queue);
	free(town);
}

void
town_run(Town *town, int ms)
{
	for (HaUs end_us = town->now_us + ms * HA_US_PER_MS; town->now_us < end_us;)
		tick(town);
}

static bool
may_ack(const Town *town, HaId id)
{
	const TownHouse *house = &town->house[id];

	return house->server && !house->frozen && house->pg.state == HA_PG_PRIMARY && house->gate.open &&
		town->now_us < house->lease_us;
}

HaId
town_leader(Town *town)
{
	HaId leader = 0;

	for (HaId id = 1; (int) id <= town->count; id++)
	{
		if (!may_ack(town, id))
			continue;
		assert_int_equal(leader, 0);
		leader = id;
	}
	return leader;
}

HaId
town_until_leader(Town *town, int ms_max)
{
	for (int ms = 0; ms < ms_max; ms++)
	{
		if (town_leader(town) != 0)
			return town_leader(town);
		tick(town);
	}
	return town_leader(town);
}

static bool
gate_satisfied(const Town *town, HaId id)
{
	const TownHouse *house = &town->house[id];
	HaLsn lsn = town_lsn(house->wal_count);
	HaSet holders = 0;

	for (HaId other = 1; (int) other <= town->count; other++)
	{
		if (ha_set_has(house->gate.joined, other) && town->house[other].node.upstream == id &&
			town->house[other].pg.flush_lsn >= lsn)
			holders |= ha_set_of(other);
	}
	for (uint32_t i = 0; i < house->gate.rule_count; i++)
	{
		if (!ha_sync_satisfied(&house->gate.rule[i], id, holders))
			return false;
	}
	return true;
}

bool
town_commit(Town *town, HaId id, int wait_ms)
{
	TownHouse *house = &town->house[id];
	uint32_t record = town->record_next++;

	if (!may_ack(town, id))
		return false;
	append(house, record);
	for (int ms = 0; ms <= wait_ms; ms++)
	{
		if (house->pg.state != HA_PG_PRIMARY || house->rejoining)
			return false;
		if (may_ack(town, id) && gate_satisfied(town, id))
		{
			town->acked[town->acked_count++] = record;
			house->acked_count++;
			house->acked_last_us = town->now_us;
			return true;
		}
		tick(town);
	}
	return false;
}

bool
town_holds_acked(const Town *town, HaId id)
{
	const TownHouse *house = &town->house[id];

	for (uint32_t i = 0; i < town->acked_count; i++)
	{
		bool found = false;

		for (uint32_t j = 0; j < house->wal_count && !found; j++)
			found = house->wal[j] == town->acked[i];
		if (!found)
			return false;
	}
	return true;
}

/* ---- Faults ---- */

static void
last_will(Town *town, TownHouse *house, HaResignReason reason)
{
	house->lease_us = 0;
	step(town, house, (HaEvent){.kind = HA_EVENT_RESIGN, .reason = reason});
	step(town, house, (HaEvent){.kind = HA_EVENT_DRAINED, .generation = house->node.gate.generation,
								.lsn = town_lsn(house->wal_count)});
}

void
town_kill(Town *town, HaId id, bool with_will)
{
	TownHouse *house = &town->house[id];

	if (with_will && house->worker)
		last_will(town, house, HA_RESIGN_POSTMASTER_DIED);
	house->worker = house->server = house->frozen = false;
	house->lease_us = 0;
}

void
town_stop(Town *town, HaId id)
{
	TownHouse *house = &town->house[id];

	last_will(town, house, HA_RESIGN_STOPPING);
	append(house, town->record_next++);	/* the shutdown checkpoint */
	for (int ms = 0; ms < 20; ms++)
		tick(town);
	house->worker = house->server = false;
}

void
town_start(Town *town, HaId id)
{
	start_server(town, &town->house[id]);
}

void
town_freeze(Town *town, HaId id, bool frozen)
{
	town->house[id].frozen = frozen;
}

void
town_kill_worker(Town *town, HaId id)
{
	town->house[id].worker = false;
}

void
town_start_worker(Town *town, HaId id)
{
	start_worker(town, &town->house[id]);
}

void
town_crash_restart(Town *town, HaId id)
{
	start_server(town, &town->house[id]);
}

void
town_promote_by_hand(Town *town, HaId id)
{
	promote(town, &town->house[id]);
}

void
town_cut(Town *town, HaSet from, HaSet to)
{
	for (HaId id = 1; (int) id <= town->count; id++)
	{
		if (ha_set_has(from, id))
			town->cut_to[id] |= to & ~ha_set_of(id);
	}
}

void
town_heal(Town *town)
{
	memset(town->cut_to, 0, sizeof(town->cut_to));
}

HaAnswer
town_request(Town *town, HaId id, HaRequest request)
{
	TownHouse *house = &town->house[id];
	uint32_t before = house->replies;

	request.number = before + 1;
	step(town, house, (HaEvent){.kind = HA_EVENT_REQUEST, .request = &request});
	for (int ms = 0; ms < 5000 && house->replies == before; ms++)
		tick(town);
	return house->replies == before ? 0 : house->answer;
}
