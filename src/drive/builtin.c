/*
 * builtin.c: the built-in quorum: opening, turns, and what each frame means; see engine_parts.h.
 */
#include "drive/engine_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "io/clock.h"
#include "io/mac.h"

#define ASK_EVENTS_US (10 * 1000 * HA_US_PER_MS)

static HaBuiltin *
builtin(HaEngine *engine)
{
	return (HaBuiltin *) engine;
}

static const HaBuiltin *
builtin_const(const HaEngine *engine)
{
	return (const HaBuiltin *) engine;
}

/* ---- Steps ---- */

void
ha_builtin_step(HaBuiltin *b, HaEvent *event)
{
	assert(!b->stepping);
	b->stepping = true;
	event->now = ha_clock_now();
	ha_step(&b->node, event, &b->effects);
	ha_effects_run(b);
	b->stepping = false;
}

static void
builtin_event(HaEngine *engine, HaEvent *event)
{
	ha_builtin_step(builtin(engine), event);
}

/* ---- Frames ---- */

static bool
take_message(HaBuiltin *b, const HaFrameHead *head, HaReader *body)
{
	HaEvent event = {.kind = HA_EVENT_MESSAGE, .message = &b->box.message};

	ha_get_message(body, head, &b->box);
	if (!ha_reader_done(body) || head->from.id == 0)
		return false;
	ha_builtin_step(b, &event);
	return true;
}

static void
take_event(HaBuiltin *b, const HaEventRecord *record)
{
	if (ha_gossip_add(&b->gossip, record) && b->world.event != NULL)
		b->world.event(b->world.self, record, false);
}

static bool
take_events(HaBuiltin *b, const HaFrameHead *head, HaReader *body)
{
	ha_get_event_batch(body, &b->batch);
	if (!ha_reader_done(body) || head->from.id == 0)
		return false;
	for (uint32_t i = 0; i < b->batch.count; i++)
		take_event(b, &b->batch.record[i]);
	return true;
}

static bool
answer_events(HaBuiltin *b, HaLink link, HaReader *body)
{
	uint32_t from = 0;

	ha_get_event_keys(body, &b->keys);
	if (!ha_reader_done(body))
		return false;
	do
	{
		HaWriter *writer = ha_peers_begin_link(b->peers, link, HA_FRAME_EVENTS);

		if (writer == NULL)
			return true;
		from = ha_gossip_missing(&b->gossip, &b->keys, from, &b->batch);
		ha_put_event_batch(writer, &b->batch);
		if (!ha_peers_end(b->peers))
			return true;
	} while (from != 0);
	return true;
}

static bool
answer_status(HaBuiltin *b, HaLink link, const HaReader *body)
{
	HaWriter *writer;

	if (!ha_reader_done(body))
		return false;
	writer = ha_peers_begin_link(b->peers, link, HA_FRAME_STATUS_R);
	if (writer != NULL)
	{
		ha_view_status(b, &b->status);
		ha_put_status(writer, &b->status);
		(void) ha_peers_end(b->peers);
	}
	return true;
}

static bool
take_request(HaBuiltin *b, HaLink link, HaReader *body)
{
	HaRequest request;

	ha_get_request(body, &request);
	if (!ha_reader_done(body))
		return false;
	ha_ask_request(b, link, &request);
	return true;
}

static bool
take_reply(HaBuiltin *b, const HaFrameHead *head, HaReader *body)
{
	HaReply reply;

	ha_get_reply(body, &reply);
	if (!ha_reader_done(body) || head->from.id == 0)
		return false;
	ha_ask_reply(b, &reply);
	return true;
}

static bool
on_frame(void *self, HaLink link, const HaFrameHead *head, HaReader *body)
{
	switch ((HaFrameType) head->type)
	{
		case HA_FRAME_MESSAGE:
			return take_message(self, head, body);
		case HA_FRAME_STATUS:
			return answer_status(self, link, body);
		case HA_FRAME_EVENTS_ASK:
			return answer_events(self, link, body);
		case HA_FRAME_EVENTS:
			return take_events(self, head, body);
		case HA_FRAME_REQUEST:
			return take_request(self, link, body);
		case HA_FRAME_REQUEST_R:
			return take_reply(self, head, body);
		case HA_FRAME_HELLO:
		case HA_FRAME_HELLO_R:
		case HA_FRAME_READY:
		case HA_FRAME_STATUS_R:
			break;
	}
	return false;
}

static void
ask_events(HaBuiltin *b, HaId id)
{
	HaWriter *writer = ha_peers_begin(b->peers, id, HA_FRAME_EVENTS_ASK);

	if (writer == NULL)
		return;
	ha_gossip_keys(&b->gossip, &b->keys);
	ha_put_event_keys(writer, &b->keys);
	(void) ha_peers_end(b->peers);
}

static void
on_up(void *self, HaId id)
{
	ask_events(self, id);
}

static void
on_log(void *self, HaSeverity severity, const char *text)
{
	HaBuiltin *b = self;
	HaEventRecord record = {.term = b->node.hard.term, .kind = HA_EVENT_KIND_PEER, .severity = severity};

	if (severity == HA_SEVERITY_CRITICAL)
	{
		ha_event_set_text(&record, text);
		ha_effects_event(b, &record);
	}
	else if (b->world.log != NULL)
		b->world.log(b->world.self, severity, text);
}

/* ---- Turns ---- */

