/*
 * sample.c: see sample.h.
 */
#include "test/unit/support/sample.h"

#include <stdio.h>

HaUuid
sample_uuid(uint8_t byte)
{
	HaUuid uuid;

	memset(uuid.byte, byte, sizeof(uuid.byte));
	return uuid;
}

static HaMember
member(HaId id, const char *name, uint32_t flags)
{
	HaMember m = {.id = id, .flags = flags, .priority = 100, .peer_port = 7000};

	m.incarnation = sample_uuid((uint8_t) id);
	snprintf(m.name, sizeof(m.name), "%s", name);
	snprintf(m.peer_host, sizeof(m.peer_host), "10.0.0.%u", (unsigned) id);
	if (flags & HA_MEMBER_DATA)
	{
		snprintf(m.sql_host, sizeof(m.sql_host), "10.0.0.%u", (unsigned) id);
		m.sql_port = 5432;
	}
	return m;
}

void
sample_register(HaRegister *reg)
{
	*reg = (HaRegister){.version = {7, 3}, .leader = 1, .member_count = 3};
	reg->member[0] = member(1, "n1", HA_MEMBER_DATA);
	reg->member[1] = member(2, "n2", HA_MEMBER_DATA);
	reg->member[2] = member(3, "w3", 0);
	reg->voters = ha_set_of(1) | ha_set_of(2) | ha_set_of(3);
	reg->rule = (HaSyncRule){true, 1, ha_set_of(1) | ha_set_of(2)};
	reg->k_wanted = 1;
	reg->chain.count = 3;
	reg->chain.epoch[0] = (HaEpoch){0, 1, 0};
	reg->chain.epoch[1] = (HaEpoch){3, 2, 0x3000060};
	reg->chain.epoch[2] = (HaEpoch){7, 3, 0x5000148};
	reg->tli_max = 3;
	reg->checkpoint_term = 7;
}

static void
fill_text(char *text, size_t size, char last)
{
	memset(text, 'x', size - 1);
	text[size - 2] = last;
	text[size - 1] = '\0';
}

void
sample_register_largest(HaRegister *reg)
{
	sample_register(reg);
	reg->member_count = HA_MEMBERS_MAX;
	reg->voters = 0;
	for (uint32_t i = 0; i < HA_MEMBERS_MAX; i++)
	{
		HaMember *m = &reg->member[i];

		*m = member(i + 1, "x", HA_MEMBER_DATA);
		fill_text(m->name, sizeof(m->name), (char) ('a' + i));
		fill_text(m->peer_host, sizeof(m->peer_host), '1');
		fill_text(m->sql_host, sizeof(m->sql_host), '2');
		reg->voters |= ha_set_of(m->id);
	}
	reg->voters_previous = reg->voters;
	reg->chain.count = HA_CHAIN_MAX;
	for (uint32_t i = 0; i < HA_CHAIN_MAX; i++)
		reg->chain.epoch[i] = (HaEpoch){i, i + 1, UINT64_C(0x1000000) * i};
	reg->tli_max = HA_CHAIN_MAX;
	reg->version.term = HA_CHAIN_MAX;
}

void
sample_hard(HaHard *hard)
{
	*hard = (HaHard){
		.system_id = UINT64_C(7391823456789012345),
		.id = 2,
		.run = 12,
		.term = 7,
		.voted_for = 1,
		.joined_term = 7,
		.led_term = 5,
		.promise_ms = 3000,
	};
	hard->cluster = sample_uuid(0xC1);
	hard->incarnation = sample_uuid(2);
	sample_register(&hard->reg);
	hard->chain = hard->reg.chain;
}

void
sample_hard_largest(HaHard *hard)
{
	sample_hard(hard);
	sample_register_largest(&hard->reg);
	hard->chain = hard->reg.chain;
	hard->term = hard->reg.version.term;
}
