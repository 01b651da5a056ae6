/*
 * deliveries.c: many messages through every kind of channel to a receiver that fails now and then (test/soak/deliveries
 * starts it, and this under valgrind): nothing is lost of memory or descriptors.
 *
 *     deliveries DIRECTORY COUNT
 *
 * The directory holds channel files; their messages go in turn, with a webhook for each, as in the sender.
 */
#include <dirent.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/channel.h"
#include "io/clock.h"

typedef struct Lane
{
	HaChannel channel;
	HaWebhook *hook;
	uint32_t sent;
	uint32_t verdicts[HA_VERDICT_BROKEN + 1];
} Lane;

static Lane lane[HA_CHANNELS_MAX];

static int
open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	int count = 0;

	if (folder == NULL)
		return -1;
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count;
}

static uint32_t
open_lanes(const char *directory)
{
	char names[HA_CHANNELS_MAX][HA_CHANNEL_NAME_SIZE];
	HaFault fault = {0};
	int count = ha_channel_list(directory, names, &fault);

	for (int i = 0; i < count; i++)
	{
		lane[i].hook = ha_webhook_new();
		if (lane[i].hook == NULL || !ha_channel_read(directory, names[i], &lane[i].channel, &fault))
		{
			fprintf(stderr, "%s: %s\n", names[i], fault.text);
			exit(2);
		}
	}
	return count > 0 ? (uint32_t) count : 0;
}

/* One to a few notices, the texts of which are long now and then. */
static void
fill(HaBulletin *bulletin, uint32_t number)
{
	memset(bulletin, 0, sizeof(*bulletin));
	bulletin->count = 1 + number % 5;
	bulletin->more = number % 7 == 0 ? 1234 : 0;
	snprintf(bulletin->cluster, sizeof(bulletin->cluster), "soak");
	snprintf(bulletin->poster, sizeof(bulletin->poster), "n1");
	for (uint32_t i = 0; i < bulletin->count; i++)
	{
		HaNotice *notice = &bulletin->notice[i];

		notice->kind = number % 2 == 0 ? HA_NOTICE_FIRING : HA_NOTICE_RESOLVED;
		notice->severity = HA_SEVERITY_CRITICAL;
		notice->starts_us = INT64_C(1600000000000000);
		notice->ends_us = number % 2 == 0 ? 0 : INT64_C(1600000100000000);
		snprintf(notice->rule, sizeof(notice->rule), "soak");
		snprintf(notice->id, sizeof(notice->id), "%08x%08x-1", number, i + 1);
		for (size_t j = 0; j < (number % 3 == 0 ? sizeof(notice->summary) - 4 : 20); j += 3)
			memcpy(notice->summary + j, "磁", 4);
	}
}

static void
begin(Lane *one, uint32_t number)
{
	static HaBulletin bulletin;
	static HaCard card;
	HaCardContext context = {.cluster = "soak", .wall_us = ha_clock_wall_us()};
	char reason[256];

	fill(&bulletin, number);
	snprintf(bulletin.channel, sizeof(bulletin.channel), "%s", one->channel.name);
	ha_card_of_bulletin(&card, &bulletin, &context);
	if (ha_channel_send(one->hook, &one->channel, &bulletin, &card, number % 11 == 0, context.wall_us,
						ha_clock_now(), reason, sizeof(reason)) == 0)
	{
		fprintf(stderr, "%s: %s\n", one->channel.name, reason);
		exit(2);
	}
	one->sent++;
}

static void
serve(Lane *one)
{
	HaWebhookAnswer answer;
	char reason[256];

	if (ha_webhook_serve(one->hook, ha_clock_now(), &answer))
		one->verdicts[ha_channel_judge(one->channel.type, &answer, ha_clock_wall_us() / 1000000, reason,
									   sizeof(reason))]++;
}

int
main(int argc, char **argv)
{
	uint32_t lanes, wanted, begun = 0, busy;
	int descriptors = open_descriptors();

	if (argc != 3)
		return 2;
	signal(SIGPIPE, SIG_IGN);
	lanes = open_lanes(argv[1]);
	wanted = (uint32_t) strtoul(argv[2], NULL, 10);
	do
	{
		struct pollfd polled[HA_CHANNELS_MAX];
		int wait_ms = 1000;

		busy = 0;
		for (uint32_t i = 0; i < lanes; i++)
		{
			int next_ms;

			serve(&lane[i]);
			if (!ha_webhook_busy(lane[i].hook) && begun < wanted)
				begin(&lane[i], begun++);
			busy += ha_webhook_busy(lane[i].hook);
			next_ms = ha_webhook_wait_ms(lane[i].hook, ha_clock_now());
			wait_ms = next_ms >= 0 && next_ms < wait_ms ? next_ms : wait_ms;
			polled[i] = (struct pollfd) {.fd = ha_webhook_fd(lane[i].hook), .events = POLLIN};
		}
		(void) poll(polled, lanes, wait_ms);
	} while (busy > 0 || begun < wanted);
	for (uint32_t i = 0; i < lanes; i++)
	{
		printf("%s: %" PRIu32 " sent, %" PRIu32 " delivered, %" PRIu32 " to be sent again, %" PRIu32 " throttled, %"
			   PRIu32 " refused as a card, %" PRIu32 " refused\n", lane[i].channel.name, lane[i].sent,
			   lane[i].verdicts[HA_VERDICT_DELIVERED], lane[i].verdicts[HA_VERDICT_RETRY],
			   lane[i].verdicts[HA_VERDICT_THROTTLE], lane[i].verdicts[HA_VERDICT_PLAIN],
			   lane[i].verdicts[HA_VERDICT_BROKEN]);
		ha_webhook_free(lane[i].hook);
		ha_channel_wipe(&lane[i].channel);
	}
	descriptors = open_descriptors() - descriptors;
	printf("deliveries: %" PRIu32 ", descriptors left open: %d\n", begun, descriptors);
	return descriptors == 0 ? 0 : 1;
}
