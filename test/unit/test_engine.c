/*
 * test_engine.c: two data members and a witness elect over real sockets, are asked, and fail.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/session.h"
#include "io/socket.h"
#include "test/unit/support/crew.h"
#include "test/unit/support/sample.h"

static int
setup(void **state)
{
	(void) state;
	crew_begin(2, 1);
	CREW_UNTIL(crew_leader() != 0 && crew_agrees(crew_leader()));
	return 0;
}

static int
teardown(void **state)
{
	(void) state;
	crew_end();
	return 0;
}

/* ---- An operator's side, by hand ---- */

typedef struct Caller
{
	int fd;
	HaSession session;
	uint8_t bytes[HA_FRAME_MAX];
} Caller;

static void
put_all(Caller *caller, size_t length)
{
	assert_true(length > 0);
	assert_int_equal(send(caller->fd, caller->bytes, length, MSG_NOSIGNAL), length);
}

/* The next whole frame; its bytes lie in caller->bytes. */
static size_t
get_frame(Caller *caller)
{
	size_t used = 0;
	size_t length = 0;
	HaUs until_us = ha_clock_now().boot_us + CREW_LIMIT_US;

	while (length == 0 || used < length)
	{
		size_t wanted = length > 0 ? length - used : HA_FRAME_LENGTH_BYTES - used;
		ssize_t got = recv(caller->fd, caller->bytes + used, wanted, MSG_DONTWAIT);

		assert_true(got > 0 || (got < 0 && errno == EAGAIN));
		assert_true(ha_clock_now().boot_us < until_us);
		if (got < 0)
			crew_turn(2);
		else
			used += (size_t) got;
		assert_int_equal(ha_frame_length(caller->bytes, used, sizeof(caller->bytes), &length), HA_FRAME_OK);
	}
	return length;
}

static Caller
call(HaId id)
{
	HaSelf self = {.key = *crew_key()};
	HaSocketAddress address;
	HaWriter writer;
	Caller caller;

	assert_true(ha_socket_address("127.0.0.1", crew_port(id), &address));
	caller.fd = ha_socket_connect(&address);
	assert_true(caller.fd >= 0);
	crew_turn(5);
	put_all(&caller, ha_session_hello(&caller.session, &self, 0, caller.bytes, sizeof(caller.bytes)));
	assert_int_equal(ha_session_confirm(&caller.session, &self, caller.bytes, get_frame(&caller)), HA_FRAME_OK);
	writer = ha_writer(caller.bytes, sizeof(caller.bytes));
	ha_session_begin(&caller.session, HA_FRAME_READY, &writer);
	put_all(&caller, ha_session_seal(&caller.session, &writer));
	return caller;
}

/* Opens the answer, which must be of this type. */
static HaReader
answer(Caller *caller, HaFrameType type)
{
	HaFrameHead head;
	HaReader body;
	size_t length = get_frame(caller);

	assert_int_equal(ha_session_open(&caller->session, caller->bytes, length, &head, &body), HA_FRAME_OK);
	assert_int_equal(head.type, type);
	return body;
}

static HaReply
request(Caller *caller, HaRequest asked)
{
	HaWriter writer = ha_writer(caller->bytes, sizeof(caller->bytes));
	HaReader body;
	HaReply reply;

	ha_session_begin(&caller->session, HA_FRAME_REQUEST, &writer);
	ha_put_request(&writer, &asked);
	put_all(caller, ha_session_seal(&caller->session, &writer));
	body = answer(caller, HA_FRAME_REQUEST_R);
	ha_get_reply(&body, &reply);
	assert_true(ha_reader_done(&body));
	assert_int_equal(reply.number, asked.number);
	return reply;
}

static void
hang_up(Caller *caller)
{
	close(caller->fd);
	ha_session_end(&caller->session);
}

/* ---- Leading ---- */

