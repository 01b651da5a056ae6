/*
 * test_peer.c: members and operators talking over real sockets on this machine. Those who only look like members are
 * in test_peer_strangers.c.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <unistd.h>

#include "test/unit/support/place.h"
#include "test/unit/support/sample.h"

/* ---- Members ---- */

static void
test_members_find_each_other(void **state)
{
	(void) state;
	place_open(2, place_self(3, 1));
	place_introduce(3);
	WAIT_UNTIL(place_all_connected(3));
	assert_true(place_say(&place[2], 1, 42));
	WAIT_UNTIL(place[0].frames > 0);
	assert_int_equal(place[0].value, 42);
	assert_int_equal(place[0].from.id, 3);
	assert_int_equal(place[0].from.run, 1);
	assert_int_equal(place[0].type, HA_FRAME_MESSAGE);
	assert_true(place[0].ups >= 4);
	assert_null(ha_peers_begin(place[0].peers, 9, HA_FRAME_MESSAGE));
	assert_null(ha_peers_begin(place[0].peers, 0, HA_FRAME_MESSAGE));
}

/* What is authentic and makes no sense is told, and the connection stays. */
static void
test_senseless_frames_are_told(void **state)
{
	HaWriter *writer = ha_peers_begin(place[0].peers, 2, HA_FRAME_REQUEST_R);

	(void) state;
	assert_non_null(writer);
	ha_put_u8(writer, 1);
	assert_true(ha_peers_end(place[0].peers));
	WAIT_UNTIL(place_logged(&place[1], "a frame of type 10"));
	assert_true(place_all_connected(2));
	place_assert_all_well();
}

/* Frames come whole and in order, whatever their number. */
static void
test_order_is_kept(void **state)
{
	uint64_t sent = 0;

	(void) state;
	for (uint64_t i = 1; i <= 500; i++)
	{
		assert_true(place_say(&place[0], 2, i));
		sent = i;
	}
	WAIT_UNTIL(place[1].value == sent);
	assert_int_equal(place[1].frames, 500);
}

/* A member that comes back is connected again at once, long before any long interval. */
static void
test_a_member_comes_back(void **state)
{
	HaUs begun_us;

	(void) state;
	ha_peers_close(place[1].peers);
	place[1].peers = NULL;
	WAIT_UNTIL(ha_peers_reaches(place[0].peers) == 0);
	WAIT_UNTIL(place_logged(&place[0], "n2"));
	begun_us = ha_clock_now().boot_us;
	place_open(1, place_self(2, 2));
	place_introduce(2);
	WAIT_UNTIL(place_all_connected(2));
	assert_true(ha_clock_now().boot_us - begun_us < 1000 * HA_US_PER_MS);
	place_assert_all_well();
	assert_int_equal(place[0].from.run, 2);
	assert_false(place_logged(&place[0], "two processes"));
}

/* The same when it does not come to us: we try again in short intervals. */
static void
test_a_member_is_tried_again(void **state)
{
	uint16_t port = ha_peers_port(place[1].peers);
	HaUs begun_us;

	(void) state;
	ha_peers_close(place[1].peers);
	place[1].peers = NULL;
	WAIT_UNTIL(place_logged(&place[0], "member n2 can not be reached"));
	for (int i = 0; i < 100; i++)
		place_turn(5);
	begun_us = ha_clock_now().boot_us;
	place_open_at(1, place_self(2, 2), port);	/* it knows nobody */
	WAIT_UNTIL(ha_set_has(ha_peers_reaches(place[0].peers), 2));
	assert_true(ha_clock_now().boot_us - begun_us < 1000 * HA_US_PER_MS);
}

/* What is sent to a member that can be reached only from its own side goes over the connection that it opened. */
static void
test_one_direction_is_enough(void **state)
{
	HaRegister one_way;

	(void) state;
	one_way = place_register;
	one_way.version.number += 1000;
	one_way.member[1].peer_port = 1;	/* nobody listens there */
	ha_peers_set_members(place[0].peers, &one_way);
	WAIT_UNTIL(ha_peers_reaches(place[0].peers) == 0);
	assert_int_equal(ha_peers_reached_by(place[0].peers), ha_set_of(2));
	place_assert_all_well();
	WAIT_UNTIL(place_logged(&place[0], "member n2 can not be reached at 127.0.0.1:1"));
}

/* A member that does not read costs nothing but its own messages. */
static void
test_a_frozen_member(void **state)
{
	HaPeers *frozen = place[1].peers;
	uint32_t said = 0;
	HaUs begun_us;

	(void) state;
	place[1].peers = NULL;		/* it is not served any more */
	for (int i = 0; i < 4000; i++)
	{
		HaWriter *writer = ha_peers_begin(place[0].peers, 2, HA_FRAME_EVENTS);

		if (writer == NULL)
			break;
		for (int k = 0; k < 500; k++)
			ha_put_u64(writer, (uint64_t) i);
		said += ha_peers_end(place[0].peers);
	}
	assert_true(said > 1000);
	ha_peers_serve(place[0].peers, ha_clock_now().boot_us);
	assert_true(place_logged(&place[0], "messages were dropped"));

	/* At the end we wait for it, but not for ever. */
	begun_us = ha_clock_now().boot_us;
	ha_peers_flush(place[0].peers, 100 * HA_US_PER_MS);
	assert_in_range(ha_clock_now().boot_us - begun_us, 100 * HA_US_PER_MS, 5000 * HA_US_PER_MS);

	/* When it goes on, what was kept comes, and then what is new; the newest was not what was dropped. */
	place[1].peers = frozen;
	WAIT_UNTIL(place[1].value == 3999);
	assert_true(place[1].frames < said);
	place_assert_all_well();
}

