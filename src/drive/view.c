/*
 * view.c: the status that a member gives of itself and the cluster; see wire/status.h.
 */
#include "drive/engine_parts.h"

#include "io/clock.h"

/* How long until both clocks say that it is over. */
static int64_t
left_us(HaUntil until, HaNow now)
{
	HaUs boot_us = until.boot_us - now.boot_us;
	HaUs mono_us = until.mono_us - now.mono_us;
	HaUs longer_us = boot_us > mono_us ? boot_us : mono_us;

	return longer_us > 0 ? longer_us : 0;
}

void
ha_view_status(const HaBuiltin *b, HaStatus *status)
{
	const HaNode *node = &b->node;
	const HaHard *hard = &node->hard;
	HaNow now = ha_clock_now();

	memset(status, 0, sizeof(*status));
	status->cluster = hard->cluster;
	status->system_id = hard->system_id;
	status->id = hard->id;
	status->incarnation = hard->incarnation;
	status->run = hard->run;
	memcpy(status->software, b->software, sizeof(status->software));
	status->wall_us = ha_clock_wall_us();

	status->role = node->role;
	status->term = hard->term;
	status->leader = node->leader;
	status->voted_for = hard->voted_for;
	status->joined_term = hard->joined_term;
	status->position = ha_node_position(node);
	status->promise_ms = node->times.promise_ms;
	status->beat_ms = node->times.beat_ms;
	status->lease_left_us = ha_node_lease_valid(node, now) ? node->lease_until_us - now.boot_us : 0;
	status->promise_left_us = left_us(node->promise_until, now);
	status->silent_left_us = left_us(node->silent_until, now);
	status->committed = node->committed;
	status->write_pending = node->write_pending;
	status->shift = node->shift;
	status->gate = node->gate;
	status->target = node->target;
	status->pg = node->pg;
	status->upstream = node->upstream;
	status->reaches = ha_peers_reaches(b->peers);
	status->reached_by = ha_peers_reached_by(b->peers);
	status->summary_count = node->summary_count;
	memcpy(status->summary, node->summary, sizeof(HaSummary) * node->summary_count);
	status->has_register = ha_register_valid(&hard->reg);
	if (status->has_register)
		status->reg = hard->reg;
	status->chain = hard->chain;
}
