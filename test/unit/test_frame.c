/*
 * test_frame.c: frames and their bodies, there and back, and everything that is not one.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/prng.h"
#include "test/unit/support/sample.h"
#include "wire/frame.h"

static uint8_t bytes[HA_FRAME_MAX];
static uint8_t again[HA_FRAME_MAX];

static HaFrameHead
sample_head(HaFrameType type)
{
	HaFrameHead head = {
		.version = 1,
		.type = (uint16_t) type,
		.system_id = UINT64_C(7391823456789012345),
		.to = 3,
		.session = UINT64_C(0x1122334455667788),
		.sequence = 9,
	};

	head.cluster = sample_uuid(0xC1);
	head.from = (HaIdentity){2, sample_uuid(2), 12};
	return head;
}

/* The largest message there is. */
static HaMessage
sample_message(void)
{
	static HaRegister reg;
	static HaSummary summary[HA_MEMBERS_MAX];
	HaMessage message = {
		.type = HA_MESSAGE_BEAT,
		.term = 64,
		.version = {64, 3},
		.position = {63, 0x5000148},
		.priority = 1000,
		.refusal = HA_REFUSAL_BETTER,
		.token = {63, 7000000},
		.round_us = INT64_MAX,
		.promise_ms = HA_PROMISE_MS_MAX,
		.committed = {64, 2},
		.joined_term = 64,
		.replay_lsn = UINT64_MAX,
		.blocks = HA_BLOCK_FSYNC_OFF,
		.primary = true,
		.stopping = true,
		.reg = &reg,
		.summary_count = HA_MEMBERS_MAX,
		.summary = summary,
	};

	sample_register_largest(&reg);
	for (uint32_t i = 0; i < HA_MEMBERS_MAX; i++)
		summary[i] = (HaSummary){i + 1, UINT32_MAX, 64, {64, 5}, 4, 1, i == 0};
	return message;
}

static size_t
encode_message(const HaMessage *message)
{
	HaFrameHead head = sample_head(HA_FRAME_MESSAGE);
	HaWriter writer = ha_writer(bytes, sizeof(bytes));

	ha_frame_begin(&writer, &head);
	ha_put_message(&writer, message);
	return ha_frame_end(&writer);
}

/* ---- Envelope ---- */

static void
test_head_returns(void **state)
{
	HaFrameHead head = sample_head(HA_FRAME_STATUS);
	HaFrameHead found;
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader body;
	size_t length;

	(void) state;
	ha_frame_begin(&writer, &head);
	length = ha_frame_end(&writer);
	assert_int_equal(length, HA_FRAME_HEAD_BYTES + HA_FRAME_MAC_BYTES);
	assert_int_equal(bytes[0] + bytes[1] * 256, length - HA_FRAME_LENGTH_BYTES);
	assert_int_equal(ha_frame_open(bytes, length, &found, &body), HA_FRAME_OK);
	assert_int_equal(found.version, head.version);
	assert_int_equal(found.type, head.type);
	assert_true(ha_uuid_equal(&found.cluster, &head.cluster));
	assert_true(found.system_id == head.system_id);
	assert_true(ha_identity_equal(&found.from, &head.from));
	assert_int_equal(found.to, head.to);
	assert_true(found.session == head.session && found.sequence == head.sequence);
	assert_true(ha_reader_done(&body));
}

static void
test_length_is_known_early(void **state)
{
	size_t length = 99;
	const uint8_t giga[] = {0, 0, 0, 0x40};
	const uint8_t small[] = {HA_FRAME_HEAD_BYTES + HA_FRAME_MAC_BYTES - HA_FRAME_LENGTH_BYTES - 1, 0, 0, 0};
	const uint8_t http[] = "GET / HTTP/1.1";
	const uint8_t wrong_magic[] = {200, 0, 0, 0, 'P', 'H', 'A', 'f'};
	const uint8_t right[] = {200, 0, 0, 0, 'P', 'H', 'A', 'F'};

	(void) state;
	assert_int_equal(ha_frame_length(giga, 3, HA_FRAME_MAX, &length), HA_FRAME_OK);
	assert_int_equal(length, 0);
	assert_int_equal(ha_frame_length(giga, 4, HA_FRAME_MAX, &length), HA_FRAME_TOO_LONG);
	assert_int_equal(ha_frame_length(small, 4, HA_FRAME_MAX, &length), HA_FRAME_TOO_SHORT);
	assert_int_equal(ha_frame_length(http, sizeof(http), HA_FRAME_MAX, &length), HA_FRAME_TOO_LONG);
	assert_int_equal(ha_frame_length(wrong_magic, 8, HA_FRAME_MAX, &length), HA_FRAME_BAD_MAGIC);
	assert_int_equal(ha_frame_length(right, 7, HA_FRAME_MAX, &length), HA_FRAME_OK);
	assert_int_equal(length, 204);
	assert_int_equal(ha_frame_length(right, 8, HA_FRAME_MAX, &length), HA_FRAME_OK);
	assert_int_equal(length, 204);
	assert_int_equal(ha_frame_length(right, 8, 203, &length), HA_FRAME_TOO_LONG);
}

