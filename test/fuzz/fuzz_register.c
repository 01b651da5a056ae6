/*
 * fuzz_register.c: any bytes as a register. What is accepted is valid, has this one encoding, and can be worked with.
 */
#include <stdlib.h>

#include "wire/codec.h"

#define CHECK(claim) ((claim) ? (void) 0 : abort())

/* What the core does with the register of a peer stays within bounds. */
static void
use(HaRegister *reg)
{
	CHECK(ha_register_free_id(reg) <= HA_ID_MAX);
	for (HaId id = 0; id <= HA_ID_MAX; id++)
	{
		const HaMember *member = ha_register_member(reg, id);

		CHECK((member != NULL) == ha_set_has(ha_register_members(reg), id));
		CHECK(!ha_register_may_lead(reg, id) || member != NULL);
		(void) ha_data_quorum(&reg->rule, id, ha_register_data(reg));
		(void) ha_sync_satisfied(&reg->rule, id, reg->voters);
	}
	CHECK(ha_majority_joint(ha_register_members(reg), reg->voters, reg->voters_previous));
	for (HaId id = 0; id <= HA_ID_MAX; id++)
		ha_register_drop(reg, id);
	CHECK(reg->member_count == 0 && reg->rule.sync_set == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static HaRegister reg;
	static uint8_t again[HA_REGISTER_BYTES_MAX];
	HaReader reader = ha_reader(data, size);
	HaWriter writer = ha_writer(again, sizeof(again));

	ha_get_register(&reader, &reg);
	if (reader.bad)
	{
		CHECK(reg.member_count == 0 && reg.version.term == 0);
		return 0;
	}
	CHECK(ha_register_valid(&reg));
	ha_put_register(&writer, &reg);
	CHECK(!writer.bad && writer.used == reader.used && memcmp(again, data, writer.used) == 0);
	use(&reg);
	return 0;
}
