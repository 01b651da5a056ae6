/*
 * session.c: see session.h.
 */
#include "io/session.h"

static bool
uuid_zero(const HaUuid *uuid)
{
	static const HaUuid zero;

	return ha_uuid_equal(uuid, &zero);
}

/* Writes the MAC over all of a closed frame but its last bytes into these. */
static bool
sign(const uint8_t *key, uint8_t *bytes, size_t length)
{
	uint8_t mac[HA_MAC_BYTES];

	if (!ha_mac(key, bytes, length - HA_MAC_BYTES, mac))
		return false;
	memcpy(bytes + length - HA_MAC_BYTES, mac, HA_MAC_BYTES);
	return true;
}

static bool
signature_holds(const uint8_t *key, const uint8_t *bytes, size_t length)
{
	uint8_t mac[HA_MAC_BYTES];

	return ha_mac(key, bytes, length - HA_MAC_BYTES, mac) && ha_mac_equal(mac, bytes + length - HA_MAC_BYTES);
}

/* Closes and signs a frame of the handshake; 0 when it failed. */
static size_t
finish_handshake(const HaSelf *self, HaWriter *writer)
{
	size_t length = ha_frame_end(writer);

	return length > 0 && sign(self->key.byte, writer->data, length) ? length : 0;
}

static void
put_identity(HaWriter *writer, const HaIdentity *identity, uint64_t system_id)
{
	ha_put_id(writer, identity->id);
	ha_put_uuid(writer, &identity->incarnation);
	ha_put_u64(writer, identity->run);
	ha_put_u64(writer, system_id);
}

/*
 * One key for each direction, from all that both ends have said. `initiator_system` and `acceptor_system` are as they
 * stood in HELLO and HELLO_R.
 */
static bool
derive_keys(HaSession *session, const HaSelf *self, bool initiator, const uint8_t *nonce_i, const uint8_t *nonce_a)
{
	static const char label[] = "pg_haops session key";
	const HaIdentity *i = initiator ? &session->self : &session->other;
	const HaIdentity *a = initiator ? &session->other : &session->self;
	uint64_t system_i = initiator ? session->self_system_id : session->system_id;
	uint64_t system_a = initiator ? session->system_id : session->self_system_id;
	uint8_t *key_i = initiator ? session->send_key : session->receive_key;
	uint8_t *key_a = initiator ? session->receive_key : session->send_key;
	uint8_t bytes[256];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	bool ok;

	ha_put_bytes(&writer, label, sizeof(label));
	ha_put_u16(&writer, session->version);
	ha_put_u64(&writer, session->id);
	ha_put_uuid(&writer, &session->cluster);
	put_identity(&writer, i, system_i);
	put_identity(&writer, a, system_a);
	ha_put_bytes(&writer, nonce_i, HA_FRAME_NONCE_BYTES);
	ha_put_bytes(&writer, nonce_a, HA_FRAME_NONCE_BYTES);
	ha_put_u8(&writer, 'i');
	ok = !writer.bad && ha_mac(self->key.byte, bytes, writer.used, key_i);
	if (ok)
	{
		bytes[writer.used - 1] = 'a';
		ok = ha_mac(self->key.byte, bytes, writer.used, key_a);
	}
	ha_mac_wipe(bytes, sizeof(bytes));
	session->keyed = ok;
	return ok;
}

/* ---- Initiator ---- */

size_t
ha_session_hello(HaSession *session, const HaSelf *self, HaId to, uint8_t *bytes, size_t size)
{
	HaWriter writer = ha_writer(bytes, size);
	HaHello hello = {HA_FRAME_VERSION_MIN, HA_FRAME_VERSION_MAX, {0}};
	HaFrameHead head = {
		.version = HA_FRAME_VERSION_HELLO,
		.type = HA_FRAME_HELLO,
		.cluster = self->cluster,
		.system_id = self->system_id,
		.from = self->identity,
		.to = to,
	};

	memset(session, 0, sizeof(*session));
	session->self = self->identity;
	session->self_system_id = self->system_id;
	session->called = to;
	if (!ha_mac_random(session->nonce, sizeof(session->nonce)))
		return 0;
	memcpy(hello.nonce, session->nonce, sizeof(hello.nonce));
	ha_frame_begin(&writer, &head);
	ha_put_hello(&writer, &hello);
	return finish_handshake(self, &writer);
}

