/*
 * frame.c: see frame.h.
 */
#include "wire/frame.h"

#define PRIORITY_MAX 1000

static_assert(HA_FRAME_HEAD_BYTES + HA_FRAME_MAC_BYTES + 1 + 2 + 2 * HA_FRAME_NONCE_BYTES <= HA_FRAME_HELLO_MAX,
			  "a HELLO_R fits");
static_assert(HA_FRAME_HEAD_BYTES + HA_FRAME_MAC_BYTES + 2 * HA_REGISTER_BYTES_MAX + HA_CHAIN_BYTES_MAX < HA_FRAME_MAX,
			  "a message and a status fit");

/* ---- Words ---- */

const char *
ha_frame_error_text(HaFrameError error)
{
	static const char *const text[HA_FRAME_ERROR_COUNT] = {
		[HA_FRAME_OK] = "no error",
		[HA_FRAME_REFUSED_VERSION] = "the two ends have no version of the protocol in common",
		[HA_FRAME_REFUSED_CLUSTER] = "it belongs to another cluster",
		[HA_FRAME_REFUSED_SYSTEM] = "its PostgreSQL has another system identifier",
		[HA_FRAME_REFUSED_MEMBER] = "another member listens at this address, or both ends have one number",
		[HA_FRAME_REFUSED_FULL] = "too many operators are connected",
		[HA_FRAME_TOO_LONG] = "it announced a frame beyond the limit",
		[HA_FRAME_TOO_SHORT] = "it announced a frame that is shorter than any",
		[HA_FRAME_BAD_MAGIC] = "it does not speak this protocol",
		[HA_FRAME_BAD_HEAD] = "the head of its frame is not what the connection agreed on",
		[HA_FRAME_BAD_TYPE] = "its frame is of an unknown type",
		[HA_FRAME_BAD_MAC] = "its frame is not signed with the cluster's key",
		[HA_FRAME_BAD_SESSION] = "its frame is of another connection",
		[HA_FRAME_REPLAYED] = "its frame was seen before",
		[HA_FRAME_BAD_BODY] = "the body of its frame does not fit the type",
		[HA_FRAME_BAD_ORDER] = "its frame is not due here",
	};

	if ((int) error < 0 || error >= HA_FRAME_ERROR_COUNT || text[error] == NULL)
		return "it was refused for a reason that this release does not know";
	return text[error];
}

const char *
ha_answer_text(HaAnswer answer)
{
	switch (answer)
	{
		case HA_ANSWER_DONE:
			return "done";
		case HA_ANSWER_NOT_LEADER:
			return "this member is not the leader";
		case HA_ANSWER_BUSY:
			return "another change, or a hand-over, is under way";
		case HA_ANSWER_NO_SUCH_MEMBER:
			return "there is no such member";
		case HA_ANSWER_TAKEN:
			return "another member has that name or number";
		case HA_ANSWER_FULL:
			return "the cluster has as many members as it can have";
		case HA_ANSWER_LEADER_STAYS:
			return "the leader can not be dropped: hand over the leadership first";
		case HA_ANSWER_NOT_READY:
			return "that member may not lead now, or is behind";
		case HA_ANSWER_INVALID:
			return "the request does not make sense";
		case HA_ANSWER_LOST:
			return "the leadership ended before the change was on a majority: the outcome is not known";
	}
	return "an answer that this release does not know";
}

/* ---- Envelope ---- */

HaFrameError
ha_frame_length(const uint8_t *bytes, size_t have, size_t limit, size_t *length)
{
	HaReader reader = ha_reader(bytes, have);
	size_t whole;

	*length = 0;
	if (have < HA_FRAME_LENGTH_BYTES)
		return HA_FRAME_OK;
	whole = (size_t) ha_get_u32(&reader) + HA_FRAME_LENGTH_BYTES;
	if (whole > limit)
		return HA_FRAME_TOO_LONG;
	if (whole < HA_FRAME_HEAD_BYTES + HA_FRAME_MAC_BYTES)
		return HA_FRAME_TOO_SHORT;
	if (have >= 2 * HA_FRAME_LENGTH_BYTES && ha_get_u32(&reader) != HA_FRAME_MAGIC)
		return HA_FRAME_BAD_MAGIC;
	*length = whole;
	return HA_FRAME_OK;
}

