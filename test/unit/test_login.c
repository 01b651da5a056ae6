/*
 * test_login.c: the role for replication: password, passfile, conninfo, SQL (io/login).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <libpq-fe.h>
#include <cmocka.h>

#include "io/files.h"
#include "io/login.h"
#include "test/unit/support/folder.h"

static const HaKey key = {{0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
						   16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31}};

/* By another program: printf haops_replicator | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102...1f */
static const char wanted[] = "c31d5fbf9d9c7741794a0351ffaffe7f50b71c3ee8da8e830f950bd157b40b6b";

static void
test_password(void **state)
{
	char password[HA_LOGIN_PASSWORD_SIZE];
	char variable[HA_LOGIN_ENVIRONMENT_SIZE];
	HaKey other = key;

	(void) state;
	assert_true(ha_login_password(&key, password));
	assert_string_equal(password, wanted);
	assert_true(ha_login_environment(&key, variable));
	assert_memory_equal(variable, "PGPASSWORD=", 11);
	assert_string_equal(variable + 11, wanted);
	other.byte[31] ^= 1;
	assert_true(ha_login_password(&other, password));
	assert_string_not_equal(password, wanted);
}

static void
test_passfile(void **state)
{
	Folder folder;
	HaFault fault = {.text = ""};
	char line[256];
	char *text;
	struct stat about;

	(void) state;
	folder_make(&folder);
	assert_true(ha_login_write_passfile(folder.path, &key, &fault));
	text = ha_files_read(folder_file(&folder, "passfile"), 1024, NULL);
	snprintf(line, sizeof(line), "*:*:*:haops_replicator:%s\n", wanted);
	assert_string_equal(text, line);
	free(text);
	assert_int_equal(stat(folder_file(&folder, "passfile"), &about), 0);
	assert_int_equal(about.st_mode & 0777, 0600);
	assert_false(ha_login_write_passfile("/no/such/directory", &key, &fault));
	assert_null(strstr(fault.text, wanted));
	assert_true(ha_files_remove_tree(folder.path));
}

static const char *
value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword != NULL; options++)
	{
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	}
	return NULL;
}

/* libpq reads what was written, whatever is in it; and the password is not in it (trap 30). */
static void
test_conninfo(void **state)
{
	char conninfo[HA_LOGIN_CONNINFO_SIZE];
	char *error = NULL;
	PQconninfoOption *options;
	char longer[2 * HA_LOGIN_CONNINFO_SIZE];

	(void) state;
	assert_true(ha_login_conninfo("fd00::1", 5433, "o'b\\x y", conninfo));
	options = PQconninfoParse(conninfo, &error);
	assert_non_null(options);
	assert_string_equal(value_of(options, "host"), "fd00::1");
	assert_string_equal(value_of(options, "port"), "5433");
	assert_string_equal(value_of(options, "user"), "haops_replicator");
	assert_string_equal(value_of(options, "dbname"), "postgres");
	assert_string_equal(value_of(options, "application_name"), "o'b\\x y");
	assert_null(value_of(options, "password"));
	PQconninfoFree(options);

	assert_true(ha_login_set_database("an'other", conninfo));
	options = PQconninfoParse(conninfo, &error);
	assert_non_null(options);
	assert_string_equal(value_of(options, "dbname"), "an'other");
	PQconninfoFree(options);

	memset(longer, '\'', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	for (size_t length = 0; length < sizeof(longer); length++)
	{
		char who[sizeof(longer)];

		snprintf(who, sizeof(who), "%.*s", (int) length, longer);
		if (!ha_login_conninfo("127.0.0.1", 1, who, conninfo))
			continue;
		options = PQconninfoParse(conninfo, &error);
		assert_non_null(options);
		assert_string_equal(value_of(options, "application_name"), who);
		PQconninfoFree(options);
	}
	assert_false(ha_login_conninfo("127.0.0.1", 1, longer, conninfo));
}

static void
test_sql(void **state)
{
	char sql[4096];

	(void) state;
	assert_true(ha_login_sql(wanted, sql, sizeof(sql)));
	assert_non_null(strstr(sql, wanted));
	assert_non_null(strstr(sql, "REPLICATION"));
	assert_non_null(strstr(sql, "pg_read_binary_file(text, bigint, bigint, boolean)"));
	assert_false(ha_login_sql(wanted, sql, 100));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_passfile),
		cmocka_unit_test(test_conninfo),
		cmocka_unit_test(test_sql),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
