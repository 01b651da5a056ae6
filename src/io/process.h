/*
 * process.h: runs another program to its end, without a shell, line by line.
 *
 * The program gets a process group of its own, our environment without any PG... variable and with LC_ALL=C, no
 * descriptor but its three, all signals as they are at the start of a program except SIGHUP, which it ignores, so
 * that a reload or a closed terminal does not end a copy half way (S62). When we are gone it gets SIGTERM. At its
 * deadline, or when we are told to end, the group gets SIGTERM and two seconds later SIGKILL. It is always reaped.
 *
 * For the program `pg_haops`; the server has io/child, which never waits.
 */
#ifndef HA_IO_PROCESS_H
#define HA_IO_PROCESS_H

#include <sys/types.h>

#include "core/types.h"

#define HA_PROCESS_LINE_MAX 1024	/* what is longer is cut */
#define HA_PROCESS_TAIL_SIZE 512

typedef struct HaProcessJob
{
	const char *const *argv;	/* [0] is an absolute path; ends with NULL */
	const char *const *environment;	/* NAME=VALUE to be added, ends with NULL; may be NULL */
	bool keep_environment;		/* it gets ours as it is: for what makes or starts a server */
	bool errors_apart;			/* `line` gets its output only; its error output goes to the end's tail alone */
	const char *input;			/* its standard input; NULL = nothing */
	HaUs limit_us;				/* > 0 */

	/* Each line of its output and error output, without the line's end; \r ends a line too. May be NULL. */
	void (*line) (void *self, const char *line);

	/* Asked every two seconds; false ends the program like the deadline does. May take its time. May be NULL. */
	bool (*go_on) (void *self);
	void *self;
} HaProcessJob;

typedef struct HaProcessEnd
{
	int exit_code;				/* -1 = ended by a signal or not started */
	int signal;					/* 0 = none */
	bool timed_out;
	bool given_up;				/* by go_on */
	bool interrupted;			/* by a signal to us */
	char tail[HA_PROCESS_TAIL_SIZE];	/* its last lines, cleaned, joined by "; ": what it said before it failed */
} HaProcessEnd;

/* True when it ended with exit code 0. */
extern bool ha_process_run(const HaProcessJob *job, HaProcessEnd *end);

/* One sentence without a stop about an end that was not good: "ended with exit code 1: ...". */
extern void ha_process_end_text(const HaProcessEnd *end, char *text, size_t size);

/*
 * From now on SIGINT, SIGTERM and SIGHUP do not end this process; ha_process_run() and ha_process_pause() see them.
 * Once, at the beginning.
 */
extern bool ha_process_catch_signals(void);

/* Has one of them come? */
extern bool ha_process_interrupted(void);

/* Forgets it: for taking back what was begun. The next signal counts again. */
extern void ha_process_clear_interrupt(void);

/* Waits so long, less when interrupted; false then. */
extern bool ha_process_pause(HaUs us);

/* Unblocks and resets all signals and closes descriptors above the first three: before this process becomes another. */
extern void ha_process_before_exec(void);

/* True when a process with this number lives; a zombie does not. */
extern bool ha_process_alive(pid_t pid);

#endif
