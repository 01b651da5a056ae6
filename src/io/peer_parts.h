/*
 * peer_parts.h: what the files behind peer.h ask of each other. Only they include it:
 *
 *	peer.c			 opening, settings, timers and reconnecting, the turn
 *	peer_listen.c	 the listener, and room for strangers
 *	peer_link.c		 the life of a connection, and what is said about it
 *	peer_greet.c	 the handshake, and who is who behind the connections
 *	peer_send.c		 which connection a frame takes; flushing; looking
 */
#ifndef HA_IO_PEER_PARTS_H
#define HA_IO_PEER_PARTS_H

#include "io/link.h"
#include "io/peer.h"

/* Strangers, operators, one to each member, two from each (a restarted member may be seen twice for a moment). */
#define LINKS_MAX (HA_PEER_STRANGERS_MAX + 1 + HA_PEER_OPERATORS_MAX + 3 * (HA_ID_MAX + 1))
#define INCOMING_MAX 2
#define HA_PEER_PATIENCE_MIN_MS 300

/* What is logged is limited by topic: one sentence in a while, with the number of those that were left out. */
typedef enum HaPeerTopic
{
	HA_TOPIC_CUT,				/* + HaFrameError: an incoming connection was cut for it */
	HA_TOPIC_SLOW = HA_TOPIC_CUT + HA_FRAME_ERROR_COUNT,
	HA_TOPIC_BROKEN,
	HA_TOPIC_SENSELESS,
	HA_TOPIC_CROWD,
	HA_TOPIC_DROPPED,
	HA_TOPIC_LISTEN,
	HA_TOPIC_DUPLICATE,
	HA_TOPIC_LOST,				/* + member: the connection to it ended */
	HA_TOPIC_DOWN = HA_TOPIC_LOST + HA_ID_MAX + 1,	/* + member: it can't be reached */
	HA_TOPIC_UP = HA_TOPIC_DOWN + HA_ID_MAX + 1,	/* + member: it can be reached again */
	HA_TOPIC_REFUSED = HA_TOPIC_UP + HA_ID_MAX + 1,	/* + member: it answers, and one of the two refuses the other */
	HA_TOPIC_COUNT = HA_TOPIC_REFUSED + HA_ID_MAX + 1
} HaPeerTopic;

typedef struct HaPeerLimit
{
	HaUs last_us;				/* of the last sentence, 0 = none yet */
	uint32_t left_out;
} HaPeerLimit;

/* A member that we connect to. */
typedef struct HaPeerTarget
{
	bool wanted;
	char name[HA_NAME_SIZE];
	char host[HA_HOST_SIZE];
	uint16_t port;
	HaLink link;				/* 0 = none */
	HaUs retry_us;				/* when to try (again) */
	HaUs back_off_us;
	bool complained;			/* that it can't be reached */
	HaFrameError refused;		/* the refusal that was complained of, since it could be reached last */
} HaPeerTarget;

struct HaPeers
{
	HaSelf self;
	HaPeersHandlers handlers;
	uint32_t promise_ms;
	uint32_t beat_ms;
	int epoll;
	HaUs now_us;

	int listener;				/* -1 = not yet */
	bool listens;				/* wanted */
	bool listener_paused;		/* no descriptors left */
	HaSocketAddress listen_address;
	HaUs listen_retry_us;

	HaLinkData *link[LINKS_MAX];
	uint32_t link_count;
	HaLink link_last;			/* number of the newest */
	HaPeerTarget target[HA_ID_MAX + 1];
	HaVersion members_version;
	HaPeerLimit limit[HA_TOPIC_COUNT];

	HaLinkData *writing;		/* of the frame that is being made, NULL = none */
	HaWriter writer;
	uint8_t scratch[HA_FRAME_MAX];
};

/* ---- peer_listen.c ---- */

/* Takes connections that wait. */
extern void ha_peer_accept(HaPeers *peers);

/* Opens the listener, or wakes it up, when that is due. */
extern void ha_peer_serve_listener(HaPeers *peers);

/* ---- peer_link.c ---- */

/* Takes a new socket into the table and into epoll; NULL when that failed (it is closed then). */
extern HaLinkData *ha_peer_add(HaPeers *peers, int fd, bool outgoing);

/* What epoll says of a connection. */
extern void ha_peer_serve(HaPeers *peers, HaLinkData *link, uint32_t events);

/* Frees what was doomed. */
extern void ha_peer_sweep(HaPeers *peers);

/* Why an outgoing connection ended or was not made: once, until it is there again. */
extern void ha_peer_say_target(HaPeers *peers, const HaLinkData *link, const char *why);

/* The connection, NULL when it is gone or doomed. */
extern HaLinkData *ha_peer_find(const HaPeers *peers, HaLink id);

/* Closes the connection at the end of the turn; plans the next attempt when it was ours. */
extern void ha_peer_doom(HaPeers *peers, HaLinkData *link);

/* The same for what the other end did wrong, with a sentence. */
extern void ha_peer_cut(HaPeers *peers, HaLinkData *link, HaFrameError error);

/* The same for a connection that ended: errno, 0 = the other end closed it. */
extern void ha_peer_lost(HaPeers *peers, HaLinkData *link, int error);

/* Logs a sentence unless one on this topic was logged shortly before. */
extern void ha_peer_say(HaPeers *peers, uint32_t topic, HaSeverity severity, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Asks epoll for what the connection now waits for. */
extern void ha_peer_watch(HaPeers *peers, HaLinkData *link);

/* ---- peer_greet.c ---- */

/* The socket of an outgoing connection is connected: says HELLO. */
extern void ha_peer_greet(HaPeers *peers, HaLinkData *link);

/* A whole frame has come on a connection that is not READY. */
extern void ha_peer_greeted(HaPeers *peers, HaLinkData *link, size_t length);

/* Two that speak as one member at the same time are reported (S51). Asked for each frame from a member. */
extern void ha_peer_watch_duplicates(HaPeers *peers, const HaLinkData *link);

#endif
