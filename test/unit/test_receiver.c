/*
 * test_receiver.c: how a member says who it is, R33.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "wire/receiver.h"

#define LIFE "000102030405060708090a0b0c0d0eff"

static HaReceiver
sample(HaTerm term)
{
	HaReceiver receiver = {.joined_term = term};

	for (size_t i = 0; i < sizeof(receiver.incarnation.byte); i++)
		receiver.incarnation.byte[i] = (uint8_t) i;
	receiver.incarnation.byte[15] = 0xff;
	return receiver;
}

static void
test_there_and_back(void **state)
{
	const HaTerm term[] = {0, 7, HA_TERM_MAX};

	(void) state;
	for (size_t i = 0; i < sizeof(term) / sizeof(term[0]); i++)
	{
		HaReceiver receiver = sample(term[i]);
		HaReceiver again = {0};
		char option[HA_RECEIVER_SIZE];

		ha_receiver_print(&receiver, option);
		assert_true(ha_receiver_parse(option, &again));
		assert_true(again.joined_term == term[i]);
		assert_true(ha_uuid_equal(&again.incarnation, &receiver.incarnation));
	}
}

static void
test_text(void **state)
{
	HaReceiver receiver = sample(7);
	char option[HA_RECEIVER_SIZE];

	(void) state;
	ha_receiver_print(&receiver, option);
	assert_string_equal(option, "-c pg_haops.receiver=7/" LIFE);
	assert_true(ha_receiver_parse("-c work_mem=1MB -c pg_haops.receiver=8/" LIFE " -c a=b", &receiver));
	assert_int_equal(receiver.joined_term, 8);
}

static void
test_what_is_no_receiver(void **state)
{
	static const char *const bad[] = {
		"",
		"-c pg_haops.receive=7/" LIFE,
		"-c pg_haops.receiver=",
		"-c pg_haops.receiver=/" LIFE,
		"-c pg_haops.receiver=7",
		"-c pg_haops.receiver=7/",
		"-c pg_haops.receiver=-7/" LIFE,
		"-c pg_haops.receiver=+7/" LIFE,
		"-c pg_haops.receiver=7 /" LIFE,
		"-c pg_haops.receiver=7/" LIFE "0",
		"-c pg_haops.receiver=7/000102030405060708090a0b0c0d0ef",
		"-c pg_haops.receiver=7/000102030405060708090a0b0c0d0eFF",
		"-c pg_haops.receiver=7/000102030405060708090a0b0c0d0e g",
		"-c pg_haops.receiver=99999999999999999999999999/" LIFE,
		"-c pg_haops.receiver=18446744073709551616/" LIFE,
	};
	HaReceiver receiver;

	(void) state;
	assert_false(ha_receiver_parse(NULL, &receiver));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		if (ha_receiver_parse(bad[i], &receiver))
			fail_msg("taken: %s", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_what_is_no_receiver),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
