/*
 * fuzz_settings.c: what people write: addresses, names, commands, settings, files of one line.
 *
 * The first byte says which parser; the rest is the text. What is accepted keeps the parser's promise: written down
 * again it is read as the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "drive/settings.h"
#include "io/address.h"
#include "io/conffile.h"
#include "io/key.h"
#include "io/secret.h"
#include "io/socket.h"
#include "io/webhook.h"
#include "ops/argv.h"

#define CHECK(claim) ((claim) ? (void) 0 : abort())

static bool
printable(const char *text)
{
	for (; *text != '\0'; text++)
	{
		if (*text <= ' ' || *text > '~')
			return false;
	}
	return true;
}

static void
try_address(const char *text)
{
	char host[HA_HOST_SIZE];
	char again_host[HA_HOST_SIZE];
	char again[HA_HOST_SIZE + 16];
	uint16_t again_port = 0;
	HaSocketAddress address;

	for (uint16_t preset = 0; preset <= 5432; preset += 5432)
	{
		uint16_t port = preset;

		if (!ha_address_split(text, host, &port))
			continue;
		CHECK(port > 0 && ha_socket_address(host, port, &address));
		snprintf(again, sizeof(again), strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, (unsigned) port);
		CHECK(ha_address_split(again, again_host, &again_port));
		CHECK(again_port == port && strcmp(host, again_host) == 0);
	}
}

static void
try_name(const char *text)
{
	if (ha_name_valid(text))
		CHECK(strlen(text) >= 1 && strlen(text) < HA_NAME_SIZE && printable(text) && strpbrk(text, "/.'\"\\ ") == NULL);
}

/* Every word in single quotes again. */
static void
try_command(const char *text)
{
	static HaArgv argv;
	static HaArgv again;
	static char quoted[HA_ARGV_BYTES_MAX * 4 + HA_ARGV_WORDS_MAX * 4];
	size_t used = 0;

	if (ha_argv_split(text, &argv) != NULL)
	{
		CHECK(argv.count == 0 && argv.word[0] == NULL);
		return;
	}
	CHECK(argv.count <= HA_ARGV_WORDS_MAX && argv.word[argv.count] == NULL);
	CHECK(argv.count == 0 || argv.word[0][0] == '/');
	for (size_t i = 0; i < argv.count; i++)
	{
		quoted[used++] = ' ';
		quoted[used++] = '\'';
		for (const char *c = argv.word[i]; *c != '\0'; c++)
		{
			const char *piece = *c == '\'' ? "'\\''" : (const char[]){*c, '\0'};

			memcpy(quoted + used, piece, strlen(piece));
			used += strlen(piece);
		}
		quoted[used++] = '\'';
	}
	quoted[used] = '\0';
	CHECK(ha_argv_split(quoted, &again) == NULL && again.count == argv.count);
	for (size_t i = 0; i < argv.count; i++)
		CHECK(strcmp(argv.word[i], again.word[i]) == 0);
}

/* Reads a value back as postgresql.conf is read: in quotes, where two of them, or a backslash before it, are one. */
static void
same_value(const char *line, const char *name, const char *value)
{
	CHECK(strncmp(line, name, strlen(name)) == 0 && strncmp(line + strlen(name), " = '", 4) == 0);
	for (line += strlen(name) + 4; *value != '\0'; value++)
	{
		if (*line == '\'' || *line == '\\')
		{
			CHECK(line[1] == *line);
			line++;
		}
		CHECK(*line++ == *value);
	}
	CHECK(strcmp(line, "'\n") == 0);
}

/* One line of ours with this value, put into a file of this text. */
static void
edit_file(const char *text, const char *value, HaConfPlace place)
{
	char lines[512] = "";
	bool marks_bad;
	char *edited;
	char *twice;
	char *block;
	char *without;
	char *bare;

	if (!ha_conffile_add(lines, sizeof(lines), "pg_haops.x", value))
	{
		CHECK(lines[0] == '\0');
		return;
	}
	same_value(lines, "pg_haops.x", value);
	edited = ha_conffile_edit(text, lines, place, &marks_bad);
	if (edited == NULL)
	{
		CHECK(marks_bad);
		return;
	}
	block = ha_conffile_block(edited);
	CHECK(strcmp(block, lines) == 0);
	twice = ha_conffile_edit(edited, lines, place, &marks_bad);
	CHECK(twice != NULL && strcmp(edited, twice) == 0);
	without = ha_conffile_edit(edited, "", place, &marks_bad);
	bare = ha_conffile_edit(text, "", place, &marks_bad);
	CHECK(without != NULL && bare != NULL && strcmp(without, bare) == 0);
	free(bare);
	free(without);
	free(block);
	free(twice);
	free(edited);
}

/* The first line is the value, what follows it the file. */
static void
try_file(char *text)
{
	char *file = text + strcspn(text, "\n");

	if (*file != '\0')
		*file++ = '\0';
	edit_file(file, text, HA_CONF_TOP);
	edit_file(file, text, HA_CONF_END);
}

static void
try_setting(const char *text)
{
	HaFault fault = {0};

	if (ha_settings_valid(text, &fault))
		CHECK(strchr(text, '=') != NULL && strpbrk(text, "\r\n") == NULL && fault.text[0] == '\0');
	else
		CHECK(fault.text[0] != '\0');
}

static void
try_url(const char *text)
{
	const char *wrong = ha_webhook_check_url(text, false);

	if (wrong == NULL)
		CHECK(printable(text) && strlen(text) <= HA_WEBHOOK_URL_MAX && ha_webhook_check_url(text, true) == NULL);
}

/* A webhook's file and, below, the cluster's key: these may hold zeros, so the length counts. */
static void
try_line(char *text, size_t length)
{
	if (ha_secret_take_line(text, length) != NULL)
		return;
	CHECK(text[0] != '\0' && strlen(text) <= length && strpbrk(text, "\r\n") == NULL);
	CHECK(strchr(" \t", text[0]) == NULL && strchr(" \t", text[strlen(text) - 1]) == NULL);
}

static void
try_key(const char *text, size_t length)
{
	static const HaKey none;
	HaKey key = none;
	char again[2 * HA_KEY_SIZE + 1];

	if (ha_key_parse(text, length, &key) != HA_KEY_OK)
	{
		CHECK(memcmp(&key, &none, sizeof(key)) == 0);
		return;
	}
	for (int i = 0; i < HA_KEY_SIZE; i++)
		snprintf(again + 2 * i, 3, "%02x", key.byte[i]);
	for (int i = 0; i < 2 * HA_KEY_SIZE; i++)
		CHECK((text[i] | 0x20) == again[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	size_t length;

	if (size == 0)
		return 0;
	length = size - 1;
	text = malloc(length + 1);		/* of its own size, so that reading on is seen */
	memcpy(text, data + 1, length);
	text[length] = '\0';
	switch (data[0] % 8)
	{
		case 0:
			try_address(text);
			break;
		case 1:
			try_name(text);
			break;
		case 2:
			try_command(text);
			break;
		case 3:
			try_file(text);
			break;
		case 4:
			try_setting(text);
			break;
		case 5:
			try_url(text);
			break;
		case 6:
			try_line(text, length);
			break;
		case 7:
			try_key(text, length);
			break;
	}
	free(text);
	return 0;
}
