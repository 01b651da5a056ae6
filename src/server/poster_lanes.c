/*
 * poster_lanes.c: see poster_lanes.h.
 */
#include "server/compat.h"

#include "server/poster_lanes.h"

#include <sys/epoll.h>
#include <unistd.h>

#include "common/hashfn.h"
#include "io/clock.h"
#include "server/guc.h"
#include "server/guc_sender.h"
#include "server/shmem.h"

#define LOOK_US (5000 * HA_US_PER_MS)	/* between two looks at the directory */

HaPosterLane ha_poster_lane[HA_CHANNELS_MAX];

static int	all = -1;			/* an epoll descriptor over those of the lanes */
static uint64_t seed_of_lanes;
static HaUs looked_us = 0;

/* Where the files are. */
static const char *
directory(void)
{
	static char path[MAXPGPATH];

	if (ha_guc_channel_directory != NULL && ha_guc_channel_directory[0] != '\0')
		return ha_guc_channel_directory;
	ha_guc_state_path("channels", path);
	return path;
}

/* ---- One lane ---- */

static void
end_lane(HaPosterLane *lane)
{
	if (lane->hook != NULL)
	{
		(void) epoll_ctl(all, EPOLL_CTL_DEL, ha_webhook_fd(lane->hook), NULL);
		ha_webhook_free(lane->hook);
	}
	if (lane->work == HA_WORK_POST && pg_atomic_read_u32(&lane->post->state) == HA_POST_TAKEN)
	{
		lane->post->verdict = HA_VERDICT_RETRY;
		lane->post->told = 0;
		strlcpy(lane->post->answer, "its channel was dropped", sizeof(lane->post->answer));
		pg_atomic_write_u32(&lane->post->state, HA_POST_DONE);
	}
	memset(lane, 0, sizeof(*lane));
}

static bool
begin_lane(HaPosterLane *lane, const char *name)
{
	struct epoll_event event = {.events = EPOLLIN};

	memset(lane, 0, sizeof(*lane));
	lane->hook = ha_webhook_new();
	if (lane->hook == NULL)
		return false;
	if (epoll_ctl(all, EPOLL_CTL_ADD, ha_webhook_fd(lane->hook), &event) != 0)
	{
		ha_webhook_free(lane->hook);
		lane->hook = NULL;
		return false;
	}
	strlcpy(lane->view.name, name, sizeof(lane->view.name));
	lane->used = true;
	ha_outbox_start(&lane->outbox);
	return true;
}

/* What the channel's file says now. A channel of another type is another receiver: its lane begins anew. */
static void
fit_lane(HaPosterLane *lane, HaNow now)
{
	HaChannel	channel = {0};
	HaFault		fault = {0};
	uint64		file_hash;
	bool		was_usable = lane->view.usable;

	lane->view.usable = ha_channel_read(directory(), lane->view.name, &channel, &fault);
	if (!lane->view.usable)
	{
		snprintf(lane->view.answer, sizeof(lane->view.answer), "%s", fault.text);
		return;
	}
	if (!was_usable)
		lane->view.answer[0] = '\0';
	if (lane->lane.gap_us == 0 || lane->view.type != channel.type)
		ha_lane_start(&lane->lane, ha_channel_gap_us(channel.type), ha_channel_hold_us(channel.type), ++seed_of_lanes,
					  now.mono_us);
	file_hash = hash_bytes_extended((unsigned char *) &channel, sizeof(channel), 0);
	if (lane->file_hash != 0 && lane->file_hash != file_hash)
		ha_lane_changed(&lane->lane);
	lane->file_hash = file_hash;
	lane->view.type = channel.type;
	lane->view.severity = channel.severity;
	lane->view.events = channel.events;
	lane->view.resolved = channel.resolved;
	strlcpy(lane->view.fallback, channel.fallback, sizeof(lane->view.fallback));
	lane->fallback_after_s = channel.fallback_after_s;
	lane->heartbeat_s = channel.heartbeat_s;
	ha_channel_wipe(&channel);
}

bool
ha_poster_lanes_read(const HaPosterLane *lane, HaChannel *channel, char *reason, size_t size)
{
	HaFault		fault = {0};
	bool		read = ha_channel_read(directory(), lane->view.name, channel, &fault);

	if (!read)
		snprintf(reason, size, "%s", fault.text);
	return read;
}

