/*
 * link.c: see link.h.
 */
#include "io/link.h"

#include <errno.h>
#include <stdlib.h>

HaLinkData *
ha_link_new(uint64_t id, int fd, bool outgoing, HaUs now_us)
{
	HaLinkData *link = calloc(1, sizeof(*link));

	if (link == NULL)
	{
		ha_socket_close(fd);
		return NULL;
	}
	link->id = id;
	link->fd = fd;
	link->outgoing = outgoing;
	link->state = outgoing ? HA_LINK_CONNECTING : HA_LINK_GREETING;
	link->opened_us = now_us;
	link->in = link->small;
	link->in_size = sizeof(link->small);
	return link;
}

void
ha_link_free(HaLinkData *link)
{
	ha_socket_close(link->fd);
	ha_session_end(&link->session);
	if (link->in != link->small)
		free(link->in);
	free(link->queue);
	free(link);
}

bool
ha_link_grow(HaLinkData *link)
{
	assert(link->in == link->small && link->queue == NULL);
	link->queue = malloc(HA_LINK_QUEUE_BYTES);
	if (link->queue == NULL)
		return false;
	link->in = malloc(HA_FRAME_MAX);
	if (link->in == NULL)
	{
		link->in = link->small;
		return false;
	}
	memcpy(link->in, link->small, link->in_used);
	link->in_size = HA_FRAME_MAX;
	return true;
}

/* ---- Receiving ---- */

HaLinkResult
ha_link_receive(HaLinkData *link)
{
	ssize_t got;

	assert(link->in_used < link->in_size);
	got = recv(link->fd, link->in + link->in_used, link->in_size - link->in_used, MSG_DONTWAIT);
	if (got == 0)
		return HA_LINK_CLOSED;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? HA_LINK_OK : HA_LINK_BROKEN;
	link->in_used += (size_t) got;
	return HA_LINK_OK;
}

HaFrameError
ha_link_frame(const HaLinkData *link, size_t *length)
{
	HaFrameError error = ha_frame_length(link->in, link->in_used, link->in_size, length);

	if (error == HA_FRAME_OK && *length > link->in_used)
		*length = 0;
	return error;
}

void
ha_link_consume(HaLinkData *link, size_t length)
{
	assert(length <= link->in_used);
	link->in_used -= length;
	memmove(link->in, link->in + length, link->in_used);
}

/* ---- Sending ---- */

/* How many bytes the socket took; -1 with errno when it is broken. */
static ssize_t
push(const HaLinkData *link, const uint8_t *bytes, size_t length)
{
	ssize_t sent = send(link->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return sent;
}

HaLinkResult
ha_link_send_small(HaLinkData *link, const uint8_t *bytes, size_t length)
{
	ssize_t sent = push(link, bytes, length);

	if (sent >= 0 && (size_t) sent < length)
	{
		errno = ENOBUFS;
		return HA_LINK_BROKEN;
	}
	return sent < 0 ? HA_LINK_BROKEN : HA_LINK_OK;
}

/* The whole length of the frame that begins at this offset of the queue. */
static size_t
frame_at(const HaLinkData *link, size_t offset)
{
	HaReader reader = ha_reader(link->queue + offset, link->queue_used - offset);
	size_t length = (size_t) ha_get_u32(&reader) + HA_FRAME_LENGTH_BYTES;

	assert(!reader.bad && length <= link->queue_used - offset);
	return length;
}

/* Moves what waits to the front. */
static void
compact(HaLinkData *link)
{
	size_t from = link->queue_from;

	memmove(link->queue, link->queue + from, link->queue_used - from);
	link->queue_used -= from;
	link->queue_begun -= from;
	link->queue_from = 0;
}

/* Drops the frames that are not begun; returns how many. */
static uint32_t
drop_waiting(HaLinkData *link)
{
	uint32_t count = 0;

	for (size_t offset = link->queue_begun; offset < link->queue_used; offset += frame_at(link, offset))
		count++;
	link->queue_used = link->queue_begun;
	return count;
}

HaLinkResult
ha_link_send(HaLinkData *link, const uint8_t *bytes, size_t length, uint32_t *dropped)
{
	size_t sent = 0;

	assert(link->queue != NULL && length <= HA_FRAME_MAX);
	*dropped = 0;
	if (!ha_link_has_queued(link))
	{
		ssize_t pushed = push(link, bytes, length);

		if (pushed < 0)
			return HA_LINK_BROKEN;
		if ((size_t) pushed == length)
			return HA_LINK_OK;
		sent = (size_t) pushed;
		link->queue_from = link->queue_begun = link->queue_used = 0;
	}
	if (length > HA_LINK_QUEUE_BYTES - link->queue_used)
		compact(link);
	if (length > HA_LINK_QUEUE_BYTES - link->queue_used)
		*dropped = drop_waiting(link);
	assert(length <= HA_LINK_QUEUE_BYTES - link->queue_used);
	memcpy(link->queue + link->queue_used, bytes, length);
	if (sent > 0)
	{
		link->queue_from = link->queue_used + sent;
		link->queue_begun = link->queue_used + length;
	}
	link->queue_used += length;
	return HA_LINK_OK;
}

HaLinkResult
ha_link_flush(HaLinkData *link)
{
	ssize_t sent;

	if (!ha_link_has_queued(link))
		return HA_LINK_OK;
	sent = push(link, link->queue + link->queue_from, link->queue_used - link->queue_from);
	if (sent < 0)
		return HA_LINK_BROKEN;
	link->queue_from += (size_t) sent;
	while (link->queue_begun < link->queue_from)
		link->queue_begun += frame_at(link, link->queue_begun);
	return HA_LINK_OK;
}
