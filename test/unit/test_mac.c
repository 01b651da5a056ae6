/*
 * test_mac.c: HMAC-SHA-256, comparison, random bytes.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "io/mac.h"

/* printf 'Hi There' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0b... (32 bytes) */
static const uint8_t wanted[HA_MAC_BYTES] = {
	0x19, 0x8a, 0x60, 0x7e, 0xb4, 0x4b, 0xfb, 0xc6, 0x99, 0x03, 0xa0, 0xf1, 0xcf, 0x2b, 0xbd, 0xc5,
	0xba, 0x0a, 0xa3, 0xf3, 0xd9, 0xae, 0x3c, 0x1c, 0x7a, 0x3b, 0x16, 0x96, 0xa0, 0xb6, 0x8c, 0xf7,
};

static void
test_known_answer(void **state)
{
	uint8_t key[HA_MAC_KEY_BYTES];
	uint8_t mac[HA_MAC_BYTES];

	(void) state;
	memset(key, 0x0b, sizeof(key));
	assert_true(ha_mac(key, "Hi There", 8, mac));
	assert_memory_equal(mac, wanted, sizeof(mac));
	assert_true(ha_mac(key, "Hi Ther", 7, mac));
	assert_memory_not_equal(mac, wanted, sizeof(mac));
}

static void
test_every_bit_is_compared(void **state)
{
	uint8_t other[HA_MAC_BYTES];

	(void) state;
	memcpy(other, wanted, sizeof(other));
	assert_true(ha_mac_equal(other, wanted));
	for (int bit = 0; bit < HA_MAC_BYTES * 8; bit++)
	{
		other[bit / 8] ^= (uint8_t) (1u << bit % 8);
		assert_false(ha_mac_equal(other, wanted));
		other[bit / 8] ^= (uint8_t) (1u << bit % 8);
	}
}

static void
test_random_and_wiped(void **state)
{
	uint8_t a[64];
	uint8_t b[64];

	(void) state;
	assert_true(ha_mac_random(a, sizeof(a)) && ha_mac_random(b, sizeof(b)));
	assert_memory_not_equal(a, b, sizeof(a));
	memset(b, 0, sizeof(b));
	assert_memory_not_equal(a + 32, b, 32);
	ha_mac_wipe(a, sizeof(a));
	assert_memory_equal(a, b, sizeof(a));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_answer),
		cmocka_unit_test(test_every_bit_is_compared),
		cmocka_unit_test(test_random_and_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
