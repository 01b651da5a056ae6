/*
 * peer.c: see peer.h. Opening, settings, timers and the turn. Links are freed at the end of a turn only.
 */
#include "io/peer_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS_MAX 64
#define CONNECT_MIN_US (200 * HA_US_PER_MS)
#define HALF_FRAME_US (5 * 1000 * HA_US_PER_MS)
#define BACK_OFF_FIRST_US (20 * HA_US_PER_MS)

/* ---- Opening and closing ---- */

HaPeers *
ha_peers_open(const HaPeersOptions *options, const HaPeersHandlers *handlers, char *error, size_t error_size)
{
	HaPeers *peers = calloc(1, sizeof(*peers));

	if (peers == NULL)
	{
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	peers->self = options->self;
	peers->handlers = *handlers;
	peers->listener = -1;
	peers->epoll = -1;
	ha_peers_set_times(peers, options->promise_ms, options->beat_ms);
	peers->listens = options->listen_host[0] != '\0';
	if (peers->listens &&
		!ha_socket_address(options->listen_host, options->listen_port, &peers->listen_address))
	{
		snprintf(error, error_size, "the address to listen on is not a numeric one");
		ha_peers_close(peers);
		return NULL;
	}
	peers->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (peers->epoll < 0)
	{
		snprintf(error, error_size, "can not make an epoll descriptor: %s", strerror(errno));
		ha_peers_close(peers);
		return NULL;
	}
	return peers;
}

void
ha_peers_close(HaPeers *peers)
{
	for (uint32_t i = 0; i < peers->link_count; i++)
		ha_link_free(peers->link[i]);
	if (peers->listener >= 0)
		close(peers->listener);
	if (peers->epoll >= 0)
		close(peers->epoll);
	ha_mac_wipe(peers, sizeof(*peers));
	free(peers);
}

/* ---- Settings ---- */

void
ha_peers_set_times(HaPeers *peers, uint32_t promise_ms, uint32_t beat_ms)
{
	peers->promise_ms = promise_ms;
	peers->beat_ms = beat_ms;
}

/* Takes what the register says of one member; `member` NULL: it is none, or this one. */
static void
set_target(HaPeers *peers, HaId id, const HaMember *member)
{
	HaPeerTarget *target = &peers->target[id];
	HaLinkData *link = target->link != 0 ? ha_peer_find(peers, target->link) : NULL;

	if (member == NULL ? !target->wanted
		: target->wanted && target->port == member->peer_port && strcmp(target->host, member->peer_host) == 0)
		return;
	memset(target, 0, sizeof(*target));
	if (link != NULL)
		ha_peer_doom(peers, link);
	if (member == NULL)
		return;
	target->wanted = true;
	target->port = member->peer_port;
	target->retry_us = 0;
	target->back_off_us = BACK_OFF_FIRST_US;
	memcpy(target->name, member->name, sizeof(target->name));
	memcpy(target->host, member->peer_host, sizeof(target->host));
}

void
ha_peers_set_members(HaPeers *peers, const HaRegister *reg)
{
	if (ha_version_compare(peers->members_version, reg->version) == 0)
		return;
	peers->members_version = reg->version;
	for (HaId id = 1; id <= HA_ID_MAX; id++)
		set_target(peers, id, id == peers->self.identity.id ? NULL : ha_register_member(reg, id));
}

int
ha_peers_fd(const HaPeers *peers)
{
	return peers->epoll;
}

uint16_t
ha_peers_port(const HaPeers *peers)
{
	return peers->listener < 0 ? 0 : ha_socket_port(peers->listener);
}

/* ---- Timers ---- */

static HaUs
connect_limit_us(const HaPeers *peers)
{
	HaUs beat_us = (HaUs) peers->beat_ms * HA_US_PER_MS;

	return beat_us > CONNECT_MIN_US ? beat_us : CONNECT_MIN_US;
}

/* When the connection is given up, unless something happens on it. */
static HaUs
link_deadline_us(const HaPeers *peers, const HaLinkData *link)
{
	HaUs deadline_us = link->half_us != 0 ? link->half_us + HALF_FRAME_US : HA_US_NEVER;
	HaUs proof_us = link->state == HA_LINK_CONNECTING ? connect_limit_us(peers) : HA_PEER_PROOF_US;

	if (link->state == HA_LINK_DOOMED)
		return peers->now_us;
	if (link->state != HA_LINK_READY && link->opened_us + proof_us < deadline_us)
		deadline_us = link->opened_us + proof_us;
	return deadline_us;
}

static void
connect_target(HaPeers *peers, HaId id)
{
	HaPeerTarget *target = &peers->target[id];
	HaSocketAddress address;
	HaLinkData *link;
	int fd;

	target->retry_us = peers->now_us + (HaUs) peers->beat_ms * HA_US_PER_MS;
	if (!ha_socket_address(target->host, target->port, &address))
	{
		ha_peer_say(peers, HA_TOPIC_DOWN + id, HA_SEVERITY_WARNING,
					"the address of member %s is not numeric: it can not be reached", target->name);
		target->retry_us = HA_US_NEVER;
		return;
	}
	fd = ha_socket_connect(&address);
	if (fd < 0)
	{
		if (!target->complained)
			ha_peer_say(peers, HA_TOPIC_DOWN + id, HA_SEVERITY_WARNING,
						"member %s can not be reached: %s; trying again", target->name, strerror(errno));
		target->complained = true;
		return;
	}
	link = ha_peer_add(peers, fd, true);
	if (link == NULL)
		return;
	link->member = id;
	target->link = link->id;
	ha_socket_text(&address, link->address);
}

static void
serve_timers(HaPeers *peers)
{
	HaUs now_us = peers->now_us;

	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		HaLinkData *link = peers->link[i];

		if (link->state == HA_LINK_DOOMED || now_us < link_deadline_us(peers, link))
			continue;
		if (link->outgoing)
			ha_peer_say_target(peers, link, "no answer in time");
		else
			ha_peer_say(peers, HA_TOPIC_SLOW, HA_SEVERITY_WARNING,
						"the connection from %s was cut: it %s in time", link->address,
						link->state == HA_LINK_READY ? "did not finish a frame" : "did not prove the key");
		ha_peer_doom(peers, link);
	}
	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		if (peers->target[id].wanted && peers->target[id].link == 0 && now_us >= peers->target[id].retry_us)
			connect_target(peers, id);
	}
	ha_peer_serve_listener(peers);
}

