/*
 * place.h: a few members' sockets in one process, on the loopback interface, and strangers who knock at them.
 */
#ifndef HA_TEST_UNIT_SUPPORT_PLACE_H
#define HA_TEST_UNIT_SUPPORT_PLACE_H

#include "io/clock.h"
#include "io/peer.h"
#include "io/socket.h"

#define PLACES_MAX 4
#define PLACE_LIMIT_US (20 * 1000 * HA_US_PER_MS)
#define PLACE_LOGS_MAX 64

/* One member's sockets, and what it was told. */
typedef struct Place
{
	HaPeers *peers;
	uint32_t frames;
	uint32_t ups;
	HaIdentity from;			/* of the last frame */
	HaLink link;				/* the same */
	uint32_t type;
	uint64_t value;				/* first number in its body, when it has one */
	uint32_t logs;
	char log[PLACE_LOGS_MAX][256];
} Place;

/* Place n is member n + 1. */
extern Place place[PLACES_MAX];
extern HaRegister place_register;	/* that the places were introduced by */

/* Turns all places until the condition holds; the test fails when it does not in time. */
#define WAIT_UNTIL(condition) \
	do { \
		HaUs until_us_ = ha_clock_now().boot_us + PLACE_LIMIT_US; \
		while (!(condition)) \
		{ \
			assert_true(ha_clock_now().boot_us < until_us_); \
			place_turn(5); \
		} \
	} while (0)

/* Two members, connected. */
extern int place_setup(void **state);
extern int place_teardown(void **state);

/* Member `id` in this run, with the cluster's key. */
extern HaSelf place_self(HaId id, uint64_t run);

/* Opens the place of a member on any free port; on this one, whether it can be had now or not. */
extern void place_open(int at, HaSelf self);
extern void place_open_at(int at, HaSelf self, uint16_t port);

/* Tells the first `count` places about each other. */
extern void place_introduce(int count);
extern void place_close_all(void);

/* One turn of all places; waits for sockets, ms at the most. */
extern void place_turn(int ms);
extern bool place_all_connected(int count);
extern bool place_logged(const Place *at, const char *words);

/* Sends a frame of a kind that the sockets do not look into, with one number in it. */
extern bool place_say(Place *from, HaId to, uint64_t value);

/* The first two members talk, whatever has just happened. */
extern void place_assert_all_well(void);

/* ---- Strangers ---- */

extern int stranger_connect(const Place *at);
extern void stranger_push(int fd, const void *bytes, size_t count);

/* True when the other end has closed; *received counts what it said before. */
extern bool stranger_closed(int fd, size_t *received);

/* A whole frame from a socket, into bytes; 0 when none came. */
extern size_t stranger_pull(int fd, uint8_t *bytes, size_t size);

/* Goes through the handshake by hand; false when it was refused. */
extern bool stranger_greet(int fd, const HaSelf *self, HaId to, HaSession *session);

#endif
