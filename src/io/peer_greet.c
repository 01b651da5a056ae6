/*
 * peer_greet.c: see peer_parts.h. The handshake, and who is who behind the connections.
 */
#include "io/peer_parts.h"

#include <errno.h>

/* Room for whole frames, and into the circle of those that are heard. */
static bool
make_ready(HaPeers *peers, HaLinkData *link)
{
	if (!ha_link_grow(link))
	{
		ha_peer_lost(peers, link, ENOMEM);
		return false;
	}
	link->state = HA_LINK_READY;
	link->ready_us = peers->now_us;
	link->heard_us = peers->now_us;
	return true;
}

/* ---- The side that connected ---- */

void
ha_peer_greet(HaPeers *peers, HaLinkData *link)
{
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	size_t length;

	ha_socket_tune(link->fd, peers->beat_ms * 2 > HA_PEER_PATIENCE_MIN_MS ? peers->beat_ms * 2 :
				   HA_PEER_PATIENCE_MIN_MS);
	length = ha_session_hello(&link->session, &peers->self, link->member, bytes, sizeof(bytes));
	link->state = HA_LINK_GREETING;
	if (length == 0)
		ha_peer_lost(peers, link, EIO);
	else if (ha_link_send_small(link, bytes, length) != HA_LINK_OK)
		ha_peer_lost(peers, link, errno);
	ha_peer_watch(peers, link);
}

static void
take_hello_reply(HaPeers *peers, HaLinkData *link, size_t length)
{
	HaPeerTarget *target = &peers->target[link->member];
	HaFrameError error = ha_session_confirm(&link->session, &peers->self, link->in, length);
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));

	if (error != HA_FRAME_OK)
	{
		ha_peer_cut(peers, link, error);
		return;
	}
	ha_session_begin(&link->session, HA_FRAME_READY, &writer);
	length = ha_session_seal(&link->session, &writer);
	if (length == 0 || ha_link_send_small(link, bytes, length) != HA_LINK_OK)
	{
		ha_peer_lost(peers, link, errno);
		return;
	}
	if (!make_ready(peers, link))
		return;
	if (target->complained)
		ha_peer_say(peers, HA_TOPIC_UP + link->member, HA_SEVERITY_INFO, "member %s can be reached at %s",
					target->name, link->address);
	target->complained = false;
	target->refused = HA_FRAME_OK;
	if (peers->handlers.up != NULL)
		peers->handlers.up(peers->handlers.self, link->member);
}

/* ---- The side that accepted ---- */

static uint32_t
count_operators(const HaPeers *peers)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < peers->link_count; i++)
		count += peers->link[i]->state == HA_LINK_READY && peers->link[i]->member == 0;
	return count;
}

static void
take_hello(HaPeers *peers, HaLinkData *link, size_t length)
{
	uint8_t reply[HA_FRAME_HELLO_MAX];
	size_t reply_length;
	HaFrameError full = HA_FRAME_OK;
	HaFrameError error;

	if (count_operators(peers) >= HA_PEER_OPERATORS_MAX)
		full = HA_FRAME_REFUSED_FULL;
	error = ha_session_accept(&link->session, &peers->self, link->in, length, full, reply, sizeof(reply),
							  &reply_length);
	if (reply_length > 0 && ha_link_send_small(link, reply, reply_length) != HA_LINK_OK)
		ha_peer_lost(peers, link, errno);
	else if (error != HA_FRAME_OK)
		ha_peer_cut(peers, link, error);
	else
		link->state = HA_LINK_GREETED;
}

/*
 * A member that comes back has a new connection before the old one is known to be dead: the old one goes when it is of
 * the same run, and otherwise when there are more than a restart explains.
 */
static void
replace_older(HaPeers *peers, const HaLinkData *link)
{
	HaLinkData *oldest = NULL;
	uint32_t count = 0;

	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		HaLinkData *other = peers->link[i];

		if (other == link || other->outgoing || other->state != HA_LINK_READY || other->member != link->member)
			continue;
		if (ha_identity_equal(&other->session.other, &link->session.other))
		{
			ha_peer_doom(peers, other);
			continue;
		}
		count++;
		if (oldest == NULL || other->ready_us < oldest->ready_us)
			oldest = other;
	}
	if (count >= INCOMING_MAX)
		ha_peer_doom(peers, oldest);
}

static void
take_ready(HaPeers *peers, HaLinkData *link, size_t length)
{
	HaFrameHead head;
	HaReader body;
	HaFrameError error = ha_session_open(&link->session, link->in, length, &head, &body);
	HaPeerTarget *target;

	if (error == HA_FRAME_OK && head.from.id == 0 && count_operators(peers) >= HA_PEER_OPERATORS_MAX)
		error = HA_FRAME_REFUSED_FULL;
	if (error != HA_FRAME_OK)
	{
		ha_peer_cut(peers, link, error);
		return;
	}
	ha_socket_tune(link->fd, peers->beat_ms * 2 > HA_PEER_PATIENCE_MIN_MS ? peers->beat_ms * 2 :
				   HA_PEER_PATIENCE_MIN_MS);
	link->member = head.from.id;
	if (!make_ready(peers, link) || link->member == 0)
		return;
	replace_older(peers, link);
	target = &peers->target[link->member];
	if (target->wanted && target->link == 0)
		target->retry_us = peers->now_us;	/* what reaches us can be reached again: do not wait */
	if (peers->handlers.up != NULL)
		peers->handlers.up(peers->handlers.self, link->member);
}

void
ha_peer_greeted(HaPeers *peers, HaLinkData *link, size_t length)
{
	assert(link->state == HA_LINK_GREETING || link->state == HA_LINK_GREETED);
	if (link->outgoing)
		take_hello_reply(peers, link, length);
	else if (link->state == HA_LINK_GREETING)
		take_hello(peers, link, length);
	else
		take_ready(peers, link, length);
}

/* ---- Who is who ---- */

void
ha_peer_watch_duplicates(HaPeers *peers, const HaLinkData *link)
{
	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		const HaLinkData *other = peers->link[i];
		bool rival = other != link && !other->outgoing && !link->outgoing && other->state == HA_LINK_READY &&
			other->member == link->member && !ha_identity_equal(&other->session.other, &link->session.other);

		/* Each was heard after the other had come: neither is just the rest of an earlier run. */
		if (rival && other->heard_us > link->ready_us && link->heard_us > other->ready_us)
			ha_peer_say(peers, HA_TOPIC_DUPLICATE, HA_SEVERITY_CRITICAL,
						"two processes speak as member number %u at once, from %s (run %llu) and from %s "
						"(run %llu): one of them is a copy and must be removed",
						(unsigned) link->member, other->address, (unsigned long long) other->session.other.run,
						link->address, (unsigned long long) link->session.other.run);
	}
}
