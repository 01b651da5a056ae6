/*
 * status.c: see status.h.
 */
#include "wire/status.h"

#include "wire/frame.h"

static bool
text_valid(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
	{
		if (text[i] == '\0')
			return true;
		if (text[i] < ' ' || text[i] > '~')
			return false;
	}
	return false;
}

static void
put_pg(HaWriter *writer, const HaPg *pg)
{
	ha_put_u8(writer, (uint8_t) pg->state);
	ha_put_bool(writer, pg->receiving);
	ha_put_bool(writer, pg->receiver_running);
	ha_put_bool(writer, pg->settled);
	ha_put_u64(writer, pg->flush_lsn);
	ha_put_u64(writer, pg->replay_lsn);
	ha_put_u32(writer, pg->tli);
	ha_put_u32(writer, pg->blocks);
	ha_put_bool(writer, pg->checkpointed);
}

static void
get_pg(HaReader *reader, HaPg *pg)
{
	pg->state = (HaPgState) ha_get_u8(reader);
	pg->receiving = ha_get_bool(reader);
	pg->receiver_running = ha_get_bool(reader);
	pg->settled = ha_get_bool(reader);
	pg->flush_lsn = ha_get_u64(reader);
	pg->replay_lsn = ha_get_u64(reader);
	pg->tli = ha_get_u32(reader);
	pg->blocks = ha_get_u32(reader);
	pg->checkpointed = ha_get_bool(reader);
}

static void
put_gate(HaWriter *writer, const HaGate *gate)
{
	ha_put_u64(writer, gate->generation);
	ha_put_term(writer, gate->term);
	ha_put_bool(writer, gate->open);
	ha_put_u32(writer, gate->rule_count);
	for (uint32_t i = 0; i < gate->rule_count && i < 2; i++)
	{
		ha_put_bool(writer, gate->rule[i].sync);
		ha_put_u32(writer, gate->rule[i].k);
		ha_put_u32(writer, gate->rule[i].sync_set);
	}
	ha_put_u32(writer, gate->joined);
}

static void
get_gate(HaReader *reader, HaGate *gate)
{
	gate->generation = ha_get_u64(reader);
	gate->term = ha_get_term(reader);
	gate->open = ha_get_bool(reader);
	gate->rule_count = ha_get_u32_max(reader, 2);
	for (uint32_t i = 0; i < gate->rule_count; i++)
	{
		gate->rule[i].sync = ha_get_bool(reader);
		gate->rule[i].k = ha_get_u32_max(reader, HA_MEMBERS_MAX);
		gate->rule[i].sync_set = ha_get_u32(reader);
	}
	gate->joined = ha_get_u32(reader);
}

/* The same for what is written and what was read. */
static bool
status_valid(const HaStatus *status)
{
	return status->id >= 1 && (uint32_t) status->role < HA_ROLE_COUNT &&
		(uint32_t) status->shift <= HA_SHIFT_WRITE && (uint32_t) status->pg.state <= HA_PG_PRIMARY &&
		status->gate.rule_count <= 2 && status->summary_count <= HA_MEMBERS_MAX &&
		status->promise_ms <= HA_PROMISE_MS_MAX && status->beat_ms <= HA_PROMISE_MS_MAX &&
		status->lease_left_us >= 0 && status->promise_left_us >= 0 && status->silent_left_us >= 0 &&
		text_valid(status->software, sizeof(status->software));
}

void
ha_put_status(HaWriter *writer, const HaStatus *status)
{
	writer->bad |= !status_valid(status);
	if (writer->bad)
		return;
	ha_put_uuid(writer, &status->cluster);
	ha_put_u64(writer, status->system_id);
	ha_put_id(writer, status->id);
	ha_put_uuid(writer, &status->incarnation);
	ha_put_u64(writer, status->run);
	ha_put_text(writer, status->software, sizeof(status->software));
	ha_put_i64(writer, status->wall_us);
	ha_put_u8(writer, (uint8_t) status->role);
	ha_put_term(writer, status->term);
	ha_put_id(writer, status->leader);
	ha_put_id(writer, status->voted_for);
	ha_put_term(writer, status->joined_term);
	ha_put_position(writer, status->position);
	ha_put_u32(writer, status->promise_ms);
	ha_put_u32(writer, status->beat_ms);
	ha_put_i64(writer, status->lease_left_us);
	ha_put_i64(writer, status->promise_left_us);
	ha_put_i64(writer, status->silent_left_us);
	ha_put_version(writer, status->committed);
	ha_put_bool(writer, status->write_pending);
	ha_put_u8(writer, (uint8_t) status->shift);
	put_gate(writer, &status->gate);
	ha_put_id(writer, status->target);
	put_pg(writer, &status->pg);
	ha_put_id(writer, status->upstream);
	ha_put_u32(writer, status->reaches);
	ha_put_u32(writer, status->reached_by);
	ha_put_u32(writer, status->summary_count);
	for (uint32_t i = 0; i < status->summary_count; i++)
		ha_put_summary(writer, &status->summary[i]);
	ha_put_bool(writer, status->has_register);
	if (status->has_register)
		ha_put_register(writer, &status->reg);
	ha_put_chain(writer, &status->chain);
}

void
ha_get_status(HaReader *reader, HaStatus *status)
{
	memset(status, 0, sizeof(*status));
	status->cluster = ha_get_uuid(reader);
	status->system_id = ha_get_u64(reader);
	status->id = ha_get_id(reader);
	status->incarnation = ha_get_uuid(reader);
	status->run = ha_get_u64(reader);
	ha_get_text(reader, status->software, sizeof(status->software));
	status->wall_us = ha_get_i64(reader);
	status->role = (HaRole) ha_get_u8(reader);
	status->term = ha_get_term(reader);
	status->leader = ha_get_id(reader);
	status->voted_for = ha_get_id(reader);
	status->joined_term = ha_get_term(reader);
	status->position = ha_get_position(reader);
	status->promise_ms = ha_get_u32(reader);
	status->beat_ms = ha_get_u32(reader);
	status->lease_left_us = ha_get_i64(reader);
	status->promise_left_us = ha_get_i64(reader);
	status->silent_left_us = ha_get_i64(reader);
	status->committed = ha_get_version(reader);
	status->write_pending = ha_get_bool(reader);
	status->shift = (HaShift) ha_get_u8(reader);
	get_gate(reader, &status->gate);
	status->target = ha_get_id(reader);
	get_pg(reader, &status->pg);
	status->upstream = ha_get_id(reader);
	status->reaches = ha_get_u32(reader);
	status->reached_by = ha_get_u32(reader);
	status->summary_count = ha_get_u32_max(reader, HA_MEMBERS_MAX);
	for (uint32_t i = 0; i < status->summary_count; i++)
		ha_get_summary(reader, &status->summary[i]);
	status->has_register = ha_get_bool(reader);
	if (status->has_register)
		ha_get_register(reader, &status->reg);
	ha_get_chain(reader, &status->chain);
	reader->bad |= !status_valid(status);
	if (reader->bad)
		memset(status, 0, sizeof(*status));
}

const HaSummary *
ha_status_summary(const HaStatus *status, HaId id)
{
	for (uint32_t i = 0; i < status->summary_count; i++)
	{
		if (status->summary[i].id == id)
			return &status->summary[i];
	}
	return NULL;
}
