/*
 * waits.h: who waits for whom, as a forest: from edges to roots, depths and an order for drawing.
 *
 * Every waiter waits for one other, its nearest blocker. Who waits for nobody is a root. A circle (a deadlock before it
 * was found) has no root: it is opened at one of its members, and all that hangs on it is marked. Pure; linear.
 */
#ifndef HA_OPS_WAITS_H
#define HA_OPS_WAITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct HaWaitNode
{
	int32_t blocker;			/* given: index of the node that it waits for, -1 = none */

	/* What ha_waits_resolve() finds. */
	int32_t above;				/* the blocker, but -1 where a circle was opened */
	int32_t root;				/* index; -1 = it hangs on a circle */
	int32_t depth;				/* 0 = above all others */
	int32_t held_up;			/* how many wait for it, at any distance */
	int32_t first_below;		/* the forest, -1 = none */
	int32_t next_beside;

	int32_t mark;				/* its own */
} HaWaitNode;

/* Nodes stand in the order in which those with one blocker are to be shown. Indexes out of range count as none. */
extern void ha_waits_resolve(HaWaitNode *node, int32_t count);

/* The order for drawing: from -1 to the first node, from node to node, to -1. */
extern int32_t ha_waits_next(const HaWaitNode *node, int32_t count, int32_t from);

/*
 * What stands before the node in a drawing: "", "└ ", "├ ", "│ └ " and so on; ASCII instead when `ascii`. What does not
 * fit into size bytes is left out on the left.
 */
extern void ha_waits_draw(const HaWaitNode *node, int32_t at, bool ascii, char *text, size_t size);

#endif
