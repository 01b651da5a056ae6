/*
 * members.h: what is shown of a member, in the words that SQL, the program and the documentation share.
 *
 * Pure; by the status of any member, best by the leader's.
 */
#ifndef HA_OPS_MEMBERS_H
#define HA_OPS_MEMBERS_H

#include "wire/status.h"

typedef struct HaMemberRow
{
	const HaMember *member;
	const HaSummary *summary;	/* NULL = nothing is known of it */
	const char *kind;			/* data, witness */
	const char *role;			/* leader, standby, learner, witness */
	const char *state;			/* one word or two: what is to be said of it first */
	const char *sync;			/* quorum, async; NULL for the leader and witnesses */
	bool votes;
	bool well;					/* it is where it should be, and answers */
	HaLsn lsn;					/* 0 = unknown */
	HaTli tli;					/* the same */
	int64_t lag_bytes;			/* behind the leader; -1 = unknown */
	int64_t seen_ms;			/* since its last answer to the leader; -1 = never, or nobody leads */
	int64_t lease_ms;			/* of the leader, by its own word; -1 = unknown, or another member */
} HaMemberRow;

/* The row points into the status. */
extern HaMemberRow ha_members_row(const HaStatus *status, const HaMember *member);

/* Name of a member, NULL when the status knows none of this number. */
extern const char *ha_members_name(const HaStatus *status, HaId id);

/* Names of the blocks that are set (R18), one by one: bit by bit, NULL when there are no more. *bit is 0 at first. */
extern const char *ha_members_next_block(uint32_t blocks, int *bit);

#endif
