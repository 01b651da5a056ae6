/*
 * address.h: addresses as people write them, and which of them belong to the public internet.
 */
#ifndef HA_IO_ADDRESS_H
#define HA_IO_ADDRESS_H

#include <sys/socket.h>

#include "core/register.h"

/*
 * "1.2.3.4:5", "[::1]:5", or without the port, then also "::1", into a numeric host and a port. *port on entry is the
 * default, 0 = there is none: the port must be there. False for anything else, names above all: nobody is asked (R24);
 * host and port are undefined then.
 */
extern bool ha_address_split(const char *text, char host[HA_HOST_SIZE], uint16_t *port);

/*
 * True for an address that is routed on the public internet. Loopback, link-local, private, shared, multicast,
 * reserved and documentation addresses are not, nor is anything that wraps one of them (IPv4 in IPv6, NAT64, 6to4),
 * nor another family (reliability.md 6.14).
 */
extern bool ha_address_public(const struct sockaddr *address);

#endif