void
ha_frame_begin(HaWriter *writer, const HaFrameHead *head)
{
	assert(writer->used == 0);
	ha_put_u32(writer, 0);
	ha_put_u32(writer, HA_FRAME_MAGIC);
	ha_put_u16(writer, head->version);
	ha_put_u16(writer, head->type);
	ha_put_uuid(writer, &head->cluster);
	ha_put_u64(writer, head->system_id);
	ha_put_id(writer, head->from.id);
	ha_put_uuid(writer, &head->from.incarnation);
	ha_put_u64(writer, head->from.run);
	ha_put_id(writer, head->to);
	ha_put_u64(writer, head->session);
	ha_put_u64(writer, head->sequence);
	assert(writer->bad || writer->used == HA_FRAME_HEAD_BYTES);
}

size_t
ha_frame_end(HaWriter *writer)
{
	static const uint8_t mac[HA_FRAME_MAC_BYTES];
	HaWriter length = ha_writer(writer->data, HA_FRAME_LENGTH_BYTES);

	ha_put_bytes(writer, mac, sizeof(mac));
	if (writer->bad || writer->used > HA_FRAME_MAX)
		return 0;
	ha_put_u32(&length, (uint32_t) (writer->used - HA_FRAME_LENGTH_BYTES));
	return writer->used;
}

HaFrameError
ha_frame_open(const uint8_t *bytes, size_t length, HaFrameHead *head, HaReader *body)
{
	HaReader reader;
	size_t whole;
	HaFrameError error;

	memset(head, 0, sizeof(*head));
	*body = ha_reader(bytes, 0);
	error = ha_frame_length(bytes, length, HA_FRAME_MAX, &whole);
	if (error != HA_FRAME_OK)
		return error;
	if (whole == 0 || whole != length)
		return HA_FRAME_TOO_SHORT;
	reader = ha_reader(bytes + 8, HA_FRAME_HEAD_BYTES - 8);
	head->version = ha_get_u16(&reader);
	head->type = ha_get_u16(&reader);
	head->cluster = ha_get_uuid(&reader);
	head->system_id = ha_get_u64(&reader);
	head->from.id = ha_get_id(&reader);
	head->from.incarnation = ha_get_uuid(&reader);
	head->from.run = ha_get_u64(&reader);
	head->to = ha_get_id(&reader);
	head->session = ha_get_u64(&reader);
	head->sequence = ha_get_u64(&reader);
	if (!ha_reader_done(&reader))
	{
		memset(head, 0, sizeof(*head));
		return HA_FRAME_BAD_HEAD;
	}
	if (head->type < HA_FRAME_HELLO || head->type > HA_FRAME_TYPE_MAX)
		return HA_FRAME_BAD_TYPE;
	*body = ha_reader(bytes + HA_FRAME_HEAD_BYTES, length - HA_FRAME_HEAD_BYTES - HA_FRAME_MAC_BYTES);
	return HA_FRAME_OK;
}

/* ---- Handshake ---- */

void
ha_put_hello(HaWriter *writer, const HaHello *hello)
{
	ha_put_u16(writer, hello->version_min);
	ha_put_u16(writer, hello->version_max);
	ha_put_bytes(writer, hello->nonce, sizeof(hello->nonce));
}

void
ha_get_hello(HaReader *reader, HaHello *hello)
{
	hello->version_min = ha_get_u16(reader);
	hello->version_max = ha_get_u16(reader);
	ha_get_bytes(reader, hello->nonce, sizeof(hello->nonce));
	reader->bad |= hello->version_min > hello->version_max || hello->version_min == HA_FRAME_VERSION_HELLO;
}

