/*
 * peer_listen.c: see peer_parts.h. The listener, and room for strangers.
 */
#include "io/peer_parts.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

#define ACCEPTS_MAX 16
#define LISTEN_RETRY_US (1000 * HA_US_PER_MS)
#define PAUSE_US (100 * HA_US_PER_MS)

static void
watch_listener(HaPeers *peers, int operation, bool paused)
{
	struct epoll_event event = {paused ? 0 : EPOLLIN, {.u64 = 0}};

	peers->listener_paused = paused;
	(void) epoll_ctl(peers->epoll, operation, peers->listener, &event);
}

static void
try_listen(HaPeers *peers)
{
	char text[HA_SOCKET_TEXT_SIZE];

	peers->listen_retry_us = peers->now_us + LISTEN_RETRY_US;
	peers->listener = ha_socket_listen(&peers->listen_address);
	if (peers->listener >= 0)
	{
		watch_listener(peers, EPOLL_CTL_ADD, false);
		return;
	}
	ha_socket_text(&peers->listen_address, text);
	ha_peer_say(peers, HA_TOPIC_LISTEN, HA_SEVERITY_WARNING,
				"can not listen for the other members at %s: %s; trying again", text, strerror(errno));
}

/* Makes room for a stranger: the one that has been silent for longest goes. */
static void
make_room(HaPeers *peers)
{
	HaLinkData *oldest = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		HaLinkData *link = peers->link[i];

		if (link->outgoing || link->state == HA_LINK_READY || link->state == HA_LINK_DOOMED)
			continue;
		count++;
		if (oldest == NULL || link->opened_us < oldest->opened_us)
			oldest = link;
	}
	if (count < HA_PEER_STRANGERS_MAX || oldest == NULL)
		return;
	ha_peer_say(peers, HA_TOPIC_CROWD, HA_SEVERITY_WARNING,
				"more than %d connections have not proved the key: that from %s was cut", HA_PEER_STRANGERS_MAX,
				oldest->address);
	ha_peer_doom(peers, oldest);
}

void
ha_peer_accept(HaPeers *peers)
{
	for (int i = 0; i < ACCEPTS_MAX; i++)
	{
		HaSocketAddress from;
		HaLinkData *link;
		int fd = ha_socket_accept(peers->listener, &from);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
		{
			ha_peer_say(peers, HA_TOPIC_LISTEN, HA_SEVERITY_WARNING, "can not accept a connection: %s",
						strerror(errno));
			watch_listener(peers, EPOLL_CTL_MOD, true);
			peers->listen_retry_us = peers->now_us + PAUSE_US;
		}
		if (fd < 0)
			return;
		make_room(peers);
		ha_peer_sweep(peers);
		link = ha_peer_add(peers, fd, false);
		if (link != NULL)
			ha_socket_text(&from, link->address);
	}
}

void
ha_peer_serve_listener(HaPeers *peers)
{
	if (!peers->listens || peers->now_us < peers->listen_retry_us)
		return;
	if (peers->listener < 0)
		try_listen(peers);
	else if (peers->listener_paused)
		watch_listener(peers, EPOLL_CTL_MOD, false);
}
