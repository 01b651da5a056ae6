/*
 * test_session.c: the handshake, and what can not be forged, replayed or sent back (reliability.md 6.9, 6.10; S58).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "io/session.h"
#include "test/unit/support/sample.h"

typedef struct Pair
{
	HaSelf self_i;
	HaSelf self_a;
	HaSession i;
	HaSession a;
	uint8_t hello[HA_FRAME_HELLO_MAX];
	uint8_t reply[HA_FRAME_HELLO_MAX];
	size_t hello_length;
	size_t reply_length;
} Pair;

static HaSelf
sample_self(HaId id)
{
	HaSelf self = {.system_id = 5, .identity = {id, sample_uuid((uint8_t) id), 3}};

	self.cluster = sample_uuid(0xC1);
	memset(self.key.byte, 0x5A, sizeof(self.key.byte));
	return self;
}

static Pair
sample_pair(void)
{
	Pair pair = {.self_i = sample_self(1), .self_a = sample_self(2)};

	return pair;
}

/* Both steps of the handshake; what each end says of it. */
static HaFrameError
greet(Pair *pair, HaId to)
{
	HaFrameError error;

	pair->hello_length = ha_session_hello(&pair->i, &pair->self_i, to, pair->hello, sizeof(pair->hello));
	assert_true(pair->hello_length > 0);
	error = ha_session_accept(&pair->a, &pair->self_a, pair->hello, pair->hello_length, HA_FRAME_OK, pair->reply,
							  sizeof(pair->reply), &pair->reply_length);
	if (pair->reply_length == 0)
		return error;
	assert_int_equal(ha_session_confirm(&pair->i, &pair->self_i, pair->reply, pair->reply_length), error);
	return error;
}

static size_t
seal(HaSession *session, HaFrameType type, uint8_t *bytes, size_t size)
{
	HaWriter writer = ha_writer(bytes, size);

	ha_session_begin(session, type, &writer);
	return ha_session_seal(session, &writer);
}

static HaFrameError
open_frame(HaSession *session, const uint8_t *bytes, size_t length)
{
	HaFrameHead head;
	HaReader body;

	return ha_session_open(session, bytes, length, &head, &body);
}

static void
make_ready(Pair *pair)
{
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	size_t length;

	assert_int_equal(greet(pair, 2), HA_FRAME_OK);
	length = seal(&pair->i, HA_FRAME_READY, bytes, sizeof(bytes));
	assert_int_equal(open_frame(&pair->a, bytes, length), HA_FRAME_OK);
}

static void
test_both_ends_come_to_trust(void **state)
{
	Pair pair = sample_pair();
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	size_t length;

	(void) state;
	assert_int_equal(greet(&pair, 2), HA_FRAME_OK);
	assert_true(pair.i.proven);
	assert_false(pair.a.proven);
	assert_int_equal(pair.i.version, HA_FRAME_VERSION_MAX);
	assert_true(ha_identity_equal(&pair.i.other, &pair.self_a.identity));
	assert_true(ha_identity_equal(&pair.a.other, &pair.self_i.identity));

	length = seal(&pair.i, HA_FRAME_READY, bytes, sizeof(bytes));
	assert_int_equal(open_frame(&pair.a, bytes, length), HA_FRAME_OK);
	assert_true(pair.a.proven);
	for (int n = 0; n < 3; n++)
	{
		length = seal(&pair.i, HA_FRAME_STATUS, bytes, sizeof(bytes));
		assert_int_equal(open_frame(&pair.a, bytes, length), HA_FRAME_OK);
		length = seal(&pair.a, HA_FRAME_STATUS, bytes, sizeof(bytes));
		assert_int_equal(open_frame(&pair.i, bytes, length), HA_FRAME_OK);
	}
}

static void
test_an_operator_learns_the_cluster(void **state)
{
	Pair pair = sample_pair();

	(void) state;
	pair.self_i.identity = (HaIdentity){0};
	pair.self_i.cluster = sample_uuid(0);
	pair.self_i.system_id = 0;
	assert_int_equal(greet(&pair, 0), HA_FRAME_OK);
	assert_true(ha_uuid_equal(&pair.i.cluster, &pair.self_a.cluster));
	assert_int_equal(pair.i.other.id, 2);
	assert_int_equal(pair.i.system_id, 5);

	/* A member may not leave the cluster open. */
	pair.self_i.identity = sample_self(1).identity;
	assert_int_equal(greet(&pair, 2), HA_FRAME_REFUSED_CLUSTER);
}

