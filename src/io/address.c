/*
 * address.c: see address.h.
 */
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>

#include "io/address.h"

static bool
public_ip4(uint32_t ip)
{
	static const struct
	{
		uint32_t net;
		int bits;
	} closed[] = {
		{0x00000000, 8}, {0x0A000000, 8}, {0x64400000, 10}, {0x7F000000, 8}, {0xA9FE0000, 16}, {0xAC100000, 12},
		{0xC0000000, 24}, {0xC0000200, 24}, {0xC0A80000, 16}, {0xC6120000, 15}, {0xC6336400, 24}, {0xCB007100, 24},
		{0xE0000000, 3},
	};

	for (size_t i = 0; i < sizeof(closed) / sizeof(closed[0]); i++)
		if ((ip ^ closed[i].net) >> (32 - closed[i].bits) == 0)
			return false;
	return true;
}

static uint32_t
ip4_in(const uint8_t *bytes)
{
	return (uint32_t) bytes[0] << 24 | (uint32_t) bytes[1] << 16 | (uint32_t) bytes[2] << 8 | bytes[3];
}

/* Only 2000::/3 is routed; within it, what wraps or documents an address does not count as public. */
static bool
public_ip6(const uint8_t *ip)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
	static const uint8_t nat64[12] = {0, 0x64, 0xFF, 0x9B};

	if (memcmp(ip, mapped, sizeof(mapped)) == 0 || memcmp(ip, nat64, sizeof(nat64)) == 0)
		return public_ip4(ip4_in(ip + 12));
	if ((ip[0] & 0xE0) != 0x20)
		return false;
	if (ip[0] == 0x20 && ip[1] == 0x02)
		return public_ip4(ip4_in(ip + 2));
	return !(ip[0] == 0x20 && ip[1] == 0x01 && (ip[2] < 0x02 || (ip[2] == 0x0D && ip[3] == 0xB8)));
}

bool
ha_address_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return public_ip4(ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr));
	if (address->sa_family == AF_INET6)
		return public_ip6(((const struct sockaddr_in6 *) address)->sin6_addr.s6_addr);
	return false;
}
