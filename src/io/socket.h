/*
 * socket.h: TCP sockets to numeric addresses, non-blocking from the first moment.
 *
 * Nothing here asks a resolver or waits (R24). Errors are errno; every descriptor is close-on-exec.
 */
#ifndef HA_IO_SOCKET_H
#define HA_IO_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define HA_SOCKET_TEXT_SIZE 64	/* "[address]:port" with the closing zero */

typedef struct HaSocketAddress
{
	struct sockaddr_storage storage;
	socklen_t length;
} HaSocketAddress;

/* False when the host is no numeric IPv4 or IPv6 address (with a scope, where it needs one). */
extern bool ha_socket_address(const char *host, uint16_t port, HaSocketAddress *address);

/* "1.2.3.4:5" or "[::1]:5". */
extern void ha_socket_text(const HaSocketAddress *address, char text[HA_SOCKET_TEXT_SIZE]);

/* A listening socket; -1 with errno. */
extern int ha_socket_listen(const HaSocketAddress *address);

/* The next connection that waits, -1 with errno when none (EAGAIN) or on an error. */
extern int ha_socket_accept(int listener, HaSocketAddress *from);

/* Begins to connect: writable when it has ended, then ask ha_socket_error(). -1 with errno. */
extern int ha_socket_connect(const HaSocketAddress *address);

/* The error that a socket has met, 0 = none. */
extern int ha_socket_error(int fd);

/*
 * No delay for small frames, and a dead other end is noticed: data that is not acknowledged for patience_ms breaks the
 * connection, and so does silence to the kernel's own questions on an idle one. Retransmissions of thin streams are
 * not spread out at first, so that a short interruption is over when it is over.
 */
extern void ha_socket_tune(int fd, uint32_t patience_ms);

/* True when both ends have the same address: the other end is on this machine. */
extern bool ha_socket_is_local(int fd);

/* The port of a listening socket, 0 on an error. */
extern uint16_t ha_socket_port(int fd);

/* Reads what is left, so that closing does not become a reset that could overtake what was sent; then closes. */
extern void ha_socket_close(int fd);

#endif
