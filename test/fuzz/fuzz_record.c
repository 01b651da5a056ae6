/*
 * fuzz_record.c: any bytes as the two slots of a state file. What is accepted has this one encoding, and the choice
 * between the slots is the newer whole one.
 *
 * The first byte says how the others become slots, so that a checksum does not keep everything out: which of the two
 * get a magic and a format, and a right checksum; and whether the second is the first one again, one save later.
 *
 * The checksum is one of this target's own, eight bytes a step: the linker takes it instead of wire/checksum. With the
 * real one a target under sanitizers did 20 inputs in the time of 1,000 of another's.
 */
#include <stdlib.h>

#include "wire/checksum.h"
#include "wire/codec.h"
#include "wire/record.h"

#define CHECK(claim) ((claim) ? (void) 0 : abort())

#define AGAIN 0x10

static uint8_t slot[2][HA_RECORD_SIZE];

/* Any function of all the bytes will do: a slot that this target seals is whole, any other is not. */
__attribute__((no_sanitize("address", "undefined", "coverage"))) uint32_t
ha_checksum_crc32c(const void *bytes, size_t count)
{
	const uint8_t *at = bytes;
	const uint8_t *end = at + count;
	uint64_t sum = count;
	uint64_t word;

	for (; at + 8 <= end; at += 8)
	{
		__builtin_memcpy_inline(&word, at, 8);
		sum = (sum ^ word) * 0x9E3779B97F4A7C15u;
		sum ^= sum >> 29;
	}
	for (; at < end; at++)
		sum = (sum ^ *at) * 0x9E3779B97F4A7C15u;
	return (uint32_t) (sum >> 32);
}

static void
frame_it(uint8_t *bytes)
{
	const uint8_t head[] = {'p', 'g', 'H', 'A', 's', 't', 'a', 't', HA_RECORD_FORMAT, 0, 0, 0};

	memcpy(bytes, head, sizeof(head));
}

static void
seal(uint8_t *bytes)
{
	HaWriter tail = ha_writer(bytes + HA_RECORD_SIZE - 4, 4);

	ha_put_u32(&tail, ha_checksum_crc32c(bytes, HA_RECORD_SIZE - 4));
}

static void
make_slots(uint8_t how, const uint8_t *data, size_t size)
{
	size_t first = size < HA_RECORD_SIZE ? size : HA_RECORD_SIZE;
	size_t second = size - first < HA_RECORD_SIZE ? size - first : HA_RECORD_SIZE;

	memset(slot, 0, sizeof(slot));
	memcpy(slot[0], data, first);
	memcpy(slot[1], data + first, second);
	if (how & AGAIN)
	{
		memcpy(slot[1], slot[0], HA_RECORD_SIZE);
		slot[1][16]++;
	}
	for (int i = 0; i < 2; i++)
	{
		if (how & (1 << i))
			frame_it(slot[i]);
		if (how & (4 << i))
			seal(slot[i]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static HaRecord record[2];
	static HaChoice choice;
	static uint8_t again[HA_RECORD_SIZE];
	HaRecordError error[2];
	HaRecordError chosen;

	if (size == 0)
		return 0;
	make_slots(data[0], data + 1, size - 1);
	for (int i = 0; i < 2; i++)
	{
		error[i] = ha_record_decode(slot[i], &record[i]);
		if (error[i] != HA_RECORD_OK)
			continue;
		CHECK(ha_record_hard_valid(&record[i].hard));
		CHECK(ha_record_encode(&record[i], again) == HA_RECORD_OK);
		CHECK(memcmp(again, slot[i], HA_RECORD_SIZE) == 0);
	}
	chosen = ha_record_choose(slot[0], slot[1], &choice);
	CHECK((chosen == HA_RECORD_OK) <= (error[0] == HA_RECORD_OK || error[1] == HA_RECORD_OK));
	if (chosen != HA_RECORD_OK)
		return 0;
	CHECK(error[choice.slot] == HA_RECORD_OK);
	CHECK(choice.record.sequence == record[choice.slot].sequence);
	CHECK(choice.other_lost == (error[1 - choice.slot] != HA_RECORD_OK));
	CHECK(choice.other_lost || choice.record.sequence >= record[1 - choice.slot].sequence);
	return 0;
}
