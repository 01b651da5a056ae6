/*
 * alerts_queue.c: news on their way: claims, requests, what the receiver does with them, answers; see alerts.h.
 *
 * What claim() does is what haops.alert_claim() has to do, in the same order.
 */
#include "test/sim/alerts.h"

#include <stddef.h>
#include <string.h>

#include "io/channel.h"

#define FALLBACK_US (120 * ALERTS_S)
#define TIMEOUT_US (10 * ALERTS_S)

/* ---- The table of news ---- */

/* What was said, and of which nothing can come any more, is left out. */
static void
compact(AlertTable *table)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->news_count; i++)
	{
		const AlertNews *news = &table->news[i];
		bool needed = news->state == ALERT_QUEUED || news->state == ALERT_SENDING ||
			table->row[news->alert].id == news->id;

		for (uint32_t j = 0; j < table->news_count && !needed; j++)
			needed = table->news[j].id == news->id && table->news[j].state < ALERT_SENT;
		if (needed)
			table->news[kept++] = *news;
	}
	table->news_count = kept;
}

/* Most of a table is empty. */
void
alerts_queue_copy(AlertTable *to, const AlertTable *from)
{
	memcpy(to, from, offsetof(AlertTable, news) + from->news_count * sizeof(from->news[0]));
}

void
alerts_queue_add(AlertTable *table, const AlertNews *news)
{
	for (uint32_t i = 0; i < table->news_count; i++)
	{
		if (table->news[i].id == news->id && table->news[i].transition == news->transition)
			return;
	}
	if (table->news_count >= 16)
		compact(table);
	if (table->news_count < ALERTS_NEWS_MAX)
		table->news[table->news_count++] = *news;
}

bool
alerts_queue_empty(const AlertWorld *w)
{
	for (uint32_t i = 0; i < w->table.news_count; i++)
	{
		if (w->table.news[i].state == ALERT_QUEUED || w->table.news[i].state == ALERT_SENDING)
			return false;
	}
	return true;
}

static void
answered(AlertWorld *w, uint64_t claim, bool taken)
{
	for (uint32_t i = 0; i < w->table.news_count; i++)
	{
		AlertNews *news = &w->table.news[i];

		if (news->claim == claim && news->state == ALERT_SENDING)
			news->state = taken ? ALERT_SENT : ALERT_QUEUED;
	}
}

void
alerts_queue_reclaim(AlertWorld *w)
{
	const AlertMember *m = &w->member[w->leader];

	for (uint32_t i = 0; i < w->table.news_count; i++)
	{
		AlertNews *news = &w->table.news[i];
		bool under_way = false;

		for (uint32_t c = 0; c < ALERTS_WAYS; c++)
			under_way = under_way || (m->way[c].busy && m->way[c].claim == news->claim);
		if (news->state == ALERT_SENDING && !under_way)
			news->state = ALERT_QUEUED;
	}
}

/* ---- Claims ---- */

/* Only the newest news of an episode are worth a message; they say too what nobody was told before. */
static void
merge(AlertWorld *w, AlertNews *newest)
{
	bool untold = newest->kind == ALERT_FIRING || newest->kind == ALERT_LATE;
	bool told = false;

	for (uint32_t i = 0; i < w->table.news_count; i++)
	{
		AlertNews *news = &w->table.news[i];

		if (news->id != newest->id || news == newest)
			continue;
		told = told || news->state == ALERT_SENT;
		if (news->state != ALERT_QUEUED)
			continue;
		untold = untold || news->kind == ALERT_FIRING || news->kind == ALERT_LATE;
		news->state = ALERT_MERGED;
		w->counts.merged++;
	}
	if (untold && !told && newest->kind == ALERT_RESOLVED)
		newest->kind = ALERT_LATE;
	else if (untold && !told && newest->kind == ALERT_REPEAT)
		newest->kind = ALERT_FIRING;
}

/* False when newer news of its episode wait, or older ones are under way: their answer decides what this one says. */
static bool
is_due(const AlertTable *table, const AlertNews *news)
{
	if (news->state != ALERT_QUEUED)
		return false;
	for (uint32_t i = 0; i < table->news_count; i++)
	{
		const AlertNews *other = &table->news[i];

		if (other->id != news->id)
			continue;
		if (other->state == ALERT_QUEUED && other->transition > news->transition)
			return false;
		if (other->state == ALERT_SENDING && !HA_MUTANT(NEWS_OVERTAKE))
			return false;
	}
	return true;
}

