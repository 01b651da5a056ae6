/*
 * process.c: see process.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/fault.h"
#include "io/process.h"

#define GRACE_US (2000 * HA_US_PER_MS)
#define ASK_AGAIN_US (2000 * HA_US_PER_MS)

/* How soon an end is noticed: while there may be output, and after it was closed. */
#define TURN_MS 50
#define TURN_CLOSED_MS 2
#define ENVIRONMENT_MAX 512

extern char **environ;

static int signals_fd = -1;
static bool signalled;

/* ---- Signals to us ---- */

bool
ha_process_catch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	signal(SIGPIPE, SIG_IGN);
	signals_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return signals_fd >= 0;
}

bool
ha_process_interrupted(void)
{
	struct signalfd_siginfo info;

	while (signals_fd >= 0 && read(signals_fd, &info, sizeof(info)) == (ssize_t) sizeof(info))
	{
		if (info.ssi_signo != SIGHUP)
			signalled = true;
	}
	return signalled;
}

void
ha_process_clear_interrupt(void)
{
	signalled = false;
}

bool
ha_process_pause(HaUs us)
{
	HaUs until_us = ha_clock_now().mono_us + us;

	for (;;)
	{
		struct pollfd wait = {signals_fd, POLLIN, 0};
		HaUs left_us = until_us - ha_clock_now().mono_us;

		if (ha_process_interrupted())
			return false;
		if (left_us <= 0)
			return true;
		poll(&wait, 1, (int) ((left_us + 999) / 1000 > 1000 ? 1000 : (left_us + 999) / 1000));
	}
}

/* ---- In the child, between fork and exec ---- */

static void
close_from(int first)
{
	long last = sysconf(_SC_OPEN_MAX);

#ifdef SYS_close_range
	if (syscall(SYS_close_range, (unsigned) first, ~0U, 0) == 0)
		return;
#endif
	for (int fd = first; fd < last && fd < 65536; fd++)
		close(fd);
}

