/*
 * test_address.c: addresses as people write them, and which of them are public (io/address).
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/un.h>
#include <cmocka.h>

#include "io/address.h"

static bool
is_public(const char *text)
{
	struct sockaddr_in ip4 = {.sin_family = AF_INET};
	struct sockaddr_in6 ip6 = {.sin6_family = AF_INET6};

	if (inet_pton(AF_INET, text, &ip4.sin_addr) == 1)
		return ha_address_public((const struct sockaddr *) &ip4);
	assert_int_equal(inet_pton(AF_INET6, text, &ip6.sin6_addr), 1);
	return ha_address_public((const struct sockaddr *) &ip6);
}

static void
test_public(void **state)
{
	static const char *const yes[] = {
		"8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
		"128.0.0.0",
		"169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
		"198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8",
		"64:ff9b::808:808", "2002:808:808::1",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(is_public(yes[i]));
}

static void
test_not_public(void **state)
{
	static const char *const no[] = {
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
		"127.255.255.254",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.168.0.1", "198.18.0.1",
		"198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::", "::1", "fe80::1", "fc00::1", "fdff::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
		"64:ff9b::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:db8::1", "2001::1", "::7f00:1", "4000::1",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(is_public(no[i]));
}

static void
test_other_families(void **state)
{
	struct sockaddr_un local = {.sun_family = AF_UNIX};

	(void) state;
	assert_false(ha_address_public((const struct sockaddr *) &local));
}

static void
is_address(const char *text, uint16_t port_default, const char *host_wanted, uint16_t port_wanted)
{
	char host[HA_HOST_SIZE];
	uint16_t port = port_default;

	assert_true(ha_address_split(text, host, &port));
	assert_string_equal(host, host_wanted);
	assert_int_equal(port, port_wanted);
}

static void
is_none(const char *text, uint16_t port_default)
{
	char host[HA_HOST_SIZE];
	uint16_t port = port_default;

	assert_false(ha_address_split(text, host, &port));
}

static void
test_split(void **state)
{
	(void) state;
	is_address("127.0.0.1:5432", 0, "127.0.0.1", 5432);
	is_address("127.0.0.1", 5433, "127.0.0.1", 5433);
	is_address("[::1]:5432", 0, "::1", 5432);
	is_address("[::1]", 5433, "::1", 5433);
	is_address("::1", 5433, "::1", 5433);
	is_address("fd00::1:2", 5433, "fd00::1:2", 5433);
	is_none("127.0.0.1", 0);
	is_none("127.1:5432", 0);
	is_none("1:5432", 0);
	is_none("::1", 0);
	is_none("", 1);
	is_none("db1:5432", 0);
	is_none("localhost:5432", 0);
	is_none("127.0.0.1:", 0);
	is_none("127.0.0.1:0", 0);
	is_none("127.0.0.1:65536", 0);
	is_none("127.0.0.1:-1", 0);
	is_none("127.0.0.1:5432x", 0);
	is_none("127.0.0.1: 5432", 0);
	is_none("[::1:5432", 0);
	is_none("[::1]5432", 0);
	is_none("[]:5432", 0);
	is_none(":5432", 0);
	is_none("1111111111111111111111111111111111111111111111111111111111111111111111:5432", 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_public),
		cmocka_unit_test(test_not_public),
		cmocka_unit_test(test_other_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
