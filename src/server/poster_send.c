/*
 * poster_send.c: see poster_send.h.
 */
#include "server/compat.h"

#include "server/poster_send.h"

#include <inttypes.h>

#include "io/clock.h"
#include "io/message.h"
#include "pgtime.h"
#include "server/guc_sender.h"
#include "server/shmem.h"

#define US_PER_S INT64CONST(1000000)

/* So many events that wait are told of one by one; more of them together, each with a mark (at most HA_SAYS_MAX). */
#define EVENTS_ALONE 3
#define EVENTS_TOGETHER 12

static HaBulletin bulletin;		/* the one that is being laid out */

/* ---- Words ---- */

static int
utc_offset_s(int64_t wall_us)
{
	pg_time_t	wall_s = (pg_time_t) (wall_us / US_PER_S);
	struct pg_tm *local = pg_localtime(&wall_s, log_timezone);

	return local != NULL ? (int) local->tm_gmtoff : 0;
}

static void
make_context(const HaPosterTurn *turn, const HaChannel *channel, HaCardContext *context)
{
	context->language = channel->has_language ? channel->language : (HaLanguage) ha_guc_language;
	context->cluster = turn->cluster;
	context->reg = turn->status->has_register ? &turn->status->reg : NULL;
	context->poster = turn->status->id;
	context->wall_us = turn->wall_us;
	context->utc_offset_s = utc_offset_s(turn->wall_us);
}

static void
say(HaSeverity severity, const char *text)
{
	(void) ha_shmem_say(HA_EVENT_KIND_ALERT, severity, text);
}

/* ---- What came of it ---- */

void
ha_poster_answer(HaPost *post, int64 number, HaVerdict verdict, uint32 told, const char *reason)
{
	uint32		expected = HA_POST_TAKEN;

	if (post->number != number)
		return;
	post->verdict = verdict;
	post->told = told;
	strlcpy(post->answer, reason, sizeof(post->answer));
	pg_write_barrier();
	(void) pg_atomic_compare_exchange_u32(&post->state, &expected, HA_POST_DONE);
}

static void
tell_lane(const HaPosterLane *lane, HaVerdict verdict, const char *reason)
{
	char		text[HA_EVENT_TEXT_SIZE];

	if (verdict == HA_VERDICT_DELIVERED)
		snprintf(text, sizeof(text), "alerts are delivered to channel %s again", lane->view.name);
	else
		snprintf(text, sizeof(text), "alerts can't be delivered to channel %s: %s", lane->view.name, reason);
	say(verdict == HA_VERDICT_DELIVERED ? HA_SEVERITY_INFO : HA_SEVERITY_WARNING, text);
}

void
ha_poster_wake_asker(void)
{
	uint32		asker = pg_atomic_read_u32(&ha_shmem->trial_asker);

	if (asker != 0)
		ha_shmem_wake(&ha_shmem->trial_asker);
}

void
ha_poster_conclude(HaPosterLane *lane, HaVerdict verdict, const char *reason, int64 retry_after_s,
				   const HaPosterTurn *turn)
{
	char		text[HA_EVENT_TEXT_SIZE];
	bool		again = verdict == HA_VERDICT_PLAIN && !lane->lane.plain;
	bool		tell = ha_lane_result(&lane->lane, verdict, retry_after_s, turn->now.mono_us);

	lane->view.tried_us = turn->wall_us;
	strlcpy(lane->view.answer, reason, sizeof(lane->view.answer));
	if (tell)
		tell_lane(lane, verdict, reason);
	switch (lane->work)
	{
		case HA_WORK_EVENT:
			for (uint32 i = 0; verdict == HA_VERDICT_DELIVERED && lane->meant->used && i < lane->told; i++)
			{
				ha_outbox_done(&lane->meant->outbox, &lane->event[i].key);
				ha_alert_mark_text(&lane->alert[i], lane->meant->view.name, text);
				say(HA_SEVERITY_INFO, text);
			}
			break;
		case HA_WORK_POST:
			if (again)
				pg_atomic_write_u32(&lane->post->state, HA_POST_READY);
			else
				ha_poster_answer(lane->post, lane->number, verdict, lane->told, reason);
			ha_shmem_wake(&ha_shmem->alerts_proc);
			break;
		case HA_WORK_TRIAL:
			ha_poster_answer(lane->post, lane->number, verdict, lane->told, reason);
			ha_poster_wake_asker();
			break;
		case HA_WORK_HEARTBEAT:
		case HA_WORK_NONE:
			break;
	}
	lane->work = HA_WORK_NONE;
}

/* ---- One attempt ---- */

static void
notice_events(const HaPosterLane *lane, const HaCardContext *context)
{
	bulletin.count = lane->event_count;
	bulletin.more = 0;
	for (uint32 i = 0; i < lane->event_count; i++)
		ha_notice_of_alert(&bulletin.notice[i], &lane->alert[i], context);
}

