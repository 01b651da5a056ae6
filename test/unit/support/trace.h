/*
 * trace.h: what the core did in one step, as lines of text, for people and for the golden traces (test_golden.c).
 */
#ifndef TRACE_H
#define TRACE_H

#include <stdio.h>

#include "core/node.h"

/* Writes all effects of a step in the order in which they are carried out; nothing when there are none. */
extern void trace_effects(FILE *out, HaUs now_us, const HaNode *node, const HaEffects *fx);

#endif