static void
test_a_leader_over_real_sockets(void **state)
{
	HaId leader = crew_leader();
	HaId other = 3 - leader;
	const HaNode *witness = ha_engine_node(crew[3].engine);

	(void) state;
	assert_in_range(leader, 1, 2);
	assert_int_equal(crew[leader].pg.state, HA_PG_PRIMARY);
	assert_int_equal(ha_engine_node(crew[other].engine)->upstream, leader);
	assert_int_equal(witness->leader, leader);
	assert_int_equal(witness->upstream, 0);
	assert_true(crew[leader].members_told >= 2);
	assert_true(crew[leader].closes >= 1);
	CREW_UNTIL(crew[other].pg.flush_lsn == crew[leader].pg.flush_lsn);

	/* What was agreed on is on the disk of each. */
	for (HaId id = 1; id <= 3; id++)
	{
		HaHard hard;

		assert_int_equal(ha_store_peek(crew[id].folder.path, &hard), HA_STORE_OK);
		assert_true(hard.term == witness->hard.term);
		assert_int_equal(ha_version_compare(hard.reg.version, witness->hard.reg.version), 0);
	}
}

/* The leader ends without a word: another one after the promise, with a higher term; the first comes back. */
static void
test_a_leader_dies(void **state)
{
	HaId leader = crew_leader();
	HaTerm term = ha_engine_node(crew[leader].engine)->hard.term;
	HaUs begun_us;
	HaId next;

	(void) state;
	CREW_UNTIL(crew[3 - leader].pg.flush_lsn == crew[leader].pg.flush_lsn);	/* else it must be rewound */
	begun_us = ha_clock_now().boot_us;
	crew_kill(leader);
	CREW_UNTIL(crew_leader() != 0);
	next = crew_leader();
	assert_int_equal(next, 3 - leader);
	assert_true(ha_engine_node(crew[next].engine)->hard.term > term);
	assert_true(ha_clock_now().boot_us - begun_us >= CREW_PROMISE_MS * HA_US_PER_MS / 2);

	crew_start(leader);
	CREW_UNTIL(crew_agrees(next) && crew[leader].pg.flush_lsn == crew[next].pg.flush_lsn);
	assert_int_equal(crew_leader(), next);
}

/* The last will is heard at once: nobody waits for the promise. */
static void
test_a_last_will(void **state)
{
	HaId leader = crew_leader();
	Hand *hand = &crew[leader];
	HaUs begun_us;

	(void) state;
	for (int i = 0; i < 20; i++)
		crew_turn(10);
	begun_us = ha_clock_now().boot_us;
	ha_engine_resign(hand->engine, HA_RESIGN_POSTMASTER_DIED);
	assert_int_equal(hand->lease_us, 0);
	assert_true(hand->drain != 0);
	ha_engine_drained(hand->engine, hand->drain, hand->pg.flush_lsn);
	assert_int_equal(ha_engine_node(hand->engine)->role, HA_ROLE_RESIGNED);
	ha_engine_flush(hand->engine, 100 * HA_US_PER_MS);
	crew_kill(leader);
	CREW_UNTIL(crew_leader() != 0);
	assert_true(ha_clock_now().boot_us - begun_us < CREW_PROMISE_MS * HA_US_PER_MS);
}

/* ---- Asking ---- */

static void
test_an_operator_sees_the_cluster(void **state)
{
	static HaStatus status;
	static HaEventBatch batch;
	HaId leader = crew_leader();
	Caller caller = call(3);
	HaWriter writer = ha_writer(caller.bytes, sizeof(caller.bytes));
	HaReader body;

	(void) state;
	ha_session_begin(&caller.session, HA_FRAME_STATUS, &writer);
	put_all(&caller, ha_session_seal(&caller.session, &writer));
	body = answer(&caller, HA_FRAME_STATUS_R);
	ha_get_status(&body, &status);
	assert_true(ha_reader_done(&body));
	assert_int_equal(status.id, 3);
	assert_int_equal(status.role, HA_ROLE_FOLLOWER);
	assert_int_equal(status.leader, leader);
	assert_int_equal(status.reg.member_count, 3);
	assert_string_equal(status.software, "test");
	assert_true(status.promise_left_us > 0);
	assert_int_equal(status.reaches, ha_set_of(1) | ha_set_of(2));
	assert_int_equal(status.reached_by, ha_set_of(1) | ha_set_of(2));
	assert_non_null(ha_status_summary(&status, leader));
	assert_true(ha_uuid_equal(&caller.session.cluster, &status.cluster));

	writer = ha_writer(caller.bytes, sizeof(caller.bytes));
	ha_session_begin(&caller.session, HA_FRAME_EVENTS_ASK, &writer);
	ha_put_u32(&writer, 0);
	put_all(&caller, ha_session_seal(&caller.session, &writer));
	body = answer(&caller, HA_FRAME_EVENTS);
	ha_get_event_batch(&body, &batch);
	assert_true(ha_reader_done(&body));
	assert_int_equal(batch.count, ha_engine_event_count(crew[3].engine));
	hang_up(&caller);

	ha_engine_status(crew[leader].engine, &status);
	assert_int_equal(status.role, HA_ROLE_LEADER);
	assert_true(status.lease_left_us > 0 && status.lease_left_us < CREW_PROMISE_MS * HA_US_PER_MS);
	assert_true(status.gate.open);
}

