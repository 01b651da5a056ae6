/*
 * test_store_crash.c: the state file when the process, the machine or the disk fails, at every call that writes or
 * syncs, with every accident of disk.h (R3, R4, R5).
 *
 * What must hold: what a save confirmed is there when the file is opened again, or something newer that was being
 * saved; and what an opening has shown stays.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/prng.h"
#include "test/unit/support/disk.h"
#include "test/unit/support/folder.h"
#include "test/unit/support/sample.h"

static Folder folder;
static HaStore store;

/* The run counts the saves: what was confirmed or shown last, and what was tried last. */
static uint64_t confirmed;
static uint64_t tried;

static int
begin(void **state)
{
	(void) state;
	folder_make(&folder);
	store.fd = -1;
	return 0;
}

static int
end(void **state)
{
	(void) state;
	ha_store_close(&store);
	folder_remove(&folder);
	return 0;
}

/* The n-th state. The largest, so that a torn write has many sectors to tear; and much of it changes. */
static void
make_hard(HaHard *hard, uint64_t n)
{
	sample_hard_largest(hard);
	hard->run = n;
	hard->term += n;
	for (uint32_t i = 0; i < hard->reg.member_count; i++)
		hard->reg.member[i].incarnation.byte[3] = (uint8_t) n;
	for (uint32_t i = 0; i < hard->chain.count; i++)
		hard->chain.epoch[i].start += n;
	hard->reg.chain = hard->chain;
}

static HaStoreError
create(void)
{
	HaHard hard;
	HaStoreError error;

	make_hard(&hard, tried = 1);
	error = ha_store_create(&store, folder.path, &hard, &disk_calls);
	if (error == HA_STORE_OK)
		confirmed = 1;
	return error;
}

static HaStoreError
save(void)
{
	HaHard hard;
	HaStoreError error;

	make_hard(&hard, ++tried);
	error = ha_store_save(&store, &hard);
	if (error == HA_STORE_OK)
		confirmed = tried;
	return error;
}

static HaStoreError
open_it(void)
{
	ha_store_close(&store);
	return ha_store_open(&store, folder.path, &disk_calls);
}

/* Opens, without an accident. */
static void
assert_nothing_lost(void)
{
	HaHard wanted;

	disk_accident(0, DISK_ERROR);
	assert_int_equal(open_it(), HA_STORE_OK);
	assert_in_range(store.hard.run, confirmed, tried);
	make_hard(&wanted, store.hard.run);
	assert_memory_equal(&store.hard.chain, &wanted.chain, sizeof(wanted.chain));
	assert_int_equal(store.hard.term, wanted.term);
	tried = confirmed = store.hard.run;
}

/* One life: a new file, some saves, an accident at one call; then what comes after it. */
static void
live_and_crash(unsigned edge, DiskAccident accident, uint64_t seed)
{
	disk_begin(seed);
	assert_int_equal(create(), HA_STORE_OK);
	disk_accident(edge, accident);
	while (save() == HA_STORE_OK)
		assert_true(tried < 10);
	assert_int_equal(save(), HA_STORE_DEAD);
	tried--;
	if (seed % 2 == 0)
		disk_power_cut();
	assert_nothing_lost();

	/* It goes on from there; and the next crash finds no weakness that the first one left. */
	assert_int_equal(save(), HA_STORE_OK);
	disk_accident(1 + (unsigned) (seed / 2 % 3), (DiskAccident) (seed / 6 % DISK_ACCIDENTS));
	while (save() == HA_STORE_OK)
		;
	disk_power_cut();
	assert_nothing_lost();
	ha_store_close(&store);
	assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
}

