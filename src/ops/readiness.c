/*
 * readiness.c: see readiness.h.
 */
#include <assert.h>
#include <string.h>

#include "ops/readiness.h"

static const struct
{
	const char *english;
	const char *chinese;
} reasons[HA_READINESS_COUNT] = {
#define HA_READINESS_ROW(reason, english, chinese) {english, chinese},
	HA_READINESS_LIST(HA_READINESS_ROW)
#undef HA_READINESS_ROW
};

const char *
ha_readiness_text(HaReadiness readiness, bool chinese)
{
	assert((unsigned) readiness < HA_READINESS_COUNT);
	return chinese ? reasons[readiness].chinese : reasons[readiness].english;
}

HaReadiness
ha_readiness_of_text(const char *text)
{
	size_t length = strlen(text);

	for (int i = 0; i < HA_READINESS_COUNT; i++)
	{
		size_t tail = strlen(reasons[i].english);

		if (tail <= length && strcmp(text + length - tail, reasons[i].english) == 0)
			return (HaReadiness) i;
	}
	return HA_READINESS_COUNT;
}

/* The members that answered the leader within its promise, without itself. */
static HaSet
alive(const HaStatus *status)
{
	HaSet set = 0;

	for (uint32_t i = 0; i < status->summary_count; i++)
	{
		const HaSummary *member = &status->summary[i];

		if (member->id != status->id && member->seen_ms <= status->promise_ms)
			set |= ha_set_of(member->id);
	}
	return set;
}

/* True when the member could be promoted now: it holds this term's WAL and nothing blocks it (R18). */
static bool
could_lead(const HaStatus *status, const HaSummary *member)
{
	return ha_register_may_lead(&status->reg, member->id) && member->joined_term == status->term &&
		member->blocks == 0 && !member->primary;
}

/* Of two that could lead, which one would win? */
static bool
comes_first(const HaStatus *status, const HaSummary *a, const HaSummary *b)
{
	int order = ha_position_compare(a->position, b->position);
	const HaMember *member_a = ha_register_member(&status->reg, a->id);
	const HaMember *member_b = ha_register_member(&status->reg, b->id);

	if (order != 0)
		return order > 0;
	if (member_a->priority != member_b->priority)
		return member_a->priority > member_b->priority;
	return a->id < b->id;
}

HaReadiness
ha_readiness(const HaStatus *status, HaId *best)
{
	const HaRegister *reg = &status->reg;
	HaSet left = alive(status);
	HaSet others = 0;
	const HaSummary *first = NULL;

	if (best != NULL)
		*best = 0;
	if (!status->has_register || !ha_role_leads(status->role))
		return HA_READINESS_UNKNOWN;
	for (uint32_t i = 0; i < reg->member_count; i++)
		if (reg->member[i].id != status->id && ha_register_may_lead(reg, reg->member[i].id))
			others |= ha_set_of(reg->member[i].id);
	for (uint32_t i = 0; i < status->summary_count; i++)
	{
		const HaSummary *member = &status->summary[i];

		if (ha_set_has(left, member->id) && could_lead(status, member) &&
			(first == NULL || comes_first(status, member, first)))
			first = member;
	}
	if (best != NULL && first != NULL)
		*best = first->id;
	if (reg->paused)
		return HA_READINESS_PAUSED;
	if (others == 0)
		return HA_READINESS_NO_STANDBY;
	if (!ha_majority_joint(left, reg->voters, reg->voters_previous))
		return HA_READINESS_NO_MAJORITY;
	if (first == NULL)
		return HA_READINESS_NONE_READY;
	if (!ha_data_quorum(&reg->rule, status->id, left & ha_register_data_voters(reg)))
		return HA_READINESS_NO_DATA_QUORUM;
	return HA_READINESS_READY;
}
