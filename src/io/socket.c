/*
 * socket.c: see socket.h.
 */
#include "io/socket.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 64
#define DRAIN_READS_MAX 64

bool
ha_socket_address(const char *host, uint16_t port, HaSocketAddress *address)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found = NULL;
	char service[8];
	bool ok;

	memset(address, 0, sizeof(*address));
	snprintf(service, sizeof(service), "%u", (unsigned) port);
	if (host[0] == '\0' || getaddrinfo(host, service, &hints, &found) != 0)
		return false;
	ok = found != NULL && found->ai_addrlen <= sizeof(address->storage);
	if (ok)
	{
		memcpy(&address->storage, found->ai_addr, found->ai_addrlen);
		address->length = found->ai_addrlen;
	}
	freeaddrinfo(found);
	return ok;
}

void
ha_socket_text(const HaSocketAddress *address, char text[HA_SOCKET_TEXT_SIZE])
{
	char host[HA_SOCKET_TEXT_SIZE - 10];
	char port[8];
	bool six = address->storage.ss_family == AF_INET6;

	if (getnameinfo((const struct sockaddr *) &address->storage, address->length, host, sizeof(host), port,
					sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
		snprintf(text, HA_SOCKET_TEXT_SIZE, "an unknown address");
	else
		snprintf(text, HA_SOCKET_TEXT_SIZE, "%s%s%s:%s", six ? "[" : "", host, six ? "]" : "", port);
}

static int
make_socket(const HaSocketAddress *address)
{
	return socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
}

int
ha_socket_listen(const HaSocketAddress *address)
{
	const int on = 1;
	int fd = make_socket(address);

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
		bind(fd, (const struct sockaddr *) &address->storage, address->length) != 0 || listen(fd, BACKLOG) != 0)
	{
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int
ha_socket_accept(int listener, HaSocketAddress *from)
{
	from->length = sizeof(from->storage);
	return accept4(listener, (struct sockaddr *) &from->storage, &from->length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int
ha_socket_connect(const HaSocketAddress *address)
{
	int fd = make_socket(address);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *) &address->storage, address->length) != 0 && errno != EINPROGRESS)
	{
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

int
ha_socket_error(int fd)
{
	int error = 0;
	socklen_t length = sizeof(error);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0)
		return errno;
	return error;
}

/* All of these only make things better: a kernel that lacks one is no reason to give up the connection. */
static void
set_option(int fd, int level, int name, int value)
{
	(void) setsockopt(fd, level, name, &value, sizeof(value));
}

void
ha_socket_tune(int fd, uint32_t patience_ms)
{
	int seconds = patience_ms < 2000 ? 1 : (int) (patience_ms / 2000);

	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_option(fd, IPPROTO_TCP, TCP_THIN_LINEAR_TIMEOUTS, 1);
	set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int) patience_ms);
	set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, seconds);
	set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, seconds);
	set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 2);
	set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

/* The bytes of an address without its port; NULL for other families. */
static const void *
address_bytes(const struct sockaddr_storage *storage, size_t *count)
{
	if (storage->ss_family == AF_INET)
	{
		*count = sizeof(struct in_addr);
		return &((const struct sockaddr_in *) storage)->sin_addr;
	}
	if (storage->ss_family == AF_INET6)
	{
		*count = sizeof(struct in6_addr);
		return &((const struct sockaddr_in6 *) storage)->sin6_addr;
	}
	*count = 0;
	return NULL;
}

bool
ha_socket_is_local(int fd)
{
	struct sockaddr_storage here;
	struct sockaddr_storage there;
	socklen_t here_length = sizeof(here);
	socklen_t there_length = sizeof(there);
	size_t here_count;
	size_t there_count;
	const void *a;
	const void *b;

	if (getsockname(fd, (struct sockaddr *) &here, &here_length) != 0 ||
		getpeername(fd, (struct sockaddr *) &there, &there_length) != 0)
		return false;
	a = address_bytes(&here, &here_count);
	b = address_bytes(&there, &there_count);
	return a != NULL && b != NULL && here_count == there_count && memcmp(a, b, here_count) == 0;
}

uint16_t
ha_socket_port(int fd)
{
	struct sockaddr_storage here;
	socklen_t length = sizeof(here);

	if (getsockname(fd, (struct sockaddr *) &here, &length) != 0)
		return 0;
	if (here.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *) &here)->sin_port);
	if (here.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *) &here)->sin6_port);
	return 0;
}

void
ha_socket_close(int fd)
{
	char rest[4096];

	(void) shutdown(fd, SHUT_WR);
	for (int i = 0; i < DRAIN_READS_MAX && recv(fd, rest, sizeof(rest), MSG_DONTWAIT) > 0; i++)
		;
	close(fd);
}
