/*
 * child.h: a program that runs beside us, without a shell, watched without waiting: its end, its output, its deadline.
 *
 * It gets a process group of its own, the environment given and no other, /dev/null as its input, no descriptor of
 * ours, and all signals as they are at the start of a program. What it writes to its output and error output is kept
 * up to HA_CHILD_OUTPUT_MAX bytes and read on after that, so that it never blocks. At its deadline the group gets
 * SIGTERM, a second later SIGKILL. Should we be gone by then, an alarm that it was born with ends it.
 */
#ifndef HA_IO_CHILD_H
#define HA_IO_CHILD_H

#include <sys/types.h>

#include "core/types.h"

#define HA_CHILD_OUTPUT_MAX 1024
#define HA_CHILD_GRACE_US (1000 * HA_US_PER_MS)

typedef struct HaChild
{
	pid_t pid;					/* 0 = nothing runs */
	int output_fd;
	HaUs began_us;				/* monotonic */
	HaUs deadline_us;
	bool terminated;			/* SIGTERM was sent */
	bool killed;				/* SIGKILL was sent */
	size_t output_bytes;		/* kept; foreign: to be escaped before it is shown */
	char output[HA_CHILD_OUTPUT_MAX];

	/* Once it has ended */
	int exit_code;				/* -1 = ended by a signal; 127 = it could not be started, the output says why */
	int signal;					/* 0 = it ended by itself */
	HaUs took_us;
} HaChild;

/*
 * Starts argv[0], an absolute path. False when there is no process or pipe to be had: errno says more. `limit_ms` > 0.
 * Reaping is ours: the process must not ignore SIGCHLD.
 */
extern bool ha_child_start(HaChild *child, char *const argv[], char *const environment[], uint32_t limit_ms, HaNow now);

/* Reads its output and looks after its deadline. True once, when it has ended. */
extern bool ha_child_serve(HaChild *child, HaNow now);

static inline bool
ha_child_runs(const HaChild *child)
{
	return child->pid != 0;
}

/* Asks it to end, waits grace_us at the most, ends it by force. The only function here that waits. */
extern void ha_child_stop(HaChild *child, HaUs grace_us);

/* Leaves it alone: the alarm that it was born with is all that limits it. For a process that is about to exit. */
extern void ha_child_abandon(HaChild *child);

#endif
