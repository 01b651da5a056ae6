/*
 * poster.c: see poster.h.
 */
#include "server/compat.h"

#include "server/poster.h"

#include "io/clock.h"
#include "server/poster_send.h"
#include "server/shmem.h"

#define US_PER_S INT64CONST(1000000)
#define REST_MS 5000

/*
 * The heartbeat says that alerts are evaluated (by turns of that worker, which are seconds apart, at least since the
 * heartbeat before), and that critical news leave.
 */
#define ROUND_AGE_MIN_US ((HaUs) 15 * 1000 * HA_US_PER_MS)
#define WAITING_AGE_US (INT64CONST(300) * US_PER_S)

/* A channel that rests for longer than this gives its message back. */
#define POST_WAIT_MAX_US ((HaUs) 15 * 1000 * HA_US_PER_MS)

static bool reload = true;

/* What this process's predecessor had begun to send: nobody knows what came of it. */
static void
give_back(HaPost *post)
{
	uint32		expected = HA_POST_TAKEN;

	if (pg_atomic_read_u32(&post->state) != HA_POST_TAKEN)
		return;
	post->verdict = HA_VERDICT_RETRY;
	post->told = HA_BULLETIN_NOTICES_MAX;
	strlcpy(post->answer, "the sender ended before an answer came", sizeof(post->answer));
	pg_write_barrier();
	(void) pg_atomic_compare_exchange_u32(&post->state, &expected, HA_POST_DONE);
}

void
ha_poster_start(uint64_t seed)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
		give_back(&ha_shmem->post[i]);
	give_back(&ha_shmem->trial);
	ha_poster_lanes_start(seed);
}

void
ha_poster_stop(void)
{
	ha_poster_lanes_stop();
}

int
ha_poster_fd(void)
{
	return ha_poster_lanes_fd();
}

void
ha_poster_reload(void)
{
	reload = true;
}

/* ---- What is next for a lane ---- */

/* True when this lane carries the news of `other`: its own (as often as it may try), and those of one that gave up. */
static bool
carries(const HaPosterLane *lane, const HaPosterLane *other)
{
	if (!other->used || !other->view.usable)
		return false;
	return lane == other || (other->view.gave_up && strcmp(other->view.fallback, lane->view.name) == 0);
}

/* True when another lane is sending it at this moment. */
static bool
is_under_way(const HaPosterLane *meant, const HaEventKey *event)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		const HaPosterLane *lane = &ha_poster_lane[i];

		for (uint32 j = 0; lane->work == HA_WORK_EVENT && lane->meant == meant && j < lane->event_count; j++)
		{
			if (ha_event_compare(&lane->event[j].key, event) == 0)
				return true;
		}
	}
	return false;
}

/* The log as the lane's channel sees it. */
static HaEventLog
log_for(const HaPosterLane *lane, const HaPosterTurn *turn)
{
	HaEventLog	log = turn->log;

	log.channel = lane->view.name;
	return log;
}

/* The lane whose event is next for this one, NULL = none waits. */
static HaPosterLane *
waiting_event(const HaPosterLane *lane, HaPosterTurn *turn, HaAlert *alert)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		HaPosterLane *meant = &ha_poster_lane[i];
		HaUs		wait_us;

		if (!carries(lane, meant) || !meant->view.events)
			continue;
		if (ha_outbox_next(&meant->outbox, log_for(meant, turn), meant->view.severity, turn->status, turn->wall_us,
						   alert, &wait_us) && !is_under_way(meant, &alert->event->key))
			return meant;
		turn->wait_us = Min(turn->wait_us, wait_us);
	}
	return NULL;
}

/* The message of alerts by rules that is ready for this lane, NULL = none. */
static HaPost *
ready_post(const HaPosterLane *lane)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		HaPost	   *post = &ha_shmem->post[i];

		if (pg_atomic_read_u32(&post->state) != HA_POST_READY)
			continue;
		pg_read_barrier();
		if (strcmp(post->channel, lane->view.name) == 0)
			return post;
	}
	return NULL;
}

