/*
 * test_roles.c: the table of roles: one way by one trigger, and a way out of every role (R41, R44).
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include "core/note.h"
#include "core/roles.h"

/*
 * The roles that can be reached from this one, itself included, as bits. That an assertion may fail (HOLD) is no way
 * out of anything.
 */
static unsigned
reachable(HaRole from)
{
	unsigned reached = 1u << from;
	unsigned before;

	do
	{
		before = reached;
		for (size_t i = 0; i < ha_roles_count; i++)
		{
			if (ha_roles_table[i].trigger != HA_TRIGGER_HOLD && ((reached >> ha_roles_table[i].from) & 1))
				reached |= 1u << ha_roles_table[i].to;
		}
	} while (reached != before);
	return reached;
}

static void
test_every_role_has_a_way_out(void **state)
{
	(void) state;
	for (int role = 0; role < HA_ROLE_COUNT; role++)
	{
		unsigned reached = reachable((HaRole) role);

		if (((reached >> HA_ROLE_FOLLOWER) & 1) == 0)
			fail_msg("no way from \"%s\" to \"follower\"", ha_role_name((HaRole) role));
		if (((reached >> HA_ROLE_LEADER) & 1) == 0)
			fail_msg("no way from \"%s\" to \"leader\"", ha_role_name((HaRole) role));
	}
}

static void
test_every_role_is_reached(void **state)
{
	(void) state;
	assert_int_equal(reachable(HA_ROLE_FOLLOWER) | 1u << HA_ROLE_HELD, (1u << HA_ROLE_COUNT) - 1);
}

static void
test_one_way_by_one_trigger(void **state)
{
	(void) state;
	for (size_t i = 0; i < ha_roles_count; i++)
	{
		const HaTransition *way = &ha_roles_table[i];

		assert_true((unsigned) way->from < HA_ROLE_COUNT && (unsigned) way->to < HA_ROLE_COUNT);
		assert_true((unsigned) way->trigger < HA_TRIGGER_COUNT);
		assert_ptr_equal(ha_roles_find(way->from, way->trigger), way);
	}
}

static void
test_what_is_not_in_the_table_is_not_found(void **state)
{
	size_t found = 0;

	(void) state;
	for (int role = -1; role <= HA_ROLE_COUNT; role++)
	{
		for (int trigger = -1; trigger <= HA_TRIGGER_COUNT; trigger++)
			found += ha_roles_find((HaRole) role, (HaTrigger) trigger) != NULL;
	}
	assert_int_equal(found, ha_roles_count);
	assert_null(ha_roles_find(HA_ROLE_FOLLOWER, HA_TRIGGER_OPENED));
	assert_null(ha_roles_find(HA_ROLE_CANDIDATE, HA_TRIGGER_PROMOTED));
}

/* Only a win or an operator's force leads to leadership, and only through it to the rest. */
static void
test_ways_to_leadership(void **state)
{
	(void) state;
	for (size_t i = 0; i < ha_roles_count; i++)
	{
		const HaTransition *way = &ha_roles_table[i];

		if (way->to == HA_ROLE_ELECTED)
			assert_true(way->trigger == HA_TRIGGER_WON || way->trigger == HA_TRIGGER_FORCED);
		else if (ha_role_leads(way->to) && !ha_role_leads(way->from))
			assert_int_equal(way->trigger, HA_TRIGGER_RESUMED);
		if (way->to == HA_ROLE_LEADER)
			assert_true(way->from == HA_ROLE_OPENING || way->from == HA_ROLE_HANDING_OVER);
	}
	assert_true(ha_role_leads(HA_ROLE_LEADER));
	assert_false(ha_role_leads(HA_ROLE_CANDIDATE));
	assert_false(ha_role_leads(HA_ROLE_RESIGNING));
}

/* An assertion must be able to hold a member in whatever role it is (R44), and a higher term to end any leadership. */
static void
test_always_possible(void **state)
{
	(void) state;
	for (int role = 0; role < HA_ROLE_COUNT; role++)
	{
		if (role != HA_ROLE_HELD)
			assert_non_null(ha_roles_find((HaRole) role, HA_TRIGGER_HOLD));
		if (ha_role_leads((HaRole) role))
			assert_non_null(ha_roles_find((HaRole) role, HA_TRIGGER_DEPOSED));
	}
}

static void
test_names(void **state)
{
	(void) state;
	for (int a = 0; a < HA_ROLE_COUNT; a++)
	{
		assert_non_null(ha_role_name((HaRole) a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(ha_role_name((HaRole) a), ha_role_name((HaRole) b));
	}
	for (int a = 0; a < HA_TRIGGER_COUNT; a++)
	{
		bool used = false;

		assert_non_null(ha_trigger_name((HaTrigger) a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(ha_trigger_name((HaTrigger) a), ha_trigger_name((HaTrigger) b));
		for (size_t i = 0; i < ha_roles_count; i++)
			used |= ha_roles_table[i].trigger == (HaTrigger) a;
		if (!used)
			fail_msg("nothing happens by \"%s\"", ha_trigger_name((HaTrigger) a));
	}
	assert_string_equal(ha_role_name(HA_ROLE_COUNT), "unknown");
	assert_string_equal(ha_role_name((HaRole) -1), "unknown");
	assert_string_equal(ha_trigger_name(HA_TRIGGER_COUNT), "unknown");
}

/* Every sentence arrives whole in the text of its note. */
static void
test_sentences(void **state)
{
	(void) state;
	for (size_t i = 0; i < ha_roles_count; i++)
	{
		const char *sentence = ha_roles_table[i].sentence;
		HaNote note = {.kind = HA_NOTE_ROLE, .sentence = sentence};
		char text[256];

		assert_non_null(sentence);
		assert_true(strlen(sentence) > 10 && sentence[strlen(sentence) - 1] != '.');
		ha_note_text(&note, NULL, text, sizeof(text));
		assert_string_equal(text, sentence);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_role_has_a_way_out),
		cmocka_unit_test(test_every_role_is_reached),
		cmocka_unit_test(test_one_way_by_one_trigger),
		cmocka_unit_test(test_what_is_not_in_the_table_is_not_found),
		cmocka_unit_test(test_ways_to_leadership),
		cmocka_unit_test(test_always_possible),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
