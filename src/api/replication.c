/*
 * replication.c: the rows of haops.replication_lag.
 *
 * On the leader of a cluster a row for each other member with data, and on every server one for each physical receiver
 * that it feeds and for each slot that nobody uses; on a standby also one for itself. What a row says is judged in
 * ops/lag; here it is gathered: from the members' own words, from the walsenders, from the WAL receiver.
 */
#include "server/compat.h"

#include "api/replication_parts.h"
#include "api/row.h"
#include "access/xlogrecovery.h"
#include "funcapi.h"
#include "io/clock.h"
#include "lib/stringinfo.h"
#include "server/gate.h"
#include "server/lagring.h"
#include "server/standby.h"
#include "utils/guc.h"

PG_FUNCTION_INFO_V1(ha_api_replication_lag);
PG_FUNCTION_INFO_V1(ha_api_wal_rate);

#define RATE_WINDOW_US (300 * 1000 * HA_US_PER_MS)
#define RATE_STALE_US (60 * 1000 * HA_US_PER_MS)

/* One row before it is judged. */
typedef struct Line
{
	const char *standby;
	HaLagFacts	facts;
	const char *upstream;
	int64		upstream_bytes;	/* -1 = not known */
	HaTli		tli;			/* 0 = not known */
	HaUs		heard_us;		/* -1 = never */
	const char *slot;
	int			pid;
	bool		self;
	StringInfoData note;
} Line;

static void
begin_line(Line *line, const HaReplication *replication)
{
	memset(line, 0, sizeof(*line));
	line->upstream_bytes = -1;
	line->heard_us = -1;
	line->facts.heard = true;
	line->facts.joined = true;
	line->facts.wants_receiver = true;
	line->facts.measured_us = -1;
	line->facts.silent_us = -1;
	line->facts.primary_lsn = replication->primary_lsn;
	line->facts.primary_heard = replication->primary_heard;
	initStringInfo(&line->note);
}

static void
add_note(Line *line, const char *text)
{
	appendStringInfo(&line->note, "%s%s", line->note.len > 0 ? "; " : "", text);
}

/* What is not known, and why. */
static void
explain(Line *line, const HaReplication *replication, const HaLag *lag)
{
	const HaLagFacts *facts = &line->facts;

	if (line->tli != 0 && replication->primary_tli != 0 && line->tli != replication->primary_tli)
		add_note(line, psprintf("it is on timeline %u, the primary on %u", line->tli, replication->primary_tli));
	if (!facts->heard || !facts->joined)
		return;
	if (facts->flush_lsn != 0 && !facts->primary_heard)
		add_note(line, replication->primary_note);
	else if (lag->at_least_us >= 0)
		add_note(line, psprintf("behind for longer than " INT64_FORMAT " s, for which the primary's positions are kept",
								(int64) (lag->at_least_us / (1000 * HA_US_PER_MS))));
	else if (lag->bytes > 0 && lag->time_us < 0)
		add_note(line, "the time needs pg_haops in shared_preload_libraries");
}

static void
add_bytes(HaRow *row, int64 bytes)
{
	if (bytes < 0)
		ha_row_add_null(row);
	else
		ha_row_add_int8(row, bytes);
}

static void
add_time(HaRow *row, HaUs us)
{
	if (us < 0)
		ha_row_add_null(row);
	else
		ha_row_add_interval(row, us);
}

static void
add_number(HaRow *row, uint32 number)
{
	if (number == 0)
		ha_row_add_null(row);
	else
		ha_row_add(row, Int32GetDatum((int32) number));
}

static void
put_line(FunctionCallInfo fcinfo, const HaReplication *replication, Line *line)
{
	HaLag		lag = ha_lag_judge(&line->facts, replication->ring, replication->now_us);
	HaRow		row = {0};

	explain(line, replication, &lag);
	ha_row_add_text(&row, line->standby);
	ha_row_add_text(&row, ha_lag_state_name(lag.state));
	add_bytes(&row, lag.bytes);
	add_time(&row, lag.time_us);
	add_bytes(&row, lag.flush_bytes);
	ha_row_add_text(&row, line->upstream);
	add_bytes(&row, line->upstream_bytes);
	ha_row_add_lsn(&row, line->facts.flush_lsn);
	ha_row_add_lsn(&row, line->facts.replay_lsn);
	ha_row_add_lsn(&row, replication->primary_heard ? replication->primary_lsn : 0);
	add_number(&row, line->tli);
	add_number(&row, replication->primary_tli);
	add_time(&row, line->heard_us);
	ha_row_add_text(&row, line->slot);
	add_number(&row, (uint32) line->pid);
	ha_row_add_bool(&row, line->self);
	ha_row_add_text(&row, line->note.data);
	ha_row_put(fcinfo, &row);
}

static HaUs
time_since(const HaReplication *replication, TimestampTz then)
{
	return then == 0 ? -1 : Max(replication->now - then, 0);
}

static HaUs
nearer(HaUs a_us, HaUs b_us)
{
	if (a_us < 0 || b_us < 0)
		return Max(a_us, b_us);
	return Min(a_us, b_us);
}

