/*
 * test_peer_strangers.c: those who only look like members: wrong key, garbage, a frame of 1 GB, silence, one byte a
 * second, crowds, copies, replays (S51, reliability.md 6.9 to 6.11). Each time the members go on talking.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test/unit/support/place.h"
#include "test/unit/support/sample.h"

static void
test_garbage_and_a_gigabyte(void **state)
{
	const uint8_t giga[] = {0, 0, 0, 0x40, 'P', 'H', 'A', 'F'};
	const char http[] = "GET / HTTP/1.0\r\n\r\n";
	uint8_t noise[2000];
	size_t received = 0;
	int fd = stranger_connect(&place[0]);

	(void) state;
	stranger_push(fd, giga, sizeof(giga));
	WAIT_UNTIL(stranger_closed(fd, &received));
	close(fd);
	assert_true(place_logged(&place[0], "beyond the limit"));

	fd = stranger_connect(&place[0]);
	stranger_push(fd, http, sizeof(http) - 1);
	WAIT_UNTIL(stranger_closed(fd, &received));
	close(fd);

	for (int i = 0; i < 50; i++)
	{
		assert_true(ha_mac_random(noise, sizeof(noise)));
		if (i % 2 == 0)
			memcpy(noise, "\x80\0\0\0PHAF", 8);	/* so far, so good */
		fd = stranger_connect(&place[0]);
		stranger_push(fd, noise, sizeof(noise));
		WAIT_UNTIL(stranger_closed(fd, &received));
		close(fd);
	}
	assert_int_equal(received, 0);
	assert_in_range(place[0].logs, 2, 12);	/* not a line for each of them */
	place_assert_all_well();
}

static void
test_wrong_key_and_foreign_cluster(void **state)
{
	HaSelf self = place_self(2, 9);
	HaSession session;
	size_t received = 0;
	int fd = stranger_connect(&place[0]);

	(void) state;
	self.key.byte[5] ^= 1;
	assert_false(stranger_greet(fd, &self, 1, &session));
	WAIT_UNTIL(stranger_closed(fd, &received));
	assert_int_equal(received, 0);
	close(fd);
	assert_true(place_logged(&place[0], "not signed with the cluster's key"));

	self = place_self(2, 9);
	self.cluster = sample_uuid(0xC2);
	fd = stranger_connect(&place[0]);
	assert_false(stranger_greet(fd, &self, 1, &session));
	close(fd);
	assert_true(place_logged(&place[0], "another cluster"));

	self = place_self(2, 9);
	self.system_id = 6;
	fd = stranger_connect(&place[0]);
	assert_false(stranger_greet(fd, &self, 1, &session));
	close(fd);
	assert_true(place_logged(&place[0], "system identifier"));
	place_assert_all_well();
}

/* A recorded conversation, played again from another socket. */
static void
test_a_replayed_conversation(void **state)
{
	HaSelf self = place_self(7, 1);
	uint8_t hello[HA_FRAME_HELLO_MAX];
	uint8_t rest[2 * HA_FRAME_HELLO_MAX];
	uint8_t reply[HA_FRAME_HELLO_MAX];
	HaWriter writer = ha_writer(rest, sizeof(rest));
	HaSession session;
	size_t hello_length;
	size_t rest_length;
	size_t length;
	uint32_t frames;
	int fd = stranger_connect(&place[0]);

	(void) state;
	hello_length = ha_session_hello(&session, &self, 1, hello, sizeof(hello));
	stranger_push(fd, hello, hello_length);
	length = stranger_pull(fd, reply, sizeof(reply));
	assert_int_equal(ha_session_confirm(&session, &self, reply, length), HA_FRAME_OK);
	ha_session_begin(&session, HA_FRAME_READY, &writer);
	rest_length = ha_session_seal(&session, &writer);
	writer = ha_writer(rest + rest_length, sizeof(rest) - rest_length);
	ha_session_begin(&session, HA_FRAME_STATUS, &writer);
	rest_length += ha_session_seal(&session, &writer);
	frames = place[0].frames;
	stranger_push(fd, rest, rest_length);
	WAIT_UNTIL(place[0].frames == frames + 1);
	stranger_push(fd, rest, rest_length);	/* on the same connection */
	WAIT_UNTIL(stranger_closed(fd, NULL));
	assert_true(place_logged(&place[0], "was seen before"));
	close(fd);

	fd = stranger_connect(&place[0]);
	stranger_push(fd, hello, hello_length);
	assert_true(stranger_pull(fd, reply, sizeof(reply)) > 0);
	stranger_push(fd, rest, rest_length);
	WAIT_UNTIL(stranger_closed(fd, NULL));
	close(fd);
	assert_int_equal(place[0].frames, frames + 1);
	place_assert_all_well();
}