/* What the head of a HELLO_R must be for the HELLO that was sent. */
static HaFrameError
check_reply_head(const HaSession *session, const HaSelf *self, const HaFrameHead *head)
{
	if (head->to != self->identity.id || head->sequence != 0 || head->from.id == 0)
		return HA_FRAME_BAD_HEAD;
	if (session->called != 0 && head->from.id != session->called)
		return HA_FRAME_REFUSED_MEMBER;
	if (uuid_zero(&head->cluster))
		return HA_FRAME_BAD_HEAD;
	if (!uuid_zero(&self->cluster) && !ha_uuid_equal(&head->cluster, &self->cluster))
		return HA_FRAME_REFUSED_CLUSTER;
	if (head->system_id != 0 && self->system_id != 0 && head->system_id != self->system_id)
		return HA_FRAME_REFUSED_SYSTEM;
	return HA_FRAME_OK;
}

HaFrameError
ha_session_confirm(HaSession *session, const HaSelf *self, const uint8_t *bytes, size_t length)
{
	HaFrameHead head;
	HaReader body;
	HaHelloReply reply;
	HaFrameError error = ha_frame_open(bytes, length, &head, &body);

	if (error != HA_FRAME_OK)
		return error;
	if (head.type != HA_FRAME_HELLO_R || head.version != HA_FRAME_VERSION_HELLO || session->keyed)
		return HA_FRAME_BAD_ORDER;
	if (!signature_holds(self->key.byte, bytes, length))
		return HA_FRAME_BAD_MAC;
	ha_get_hello_reply(&body, &reply);
	if (!ha_reader_done(&body))
		return HA_FRAME_BAD_BODY;
	if (memcmp(reply.nonce_asked, session->nonce, sizeof(session->nonce)) != 0)
		return HA_FRAME_REPLAYED;
	if (reply.refusal != HA_FRAME_OK)
		return reply.refusal;
	error = check_reply_head(session, self, &head);
	if (error != HA_FRAME_OK)
		return error;
	if (reply.version < HA_FRAME_VERSION_MIN || reply.version > HA_FRAME_VERSION_MAX)
		return HA_FRAME_REFUSED_VERSION;
	session->version = reply.version;
	session->id = head.session;
	session->cluster = head.cluster;
	session->system_id = head.system_id;
	session->other = head.from;
	if (!derive_keys(session, self, true, session->nonce, reply.nonce))
		return HA_FRAME_BAD_MAC;
	session->proven = true;		/* its HELLO_R holds our fresh nonce under the cluster's key */
	return HA_FRAME_OK;
}

/* ---- Acceptor ---- */

/* May the sender of this HELLO talk to us? On success *version is what both will speak. */
static HaFrameError
check_hello(const HaSelf *self, const HaFrameHead *head, const HaHello *hello, uint16_t *version)
{
	bool from_operator = head->from.id == 0;

	*version = hello->version_max < HA_FRAME_VERSION_MAX ? hello->version_max : HA_FRAME_VERSION_MAX;
	if (*version < hello->version_min || *version < HA_FRAME_VERSION_MIN)
	{
		*version = HA_FRAME_VERSION_MAX;
		return HA_FRAME_REFUSED_VERSION;
	}
	if (!ha_uuid_equal(&head->cluster, &self->cluster) && !(from_operator && uuid_zero(&head->cluster)))
		return HA_FRAME_REFUSED_CLUSTER;
	if (head->system_id != 0 && self->system_id != 0 && head->system_id != self->system_id)
		return HA_FRAME_REFUSED_SYSTEM;
	if (head->from.id == self->identity.id)
		return HA_FRAME_REFUSED_MEMBER;
	if (head->to != self->identity.id && !(from_operator && head->to == 0))
		return HA_FRAME_REFUSED_MEMBER;
	return HA_FRAME_OK;
}

/* Writes the HELLO_R; with a refusal it gives away nothing but the reason and the versions. */
static size_t
write_reply(const HaSession *session, const HaSelf *self, const HaHelloReply *reply, uint8_t *bytes, size_t size)
{
	HaWriter writer = ha_writer(bytes, size);
	HaFrameHead head = {
		.version = HA_FRAME_VERSION_HELLO,
		.type = HA_FRAME_HELLO_R,
		.cluster = self->cluster,
		.system_id = self->system_id,
		.from = self->identity,
		.to = session->other.id,
		.session = session->id,
	};

	ha_frame_begin(&writer, &head);
	ha_put_hello_reply(&writer, reply);
	return finish_handshake(self, &writer);
}

