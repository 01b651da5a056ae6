/*
 * clone.h: a copy of the leader's data directory by pg_basebackup.
 *
 * What could stop it half way is asked before the first byte: the server's version, the slot, tablespaces, space on the
 * disk (S48). What is left of a copy that failed is removed.
 */
#ifndef HA_DRIVE_CLONE_H
#define HA_DRIVE_CLONE_H

#include "core/register.h"
#include "io/key.h"
#include "io/pgdata.h"
#include "wire/receiver.h"

#define HA_CLONE_MAPPINGS_MAX 16

/* One sentence about what goes on; may be called often. */
typedef struct HaTeller
{
	void (*tell) (void *self, const char *text);
	void *self;
} HaTeller;

typedef struct HaClone
{
	const char *programs;
	int major;					/* of the programs */
	const char *target;			/* missing or empty */
	const char *member;			/* the name of the one that is to have it: its slot is used */
	HaReceiver receiver;		/* who that is, and the leader's term */
	const HaMember *leader;
	const HaKey *key;
	int mapping_count;
	const char *mapping[HA_CLONE_MAPPINGS_MAX];	/* OLD=NEW, of tablespaces */
	HaTeller teller;
} HaClone;

/* Could it succeed? Changes nothing. */
extern bool ha_clone_check(const HaClone *clone, HaFault *fault);

/* What the leader's cluster_name is, empty or a valid name (core/register.h). */
extern bool ha_clone_cluster_name(const HaClone *clone, char name[HA_NAME_SIZE], HaFault *fault);

/* Waits until the leader has the member's slot, which it makes when the member was added. */
extern bool ha_clone_await_slot(const HaClone *clone, HaUs limit_us, HaFault *fault);

extern bool ha_clone_run(const HaClone *clone, HaFault *fault);

/* pg_haops_<name>, in lower case, with _ for -. */
extern void ha_clone_slot_name(const char *member, char slot[HA_NAME_SIZE + 16]);

/* How PostgreSQL's programs shall say how far they are: "... (12%) ..." gives 12; -1 = nothing of that kind. */
extern int ha_clone_percent(const char *line);

#endif
