/*
 * operator.c: see operator.h.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/operator.h"
#include "io/process.h"
#include "io/socket.h"

#define TURN_MS 200				/* how soon an interrupt is noticed */

struct HaOperator
{
	int fd;
	HaSelf self;
	HaSession session;
	char address[HA_SOCKET_TEXT_SIZE];
	HaUs deadline_us;			/* of the call under way, monotonic */
	uint64_t number;			/* of the last request */
	size_t used;				/* bytes in `in` */
	uint8_t in[HA_FRAME_MAX];
	uint8_t out[HA_FRAME_MAX];
	HaEventBatch batch;
};

/* ---- Bytes ---- */

static void
begin_call(HaOperator *op, HaUs limit_us)
{
	op->deadline_us = ha_clock_now().mono_us + limit_us;
}

/* Waits for the socket; false with a fault when the deadline has come or somebody interrupts. */
static bool
wait_for(HaOperator *op, short events, HaFault *fault)
{
	for (;;)
	{
		struct pollfd wait = {op->fd, events, 0};
		HaUs left_us = op->deadline_us - ha_clock_now().mono_us;

		if (ha_process_interrupted())
			return ha_fault(fault, NULL, "interrupted");
		if (left_us <= 0)
			return ha_fault(fault, "is the member running, and is the address its peer address?",
							"%s does not answer in time", op->address);
		if (poll(&wait, 1, left_us / 1000 < TURN_MS ? (int) (left_us / 1000) + 1 : TURN_MS) > 0)
			return true;
	}
}

static bool
broken(HaOperator *op, int error, HaFault *fault)
{
	return ha_fault(fault, NULL, "the connection to %s broke: %s", op->address, strerror(error));
}

static bool
send_bytes(HaOperator *op, size_t length, HaFault *fault)
{
	size_t sent = 0;

	while (sent < length)
	{
		ssize_t count = send(op->fd, op->out + sent, length - sent, MSG_NOSIGNAL);

		if (count >= 0)
			sent += (size_t) count;
		else if (errno == EAGAIN && !wait_for(op, POLLOUT, fault))
			return false;
		else if (errno != EAGAIN && errno != EINTR)
			return broken(op, errno, fault);
	}
	return true;
}

/* Reads until a whole frame stands at the beginning of `in`. */
static bool
receive_frame(HaOperator *op, size_t *length, HaFault *fault)
{
	for (;;)
	{
		HaFrameError error = ha_frame_length(op->in, op->used, HA_FRAME_MAX, length);
		ssize_t count;

		if (error != HA_FRAME_OK)
			return ha_fault(fault, NULL, "%s answers what is no frame: %s", op->address, ha_frame_error_text(error));
		if (*length > 0 && op->used >= *length)
			return true;
		count = recv(op->fd, op->in + op->used, sizeof(op->in) - op->used, 0);
		if (count > 0)
			op->used += (size_t) count;
		else if (count == 0 && !op->session.keyed)
			return ha_fault_lasting(
				fault, "the key must be the one of this cluster; the member's log says why it hung up",
				"%s closed the connection at once: it is no member of this cluster, or the key is another",
				op->address);
		else if (count == 0)
			return ha_fault(fault, NULL, "%s closed the connection", op->address);
		else if (errno == EAGAIN && !wait_for(op, POLLIN, fault))
			return false;
		else if (errno != EAGAIN && errno != EINTR)
			return broken(op, errno, fault);
	}
}

static void
consume(HaOperator *op, size_t length)
{
	memmove(op->in, op->in + length, op->used - length);
	op->used -= length;
}

/* ---- Connecting ---- */

static bool
greet(HaOperator *op, HaFault *fault)
{
	size_t length = ha_session_hello(&op->session, &op->self, 0, op->out, sizeof(op->out));
	HaWriter writer;
	HaFrameError error;

	if (length == 0)
		return ha_fault(fault, NULL, "no random numbers or no HMAC are to be had");
	if (!send_bytes(op, length, fault) || !receive_frame(op, &length, fault))
		return false;
	error = ha_session_confirm(&op->session, &op->self, op->in, length);
	if (error == HA_FRAME_BAD_MAC)
		return ha_fault_lasting(fault, "use the key file of this cluster", "%s holds another key", op->address);
	if (error != HA_FRAME_OK)
		return ha_fault_lasting(fault, NULL, "%s turns the program away: %s", op->address, ha_frame_error_text(error));
	consume(op, length);
	writer = ha_writer(op->out, sizeof(op->out));
	ha_session_begin(&op->session, HA_FRAME_READY, &writer);
	length = ha_session_seal(&op->session, &writer);
	return length > 0 && send_bytes(op, length, fault);
}

