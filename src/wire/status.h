/*
 * status.h: one member's view of itself and of the cluster, as `pg_haops status` and haops.cluster show it.
 *
 * Assembled in drive/engine; a snapshot: nothing may be decided by it.
 */
#ifndef HA_WIRE_STATUS_H
#define HA_WIRE_STATUS_H

#include "core/node.h"
#include "wire/codec.h"

#define HA_VERSION "1.0"		/* of this software */
#define HA_STATUS_SOFTWARE_SIZE 32

typedef struct HaStatus
{
	/* Who answers */
	HaUuid cluster;
	uint64_t system_id;			/* 0 = not known yet (a witness) */
	HaId id;
	HaUuid incarnation;
	uint64_t run;
	char software[HA_STATUS_SOFTWARE_SIZE];	/* version of pg_haops */
	int64_t wall_us;			/* its wall clock, microseconds since 1970: for doctor, which compares clocks */

	/* Its part in the cluster */
	HaRole role;
	HaTerm term;
	HaId leader;				/* of term, 0 = unknown */
	HaId voted_for;
	HaTerm joined_term;			/* whose WAL it may receive */
	HaPosition position;
	uint32_t promise_ms;
	uint32_t beat_ms;
	int64_t lease_left_us;		/* a leader's; 0 = none: commits are refused */
	int64_t promise_left_us;	/* a follower's; 0 = over */
	int64_t silent_left_us;		/* after a start (R10) */
	HaVersion committed;		/* newest register version known to be on a majority */
	bool write_pending;
	HaShift shift;				/* where a change of the synchronous rule stands */
	HaGate gate;
	HaId target;				/* of a hand-over under way */

	/* Its PostgreSQL; state HA_PG_NONE on a witness */
	HaPg pg;
	HaId upstream;				/* wanted source of WAL */

	/* Whom it reaches: connections that it opened, and those that were opened to it, authenticated and alive */
	HaSet reaches;
	HaSet reached_by;

	/* All members, as the leader last said (or as the leader knows) */
	uint32_t summary_count;
	HaSummary summary[HA_MEMBERS_MAX];

	HaRegister reg;				/* its newest; not valid when has_register is false */
	bool has_register;
	HaChain chain;				/* of the WAL that this member holds */
} HaStatus;

extern void ha_put_status(HaWriter *writer, const HaStatus *status);
extern void ha_get_status(HaReader *reader, HaStatus *status);

/* The leader's summary of a member, NULL when it says nothing of it. */
extern const HaSummary *ha_status_summary(const HaStatus *status, HaId id);

#endif
