/*
 * fuzz_frame.c: any bytes as a frame. Nothing may crash; what is accepted must encode to the same bytes again, so
 * that one value has one encoding; nothing that was decoded may break the rules of its type.
 */
#include <stdlib.h>

#include "wire/event.h"
#include "wire/frame.h"
#include "wire/status.h"

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static union
{
	HaMessageBox box;
	HaStatus status;
	HaEventBatch batch;
	HaEventKeys keys;
	HaRequest request;
	HaReply reply;
	HaHello hello;
	HaHelloReply hello_reply;
} value;

/* Decodes the body by its type and encodes it again. False when it is bad; true with `again` written otherwise. */
static bool
turn_round(const HaFrameHead *head, HaReader *body, HaWriter *again)
{
	switch ((HaFrameType) head->type)
	{
		case HA_FRAME_HELLO:
			ha_get_hello(body, &value.hello);
			ha_put_hello(again, &value.hello);
			break;
		case HA_FRAME_HELLO_R:
			ha_get_hello_reply(body, &value.hello_reply);
			ha_put_hello_reply(again, &value.hello_reply);
			break;
		case HA_FRAME_MESSAGE:
			ha_get_message(body, head, &value.box);
			ha_put_message(again, &value.box.message);
			break;
		case HA_FRAME_STATUS_R:
			ha_get_status(body, &value.status);
			if (!body->bad)
				ha_put_status(again, &value.status);
			break;
		case HA_FRAME_EVENTS_ASK:
			ha_get_event_keys(body, &value.keys);
			ha_put_event_keys(again, &value.keys);
			break;
		case HA_FRAME_EVENTS:
			ha_get_event_batch(body, &value.batch);
			ha_put_event_batch(again, &value.batch);
			break;
		case HA_FRAME_REQUEST:
			ha_get_request(body, &value.request);
			ha_put_request(again, &value.request);
			break;
		case HA_FRAME_REQUEST_R:
			ha_get_reply(body, &value.reply);
			ha_put_reply(again, &value.reply);
			break;
		case HA_FRAME_READY:
		case HA_FRAME_STATUS:
			break;
	}
	return ha_reader_done(body);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t bytes[HA_FRAME_MAX];
	HaWriter again = ha_writer(bytes, sizeof(bytes));
	HaFrameHead head;
	HaReader body;
	size_t length;

	if (ha_frame_length(data, size, HA_FRAME_MAX, &length) != HA_FRAME_OK)
		return 0;
	if (ha_frame_open(data, size, &head, &body) != HA_FRAME_OK)
		return 0;
	if (length != size || head.from.id > HA_ID_MAX || head.to > HA_ID_MAX)
		abort();
	ha_frame_begin(&again, &head);
	if (!turn_round(&head, &body, &again))
		return 0;
	if (again.bad || ha_frame_end(&again) != size)
		abort();
	/* The MAC is left out: it is not the codec's. */
	if (memcmp(bytes, data, size - HA_FRAME_MAC_BYTES) != 0)
		abort();
	return 0;
}