void
ha_put_hello_reply(HaWriter *writer, const HaHelloReply *reply)
{
	writer->bad |= reply->refusal > HA_FRAME_REFUSED_MAX;
	ha_put_u8(writer, (uint8_t) reply->refusal);
	ha_put_u16(writer, reply->version);
	ha_put_bytes(writer, reply->nonce_asked, sizeof(reply->nonce_asked));
	ha_put_bytes(writer, reply->nonce, sizeof(reply->nonce));
}

void
ha_get_hello_reply(HaReader *reader, HaHelloReply *reply)
{
	reply->refusal = (HaFrameError) ha_get_u8(reader);
	reply->version = ha_get_u16(reader);
	ha_get_bytes(reader, reply->nonce_asked, sizeof(reply->nonce_asked));
	ha_get_bytes(reader, reply->nonce, sizeof(reply->nonce));
	reader->bad |= reply->refusal > HA_FRAME_REFUSED_MAX;
}

/* ---- Messages of the core ---- */

/* A moment or a length by some clock: never negative. */
static void
put_us(HaWriter *writer, HaUs us)
{
	writer->bad |= us < 0;
	ha_put_i64(writer, us);
}

static HaUs
get_us(HaReader *reader)
{
	HaUs us = ha_get_i64(reader);

	if (us >= 0)
		return us;
	reader->bad = true;
	return 0;
}

void
ha_put_summary(HaWriter *writer, const HaSummary *summary)
{
	writer->bad |= summary->id == 0;
	ha_put_id(writer, summary->id);
	ha_put_u32(writer, summary->seen_ms);
	ha_put_term(writer, summary->joined_term);
	ha_put_position(writer, summary->position);
	ha_put_u64(writer, summary->replay_lsn);
	ha_put_u32(writer, summary->blocks);
	ha_put_bool(writer, summary->primary);
}

void
ha_get_summary(HaReader *reader, HaSummary *summary)
{
	memset(summary, 0, sizeof(*summary));
	summary->id = ha_get_id(reader);
	summary->seen_ms = ha_get_u32(reader);
	summary->joined_term = ha_get_term(reader);
	summary->position = ha_get_position(reader);
	summary->replay_lsn = ha_get_u64(reader);
	summary->blocks = ha_get_u32(reader);
	summary->primary = ha_get_bool(reader);
	reader->bad |= summary->id == 0;
}

void
ha_put_message(HaWriter *writer, const HaMessage *message)
{
	uint32_t type = (uint32_t) message->type;

	writer->bad |= type < 1 || type > HA_MESSAGE_TYPE_MAX || (uint32_t) message->refusal >= HA_REFUSAL_COUNT ||
		message->priority > PRIORITY_MAX || message->promise_ms > HA_PROMISE_MS_MAX ||
		message->summary_count > HA_MEMBERS_MAX;
	if (writer->bad)
		return;
	ha_put_u8(writer, (uint8_t) type);
	ha_put_term(writer, message->term);
	ha_put_version(writer, message->version);
	ha_put_position(writer, message->position);
	ha_put_u32(writer, message->priority);
	ha_put_u32(writer, (uint32_t) message->refusal);
	ha_put_term(writer, message->token.term);
	put_us(writer, message->token.round_us);
	put_us(writer, message->round_us);
	ha_put_u32(writer, message->promise_ms);
	ha_put_version(writer, message->committed);
	ha_put_term(writer, message->joined_term);
	ha_put_u64(writer, message->replay_lsn);
	ha_put_u32(writer, message->blocks);
	ha_put_bool(writer, message->primary);
	ha_put_bool(writer, message->stopping);
	ha_put_bool(writer, message->reg != NULL);
	if (message->reg != NULL)
		ha_put_register(writer, message->reg);
	ha_put_u32(writer, message->summary_count);
	for (uint32_t i = 0; i < message->summary_count; i++)
		ha_put_summary(writer, &message->summary[i]);
}

