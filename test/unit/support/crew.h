/*
 * crew.h: a few whole members in one process: engines with their state files and real sockets on the loopback
 * interface, and a PostgreSQL of a few lines beside each that has data.
 */
#ifndef HA_TEST_UNIT_SUPPORT_CREW_H
#define HA_TEST_UNIT_SUPPORT_CREW_H

#include "drive/engine.h"
#include "io/clock.h"
#include "test/unit/support/folder.h"

#define CREW_MAX 3
#define CREW_PROMISE_MS 600
#define CREW_BEAT_MS 100
#define CREW_LIMIT_US (30 * 1000 * HA_US_PER_MS)

typedef struct Hand
{
	HaId id;
	Folder folder;
	HaStore store;
	HaEngine *engine;			/* NULL = not running */
	HaPg pg;
	bool data;
	bool promoting;
	uint64_t drain;				/* gate generation to be answered, 0 = none */
	bool rejoining;				/* it was asked for */
	HaUs lease_us;				/* as in shared memory */
	uint32_t closes;			/* of the lease */
	uint32_t members_told;
	uint32_t own_events;
	uint32_t heard_events;
	HaReply reply;				/* last answer to an own request */
	uint32_t replies;
} Hand;

/* Member n is crew[n]; [0] is not used. */
extern Hand crew[CREW_MAX + 1];

/* `data` members with ids 1.., then witnesses, all started; nobody leads yet. */
extern void crew_begin(int data, int witnesses);
extern void crew_end(void);

extern void crew_start(HaId id);
extern void crew_kill(HaId id);	/* without a word */

/* One turn of all; waits for sockets, ms at the most. */
extern void crew_turn(int ms);

/* Who is open for writes with a valid lease, 0 = nobody. Fails the test when there are two. */
extern HaId crew_leader(void);

/* True when every running member follows this leader, and has its register. */
extern bool crew_agrees(HaId leader);

extern uint16_t crew_port(HaId id);

/* A port that nobody uses at this moment. */
extern uint16_t crew_free_port(void);

/* In a child process: closes all descriptors that it inherited, so that it is no second crew. */
extern void crew_forget(void);

/* The cluster's key, and a self for sessions by hand. */
extern const HaKey *crew_key(void);

/* Turns all until the condition holds; the test fails when it does not in time. */
#define CREW_UNTIL(condition) \
	do { \
		HaUs until_us_ = ha_clock_now().boot_us + CREW_LIMIT_US; \
		while (!(condition)) \
		{ \
			assert_true(ha_clock_now().boot_us < until_us_); \
			crew_turn(5); \
		} \
	} while (0)

#endif
