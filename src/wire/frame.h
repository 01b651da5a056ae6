/*
 * frame.h: what travels between members, and between the program and a member: frames.
 *
 * A frame is, little-endian and without gaps:
 *
 *	length u32			of all that follows
 *	magic u32, protocol version u16, type u16
 *	cluster 16, system identifier u64
 *	from: id u32, incarnation 16, run u64
 *	to: id u32
 *	session u64, sequence number u64
 *	body				its layout is the type's
 *	MAC 32				HMAC-SHA-256 over everything before it, the length included
 *
 * This file only lays out; keys, MACs and the order of a handshake are io/session's. All that is decoded has been
 * checked for bounds and ranges, and holds no pointer into the buffer. One value has one encoding.
 *
 * The handshake's frames (HELLO, HELLO_R) keep this layout in every version of the protocol, so that two versions
 * that have nothing else in common can say so (S58).
 */
#ifndef HA_WIRE_FRAME_H
#define HA_WIRE_FRAME_H

#include "core/node.h"
#include "wire/codec.h"

#define HA_FRAME_MAGIC UINT32_C(0x46414850) /* "PHAF" */
#define HA_FRAME_MAX 65536		/* bytes of a whole frame, with the length and the MAC */
#define HA_FRAME_HELLO_MAX 256	/* no HELLO and no HELLO_R is longer: all that an unknown peer may send */
#define HA_FRAME_LENGTH_BYTES 4
#define HA_FRAME_HEAD_BYTES (4 + 4 + 2 + 2 + 16 + 8 + (4 + 16 + 8) + 4 + 8 + 8)
#define HA_FRAME_MAC_BYTES 32
#define HA_FRAME_NONCE_BYTES 32

/* Versions of the protocol that this code speaks. The handshake itself is always HA_FRAME_VERSION_HELLO. */
#define HA_FRAME_VERSION_HELLO 0
#define HA_FRAME_VERSION_MIN 1
#define HA_FRAME_VERSION_MAX 1

/* Who may send it: i = the side that connected, a = the side that accepted, m = members only, o = the operator too. */
typedef enum HaFrameType
{
	HA_FRAME_HELLO = 1,			/* i o: versions, nonce */
	HA_FRAME_HELLO_R,			/* a: refusal or version, session, both nonces */
	HA_FRAME_READY,				/* i o: nothing; the first frame under the session's key, which proves it */
	HA_FRAME_MESSAGE,			/* m: a message of the core */
	HA_FRAME_STATUS,			/* i o: nothing; asks for STATUS_R */
	HA_FRAME_STATUS_R,			/* a: HaStatus (wire/status.h) */
	HA_FRAME_EVENTS_ASK,		/* i o: the keys of the events held (wire/event.h) */
	HA_FRAME_EVENTS,			/* m a: events, and whether more follow */
	HA_FRAME_REQUEST,			/* i o: HaRequest */
	HA_FRAME_REQUEST_R			/* a: HaReply */
} HaFrameType;

#define HA_FRAME_TYPE_MAX HA_FRAME_REQUEST_R

/* Why a frame or a peer is turned away. The values of the refusals travel in HELLO_R: never renumber. */
typedef enum HaFrameError
{
	HA_FRAME_OK = 0,
	HA_FRAME_REFUSED_VERSION = 1,	/* no version of the protocol in common */
	HA_FRAME_REFUSED_CLUSTER = 2,	/* of another cluster */
	HA_FRAME_REFUSED_SYSTEM = 3,	/* another PostgreSQL system identifier */
	HA_FRAME_REFUSED_MEMBER = 4,	/* meant for another member, or from one with the receiver's own number */
	HA_FRAME_REFUSED_FULL = 5,		/* too many operators at once */
	HA_FRAME_REFUSED_MAX = 15,		/* what a newer version may say */
	HA_FRAME_TOO_LONG,
	HA_FRAME_TOO_SHORT,
	HA_FRAME_BAD_MAGIC,
	HA_FRAME_BAD_HEAD,				/* a field of the head is out of its range, or not what the session agreed on */
	HA_FRAME_BAD_TYPE,
	HA_FRAME_BAD_MAC,				/* another key, or changed on the way */
	HA_FRAME_BAD_SESSION,			/* of another connection */
	HA_FRAME_REPLAYED,				/* sequence number not above the last */
	HA_FRAME_BAD_BODY,
	HA_FRAME_BAD_ORDER,				/* a frame that is not due now */
	HA_FRAME_ERROR_COUNT
} HaFrameError;

