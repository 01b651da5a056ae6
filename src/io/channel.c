/*
 * channel.c: a channel's file: what it says, and the directory of them (see channel.h).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io/channel.h"
#include "io/private.h"
#include "io/secret.h"
#include "ops/text.h"

static const char *const type_name[HA_CHANNEL_TYPE_COUNT] = {
	[HA_CHANNEL_FEISHU] = "feishu",[HA_CHANNEL_DINGTALK] = "dingtalk",[HA_CHANNEL_WECOM] = "wecom",
	[HA_CHANNEL_SLACK] = "slack",[HA_CHANNEL_WEBHOOK] = "webhook",[HA_CHANNEL_MAIL] = "mail",
};

const char *
ha_channel_type_name(HaChannelType type)
{
	return type_name[type];
}

/* ---- Values ---- */

/* One of a list of words, -1 = none of them. */
static int
word_of(const char *value, const char *const *words, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(value, words[i]) == 0)
			return i;
	return -1;
}

static const char *
take_switch(const char *value, bool *on)
{
	static const char *const words[] = {"off", "on"};
	int word = word_of(value, words, 2);

	*on = word == 1;
	return word < 0 ? "it must be on or off" : NULL;
}

static const char *
take_text(const char *value, char *text, size_t size)
{
	if (strlen(value) >= size)
		return "it is too long";
	memcpy(text, value, strlen(value) + 1);
	return NULL;
}

static const char *
take_seconds(const char *value, int32_t most, int32_t *seconds)
{
	char *end;
	long number = strtol(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || number > most)
		return "it must be a number of seconds, at most a day";
	*seconds = (int32_t) number;
	return NULL;
}

/* Words separated by commas or blanks. */
static const char *
take_list(const char *value, char *list, size_t size_of_one, uint32_t most, uint32_t *count)
{
	*count = 0;
	while (*value != '\0')
	{
		size_t length = strcspn(value, ", \t");

		if (length > 0)
		{
			if (*count == most)
				return "there are too many of them";
			if (length >= size_of_one)
				return "one of them is too long";
			memcpy(list + *count * size_of_one, value, length);
			list[*count * size_of_one + length] = '\0';
			(*count)++;
		}
		value += length + (value[length] != '\0');
	}
	return *count == 0 ? "there is none" : NULL;
}

/* Who is called by name: open ids, mobile numbers, user ids. */
static const char *
take_calls(HaChannel *channel, const char *value)
{
	const char *wrong = take_list(value, channel->at[0], sizeof(channel->at[0]), HA_CHANNEL_AT_MAX, &channel->at_count);

	for (uint32_t i = 0; wrong == NULL && i < channel->at_count; i++)
		for (const char *c = channel->at[i]; *c != '\0'; c++)
			if (!isalnum((unsigned char) *c) && strchr("_-+.@", *c) == NULL)
				wrong = "one of them is no id";
	return wrong;
}

/* What may stand in an address of a mail, between < and >. */
static bool
is_mail_address(const char *text)
{
	const char *at = strchr(text, '@');

	if (at == NULL || at == text || at[1] == '\0')
		return false;
	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text > '~' || strchr("<>()[],;:\\\"", *text) != NULL)
			return false;
	return true;
}

static bool
is_name(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length < HA_CHANNEL_NAME_SIZE && text[0] != '-' &&
		strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == length;
}

static const char *
take_name(const char *value, char name[HA_CHANNEL_NAME_SIZE])
{
	if (!is_name(value))
		return "it must be the name of a channel: a-z, 0-9, _ and -";
	return take_text(value, name, HA_CHANNEL_NAME_SIZE);
}

static const char *
take_word(HaChannel *channel, const char *key, const char *value)
{
	static const char *const severities[] = {"info", "warning", "critical", "none"};
	static const char *const languages[] = {"en", "zh"};
	int word;

	if (strcmp(key, "type") == 0)
	{
		word = word_of(value, type_name, HA_CHANNEL_TYPE_COUNT);
		channel->type = word < 0 ? HA_CHANNEL_TYPE_COUNT : (HaChannelType) word;
		return word < 0 ? "it must be feishu, dingtalk, wecom, slack, webhook or mail" : NULL;
	}
	if (strcmp(key, "severity") == 0)
	{
		word = word_of(value, severities, 4);
		channel->severity = word < 0 ? HA_SEVERITY_INFO : (HaSeverity) word;
		return word < 0 ? "it must be info, warning, critical or none" : NULL;
	}
	word = word_of(value, languages, 2);
	channel->has_language = word >= 0;
	channel->language = word == 1 ? HA_LANGUAGE_ZH : HA_LANGUAGE_EN;
	return word < 0 ? "it must be en or zh" : NULL;
}

