/*
 * check.h: what must hold, checked against the truth that the world knows and the members do not.
 *
 * Each checker is a function named after what it checks; that name is what a failing schedule prints. Safety is
 * looked at after every event that could break it. Liveness is looked at when all faults have stopped. The checkers
 * use their own arithmetic for majorities and quorums, not the core's.
 */
#ifndef HA_SIM_CHECK_H
#define HA_SIM_CHECK_H

#include "core/node.h"
#include "test/sim/client.h"
#include "test/sim/sim.h"

#define SIM_TERMS_MAX 8192	/* a forced one is a thousand above */
#define SIM_WRITTEN_MAX 1024

/* What happened in one term. */
typedef struct SimTerm
{
	uint32_t leader;			/* host + 1, 0 = nobody won it */
	uint32_t life;
	bool forced;
	bool opened;
	HaLsn claimed;				/* position that was claimed in the election */
	HaTli tli;					/* under which it opened */
	int promoted;				/* record with which the promotion began, -1 = none yet */
	int acked;					/* last record acknowledged under a synchronous rule, -1 = none */
	uint8_t vote[SIM_HOSTS_MAX];	/* of each host's present life: host + 1 */
} SimTerm;

/* A value of the register that a leader wrote. */
typedef struct SimWritten
{
	HaVersion version;
	HaVersion parent;
	HaRegister value;
} SimWritten;

typedef struct SimCheck
{
	const char *failed;			/* name of the checker, NULL = all well */
	char text[400];
	HaTerm term_max;
	SimTerm term[SIM_TERMS_MAX];
	uint32_t written_count;
	SimWritten written[SIM_WRITTEN_MAX];
	HaVersion committed;		/* newest that was on a majority */
	HaVersion believed[SIM_HOSTS_MAX];	/* the same as each leader last said */
	HaVersion parent[SIM_HOSTS_MAX];	/* what each host held before its last write */
	uint64_t run_told[SIM_HOSTS_MAX];	/* what each host's life has said of itself */
	HaTerm term_told[SIM_HOSTS_MAX];
	bool restored[SIM_HOSTS_MAX];	/* from a snapshot */
	uint32_t hurried[SIM_HOSTS_MAX];	/* turns in a row whose wake-up lay in the past */
	bool forced;				/* somebody was: who has not heard of it may still elect by the old lists (R42) */
	SimUs acked_at;				/* last acknowledgement */
	SimUs led_at;				/* when a leader was open again after the calm began, SIM_NEVER = not yet */
} SimCheck;

/* What a step may have changed. */
typedef struct SimBefore
{
	HaRole role;
	HaTerm term;
	HaVersion version;
	HaTerm led_term;
	HaId leader;
	HaSyncRule rule;
} SimBefore;

/* Records the first violation of a schedule. */
extern void sim_fail(struct SimWorld *w, const struct SimHost *h, const char *checker, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* `first` is the register with which everybody starts. */
extern void sim_check_begin(struct SimWorld *w, const HaRegister *first);
/* The host's member was given up: what comes next here is another one. */
extern void sim_check_new_life(struct SimWorld *w, const struct SimHost *h);

/* ---- check_member.c: terms, votes, what is durable, roles ---- */
extern SimTerm *sim_check_term(struct SimWorld *w, const struct SimHost *h, HaTerm term);
extern SimBefore sim_check_before(const struct SimHost *h);
extern void sim_check_started(struct SimWorld *w, const struct SimHost *h);
extern void sim_check_step(struct SimWorld *w, struct SimHost *h, const HaEvent *event, const HaEffects *fx,
						   SimBefore *before);
extern void sim_check_sent(struct SimWorld *w, const struct SimHost *h, const HaSend *send);

/* ---- check_register.c ---- */
/* The leader's register was written, and is durable on itself. */
extern void sim_check_written(struct SimWorld *w, const struct SimHost *h);
/* What the leader believes to be on a majority, now that its own part is durable. */
extern void sim_check_committed(struct SimWorld *w, const struct SimHost *h);
extern const SimWritten *sim_check_find(const SimCheck *check, HaVersion version);
/* Have a majority of this register's voters, of both lists, a durable version of at least this? */
extern bool sim_check_stored(struct SimWorld *w, const HaRegister *reg, HaVersion version);

/* ---- check_data.c: leases, acknowledgements, WAL ---- */
extern void sim_check_lease(struct SimWorld *w, const struct SimHost *h);
extern void sim_check_gate(struct SimWorld *w, const struct SimHost *h);
/* The gate's rules were found to be met for a commit. */
extern void sim_check_judged(struct SimWorld *w, const struct SimHost *h, const SimCommit *commit);
extern void sim_check_ack(struct SimWorld *w, const struct SimHost *h, const SimCommit *commit);
/* As things stand on the disks, could this host's member be elected, by the truth; at some time, or now? */
extern bool sim_check_electable(struct SimWorld *w, const struct SimHost *x, bool now);
extern void sim_check_promotion_asked(struct SimWorld *w, const struct SimHost *h);
extern void sim_check_promoted(struct SimWorld *w, const struct SimHost *h, HaTerm term, int record);
extern void sim_check_received(struct SimWorld *w, const struct SimHost *h, const struct SimHost *from);

/* ---- check_live.c ---- */
/* In the calm: can nobody be elected any more, whatever the members do? */
extern bool sim_check_stuck(struct SimWorld *w);
/* The operator made this host's member the leader: what was claimed of before is given up (R42). */
extern void sim_check_forced(struct SimWorld *w, const struct SimHost *h);
/* After the calm began: true when nothing more is to be seen. */
extern bool sim_check_settled(struct SimWorld *w);
extern void sim_check_end(struct SimWorld *w);

#endif
