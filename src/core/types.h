/*
 * types.h: the few types that every floor shares.
 *
 * Promises: no pointers into the world, no units left unsaid. Identifiers are compared, never computed with,
 * except where a function here says so.
 */
#ifndef HA_CORE_TYPES_H
#define HA_CORE_TYPES_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Number of an election. Never goes back on a member (R3, R7). 0 = before the first election. */
typedef uint64_t HaTerm;

/* A position in the write-ahead log, in bytes, as PostgreSQL counts them. 0 = unknown. */
typedef uint64_t HaLsn;

/* PostgreSQL's timeline number. Not unique between members that were promoted apart (E9). 0 = unknown. */
typedef uint32_t HaTli;

/* Microseconds of a monotonic clock. Only differences between two values of one clock mean anything. */
typedef int64_t HaUs;

#define HA_US_PER_MS ((HaUs) 1000)
#define HA_US_NEVER INT64_MAX

/*
 * One reading of both clocks, taken together. BOOTTIME goes on while the machine is suspended, MONOTONIC does not.
 * A lease must not run slow, so it is counted by boot_us alone; a promise must not run fast, so it is over only
 * when both say so (R9).
 */
typedef struct HaNow
{
	HaUs boot_us;
	HaUs mono_us;
} HaNow;

/* Members have small numbers, 1..HA_ID_MAX, so that a set of members is a word: bit `id` of a HaSet. */
#define HA_ID_MAX 31
#define HA_MEMBERS_MAX 16

typedef uint32_t HaId;			/* 0 = nobody */
typedef uint32_t HaSet;

/* 128 random bits: of a cluster, or of one life of a member's state (its incarnation, R1). */
typedef struct HaUuid
{
	uint8_t byte[16];
} HaUuid;

static inline bool
ha_uuid_equal(const HaUuid *a, const HaUuid *b)
{
	return memcmp(a->byte, b->byte, sizeof(a->byte)) == 0;
}

/* Whose WAL, and how far: positions are compared by (wal_term, lsn) and by nothing else (R12). */
typedef struct HaPosition
{
	HaTerm wal_term;			/* term of the epoch that the last byte belongs to */
	HaLsn lsn;					/* end of the WAL that is held */
} HaPosition;

/* -1, 0 or 1, as a is behind, level with or ahead of b (R12). */
static inline int
ha_position_compare(HaPosition a, HaPosition b)
{
	if (a.wal_term != b.wal_term)
		return a.wal_term < b.wal_term ? -1 : 1;
	if (a.lsn != b.lsn)
		return a.lsn < b.lsn ? -1 : 1;
	return 0;
}

/* Bounds for numbers that come from outside; what is beyond them is refused, not clipped. */
#define HA_TERM_MAX (UINT64_C(1) << 62)
#define HA_TERM_JUMP_MAX (UINT64_C(1) << 32)

#endif