static void
test_head_ranges(void **state)
{
	HaFrameHead head = sample_head(HA_FRAME_STATUS);
	HaFrameHead found;
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader body;
	size_t length;

	(void) state;
	ha_frame_begin(&writer, &head);
	length = ha_frame_end(&writer);
	for (size_t cut = 0; cut < length; cut++)
		assert_int_not_equal(ha_frame_open(bytes, cut, &found, &body), HA_FRAME_OK);
	bytes[36] = HA_ID_MAX + 1;	/* from.id */
	assert_int_equal(ha_frame_open(bytes, length, &found, &body), HA_FRAME_BAD_HEAD);
	assert_int_equal(found.sequence, 0);
	bytes[36] = 2;
	bytes[10] = 0;				/* type */
	assert_int_equal(ha_frame_open(bytes, length, &found, &body), HA_FRAME_BAD_TYPE);
	bytes[10] = HA_FRAME_TYPE_MAX + 1;
	assert_int_equal(ha_frame_open(bytes, length, &found, &body), HA_FRAME_BAD_TYPE);
}

static void
test_a_frame_that_does_not_fit_is_none(void **state)
{
	HaMessage message = sample_message();
	HaFrameHead head = sample_head(HA_FRAME_MESSAGE);
	size_t length = encode_message(&message);

	(void) state;
	assert_true(length > 0 && length < HA_FRAME_MAX);
	for (size_t size = 0; size < length; size += 7)
	{
		HaWriter writer = ha_writer(again, size);

		ha_frame_begin(&writer, &head);
		ha_put_message(&writer, &message);
		assert_int_equal(ha_frame_end(&writer), 0);
	}
}

/* ---- Messages ---- */

static void
assert_message_returns(const HaMessage *message)
{
	size_t length = encode_message(message);
	HaFrameHead head;
	HaReader body;
	HaMessageBox box;
	HaWriter writer = ha_writer(again, sizeof(again));

	assert_true(length > 0);
	assert_int_equal(ha_frame_open(bytes, length, &head, &body), HA_FRAME_OK);
	ha_get_message(&body, &head, &box);
	assert_true(ha_reader_done(&body));
	assert_int_equal(box.message.type, message->type);
	assert_int_equal(box.message.from, 2);
	assert_int_equal(box.message.to, 3);
	assert_int_equal(box.message.run, 12);
	assert_true(box.message.reg == (message->reg == NULL ? NULL : &box.reg));
	assert_true(box.message.round_us == message->round_us);
	ha_frame_begin(&writer, &head);
	ha_put_message(&writer, &box.message);
	assert_int_equal(ha_frame_end(&writer), length);
	assert_memory_equal(again, bytes, length);
}

static void
test_messages_return(void **state)
{
	HaMessage message = sample_message();

	(void) state;
	assert_message_returns(&message);
	message.reg = NULL;
	assert_message_returns(&message);
	message.summary_count = 0;
	message.summary = NULL;
	assert_message_returns(&message);
	message = (HaMessage){.type = HA_MESSAGE_PREVOTE};
	assert_message_returns(&message);
	message.type = HA_MESSAGE_RESIGN;
	assert_message_returns(&message);
}

static void
test_impossible_messages_are_not_written(void **state)
{
	const HaMessage good = sample_message();
	HaMessage bad;
	HaRegister reg = *good.reg;

	(void) state;
#define REFUSED(change) \
	do { \
		bad = good; \
		change; \
		assert_int_equal(encode_message(&bad), 0); \
	} while (0)
	REFUSED(bad.type = 0);
	REFUSED(bad.type = HA_MESSAGE_TYPE_MAX + 1);
	REFUSED(bad.refusal = HA_REFUSAL_COUNT);
	REFUSED(bad.term = HA_TERM_MAX);
	REFUSED(bad.version.term = HA_TERM_MAX);
	REFUSED(bad.token.round_us = -1);
	REFUSED(bad.round_us = -1);
	REFUSED(bad.priority = 1001);
	REFUSED(bad.promise_ms = HA_PROMISE_MS_MAX + 1);
	REFUSED(bad.summary_count = HA_MEMBERS_MAX + 1);
	REFUSED((reg.voters = 0, bad.reg = &reg));
#undef REFUSED
}

/* Every byte of a message changed in a few ways: refused, or a message that can be written again. */
static void
test_damaged_messages(void **state)
{
	HaMessage message = sample_message();
	HaPrng prng;
	size_t length;
	uint32_t refused = 0;

	(void) state;
	message.reg = NULL;
	length = encode_message(&message);
	ha_prng_seed(&prng, 1);
	for (size_t at = HA_FRAME_HEAD_BYTES; at < length - HA_FRAME_MAC_BYTES; at++)
	{
		uint8_t was = bytes[at];
		HaFrameHead head;
		HaReader body;
		HaMessageBox box;

		bytes[at] = (uint8_t) (was ^ (1u << ha_prng_below(&prng, 8)));
		assert_int_equal(ha_frame_open(bytes, length, &head, &body), HA_FRAME_OK);
		ha_get_message(&body, &head, &box);
		if (ha_reader_done(&body))
		{
			HaWriter writer = ha_writer(again, sizeof(again));

			ha_frame_begin(&writer, &head);
			ha_put_message(&writer, &box.message);
			assert_int_equal(ha_frame_end(&writer), length);
			assert_memory_equal(again, bytes, length - HA_FRAME_MAC_BYTES);
		}
		else
			refused++;
		bytes[at] = was;
	}
	assert_true(refused > 50);
}