/* One sentence without a full stop, to be put after "peer ...: "; never NULL. */
extern const char *ha_frame_error_text(HaFrameError error);

/* Who speaks: a member in one of its runs. id 0 is the operator: the pg_haops program, which holds the key. */
typedef struct HaIdentity
{
	HaId id;
	HaUuid incarnation;
	uint64_t run;
} HaIdentity;

static inline bool
ha_identity_equal(const HaIdentity *a, const HaIdentity *b)
{
	return a->id == b->id && a->run == b->run && ha_uuid_equal(&a->incarnation, &b->incarnation);
}

typedef struct HaFrameHead
{
	uint16_t version;
	uint16_t type;				/* HaFrameType */
	HaUuid cluster;				/* all zero only from an operator that does not know it yet */
	uint64_t system_id;			/* 0 = the sender does not know it yet (a witness, an operator) */
	HaIdentity from;
	HaId to;					/* 0 = the operator; in an operator's HELLO: whoever listens */
	uint64_t session;			/* 0 in HELLO */
	uint64_t sequence;			/* 0 in HELLO and HELLO_R; from 1 on and growing in each direction */
} HaFrameHead;

/* ---- Envelope ---- */

/*
 * How long the frame is of which the first `have` bytes are there: *length = 0 when that can't be said yet.
 * HA_FRAME_TOO_LONG above `limit`, HA_FRAME_TOO_SHORT below what any frame has: close the connection then.
 */
extern HaFrameError ha_frame_length(const uint8_t *bytes, size_t have, size_t limit, size_t *length);

/*
 * Writes the head; the body is put after it with the functions below, and ha_frame_end() closes the frame: it sets the
 * length and leaves room for the MAC at the end. Returns the frame's length, 0 when anything did not fit.
 */
extern void ha_frame_begin(HaWriter *writer, const HaFrameHead *head);
extern size_t ha_frame_end(HaWriter *writer);

/* Reads the head of a whole frame of `length` bytes and leaves `body` at its body. The MAC is not looked at. */
extern HaFrameError ha_frame_open(const uint8_t *bytes, size_t length, HaFrameHead *head, HaReader *body);

/* ---- Bodies ---- */

typedef struct HaHello
{
	uint16_t version_min;
	uint16_t version_max;
	uint8_t nonce[HA_FRAME_NONCE_BYTES];
} HaHello;

extern void ha_put_hello(HaWriter *writer, const HaHello *hello);
extern void ha_get_hello(HaReader *reader, HaHello *hello);

typedef struct HaHelloReply
{
	HaFrameError refusal;		/* HA_FRAME_OK or a REFUSED_... */
	uint16_t version;			/* that the session will speak; when refused for it: the highest that is spoken */
	uint8_t nonce_asked[HA_FRAME_NONCE_BYTES];	/* the HELLO's */
	uint8_t nonce[HA_FRAME_NONCE_BYTES];
} HaHelloReply;

extern void ha_put_hello_reply(HaWriter *writer, const HaHelloReply *reply);
extern void ha_get_hello_reply(HaReader *reader, HaHelloReply *reply);

/* A message and what it points to. from, to, incarnation and run are those of the frame's head. */
typedef struct HaMessageBox
{
	HaMessage message;			/* its reg and summary point into this box: do not copy the box by assignment */
	HaRegister reg;
	HaSummary summary[HA_MEMBERS_MAX];
} HaMessageBox;

extern void ha_put_message(HaWriter *writer, const HaMessage *message);
extern void ha_get_message(HaReader *reader, const HaFrameHead *head, HaMessageBox *box);

extern void ha_put_summary(HaWriter *writer, const HaSummary *summary);
extern void ha_get_summary(HaReader *reader, HaSummary *summary);

extern void ha_put_request(HaWriter *writer, const HaRequest *request);
extern void ha_get_request(HaReader *reader, HaRequest *request);

/* The answer to a request, with where to ask instead. */
typedef struct HaReply
{
	uint64_t number;			/* the request's */
	HaAnswer answer;
	HaId id;					/* ADD_MEMBER: the new member's */
	HaId leader;				/* as the answering member knows, 0 = unknown */
	char leader_host[HA_HOST_SIZE];	/* its peer address, empty when unknown */
	uint16_t leader_port;
} HaReply;

extern void ha_put_reply(HaWriter *writer, const HaReply *reply);
extern void ha_get_reply(HaReader *reader, HaReply *reply);

/* One word or a short sentence for people; never NULL. */
extern const char *ha_answer_text(HaAnswer answer);

#endif