static bool
connect_to(HaOperator *op, const char *host, uint16_t port, HaFault *fault)
{
	HaSocketAddress address;
	int error;

	if (!ha_socket_address(host, port, &address))
		return ha_fault(fault, NULL, "\"%s\" is no numeric address", host);
	ha_socket_text(&address, op->address);
	op->fd = ha_socket_connect(&address);
	if (op->fd < 0)
		return ha_fault(fault, NULL, "no connection to %s: %s", op->address, strerror(errno));
	if (!wait_for(op, POLLOUT, fault))
		return false;
	error = ha_socket_error(op->fd);
	if (error != 0)
		return ha_fault(fault, "is the member running, and is the address its peer address?",
						"no connection to %s: %s", op->address, strerror(error));
	ha_socket_tune(op->fd, 5000);
	return true;
}

HaOperator *
ha_operator_open(const HaKey *key, const char *host, uint16_t port, HaUs limit_us, HaFault *fault)
{
	HaOperator *op = calloc(1, sizeof(*op));

	if (op == NULL)
	{
		ha_fault(fault, NULL, "no memory");
		return NULL;
	}
	op->fd = -1;
	op->self.key = *key;
	begin_call(op, limit_us);
	if (connect_to(op, host, port, fault) && greet(op, fault))
		return op;
	ha_operator_close(op);
	return NULL;
}

void
ha_operator_close(HaOperator *op)
{
	if (op == NULL)
		return;
	if (op->fd >= 0)
		ha_socket_close(op->fd);
	ha_session_end(&op->session);
	ha_key_wipe(&op->self.key);
	free(op);
}

HaId
ha_operator_member(const HaOperator *op)
{
	return op->session.other.id;
}

/* ---- Questions ---- */

static HaWriter
begin_question(HaOperator *op, HaFrameType type, HaUs limit_us)
{
	HaWriter writer = ha_writer(op->out, sizeof(op->out));

	begin_call(op, limit_us);
	ha_session_begin(&op->session, type, &writer);
	return writer;
}

static bool
ask(HaOperator *op, HaWriter *writer, HaFault *fault)
{
	size_t length = ha_session_seal(&op->session, writer);

	if (length == 0)
		return ha_fault(fault, NULL, "the question does not fit into a frame");
	return send_bytes(op, length, fault);
}

/* Waits for a frame of this type; what else the member says meanwhile is passed over. The frame stays in `in`. */
static bool
await(HaOperator *op, HaFrameType type, size_t *length, HaReader *body, HaFault *fault)
{
	for (;;)
	{
		HaFrameHead head;
		HaFrameError error;

		if (!receive_frame(op, length, fault))
			return false;
		error = ha_session_open(&op->session, op->in, *length, &head, body);
		if (error != HA_FRAME_OK)
			return ha_fault(fault, NULL, "%s: %s", op->address, ha_frame_error_text(error));
		if (head.type == type)
			return true;
		consume(op, *length);
	}
}

static bool
not_understood(HaOperator *op, HaFault *fault)
{
	return ha_fault(fault, "the versions of pg_haops may differ", "an answer of %s can't be understood", op->address);
}

bool
ha_operator_status(HaOperator *op, HaStatus *status, HaUs limit_us, HaFault *fault)
{
	HaWriter writer = begin_question(op, HA_FRAME_STATUS, limit_us);
	HaReader body;
	size_t length;

	if (!ask(op, &writer, fault) || !await(op, HA_FRAME_STATUS_R, &length, &body, fault))
		return false;
	ha_get_status(&body, status);
	consume(op, length);
	return ha_reader_done(&body) || not_understood(op, fault);
}

bool
ha_operator_request(HaOperator *op, const HaRequest *request, HaReply *reply, HaUs limit_us, HaFault *fault)
{
	HaWriter writer = begin_question(op, HA_FRAME_REQUEST, limit_us);
	HaRequest numbered = *request;
	HaReader body;
	size_t length;

	numbered.number = ++op->number;
	ha_put_request(&writer, &numbered);
	if (!ask(op, &writer, fault))
		return false;
	do
	{
		if (!await(op, HA_FRAME_REQUEST_R, &length, &body, fault))
			return false;
		ha_get_reply(&body, reply);
		consume(op, length);
		if (!ha_reader_done(&body))
			return not_understood(op, fault);
	} while (reply->number != numbered.number);
	return true;
}

bool
ha_operator_events(HaOperator *op, HaEventRecord *record, uint32_t *count, HaUs limit_us, HaFault *fault)
{
	HaWriter writer = begin_question(op, HA_FRAME_EVENTS_ASK, limit_us);
	const HaEventKeys none = {.count = 0};
	HaReader body;
	size_t length;

	*count = 0;
	ha_put_event_keys(&writer, &none);
	if (!ask(op, &writer, fault))
		return false;
	do
	{
		if (!await(op, HA_FRAME_EVENTS, &length, &body, fault))
			return false;
		ha_get_event_batch(&body, &op->batch);
		consume(op, length);
		if (!ha_reader_done(&body))
			return not_understood(op, fault);
		for (uint32_t i = 0; i < op->batch.count && *count < HA_EVENTS_KEPT; i++)
			record[(*count)++] = op->batch.record[i];
	} while (op->batch.more);
	return true;
}
