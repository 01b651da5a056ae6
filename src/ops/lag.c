/*
 * lag.c: see lag.h.
 */
#include "ops/lag.h"

static const char *const state_name[HA_LAG_STATE_COUNT] = {
#define HA_LAG_STATE_NAME(state, word, meaning) word,
	HA_LAG_STATE_LIST(HA_LAG_STATE_NAME)
#undef HA_LAG_STATE_NAME
};

const char *
ha_lag_state_name(HaLagState state)
{
	assert((unsigned) state < HA_LAG_STATE_COUNT);
	return state_name[state];
}

/* ---- The ring ---- */

/* Gives up every second sample of the older half, never the first: what is left is still true. */
static void
thin(HaLagRing *ring)
{
	uint32_t half = ring->count / 2;
	uint32_t kept = 0;

	for (uint32_t i = 0; i < half; i += 2)
		ring->sample[kept++] = ring->sample[i];
	memmove(&ring->sample[kept], &ring->sample[half], sizeof(HaLagSample) * (ring->count - half));
	ring->count = kept + ring->count - half;
}

void
ha_lag_add(HaLagRing *ring, HaLsn lsn, HaUs now_us)
{
	HaLagSample *last;

	while (ring->count > 0 && ring->sample[ring->count - 1].lsn > lsn)
		ring->count--;
	last = ring->count > 0 ? &ring->sample[ring->count - 1] : NULL;
	if (last != NULL && last->lsn == lsn)
	{
		last->last_us = now_us;
		return;
	}
	if (ring->count > 1 && now_us - ring->sample[ring->count - 2].last_us < HA_LAG_SPACING_US)
		ring->count--;
	if (ring->count == HA_LAG_SAMPLES_MAX)
		thin(ring);
	ring->sample[ring->count++] = (HaLagSample){.lsn = lsn, .first_us = now_us, .last_us = now_us};
}

const HaLagSample *
ha_lag_last(const HaLagRing *ring)
{
	return ring->count == 0 ? NULL : &ring->sample[ring->count - 1];
}

/* The share `part` of `whole`, of a length. */
static int64_t
share(uint64_t part, uint64_t whole, int64_t length)
{
	return (int64_t) ((double) length * ((double) part / (double) whole));
}