/* A dead man's switch is only good if it ends with what it stands for. */
static void
next_heartbeat(HaPosterLane *lane, const HaPosterTurn *turn)
{
	uint64		round_us = pg_atomic_read_u64(&ha_shmem->alerts_round_us);
	uint64		waiting_us = pg_atomic_read_u64(&ha_shmem->alerts_waiting_us);
	HaUs		interval_us = (HaUs) lane->heartbeat_s * 1000 * HA_US_PER_MS;

	if (lane->heartbeat_s == 0 || round_us == 0 ||
		turn->now.boot_us - (HaUs) round_us > Max(interval_us, ROUND_AGE_MIN_US) ||
		(waiting_us != 0 && turn->wall_us - (int64) waiting_us > WAITING_AGE_US))
		return;
	if (lane->heartbeat_us != 0 && turn->now.mono_us - lane->heartbeat_us < interval_us)
		return;
	lane->heartbeat_us = turn->now.mono_us;
	ha_poster_send_words(lane, HA_WORK_HEARTBEAT, turn);
}

static void
next_work(HaPosterLane *lane, HaPosterTurn *turn)
{
	HaAlert		alert;
	HaPosterLane *meant = waiting_event(lane, turn, &alert);
	HaPost	   *post = ready_post(lane);

	switch (ha_lane_choose(&lane->lane, meant != NULL, post != NULL))
	{
		case HA_LANE_EVENTS:
			ha_poster_send_events(lane, meant, log_for(meant, turn), &alert, turn);
			break;
		case HA_LANE_ALERTS:
			ha_poster_send_post(lane, post, turn);
			break;
		case HA_LANE_NOTHING:
			next_heartbeat(lane, turn);
			break;
	}
}

/* An operator's test; it keeps the distance, but does not wait for a lane that is held. */
static bool
next_trial(HaPosterLane *lane, HaUs lane_wait_us, const HaPosterTurn *turn)
{
	HaPost	   *trial = &ha_shmem->trial;
	char		reason[HA_POST_ANSWER_SIZE];

	if (pg_atomic_read_u32(&trial->state) != HA_POST_READY)
		return false;
	pg_read_barrier();
	if (strcmp(trial->channel, lane->view.name) != 0 || (lane_wait_us > 0 && lane->lane.state == HA_LANE_WORKING))
		return false;
	lane->post = trial;
	lane->number = trial->number;
	pg_atomic_write_u32(&trial->state, HA_POST_TAKEN);
	if (lane_wait_us > 0 && lane->lane.state == HA_LANE_HELD)
	{
		snprintf(reason, sizeof(reason), "the receiver takes no more for " INT64_FORMAT " s",
				 (int64) (lane_wait_us / US_PER_S) + 1);
		ha_poster_answer(trial, lane->number, HA_VERDICT_THROTTLE, 1, reason);
		ha_poster_wake_asker();
		return false;
	}
	ha_poster_send_words(lane, HA_WORK_TRIAL, turn);
	return true;
}

static void
serve(HaPosterLane *lane, HaPosterTurn *turn)
{
	HaWebhookAnswer answer;
	char		reason[HA_POST_ANSWER_SIZE];
	HaUs		lane_wait_us;
	int			wait_ms;

	if (ha_webhook_serve(lane->hook, turn->now, &answer))
	{
		HaVerdict	verdict = ha_channel_judge(lane->view.type, &answer, turn->wall_us / US_PER_S, reason,
												   sizeof(reason));

		ha_poster_conclude(lane, verdict, reason, answer.retry_after_s, turn);
	}
	if (!ha_webhook_busy(lane->hook) && lane->view.usable)
	{
		lane_wait_us = ha_lane_wait_us(&lane->lane, turn->now.mono_us);
		if (!next_trial(lane, lane_wait_us, turn) && lane_wait_us == 0)
			next_work(lane, turn);
		lane_wait_us = ha_lane_wait_us(&lane->lane, turn->now.mono_us);
		if (lane_wait_us > 0)
			turn->wait_us = Min(turn->wait_us, lane_wait_us);
	}
	wait_ms = ha_webhook_wait_ms(lane->hook, turn->now);
	if (wait_ms >= 0)
		turn->wait_us = Min(turn->wait_us, wait_ms * HA_US_PER_MS);
}