HaFrameError
ha_session_accept(HaSession *session, const HaSelf *self, const uint8_t *bytes, size_t length,
				  HaFrameError refusal, uint8_t *reply_bytes, size_t size, size_t *reply_length)
{
	HaFrameHead head;
	HaReader body;
	HaHello hello;
	HaHelloReply reply;
	HaFrameError error = ha_frame_open(bytes, length, &head, &body);

	*reply_length = 0;
	memset(session, 0, sizeof(*session));
	memset(&reply, 0, sizeof(reply));
	if (error != HA_FRAME_OK)
		return error;
	if (head.type != HA_FRAME_HELLO || head.version != HA_FRAME_VERSION_HELLO)
		return HA_FRAME_BAD_ORDER;
	if (!signature_holds(self->key.byte, bytes, length))
		return HA_FRAME_BAD_MAC;
	ha_get_hello(&body, &hello);
	if (!ha_reader_done(&body))
		return HA_FRAME_BAD_BODY;
	if (head.session != 0 || head.sequence != 0)
		return HA_FRAME_BAD_HEAD;

	session->self = self->identity;
	session->self_system_id = self->system_id;
	session->other = head.from;
	session->system_id = head.system_id;
	session->cluster = self->cluster;
	error = check_hello(self, &head, &hello, &reply.version);
	if (error == HA_FRAME_OK)
		error = refusal;
	reply.refusal = error;
	memcpy(reply.nonce_asked, hello.nonce, sizeof(reply.nonce_asked));
	if (!ha_mac_random(reply.nonce, sizeof(reply.nonce)) || !ha_mac_random(&session->id, sizeof(session->id)))
		return HA_FRAME_BAD_MAC;
	session->version = reply.version;
	if (error == HA_FRAME_OK && !derive_keys(session, self, false, hello.nonce, reply.nonce))
		return HA_FRAME_BAD_MAC;
	*reply_length = write_reply(session, self, &reply, reply_bytes, size);
	return error;
}

/* ---- Both ---- */

void
ha_session_begin(const HaSession *session, HaFrameType type, HaWriter *writer)
{
	HaFrameHead head = {
		.version = session->version,
		.type = (uint16_t) type,
		.cluster = session->cluster,
		.system_id = session->self_system_id,
		.from = session->self,
		.to = session->other.id,
		.session = session->id,
		.sequence = session->sent + 1,
	};

	assert(session->keyed);
	ha_frame_begin(writer, &head);
}

size_t
ha_session_seal(HaSession *session, HaWriter *writer)
{
	size_t length = ha_frame_end(writer);

	if (length == 0 || !sign(session->send_key, writer->data, length))
		return 0;
	session->sent++;
	return length;
}

HaFrameError
ha_session_open(HaSession *session, const uint8_t *bytes, size_t length, HaFrameHead *head, HaReader *body)
{
	HaFrameError error = ha_frame_open(bytes, length, head, body);

	if (error != HA_FRAME_OK)
		return error;
	if (!session->keyed || head->type == HA_FRAME_HELLO || head->type == HA_FRAME_HELLO_R)
		return HA_FRAME_BAD_ORDER;
	if (!signature_holds(session->receive_key, bytes, length))
		return head->session == session->id ? HA_FRAME_BAD_MAC : HA_FRAME_BAD_SESSION;
	if (head->session != session->id)
		return HA_FRAME_BAD_SESSION;
	if (head->version != session->version || head->to != session->self.id ||
		!ha_uuid_equal(&head->cluster, &session->cluster) || !ha_identity_equal(&head->from, &session->other))
		return HA_FRAME_BAD_HEAD;
	if (head->sequence <= session->received)
		return HA_FRAME_REPLAYED;
	if (!session->proven && head->type != HA_FRAME_READY)
		return HA_FRAME_BAD_ORDER;
	session->received = head->sequence;
	session->proven = true;
	return HA_FRAME_OK;
}

void
ha_session_end(HaSession *session)
{
	ha_mac_wipe(session, sizeof(*session));
}
