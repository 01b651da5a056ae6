/*
 * link.h: one connection: its socket, its session, the bytes that wait on both sides. Only io/peer uses it.
 *
 * Until the other end is proven (or, for the side that connects, keyed) there is room for a HELLO and no more; then
 * the link grows to whole frames, once. Nothing here decides; every function says what happened.
 */
#ifndef HA_IO_LINK_H
#define HA_IO_LINK_H

#include "io/session.h"
#include "io/socket.h"

#define HA_LINK_QUEUE_BYTES (2 * HA_FRAME_MAX)

typedef enum HaLinkState
{
	HA_LINK_CONNECTING,			/* outgoing: TCP's handshake */
	HA_LINK_GREETING,			/* outgoing: HELLO sent; incoming: waits for HELLO */
	HA_LINK_GREETED,			/* incoming: HELLO_R sent, waits for READY */
	HA_LINK_READY,
	HA_LINK_DOOMED				/* to be closed and freed at the end of the turn */
} HaLinkState;

typedef struct HaLinkData
{
	uint64_t id;
	int fd;
	bool outgoing;
	HaLinkState state;
	HaId member;				/* 0 = an operator, or not known yet */
	HaSession session;
	char address[HA_SOCKET_TEXT_SIZE];
	HaUs opened_us;
	HaUs ready_us;				/* when it became READY */
	HaUs heard_us;				/* last authentic frame */
	HaUs half_us;				/* since when half a frame lies in `in`, 0 = none */
	bool watches_write;			/* epoll is asked for EPOLLOUT */

	/* Received and not yet consumed. */
	uint8_t *in;				/* `small`, or of HA_FRAME_MAX bytes */
	size_t in_size;
	size_t in_used;
	uint8_t small[HA_FRAME_HELLO_MAX];

	/* Whole frames that wait to be sent, the first of them perhaps begun. */
	uint8_t *queue;				/* of HA_LINK_QUEUE_BYTES, NULL before the link has grown */
	size_t queue_from;			/* first byte not sent */
	size_t queue_begun;			/* end of the frame that queue_from lies in, or queue_from */
	size_t queue_used;
} HaLinkData;

typedef enum HaLinkResult
{
	HA_LINK_OK,
	HA_LINK_CLOSED,				/* by the other end */
	HA_LINK_BROKEN				/* errno */
} HaLinkResult;

/* Takes the socket over. NULL when there is no memory: the socket is closed then. */
extern HaLinkData *ha_link_new(uint64_t id, int fd, bool outgoing, HaUs now_us);
extern void ha_link_free(HaLinkData *link);

/* Gives it buffers for whole frames; false when there is no memory. */
extern bool ha_link_grow(HaLinkData *link);

/* Reads what is there, once. */
extern HaLinkResult ha_link_receive(HaLinkData *link);

/* The first whole frame that was received: HA_FRAME_OK with *length = 0 when there is none yet. */
extern HaFrameError ha_link_frame(const HaLinkData *link, size_t *length);

/* Removes it from the buffer. */
extern void ha_link_consume(HaLinkData *link, size_t length);

/* Sends a frame of the handshake: all at once, or the link is broken. */
extern HaLinkResult ha_link_send_small(HaLinkData *link, const uint8_t *bytes, size_t length);

/*
 * Sends a frame or queues it. When the queue is full the frames in it that are not begun are dropped for it, and
 * *dropped says how many.
 */
extern HaLinkResult ha_link_send(HaLinkData *link, const uint8_t *bytes, size_t length, uint32_t *dropped);

/* Sends of the queue what the socket takes. */
extern HaLinkResult ha_link_flush(HaLinkData *link);

static inline bool
ha_link_has_queued(const HaLinkData *link)
{
	return link->queue_from < link->queue_used;
}

#endif
