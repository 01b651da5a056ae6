/*
 * place.c: see place.h.
 */
#include "test/unit/support/place.h"

#include <stdarg.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "test/unit/support/sample.h"

Place place[PLACES_MAX];
HaRegister place_register;

static bool
on_frame(void *self, HaLink link, const HaFrameHead *head, HaReader *body)
{
	Place *at = self;

	at->frames++;
	at->from = head->from;
	at->link = link;
	at->type = head->type;
	at->value = body->size >= 8 ? ha_get_u64(body) : 0;
	return head->type != HA_FRAME_REQUEST_R;
}

static void
on_up(void *self, HaId id)
{
	Place *at = self;

	assert_in_range(id, 1, HA_ID_MAX);
	at->ups++;
}

static void
on_log(void *self, HaSeverity severity, const char *text)
{
	Place *at = self;

	(void) severity;
	snprintf(at->log[at->logs % PLACE_LOGS_MAX], sizeof(at->log[0]), "%s", text);
	at->logs++;
}

HaSelf
place_self(HaId id, uint64_t run)
{
	HaSelf self = {.system_id = 5, .identity = {id, sample_uuid((uint8_t) id), run}};

	self.cluster = sample_uuid(0xC1);
	memset(self.key.byte, 0x5A, sizeof(self.key.byte));
	return self;
}

void
place_open_at(int at, HaSelf self, uint16_t port)
{
	HaPeersHandlers handlers = {&place[at], on_frame, on_up, on_log};
	HaPeersOptions options = {.self = self, .listen_host = "127.0.0.1", .listen_port = port, .promise_ms = 600,
		.beat_ms = 100};
	char error[256];

	memset(&place[at], 0, sizeof(place[at]));
	place[at].peers = ha_peers_open(&options, &handlers, error, sizeof(error));
	assert_non_null(place[at].peers);
	ha_peers_serve(place[at].peers, ha_clock_now().boot_us);
}

void
place_open(int at, HaSelf self)
{
	place_open_at(at, self, 0);
	assert_int_not_equal(ha_peers_port(place[at].peers), 0);
}

/* Tells the places about each other; place n has member n + 1. */
void
place_introduce(int count)
{
	static uint64_t number = 1;

	sample_register(&place_register);
	place_register.version.number = ++number;
	for (int i = 0; i < count; i++)
	{
		snprintf(place_register.member[i].peer_host, sizeof(place_register.member[i].peer_host), "127.0.0.1");
		place_register.member[i].peer_port = ha_peers_port(place[i].peers);
	}
	for (int i = count; i < 3; i++)
	{
		place_register.voters &= ~ha_set_of(place_register.member[i].id);
		place_register.rule.sync_set &= ~ha_set_of(place_register.member[i].id);
	}
	place_register.member_count = (uint32_t) count;
	for (int i = 0; i < count; i++)
		ha_peers_set_members(place[i].peers, &place_register);
}

void
place_close_all(void)
{
	for (int i = 0; i < PLACES_MAX; i++)
	{
		if (place[i].peers != NULL)
			ha_peers_close(place[i].peers);
		place[i].peers = NULL;
	}
}

/* One turn of all places; waits for sockets, ms at the most. */
void
place_turn(int ms)
{
	struct pollfd fds[PLACES_MAX];
	nfds_t count = 0;

	for (int i = 0; i < PLACES_MAX; i++)
	{
		if (place[i].peers == NULL)
			continue;
		ha_peers_serve(place[i].peers, ha_clock_now().boot_us);
		fds[count++] = (struct pollfd){.fd = ha_peers_fd(place[i].peers), .events = POLLIN};
	}
	(void) poll(fds, count, ms);
}

bool
place_logged(const Place *at, const char *words)
{
	for (uint32_t i = 0; i < at->logs && i < PLACE_LOGS_MAX; i++)
	{
		if (strstr(at->log[i], words) != NULL)
			return true;
	}
	return false;
}

