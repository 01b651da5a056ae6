/*
 * test_golden.c: whole stories of the core, byte by byte: every write, message, act and note of every member.
 *
 * What the core says and does is compared with the files in test/unit/golden, so that a change of behaviour is seen
 * where it was not meant (R43). When it was meant: HA_GOLDEN=write build/asan/unit/test_golden writes the files anew,
 * and the difference is read before it is committed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "test/unit/support/folder.h"
#include "test/unit/support/town.h"

#define GOLDEN_MAX (1024 * 1024)

static Town *town;
static char *text;
static size_t text_size;

/* A cluster, with its trace kept from the first step on. */
static void
begin(int data, int witnesses, uint32_t k)
{
	town = town_new(data, witnesses, k, open_memstream(&text, &text_size));
}

/* A leader and standbys that follow it; who leads. */
static HaId
settle(int data, int witnesses, uint32_t k)
{
	HaId leader;

	begin(data, witnesses, k);
	leader = town_until_leader(town, 6000);
	town_run(town, 1000);
	assert_true(town_commit(town, leader, 100));
	return leader;
}

static void
first_difference(const char *path, const char *golden, size_t golden_size)
{
	size_t at = 0;
	size_t start = 0;
	int line = 1;

	for (; at < text_size && at < golden_size && text[at] == golden[at]; at++)
	{
		if (text[at] != '\n')
			continue;
		line++;
		start = at + 1;
	}
	fail_msg("%s, line %d:\n  was %.*s\n  is  %.*s", path, line, (int) strcspn(golden + start, "\n"), golden + start,
			 (int) strcspn(text + start, "\n"), text + start);
}

static void
finish(const char *story)
{
	static char golden[GOLDEN_MAX + 1];
	const char *wish = getenv("HA_GOLDEN");
	char path[256];
	size_t size;

	fclose(town->trace);
	town->trace = NULL;
	town_free(town);
	snprintf(path, sizeof(path), "test/unit/golden/%s.txt", story);
	if (wish != NULL && strcmp(wish, "write") == 0)
	{
		(void) mkdir("test/unit/golden", 0755);
		folder_write(path, text, text_size, 0644);
	}
	if (!folder_has(path))
		fail_msg("%s is missing; HA_GOLDEN=write makes it", path);
	size = folder_read(path, golden, GOLDEN_MAX);
	golden[size] = '\0';
	if (size != text_size || memcmp(golden, text, size) != 0)
		first_difference(path, golden, size);
	free(text);
}

static void
election(void **state)
{
	(void) state;
	begin(3, 0, 1);
	assert_int_not_equal(town_until_leader(town, 6000), 0);
	town_run(town, 600);
	finish("election");
}

static void
leader_killed(void **state)
{
	(void) state;
	town_kill(town, settle(2, 1, 1), true);
	assert_int_not_equal(town_until_leader(town, 300), 0);
	town_run(town, 600);
	finish("leader_killed");
}

static void
hand_over(void **state)
{
	HaId leader = settle(3, 0, 0);
	HaRequest request = {.kind = HA_REQUEST_HAND_OVER, .member.id = leader % 3 + 1};

	(void) state;
	assert_int_equal(town_request(town, leader, request), HA_ANSWER_DONE);
	assert_int_equal(town_until_leader(town, 500), request.member.id);
	town_run(town, 600);
	finish("hand_over");
}

static void
partition(void **state)
{
	HaId leader = settle(3, 0, 1);
	HaId next;

	(void) state;
	town_cut(town, ha_set_of(leader), ~ha_set_of(leader));
	town_cut(town, ~ha_set_of(leader), ha_set_of(leader));
	town_run(town, 2600);
	next = town_until_leader(town, 2000);
	assert_int_not_equal(next, 0);
	town_heal(town);
	town_run(town, 1500);
	assert_int_equal(town_leader(town), next);
	finish("partition");
}

static void
rejoin_by_rewind(void **state)
{
	HaId leader = settle(3, 0, 0);

	(void) state;
	town_cut(town, ha_set_of(leader), ~ha_set_of(leader));
	assert_true(town_commit(town, leader, 0));	/* nobody else has it */
	town_kill(town, leader, false);
	town_heal(town);
	assert_int_not_equal(town_until_leader(town, 4000), 0);
	town_start(town, leader);
	town_run(town, 1500);
	assert_int_equal(town->notes[HA_NOTE_DIVERGED], 1);
	finish("rejoin_by_rewind");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(election),
		cmocka_unit_test(leader_killed),
		cmocka_unit_test(hand_over),
		cmocka_unit_test(partition),
		cmocka_unit_test(rejoin_by_rewind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
