/*
 * pulse.c: see pulse.h.
 */
#include "server/compat.h"

#include <fcntl.h>
#include <unistd.h>

#include "server/gate.h"
#include "server/pulse.h"

#define LOOK_US (200 * HA_US_PER_MS)
#define PAUSE_US (2000 * HA_US_PER_MS)

/* The kernel's letter for what a process does; 0 when it can't be told. /proc is no disk. */
static char
state_of(pid_t pid)
{
	char		path[32];
	char		text[128];
	char	   *name_end;
	ssize_t		length;
	int			fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int) pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[Max(length, 0)] = '\0';
	name_end = strrchr(text, ')');
	return name_end != NULL && name_end[1] == ' ' ? name_end[2] : 0;
}

static bool
postmaster_stopped(void)
{
	char		state = state_of(PostmasterPid);

	return state == 'T' || state == 't';
}

/*
 * Is there WAL that is not on the disk, and has none reached it since the last look? Only then the WAL writer is woken:
 * on a busy server its flush would be one more that commits wait behind.
 */
static bool
wal_stands_still(void)
{
	static HaLsn last = 0;
	HaLsn		flushed = GetFlushRecPtr(NULL);
	bool		still = flushed == last && flushed < ha_gate_wal_end();

	last = flushed;
	return still;
}

/* True when the sign has been there at every look since limit_us ago. */
static bool
lasts(bool sign, HaUs *since_us, HaUs now_us, HaUs limit_us)
{
	if (!sign)
		*since_us = 0;
	else if (*since_us == 0)
		*since_us = now_us;
	return sign && now_us - *since_us >= limit_us;
}

const char *
ha_pulse_trouble(HaUs now_us, uint32_t limit_ms)
{
	static HaUs looked_us = 0;
	static HaUs wal_since_us = 0;
	static HaUs stopped_since_us = 0;
	static const char *trouble = NULL;
	HaUs		limit_us = limit_ms * HA_US_PER_MS;

	if (limit_ms == 0)
		return NULL;
	if (now_us - looked_us < LOOK_US)
		return trouble;
	if (now_us - looked_us > PAUSE_US)
		wal_since_us = stopped_since_us = 0;
	looked_us = now_us;
	trouble = NULL;
	if (lasts(wal_stands_still(), &wal_since_us, now_us, limit_us))
		trouble = "the write-ahead log can't be written";
	if (lasts(postmaster_stopped(), &stopped_since_us, now_us, limit_us))
		trouble = "the postmaster is stopped";
	return trouble;
}
