/*
 * sample.h: values for the tests to begin with, all valid.
 */
#ifndef HA_TEST_UNIT_SUPPORT_SAMPLE_H
#define HA_TEST_UNIT_SUPPORT_SAMPLE_H

#include "core/node.h"

/* Two data nodes n1, n2 and a witness w3; n1 leads term 7, commits wait for one of n1, n2. */
extern void sample_register(HaRegister *reg);

/* The register with the longest encoding there is. */
extern void sample_register_largest(HaRegister *reg);

/* The state of n2 in that cluster, and the one with the longest encoding. */
extern void sample_hard(HaHard *hard);
extern void sample_hard_largest(HaHard *hard);

/* A uuid all of whose bytes are `byte`. */
extern HaUuid sample_uuid(uint8_t byte);

#endif