/* The most severe first: the alert's number. */
static void
claim(AlertWorld *w, uint32_t member, uint32_t c)
{
	AlertWay *way = &w->member[member].way[c];

	memset(way, 0, sizeof(*way));
	way->claim = ++w->claims;
	for (uint32_t i = 0; i < w->table.news_count; i++)
	{
		if (is_due(&w->table, &w->table.news[i]))
			merge(w, &w->table.news[i]);
	}
	for (uint32_t a = 0; a < ALERTS; a++)
	{
		for (uint32_t i = 0; i < w->table.news_count && way->count < ALERTS_NOTICES_MAX; i++)
		{
			AlertNews *news = &w->table.news[i];

			if (news->alert != a || !is_due(&w->table, news))
				continue;
			news->state = HA_MUTANT(CLAIM_IS_SENT) ? ALERT_SENT : ALERT_SENDING;
			news->claim = way->claim;
			news->era = w->failovers;
			way->notice[way->count++] = *news;
		}
	}
	way->busy = way->ready = way->count > 0;
	if (way->busy)
		alerts_check_claim(w, member, c);
	w->counts.digests += way->count > 1;
}

/* ---- Requests ---- */

/* What becomes of it. */
static void
decide(AlertWorld *w, AlertWay *way, AlertWeather weather, bool plain)
{
	if (weather == ALERT_FLAKY)
		weather = (AlertWeather) ha_prng_below(&w->prng, ALERT_FLAKY);
	way->ready = false;
	way->retry_after_s = 0;
	way->arrives = weather == ALERT_WORKS || weather == ALERT_LOSES_ANSWERS || (weather == ALERT_NO_CARDS && plain);
	way->verdict = way->arrives ? HA_VERDICT_DELIVERED : HA_VERDICT_RETRY;
	way->arrives_us = w->now_us + 20000 + ha_prng_below(&w->prng, 300000);
	way->answered_us = way->arrives_us + 20000 + ha_prng_below(&w->prng, 300000);
	if (weather == ALERT_LOSES_ANSWERS)
	{
		way->verdict = HA_VERDICT_RETRY;
		way->answered_us = w->now_us + TIMEOUT_US;
		way->arrives_us = w->now_us + ha_prng_below(&w->prng, (uint32_t) TIMEOUT_US);
	}
	else if (weather == ALERT_THROTTLES)
	{
		way->verdict = HA_VERDICT_THROTTLE;
		way->retry_after_s = ha_prng_below(&w->prng, 2) * ha_prng_below(&w->prng, 60);
	}
	else if (weather == ALERT_REFUSES)
		way->verdict = HA_VERDICT_BROKEN;
	else if (weather == ALERT_NO_CARDS && !plain)
		way->verdict = HA_VERDICT_PLAIN;
}

static void
send(AlertWorld *w, uint32_t member, uint32_t c)
{
	AlertMember *m = &w->member[member];

	alerts_check_send(w, member, c);
	decide(w, &m->way[c], w->weather[c], m->lane[c].plain);
	ha_lane_sent(&m->lane[c], w->now_us);
	alerts_tell(w, "member %u, channel %u: sends claim %llu with %u news, the first transition %u of %016llx", member,
				c, (unsigned long long) m->way[c].claim, m->way[c].count, m->way[c].notice[0].transition,
				(unsigned long long) m->way[c].notice[0].id);
}

static void
arrive(AlertWorld *w, AlertWay *way)
{
	way->arrives = false;
	alerts_tell(w, "claim %llu is taken", (unsigned long long) way->claim);
	for (uint32_t i = 0; i < way->count && w->failed == NULL; i++)
		alerts_check_taken(w, &way->notice[i]);
}

static void
conclude(AlertWorld *w, uint32_t member, uint32_t c)
{
	AlertMember *m = &w->member[member];
	AlertWay *way = &m->way[c];
	bool again = way->verdict == HA_VERDICT_PLAIN && !m->lane[c].plain;

	alerts_check_answer(w, member, c, way->verdict, way->retry_after_s);
	(void) ha_lane_result(&m->lane[c], way->verdict, way->retry_after_s, w->now_us);
	way->ready = again;
	if (again)
		return;
	way->busy = false;
	if (member == w->leader)
		answered(w, way->claim, way->verdict == HA_VERDICT_DELIVERED);
}

/* An event of the cluster. */
static void
tell_event(AlertWorld *w, uint32_t member, uint32_t c)
{
	HaLane *lane = &w->member[member].lane[c];
	AlertWay way = {0};

	alerts_tell(w, "member %u, channel %u: sends an event", member, c);
	alerts_check_send(w, member, c);
	decide(w, &way, w->weather[c], lane->plain);
	ha_lane_sent(lane, w->now_us);
	alerts_check_answer(w, member, c, way.verdict, way.retry_after_s);
	(void) ha_lane_result(lane, way.verdict, way.retry_after_s, w->now_us);
}