static void
test_another_key_gets_no_answer(void **state)
{
	Pair pair = sample_pair();

	(void) state;
	pair.self_i.key.byte[31] ^= 1;
	assert_int_equal(greet(&pair, 2), HA_FRAME_BAD_MAC);
	assert_int_equal(pair.reply_length, 0);

	/* One that listens with another key can not answer either. */
	pair = sample_pair();
	assert_int_equal(greet(&pair, 2), HA_FRAME_OK);
	pair.self_i.key.byte[0] ^= 1;
	ha_session_hello(&pair.i, &pair.self_i, 2, pair.hello, sizeof(pair.hello));
	assert_int_equal(ha_session_confirm(&pair.i, &pair.self_i, pair.reply, pair.reply_length), HA_FRAME_BAD_MAC);
}

static void
test_refusals_say_why(void **state)
{
	Pair pair = sample_pair();
	HaFrameError error;

	(void) state;
	pair.self_i.cluster = sample_uuid(0xC2);
	assert_int_equal(greet(&pair, 2), HA_FRAME_REFUSED_CLUSTER);
	assert_false(pair.i.keyed || pair.a.keyed);

	pair = sample_pair();
	pair.self_i.system_id = 6;
	assert_int_equal(greet(&pair, 2), HA_FRAME_REFUSED_SYSTEM);
	pair.self_i.system_id = 0;	/* a witness that does not know it */
	assert_int_equal(greet(&pair, 2), HA_FRAME_OK);

	pair = sample_pair();
	assert_int_equal(greet(&pair, 3), HA_FRAME_REFUSED_MEMBER);
	pair.self_i.identity.id = 2;
	assert_int_equal(greet(&pair, 2), HA_FRAME_REFUSED_MEMBER);

	pair = sample_pair();
	pair.hello_length = ha_session_hello(&pair.i, &pair.self_i, 2, pair.hello, sizeof(pair.hello));
	error = ha_session_accept(&pair.a, &pair.self_a, pair.hello, pair.hello_length, HA_FRAME_REFUSED_FULL,
							  pair.reply, sizeof(pair.reply), &pair.reply_length);
	assert_int_equal(error, HA_FRAME_REFUSED_FULL);
	assert_int_equal(ha_session_confirm(&pair.i, &pair.self_i, pair.reply, pair.reply_length), error);
}

/* Another release: its HELLO, signed with the right key, offers other versions. */
static HaFrameError
greet_versions(Pair *pair, uint16_t version_min, uint16_t version_max)
{
	HaReader body;
	HaFrameHead head;
	HaHello hello;
	HaWriter writer = ha_writer(pair->hello, sizeof(pair->hello));
	uint8_t mac[HA_MAC_BYTES];

	pair->hello_length = ha_session_hello(&pair->i, &pair->self_i, 2, pair->hello, sizeof(pair->hello));
	assert_int_equal(ha_frame_open(pair->hello, pair->hello_length, &head, &body), HA_FRAME_OK);
	ha_get_hello(&body, &hello);
	hello.version_min = version_min;
	hello.version_max = version_max;
	ha_frame_begin(&writer, &head);
	ha_put_hello(&writer, &hello);
	pair->hello_length = ha_frame_end(&writer);
	assert_true(ha_mac(pair->self_i.key.byte, pair->hello, pair->hello_length - HA_MAC_BYTES, mac));
	memcpy(pair->hello + pair->hello_length - HA_MAC_BYTES, mac, HA_MAC_BYTES);
	return ha_session_accept(&pair->a, &pair->self_a, pair->hello, pair->hello_length, HA_FRAME_OK, pair->reply,
							 sizeof(pair->reply), &pair->reply_length);
}

static void
test_versions_are_negotiated(void **state)
{
	Pair pair = sample_pair();

	(void) state;
	assert_int_equal(greet_versions(&pair, HA_FRAME_VERSION_MIN, HA_FRAME_VERSION_MAX + 5), HA_FRAME_OK);
	assert_int_equal(pair.a.version, HA_FRAME_VERSION_MAX);
	assert_int_equal(ha_session_confirm(&pair.i, &pair.self_i, pair.reply, pair.reply_length), HA_FRAME_OK);
	assert_int_equal(greet_versions(&pair, HA_FRAME_VERSION_MAX + 1, HA_FRAME_VERSION_MAX + 5),
					 HA_FRAME_REFUSED_VERSION);
	assert_true(pair.reply_length > 0);
	assert_int_equal(ha_session_confirm(&pair.i, &pair.self_i, pair.reply, pair.reply_length),
					 HA_FRAME_REFUSED_VERSION);
}

