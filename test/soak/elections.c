/*
 * elections.c: N elections of one cluster in one process, whose memory and descriptors must not grow.
 *
 *	elections DATA WITNESSES N
 *
 * The members are those of the unit tests (test/unit/support/crew): whole engines with their state files, their sockets
 * on loopback and their real clocks; PostgreSQL is a few lines. In nine elections of ten the leader says its last will
 * and ends, as at a switchover or a stop; in the tenth it ends without a word, and the others wait for its promise. It
 * is started again as a follower, and the next election begins when all agree. The others live through all of it.
 *
 * Built with AddressSanitizer: any error ends it, and what is lost is told at the end. What could grow without being
 * lost (lists, queues, descriptors) is measured whenever all is settled: the bytes that the allocator has given out,
 * to the byte, and the open descriptors. A connection that is just being made beside another one holds buffers and a
 * descriptor; so when there is more than is allowed, the least of the next two seconds counts. Then no descriptor more
 * is allowed, and 16 kB for what the C library keeps (the buffer of standard output, for one): over 1,000 elections a
 * leak of 17 bytes in each is seen.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test/unit/support/crew.h"

#define SAMPLE_EVERY 50
#define WARM_UP 50				/* elections before the first sample */
#define ALLOWED_BYTES 16384
#define PATIENCE_US (2000 * HA_US_PER_MS)

/* AddressSanitizer's; gcc brings no header for it. */
extern size_t __sanitizer_get_current_allocated_bytes(void);

typedef struct Sample
{
	size_t bytes;
	unsigned fds;
} Sample;

static HaId member_count;

static unsigned
open_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count - 3;			/* ".", ".." and the folder itself */
}

/* All follow one leader, hold its register and its WAL. */
static bool
settled(void)
{
	HaId leader = crew_leader();

	if (leader == 0 || !crew_agrees(leader))
		return false;
	for (HaId id = 1; id <= member_count; id++)
	{
		if (crew[id].data && crew[id].pg.flush_lsn != crew[leader].pg.flush_lsn)
			return false;
	}
	return true;
}

static void
say_last_will(HaId leader)
{
	Hand *hand = &crew[leader];

	ha_engine_resign(hand->engine, HA_RESIGN_STOPPING);
	if (hand->drain != 0)
		ha_engine_drained(hand->engine, hand->drain, hand->pg.flush_lsn);
	hand->drain = 0;
	ha_engine_flush(hand->engine, 100 * HA_US_PER_MS);
}

static void
elect(uint32_t number)
{
	HaId leader = crew_leader();
	HaTerm term = ha_engine_node(crew[leader].engine)->hard.term;

	if (number % 10 != 0)
		say_last_will(leader);
	crew_kill(leader);
	CREW_UNTIL(crew_leader() != 0);
	assert_int_not_equal(crew_leader(), leader);
	assert_true(ha_engine_node(crew[crew_leader()].engine)->hard.term > term);
	crew_start(leader);
	CREW_UNTIL(settled());
}

static bool
exceeds(Sample sample, Sample first)
{
	return sample.bytes > first.bytes + ALLOWED_BYTES || sample.fds > first.fds;
}

static Sample
look(void)
{
	return (Sample){__sanitizer_get_current_allocated_bytes(), open_descriptors()};
}

static Sample
take_sample(const Sample *first)
{
	HaUs until_us = ha_clock_now().boot_us + PATIENCE_US;
	Sample sample = look();

	while (first != NULL && exceeds(sample, *first) && ha_clock_now().boot_us < until_us)
	{
		crew_turn(5);
		sample = look();
	}
	return sample;
}

static void
tell(uint32_t number, Sample sample, HaUs begun_us)
{
	printf("elections: %5u, term %" PRIu64 ", %zu bytes, %u descriptors, %.1f s\n", (unsigned) number,
		   ha_engine_node(crew[1].engine)->hard.term, sample.bytes, sample.fds,
		   (double) (ha_clock_now().mono_us - begun_us) / 1e6);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	HaUs begun_us = ha_clock_now().mono_us;
	Sample first = {0};
	int data = argc == 4 ? atoi(argv[1]) : 0;
	int witnesses = argc == 4 ? atoi(argv[2]) : 0;
	long wanted = argc == 4 ? atol(argv[3]) : 0;
	bool grew = false;

	if (data < 2 || witnesses < 0 || data + witnesses > CREW_MAX || wanted <= WARM_UP || wanted > 1000000)
	{
		fprintf(stderr, "usage: elections DATA WITNESSES N\n");
		return 2;
	}
	member_count = (HaId) (data + witnesses);
	crew_begin(data, witnesses);
	CREW_UNTIL(settled());
	for (uint32_t number = 1; number <= (uint32_t) wanted; number++)
	{
		Sample sample;

		elect(number);
		if (number % SAMPLE_EVERY != 0)
			continue;
		sample = take_sample(number > WARM_UP ? &first : NULL);
		tell(number, sample, begun_us);
		if (number == WARM_UP)
			first = sample;
		else
			grew |= exceeds(sample, first);
	}
	crew_end();
	printf("elections: %ld of %d data members and %d others: %s\n", wanted, data, witnesses,
		   grew ? "memory or descriptors grew" : "no growth");
	return grew ? 1 : 0;
}