/* ---- All of them ---- */

void
ha_poster_lanes_start(uint64_t seed)
{
	seed_of_lanes = seed;
	all = epoll_create1(EPOLL_CLOEXEC);
	if (all < 0)
		ereport(ERROR, (errmsg("pg_haops sender: there is no descriptor for its channels: %m")));
}

void
ha_poster_lanes_stop(void)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		if (ha_poster_lane[i].hook != NULL)
			ha_webhook_cancel(ha_poster_lane[i].hook);
	}
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
		ha_webhook_free(ha_poster_lane[i].hook);
	memset(ha_poster_lane, 0, sizeof(ha_poster_lane));
}

int
ha_poster_lanes_fd(void)
{
	return all;
}

static HaPosterLane *
lane_named(const char *name)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		if (ha_poster_lane[i].used && strcmp(ha_poster_lane[i].view.name, name) == 0)
			return &ha_poster_lane[i];
	}
	return NULL;
}

static HaPosterLane *
free_lane(void)
{
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		if (!ha_poster_lane[i].used)
			return &ha_poster_lane[i];
	}
	return NULL;
}

static bool
is_named(char names[HA_CHANNELS_MAX][HA_CHANNEL_NAME_SIZE], int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

/* A directory that can't be read leaves the lanes as they are; it is told once. */
static int
list(char names[HA_CHANNELS_MAX][HA_CHANNEL_NAME_SIZE])
{
	static bool told = false;
	HaFault		fault = {0};
	int			count = ha_channel_list(directory(), names, &fault);

	if (count < 0 && !told)
		ereport(WARNING, (errmsg("pg_haops: the channels of alerts can't be read: %s", fault.text),
						  errhint("See pg_haops.channel_directory.")));
	told = count < 0;
	return count;
}

void
ha_poster_lanes_look(HaNow now, bool at_once)
{
	char		names[HA_CHANNELS_MAX][HA_CHANNEL_NAME_SIZE];
	int			count;

	if (!at_once && looked_us != 0 && now.mono_us - looked_us < LOOK_US)
		return;
	looked_us = now.mono_us;
	count = list(names);
	for (int i = 0; count >= 0 && i < HA_CHANNELS_MAX; i++)
	{
		if (ha_poster_lane[i].used && !is_named(names, count, ha_poster_lane[i].view.name))
			end_lane(&ha_poster_lane[i]);
	}
	for (int i = 0; i < count; i++)
	{
		HaPosterLane *lane = lane_named(names[i]);

		if (lane == NULL && (lane = free_lane()) != NULL && !begin_lane(lane, names[i]))
			lane = NULL;
		if (lane != NULL)
			fit_lane(lane, now);
	}
}

void
ha_poster_lanes_publish(HaNow now)
{
	static HaChannelViews published;
	static HaChannelViews views;

	memset(&views, 0, sizeof(views));
	for (int i = 0; i < HA_CHANNELS_MAX; i++)
	{
		HaPosterLane *lane = &ha_poster_lane[i];

		if (!lane->used)
			continue;
		lane->view.state = lane->lane.state;
		lane->view.failures = lane->lane.failures;
		lane->view.gave_up = lane->view.fallback[0] != '\0' &&
			ha_lane_gave_up(&lane->lane, (HaUs) lane->fallback_after_s * 1000 * HA_US_PER_MS, now.mono_us);
		lane->view.not_before_us = ha_lane_next_us(&lane->lane) + now.boot_us - now.mono_us;
		views.channel[views.count++] = lane->view;
	}
	for (uint32 i = 0; i < views.count && i < published.count; i++)
	{
		/* The two clocks are read one after the other: the same moment may differ by a little. */
		if (llabs(views.channel[i].not_before_us - published.channel[i].not_before_us) < 1000)
			views.channel[i].not_before_us = published.channel[i].not_before_us;
	}
	if (memcmp(&views, &published, sizeof(views)) == 0 && pg_atomic_read_u64(&ha_shmem->channels_box.version) != 0)
		return;
	published = views;
	ha_box_write(&ha_shmem->channels_box, ha_shmem->channels, &views, sizeof(views));
}