void
ha_peers_serve(HaPeers *peers, HaUs now_us)
{
	struct epoll_event event[EVENTS_MAX];
	int count;

	peers->now_us = now_us;
	ha_peer_sweep(peers);
	count = epoll_wait(peers->epoll, event, EVENTS_MAX, 0);
	for (int i = 0; i < count; i++)
	{
		HaLinkData *link = event[i].data.u64 == 0 ? NULL : ha_peer_find(peers, event[i].data.u64);

		if (event[i].data.u64 == 0)
			ha_peer_accept(peers);
		else if (link != NULL)
			ha_peer_serve(peers, link, event[i].events);
	}
	serve_timers(peers);
	ha_peer_sweep(peers);
}

HaUs
ha_peers_wake_us(const HaPeers *peers)
{
	HaUs wake_us = HA_US_NEVER;

	if (peers->listens && (peers->listener < 0 || peers->listener_paused))
		wake_us = peers->listen_retry_us;
	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		HaUs deadline_us = link_deadline_us(peers, peers->link[i]);

		wake_us = deadline_us < wake_us ? deadline_us : wake_us;
	}
	for (HaId id = 1; id <= HA_ID_MAX; id++)
	{
		const HaPeerTarget *target = &peers->target[id];

		if (target->wanted && target->link == 0 && target->retry_us < wake_us)
			wake_us = target->retry_us;
	}
	return wake_us;
}
