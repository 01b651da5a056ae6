/*
 * address.c: see address.h.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "io/address.h"
#include "io/socket.h"

/* ---- As people write them ---- */

static bool
read_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < 1 || number > 65535)
		return false;
	*port = (uint16_t) number;
	return true;
}

/* Four numbers for IPv4: not the short forms ("127.1", "1") that the resolver takes as well. */
static bool
numeric(const char *host)
{
	struct in_addr ip4;
	HaSocketAddress address;

	if (strchr(host, ':') == NULL)
		return inet_pton(AF_INET, host, &ip4) == 1;
	return ha_socket_address(host, 1, &address);
}

bool
ha_address_split(const char *text, char host[HA_HOST_SIZE], uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	const char *first = strchr(text, ':');
	size_t length;

	/* A bare IPv6 address has colons of its own: with a port it stands in brackets. */
	if (text[0] == '[')
	{
		const char *bracket = strchr(text, ']');

		if (bracket == NULL || (bracket[1] != '\0' && bracket[1] != ':'))
			return false;
		colon = bracket[1] == ':' ? bracket + 1 : NULL;
		length = (size_t) (bracket - text) - 1;
		text++;
	}
	else
	{
		colon = colon == first ? colon : NULL;
		length = colon != NULL ? (size_t) (colon - text) : strlen(text);
	}
	if (length == 0 || length >= HA_HOST_SIZE || (colon == NULL && *port == 0))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	return (colon == NULL || read_port(colon + 1, port)) && numeric(host);
}

/* ---- Which are public ---- */

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
