/*
 * hook.c: see hook.h.
 */
#include <assert.h>
#include <string.h>

#include "ops/hook.h"

static const char *const names[HA_HOOK_COUNT] = {
#define HA_HOOK_NAME(kind, name, when) name,
	HA_HOOK_LIST(HA_HOOK_NAME)
#undef HA_HOOK_NAME
};

const char *
ha_hook_name(HaHook hook)
{
	assert((unsigned) hook < HA_HOOK_COUNT);
	return names[hook];
}

/* A hand-over that may still be taken back is no end. */
static bool
leads(const HaStatus *status)
{
	return (status->role == HA_ROLE_LEADER || status->role == HA_ROLE_HANDING_OVER) && status->gate.open;
}

/* The hooks that this member's own events since the last look ask for. */
static uint32_t
look_at_events(HaHookState *state, const HaStatus *status, HaEventLog log)
{
	uint64_t last = state->number;
	uint32_t hooks = 0;

	for (uint32_t i = 0; i < log.count; i++)
	{
		const HaEventRecord *record = &log.record[i];

		if (record->key.origin != status->id || record->key.run != state->run || record->key.number <= state->number)
			continue;
		if (record->key.number > last)
			last = record->key.number;
		if (record->kind == HA_NOTE_FENCED)
			hooks |= HA_HOOK_BIT(HA_HOOK_FENCE);
		if (ha_alert_came_back(log, i))
			hooks |= HA_HOOK_BIT(HA_HOOK_REJOIN);
	}
	state->number = last;
	return hooks;
}

uint32_t
ha_hook_step(HaHookState *state, const HaStatus *status, HaEventLog log)
{
	bool now = leads(status);
	HaId leader = now ? status->id : ha_role_leads(status->role) ? 0 : status->leader;
	uint32_t hooks;

	if (status->run != state->run)
	{
		state->run = status->run;
		state->number = 0;
	}
	hooks = look_at_events(state, status, log);
	if (status->role == HA_ROLE_OPENING && status->term != state->opening_term)
	{
		hooks |= HA_HOOK_BIT(HA_HOOK_OPENING);
		state->opening_term = status->term;
	}
	if (now != state->leads)
		hooks |= HA_HOOK_BIT(now ? HA_HOOK_PROMOTE : HA_HOOK_DEMOTE);
	state->leads = now;
	if (leader != 0 && leader != state->leader)
	{
		hooks |= HA_HOOK_BIT(HA_HOOK_LEADER_CHANGE);
		state->leader_before = state->leader;
		state->leader = leader;
	}
	return hooks;
}

uint32_t
ha_hook_stop(HaHookState *state)
{
	bool led = state->leads;

	state->leads = false;
	return led ? HA_HOOK_BIT(HA_HOOK_DEMOTE) : 0;
}