/* Lays out the bulletin and begins to send it. An event has a card of its own, with more to say. */
static void
attempt(HaPosterLane *lane, HaWork work, const HaPosterTurn *turn)
{
	static HaCard card;
	HaCardContext context;
	HaChannel	channel;
	char		reason[HA_POST_ANSWER_SIZE] = "the channel's file can't be read";
	uint32		told = 0;

	lane->work = work;
	if (ha_poster_lanes_read(lane, &channel, reason, sizeof(reason)))
	{
		make_context(turn, &channel, &context);
		strlcpy(bulletin.channel, lane->view.name, sizeof(bulletin.channel));
		strlcpy(bulletin.cluster, turn->cluster, sizeof(bulletin.cluster));
		ha_card_member(context.reg, context.poster, bulletin.poster, sizeof(bulletin.poster));
		if (work == HA_WORK_EVENT)
			notice_events(lane, &context);
		if (work == HA_WORK_EVENT && lane->event_count == 1)
			ha_card_make(&card, &lane->alert[0], &context);
		else
			ha_card_of_bulletin(&card, &bulletin, &context);
		ha_lane_sent(&lane->lane, turn->now.mono_us);
		told = ha_channel_send(lane->hook, &channel, &bulletin, &card, lane->lane.plain, turn->wall_us, turn->now,
							   reason, sizeof(reason));
		ha_channel_wipe(&channel);
	}
	lane->told = told;
	if (told == 0)
		ha_poster_conclude(lane, HA_VERDICT_BROKEN, reason, 0, turn);
}

static void
start_bulletin(HaNoticeKind kind, const char *rule, const char *summary, const HaPosterTurn *turn)
{
	HaNotice   *notice = &bulletin.notice[0];

	memset(notice, 0, sizeof(*notice));
	bulletin.count = 1;
	bulletin.more = 0;
	notice->kind = kind;
	notice->severity = HA_SEVERITY_INFO;
	notice->starts_us = turn->wall_us;
	strlcpy(notice->rule, rule, sizeof(notice->rule));
	strlcpy(notice->summary, summary, sizeof(notice->summary));
	snprintf(notice->id, sizeof(notice->id), "%016" PRIx64 "-1", (uint64) turn->wall_us);
}

void
ha_poster_send_words(HaPosterLane *lane, HaWork work, const HaPosterTurn *turn)
{
	if (work == HA_WORK_TRIAL)
		start_bulletin(HA_NOTICE_TEST, "test", "this is a test", turn);
	else
		start_bulletin(HA_NOTICE_HEARTBEAT, "heartbeat", "alerts are evaluated and delivered", turn);
	attempt(lane, work, turn);
}

/* Takes the alert, and when very many wait, as many as a message holds: one by one they would come too late. */
static void
take_events(HaPosterLane *lane, HaEventLog log, const HaAlert *first, const HaPosterTurn *turn)
{
	static HaOutbox outbox;		/* a copy, to which what is taken is done */
	HaAlert		alert = *first;
	HaUs		wait_us;

	outbox = lane->meant->outbox;
	lane->event_count = 0;
	do
	{
		lane->event[lane->event_count] = *alert.event;
		lane->alert[lane->event_count] = alert;
		lane->alert[lane->event_count].event = &lane->event[lane->event_count];
		lane->event_count++;
		ha_outbox_done(&outbox, &alert.event->key);
	} while (lane->event_count < EVENTS_TOGETHER &&
			 ha_outbox_next(&outbox, log, lane->meant->view.severity, turn->status, turn->wall_us, &alert, &wait_us));
	if (lane->event_count <= EVENTS_ALONE)
		lane->event_count = 1;
}

void
ha_poster_send_events(HaPosterLane *lane, HaPosterLane *meant, HaEventLog log, const HaAlert *alert,
					  const HaPosterTurn *turn)
{
	lane->meant = meant;
	take_events(lane, log, alert, turn);
	attempt(lane, HA_WORK_EVENT, turn);
}

void
ha_poster_send_post(HaPosterLane *lane, HaPost *post, const HaPosterTurn *turn)
{
	char		why[160];
	char		reason[HA_POST_ANSWER_SIZE];

	lane->post = post;
	lane->number = post->number;
	pg_atomic_write_u32(&post->state, HA_POST_TAKEN);
	if (ha_message_read(post->json, post->length, &bulletin, why, sizeof(why)))
	{
		attempt(lane, HA_WORK_POST, turn);
		return;
	}
	snprintf(reason, sizeof(reason), "the message can't be read: %s", why);
	ha_poster_answer(post, lane->number, HA_VERDICT_BROKEN, HA_BULLETIN_NOTICES_MAX, reason);
	ha_shmem_wake(&ha_shmem->alerts_proc);
}