static void
test_requests_find_the_leader(void **state)
{
	HaId leader = crew_leader();
	HaId other = 3 - leader;
	HaRequest asked = {.kind = HA_REQUEST_SET_PRIORITY, .number = 901};
	HaReply reply;
	Caller caller = call(other);

	(void) state;
	asked.member.id = other;
	asked.member.priority = 7;
	reply = request(&caller, asked);
	assert_int_equal(reply.answer, HA_ANSWER_NOT_LEADER);
	assert_int_equal(reply.leader, leader);
	assert_string_equal(reply.leader_host, "127.0.0.1");
	assert_int_equal(reply.leader_port, crew_port(leader));
	hang_up(&caller);

	caller = call(leader);
	asked.number = 902;
	do
		reply = request(&caller, asked);
	while (reply.answer == HA_ANSWER_BUSY);
	assert_int_equal(reply.answer, HA_ANSWER_DONE);
	asked.kind = HA_REQUEST_DROP_MEMBER;
	asked.number = 903;
	asked.member.id = 9;
	do
		reply = request(&caller, asked);
	while (reply.answer == HA_ANSWER_BUSY);
	assert_int_equal(reply.answer, HA_ANSWER_NO_SUCH_MEMBER);
	hang_up(&caller);
	CREW_UNTIL(ha_register_member(&ha_engine_node(crew[3].engine)->hard.reg, other)->priority == 7);
}

/* A request of the machine itself may be made anywhere: it is passed on. */
static void
test_own_requests_are_passed_on(void **state)
{
	HaId leader = crew_leader();
	HaRequest asked = {.kind = HA_REQUEST_PAUSE};

	(void) state;
	for (HaId id = 1; id <= 3; id++)
	{
		asked.kind = asked.kind == HA_REQUEST_PAUSE ? HA_REQUEST_RESUME : HA_REQUEST_PAUSE;
		do
		{
			asked.number++;
			crew_turn(5);
			ha_engine_request(crew[id].engine, &asked);
			CREW_UNTIL(crew[id].reply.number == asked.number);
		} while (crew[id].reply.answer == HA_ANSWER_BUSY);
		assert_int_equal(crew[id].reply.answer, HA_ANSWER_DONE);
		assert_int_equal(crew[id].reply.leader, leader);
	}
	asked.kind = HA_REQUEST_FORCE;
	asked.number++;
	ha_engine_request(crew[3].engine, &asked);
	assert_int_equal(crew[3].reply.number, asked.number);
	assert_int_equal(crew[3].reply.answer, HA_ANSWER_NOT_READY);
	crew_kill(leader);
	CREW_UNTIL(ha_engine_node(crew[3].engine)->leader != leader);
	crew_start(leader);
}

/* ---- Events ---- */

static bool
same_events(void)
{
	uint32_t count = ha_engine_event_count(crew[1].engine);

	for (HaId id = 2; id <= 3; id++)
	{
		if (ha_engine_event_count(crew[id].engine) != count)
			return false;
		for (uint32_t i = 0; i < count; i++)
		{
			if (ha_event_compare(&ha_engine_event(crew[1].engine, i)->key,
								 &ha_engine_event(crew[id].engine, i)->key) != 0)
				return false;
		}
	}
	return true;
}