static void
serve_gossip(HaBuiltin *b, HaUs now_us)
{
	if (now_us < b->ask_us)
		return;
	b->ask_us = now_us + ASK_EVENTS_US;
	for (HaId i = 1; i <= HA_ID_MAX; i++)
	{
		HaId id = (b->ask_last + i - 1) % HA_ID_MAX + 1;

		if (!ha_set_has(ha_register_members(&b->node.hard.reg), id) || id == b->node.hard.id)
			continue;
		b->ask_last = id;
		ask_events(b, id);
		return;
	}
}

static void
builtin_serve(HaEngine *engine)
{
	HaBuiltin *b = builtin(engine);
	HaEvent tick = {.kind = HA_EVENT_TICK};
	HaUs now_us;

	ha_peers_serve(b->peers, ha_clock_now().boot_us);
	now_us = ha_clock_now().boot_us;
	if (now_us >= b->node.wake_us)
		ha_builtin_step(b, &tick);
	serve_gossip(b, now_us);
}

static HaUs
builtin_wake_us(const HaEngine *engine)
{
	const HaBuiltin *b = builtin_const(engine);
	HaUs wake_us = ha_peers_wake_us(b->peers);

	if (b->node.wake_us < wake_us)
		wake_us = b->node.wake_us;
	return b->ask_us < wake_us ? b->ask_us : wake_us;
}

static int
builtin_fd(const HaEngine *engine)
{
	return ha_peers_fd(builtin_const(engine)->peers);
}

static void
builtin_flush(HaEngine *engine, HaUs limit_us)
{
	ha_peers_flush(builtin(engine)->peers, limit_us);
}

/* ---- Opening and closing ---- */

static bool
open_peers(HaBuiltin *b, const HaEngineOptions *options, char *error, size_t error_size)
{
	const HaHard *hard = &b->node.hard;
	const HaMember *self = ha_register_member(&hard->reg, hard->id);
	const HaPeersHandlers handlers = {b, on_frame, on_up, on_log};
	HaPeersOptions peers = {
		.self = {hard->cluster, hard->system_id, {hard->id, hard->incarnation, hard->run}, options->key},
		.promise_ms = options->times.promise_ms,
		.beat_ms = options->times.beat_ms,
		.listen_port = options->listen_port,
	};

	memcpy(peers.listen_host, options->listen_host, sizeof(peers.listen_host));
	if (options->listen_host[0] == '\0')
	{
		if (self == NULL)
		{
			snprintf(error, error_size, "the register has no address for this member, and no other was given");
			return false;
		}
		memcpy(peers.listen_host, self->peer_host, sizeof(peers.listen_host));
		if (options->listen_port == 0)
			peers.listen_port = self->peer_port;
	}
	b->peers = ha_peers_open(&peers, &handlers, error, error_size);
	ha_mac_wipe(&peers.self.key, sizeof(peers.self.key));
	if (b->peers == NULL)
		return false;
	ha_peers_set_members(b->peers, &hard->reg);
	return true;
}

static HaEngine *
builtin_open(const HaEngineOptions *options, const HaWorld *world, char *error, size_t error_size)
{
	HaBuiltin *b = calloc(1, sizeof(*b));
	uint64_t seed;

	if (b == NULL || !ha_mac_random(&seed, sizeof(seed)))
	{
		snprintf(error, error_size, "out of memory, or no random numbers");
		free(b);
		return NULL;
	}
	b->engine.kind = &ha_builtin_engine;
	b->store = options->store;
	b->world = *world;
	memcpy(b->software, options->software, sizeof(b->software));
	ha_node_start(&b->node, &options->store->hard, options->times, ha_clock_now(), seed, &b->effects);
	ha_gossip_start(&b->gossip, b->node.hard.id, b->node.hard.run);
	b->ask_us = ha_clock_now().boot_us + ASK_EVENTS_US;
	ha_effects_run(b);			/* the run is on the disk before anything is heard or said */
	if (!open_peers(b, options, error, error_size))
	{
		free(b);
		return NULL;
	}
	return &b->engine;
}

static void
builtin_close(HaEngine *engine)
{
	ha_peers_close(builtin(engine)->peers);
	free(engine);
}

/* ---- The rest of the table ---- */

static void
builtin_request(HaEngine *engine, const HaRequest *request)
{
	ha_ask_request(builtin(engine), 0, request);
}

static void
builtin_set_times(HaEngine *engine, HaTimes times)
{
	HaBuiltin *b = builtin(engine);

	b->node.times = times;
	ha_peers_set_times(b->peers, times.promise_ms, times.beat_ms);
}

static void
builtin_restore(HaEngine *engine, const HaEventRecord *record)
{
	take_event(builtin(engine), record);
}

static void
builtin_say(HaEngine *engine, uint32_t kind, HaSeverity severity, const char *text)
{
	HaBuiltin *b = builtin(engine);
	HaEventRecord record = {.term = b->node.hard.term, .kind = kind, .severity = severity};

	ha_event_set_text(&record, text);
	ha_effects_event(b, &record);
}

static void
builtin_status(const HaEngine *engine, HaStatus *status)
{
	ha_view_status(builtin_const(engine), status);
}

static const HaNode *
builtin_node(const HaEngine *engine)
{
	return &builtin_const(engine)->node;
}

static const HaGossip *
builtin_events(const HaEngine *engine)
{
	return &builtin_const(engine)->gossip;
}

const HaEngineKind ha_builtin_engine = {
	.name = "builtin",
	.open = builtin_open,
	.close = builtin_close,
	.event = builtin_event,
	.serve = builtin_serve,
	.fd = builtin_fd,
	.wake_us = builtin_wake_us,
	.flush = builtin_flush,
	.request = builtin_request,
	.set_times = builtin_set_times,
	.say = builtin_say,
	.restore = builtin_restore,
	.status = builtin_status,
	.node = builtin_node,
	.events = builtin_events,
};