static void
test_truncated_bodies_are_bad(void **state)
{
	HaMessage message = sample_message();
	size_t length = encode_message(&message);
	HaFrameHead head;
	HaReader whole;

	(void) state;
	assert_int_equal(ha_frame_open(bytes, length, &head, &whole), HA_FRAME_OK);
	for (size_t size = 0; size < whole.size; size += 3)
	{
		HaReader body = ha_reader(whole.data, size);
		HaMessageBox box;

		ha_get_message(&body, &head, &box);
		assert_false(ha_reader_done(&body));
	}
}

/* ---- The other bodies ---- */

static void
test_hellos_return(void **state)
{
	HaHello hello = {1, 7, {1, 2, 3}};
	HaHello hello_found;
	HaHelloReply reply = {HA_FRAME_REFUSED_CLUSTER, 7, {4}, {5}};
	HaHelloReply reply_found;
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;

	(void) state;
	ha_put_hello(&writer, &hello);
	ha_put_hello_reply(&writer, &reply);
	reader = ha_reader(bytes, writer.used);
	ha_get_hello(&reader, &hello_found);
	ha_get_hello_reply(&reader, &reply_found);
	assert_true(ha_reader_done(&reader));
	assert_memory_equal(&hello, &hello_found, sizeof(hello));
	assert_int_equal(reply_found.refusal, HA_FRAME_REFUSED_CLUSTER);
	assert_int_equal(reply_found.version, 7);
	assert_memory_equal(reply.nonce_asked, reply_found.nonce_asked, HA_FRAME_NONCE_BYTES);

	bytes[0] = 8;				/* version_min above version_max */
	reader = ha_reader(bytes, writer.used);
	ha_get_hello(&reader, &hello_found);
	assert_true(reader.bad);
	reply.refusal = HA_FRAME_BAD_MAC;
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_hello_reply(&writer, &reply);
	assert_true(writer.bad);
}

static void
test_requests_and_replies_return(void **state)
{
	HaRequest request = {.kind = HA_REQUEST_ADD_MEMBER, .number = 77, .k_wanted = 2, .k_min = 1};
	HaRequest request_found;
	HaReply reply = {77, HA_ANSWER_NOT_LEADER, 4, 2, "10.0.0.2", 7000};
	HaReply reply_found;
	HaRegister reg;
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaReader reader;

	(void) state;
	sample_register(&reg);
	request.member = reg.member[0];
	ha_put_request(&writer, &request);
	ha_put_reply(&writer, &reply);
	assert_false(writer.bad);
	reader = ha_reader(bytes, writer.used);
	ha_get_request(&reader, &request_found);
	ha_get_reply(&reader, &reply_found);
	assert_true(ha_reader_done(&reader));
	assert_int_equal(request_found.kind, request.kind);
	assert_int_equal(request_found.number, 77);
	assert_string_equal(request_found.member.name, "n1");
	assert_int_equal(request_found.k_wanted, 2);
	assert_int_equal(reply_found.answer, HA_ANSWER_NOT_LEADER);
	assert_string_equal(reply_found.leader_host, "10.0.0.2");
	assert_int_equal(reply_found.leader_port, 7000);

	bytes[0] = HA_REQUEST_FORCE + 1;
	reader = ha_reader(bytes, writer.used);
	ha_get_request(&reader, &request_found);
	assert_true(reader.bad);
	reply.answer = 0;
	writer = ha_writer(bytes, sizeof(bytes));
	ha_put_reply(&writer, &reply);
	assert_true(writer.bad);
}

static void
test_every_word_has_a_text(void **state)
{
	(void) state;
	for (int error = -1; error <= HA_FRAME_ERROR_COUNT; error++)
		assert_true(strlen(ha_frame_error_text((HaFrameError) error)) > 5);
	for (int answer = 0; answer <= HA_ANSWER_LOST + 1; answer++)
		assert_true(strlen(ha_answer_text((HaAnswer) answer)) >= 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_head_returns),
		cmocka_unit_test(test_length_is_known_early),
		cmocka_unit_test(test_head_ranges),
		cmocka_unit_test(test_a_frame_that_does_not_fit_is_none),
		cmocka_unit_test(test_messages_return),
		cmocka_unit_test(test_impossible_messages_are_not_written),
		cmocka_unit_test(test_damaged_messages),
		cmocka_unit_test(test_truncated_bodies_are_bad),
		cmocka_unit_test(test_hellos_return),
		cmocka_unit_test(test_requests_and_replies_return),
		cmocka_unit_test(test_every_word_has_a_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
