/*
 * peer_link.c: see peer_parts.h. The life of a connection once its socket is there; what is said about it.
 */
#include "io/peer_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>

#define TEXT_SIZE 256
#define BACK_OFF_FIRST_US (20 * HA_US_PER_MS)
#define SAY_AGAIN_US (10 * 1000 * HA_US_PER_MS)
#define SAY_DUPLICATE_AGAIN_US (600 * 1000 * HA_US_PER_MS)

/* ---- Saying ---- */

void
ha_peer_say(HaPeers *peers, uint32_t topic, HaSeverity severity, const char *format, ...)
{
	HaPeerLimit *limit = &peers->limit[topic];
	HaUs again_us = topic == HA_TOPIC_DUPLICATE ? SAY_DUPLICATE_AGAIN_US : SAY_AGAIN_US;
	char text[TEXT_SIZE];
	size_t used;
	va_list args;

	assert(topic < HA_TOPIC_COUNT);
	if (peers->handlers.log == NULL)
		return;
	if (limit->last_us != 0 && peers->now_us - limit->last_us < again_us)
	{
		limit->left_out++;
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	used = strlen(text);
	if (limit->left_out > 0)
		snprintf(text + used, sizeof(text) - used, " (and %u times more since the last such line)",
				 limit->left_out);
	for (char *c = text; *c != '\0'; c++)
	{
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	limit->last_us = peers->now_us;
	limit->left_out = 0;
	peers->handlers.log(peers->handlers.self, severity, text);
}

/* ---- Links ---- */

HaLinkData *
ha_peer_find(const HaPeers *peers, HaLink id)
{
	for (uint32_t i = 0; i < peers->link_count; i++)
	{
		if (peers->link[i]->id == id)
			return peers->link[i]->state == HA_LINK_DOOMED ? NULL : peers->link[i];
	}
	return NULL;
}

void
ha_peer_watch(HaPeers *peers, HaLinkData *link)
{
	bool write = link->state == HA_LINK_CONNECTING || ha_link_has_queued(link);
	struct epoll_event event = {EPOLLIN | (write ? EPOLLOUT : 0), {.u64 = link->id}};

	if (write == link->watches_write || link->state == HA_LINK_DOOMED)
		return;
	link->watches_write = write;
	(void) epoll_ctl(peers->epoll, EPOLL_CTL_MOD, link->fd, &event);
}

/* Takes a new socket into the table and into epoll; NULL when that failed (it is closed then). */
HaLinkData *
ha_peer_add(HaPeers *peers, int fd, bool outgoing)
{
	HaLinkData *link;
	struct epoll_event event = {outgoing ? EPOLLIN | EPOLLOUT : EPOLLIN, {.u64 = peers->link_last + 1}};

	if (peers->link_count == LINKS_MAX)
	{
		ha_socket_close(fd);
		return NULL;
	}
	link = ha_link_new(peers->link_last + 1, fd, outgoing, peers->now_us);
	if (link == NULL)
		return NULL;
	if (epoll_ctl(peers->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
	{
		ha_link_free(link);
		return NULL;
	}
	link->watches_write = outgoing;
	peers->link_last++;
	peers->link[peers->link_count++] = link;
	return link;
}

void
ha_peer_doom(HaPeers *peers, HaLinkData *link)
{
	HaPeerTarget *target = &peers->target[link->member];

	if (link->state == HA_LINK_DOOMED)
		return;
	if (link->outgoing && target->link == link->id)
	{
		bool lasted = link->state == HA_LINK_READY &&
			peers->now_us - link->ready_us > (HaUs) peers->beat_ms * HA_US_PER_MS;

		target->link = 0;
		if (lasted)
			target->back_off_us = BACK_OFF_FIRST_US;
		target->retry_us = peers->now_us + target->back_off_us;
		target->back_off_us *= 2;
		if (target->back_off_us > (HaUs) peers->beat_ms * HA_US_PER_MS)
			target->back_off_us = (HaUs) peers->beat_ms * HA_US_PER_MS;
	}
	link->state = HA_LINK_DOOMED;
	if (peers->writing == link)
		peers->writing = NULL;
}

/* Why an outgoing connection ended or was not made: once, until it is there again. */
void
ha_peer_say_target(HaPeers *peers, const HaLinkData *link, const char *why)
{
	HaPeerTarget *target = &peers->target[link->member];

	if (link->state == HA_LINK_READY)
		ha_peer_say(peers, HA_TOPIC_LOST + link->member, HA_SEVERITY_INFO,
					"the connection to member %s at %s ended: %s", target->name, link->address, why);
	else if (!target->complained)
	{
		ha_peer_say(peers, HA_TOPIC_DOWN + link->member, HA_SEVERITY_WARNING,
					"member %s can not be reached at %s: %s; trying again", target->name, link->address, why);
		target->complained = true;
	}
}

/* That it answers now and is refused, or refuses, is news even after "connection refused" (S58). */
static void
say_refusal(HaPeers *peers, const HaLinkData *link, HaFrameError error)
{
	HaPeerTarget *target = &peers->target[link->member];

	if (link->state == HA_LINK_READY)
		ha_peer_say_target(peers, link, ha_frame_error_text(error));
	else if (target->refused != error)
	{
		ha_peer_say(peers, HA_TOPIC_REFUSED + link->member, HA_SEVERITY_WARNING,
					"member %s can not be reached at %s: %s; trying again", target->name, link->address,
					ha_frame_error_text(error));
		target->refused = error;
		target->complained = true;
	}
}

void
ha_peer_cut(HaPeers *peers, HaLinkData *link, HaFrameError error)
{
	if (link->outgoing)
		say_refusal(peers, link, error);
	else
		ha_peer_say(peers, HA_TOPIC_CUT + (uint32_t) error, HA_SEVERITY_WARNING,
					"the connection from %s was cut: %s", link->address, ha_frame_error_text(error));
	ha_peer_doom(peers, link);
}

void
ha_peer_lost(HaPeers *peers, HaLinkData *link, int error)
{
	const char *why = error == 0 ? "the other end closed it" : strerror(error);

	if (link->outgoing)
		ha_peer_say_target(peers, link, why);
	else if (link->state != HA_LINK_READY && (link->in_used > 0 || error != 0))
		ha_peer_say(peers, HA_TOPIC_BROKEN, HA_SEVERITY_WARNING, "the connection from %s ended unproven: %s",
					link->address, why);
	ha_peer_doom(peers, link);
}

/* Frees what was doomed. */
void
ha_peer_sweep(HaPeers *peers)
{
	for (uint32_t i = peers->link_count; i-- > 0;)
	{
		if (peers->link[i]->state != HA_LINK_DOOMED)
			continue;
		ha_link_free(peers->link[i]);
		peers->link[i] = peers->link[--peers->link_count];
	}
}

/* ---- What arrives ---- */

/* One whole frame on a READY connection. */
static void
take_frame(HaPeers *peers, HaLinkData *link, size_t length)
{
	HaFrameHead head;
	HaReader body;
	HaFrameError error = ha_session_open(&link->session, link->in, length, &head, &body);

	if (error != HA_FRAME_OK)
	{
		ha_peer_cut(peers, link, error);
		return;
	}
	link->heard_us = peers->now_us;
	if (link->member != 0)
		ha_peer_watch_duplicates(peers, link);
	if (head.type != HA_FRAME_READY && !peers->handlers.frame(peers->handlers.self, link->id, &head, &body))
		ha_peer_say(peers, HA_TOPIC_SENSELESS, HA_SEVERITY_WARNING,
					"a frame of type %u from %s was not understood: do the versions of pg_haops differ?",
					(unsigned) head.type, link->address);
}

/* All whole frames that the connection holds. */
static void
take_frames(HaPeers *peers, HaLinkData *link)
{
	while (link->state != HA_LINK_DOOMED)
	{
		size_t length;
		HaFrameError error = ha_link_frame(link, &length);

		if (error != HA_FRAME_OK)
		{
			ha_peer_cut(peers, link, error);
			return;
		}
		if (length == 0)
			break;
		link->half_us = 0;
		if (link->state == HA_LINK_READY)
			take_frame(peers, link, length);
		else
			ha_peer_greeted(peers, link, length);
		ha_link_consume(link, length);
	}
	if (link->in_used == 0)
		link->half_us = 0;
	else if (link->half_us == 0)
		link->half_us = peers->now_us;
}

void
ha_peer_serve(HaPeers *peers, HaLinkData *link, uint32_t events)
{
	HaLinkResult result = HA_LINK_OK;

	if (link->state == HA_LINK_CONNECTING)
	{
		int error = ha_socket_error(link->fd);

		if (error != 0)
			ha_peer_lost(peers, link, error);
		else
			ha_peer_greet(peers, link);
		return;
	}
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
	{
		result = ha_link_receive(link);
		if (result == HA_LINK_OK)
			take_frames(peers, link);
		else
			ha_peer_lost(peers, link, result == HA_LINK_BROKEN ? errno : 0);
	}
	if ((events & EPOLLOUT) && link->state != HA_LINK_DOOMED)
	{
		if (ha_link_flush(link) != HA_LINK_OK)
			ha_peer_lost(peers, link, errno);
		ha_peer_watch(peers, link);
	}
}
