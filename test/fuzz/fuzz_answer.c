/*
 * fuzz_answer.c: what other programs answer, and what we noted down ourselves: PostgreSQL's programs, file names, the
 * marker of a rejoin, a webhook's receiver, and text that is to be shown.
 *
 * The first byte says which parser; the rest is the text.
 */
#include <stdio.h>
#include <stdlib.h>

#include "drive/marker.h"
#include "drive/rewind.h"
#include "io/feishu.h"
#include "io/pgdata.h"
#include "ops/text.h"

#define CHECK(claim) ((claim) ? (void) 0 : abort())

#define SEGMENT_BYTES (16u * 1024 * 1024)

/* Line by line, as the pipe brings them. */
static void
try_lines(char *text, bool rewind)
{
	HaControl control = {0};
	HaDivergence divergence = {0};

	while (*text != '\0')
	{
		size_t length = strcspn(text, "\n");
		char *next = text + length + (text[length] == '\n');

		text[length] = '\0';
		if (rewind)
			ha_rewind_line(&divergence, text);
		else
			ha_pgdata_control_line(&control, text);
		text = next;
	}
	if (ha_pgdata_control_whole(&control))
	{
		CHECK(control.segment_bytes > 0 && control.system_id != 0);
		(void) ha_pgdata_control_tli(&control);
	}
}

static void
try_wal_names(const char *text)
{
	HaTli tli;
	HaLsn lsn;
	char again[32];

	if (ha_pgdata_segment(text, SEGMENT_BYTES, &tli, &lsn))
	{
		uint64_t number = lsn / SEGMENT_BYTES;
		uint64_t per_log = (UINT64_C(1) << 32) / SEGMENT_BYTES;

		snprintf(again, sizeof(again), "%08X%08X%08X", (unsigned) tli, (unsigned) (number / per_log),
				 (unsigned) (number % per_log));
		CHECK(strcmp(text, again) == 0);
	}
	if (ha_pgdata_lsn(text, &lsn))
	{
		HaLsn read;

		snprintf(again, sizeof(again), "%X/%X", (unsigned) (lsn >> 32), (unsigned) lsn);
		CHECK(ha_pgdata_lsn(again, &read) && read == lsn);
	}
}

static void
try_marker(const char *text)
{
	static HaMarker marker;
	static HaMarker again;
	char written[512];

	if (!ha_marker_parse(text, &marker))
		return;
	CHECK(marker.leader >= 1 && marker.leader <= HA_ID_MAX && marker.term < HA_TERM_MAX);
	CHECK(strpbrk(marker.lost, "/.\n") == NULL);
	ha_marker_text(&marker, written, sizeof(written));
	CHECK(ha_marker_parse(written, &again));
	CHECK(again.method == marker.method && again.phase == marker.phase && again.leader == marker.leader &&
		  again.term == marker.term && again.tries == marker.tries && strcmp(again.lost, marker.lost) == 0);
}

static void
try_receiver(const char *text, size_t length)
{
	HaWebhookAnswer answer = {.arrived = true, .status = 200, .date_s = 1000, .body = text, .body_bytes = length};
	char reason[256] = "";

	(void) ha_feishu_judge(&answer, 1000, reason, sizeof(reason));
	for (const char *c = reason; *c != '\0'; c++)
		CHECK(*c >= ' ' && *c <= '~');
}

/* What is shown is one line of valid UTF-8, whatever came. */
static void
try_foreign(const char *text, size_t length)
{
	char shown[600];
	HaText out = ha_text(shown, sizeof(shown));
	size_t at = 0;

	ha_text_add_foreign(&out, text, length);
	CHECK(out.length < sizeof(shown) && strlen(shown) == out.length);
	while (at < out.length)
	{
		size_t bytes = ha_text_char_bytes(shown + at, out.length - at);

		CHECK(bytes > 0 && (unsigned char) shown[at] >= ' ' && shown[at] != 0x7F);
		at += bytes;
	}
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
	switch (data[0] % 6)
	{
		case 0:
			try_lines(text, false);
			break;
		case 1:
			try_lines(text, true);
			break;
		case 2:
			try_wal_names(text);
			break;
		case 3:
			try_marker(text);
			break;
		case 4:
			try_receiver(text, length);
			break;
		case 5:
			try_foreign(text, length);
			break;
	}
	free(text);
	return 0;
}
