/*
 * test_pgdata.c: what PostgreSQL's programs and files say (io/pgdata).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/files.h"
#include "io/pgdata.h"
#include "test/unit/support/folder.h"

/* As pg_controldata 15 prints it, shortened. */
static const char *const lines[] = {
	"pg_control version number:            1300",
	"Database system identifier:           7575757575757575757",
	"Database cluster state:               in production",
	"pg_control last modified:             Sun 22 Nov 2026 04:23:09 PM UTC",
	"Latest checkpoint location:           1/2000060",
	"Latest checkpoint's REDO location:    1/2000028",
	"Latest checkpoint's TimeLineID:       3",
	"Latest checkpoint's PrevTimeLineID:   2",
	"Minimum recovery ending location:     1/30181D8",
	"Min recovery ending loc's timeline:   4",
	"wal_log_hints setting:                on",
	"Bytes per WAL segment:                16777216",
	"Data page checksum version:           1",
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static void
test_control(void **state)
{
	HaControl control = {0};

	(void) state;
	for (size_t i = 0; i < LINES; i++)
		ha_pgdata_control_line(&control, lines[i]);
	assert_true(ha_pgdata_control_whole(&control));
	assert_true(control.system_id == UINT64_C(7575757575757575757));
	assert_int_equal(control.state, HA_CONTROL_OTHER);
	assert_string_equal(control.state_text, "in production");
	assert_true(control.checkpoint == UINT64_C(0x102000060));
	assert_int_equal(control.tli, 3);
	assert_true(control.min_recovery == UINT64_C(0x1030181D8));
	assert_int_equal(control.min_recovery_tli, 4);
	assert_int_equal(ha_pgdata_control_tli(&control), 4);
	assert_true(control.checksums && control.wal_log_hints);
	assert_int_equal(control.segment_bytes, 16 * 1024 * 1024);
}

/* Without any one of the lines that are wanted it is not whole. */
static void
test_control_missing(void **state)
{
	int needed = 0;

	(void) state;
	for (size_t left_out = 0; left_out < LINES; left_out++)
	{
		HaControl control = {0};

		for (size_t i = 0; i < LINES; i++)
		{
			if (i != left_out)
				ha_pgdata_control_line(&control, lines[i]);
		}
		needed += ha_pgdata_control_whole(&control) ? 0 : 1;
	}
	assert_int_equal(needed, 9);
}

static void
check_bad(const char *line)
{
	HaControl control = {0};

	for (size_t i = 0; i < LINES; i++)
	{
		size_t label = strcspn(line, ":");

		if (strncmp(lines[i], line, label) != 0 || lines[i][label] != ':')
			ha_pgdata_control_line(&control, lines[i]);
	}
	ha_pgdata_control_line(&control, line);
	assert_false(ha_pgdata_control_whole(&control));
}

static void
test_control_bad(void **state)
{
	(void) state;
	check_bad("Database system identifier:           0");
	check_bad("Database system identifier:           -7");
	check_bad("Database system identifier:           99999999999999999999999999");
	check_bad("Latest checkpoint location:           12000060");
	check_bad("Latest checkpoint's TimeLineID:       0");
	check_bad("Latest checkpoint's TimeLineID:       4294967296");
	check_bad("Bytes per WAL segment:                16777215");
	check_bad("Bytes per WAL segment:                0");
	check_bad("Data page checksum version:           yes");
}

static HaControlState
state_of(const char *line)
{
	HaControl control = {0};

	ha_pgdata_control_line(&control, line);
	return control.state;
}

static void
test_control_state(void **state)
{
	(void) state;
	assert_int_equal(state_of("Database cluster state:               shut down"), HA_CONTROL_SHUT_DOWN);
	assert_int_equal(state_of("Database cluster state:               shut down in recovery"),
					 HA_CONTROL_SHUT_DOWN_STANDBY);
	assert_int_equal(state_of("Database cluster state:               shutting down"), HA_CONTROL_OTHER);
	assert_int_equal(state_of("Database cluster state:               in archive recovery"), HA_CONTROL_OTHER);
}

static void
test_lsn(void **state)
{
	HaLsn lsn;

	(void) state;
	assert_true(ha_pgdata_lsn("0/0", &lsn) && lsn == 0);
	assert_true(ha_pgdata_lsn("1/30181D8", &lsn) && lsn == UINT64_C(0x1030181D8));
	assert_true(ha_pgdata_lsn("FFFFFFFF/FFFFFFFF", &lsn) && lsn == UINT64_MAX);
	assert_true(ha_pgdata_lsn("0/0A0B0C0D", &lsn) && lsn == UINT64_C(0xA0B0C0D));
	assert_false(ha_pgdata_lsn("", &lsn));
	assert_false(ha_pgdata_lsn("1", &lsn));
	assert_false(ha_pgdata_lsn("1/", &lsn));
	assert_false(ha_pgdata_lsn("1/2 ", &lsn));
	assert_false(ha_pgdata_lsn("-1/2", &lsn));
	assert_false(ha_pgdata_lsn("123456789/0", &lsn));
}

static void
test_segment(void **state)
{
	const uint32_t bytes = 16 * 1024 * 1024;
	HaTli tli;
	HaLsn start;

	(void) state;
	assert_true(ha_pgdata_segment("00000002000000010000000A", bytes, &tli, &start));
	assert_int_equal(tli, 2);
	assert_true(start == UINT64_C(0x10A000000));
	assert_true(ha_pgdata_segment("0000FFFF00000000000000FF", bytes, &tli, &start));
	assert_false(ha_pgdata_segment("000000020000000100000100", bytes, &tli, &start));
	assert_false(ha_pgdata_segment("00000002000000010000000a", bytes, &tli, &start));
	assert_false(ha_pgdata_segment("00000002.history", bytes, &tli, &start));
	assert_false(ha_pgdata_segment("00000002000000010000000A.partial", bytes, &tli, &start));
	assert_false(ha_pgdata_segment("00000002000000010000000A", 0, &tli, &start));
}

static void
put(const Folder *folder, const char *name, const char *text)
{
	char path[PATH_MAX];

	assert_true(ha_files_path(path, folder->path, name));
	assert_true(ha_files_write(path, text, strlen(text), 0600));
}

/* postmaster.pid: another process of that number, which works elsewhere, is no postmaster of ours. */
static void
test_postmaster(void **state)
{
	Folder folder;
	HaPostmaster postmaster;
	char text[256];
	pid_t pid;

	(void) state;
	folder_make(&folder);
	ha_pgdata_postmaster(folder.path, &postmaster);
	assert_int_equal(postmaster.pid, 0);
	assert_false(postmaster.alive);

	snprintf(text, sizeof(text), "%d\n/data\n1700000000\n5433\n/run/sockets\n*\n   123   456\nready   \n",
			 (int) getppid());
	put(&folder, "postmaster.pid", text);
	ha_pgdata_postmaster(folder.path, &postmaster);
	assert_int_equal(postmaster.pid, getppid());
	assert_int_equal(postmaster.port, 5433);
	assert_string_equal(postmaster.socket_directory, "/run/sockets");
	assert_string_equal(postmaster.status, "ready");
	assert_false(postmaster.alive);

	put(&folder, "postmaster.pid", "garbage\n");
	ha_pgdata_postmaster(folder.path, &postmaster);
	assert_int_equal(postmaster.pid, 0);
	assert_false(ha_pgdata_in_use(folder.path, &pid));
	assert_true(ha_files_remove_tree(folder.path));
}

static void
test_directory(void **state)
{
	Folder folder;
	HaFault fault = {.text = ""};
	char path[PATH_MAX];
	int major;

	(void) state;
	folder_make(&folder);
	assert_false(ha_pgdata_major(folder.path, &major, &fault));
	assert_non_null(strstr(fault.text, "no PG_VERSION"));
	put(&folder, "PG_VERSION", "15\n");
	assert_true(ha_pgdata_major(folder.path, &major, &fault));
	assert_int_equal(major, 15);
	put(&folder, "PG_VERSION", "9.6\n");
	assert_false(ha_pgdata_major(folder.path, &major, &fault));

	assert_int_equal(ha_pgdata_tli_max(folder.path, 3), 3);
	assert_true(ha_files_path(path, folder.path, "pg_wal"));
	assert_true(ha_files_make_directory(path, 0700));
	put(&folder, "pg_wal/0000000A.history", "");
	put(&folder, "pg_wal/00000009.history", "");
	put(&folder, "pg_wal/0000000B.history.new", "");
	assert_int_equal(ha_pgdata_tli_max(folder.path, 3), 10);
	assert_int_equal(ha_pgdata_tli_max(folder.path, 12), 12);

	assert_false(ha_pgdata_has_links(folder.path));
	assert_true(ha_files_path(path, folder.path, "pg_tblspc"));
	assert_true(ha_files_make_directory(path, 0700));
	assert_false(ha_pgdata_has_links(folder.path));
	put(&folder, "pg_tblspc/16384", "");
	assert_true(ha_pgdata_has_links(folder.path));
	assert_true(ha_files_remove_tree(folder.path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_missing),
		cmocka_unit_test(test_control_bad),
		cmocka_unit_test(test_control_state),
		cmocka_unit_test(test_lsn),
		cmocka_unit_test(test_segment),
		cmocka_unit_test(test_postmaster),
		cmocka_unit_test(test_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
