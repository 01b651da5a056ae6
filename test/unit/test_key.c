/*
 * test_key.c: the key file: made once, read only when it is nobody else's business.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/key.h"
#include "test/unit/support/folder.h"

#define DIGITS "00112233445566778899aabbccddeeff0123456789abcdef0123456789ABCDEF"

static Folder folder;
static HaKey key;
static const HaKey nothing;

static int
begin(void **state)
{
	(void) state;
	folder_make(&folder);
	return 0;
}

static int
end(void **state)
{
	(void) state;
	folder_remove(&folder);
	return 0;
}

static const char *
key_file(void)
{
	return folder_file(&folder, "key");
}

/* What reading gives; a key that is refused is not left in memory. */
static HaKeyError
read_it(void)
{
	HaKeyError error;

	memset(&key, 0xEE, sizeof(key));
	error = ha_key_read(key_file(), &key);
	if (error != HA_KEY_OK)
		assert_memory_equal(&key, &nothing, sizeof(key));
	return error;
}

static HaKeyError
read_text(const char *text)
{
	folder_write(key_file(), text, strlen(text), 0600);
	return read_it();
}

static void
test_create_and_read(void **state)
{
	HaKey made;
	HaKey other;
	char line[100];
	struct stat about;

	(void) state;
	assert_int_equal(ha_key_create(key_file(), &made), HA_KEY_OK);
	assert_int_equal(stat(key_file(), &about), 0);
	assert_int_equal(about.st_mode & 07777, 0600);
	assert_int_equal(folder_read(key_file(), line, sizeof(line)), 65);
	assert_int_equal(line[64], '\n');
	for (int i = 0; i < 64; i++)
		assert_non_null(memchr("0123456789abcdef", line[i], 16));
	assert_int_equal(read_it(), HA_KEY_OK);
	assert_memory_equal(&key, &made, sizeof(key));

	assert_int_equal(ha_key_create(folder_file(&folder, "other"), &other), HA_KEY_OK);
	assert_memory_not_equal(&other, &made, sizeof(key));
	ha_key_wipe(&other);
	assert_memory_equal(&other, &nothing, sizeof(other));
}

static void
test_create_never_replaces(void **state)
{
	(void) state;
	assert_int_equal(ha_key_create(key_file(), &key), HA_KEY_OK);
	assert_int_equal(ha_key_create(key_file(), &key), HA_KEY_EXISTS);
	assert_memory_equal(&key, &nothing, sizeof(key));
	assert_int_equal(read_it(), HA_KEY_OK);

	assert_int_equal(symlink("nowhere", folder_file(&folder, "link")), 0);
	assert_int_equal(ha_key_create(folder_file(&folder, "link"), &key), HA_KEY_EXISTS);
	assert_false(folder_has(folder_file(&folder, "nowhere")));
	assert_int_equal(ha_key_create(folder_file(&folder, "no/key"), &key), HA_KEY_MISSING);
}

static void
test_create_without_room(void **state)
{
	struct rlimit saved;
	struct rlimit small;
	HaKeyError error;
	void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);

	(void) state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &saved), 0);
	small = (struct rlimit){30, saved.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	error = ha_key_create(key_file(), &key);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &saved), 0);
	signal(SIGXFSZ, handler);
	assert_int_equal(error, HA_KEY_FAILED);
	assert_memory_equal(&key, &nothing, sizeof(key));
	assert_false(folder_has(key_file()));
}

static void
test_content(void **state)
{
	const uint8_t head[] = {0x00, 0x11, 0x22, 0x33};
	const uint8_t tail[] = {0x89, 0xAB, 0xCD, 0xEF};

	(void) state;
	assert_int_equal(read_text(DIGITS "\n"), HA_KEY_OK);
	assert_memory_equal(key.byte, head, 4);
	assert_memory_equal(key.byte + 28, tail, 4);
	assert_int_equal(read_text(DIGITS), HA_KEY_OK);
	assert_memory_equal(key.byte + 28, tail, 4);

	assert_int_equal(read_text(""), HA_KEY_LENGTH);
	assert_int_equal(read_text("\n"), HA_KEY_LENGTH);
	assert_int_equal(read_text(DIGITS "\n\n"), HA_KEY_LENGTH);
	assert_int_equal(read_text(DIGITS "0"), HA_KEY_LENGTH);
	assert_int_equal(read_text(DIGITS "00"), HA_KEY_LENGTH);
	assert_int_equal(read_text(&DIGITS[1]), HA_KEY_LENGTH);
	assert_int_equal(read_text(&DIGITS "\n"[1]), HA_KEY_DIGITS);
	for (int at = 0; at < 64; at++)
	{
		char line[] = DIGITS "\n";

		line[at] = "gG/:@`x \n"[at % 9];
		assert_int_equal(read_text(line), HA_KEY_DIGITS);
	}
}

