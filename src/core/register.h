/*
 * register.h: the one small record that a majority has persisted (R25 to R30).
 *
 * Only the leader of a term writes it, with growing versions; it starts its term by writing what it holds under
 * (term, 1). A version counts when a majority of its voters (and of the previous voters, while the list itself is
 * changing) has persisted it. Everything that the members must agree on stands in it: who votes, the synchronous
 * rule, the pause, the epoch chain of the leader.
 */
#ifndef HA_CORE_REGISTER_H
#define HA_CORE_REGISTER_H

#include "core/chain.h"
#include "core/quorum.h"
#include "core/types.h"

#define HA_NAME_SIZE 32			/* of a member or a cluster, with the closing zero */
#define HA_HOST_SIZE 64			/* a numeric address, with the closing zero: the ha worker asks no DNS (R24) */

/* What a member is. */
#define HA_MEMBER_DATA 0x1		/* has a PostgreSQL data directory; without it: a witness */

typedef struct HaMember
{
	HaId id;
	HaUuid incarnation;			/* of its present life; a member that lost its state comes back with another (R4) */
	uint32_t flags;				/* HA_MEMBER_... */
	uint32_t priority;			/* decides between equal positions, higher first; 0 = never a leader */
	char name[HA_NAME_SIZE];
	char peer_host[HA_HOST_SIZE];
	char sql_host[HA_HOST_SIZE];	/* empty for a witness */
	uint16_t peer_port;
	uint16_t sql_port;
} HaMember;

/* (term of the leader that wrote it, number within the term): compared in this order. {0, 0} = no register yet. */
typedef struct HaVersion
{
	HaTerm term;
	uint64_t number;
} HaVersion;

typedef struct HaRegister
{
	HaVersion version;
	HaId leader;				/* who wrote this version (R15's last leader) */

	/* Members. A data member or witness that is no voter is a learner (R30). */
	uint32_t member_count;
	HaMember member[HA_MEMBERS_MAX];
	HaSet voters;
	HaSet voters_previous;		/* the list before, while a change of it is uncommitted; else 0 (R20, R26) */

	/* Synchronous rule in force, and what the operator wants of it. */
	HaSyncRule rule;
	uint32_t k_wanted;			/* 0 = asynchronous; else as many as are alive, at the most this many */
	uint32_t k_min;				/* never go below this by oneself; writes wait instead */

	bool paused;				/* no elections; the leader goes on without a lease (R29) */

	HaChain chain;				/* of the leader: what a follower compares its WAL with */
	HaTli tli_max;				/* highest timeline number ever registered (R17) */
	HaTerm checkpoint_term;		/* the leader of this term has a checkpoint on its timeline: rewinding is safe (R38) */
	HaTerm forced_term;			/* last term that was forced by an operator, 0 = none (R42) */
} HaRegister;

/* -1, 0 or 1. */
static inline int
ha_version_compare(HaVersion a, HaVersion b)
{
	if (a.term != b.term)
		return a.term < b.term ? -1 : 1;
	if (a.number != b.number)
		return a.number < b.number ? -1 : 1;
	return 0;
}

/*
 * True when the register could have been written by this code: bounds, unique ids and names, voters are members,
 * a sync set of data members, a valid chain. Asked of every register that comes from outside.
 */
extern bool ha_register_valid(const HaRegister *reg);

/* The member with this id, NULL when there is none. */
extern const HaMember *ha_register_member(const HaRegister *reg, HaId id);

/* The same, to be changed (by the leader, in the value it is about to write). */
extern HaMember *ha_register_member_mut(HaRegister *reg, HaId id);

/* All members; those with data; those with data that vote. */
extern HaSet ha_register_members(const HaRegister *reg);
extern HaSet ha_register_data(const HaRegister *reg);
extern HaSet ha_register_data_voters(const HaRegister *reg);

/* True when the member may become leader by what the register says: a data voter with a priority (R18). */
extern bool ha_register_may_lead(const HaRegister *reg, HaId id);

/* Takes the member out of the list of members and of the sync set. The voters are the caller's business. */
extern void ha_register_drop(HaRegister *reg, HaId id);

/* The lowest id that no member has, 0 when all are taken. */
extern HaId ha_register_free_id(const HaRegister *reg);

/* True for 1..31 bytes of a-z A-Z 0-9 _ -, not beginning with '-': usable in file, slot and service names. */
extern bool ha_name_valid(const char *name);

#endif
