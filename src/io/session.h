/*
 * session.h: how two ends of a connection come to trust each other, and how each frame is then sealed and checked.
 *
 * No socket here: bytes in, bytes out; io/peer (non-blocking) and io/operator (blocking) carry them.
 *
 *	i -> a	HELLO	 versions, nonce of i				MAC by the cluster's key
 *	a -> i	HELLO_R	 version, session, both nonces		MAC by the cluster's key
 *	i -> a	READY										MAC by the session's key, sequence number 1
 *
 * and then whatever they have to say. *
 * The session's two keys (one a direction) are derived from the cluster's key, both nonces, both identities, the
 * session and the version. So a frame of another connection, or of the other direction, fails its MAC, and one of the
 * same connection its sequence number: nothing can be replayed. i knows a by HELLO_R, which holds i's fresh nonce;
 * a knows i by READY, which must come first. What fails closes the connection; a HELLO that the cluster's
 * key did not sign is not answered.
 */
#ifndef HA_IO_SESSION_H
#define HA_IO_SESSION_H

#include "io/key.h"
#include "io/mac.h"
#include "wire/frame.h"

/* This end. The key is the cluster's. */
typedef struct HaSelf
{
	HaUuid cluster;				/* all zero: an operator that does not know it */
	uint64_t system_id;			/* 0 = not known */
	HaIdentity identity;		/* id 0: the operator */
	HaKey key;
} HaSelf;

typedef struct HaSession
{
	bool keyed;					/* the handshake's frames are done: seal and open work */
	bool proven;				/* the other end has shown that it holds the key, freshly */
	uint16_t version;
	uint64_t id;
	HaUuid cluster;				/* that both agreed on; an operator learns it here */
	uint64_t system_id;			/* the other end's */
	HaIdentity self;
	HaIdentity other;
	uint64_t self_system_id;
	uint8_t nonce[HA_FRAME_NONCE_BYTES];	/* initiator: of the HELLO */
	HaId called;				/* initiator: whom the HELLO was for, 0 = whoever listens */
	uint8_t send_key[HA_MAC_KEY_BYTES];
	uint8_t receive_key[HA_MAC_KEY_BYTES];
	uint64_t sent;				/* sequence numbers, 0 = none yet */
	uint64_t received;
} HaSession;

/*
 * Initiator, first: begins the session and writes a HELLO for member `to` (0, for an operator only: whoever listens).
 * Returns its length, 0 on failure.
 */
extern size_t ha_session_hello(HaSession *session, const HaSelf *self, HaId to, uint8_t *bytes, size_t size);

/*
 * Acceptor: takes a whole HELLO, begins the session. *reply_length > 0: a HELLO_R is in `reply` to be sent, also when
 * it is a refusal (then close after sending); 0: just close. `refusal` lets the caller refuse a good one (FULL).
 */
extern HaFrameError ha_session_accept(HaSession *session, const HaSelf *self, const uint8_t *bytes, size_t length,
									  HaFrameError refusal, uint8_t *reply, size_t size, size_t *reply_length);

/* Initiator, second: takes a whole HELLO_R. A refusal that the other end signed is returned as the error. */
extern HaFrameError ha_session_confirm(HaSession *session, const HaSelf *self, const uint8_t *bytes, size_t length);

/* Begins a frame of this type in `writer`; put the body, then seal it: sequence number, length, MAC. */
extern void ha_session_begin(const HaSession *session, HaFrameType type, HaWriter *writer);

/* Returns the frame's length, 0 when it did not fit; the sequence number is used up only on success. */
extern size_t ha_session_seal(HaSession *session, HaWriter *writer);

/* Checks a whole frame under the session's key, then opens it. On any error nothing of it may be used. */
extern HaFrameError ha_session_open(HaSession *session, const uint8_t *bytes, size_t length, HaFrameHead *head,
									HaReader *body);

/* Wipes the keys. */
extern void ha_session_end(HaSession *session);

#endif