static void
test_nothing_can_be_replayed(void **state)
{
	Pair pair = sample_pair();
	Pair second = sample_pair();
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	uint8_t later[HA_FRAME_HELLO_MAX];
	uint8_t old_reply[HA_FRAME_HELLO_MAX];
	size_t length;
	size_t later_length;

	(void) state;
	make_ready(&pair);
	length = seal(&pair.i, HA_FRAME_STATUS, bytes, sizeof(bytes));
	later_length = seal(&pair.i, HA_FRAME_STATUS, later, sizeof(later));
	assert_int_equal(open_frame(&pair.a, later, later_length), HA_FRAME_OK);	/* a gap: frames may be dropped */
	assert_int_equal(open_frame(&pair.a, later, later_length), HA_FRAME_REPLAYED);
	assert_int_equal(open_frame(&pair.a, bytes, length), HA_FRAME_REPLAYED);

	/* Sent back to where it came from. */
	length = seal(&pair.i, HA_FRAME_STATUS, bytes, sizeof(bytes));
	assert_int_equal(open_frame(&pair.i, bytes, length), HA_FRAME_BAD_MAC);

	/* On another connection between the same two. */
	make_ready(&second);
	assert_int_equal(open_frame(&second.a, bytes, length), HA_FRAME_BAD_SESSION);

	/* The handshake of an earlier connection. */
	memcpy(old_reply, pair.reply, sizeof(old_reply));
	assert_int_equal(greet(&second, 2), HA_FRAME_OK);
	second = sample_pair();
	ha_session_hello(&second.i, &second.self_i, 2, second.hello, sizeof(second.hello));
	assert_int_equal(ha_session_confirm(&second.i, &second.self_i, old_reply, pair.reply_length),
					 HA_FRAME_REPLAYED);
	assert_int_equal(ha_session_accept(&second.a, &second.self_a, pair.hello, pair.hello_length, HA_FRAME_OK,
									   second.reply, sizeof(second.reply), &second.reply_length), HA_FRAME_OK);
	assert_int_equal(open_frame(&second.a, bytes, length), HA_FRAME_BAD_SESSION);
	assert_false(second.a.proven);
}

static void
test_ready_comes_first(void **state)
{
	Pair pair = sample_pair();
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	size_t length;

	(void) state;
	assert_int_equal(greet(&pair, 2), HA_FRAME_OK);
	length = seal(&pair.i, HA_FRAME_STATUS, bytes, sizeof(bytes));
	assert_int_equal(open_frame(&pair.a, bytes, length), HA_FRAME_BAD_ORDER);
	assert_int_equal(open_frame(&pair.a, pair.hello, pair.hello_length), HA_FRAME_BAD_ORDER);
	assert_int_equal(ha_session_confirm(&pair.i, &pair.self_i, pair.reply, pair.reply_length), HA_FRAME_BAD_ORDER);
}

/* Each bit of a frame and of the handshake: nothing that was changed on the way is accepted. */
static void
test_every_bit_is_signed(void **state)
{
	Pair pair = sample_pair();
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	uint8_t reply[HA_FRAME_HELLO_MAX];
	size_t reply_length;
	size_t length;

	(void) state;
	make_ready(&pair);
	length = seal(&pair.i, HA_FRAME_STATUS, bytes, sizeof(bytes));
	for (size_t bit = 0; bit < length * 8; bit++)
	{
		bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
		assert_int_not_equal(open_frame(&pair.a, bytes, length), HA_FRAME_OK);
		bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
	}
	assert_int_equal(open_frame(&pair.a, bytes, length), HA_FRAME_OK);
	for (size_t bit = 0; bit < pair.hello_length * 8; bit++)
	{
		pair.hello[bit / 8] ^= (uint8_t) (1u << bit % 8);
		assert_int_not_equal(ha_session_accept(&pair.a, &pair.self_a, pair.hello, pair.hello_length, HA_FRAME_OK,
											   reply, sizeof(reply), &reply_length), HA_FRAME_OK);
		assert_int_equal(reply_length, 0);
		pair.hello[bit / 8] ^= (uint8_t) (1u << bit % 8);
	}
	for (size_t bit = 0; bit < pair.reply_length * 8; bit++)
	{
		pair.i.keyed = false;
		pair.reply[bit / 8] ^= (uint8_t) (1u << bit % 8);
		assert_int_not_equal(ha_session_confirm(&pair.i, &pair.self_i, pair.reply, pair.reply_length),
							 HA_FRAME_OK);
		pair.reply[bit / 8] ^= (uint8_t) (1u << bit % 8);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends_come_to_trust),
		cmocka_unit_test(test_an_operator_learns_the_cluster),
		cmocka_unit_test(test_another_key_gets_no_answer),
		cmocka_unit_test(test_refusals_say_why),
		cmocka_unit_test(test_versions_are_negotiated),
		cmocka_unit_test(test_nothing_can_be_replayed),
		cmocka_unit_test(test_ready_comes_first),
		cmocka_unit_test(test_every_bit_is_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
