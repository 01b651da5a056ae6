/*
 * fault.h: what went wrong, as one sentence, and what to do about it, as another.
 *
 * For everything that a person started and reads: the program. Both are printable and without a stop at the end; what
 * came from outside was escaped before. A function that takes a HaFault fills it in exactly when it fails.
 */
#ifndef HA_IO_FAULT_H
#define HA_IO_FAULT_H

#include <stdbool.h>

typedef struct HaFault
{
	char text[1024];			/* empty = nothing went wrong */
	char hint[512];				/* empty = none */
	bool lasting;				/* trying again changes nothing */
} HaFault;

/* Sets both (hint may be NULL) and returns false, so that `return ha_fault(...)` reads as "fail". */
extern bool ha_fault(HaFault *fault, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, for what no new try will mend. */
extern bool ha_fault_lasting(HaFault *fault, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts words before what the fault says: "cloning: ..."; returns false. */
extern bool ha_fault_prefix(HaFault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Replaces what is not printable ASCII by '?', in place. For text that came from another program or a peer. */
extern void ha_fault_clean(char *text);

#endif
