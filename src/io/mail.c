/*
 * mail.c: see mail.h.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "io/mail.h"
#include "ops/text.h"

#define TEXT_MAX 32768
#define ENCODED_LINE 57			/* bytes that make a line of 76 characters */

/* Subject of so many bytes at most; each encoded word holds 45 of them, in 60 characters (RFC 2047: at most 75). */
#define SUBJECT_MAX 180
#define WORD_BYTES 45

/* ---- Headers ---- */

/* As RFC 5322 has it, in UTC. */
static void
add_date(HaText *text, int64_t wall_us)
{
	static const char *const day[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char *const month[] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
	};
	time_t seconds = (time_t) (wall_us / 1000000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		ha_text_format(text, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", day[tm.tm_wday], tm.tm_mday,
					   month[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* The subject as encoded words, parted between two characters: so no byte of it can end the header. */
static void
add_subject(HaText *text, const char *subject)
{
	size_t left = strlen(subject);
	bool first = true;

	left = left < SUBJECT_MAX ? left : SUBJECT_MAX;
	ha_text_add(text, "Subject:");
	while (left > 0)
	{
		char encoded[80];
		size_t bytes = 0;

		for (size_t one; bytes < left; bytes += one)
		{
			one = ha_text_char_bytes(subject + bytes, strlen(subject + bytes));
			one = one > 0 ? one : 1;
			if (bytes + one > WORD_BYTES || bytes + one > left)
				break;
		}
		if (bytes == 0)
			break;
		EVP_EncodeBlock((unsigned char *) encoded, (const unsigned char *) subject, (int) bytes);
		ha_text_format(text, "%s=?UTF-8?B?%s?=\r\n", " ", encoded);
		subject += bytes;
		left -= bytes;
		first = false;
	}
	if (first)
		ha_text_add(text, "\r\n");
}

/* What follows the @ in the sender's address: the place of its message numbers. */
static const char *
domain_of(const HaChannel *channel)
{
	const char *at = strchr(channel->from, '@');

	return at != NULL ? at + 1 : "pg_haops";
}

/*
 * The number of the message is that of the news: whoever gets it twice sees one. All mails of an episode refer to it,
 * so they stand together.
 */
static void
add_numbers(HaText *text, const HaLayout *layout)
{
	const HaBulletin *bulletin = layout->bulletin;
	const char *domain = domain_of(layout->channel);

	if (bulletin->count == 1)
		ha_text_format(text, "Message-ID: <%s.%s@%s>\r\nReferences: <%.16s@%s>\r\n", bulletin->notice[0].id,
					   layout->channel->name, domain, bulletin->notice[0].id, domain);
	else
		ha_text_format(text, "Message-ID: <%s.%" PRIu32 ".%s@%s>\r\n", bulletin->notice[0].id, layout->lines,
					   layout->channel->name, domain);
}

static void
add_headers(HaText *text, const HaLayout *layout)
{
	const HaChannel *channel = layout->channel;

	add_date(text, layout->wall_us);
	ha_text_format(text, "From: pg_haops <%s>\r\nTo: ", channel->from);
	for (uint32_t i = 0; i < channel->to_count; i++)
		ha_text_format(text, "%s<%s>", i == 0 ? "" : ",\r\n ", channel->to[i]);
	ha_text_add(text, "\r\n");
	add_subject(text, layout->card->title);
	add_numbers(text, layout);
	ha_text_add(text, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=UTF-8\r\n"
				"Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n"
				"X-Auto-Response-Suppress: All\r\n\r\n");
}

/* ---- The body ---- */

static void
add_encoded(HaText *text, const char *bytes, size_t count)
{
	while (count > 0)
	{
		size_t now = count < ENCODED_LINE ? count : ENCODED_LINE;
		char line[80];

		EVP_EncodeBlock((unsigned char *) line, (const unsigned char *) bytes, (int) now);
		ha_text_format(text, "%s\r\n", line);
		bytes += now;
		count -= now;
	}
}

size_t
ha_mail_layout(HaLayout *layout)
{
	static char words[TEXT_MAX];
	HaText text = ha_text(layout->body, layout->size);

	ha_card_text(layout->card, layout->lines, words, sizeof(words));
	add_headers(&text, layout);
	add_encoded(&text, words, strlen(words));
	return text.cut || strlen(words) + 1 == sizeof(words) ? HA_LAYOUT_TOO_LONG : text.length;
}

/* ---- The answer ---- */

HaVerdict
ha_mail_judge(const HaWebhookAnswer *answer, int64_t wall_s, char *reason, size_t size)
{
	(void) wall_s;
	if (answer->arrived && answer->refused_to > 0)
		snprintf(reason, size, "taken, but %" PRIu32 " of the recipients were refused", answer->refused_to);
	else if (answer->arrived)
		snprintf(reason, size, "taken (SMTP %d)", answer->status);
	else if (answer->refused_login)
		snprintf(reason, size, "the mail server refuses the login");
	else if (answer->status >= 400)
		snprintf(reason, size, "the mail server refuses the mail (SMTP %d)", answer->status);
	else
		snprintf(reason, size, "no answer: %s", answer->error);
	if (answer->arrived)
		return HA_VERDICT_DELIVERED;
	return answer->refused_login || answer->status >= 500 ? HA_VERDICT_BROKEN : HA_VERDICT_RETRY;
}