/* One who says nothing, and one who says a byte at a time: five seconds for both. */
static void
test_silent_and_slow(void **state)
{
	uint8_t hello[HA_FRAME_HELLO_MAX];
	HaSelf self = place_self(2, 9);
	HaSession session;
	HaUs begun_us = ha_clock_now().boot_us;
	HaUs next_us = begun_us;
	size_t at = 0;
	size_t length = ha_session_hello(&session, &self, 1, hello, sizeof(hello));
	int silent = stranger_connect(&place[0]);
	int slow = stranger_connect(&place[0]);

	(void) state;
	while (!stranger_closed(silent, NULL) || !stranger_closed(slow, NULL))
	{
		HaUs now_us = ha_clock_now().boot_us;

		assert_true(now_us - begun_us < PLACE_LIMIT_US);
		if (now_us >= next_us && at < length)
		{
			stranger_push(slow, hello + at++, 1);
			next_us += 1000 * HA_US_PER_MS;
		}
		place_turn(20);
	}
	assert_in_range(ha_clock_now().boot_us - begun_us, HA_PEER_PROOF_US - 500 * HA_US_PER_MS,
					HA_PEER_PROOF_US + 2000 * HA_US_PER_MS);
	assert_true(place_logged(&place[0], "did not prove the key in time"));
	close(silent);
	close(slow);
	place_assert_all_well();
}

/* A crowd of strangers is bounded, and members still get in. */
static void
test_a_crowd(void **state)
{
	int fd[100];
	int open_count = 0;

	(void) state;
	for (int i = 0; i < 100; i++)
		fd[i] = stranger_connect(&place[0]);
	WAIT_UNTIL(place_logged(&place[0], "have not proved the key"));
	for (int i = 0; i < 20; i++)
		place_turn(5);
	for (int i = 0; i < 100; i++)
		open_count += !stranger_closed(fd[i], NULL);
	assert_in_range(open_count, 1, HA_PEER_STRANGERS_MAX);
	ha_peers_close(place[1].peers);
	place_open(1, place_self(2, 2));
	place_introduce(2);
	WAIT_UNTIL(place_all_connected(2));
	place_assert_all_well();
	for (int i = 0; i < 100; i++)
		close(fd[i]);
}

/* No descriptors left: the listener waits, and goes on when there are some. */
static void
test_no_descriptors_left(void **state)
{
	struct rlimit before;
	struct rlimit tight;
	HaSocketAddress address;
	int fd[4];

	(void) state;
	assert_true(ha_socket_address("127.0.0.1", ha_peers_port(place[0].peers), &address));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i < 4; i++)
	{
		fd[i] = ha_socket_connect(&address);
		assert_true(fd[i] >= 0);
	}
	tight = before;
	tight.rlim_cur = (rlim_t) fd[3] + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
	WAIT_UNTIL(place_logged(&place[0], "can not accept"));
	for (int i = 0; i < 50; i++)
		ha_peers_serve(place[0].peers, ha_clock_now().boot_us);
	place_assert_all_well();
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (int i = 0; i < 4; i++)
		stranger_push(fd[i], "GET / HTTP/1.0\r\n\r\n", 18);
	for (int i = 0; i < 4; i++)
		WAIT_UNTIL(stranger_closed(fd[i], NULL));
	for (int i = 0; i < 4; i++)
		close(fd[i]);
}

/* A copy of a member's state runs somewhere else, both speak: that is told. */
static void
test_a_copy_is_reported(void **state)
{
	HaSelf copy = place_self(2, 7);
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	HaSession session;
	int fd = stranger_connect(&place[0]);

	(void) state;
	assert_true(stranger_greet(fd, &copy, 1, &session));
	for (int i = 0; i < 3; i++)
	{
		HaWriter writer = ha_writer(bytes, sizeof(bytes));

		ha_session_begin(&session, HA_FRAME_STATUS, &writer);
		stranger_push(fd, bytes, ha_session_seal(&session, &writer));
		WAIT_UNTIL(place[0].from.run == 7);
		assert_true(place_say(&place[1], 1, 5));
		WAIT_UNTIL(place[0].from.run == 1);
	}
	assert_true(place_logged(&place[0], "two processes speak as member number 2"));
	assert_true(place_logged(&place[0], "(run 7)"));
	close(fd);
}

/* A member that came back while its old connection is not known to be dead is no copy. */
static void
test_a_restart_is_not_reported(void **state)
{
	HaSelf before = place_self(3, 6);
	HaSelf after = place_self(3, 7);
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	HaSession old_session;
	HaSession session;
	uint32_t frames;
	int old_fd = stranger_connect(&place[0]);
	int fd;

	(void) state;
	assert_true(stranger_greet(old_fd, &before, 1, &old_session));
	WAIT_UNTIL(ha_set_has(ha_peers_reached_by(place[0].peers), 3));
	fd = stranger_connect(&place[0]);
	assert_true(stranger_greet(fd, &after, 1, &session));
	frames = place[0].frames;
	for (int i = 0; i < 3; i++)
	{
		HaWriter writer = ha_writer(bytes, sizeof(bytes));

		ha_session_begin(&session, HA_FRAME_STATUS, &writer);
		stranger_push(fd, bytes, ha_session_seal(&session, &writer));
	}
	WAIT_UNTIL(place[0].frames == frames + 3);
	assert_false(place_logged(&place[0], "two processes"));
	close(fd);
	close(old_fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_garbage_and_a_gigabyte, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_key_and_foreign_cluster, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_a_replayed_conversation, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_silent_and_slow, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_a_crowd, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_no_descriptors_left, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_a_copy_is_reported, place_setup, place_teardown),
		cmocka_unit_test_setup_teardown(test_a_restart_is_not_reported, place_setup, place_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
