/*
 * address.h: which addresses belong to the public internet.
 */
#ifndef HA_IO_ADDRESS_H
#define HA_IO_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/*
 * True for an address that is routed on the public internet. Loopback, link-local, private, shared, multicast,
 * reserved and documentation addresses are not, nor is anything that wraps one of them (IPv4 in IPv6, NAT64, 6to4),
 * nor another family (reliability.md 6.14).
 */
extern bool ha_address_public(const struct sockaddr *address);

#endif