/* NULL when the key was taken; else what is wrong. */
static const char *
take(HaChannel *channel, const char *key, const char *value)
{
	const struct
	{
		const char *key;
		char *text;
		size_t size;
	} texts[] = {
		{"url", channel->url, sizeof(channel->url)}, {"secret", channel->secret, sizeof(channel->secret)},
		{"keyword", channel->keyword, sizeof(channel->keyword)}, {"from", channel->from, sizeof(channel->from)},
		{"ca_file", channel->ca_file, sizeof(channel->ca_file)}, {"user", channel->user, sizeof(channel->user)},
		{"password", channel->password, sizeof(channel->password)}, {"auth", channel->auth, sizeof(channel->auth)},
	};

	if (strcmp(key, "type") == 0 || strcmp(key, "severity") == 0 || strcmp(key, "language") == 0)
		return take_word(channel, key, value);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (strcmp(key, texts[i].key) == 0)
			return take_text(value, texts[i].text, texts[i].size);
	if (strcmp(key, "events") == 0)
		return take_switch(value, &channel->events);
	if (strcmp(key, "resolved") == 0)
		return take_switch(value, &channel->resolved);
	if (strcmp(key, "local") == 0)
		return take_switch(value, &channel->local);
	if (strcmp(key, "fallback") == 0)
		return take_name(value, channel->fallback);
	if (strcmp(key, "fallback_after") == 0)
		return take_seconds(value, 86400, &channel->fallback_after_s);
	if (strcmp(key, "heartbeat") == 0)
		return take_seconds(value, 86400, &channel->heartbeat_s);
	if (strcmp(key, "at") == 0)
		return take_calls(channel, value);
	if (strcmp(key, "to") == 0)
		return take_list(value, channel->to[0], sizeof(channel->to[0]), HA_CHANNEL_TO_MAX, &channel->to_count);
	return "there is no such key";
}

/* ---- The whole ---- */

static const char *
check_mail(const HaChannel *channel)
{
	if (!is_mail_address(channel->from))
		return "\"from\" must be a mail address";
	if (channel->to_count == 0)
		return "\"to\" is missing: the mail addresses that it goes to";
	for (uint32_t i = 0; i < channel->to_count; i++)
		if (!is_mail_address(channel->to[i]))
			return "\"to\" must be mail addresses, separated by commas";
	if (strspn(channel->auth, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != strlen(channel->auth))
		return "\"auth\" must be the name of a method, as LOGIN or PLAIN";
	return ha_webhook_check_mail_url(channel->url);
}

/* What is missing, or does not go together; NULL = nothing. */
static const char *
check(const HaChannel *channel)
{
	if (channel->type == HA_CHANNEL_TYPE_COUNT)
		return "\"type\" is missing: feishu, dingtalk, wecom, slack, webhook or mail";
	if (channel->url[0] == '\0')
		return "\"url\" is missing";
	if (channel->ca_file[0] != '\0' && channel->ca_file[0] != '/')
		return "\"ca_file\" must be an absolute path";
	if (strcmp(channel->fallback, channel->name) == 0 && channel->fallback[0] != '\0')
		return "a channel can't be its own fallback";
	if (channel->type == HA_CHANNEL_MAIL)
		return check_mail(channel);
	return ha_webhook_check_url(channel->url, channel->local);
}

static char *
trimmed(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char) end[-1]))
		*--end = '\0';
	while (isspace((unsigned char) *text))
		text++;
	return text;
}

/* One line; what is wrong with it, NULL = nothing. `*key` becomes its key. */
static const char *
take_line(HaChannel *channel, char *line, const char **key)
{
	char *value = strchr(line, '=');

	*key = trimmed(line);
	if (**key == '\0' || **key == '#')
		return NULL;
	if (value == NULL)
	{
		*key = "";
		return "a line must be key = value";
	}
	*value++ = '\0';
	*key = trimmed(line);
	value = trimmed(value);
	for (size_t i = 0, bytes; value[i] != '\0'; i += bytes)
	{
		bytes = ha_text_char_bytes(value + i, strlen(value + i));
		if (bytes == 0 || (unsigned char) value[i] < ' ')
			return "its value is no text";
	}
	return take(channel, *key, value);
}

/* Whether it looks like a key: before a "=" may stand a secret, in a line that was to be written otherwise. */
static bool
may_be_told(const char *key)
{
	return strlen(key) <= strlen("fallback_after") && strspn(key, "abcdefghijklmnopqrstuvwxyz_") == strlen(key);
}

