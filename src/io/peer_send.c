/*
 * peer_send.c: see peer_parts.h. Which connection a frame takes; flushing; looking.
 */
#include "io/peer_parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "io/clock.h"

#define FLUSH_LOOK_MS 1

/* The own connection to a member, or the newest that it opened; NULL when there is none. */
static HaLinkData *
route(const HaPeers *peers, HaId to)
{
	HaLinkData *best = NULL;

	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		HaLinkData *link = peers->link[i];

		if (link->state != HA_LINK_READY || link->member != to || to == 0)
			continue;
		if (link->outgoing)
			return link;
		if (best == NULL || link->ready_us > best->ready_us)
			best = link;
	}
	return best;
}

static HaWriter *
begin(HaPeers *peers, HaLinkData *link, HaFrameType type)
{
	assert(peers->writing == NULL);
	if (link == NULL || link->state != HA_LINK_READY)
		return NULL;
	peers->writing = link;
	peers->writer = ha_writer(peers->scratch, sizeof(peers->scratch));
	ha_session_begin(&link->session, type, &peers->writer);
	return &peers->writer;
}

HaWriter *
ha_peers_begin(HaPeers *peers, HaId to, HaFrameType type)
{
	return begin(peers, route(peers, to), type);
}

HaWriter *
ha_peers_begin_link(HaPeers *peers, HaLink link, HaFrameType type)
{
	return begin(peers, ha_peer_find(peers, link), type);
}

bool
ha_peers_end(HaPeers *peers)
{
	HaLinkData *link = peers->writing;
	size_t length;
	uint32_t dropped;

	assert(link != NULL);
	peers->writing = NULL;
	length = ha_session_seal(&link->session, &peers->writer);
	if (length == 0)
		return false;
	if (ha_link_send(link, peers->scratch, length, &dropped) != HA_LINK_OK)
	{
		ha_peer_lost(peers, link, errno);
		return false;
	}
	if (dropped > 0)
		ha_peer_say(peers, HA_TOPIC_DROPPED, HA_SEVERITY_WARNING,
					"%s does not read what is sent to it: %u messages were dropped", link->address,
					(unsigned) dropped);
	ha_peer_watch(peers, link);
	return true;
}

/* True while bytes for members wait here, or in the kernel for the other end's acknowledgement. */
static bool
under_way(HaLinkData *link)
{
	int unsent = 0;

	if (link->state != HA_LINK_READY || link->member == 0)
		return false;
	if (ha_link_flush(link) != HA_LINK_OK)
		return false;
	return ha_link_has_queued(link) || (ioctl(link->fd, SIOCOUTQ, &unsent) == 0 && unsent > 0);
}

void
ha_peers_flush(HaPeers *peers, HaUs limit_us)
{
	HaUs until_us = ha_clock_now().boot_us + limit_us;

	for (;;)
	{
		bool waits = false;

		for (uint32_t i = 0; i < peers->link_count; i++)
			waits |= under_way(peers->link[i]);
		if (!waits || ha_clock_now().boot_us >= until_us)
			return;
		/* Nothing tells when the kernel's queue has been acknowledged: look again soon. */
		(void) poll(NULL, 0, FLUSH_LOOK_MS);
	}
}

static HaSet
connected(const HaPeers *peers, bool outgoing)
{
	HaSet set = 0;

	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		if (peers->link[i]->state == HA_LINK_READY && peers->link[i]->outgoing == outgoing)
			set |= ha_set_of(peers->link[i]->member);
	}
	return set;
}

HaSet
ha_peers_reaches(const HaPeers *peers)
{
	return connected(peers, true);
}

HaSet
ha_peers_reached_by(const HaPeers *peers)
{
	return connected(peers, false);
}

bool
ha_peers_is_local(const HaPeers *peers, HaLink link)
{
	const HaLinkData *found = ha_peer_find(peers, link);

	return found != NULL && ha_socket_is_local(found->fd);
}