void
ha_get_message(HaReader *reader, const HaFrameHead *head, HaMessageBox *box)
{
	HaMessage *message = &box->message;

	memset(box, 0, sizeof(*box));
	message->from = head->from.id;
	message->to = head->to;
	message->incarnation = head->from.incarnation;
	message->run = head->from.run;

	message->type = (HaMessageType) ha_get_u8(reader);
	reader->bad |= (uint32_t) message->type < 1 || (uint32_t) message->type > HA_MESSAGE_TYPE_MAX;
	message->term = ha_get_term(reader);
	message->version = ha_get_version(reader);
	message->position = ha_get_position(reader);
	message->priority = ha_get_u32_max(reader, PRIORITY_MAX);
	message->refusal = (HaRefusal) ha_get_u32_max(reader, HA_REFUSAL_COUNT - 1);
	message->token.term = ha_get_term(reader);
	message->token.round_us = get_us(reader);
	message->round_us = get_us(reader);
	message->promise_ms = ha_get_u32_max(reader, HA_PROMISE_MS_MAX);
	message->committed = ha_get_version(reader);
	message->joined_term = ha_get_term(reader);
	message->replay_lsn = ha_get_u64(reader);
	message->blocks = ha_get_u32(reader);
	message->primary = ha_get_bool(reader);
	message->stopping = ha_get_bool(reader);
	if (ha_get_bool(reader))
	{
		ha_get_register(reader, &box->reg);
		message->reg = &box->reg;
	}
	message->summary_count = ha_get_u32_max(reader, HA_MEMBERS_MAX);
	for (uint32_t i = 0; i < message->summary_count; i++)
		ha_get_summary(reader, &box->summary[i]);
	message->summary = message->summary_count > 0 ? box->summary : NULL;
}

/* ---- Requests ---- */

static bool
request_kind_valid(HaRequestKind kind)
{
	return (uint32_t) kind >= HA_REQUEST_ADD_MEMBER && (uint32_t) kind <= HA_REQUEST_FORCE;
}

void
ha_put_request(HaWriter *writer, const HaRequest *request)
{
	writer->bad |= !request_kind_valid(request->kind) || request->member.priority > PRIORITY_MAX ||
		request->k_wanted > HA_MEMBERS_MAX || request->k_min > HA_MEMBERS_MAX;
	ha_put_u8(writer, (uint8_t) request->kind);
	ha_put_u64(writer, request->number);
	ha_put_member(writer, &request->member);
	ha_put_u32(writer, request->k_wanted);
	ha_put_u32(writer, request->k_min);
}

void
ha_get_request(HaReader *reader, HaRequest *request)
{
	memset(request, 0, sizeof(*request));
	request->kind = (HaRequestKind) ha_get_u8(reader);
	request->number = ha_get_u64(reader);
	ha_get_member(reader, &request->member);
	request->k_wanted = ha_get_u32_max(reader, HA_MEMBERS_MAX);
	request->k_min = ha_get_u32_max(reader, HA_MEMBERS_MAX);
	reader->bad |= !request_kind_valid(request->kind) || request->member.priority > PRIORITY_MAX;
}

void
ha_put_reply(HaWriter *writer, const HaReply *reply)
{
	writer->bad |= reply->answer < HA_ANSWER_DONE || reply->answer > HA_ANSWER_LOST;
	ha_put_u64(writer, reply->number);
	ha_put_u8(writer, (uint8_t) reply->answer);
	ha_put_id(writer, reply->id);
	ha_put_id(writer, reply->leader);
	ha_put_text(writer, reply->leader_host, sizeof(reply->leader_host));
	ha_put_u16(writer, reply->leader_port);
}

void
ha_get_reply(HaReader *reader, HaReply *reply)
{
	memset(reply, 0, sizeof(*reply));
	reply->number = ha_get_u64(reader);
	reply->answer = (HaAnswer) ha_get_u8(reader);
	reply->id = ha_get_id(reader);
	reply->leader = ha_get_id(reader);
	ha_get_text(reader, reply->leader_host, sizeof(reply->leader_host));
	reply->leader_port = ha_get_u16(reader);
	reader->bad |= reply->answer < HA_ANSWER_DONE || reply->answer > HA_ANSWER_LOST;
}
