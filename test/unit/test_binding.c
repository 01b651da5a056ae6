/*
 * test_binding.c: what ties a state file to its place, part by part (R2).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/binding.h"
#include "test/unit/support/folder.h"

#define ID_A "0123456789abcdef0123456789abcdef"
#define ID_B "0123456789abcdef0123456789abcdee"

static Folder folder;
static HaPlace place;
static HaBinding binding;

static int
begin(void **state)
{
	(void) state;
	folder_make(&folder);
	folder_write(folder_file(&folder, "file"), "x", 1, 0600);
	place.fd = open(folder_file(&folder, "file"), O_RDWR | O_CLOEXEC);
	place.real_directory = folder.path;
	place.machine_id_file = "/nowhere";
	return ha_binding_make(&place, &binding);
}

static int
end(void **state)
{
	(void) state;
	if (place.fd >= 0)
		close(place.fd);
	folder_remove(&folder);
	return 0;
}

static void
test_same_place(void **state)
{
	HaBinding again;

	(void) state;
	assert_int_equal(ha_binding_make(&place, &again), 0);
	assert_memory_equal(again.byte, binding.byte, HA_BINDING_SIZE);
	assert_int_equal(ha_binding_matches(&place, &binding), 1);
	/* What may happen to the file in its place. */
	assert_int_equal(pwrite(place.fd, "yy", 2, 0), 2);
	assert_int_equal(fchmod(place.fd, 0400), 0);
	assert_int_equal(ha_binding_matches(&place, &binding), 1);
	again.byte[31] ^= 1;
	assert_int_equal(ha_binding_matches(&place, &again), 0);
}

static void
test_other_directory(void **state)
{
	(void) state;
	place.real_directory = "/elsewhere";
	assert_int_equal(ha_binding_matches(&place, &binding), 0);
}

static void
test_other_file(void **state)
{
	(void) state;
	close(place.fd);
	folder_copy(folder_file(&folder, "file"), folder_file(&folder, "copy"));
	place.fd = open(folder_file(&folder, "copy"), O_RDWR | O_CLOEXEC);
	assert_int_equal(ha_binding_matches(&place, &binding), 0);
}

/*
 * A restored file that by chance got the inode of the old one: told by the time of birth. Needs a file system that
 * gives freed numbers out again at once, as ext4 does, and knows that time.
 */
static void
test_inode_used_again(void **state)
{
	struct stat old;
	struct stat new;

	(void) state;
	assert_int_equal(fstat(place.fd, &old), 0);
	close(place.fd);
	assert_int_equal(unlink(folder_file(&folder, "file")), 0);
	folder_write(folder_file(&folder, "file"), "x", 1, 0600);
	place.fd = open(folder_file(&folder, "file"), O_RDWR | O_CLOEXEC);
	assert_int_equal(fstat(place.fd, &new), 0);
	if (old.st_ino != new.st_ino)
		skip();
	assert_int_equal(ha_binding_matches(&place, &binding), 0);
}

/* Files without a time of birth, as procfs has them: the inode alone tells them apart. */
static void
test_no_time_of_birth(void **state)
{
	HaPlace here = {"/x", open("/proc/version", O_RDONLY | O_CLOEXEC), "/nowhere"};
	HaPlace there = {"/x", open("/proc/uptime", O_RDONLY | O_CLOEXEC), "/nowhere"};
	HaBinding made;

	(void) state;
	assert_true(here.fd >= 0 && there.fd >= 0);
	assert_int_equal(ha_binding_make(&here, &made), 0);
	assert_int_equal(ha_binding_matches(&here, &made), 1);
	assert_int_equal(ha_binding_matches(&there, &made), 0);
	close(here.fd);
	close(there.fd);
}

static HaBinding
with_machine_id(const char *text)
{
	const char *path = folder_file(&folder, "machine-id");
	HaBinding made;

	folder_write(path, text, strlen(text), 0444);
	place.machine_id_file = path;
	assert_int_equal(ha_binding_make(&place, &made), 0);
	assert_int_equal(unlink(path), 0);
	place.machine_id_file = "/nowhere";
	return made;
}

static void
assert_same(HaBinding a, HaBinding b, bool same)
{
	assert_int_equal(memcmp(a.byte, b.byte, sizeof(a.byte)) == 0, same);
}

static void
test_machine_id(void **state)
{
	(void) state;
	assert_same(with_machine_id(ID_A "\n"), with_machine_id(ID_A), true);
	assert_same(with_machine_id(ID_A "\n"), with_machine_id(ID_B "\n"), false);
	assert_same(with_machine_id(ID_A "\n"), binding, false);
	/* What is no machine id counts as none. */
	assert_same(with_machine_id(""), binding, true);
	assert_same(with_machine_id("uninitialized\n"), binding, true);
	assert_same(with_machine_id("0123456789ABCDEF0123456789ABCDEF\n"), binding, true);
	assert_same(with_machine_id(ID_A "0\n"), binding, true);
	assert_same(with_machine_id(ID_A "\n\n"), binding, true);
	place.machine_id_file = folder.path;
	assert_int_equal(ha_binding_matches(&place, &binding), 1);
}

static void
test_errors(void **state)
{
	HaBinding made;

	(void) state;
	close(place.fd);
	place.fd = -1;
	assert_int_equal(ha_binding_make(&place, &made), -1);
	assert_int_equal(ha_binding_matches(&place, &binding), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_same_place),
		TEST(test_other_directory),
		TEST(test_other_file),
		TEST(test_inode_used_again),
		TEST(test_no_time_of_birth),
		TEST(test_machine_id),
		TEST(test_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
