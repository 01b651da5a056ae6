/*
 * test_frame_corpus.c: the seeds of the fuzz target fuzz_frame, made and kept honest: one frame of each type.
 *
 * They are also what this release says to others: when a layout changes, this test fails, and whoever changed it must
 * think of members of the release before (HA_FRAME_VERSION_MAX, S58) before making the seeds anew:
 *
 *	HA_CORPUS=write build/asan/unit/test_frame_corpus
 *
 * Works in the top folder of the checkout, as make check-unit does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "test/unit/support/folder.h"
#include "test/unit/support/sample.h"
#include "wire/event.h"
#include "wire/frame.h"
#include "wire/status.h"

#define FOLDER "test/fuzz/corpus/fuzz_frame"

static uint8_t frame[HA_FRAME_MAX];
static uint8_t found[HA_FRAME_MAX];
static HaWriter writer;

static HaWriter *
begin(HaFrameType type)
{
	HaFrameHead head = {.version = 1, .type = (uint16_t) type, .system_id = 5, .to = 3, .session = 7, .sequence = 9};

	head.cluster = sample_uuid(0xC1);
	head.from = (HaIdentity){2, sample_uuid(2), 12};
	writer = ha_writer(frame, sizeof(frame));
	ha_frame_begin(&writer, &head);
	return &writer;
}

/* Compares the frame with the seed of this name, or writes it there. */
static void
finish(const char *name)
{
	const char *wish = getenv("HA_CORPUS");
	char path[256];
	size_t length = ha_frame_end(&writer);

	assert_true(length > 0);
	snprintf(path, sizeof(path), "%s/%s", FOLDER, name);
	if (wish != NULL && strcmp(wish, "write") == 0)
	{
		(void) mkdir(FOLDER, 0755);
		folder_write(path, frame, length, 0644);
	}
	if (!folder_has(path))
		fail_msg("%s is missing; HA_CORPUS=write makes it", path);
	assert_int_equal(folder_read(path, found, sizeof(found)), length);
	assert_memory_equal(found, frame, length);
}

static void
test_handshake(void **state)
{
	HaHello hello = {1, 3, {1, 2, 3}};
	HaHelloReply reply = {HA_FRAME_REFUSED_VERSION, 1, {1, 2, 3}, {4, 5, 6}};

	(void) state;
	ha_put_hello(begin(HA_FRAME_HELLO), &hello);
	finish("hello");
	ha_put_hello_reply(begin(HA_FRAME_HELLO_R), &reply);
	finish("hello_r");
	(void) begin(HA_FRAME_READY);
	finish("ready");
}

static void
test_messages(void **state)
{
	HaRegister reg;
	HaSummary summary[3] = {{.id = 1, .primary = true}, {.id = 2, .position = {7, 0x5000148}}, {.id = 3}};
	HaMessage message = {.type = HA_MESSAGE_VOTE, .term = 8, .version = {7, 3}, .position = {7, 0x5000148},
		.priority = 100, .token = {7, 1000}};

	(void) state;
	ha_put_message(begin(HA_FRAME_MESSAGE), &message);
	finish("vote");
	sample_register(&reg);
	message = (HaMessage){.type = HA_MESSAGE_BEAT, .term = 7, .version = reg.version, .round_us = 123456789,
		.promise_ms = 3000, .committed = reg.version, .reg = &reg, .summary_count = 3, .summary = summary};
	ha_put_message(begin(HA_FRAME_MESSAGE), &message);
	finish("beat");
}

static void
test_status(void **state)
{
	HaStatus status = {.id = 2, .run = 9, .software = "1.0", .role = HA_ROLE_FOLLOWER, .term = 7, .leader = 1,
		.promise_ms = 3000, .beat_ms = 500, .promise_left_us = 2500000, .pg = {.state = HA_PG_STANDBY, .tli = 3},
		.upstream = 1, .reaches = 10, .reached_by = 10, .summary_count = 1, .has_register = true};

	(void) state;
	(void) begin(HA_FRAME_STATUS);
	finish("status");
	status.cluster = sample_uuid(0xC1);
	status.summary[0].id = 2;
	sample_register(&status.reg);
	status.chain = status.reg.chain;
	ha_put_status(begin(HA_FRAME_STATUS_R), &status);
	finish("status_r");
}

static void
test_events(void **state)
{
	static HaEventBatch batch;
	static HaEventKeys keys;

	(void) state;
	batch.count = keys.count = 2;
	for (uint32_t i = 0; i < 2; i++)
	{
		batch.record[i] = (HaEventRecord){.key = {2, 12, i + 1, 1700000000000000 + i}, .term = 7,
			.kind = HA_NOTE_OPENED, .severity = HA_SEVERITY_INFO, .member = 1, .lsn = 99, .value = -1};
		ha_event_set_text(&batch.record[i], "something happened");
		keys.key[i] = batch.record[i].key;
	}
	ha_put_event_batch(begin(HA_FRAME_EVENTS), &batch);
	finish("events");
	ha_put_event_keys(begin(HA_FRAME_EVENTS_ASK), &keys);
	finish("events_ask");
}

static void
test_requests(void **state)
{
	HaRegister reg;
	HaRequest request = {.kind = HA_REQUEST_ADD_MEMBER, .number = 77};
	HaReply reply = {77, HA_ANSWER_NOT_LEADER, 0, 1, "10.0.0.1", 7000};

	(void) state;
	sample_register(&reg);
	request.member = reg.member[1];
	ha_put_request(begin(HA_FRAME_REQUEST), &request);
	finish("request");
	ha_put_reply(begin(HA_FRAME_REQUEST_R), &reply);
	finish("request_r");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_handshake),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
