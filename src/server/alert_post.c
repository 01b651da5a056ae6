/*
 * alert_post.c: see alert_post.h.
 */
#include "server/compat.h"

#include "server/alert_post.h"

#include "io/clock.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "server/monitor_query.h"
#include "server/posts.h"
#include "server/shmem.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define QUERY_LIMIT_MS 5000
#define REST_MS 60000

static HaPost *
post_of(const char *channel)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		if (pg_atomic_read_u32(&ha_shmem->post[i].state) != HA_POST_FREE &&
			strcmp(ha_shmem->post[i].channel, channel) == 0)
			return &ha_shmem->post[i];
	}
	return NULL;
}

static HaPost *
free_post(void)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		if (pg_atomic_read_u32(&ha_shmem->post[i].state) == HA_POST_FREE)
			return &ha_shmem->post[i];
	}
	return NULL;
}

void
ha_alert_reclaim(void)
{
	StringInfoData numbers;

	initStringInfo(&numbers);
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		HaPost	   *post = &ha_shmem->post[i];

		if (pg_atomic_read_u32(&post->state) != HA_POST_FREE)
			appendStringInfo(&numbers, "%s" INT64_FORMAT, numbers.len > 0 ? "," : "", post->number);
	}
	(void) ha_monitor_query(psprintf("SELECT haops.alert_reclaim('{%s}')", numbers.data), 0, NULL, QUERY_LIMIT_MS);
}

/* ---- Claims ---- */

/* The channels whose news go through this one: its own, and those that gave up and have it as their fallback. */
static char *
channels_through(const HaChannelViews *views, const HaChannelView *through)
{
	StringInfoData names;

	initStringInfo(&names);
	appendStringInfoChar(&names, '{');
	for (uint32 i = 0; i < views->count; i++)
	{
		const HaChannelView *channel = &views->channel[i];

		if (channel != through && (!channel->gave_up || strcmp(channel->fallback, through->name) != 0))
			continue;
		appendStringInfo(&names, "%s\"%s\"", names.len > 1 ? "," : "", channel->name);
	}
	appendStringInfoChar(&names, '}');
	return names.data;
}

/* Messages are in UTF-8; what a database without an encoding holds may be anything. */
static char *
in_utf8(char *text)
{
	char	   *converted = pg_server_to_any(text, (int) strlen(text), PG_UTF8);

	for (char *c = converted; !pg_verify_mbstr(PG_UTF8, converted, (int) strlen(converted), true) && *c != '\0'; c++)
	{
		if (IS_HIGHBIT_SET(*c))
			*c = '?';
	}
	return converted;
}

static void
record(int64 number, uint32 told, bool taken, const char *answer, const char *node)
{
	char		number_text[24];
	char		told_text[12];

	snprintf(number_text, sizeof(number_text), INT64_FORMAT, number);
	snprintf(told_text, sizeof(told_text), "%u", told);
	(void) ha_monitor_query("SELECT haops.alert_answered($1::bigint, $2::integer, $3::boolean, $4, $5)", 5,
							(const char *const[]) {number_text, told_text, taken ? "true" : "false", answer, node},
							QUERY_LIMIT_MS);
}

/* The message of at most so many notices, NULL = there is nothing to tell. */
static char *
claimed(const char *channels, const char *through, int64 number, int most)
{
	char		number_text[24];
	char		most_text[12];
	char	   *json;

	snprintf(number_text, sizeof(number_text), INT64_FORMAT, number);
	snprintf(most_text, sizeof(most_text), "%d", most);
	json = ha_monitor_query("SELECT haops.alert_claim($1::text[], $2, $3::bigint, $4::integer)", 4,
							(const char *const[]) {channels, through, number_text, most_text}, QUERY_LIMIT_MS);
	return json != NULL ? in_utf8(json) : NULL;
}

static void
claim(HaPost *post, const char *channels, const char *through, const char *node)
{
	int64		number = GetCurrentTimestamp();
	int			most = HA_BULLETIN_NOTICES_MAX;
	char	   *json = claimed(channels, through, number, most);

	while (json != NULL && strlen(json) >= sizeof(post->json) && most > 1)
	{
		record(number, 0, false, "too long: sent in parts", node);
		most /= 2;
		json = claimed(channels, through, ++number, most);
	}
	if (json == NULL)
		return;
	post->number = number;
	post->length = (uint32) strlcpy(post->json, json, sizeof(post->json));
	strlcpy(post->channel, through, sizeof(post->channel));
	post->told = 0;
	post->answer[0] = '\0';
	pg_write_barrier();
	pg_atomic_write_u32(&post->state, HA_POST_READY);
	ha_shmem_wake(&ha_shmem->sender_proc);
}

/* The channels for which something waits, as {a,b}; NULL = none. */
static char *
channels_waiting(void)
{
	return ha_monitor_query("SELECT array_agg(DISTINCT d.channel) FROM haops.alert_due d", 0, NULL, QUERY_LIMIT_MS);
}

static void
record_answers(const char *node)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		HaPost	   *post = &ha_shmem->post[i];

		if (pg_atomic_read_u32(&post->state) != HA_POST_DONE)
			continue;
		pg_read_barrier();
		record(post->number, post->told, post->verdict == HA_VERDICT_DELIVERED, post->answer, node);
		pg_atomic_write_u32(&post->state, HA_POST_FREE);
	}
}

int
ha_alert_post(const char *node)
{
	HaChannelViews *views = palloc0(sizeof(HaChannelViews));
	HaUs		now_us = ha_clock_now().boot_us;
	HaUs		wait_us = (HaUs) REST_MS * HA_US_PER_MS;

	record_answers(node);
	if (channels_waiting() == NULL)
		return -1;
	(void) ha_box_read(&ha_shmem->channels_box, ha_shmem->channels, views, sizeof(*views));
	for (uint32 i = 0; i < views->count; i++)
	{
		const HaChannelView *channel = &views->channel[i];
		HaUs		claim_us = ha_lane_claim_wait_us(channel->not_before_us, now_us);
		HaPost	   *post = free_post();

		if (!channel->usable || post == NULL || post_of(channel->name) != NULL)
			continue;
		if (claim_us > 0)
			wait_us = Min(wait_us, claim_us);
		else
			claim(post, channels_through(views, channel), channel->name, node);
	}
	pfree(views);
	return (int) (wait_us / HA_US_PER_MS) + 1;
}