/* Alerts that the channel may be sent, claimed or not. */
static bool
alerts_wait(const AlertWorld *w, const AlertWay *way)
{
	for (uint32_t i = 0; i < w->table.news_count; i++)
	{
		if (is_due(&w->table, &w->table.news[i]))
			return true;
	}
	return way->busy;
}

/* The sender: the channel is free. */
static void
serve(AlertWorld *w, uint32_t member, uint32_t c)
{
	AlertMember *m = &w->member[member];
	bool leads = member == w->leader;
	bool event = c == 0 && (leads ? w->flooded && !w->calm : w->chatty && ha_prng_below(&w->prng, 4) == 0);
	HaLaneLoad load = ha_lane_choose(&m->lane[c], event, m->way[c].busy);
	bool again = m->lane[c].plain;

	if (leads && load != HA_LANE_NOTHING && !again)
		alerts_check_turn(w, c, load == HA_LANE_EVENTS, alerts_wait(w, &m->way[c]));
	if (load == HA_LANE_EVENTS)
		tell_event(w, member, c);
	else if (load == HA_LANE_ALERTS)
		send(w, member, c);
}

static void
turn_of(AlertWorld *w, uint32_t member, uint32_t c)
{
	AlertMember *m = &w->member[member];
	AlertWay *way = &m->way[c];
	bool mine = member == w->leader && (c == 0 || ha_lane_gave_up(&m->lane[0], FALLBACK_US, w->now_us));

	if (way->busy && way->arrives && w->now_us >= way->arrives_us)
		arrive(w, way);
	if (way->busy && !way->ready && w->failed == NULL && w->now_us >= way->answered_us)
		conclude(w, member, c);
	if ((!way->busy || way->ready) && w->failed == NULL && ha_lane_wait_us(&m->lane[c], w->now_us) == 0)
		serve(w, member, c);
	/* The worker that claims is another process: when the channel is free, the sender comes first. */
	if (mine && !way->busy && w->failed == NULL && ha_lane_claim_wait_us(ha_lane_next_us(&m->lane[c]), w->now_us) == 0)
		claim(w, member, c);
}

void
alerts_queue_turn(AlertWorld *w)
{
	for (uint32_t member = 0; member < ALERTS_MEMBERS; member++)
	{
		uint32_t first = ha_prng_below(&w->prng, ALERTS_WAYS);

		for (uint32_t c = 0; c < ALERTS_WAYS && w->failed == NULL; c++)
			turn_of(w, member, (first + c) % ALERTS_WAYS);
	}
}

void
alerts_queue_roles(AlertWorld *w, bool begins)
{
	for (uint32_t member = 0; member < ALERTS_MEMBERS; member++)
	{
		for (uint32_t c = 0; c < ALERTS_WAYS; c++)
		{
			HaChannelType type = (HaChannelType) w->channel_type[c];
			HaLane *lane = &w->member[member].lane[c];

			if (member != w->leader && !HA_MUTANT(ALL_SEND_LIKE_ONE))
				ha_lane_set_gap(lane, ha_channel_beside_us(type, ALERTS_MEMBERS - 1));
			else
				ha_lane_set_gap(lane, ha_channel_gap_us(type));
			if (member == w->leader && begins && ha_channel_is_narrow(type) && !HA_MUTANT(ALL_SEND_LIKE_ONE))
				ha_lane_keep_distance(lane, w->now_us);
			if (member != w->leader)
				continue;
			if (begins)
				w->member[member].passed[c] = 0;
			alerts_check_lead(w, c);
		}
	}
}

/* A request that is cut off has been taken, or not. */
void
alerts_queue_start(AlertWorld *w, uint32_t member)
{
	AlertMember *m = &w->member[member];

	alerts_tell(w, "member %u: its sender starts", member);
	for (uint32_t c = 0; c < ALERTS_WAYS; c++)
	{
		HaChannelType type = (HaChannelType) w->channel_type[c];

		if (m->way[c].busy && m->way[c].arrives && !m->way[c].ready && ha_prng_below(&w->prng, 2) == 0)
			arrive(w, &m->way[c]);
		if (m->way[c].busy && member == w->leader)
			answered(w, m->way[c].claim, false);
		m->way[c].busy = false;
		m->sends[c].held_until_us = 0;
		m->passed[c] = 0;
		ha_lane_start(&m->lane[c], ha_channel_gap_us(type), ha_channel_hold_us(type), ha_prng_next(&w->prng),
					  w->now_us);
	}
	alerts_queue_roles(w, false);
}
