/*
 * receiver.c: see receiver.h.
 */
#include <inttypes.h>
#include <stdio.h>

#include "wire/receiver.h"

#define PREFIX "-c " HA_RECEIVER_SETTING "="

void
ha_receiver_print(const HaReceiver *receiver, char option[HA_RECEIVER_SIZE])
{
	int used = snprintf(option, HA_RECEIVER_SIZE, PREFIX "%" PRIu64 "/", receiver->joined_term);

	for (size_t i = 0; i < sizeof(receiver->incarnation.byte); i++)
		used += snprintf(option + used, HA_RECEIVER_SIZE - (size_t) used, "%02x", receiver->incarnation.byte[i]);
}

static int
digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static const char *
parse_term(const char *text, HaTerm *term)
{
	*term = 0;
	if (*text < '0' || *text > '9')
		return NULL;
	for (; *text >= '0' && *text <= '9'; text++)
	{
		if (*term > HA_TERM_MAX / 10)
			return NULL;
		*term = *term * 10 + (HaTerm) (*text - '0');
	}
	return text;
}

bool
ha_receiver_parse(const char *options, HaReceiver *receiver)
{
	const char *text = options != NULL ? strstr(options, PREFIX) : NULL;

	if (text == NULL || (text = parse_term(text + strlen(PREFIX), &receiver->joined_term)) == NULL || *text++ != '/')
		return false;
	for (size_t i = 0; i < sizeof(receiver->incarnation.byte); i++)
	{
		int high = digit_of(text[0]);
		int low = high < 0 ? -1 : digit_of(text[1]);

		if (low < 0)
			return false;
		receiver->incarnation.byte[i] = (uint8_t) (high << 4 | low);
		text += 2;
	}
	return *text == '\0' || *text == ' ';
}
