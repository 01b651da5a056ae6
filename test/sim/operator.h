/*
 * operator.h: the human: asks for hand-overs, pauses, priorities, another k, takes members out and joins them anew.
 *
 * Whoever lost its state or was dropped is joined as design and rules demand (R2, R30): the old entry is dropped, a
 * new incarnation is added, the data directory is cloned, the member starts as a learner.
 */
#ifndef HA_SIM_OPERATOR_H
#define HA_SIM_OPERATOR_H

#include "core/node.h"
#include "test/sim/sim.h"

typedef enum SimJoinStep
{
	SIM_JOIN_NONE,
	SIM_JOIN_DROP,				/* the entry of the former life */
	SIM_JOIN_ADD,
	SIM_JOIN_CLONE
} SimJoinStep;

typedef struct SimOperator
{
	SimUs due;
	uint64_t number;			/* of the last request */
	uint32_t join_host;			/* being joined, SIM_HOSTS_MAX = nobody */
	SimJoinStep join_step;
	uint64_t join_number;		/* request that is waited for, 0 = none */
	SimUs join_until;			/* give it up and ask again */
	HaId join_id;
	bool give_way;				/* the leader can't do without a synchronous member: lower k_min */
	bool dropped[SIM_HOSTS_MAX];	/* taken out on purpose: not to be joined before calm */
	uint64_t drop_number;
	uint32_t drop_host;
} SimOperator;

extern void sim_operator_begin(struct SimWorld *w);
/* A random wish, as one of the faults. */
extern void sim_operator_ask(struct SimWorld *w);
/* Goes on with joining whoever is out. */
extern void sim_operator_turn(struct SimWorld *w);
/* An answer came. */
extern void sim_operator_reply(struct SimWorld *w, struct SimHost *h, const HaEffects *fx);

#endif