static void
default_signals(void)
{
	struct sigaction normal = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		sigaction(number, &normal, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void
ha_process_before_exec(void)
{
	close_from(STDERR_FILENO + 1);
	default_signals();
	signals_fd = -1;
}

static void
become(const HaProcessJob *job, char *const *environment, int input, int output, int errors, pid_t parent)
{
	const char *why;

	setpgid(0, 0);
	if (dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(errors, STDERR_FILENO) < 0)
		_exit(127);
	close_from(STDERR_FILENO + 1);
	default_signals();
	signal(SIGHUP, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	execve(job->argv[0], (char *const *) job->argv, environment);
	why = strerror(errno);
	(void) !write(STDERR_FILENO, why, strlen(why));
	_exit(127);
}

/* ---- Output, line by line ---- */

typedef struct Lines
{
	int fd;						/* -1 = closed */
	void (*hear) (void *self, const char *line);
	void *self;
	HaProcessEnd *end;
	size_t used;
	char line[HA_PROCESS_LINE_MAX];
} Lines;

/* Keeps the last lines: what does not fit pushes out what was there. */
static void
keep_tail(HaProcessEnd *end, const char *line)
{
	size_t have = strlen(end->tail);
	int more = (int) strnlen(line, sizeof(end->tail) / 2);

	if (have + (size_t) more + 3 > sizeof(end->tail))
		have = 0;
	snprintf(end->tail + have, sizeof(end->tail) - have, "%s%.*s", have > 0 ? "; " : "", more, line);
	ha_fault_clean(end->tail);
}

static void
end_line(Lines *lines)
{
	if (lines->used == 0)
		return;
	lines->line[lines->used] = '\0';
	lines->used = 0;
	keep_tail(lines->end, lines->line);
	if (lines->hear != NULL)
		lines->hear(lines->self, lines->line);
}

/* What is there now; closed at its end. */
static void
read_lines(Lines *lines)
{
	char bytes[4096];
	ssize_t count = -1;

	if (lines->fd < 0)
		return;
	while ((count = read(lines->fd, bytes, sizeof(bytes))) > 0)
	{
		for (ssize_t i = 0; i < count; i++)
		{
			if (bytes[i] == '\n' || bytes[i] == '\r')
				end_line(lines);
			else if (lines->used < sizeof(lines->line) - 1)
				lines->line[lines->used++] = bytes[i] == '\0' ? '?' : bytes[i];
		}
	}
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(lines->fd);
	lines->fd = -1;
}

/* The last of it: what a process that was left behind writes later is nobody's. */
static void
finish_lines(Lines *lines)
{
	read_lines(lines);
	end_line(lines);
	if (lines->fd >= 0)
		close(lines->fd);
	lines->fd = -1;
}

/* ---- In the parent ---- */

/* Ours, mostly without PG... and with LC_ALL=C, and what the job adds. */
static void
make_environment(const HaProcessJob *job, char *environment[ENVIRONMENT_MAX])
{
	static char locale[] = "LC_ALL=C";
	size_t count = 0;

	for (size_t i = 0; environ[i] != NULL && count < ENVIRONMENT_MAX / 2; i++)
	{
		if (job->keep_environment ||
			(strncmp(environ[i], "PG", 2) != 0 && strncmp(environ[i], "LC_ALL=", 7) != 0 &&
			 strncmp(environ[i], "LANGUAGE=", 9) != 0))
			environment[count++] = environ[i];
	}
	if (!job->keep_environment)
		environment[count++] = locale;
	for (size_t i = 0; job->environment != NULL && job->environment[i] != NULL && count < ENVIRONMENT_MAX - 1; i++)
		environment[count++] = (char *) job->environment[i];
	environment[count] = NULL;
}

/* A descriptor that gives the text; /dev/null for none. A memory file takes any text without a second process. */
static int
open_input(const char *text)
{
	size_t length;
	int fd;

	if (text == NULL)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	length = strlen(text);
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd >= 0 && (write(fd, text, length) != (ssize_t) length || lseek(fd, 0, SEEK_SET) != 0))
	{
		close(fd);
		fd = -1;
	}
	return fd;
}

/* A pipe: the end to be read does not block. */
static bool
open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	return true;
}

static pid_t
start(const HaProcessJob *job, Lines *output, Lines *errors)
{
	char *environment[ENVIRONMENT_MAX];
	int out[2] = {-1, -1};
	int err[2] = {-1, -1};
	int input = open_input(job->input);
	pid_t parent = getpid();
	pid_t pid = -1;

	if (input >= 0 && open_pipe(out) && (!job->errors_apart || open_pipe(err)))
	{
		make_environment(job, environment);
		fflush(NULL);
		pid = fork();
		if (pid == 0)
			become(job, environment, input, out[1], job->errors_apart ? err[1] : out[1], parent);
	}
	if (input >= 0)
		close(input);
	if (out[1] >= 0)
		close(out[1]);
	if (err[1] >= 0)
		close(err[1]);
	output->fd = out[0];
	errors->fd = err[0];
	if (pid > 0)
		setpgid(pid, pid);		/* as the child does: whoever comes first */
	return pid;
}

/* Ends the group when its time is over or we are told to end; says it at most once for each signal. */
static void
look_after(const HaProcessJob *job, pid_t pid, HaUs *deadline_us, HaUs *ask_us, int *said, HaProcessEnd *end)
{
	HaUs now_us = ha_clock_now().mono_us;

	if (*said == 0 && job->go_on != NULL && now_us >= *ask_us)
	{
		end->given_up = !job->go_on(job->self);
		now_us = ha_clock_now().mono_us;
		*ask_us = now_us + ASK_AGAIN_US;
		if (end->given_up)
			*deadline_us = now_us;
	}
	if (*said == 0 && ha_process_interrupted())
	{
		end->interrupted = true;
		*deadline_us = now_us;
	}
	if (now_us < *deadline_us || *said == SIGKILL)
		return;
	if (*said == 0 && !end->interrupted && !end->given_up)
		end->timed_out = true;
	*said = *said == 0 ? SIGTERM : SIGKILL;
	*deadline_us = now_us + GRACE_US;
	if (kill(-pid, *said) != 0)
		kill(pid, *said);
}

/* Reads and waits until it has ended. */
static int
await_end(const HaProcessJob *job, pid_t pid, Lines *output, Lines *errors, HaProcessEnd *end)
{
	HaUs began_us = ha_clock_now().mono_us;
	HaUs deadline_us = began_us + job->limit_us;
	HaUs ask_us = began_us + ASK_AGAIN_US;
	int status = 0;
	int said = 0;

	for (;;)
	{
		struct pollfd wait[3] = {
			{output->fd, POLLIN, 0}, {errors->fd, POLLIN, 0}, {said == 0 ? signals_fd : -1, POLLIN, 0}};
		pid_t ended;

		poll(wait, 3, output->fd >= 0 || errors->fd >= 0 ? TURN_MS : TURN_CLOSED_MS);
		read_lines(output);
		read_lines(errors);
		ended = waitpid(pid, &status, WNOHANG);
		if (ended == pid || (ended < 0 && errno != EINTR))
			break;
		look_after(job, pid, &deadline_us, &ask_us, &said, end);
	}
	if (said != 0)
		kill(-pid, SIGKILL);	/* what it left behind in its group ends with it */
	return status;
}

bool
ha_process_run(const HaProcessJob *job, HaProcessEnd *end)
{
	Lines output = {.fd = -1, .hear = job->line, .self = job->self, .end = end};
	Lines errors = {.fd = -1, .end = end};
	int status = 0;
	pid_t pid;

	assert(job->argv[0][0] == '/' && job->limit_us > 0);
	memset(end, 0, sizeof(*end));
	end->exit_code = -1;
	pid = start(job, &output, &errors);
	if (pid < 0)
		snprintf(end->tail, sizeof(end->tail), "%s", strerror(errno));
	else
		status = await_end(job, pid, &output, &errors, end);
	finish_lines(&output);
	finish_lines(&errors);
	if (pid < 0)
		return false;
	end->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	end->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return end->exit_code == 0 && !end->timed_out && !end->given_up && !end->interrupted;
}

void
ha_process_end_text(const HaProcessEnd *end, char *text, size_t size)
{
	const char *colon = end->tail[0] != '\0' ? ": " : "";

	if (end->interrupted)
		snprintf(text, size, "was interrupted");
	else if (end->given_up)
		snprintf(text, size, "was given up%s%s", colon, end->tail);
	else if (end->timed_out)
		snprintf(text, size, "took too long and was ended%s%s", colon, end->tail);
	else if (end->signal != 0)
		snprintf(text, size, "was ended by signal %d%s%s", end->signal, colon, end->tail);
	else
		snprintf(text, size, "ended with exit code %d%s%s", end->exit_code, colon, end->tail);
}

bool
ha_process_alive(pid_t pid)
{
	char path[64];
	char bytes[512];
	const char *after;
	ssize_t count;
	int fd;

	if (pid <= 0 || (kill(pid, 0) != 0 && errno != EPERM))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno != ENOENT;
	count = read(fd, bytes, sizeof(bytes) - 1);
	close(fd);
	if (count <= 0)
		return false;
	bytes[count] = '\0';
	after = strrchr(bytes, ')');	/* the state comes after the name, which may hold anything */
	return after == NULL || after[1] == '\0' || (after[2] != 'Z' && after[2] != 'X');
}