/* ---- All lanes ---- */

/* A test of a channel that there is not, or whose file is not well. */
static void
refuse_trial(void)
{
	HaPost	   *trial = &ha_shmem->trial;
	const char *why = "this node has no such channel: see haops.alert_channel";

	if (pg_atomic_read_u32(&trial->state) != HA_POST_READY)
		return;
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		if (!ha_poster_lane[i].used || strcmp(ha_poster_lane[i].view.name, trial->channel) != 0)
			continue;
		if (ha_poster_lane[i].view.usable)
			return;
		why = ha_poster_lane[i].view.answer;
	}
	pg_atomic_write_u32(&trial->state, HA_POST_TAKEN);
	ha_poster_answer(trial, trial->number, HA_VERDICT_BROKEN, 1, why);
	ha_poster_wake_asker();
}

/* Messages whose channel rests for long, or is no more, are given back: to be claimed anew, perhaps for another one. */
static void
give_back_late(HaNow now)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		HaPost	   *post = &ha_shmem->post[i];
		bool		waits = false;

		if (pg_atomic_read_u32(&post->state) != HA_POST_READY)
			continue;
		pg_read_barrier();
		for (int j = 0; j < HA_CHANNELS_MAX; j++)
		{
			const HaPosterLane *lane = &ha_poster_lane[j];

			waits |= lane->used && lane->view.usable && strcmp(lane->view.name, post->channel) == 0 &&
				ha_lane_wait_us(&lane->lane, now.mono_us) <= POST_WAIT_MAX_US;
		}
		if (waits)
			continue;
		pg_atomic_write_u32(&post->state, HA_POST_TAKEN);
		ha_poster_answer(post, post->number, HA_VERDICT_RETRY, 0, "the channel takes nothing for now");
		ha_shmem_wake(&ha_shmem->alerts_proc);
	}
}

/*
 * A receiver counts what all members send. So who does not lead keeps a longer distance, and who begins to waits once
 * at a narrow one: another leader may have sent a moment before.
 */
static void
keep_distance(const HaStatus *status, HaNow now)
{
	static bool led = false;
	bool		leads = status->gate.open && status->lease_left_us > 0;
	uint32_t	others = status->has_register ? ha_set_count(ha_register_data(&status->reg)) - 1 : 0;

	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		HaPosterLane *lane = &ha_poster_lane[i];

		if (!lane->used || lane->lane.gap_us == 0)
			continue;
		ha_lane_set_gap(&lane->lane, leads ? ha_channel_gap_us(lane->view.type) :
						ha_channel_beside_us(lane->view.type, others));
		if (leads && !led && ha_channel_is_narrow(lane->view.type))
			ha_lane_keep_distance(&lane->lane, now.mono_us);
	}
	led = leads;
}

int
ha_poster_serve(const HaStatus *status, HaEventLog log, const char *cluster, HaNow now)
{
	HaPosterTurn turn = {.status = status, .log = log, .cluster = cluster, .now = now};

	turn.wall_us = ha_clock_wall_us();
	turn.wait_us = (HaUs) REST_MS * HA_US_PER_MS;
	ha_poster_lanes_look(now, reload);
	reload = false;
	keep_distance(status, now);
	ha_poster_lanes_publish(now);
	refuse_trial();
	give_back_late(now);
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		if (ha_poster_lane[i].used)
			serve(&ha_poster_lane[i], &turn);
	}
	ha_poster_lanes_publish(now);
	return (int) ((turn.wait_us + HA_US_PER_MS - 1) / HA_US_PER_MS);
}