static bool
within_promise(const HaReplication *replication, HaUs us)
{
	return us >= 0 && us <= (HaUs) replication->status->promise_ms * HA_US_PER_MS;
}

/* ---- This server, when it is a standby ---- */

static const char *
name_of_self(const HaReplication *replication)
{
	const HaMember *self = replication->status == NULL ? NULL :
		ha_register_member(&replication->status->reg, replication->status->id);

	if (self != NULL)
		return self->name;
	return cluster_name[0] != '\0' ? cluster_name : "this server";
}

static const char *
name_of_source(const HaReplication *replication, const HaStandby *standby)
{
	const HaMember *member = replication->status == NULL ? NULL :
		ha_register_member(&replication->status->reg, replication->status->upstream);

	if (member != NULL)
		return member->name;
	if (standby->source_host[0] == '\0')
		return NULL;
	return psprintf(strchr(standby->source_host, ':') != NULL ? "[%s]:%d" : "%s:%d", standby->source_host,
					standby->source_port);
}

static void
put_self(FunctionCallInfo fcinfo, const HaReplication *replication)
{
	const HaStatus *status = replication->status;
	HaStandby  *standby = palloc(sizeof(HaStandby));
	Line		line;

	ha_standby_read(standby);
	begin_line(&line, replication);
	line.standby = name_of_self(replication);
	line.self = true;
	line.facts.joined = status == NULL || status->leader == 0 || status->joined_term == status->term;
	line.facts.paused = standby->paused;
	line.facts.wal_missing = standby->has_error && standby->error.wal_missing;
	line.facts.wants_receiver = status != NULL || PrimaryConnInfo[0] != '\0' || recoveryRestoreCommand[0] == '\0';
	line.facts.receiver = standby->receiver;
	line.facts.silent_us = time_since(replication, standby->heard_at);
	line.facts.flush_lsn = standby->flush_lsn;
	line.facts.replay_lsn = standby->replay_lsn;
	line.upstream = name_of_source(replication, standby);
	if (standby->source_lsn != 0)
		line.upstream_bytes = Max((int64) (standby->source_lsn - standby->replay_lsn), 0);
	line.tli = standby->replay_tli;
	line.heard_us = status != NULL && replication->primary_lsn != 0 ? replication->primary_age_us :
		line.facts.silent_us;
	line.slot = standby->slot[0] != '\0' ? standby->slot : PrimarySlotName;
	line.pid = standby->receiver_pid;
	if (standby->has_error)
		add_note(&line, psprintf("the WAL receiver ended with: %s", standby->error.text));
	if (recovery_min_apply_delay > 0)
		add_note(&line, psprintf("it replays %d ms later on purpose", recovery_min_apply_delay));
	put_line(fcinfo, replication, &line);
}

/* ---- Members, on the leader ---- */

static HaLagReceiver
receiver_of(const HaSender *sender)
{
	if (sender == NULL)
		return HA_LAG_RECEIVER_NONE;
	if (sender->state == WALSNDSTATE_STARTUP)
		return HA_LAG_RECEIVER_STARTING;
	return sender->state == WALSNDSTATE_CATCHUP ? HA_LAG_RECEIVER_CATCHUP : HA_LAG_RECEIVER_STREAMING;
}

/*
 * Has this server removed the WAL that comes next for somebody who has it up to lsn? What it removed before its start
 * is not known.
 */
static bool
removed_here(HaLsn lsn, const HaSender *sender)
{
	return lsn != 0 && lsn / wal_segment_size <= XLogGetLastRemovedSegno() &&
		(sender == NULL || sender->sent_lsn <= lsn);
}

/* What the member said of itself. */
static void
take_summary(Line *line, const HaReplication *replication, const HaSummary *summary)
{
	const HaStatus *status = replication->status;
	const HaEpoch *epoch;

	line->facts.heard = false;
	line->facts.joined = false;
	if (summary == NULL || summary->seen_ms == UINT32_MAX)
		return;
	epoch = ha_chain_at(&status->reg.chain, summary->position.lsn);
	line->heard_us = (HaUs) summary->seen_ms * HA_US_PER_MS;
	line->facts.joined = summary->joined_term == status->term;
	line->facts.paused = (summary->blocks & HA_BLOCK_PAUSED_REPLAY) != 0;
	line->facts.flush_lsn = Max(summary->position.lsn, summary->replay_lsn);
	line->facts.replay_lsn = summary->replay_lsn;
	if (epoch != NULL && epoch->term == summary->position.wal_term)
		line->tli = epoch->tli;
	if (summary->primary)
		add_note(line, "it is out of recovery and does not lead");
	if (summary->blocks & HA_BLOCK_NO_WAL)
		add_note(line, "the leader's WAL does not come");
	if (summary->blocks & HA_BLOCK_APPLY_DELAY)
		add_note(line, "it replays later on purpose");
}