static void
test_rights(void **state)
{
	(void) state;
	assert_int_equal(read_text(DIGITS), HA_KEY_OK);
	for (mode_t bit = 1; bit <= 040; bit <<= 1)
	{
		assert_int_equal(chmod(key_file(), 0600 | bit), 0);
		assert_int_equal(read_it(), HA_KEY_RIGHTS);
	}
	assert_int_equal(chmod(key_file(), 0400), 0);
	assert_int_equal(read_it(), HA_KEY_OK);
}

static void
test_directory(void **state)
{
	(void) state;
	assert_int_equal(read_text(DIGITS), HA_KEY_OK);
	assert_int_equal(chmod(folder.path, 01777), 0);
	assert_int_equal(read_it(), HA_KEY_DIRECTORY);
	assert_int_equal(ha_key_create(folder_file(&folder, "other"), &key), HA_KEY_DIRECTORY);
	assert_int_equal(chmod(folder.path, 0755), 0);
	assert_int_equal(read_it(), HA_KEY_OK);
}

static void
test_no_regular_file(void **state)
{
	(void) state;
	assert_int_equal(read_it(), HA_KEY_MISSING);
	folder_write(folder_file(&folder, "real"), DIGITS, 64, 0600);
	assert_int_equal(symlink("real", key_file()), 0);
	assert_int_equal(read_it(), HA_KEY_LINK);
	assert_int_equal(unlink(key_file()), 0);
	assert_int_equal(mkdir(key_file(), 0700), 0);
	assert_int_equal(read_it(), HA_KEY_NOT_A_FILE);
	assert_int_equal(rmdir(key_file()), 0);
	/* Nobody writes to it: it does not wait. */
	assert_int_equal(mkfifo(key_file(), 0600), 0);
	assert_int_equal(read_it(), HA_KEY_NOT_A_FILE);
}

static void
test_owner(void **state)
{
	(void) state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(read_text(DIGITS), HA_KEY_OK);
	assert_int_equal(chown(key_file(), 65534, 65534), 0);
	assert_int_equal(read_it(), HA_KEY_OWNER);
	assert_int_equal(chown(folder.path, 65534, 65534), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(read_it(), HA_KEY_OK);
	assert_int_equal(seteuid(0), 0);
}

/* Without a slash it is a name in the working directory; in the root directory the path is one slash. */
static void
test_paths(void **state)
{
	char long_path[5000];
	char saved[1024];

	(void) state;
	assert_int_equal(read_text(DIGITS), HA_KEY_OK);
	assert_non_null(getcwd(saved, sizeof(saved)));
	assert_int_equal(chdir(folder.path), 0);
	assert_int_equal(ha_key_read("key", &key), HA_KEY_OK);
	assert_int_equal(ha_key_read("./key", &key), HA_KEY_OK);
	assert_int_equal(chdir(saved), 0);
	assert_int_equal(ha_key_read("/no-such-key", &key), HA_KEY_MISSING);
	memset(long_path, '/', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(ha_key_read(long_path, &key), HA_KEY_FAILED);
	assert_int_equal(errno, ENAMETOOLONG);
	assert_int_equal(ha_key_read("", &key), HA_KEY_MISSING);
	assert_int_equal(ha_key_read(folder_file(&folder, ""), &key), HA_KEY_MISSING);
}

static void
test_texts(void **state)
{
	(void) state;
	for (int error = 0; error < HA_KEY_ERROR_COUNT; error++)
	{
		const char *text = ha_key_text((HaKeyError) error);
		const char *hint = ha_key_hint((HaKeyError) error);

		assert_non_null(text);
		assert_true(strlen(text) > 10 && text[strlen(text) - 1] != '.');
		assert_true(hint == NULL || (strlen(hint) > 10 && hint[strlen(hint) - 1] != '.'));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_create_and_read),
		TEST(test_create_never_replaces),
		TEST(test_create_without_room),
		TEST(test_content),
		TEST(test_rights),
		TEST(test_directory),
		TEST(test_no_regular_file),
		TEST(test_owner),
		TEST(test_paths),
		TEST(test_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