/* The first sample beyond lsn; ring->count when there is none. */
static uint32_t
first_beyond(const HaLagRing *ring, HaLsn lsn)
{
	uint32_t low = 0;
	uint32_t high = ring->count;

	while (low < high)
	{
		uint32_t middle = low + (high - low) / 2;

		if (ring->sample[middle].lsn > lsn)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

HaUs
ha_lag_since(const HaLagRing *ring, HaLsn lsn, HaUs now_us, bool *exact)
{
	uint32_t i = first_beyond(ring, lsn);
	const HaLagSample *before = &ring->sample[i - (i > 0)];
	const HaLagSample *beyond = &ring->sample[i];
	HaUs passed_us;

	*exact = ring->count > 0 && i > 0;
	if (ring->count == 0)
		return -1;
	if (i == 0)
		passed_us = beyond->first_us;
	else if (i == ring->count)
		passed_us = before->last_us;
	else
		passed_us = before->last_us +
			share(lsn - before->lsn, beyond->lsn - before->lsn, beyond->first_us - before->last_us);
	return now_us > passed_us ? now_us - passed_us : 0;
}

/* Where the primary was at that moment, which is not before the first sample. */
static HaLsn
position_at(const HaLagRing *ring, HaUs when_us)
{
	const HaLagSample *sample = ring->sample;
	uint32_t i = 0;

	while (i + 1 < ring->count && sample[i + 1].first_us <= when_us)
		i++;
	if (i + 1 == ring->count || when_us <= sample[i].last_us)
		return sample[i].lsn;
	return sample[i].lsn + (HaLsn) share((uint64_t) (when_us - sample[i].last_us),
										 (uint64_t) (sample[i + 1].first_us - sample[i].last_us),
										 (int64_t) (sample[i + 1].lsn - sample[i].lsn));
}

int64_t
ha_lag_rate(const HaLagRing *ring, HaUs now_us, HaUs window_us)
{
	const HaLagSample *last = ha_lag_last(ring);
	HaUs begin_us = now_us - window_us;
	HaUs known_us;

	if (last == NULL)
		return -1;
	if (begin_us < ring->sample[0].first_us)
		begin_us = ring->sample[0].first_us;
	known_us = last->last_us - begin_us;
	if (known_us < HA_LAG_RATE_US)
		return -1;
	return (int64_t) ((double) (last->lsn - position_at(ring, begin_us)) * 1e6 / (double) known_us);
}

/* ---- The verdict ---- */

static int64_t
bytes_between(HaLsn from, HaLsn to)
{
	return to > from ? (int64_t) (to - from) : 0;
}

/*
 * It has replayed all up to the newest sample, which is ago_us old; all that the ring knows is that the rest was
 * written since. But replay has moved in that time, so that what the sender measured is of late. -1 when nobody has
 * looked at the primary for long.
 */
static HaUs
time_since_newest(const HaLagFacts *facts, HaUs ago_us)
{
	if (ago_us > HA_LAG_FAR_US)
		return -1;
	return facts->measured_us >= 0 && facts->measured_us < ago_us ? facts->measured_us : ago_us;
}

static void
measure(const HaLagFacts *facts, const HaLagRing *ring, HaUs now_us, HaLag *lag)
{
	bool exact;
	HaUs since_us;

	if (facts->primary_lsn == 0 || !facts->primary_heard)
		return;
	if (facts->flush_lsn != 0)
		lag->flush_bytes = bytes_between(facts->flush_lsn, facts->primary_lsn);
	if (facts->replay_lsn == 0)
		return;
	lag->bytes = bytes_between(facts->replay_lsn, facts->primary_lsn);
	if (lag->bytes == 0)
	{
		lag->time_us = 0;
		return;
	}
	since_us = ha_lag_since(ring, facts->replay_lsn, now_us, &exact);
	if (exact && facts->replay_lsn >= ha_lag_last(ring)->lsn)
		lag->time_us = time_since_newest(facts, since_us);
	else if (exact)
		lag->time_us = since_us;
	else
		lag->at_least_us = since_us;
}

/* Has it been without the primary's WAL for longer than a healthy stream takes? */
static bool
is_far(const HaLagFacts *facts, const HaLag *lag, const HaLagRing *ring, HaUs now_us)
{
	bool exact;

	return lag->flush_bytes > 0 && ha_lag_since(ring, facts->flush_lsn, now_us, &exact) > HA_LAG_FAR_US;
}

static HaLagState
state_of(const HaLagFacts *facts, const HaLag *lag, const HaLagRing *ring, HaUs now_us)
{
	bool far = is_far(facts, lag, ring, now_us);

	if (facts->wal_missing)
		return HA_LAG_WAL_MISSING;
	if (facts->paused)
		return HA_LAG_PAUSED;
	if (facts->receiver == HA_LAG_RECEIVER_NONE && !facts->wants_receiver)
		return HA_LAG_ARCHIVE_ONLY;
	if (facts->receiver == HA_LAG_RECEIVER_NONE || facts->receiver == HA_LAG_RECEIVER_STARTING)
		return HA_LAG_NO_RECEIVER;
	if (far && facts->silent_us > HA_LAG_FAR_US)
		return HA_LAG_STALLED;
	return far || facts->receiver == HA_LAG_RECEIVER_CATCHUP ? HA_LAG_CATCHUP : HA_LAG_STREAMING;
}

HaLag
ha_lag_judge(const HaLagFacts *facts, const HaLagRing *ring, HaUs now_us)
{
	HaLag lag = {.state = HA_LAG_UNKNOWN, .bytes = -1, .flush_bytes = -1, .time_us = -1, .at_least_us = -1};

	if (!facts->heard)
	{
		lag.state = facts->wal_missing ? HA_LAG_WAL_MISSING : HA_LAG_UNKNOWN;
		return lag;
	}
	if (!facts->joined)
	{
		lag.state = facts->wal_missing ? HA_LAG_WAL_MISSING : HA_LAG_JOINING;
		return lag;
	}
	measure(facts, ring, now_us, &lag);
	lag.state = state_of(facts, &lag, ring, now_us);
	return lag;
}
