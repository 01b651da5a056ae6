/*
 * poster.c: see poster.h.
 */
#include "server/compat.h"

#include "io/clock.h"
#include "io/feishu.h"
#include "io/secret.h"
#include "ops/outbox.h"
#include "pgtime.h"
#include "server/guc_sender.h"
#include "server/poster.h"
#include "server/shmem.h"

#define US_PER_S INT64_C(1000000)
#define SECRET_MAX 256

static HaWebhook *webhook = NULL;
static HaOutbox outbox;

/* What is being posted: a copy, as the log moves on meanwhile. */
static HaAlert alert;
static HaEventRecord event;

void
ha_poster_start(uint64_t seed)
{
	webhook = ha_webhook_new();
	if (webhook == NULL)
		ereport(ERROR, (errmsg("pg_haops sender: libcurl could not be set up")));
	ha_outbox_start(&outbox, seed);
}

void
ha_poster_stop(void)
{
	ha_webhook_free(webhook);
	webhook = NULL;
}

int
ha_poster_fd(void)
{
	return ha_webhook_fd(webhook);
}

/* ---- What came of it ---- */

static void
say(HaSeverity severity, const char *text)
{
	(void) ha_shmem_say(HA_EVENT_KIND_ALERT, severity, text);
}

static void
conclude(HaVerdict verdict, const char *reason, int64_t retry_after_s, HaNow now)
{
	char		text[HA_EVENT_TEXT_SIZE];
	bool		tell = ha_outbox_result(&outbox, &event.key, verdict, retry_after_s, now.mono_us);

	if (verdict == HA_VERDICT_DELIVERED)
	{
		ha_alert_mark_text(&alert, text);
		say(HA_SEVERITY_INFO, text);
	}
	if (!tell)
		return;
	if (verdict == HA_VERDICT_DELIVERED)
		snprintf(text, sizeof(text), "alerts are delivered again");
	else
		snprintf(text, sizeof(text), "alerts can't be delivered: %s", reason);
	say(verdict == HA_VERDICT_DELIVERED ? HA_SEVERITY_INFO : HA_SEVERITY_WARNING, text);
}

/* ---- One attempt ---- */

static int
utc_offset_s(int64_t wall_us)
{
	pg_time_t	wall_s = (pg_time_t) (wall_us / US_PER_S);
	struct pg_tm *local = pg_localtime(&wall_s, log_timezone);

	return local != NULL ? (int) local->tm_gmtoff : 0;
}

/* Reads a setting's file; false with a sentence when it can't be used. An empty setting gives an empty text. */
static bool
read_file(const char *setting, const char *path, char *text, size_t size, char *reason, size_t reason_size)
{
	const char *wrong;

	text[0] = '\0';
	if (path == NULL || path[0] == '\0')
		return true;
	wrong = ha_secret_read(path, text, size);
	if (wrong != NULL && wrong == HA_SECRET_FAILED)
		snprintf(reason, reason_size, "%s: %s: %s", setting, wrong, strerror(errno));
	else if (wrong != NULL)
		snprintf(reason, reason_size, "%s: %s", setting, wrong);
	return wrong == NULL;
}

/* Lays the message out and begins to send it. False with a sentence when it can't be sent as things are. */
static bool
begin(const HaCard *card, HaNow now, char *reason, size_t reason_size)
{
	static char body[HA_FEISHU_BODY_MAX];
	char		url[HA_WEBHOOK_URL_MAX + 1];
	char		secret[SECRET_MAX];
	bool		begun = false;
	size_t		length;

	if (read_file("pg_haops.webhook_url_file", ha_guc_webhook_url_file, url, sizeof(url), reason, reason_size) &&
		read_file("pg_haops.webhook_secret_file", ha_guc_webhook_secret_file, secret, sizeof(secret), reason,
				  reason_size))
	{
		length = ha_feishu_body(card, outbox.plain, secret, ha_clock_wall_us() / US_PER_S, body, sizeof(body));
		if (length == 0)
			snprintf(reason, reason_size, "the message could not be laid out");
		else
			begun = ha_webhook_post(webhook, url, HA_FEISHU_TYPE, body, length, ha_guc_webhook_local, now, reason,
									reason_size);
	}
	ha_secret_wipe(url, sizeof(url));
	ha_secret_wipe(secret, sizeof(secret));
	return begun;
}

static void
attempt(const HaStatus *status, const char *cluster, HaNow now)
{
	HaCardContext context;
	HaCard		card;
	char		reason[256];

	event = *alert.event;
	alert.event = &event;
	context.language = (HaLanguage) ha_guc_language;
	context.cluster = cluster;
	context.reg = status->has_register ? &status->reg : NULL;
	context.poster = status->id;
	context.wall_us = ha_clock_wall_us();
	context.utc_offset_s = utc_offset_s(context.wall_us);
	ha_card_make(&card, &alert, &context);
	if (!begin(&card, now, reason, sizeof(reason)))
		conclude(HA_VERDICT_BROKEN, reason, 0, now);
}

int
ha_poster_serve(const HaStatus *status, HaEventLog log, const char *cluster, HaNow now)
{
	HaWebhookAnswer answer;
	HaUs		wait_us;
	char		reason[300];

	if (ha_webhook_serve(webhook, now, &answer))
	{
		HaVerdict	verdict = ha_feishu_judge(&answer, ha_clock_wall_us() / US_PER_S, reason, sizeof(reason));

		conclude(verdict, reason, answer.retry_after_s, now);
	}
	if (ha_webhook_busy(webhook))
		return ha_webhook_wait_ms(webhook, now);
	if (ha_guc_webhook_url_file == NULL || ha_guc_webhook_url_file[0] == '\0')
		return -1;
	if (ha_outbox_next(&outbox, log, status, ha_clock_wall_us(), now.mono_us, &alert, &wait_us))
	{
		attempt(status, cluster, now);
		return ha_webhook_busy(webhook) ? ha_webhook_wait_ms(webhook, now) : 0;
	}
	return wait_us == HA_US_NEVER ? -1 : (int) Min((wait_us + HA_US_PER_MS - 1) / HA_US_PER_MS, 60000);
}
