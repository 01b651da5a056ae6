/*
 * child.c: see child.h.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/child.h"
#include "io/clock.h"
#include "io/process.h"

/* ---- In the child, between fork and exec: only what is safe there ---- */

static void
become(char *const argv[], char *const environment[], uint32_t limit_ms, int output)
{
	int input = open("/dev/null", O_RDONLY);
	const char *why;

	setpgid(0, 0);
	if (input < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(output, STDOUT_FILENO) < 0 ||
		dup2(output, STDERR_FILENO) < 0)
		_exit(127);
	ha_process_before_exec();
	alarm((limit_ms + 999) / 1000 + (unsigned) (HA_CHILD_GRACE_US / (1000 * HA_US_PER_MS)) + 1);
	execve(argv[0], argv, environment);
	why = errno == ENOENT ? "there is no such program" : errno == EACCES ? "it may not be run" : "it can't be run";
	(void) !write(STDERR_FILENO, why, strlen(why));
	_exit(127);
}

/* ---- In the parent ---- */

bool
ha_child_start(HaChild *child, char *const argv[], char *const environment[], uint32_t limit_ms, HaNow now)
{
	sigset_t all, before;
	int output[2];
	pid_t pid;

	assert(argv[0] != NULL && argv[0][0] == '/' && limit_ms > 0);
	memset(child, 0, sizeof(*child));
	child->output_fd = -1;
	if (pipe2(output, O_CLOEXEC) != 0)
		return false;
	fflush(NULL);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);	/* none of our handlers may run in the child */
	pid = fork();
	if (pid == 0)
		become(argv, environment, limit_ms, output[1]);
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(output[1]);
	if (pid < 0)
	{
		int saved = errno;

		close(output[0]);
		errno = saved;
		return false;
	}
	setpgid(pid, pid);			/* as the child does: whoever comes first */
	fcntl(output[0], F_SETFL, O_NONBLOCK);
	child->pid = pid;
	child->output_fd = output[0];
	child->began_us = now.mono_us;
	child->deadline_us = now.mono_us + (HaUs) limit_ms * HA_US_PER_MS;
	return true;
}

static void
read_output(HaChild *child)
{
	char bytes[4096];
	ssize_t count;

	while ((count = read(child->output_fd, bytes, sizeof(bytes))) > 0)
	{
		size_t room = sizeof(child->output) - child->output_bytes;
		size_t kept = (size_t) count < room ? (size_t) count : room;

		memcpy(child->output + child->output_bytes, bytes, kept);
		child->output_bytes += kept;
	}
}

/* Signals the whole group, unless it is gone. */
static void
signal_group(const HaChild *child, int number)
{
	assert(child->pid > 1);
	if (kill(-child->pid, number) != 0)
		kill(child->pid, number);
}

static void
end(HaChild *child, int status, HaNow now)
{
	read_output(child);
	close(child->output_fd);
	child->output_fd = -1;
	child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	child->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	child->took_us = now.mono_us - child->began_us;
	child->pid = 0;
}

bool
ha_child_serve(HaChild *child, HaNow now)
{
	int status;
	pid_t ended;

	if (child->pid == 0)
		return false;
	read_output(child);
	ended = waitpid(child->pid, &status, WNOHANG);
	if (ended == child->pid || (ended < 0 && errno == ECHILD))
	{
		/* What it left behind in its group after the deadline ends with it. */
		if (child->terminated)
			kill(-child->pid, SIGKILL);
		end(child, ended > 0 ? status : 0, now);
		return true;
	}
	if (!child->terminated && now.mono_us >= child->deadline_us)
	{
		signal_group(child, SIGTERM);
		child->terminated = true;
	}
	if (!child->killed && now.mono_us >= child->deadline_us + HA_CHILD_GRACE_US)
	{
		signal_group(child, SIGKILL);
		child->killed = true;
	}
	return false;
}

void
ha_child_stop(HaChild *child, HaUs grace_us)
{
	HaNow now = ha_clock_now();

	if (child->pid == 0)
		return;
	signal_group(child, SIGTERM);
	child->terminated = true;
	child->deadline_us = now.mono_us + grace_us - HA_CHILD_GRACE_US;
	while (!ha_child_serve(child, now))
	{
		struct pollfd output = {child->output_fd, POLLIN, 0};

		poll(&output, 1, 10);
		now = ha_clock_now();
	}
}

void
ha_child_abandon(HaChild *child)
{
	if (child->pid != 0)
		close(child->output_fd);
	memset(child, 0, sizeof(*child));
	child->output_fd = -1;
}