/* What its receiver said; a sender is there only for a member that has joined. */
static void
take_sender(Line *line, const HaReplication *replication, const HaSender *sender)
{
	line->facts.receiver = receiver_of(sender);
	if (sender == NULL)
		return;
	line->pid = sender->pid;
	line->upstream = name_of_self(replication);
	line->facts.joined = true;
	line->facts.measured_us = sender->apply_lag_us;
	line->facts.silent_us = time_since(replication, sender->replied_at);
	line->heard_us = nearer(line->heard_us, line->facts.silent_us);
	line->facts.flush_lsn = Max(line->facts.flush_lsn, sender->flush_lsn);
	line->facts.replay_lsn = Max(line->facts.replay_lsn, sender->apply_lsn);
}

static void
put_member(FunctionCallInfo fcinfo, const HaReplication *replication, const HaMember *member)
{
	const HaSummary *summary = ha_status_summary(replication->status, member->id);
	HaSender   *sender = NULL;
	char		slot[NAMEDATALEN];
	Line		line;

	for (int i = 0; i < replication->sender_count && sender == NULL; i++)
	{
		if (ha_gate_is_sender(member->id, replication->sender[i].pid))
			sender = &replication->sender[i];
	}
	if (sender != NULL)
		sender->is_member = true;
	ha_gate_slot_name(member->name, slot);
	begin_line(&line, replication);
	line.standby = member->name;
	line.slot = slot;
	take_summary(&line, replication, summary);
	take_sender(&line, replication, sender);
	line.facts.heard = within_promise(replication, line.heard_us);
	line.facts.wal_missing = removed_here(line.facts.flush_lsn, sender);
	if (!line.facts.heard)
		add_note(&line, "it does not answer");
	if (line.facts.heard && line.facts.replay_lsn != 0)
		line.upstream_bytes = Max((int64) (replication->own_lsn - line.facts.replay_lsn), 0);
	put_line(fcinfo, replication, &line);
}

static void
put_members(FunctionCallInfo fcinfo, const HaReplication *replication)
{
	const HaStatus *status = replication->status;

	for (uint32 i = 0; i < status->reg.member_count; i++)
	{
		const HaMember *member = &status->reg.member[i];

		if ((member->flags & HA_MEMBER_DATA) && member->id != status->id && member->id != status->leader)
			put_member(fcinfo, replication, member);
	}
}

/* ---- Who else receives, and who does not ---- */

static void
put_sender(FunctionCallInfo fcinfo, const HaReplication *replication, const HaSender *sender)
{
	const HaSlot *slot = ha_replication_slot_of(replication, sender->pid);
	Line		line;

	begin_line(&line, replication);
	line.standby = sender->name;
	line.slot = slot != NULL ? slot->name : NULL;
	take_sender(&line, replication, sender);
	line.facts.wal_missing = (!replication->recovery && removed_here(line.facts.flush_lsn, sender)) ||
		(slot != NULL && slot->lost && sender->state != WALSNDSTATE_STREAMING);
	if (sender->apply_lsn == 0 && sender->replied_at != 0)
		add_note(&line, "it receives WAL and replays none");
	if (sender->apply_lsn != 0)
		line.upstream_bytes = Max((int64) (replication->own_lsn - sender->apply_lsn), 0);
	put_line(fcinfo, replication, &line);
}

/* A slot that a standby has left, or has not come to yet. A member's has its row already, or belongs to the leader. */
static void
put_slot(FunctionCallInfo fcinfo, const HaReplication *replication, const HaSlot *slot)
{
	Line		line;

	if (slot->pid != 0 || (replication->status != NULL && strncmp(slot->name, "pg_haops_", 9) == 0))
		return;
	begin_line(&line, replication);
	line.standby = slot->name;
	line.slot = slot->name;
	line.upstream = name_of_self(replication);
	line.facts.receiver = HA_LAG_RECEIVER_NONE;
	line.facts.wal_missing = slot->lost;
	add_note(&line, slot->lost ? "its slot has lost the WAL that it kept" :
			 slot->restart_lsn == 0 ? "nobody has used its slot yet" :
			 "nobody is connected to its slot; haops.replication_slots says what that keeps");
	put_line(fcinfo, replication, &line);
}

/* haops.replication_lag_rows() */
Datum
ha_api_replication_lag(PG_FUNCTION_ARGS)
{
	HaReplication *replication;

	InitMaterializedSRF(fcinfo, 0);
	replication = ha_replication_read();
	if (replication->recovery)
		put_self(fcinfo, replication);
	else if (replication->status != NULL)
		put_members(fcinfo, replication);
	for (int i = 0; i < replication->sender_count; i++)
	{
		if (!replication->sender[i].is_member)
			put_sender(fcinfo, replication, &replication->sender[i]);
	}
	for (int i = 0; i < replication->slot_count; i++)
		put_slot(fcinfo, replication, &replication->slot[i]);
	return (Datum) 0;
}

/* haops.wal_rate(): not of a primary that nobody hears any more. */
Datum
ha_api_wal_rate(PG_FUNCTION_ARGS)
{
	HaLagRing  *ring = ha_lagring_read();
	HaUs		now_us = ha_clock_now().boot_us;
	const HaLagSample *last = ha_lag_last(ring);
	int64		rate = last != NULL && now_us - last->last_us < RATE_STALE_US ?
		ha_lag_rate(ring, now_us, RATE_WINDOW_US) : -1;

	if (rate < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(rate);
}