static void
test_events_are_the_same_everywhere(void **state)
{
	uint32_t heard;
	HaUs begun_us;

	(void) state;
	CREW_UNTIL(same_events());
	assert_true(ha_engine_event_count(crew[1].engine) > 5);
	assert_null(ha_engine_event(crew[1].engine, HA_EVENTS_KEPT));
	heard = crew[3].heard_events;
	ha_engine_say(crew[1].engine, HA_EVENT_KIND_HOOK, HA_SEVERITY_INFO, "a hook ended");
	CREW_UNTIL(crew[3].heard_events > heard);
	CREW_UNTIL(same_events());

	/* A member that was away gets what it missed when it comes back. */
	crew_kill(3);
	ha_engine_say(crew[2].engine, HA_EVENT_KIND_HOOK, HA_SEVERITY_INFO, "another hook ended");
	crew_start(3);
	begun_us = ha_clock_now().boot_us;
	CREW_UNTIL(same_events());
	assert_true(ha_clock_now().boot_us - begun_us < 5000 * HA_US_PER_MS);
}

/* ---- What must end the process ---- */

static int
pass(int fd)
{
	(void) fd;
	return 0;
}

static int
pass_range(int fd, off_t offset, off_t length)
{
	(void) fd;
	(void) offset;
	(void) length;
	return 0;
}

static int
pass_advice(int fd, off_t offset, off_t length, int advice)
{
	(void) advice;
	return pass_range(fd, offset, length);
}

static ssize_t
refuse_to_write(int fd, const void *bytes, size_t count, off_t offset)
{
	(void) fd;
	(void) bytes;
	(void) count;
	(void) offset;
	errno = EIO;
	return -1;
}

static void
exit_42(void *self, const char *text)
{
	(void) self;
	_exit(strstr(text, "the state can not be saved") != NULL ? 42 : 1);
}

static void
test_a_broken_disk_ends_it(void **state)
{
	static HaStoreCalls calls = {pread, refuse_to_write, pass, pass, pass_range, pass_advice};
	HaId leader = crew_leader();
	HaWorld world = {.fatal = exit_42};
	HaEngineOptions options = {.store = &crew[3].store, .key = *crew_key(),
		.times = {.promise_ms = CREW_PROMISE_MS, .beat_ms = CREW_BEAT_MS}};
	char error[256];
	int status;
	pid_t pid;

	(void) state;
	assert_in_range(leader, 1, 2);
	crew_kill(3);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
	{
		if (ha_store_open(&crew[3].store, crew[3].folder.path, &calls) != HA_STORE_OK)
			_exit(2);
		(void) ha_engine_open("builtin", &options, &world, error, sizeof(error));
		_exit(3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	crew_start(3);
	CREW_UNTIL(crew_leader() != 0 && crew_agrees(crew_leader()));
}

static void
test_what_can_not_be_opened(void **state)
{
	HaWorld world = {.fatal = exit_42};
	HaEngineOptions options = {.store = &crew[3].store, .listen_host = "localhost",
		.times = {.promise_ms = CREW_PROMISE_MS, .beat_ms = CREW_BEAT_MS}};
	char error[256] = "";

	(void) state;
	assert_null(ha_engine_open("etcd", &options, &world, error, sizeof(error)));
	assert_non_null(strstr(error, "no engine"));
	crew_kill(3);
	assert_int_equal(ha_store_open(&crew[3].store, crew[3].folder.path, NULL), HA_STORE_OK);
	assert_null(ha_engine_open("builtin", &options, &world, error, sizeof(error)));
	assert_non_null(strstr(error, "numeric"));
	ha_store_close(&crew[3].store);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_leader_over_real_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_leader_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_last_will, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_operator_sees_the_cluster, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests_find_the_leader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_requests_are_passed_on, setup, teardown),
		cmocka_unit_test_setup_teardown(test_events_are_the_same_everywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_broken_disk_ends_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_what_can_not_be_opened, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
