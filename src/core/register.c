/*
 * register.c: see register.h.
 */
#include "core/register.h"

bool
ha_name_valid(const char *name)
{
	size_t n = 0;

	for (; name[n] != '\0'; n++)
	{
		char c = name[n];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		bool other = (c >= '0' && c <= '9') || (c == '-' && n > 0);

		if (n == HA_NAME_SIZE - 1 || !(letter || other))
			return false;
	}
	return n > 0;
}

/* A string field that came from outside: ended inside its array, and printable without spaces. */
static bool
text_valid(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
	{
		if (text[i] == '\0')
			return true;
		if (text[i] <= ' ' || text[i] > '~')
			return false;
	}
	return false;
}

static bool
member_valid(const HaMember *member)
{
	return member->id >= 1 && member->id <= HA_ID_MAX && member->priority <= 1000 &&
		(member->flags & ~(uint32_t) HA_MEMBER_DATA) == 0 &&
		text_valid(member->name, sizeof(member->name)) && ha_name_valid(member->name) &&
		text_valid(member->peer_host, sizeof(member->peer_host)) &&
		text_valid(member->sql_host, sizeof(member->sql_host));
}

bool
ha_register_valid(const HaRegister *reg)
{
	HaSet members = 0;

	if (reg->member_count > HA_MEMBERS_MAX || reg->version.term >= HA_TERM_MAX)
		return false;
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		const HaMember *member = &reg->member[i];

		if (!member_valid(member) || ha_set_has(members, member->id))
			return false;
		for (uint32_t j = 0; j < i; j++)
		{
			if (strcmp(reg->member[j].name, member->name) == 0)
				return false;
		}
		members |= ha_set_of(member->id);
	}
	if (reg->voters == 0 || (reg->voters & ~members) != 0)
		return false;
	if ((reg->voters_previous & ~members) != 0)
		return false;
	if ((reg->rule.sync_set & ~ha_register_data(reg)) != 0)
		return false;
	if (reg->rule.k > HA_MEMBERS_MAX || reg->k_wanted > HA_MEMBERS_MAX || reg->k_min > reg->k_wanted)
		return false;
	return ha_chain_valid(&reg->chain) && reg->tli_max >= ha_chain_tli_max(&reg->chain);
}

HaMember *
ha_register_member_mut(HaRegister *reg, HaId id)
{
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		if (reg->member[i].id == id)
			return &reg->member[i];
	}
	return NULL;
}

const HaMember *
ha_register_member(const HaRegister *reg, HaId id)
{
	/* Numbers are given from 1 on: as long as nobody was dropped, each member stands in its own place. */
	if (id - 1 < reg->member_count && reg->member[id - 1].id == id)
		return &reg->member[id - 1];
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		if (reg->member[i].id == id)
			return &reg->member[i];
	}
	return NULL;
}

HaSet
ha_register_members(const HaRegister *reg)
{
	HaSet set = 0;

	for (uint32_t i = 0; i < reg->member_count; i++)
		set |= ha_set_of(reg->member[i].id);
	return set;
}

HaSet
ha_register_data(const HaRegister *reg)
{
	HaSet set = 0;

	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		if (reg->member[i].flags & HA_MEMBER_DATA)
			set |= ha_set_of(reg->member[i].id);
	}
	return set;
}

HaSet
ha_register_data_voters(const HaRegister *reg)
{
	return ha_register_data(reg) & reg->voters;
}

bool
ha_register_may_lead(const HaRegister *reg, HaId id)
{
	const HaMember *member = ha_register_member(reg, id);

	return member != NULL && member->priority > 0 && (member->flags & HA_MEMBER_DATA) && ha_set_has(reg->voters, id);
}

void
ha_register_drop(HaRegister *reg, HaId id)
{
	for (uint32_t i = 0; i < reg->member_count; i++)
	{
		if (reg->member[i].id != id)
			continue;
		memmove(&reg->member[i], &reg->member[i + 1], sizeof(HaMember) * (reg->member_count - i - 1));
		reg->member_count--;
		memset(&reg->member[reg->member_count], 0, sizeof(HaMember));
		break;
	}
	reg->rule.sync_set &= ~ha_set_of(id);
}

HaId
ha_register_free_id(const HaRegister *reg)
{
	HaSet free = ~ha_register_members(reg) & ~(HaSet) 1;

	return ha_set_first(free);
}