/* Last words arrive although the sender ends at once. */
static void
test_last_words(void **state)
{
	(void) state;
	for (uint64_t i = 1; i <= 300; i++)
		assert_true(place_say(&place[0], 2, i));
	ha_peers_flush(place[0].peers, 1000 * HA_US_PER_MS);
	ha_peers_close(place[0].peers);
	place[0].peers = NULL;
	WAIT_UNTIL(place[1].value == 300);
}

/* ---- Operators ---- */

static void
test_operators_are_answered(void **state)
{
	HaSelf operator_self = place_self(0, 0);
	uint8_t bytes[1024];
	HaWriter writer = ha_writer(bytes, sizeof(bytes));
	HaSession session;
	HaFrameHead head;
	HaReader body;
	HaWriter *answer;
	size_t length;
	int fd = stranger_connect(&place[0]);

	(void) state;
	memset(&operator_self.identity, 0, sizeof(operator_self.identity));
	memset(&operator_self.cluster, 0, sizeof(operator_self.cluster));
	operator_self.system_id = 0;
	assert_true(stranger_greet(fd, &operator_self, 0, &session));
	ha_session_begin(&session, HA_FRAME_STATUS, &writer);
	stranger_push(fd, bytes, ha_session_seal(&session, &writer));
	WAIT_UNTIL(place[0].type == HA_FRAME_STATUS);
	assert_int_equal(place[0].from.id, 0);
	assert_true(ha_peers_is_local(place[0].peers, place[0].link));

	answer = ha_peers_begin_link(place[0].peers, place[0].link, HA_FRAME_STATUS_R);
	assert_non_null(answer);
	ha_put_u64(answer, 7);
	assert_true(ha_peers_end(place[0].peers));
	length = stranger_pull(fd, bytes, sizeof(bytes));
	assert_int_equal(ha_session_open(&session, bytes, length, &head, &body), HA_FRAME_OK);
	assert_int_equal(ha_get_u64(&body), 7);
	close(fd);
	WAIT_UNTIL(ha_peers_begin_link(place[0].peers, place[0].link, HA_FRAME_STATUS_R) == NULL ||
			   !ha_peers_end(place[0].peers));
}

static void
test_operators_are_bounded(void **state)
{
	HaSelf operator_self = place_self(0, 0);
	int fd[HA_PEER_OPERATORS_MAX + 1];
	HaSession session;
	int welcome = 0;

	(void) state;
	memset(&operator_self.identity, 0, sizeof(operator_self.identity));
	for (int i = 0; i <= HA_PEER_OPERATORS_MAX; i++)
	{
		fd[i] = stranger_connect(&place[0]);
		welcome += stranger_greet(fd[i], &operator_self, 0, &session);
		place_turn(5);
	}
	assert_int_equal(welcome, HA_PEER_OPERATORS_MAX);
	assert_true(place_logged(&place[0], "too many operators"));
	place_assert_all_well();
	for (int i = 0; i <= HA_PEER_OPERATORS_MAX; i++)
		close(fd[i]);
}

/* A witness of addresses: only numeric ones are tried, and nothing is asked of a resolver. */
static void
test_addresses_are_numeric(void **state)
{
	HaPeersOptions options = {.self = place_self(1, 1), .listen_host = "localhost", .promise_ms = 600, .beat_ms = 100};
	HaPeersHandlers handlers = {0};
	HaSocketAddress address;
	char text[HA_SOCKET_TEXT_SIZE];
	char error[256] = "";
	HaRegister named;

	(void) state;
	assert_null(ha_peers_open(&options, &handlers, error, sizeof(error)));
	assert_non_null(strstr(error, "numeric"));
	assert_true(ha_socket_address("::1", 5, &address));
	ha_socket_text(&address, text);
	assert_string_equal(text, "[::1]:5");
	assert_false(ha_socket_address("", 5, &address));
	assert_false(ha_socket_address("example.invalid", 5, &address));

	named = place_register;
	named.version.number += 2000;
	snprintf(named.member[1].peer_host, sizeof(named.member[1].peer_host), "n2.example");
	ha_peers_set_members(place[0].peers, &named);
	WAIT_UNTIL(place_logged(&place[0], "is not numeric"));
}

/* An address that is in use is tried again until it is free. */
static void
test_the_listener_waits_for_its_address(void **state)
{
	uint16_t port = ha_peers_port(place[1].peers);

	(void) state;
	place_open_at(2, place_self(3, 1), port);
	WAIT_UNTIL(place_logged(&place[2], "can not listen"));
	assert_int_equal(ha_peers_port(place[2].peers), 0);
	ha_peers_close(place[1].peers);
	place[1].peers = NULL;
	WAIT_UNTIL(ha_peers_port(place[2].peers) == port);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_members_find_each_other, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_senseless_frames_are_told, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_order_is_kept, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_a_member_comes_back, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_a_member_is_tried_again, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_one_direction_is_enough, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_a_frozen_member, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_last_words, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_operators_are_answered, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_operators_are_bounded, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_addresses_are_numeric, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_the_listener_waits_for_its_address, place_setup, place_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