bool
place_all_connected(int count)
{
	for (int i = 0; i < count; i++)
	{
		HaSet others = 0;

		for (int k = 0; k < count; k++)
			others |= k == i ? 0 : ha_set_of((HaId) k + 1);
		if (ha_peers_reaches(place[i].peers) != others || ha_peers_reached_by(place[i].peers) != others)
			return false;
	}
	return true;
}

/* A frame of a kind that the sockets do not look into, with one number in it. */
bool
place_say(Place *from, HaId to, uint64_t value)
{
	HaWriter *writer = ha_peers_begin(from->peers, to, HA_FRAME_MESSAGE);

	if (writer == NULL)
		return false;
	ha_put_u64(writer, value);
	return ha_peers_end(from->peers);
}

int
place_setup(void **state)
{
	(void) state;
	place_open(0, place_self(1, 1));
	place_open(1, place_self(2, 1));
	place_introduce(2);
	WAIT_UNTIL(place_all_connected(2));
	return 0;
}

int
place_teardown(void **state)
{
	(void) state;
	place_close_all();
	return 0;
}

/* ---- Strangers ---- */

int
stranger_connect(const Place *at)
{
	HaSocketAddress address;
	int fd;

	assert_true(ha_socket_address("127.0.0.1", ha_peers_port(at->peers), &address));
	fd = ha_socket_connect(&address);
	assert_true(fd >= 0);
	place_turn(5);
	return fd;
}

void
stranger_push(int fd, const void *bytes, size_t count)
{
	const uint8_t *from = bytes;

	while (count > 0)
	{
		ssize_t sent = send(fd, from, count, MSG_NOSIGNAL);

		if (sent < 0 && errno == EAGAIN)
		{
			place_turn(1);
			continue;
		}
		if (sent < 0)
			return;
		from += sent;
		count -= (size_t) sent;
	}
}

/* True when the other end has closed; *received counts what it said before. */
bool
stranger_closed(int fd, size_t *received)
{
	char bytes[4096];
	ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (got > 0 && received != NULL)
		*received += (size_t) got;
	return got == 0 || (got < 0 && errno != EAGAIN);
}

/* A whole frame from a socket, into bytes. */
size_t
stranger_pull(int fd, uint8_t *bytes, size_t size)
{
	size_t used = 0;
	size_t length = 0;

	for (int tries = 0; tries < 4000; tries++)
	{
		ssize_t got = recv(fd, bytes + used, size - used, MSG_DONTWAIT);

		if (got == 0 || (got < 0 && errno != EAGAIN))
			return 0;
		used += got > 0 ? (size_t) got : 0;
		assert_int_equal(ha_frame_length(bytes, used, size, &length), HA_FRAME_OK);
		if (length > 0 && used >= length)
			return length;
		place_turn(2);
	}
	return 0;
}

/* Goes through the handshake by hand; false when it was refused. */
bool
stranger_greet(int fd, const HaSelf *self, HaId to, HaSession *session)
{
	uint8_t bytes[HA_FRAME_HELLO_MAX];
	HaWriter writer;
	size_t length = ha_session_hello(session, self, to, bytes, sizeof(bytes));

	stranger_push(fd, bytes, length);
	length = stranger_pull(fd, bytes, sizeof(bytes));
	if (length == 0 || ha_session_confirm(session, self, bytes, length) != HA_FRAME_OK)
		return false;
	writer = ha_writer(bytes, sizeof(bytes));
	ha_session_begin(session, HA_FRAME_READY, &writer);
	stranger_push(fd, bytes, ha_session_seal(session, &writer));
	return true;
}

/* Both members go on talking whatever has just happened. */
void
place_assert_all_well(void)
{
	static uint64_t value = 1000;

	value++;
	assert_true(place_say(&place[0], 2, value));
	WAIT_UNTIL(place[1].value == value);
	assert_true(place_say(&place[1], 1, value));
	WAIT_UNTIL(place[0].value == value);
}
