/*
 * test_corpus.c: the seeds of the fuzz targets fuzz_record, fuzz_register and fuzz_chain, made and kept honest.
 *
 * The seeds lie in test/fuzz/corpus. They are also what this release writes: when a layout changes, this test fails,
 * and whoever changed it must think of the files and peers that have the old one (HA_RECORD_FORMAT, the protocol's
 * version) before making the seeds anew:
 *
 *	HA_CORPUS=write build/asan/unit/test_corpus
 *
 * Works in the top folder of the checkout, as make check-unit does.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "test/unit/support/folder.h"
#include "test/unit/support/sample.h"
#include "wire/codec.h"
#include "wire/record.h"

#define SEED_MAX 20000

static uint8_t seed[SEED_MAX];
static HaWriter writer;

static void
begin(void)
{
	writer = ha_writer(seed, sizeof(seed));
}

/* Compares what was written with the seed of this name, or writes it there. */
static void
finish(const char *target, const char *name)
{
	static uint8_t found[SEED_MAX];
	const char *wish = getenv("HA_CORPUS");
	char path[256];

	assert_false(writer.bad);
	if (wish != NULL && strcmp(wish, "write") == 0)
	{
		snprintf(path, sizeof(path), "test/fuzz/corpus/%s", target);
		(void) mkdir(path, 0755);
		snprintf(path, sizeof(path), "test/fuzz/corpus/%s/%s", target, name);
		folder_write(path, seed, writer.used, 0644);
	}
	snprintf(path, sizeof(path), "test/fuzz/corpus/%s/%s", target, name);
	if (!folder_has(path))
		fail_msg("%s is missing; HA_CORPUS=write makes it", path);
	assert_int_equal(folder_read(path, found, sizeof(found)), writer.used);
	assert_memory_equal(found, seed, writer.used);
}

static void
finish_register(const char *name, const HaRegister *reg)
{
	begin();
	ha_put_register(&writer, reg);
	finish("fuzz_register", name);
}

static void
test_register(void **state)
{
	HaRegister reg;

	(void) state;
	sample_register(&reg);
	finish_register("three", &reg);
	reg.paused = true;
	reg.forced_term = 6;
	reg.voters_previous = ha_set_of(1) | ha_set_of(2);
	reg.rule.sync = false;
	finish_register("paused-forced-changing", &reg);
	sample_register(&reg);
	reg.member_count = 1;
	reg.voters = reg.rule.sync_set = ha_set_of(1);
	reg.rule.k = reg.k_wanted = 0;
	reg.chain.count = 1;
	finish_register("alone", &reg);
	sample_register_largest(&reg);
	finish_register("largest", &reg);
}

/* The control byte of fuzz_record.c, then one or two slots. */
static void
put_slots(uint8_t how, const HaHard *hard, int count)
{
	HaRecord record = {.sequence = 5, .hard = *hard};
	uint8_t slot[HA_RECORD_SIZE];

	begin();
	ha_put_u8(&writer, how);
	for (int i = 0; i < count; i++)
	{
		assert_int_equal(ha_record_encode(&record, slot), HA_RECORD_OK);
		ha_put_bytes(&writer, slot, sizeof(slot));
		record.sequence++;
		record.hard.run++;
	}
}

/* A slot's end is all zeros, but for the checksum that the control byte asks for. */
static void
drop_zeros(void)
{
	writer.used = 1 + HA_RECORD_SIZE - 4;
	while (seed[writer.used - 1] == 0)
		writer.used--;
}

static void
test_record(void **state)
{
	HaHard hard;

	(void) state;
	sample_hard(&hard);
	put_slots(0x0C, &hard, 2);
	finish("fuzz_record", "two-slots");
	put_slots(0x1F, &hard, 1);
	drop_zeros();
	finish("fuzz_record", "sealed-again");
	hard.reg.version = (HaVersion){0, 0};
	hard.chain.count = 0;
	put_slots(0x05, &hard, 1);
	drop_zeros();
	finish("fuzz_record", "sealed-no-register");
	sample_hard_largest(&hard);
	put_slots(0x05, &hard, 1);
	drop_zeros();
	finish("fuzz_record", "sealed-largest");
}

static void
finish_chains(const char *name, const HaChain *own, const HaChain *leader, HaLsn lsn, HaTli tli)
{
	begin();
	ha_put_u8(&writer, 0);
	ha_put_chain(&writer, own);
	ha_put_chain(&writer, leader);
	ha_put_u64(&writer, lsn);
	ha_put_u32(&writer, tli);
	finish("fuzz_chain", name);
}

static void
test_chain(void **state)
{
	const uint8_t history[] = {1, 2, 0x21, 0x23, 1, 0x24, 2, 0x22, 0x43, 9};
	HaChain leader = {.count = 3, .epoch = {{0, 1, 0}, {3, 2, 100}, {7, 3, 200}}};
	HaChain own = {.count = 2, .epoch = {{0, 1, 0}, {3, 2, 100}}};
	HaRegister reg;

	(void) state;
	finish_chains("stream", &own, &leader, 150, 2);
	finish_chains("rewind", &own, &leader, 250, 2);
	finish_chains("by-hand", &own, &leader, 250, 4);
	own.epoch[1].term = 2;
	finish_chains("same-timeline", &own, &leader, 150, 2);
	sample_register_largest(&reg);
	finish_chains("longest", &reg.chain, &reg.chain, UINT64_MAX, 0);
	begin();
	ha_put_bytes(&writer, history, sizeof(history));
	finish("fuzz_chain", "history");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_register),
		cmocka_unit_test(test_record),
		cmocka_unit_test(test_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