static void
test_crash_at_every_edge_of_a_save(void **state)
{
	unsigned first;

	(void) state;
	/* A save is three calls: write, sync, copy. Four saves in a row take every slot in both parts. */
	disk_begin(0);
	assert_int_equal(create(), HA_STORE_OK);
	first = disk_count();
	assert_int_equal(save(), HA_STORE_OK);
	assert_int_equal(disk_count() - first, 3);
	ha_store_close(&store);
	assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);

	for (unsigned edge = 1; edge <= 12; edge++)
	{
		for (int accident = 0; accident < DISK_ACCIDENTS; accident++)
		{
			for (uint64_t seed = 0; seed < 24; seed++)
				live_and_crash(edge, (DiskAccident) accident, seed);
		}
	}
}

/* An accident while the file is being opened, after one while it was being saved. */
static void
test_crash_at_every_edge_of_an_opening(void **state)
{
	(void) state;
	for (unsigned edge = 1; edge <= 3; edge++)
	{
		for (int accident = 0; accident < DISK_ACCIDENTS; accident++)
		{
			for (uint64_t seed = 0; seed < 100; seed++)
			{
				disk_begin(seed);
				assert_int_equal(create(), HA_STORE_OK);
				disk_accident(1 + (unsigned) (seed % 9), DISK_FULL_STOP);
				while (save() == HA_STORE_OK)
					;
				if (seed % 2 == 0)
					disk_power_cut();
				disk_accident(edge, (DiskAccident) accident);
				if (open_it() == HA_STORE_OK)
				{
					/* An opening that had nothing to mend has fewer edges. */
					assert_in_range(store.hard.run, confirmed, tried);
					tried = confirmed = store.hard.run;
				}
				if (seed % 3 == 0)
					disk_power_cut();
				assert_nothing_lost();
				ha_store_close(&store);
				assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
			}
		}
	}
}

/* A creation that fails leaves nothing behind, whatever fails in it. */
static void
test_accident_at_every_edge_of_a_creation(void **state)
{
	unsigned edges;

	(void) state;
	disk_begin(1);
	assert_int_equal(create(), HA_STORE_OK);
	edges = disk_count();
	ha_store_close(&store);
	assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
	assert_in_range(edges, 5, 10);

	for (unsigned edge = 1; edge <= edges; edge++)
	{
		for (int accident = 0; accident < DISK_ACCIDENTS; accident++)
		{
			disk_begin(edge);
			disk_accident(edge, (DiskAccident) accident);
			assert_int_equal(create(), HA_STORE_FAILED);
			assert_int_equal(store.fd, -1);
			assert_false(folder_has(folder_file(&folder, HA_STORE_FILE)));
			assert_false(folder_has(folder_file(&folder, "state.new")));
		}
	}
	disk_begin(0);
	assert_int_equal(create(), HA_STORE_OK);
}

/* A creation that returned is on the disk. */
static void
test_created_is_durable(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 50; seed++)
	{
		disk_begin(seed);
		assert_int_equal(create(), HA_STORE_OK);
		assert_true(disk_is_clean());
		assert_int_equal(disk_directory_syncs(), 1);
		assert_false(folder_has(folder_file(&folder, "state.new")));
		disk_power_cut();
		assert_nothing_lost();
		ha_store_close(&store);
		assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
	}
}

/* An adoption that is cut short leaves the old life or the new one, and never the old vote under the new name. */
static void
test_crash_at_every_edge_of_an_adoption(void **state)
{
	const HaUuid life = sample_uuid(0x77);
	int adopted = 0;

	(void) state;
	for (unsigned edge = 1; edge <= 6; edge++)
	{
		for (uint64_t seed = 0; seed < 100; seed++)
		{
			bool done;

			disk_begin(seed);
			assert_int_equal(create(), HA_STORE_OK);
			ha_store_close(&store);
			disk_accident(edge, (DiskAccident) (seed % DISK_ACCIDENTS));
			done = ha_store_adopt(&store, folder.path, 9, &life, &disk_calls) == HA_STORE_OK;
			if (done)
				assert_true(disk_is_clean());
			disk_power_cut();
			disk_accident(0, DISK_ERROR);
			assert_int_equal(open_it(), HA_STORE_OK);
			if (ha_uuid_equal(&store.hard.incarnation, &life))
			{
				adopted++;
				assert_int_equal(store.hard.id, 9);
				assert_int_equal(store.hard.voted_for, 0);
			}
			else
			{
				assert_false(done);
				assert_int_equal(store.hard.id, 2);
				assert_int_equal(store.hard.voted_for, 1);
			}
			ha_store_close(&store);
			assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
		}
	}
	assert_in_range(adopted, 100, 599);
}

