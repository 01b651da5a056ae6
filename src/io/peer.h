/*
 * peer.h: all sockets of a member that lead to other members and to operators, behind one epoll descriptor.
 *
 * Every member listens, and keeps one connection open to each other member; it sends on its own connection, or, while
 * it has none, on one that the other opened to it. So a message gets through when a connection can be made in either
 * direction, and there is nothing to agree on.
 *
 * Promises. Never blocks, never resolves a name (R24), never allocates by what a peer says. What can't be sent now is
 * kept in a bounded queue; when it is full the oldest unsent frames go: messages of the core may be lost. Who has not
 * proved the key within HA_PEER_PROOF_US gets nothing but a close; so does whoever sends half a frame for longer, or
 * what is no frame. Each such close is one sentence for the log, escaped and rate-limited. Addresses are numeric.
 *
 * Errors: a listener that can't be had now is tried again every second (the network may come later, S41).
 * One thread; no function may be called from another than the one that serves. Handlers are called by ha_peers_serve(),
 * log by sending too. They may send and look, but not serve or close, and log may not send while a frame is being made.
 */
#ifndef HA_IO_PEER_H
#define HA_IO_PEER_H

#include "core/register.h"
#include "io/session.h"

#define HA_PEER_STRANGERS_MAX 32	/* connections that have not proved the key */
#define HA_PEER_OPERATORS_MAX 16
#define HA_PEER_PROOF_US (5 * 1000 * HA_US_PER_MS)

typedef struct HaPeers HaPeers;

/* One connection, for as long as it lives; never used again. 0 = none. */
typedef uint64_t HaLink;

typedef struct HaPeersHandlers
{
	void *self;

	/*
	 * A frame that is authentic and in sequence. from.id = 0: an operator. `body` is valid during the call. False: it
	 * made no sense, which is logged; the connection stays, for a newer release may say more than we know.
	 */
	bool (*frame) (void *self, HaLink link, const HaFrameHead *head, HaReader *body);

	/* A connection with this member is up, in either direction. */
	void (*up) (void *self, HaId id);

	/* One sentence, in printable ASCII, already rate-limited. */
	void (*log) (void *self, HaSeverity severity, const char *text);
} HaPeersHandlers;

typedef struct HaPeersOptions
{
	HaSelf self;
	char listen_host[HA_HOST_SIZE];	/* numeric; empty: no listener */
	uint16_t listen_port;		/* 0: any free one (tests) */
	uint32_t promise_ms;
	uint32_t beat_ms;
} HaPeersOptions;

/* NULL when there is no memory or no descriptor, or the address is not numeric; `error` says which. */
extern HaPeers *ha_peers_open(const HaPeersOptions *options, const HaPeersHandlers *handlers, char *error,
							  size_t error_size);

/* Closes everything; what is not sent is lost (see ha_peers_flush). */
extern void ha_peers_close(HaPeers *peers);

/* Connects to the members of the register, except this one, and to nobody else. Cheap when nothing changed. */
extern void ha_peers_set_members(HaPeers *peers, const HaRegister *reg);

extern void ha_peers_set_times(HaPeers *peers, uint32_t promise_ms, uint32_t beat_ms);

/* Readable when there is something to serve. */
extern int ha_peers_fd(const HaPeers *peers);

/* Does what is ready and what is due, without waiting. now_us: BOOTTIME. */
extern void ha_peers_serve(HaPeers *peers, HaUs now_us);

/* BOOTTIME at which ha_peers_serve() wants to be called even when nothing is readable. */
extern HaUs ha_peers_wake_us(const HaPeers *peers);

/*
 * Sends a frame to a member: begin, put the body into the writer that comes back, end. NULL when there is no
 * connection (nothing more to do then). The frame leaves at once as far as the socket takes it.
 */
extern HaWriter *ha_peers_begin(HaPeers *peers, HaId to, HaFrameType type);

/* The same, to answer on the connection on which something was asked. */
extern HaWriter *ha_peers_begin_link(HaPeers *peers, HaLink link, HaFrameType type);

/* True when the frame is under way or queued; false: it did not fit, or the connection is gone. */
extern bool ha_peers_end(HaPeers *peers);

/* Waits until everything queued has left, no longer than limit_us: for the last will, at the end of a run. */
extern void ha_peers_flush(HaPeers *peers, HaUs limit_us);

/* Members with a proven connection that this member opened; that they opened. */
extern HaSet ha_peers_reaches(const HaPeers *peers);
extern HaSet ha_peers_reached_by(const HaPeers *peers);

/* True when the other end of the connection is on this machine: both ends have the same address. */
extern bool ha_peers_is_local(const HaPeers *peers, HaLink link);

/* The port that is listened on, 0 = not yet. */
extern uint16_t ha_peers_port(const HaPeers *peers);

#endif