bool
ha_channel_parse(const char *name, const char *text, size_t length, HaChannel *channel, HaFault *fault)
{
	const char *wrong = NULL;
	const char *key = "";
	char line[2048];
	int number = 0;

	memset(channel, 0, sizeof(*channel));
	snprintf(channel->name, sizeof(channel->name), "%s", name);
	channel->type = HA_CHANNEL_TYPE_COUNT;
	channel->events = channel->resolved = true;
	channel->fallback_after_s = 60;
	for (size_t at = 0; at < length && wrong == NULL; number++)
	{
		const char *end = memchr(text + at, '\n', length - at);
		size_t bytes = end != NULL ? (size_t) (end - text) - at : length - at;

		key = "";
		if (bytes >= sizeof(line) || memchr(text + at, '\0', bytes) != NULL)
			wrong = "the line is too long, or no text";
		else
		{
			memcpy(line, text + at, bytes);
			line[bytes] = '\0';
			wrong = take_line(channel, line, &key);
		}
		at += bytes + 1;
	}
	if (wrong != NULL && !may_be_told(key))
		key = "";
	if (wrong != NULL)
		ha_fault(fault, NULL, "%s.conf, line %d%s%.20s: %s", name, number, key[0] != '\0' ? ", " : "", key, wrong);
	else if ((wrong = check(channel)) != NULL)
		ha_fault(fault, NULL, "%s.conf: %s", name, wrong);
	ha_secret_wipe(line, sizeof(line));
	/* Every title begins so: a keyword that stands in it need not be said twice. */
	if (strstr("[pg_haops]", channel->keyword) != NULL)
		channel->keyword[0] = '\0';
	if (wrong == NULL)
		return true;
	ha_fault_clean(fault->text);
	ha_channel_wipe(channel);
	return false;
}

bool
ha_channel_read(const char *directory, const char *name, HaChannel *channel, HaFault *fault)
{
	static char text[HA_CHANNEL_FILE_MAX + 1];
	char path[4096];
	const char *wrong;
	size_t length;
	bool ok;

	memset(channel, 0, sizeof(*channel));
	snprintf(path, sizeof(path), "%s/%s.conf", directory, name);
	wrong = ha_secret_read_bytes(path, text, sizeof(text), &length);
	if (wrong == HA_SECRET_FAILED)
		return ha_fault(fault, NULL, "%s.conf: %s: %s", name, wrong, strerror(errno));
	if (wrong != NULL)
		return ha_fault(fault, NULL, "%s.conf: %s", name, wrong);
	ok = ha_channel_parse(name, text, length, channel, fault);
	ha_secret_wipe(text, sizeof(text));
	return ok;
}

void
ha_channel_wipe(HaChannel *channel)
{
	ha_secret_wipe((char *) channel, sizeof(*channel));
}

/* ---- The directory ---- */

/* Puts the name into its place; of more than there is room for, the first ones by the alphabet stay. */
static int
insert_name(char names[HA_CHANNELS_MAX][HA_CHANNEL_NAME_SIZE], int count, const char *name)
{
	int at = count;

	while (at > 0 && strcmp(names[at - 1], name) > 0)
		at--;
	if (at == HA_CHANNELS_MAX)
		return count;
	if (count == HA_CHANNELS_MAX)
		count--;
	memmove(names[at + 1], names[at], (size_t) (count - at) * HA_CHANNEL_NAME_SIZE);
	memcpy(names[at], name, strlen(name) + 1);
	return count + 1;
}

/* The channel's name in that of its file; false when it is none. */
static bool
name_of(const char *file, char name[HA_CHANNEL_NAME_SIZE])
{
	size_t length = strlen(file);

	if (length < 6 || length - 5 >= HA_CHANNEL_NAME_SIZE || strcmp(file + length - 5, ".conf") != 0)
		return false;
	memcpy(name, file, length - 5);
	name[length - 5] = '\0';
	return is_name(name);
}

int
ha_channel_list(const char *directory, char names[HA_CHANNELS_MAX][HA_CHANNEL_NAME_SIZE], HaFault *fault)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;
	int count = 0;

	if (dir == NULL && errno == ENOENT)
		return 0;
	if (dir == NULL)
	{
		ha_fault(fault, NULL, "the directory of channels can't be read: %s", strerror(errno));
		return -1;
	}
	while ((entry = readdir(dir)) != NULL)
	{
		char name[HA_CHANNEL_NAME_SIZE];

		if (name_of(entry->d_name, name))
			count = insert_name(names, count, name);
	}
	closedir(dir);
	return count;
}