/* Once both slots are on the disk, any one damaged byte costs nothing. */
static void
test_damage_at_rest(void **state)
{
	(void) state;
	disk_begin(3);
	assert_int_equal(create(), HA_STORE_OK);
	for (size_t at = 0; at < HA_STORE_SIZE; at += 61)
	{
		assert_int_equal(save(), HA_STORE_OK);
		assert_int_equal(disk_calls.fdatasync(-1), 0);
		disk_damage(at);
		assert_nothing_lost();
		assert_int_equal(store.hard.run, tried);
		assert_true(store.repaired);
		assert_true(disk_is_clean());
	}
}

/* And a crash in the next save does not meet the one good slot that damage left. */
static void
test_damage_and_then_a_crash(void **state)
{
	(void) state;
	for (uint64_t seed = 0; seed < 192; seed++)
	{
		disk_begin(seed);
		assert_int_equal(create(), HA_STORE_OK);
		for (uint64_t saves = seed % 4; saves > 0; saves--)
			assert_int_equal(save(), HA_STORE_OK);
		assert_int_equal(disk_calls.fdatasync(-1), 0);
		disk_damage(1000 + seed / 4 % 2 * HA_RECORD_SIZE);
		assert_nothing_lost();
		disk_accident(1 + (unsigned) (seed / 8 % 3), DISK_FULL_STOP);
		assert_int_equal(save(), HA_STORE_FAILED);
		disk_power_cut();
		assert_nothing_lost();
		ha_store_close(&store);
		assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
	}
}

/* Long lives: crashes, power cuts and failing syncs, one after the other, over one file. */
static void
test_many_lives(void **state)
{
	HaPrng prng;
	uint64_t crashes = 0;

	(void) state;
	ha_prng_seed(&prng, 17);
	for (uint64_t seed = 0; seed < 20; seed++)
	{
		disk_begin(seed);
		assert_int_equal(create(), HA_STORE_OK);
		for (int life = 0; life < 60; life++)
		{
			disk_accident(1 + ha_prng_below(&prng, 12), (DiskAccident) ha_prng_below(&prng, DISK_ACCIDENTS));
			while (save() == HA_STORE_OK)
				;
			crashes++;
			for (uint32_t attempts = ha_prng_below(&prng, 3); attempts > 0; attempts--)
			{
				if (ha_prng_below(&prng, 2) == 0)
					disk_power_cut();
				disk_accident(ha_prng_below(&prng, 4), (DiskAccident) ha_prng_below(&prng, DISK_ACCIDENTS));
				if (open_it() != HA_STORE_OK)
					continue;
				assert_in_range(store.hard.run, confirmed, tried);
				tried = confirmed = store.hard.run;
				(void) save();
			}
			if (ha_prng_below(&prng, 2) == 0)
				disk_power_cut();
			assert_nothing_lost();
		}
		ha_store_close(&store);
		assert_int_equal(ha_store_set_aside(folder.path), HA_STORE_OK);
	}
	assert_int_equal(crashes, 1200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_crash_at_every_edge_of_a_save),
		TEST(test_crash_at_every_edge_of_an_opening),
		TEST(test_accident_at_every_edge_of_a_creation),
		TEST(test_created_is_durable),
		TEST(test_crash_at_every_edge_of_an_adoption),
		TEST(test_damage_at_rest),
		TEST(test_damage_and_then_a_crash),
		TEST(test_many_lives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
