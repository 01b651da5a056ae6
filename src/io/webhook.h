/*
 * webhook.h: one request at a time to an address that the operator chose, by libcurl, without ever blocking: a POST by
 * HTTPS, or a mail by SMTP with TLS.
 *
 * All of libcurl's sockets stand behind one descriptor that is readable when there is something to do, so that a loop
 * waits for it among others; times come in with each call. What is enforced (reliability.md 6.14): https only (mail:
 * smtps, or smtp that must change to TLS), no redirection, certificates verified, TLS 1.2 or newer, 2 s to connect, 5 s
 * in all (a mail: 15 s), 64 KiB of answer, no proxy, no cookie, no netrc. Addresses that are not public (loopback,
 * link-local, private, ...) are refused at the moment of the connection, whatever the name resolved to before. `local`
 * lifts two of these rules for a receiver on one's own network: http is allowed, and any address is.
 *
 * The URL is a secret: it is kept nowhere longer than the request and stands in no text that comes out of here.
 *
 * The caller ignores SIGPIPE and is the only thread that uses the webhook. libcurl may resolve names in a thread of
 * its own, and a mail goes in one; these threads see no signal, because all are blocked while libcurl is called.
 */
#ifndef HA_IO_WEBHOOK_H
#define HA_IO_WEBHOOK_H

#include "core/types.h"

#define HA_WEBHOOK_URL_MAX 1024
#define HA_WEBHOOK_ANSWER_MAX 65536
#define HA_WEBHOOK_TIMEOUT_MS 5000
#define HA_WEBHOOK_MAIL_TIMEOUT_MS 15000
#define HA_WEBHOOK_CONNECT_MS 2000

typedef struct HaWebhook HaWebhook;

/* What came of a request. */
typedef struct HaWebhookAnswer
{
	bool arrived;				/* an answer came in time */
	int status;					/* of HTTP or SMTP; 0 = none came */
	int64_t retry_after_s;		/* as the receiver asked, 0 = it did not */
	int64_t date_s;				/* the receiver's clock, seconds since 1970; 0 = it did not say */
	bool refused_login;			/* mail: user or password */
	uint32_t refused_to;		/* mail: recipients that the server did not take, although it took the mail */
	const char *body;			/* its first 64 KiB; the webhook's, until its next call; not text until it is checked */
	size_t body_bytes;
	char error[256];			/* why it did not arrive: one sentence without the URL */
} HaWebhookAnswer;

/* NULL when there is no memory or no descriptor. */
extern HaWebhook *ha_webhook_new(void);

/* Says that what is under way will be broken off soon: many are then ended together, not one after the other. */
extern void ha_webhook_cancel(HaWebhook *hook);

/* Breaks off what is under way. Does not wait for a name server; for a mail up to a second. */
extern void ha_webhook_free(HaWebhook *hook);

/* Readable when ha_webhook_serve() should be called. */
extern int ha_webhook_fd(const HaWebhook *hook);

/* Milliseconds from `now` until ha_webhook_serve() should be called at the latest; -1 = no need. */
extern int ha_webhook_wait_ms(const HaWebhook *hook, HaNow now);

/* For a mail: addresses without brackets. */
typedef struct HaWebhookMail
{
	const char *from;
	const char *const *to;
	uint32_t to_count;
	const char *user;			/* empty = no login */
	const char *password;
	const char *auth;			/* LOGIN, PLAIN, ...; empty = the best that both know */
} HaWebhookMail;

typedef struct HaWebhookRequest
{
	const char *url;
	const char *type;			/* of the body; HTTP only */
	const void *body;			/* copied; of a mail: with all its headers and CRLF */
	size_t body_bytes;
	bool local;
	const char *ca_file;		/* empty or NULL = the system's */
	const HaWebhookMail *mail;	/* NULL = a POST */
} HaWebhookRequest;

/*
 * Begins with a request. False when it can't even begin: `error` says why. At most one request at a time: asserted.
 */
extern bool ha_webhook_begin(HaWebhook *hook, const HaWebhookRequest *request, HaNow now, char *error,
							 size_t error_size);

/* The same for a simple POST. */
extern bool ha_webhook_post(HaWebhook *hook, const char *url, const char *type, const void *body, size_t body_bytes,
							bool local, HaNow now, char *error, size_t error_size);

/* True while a request is under way. */
extern bool ha_webhook_busy(const HaWebhook *hook);

/* Goes on with the request as far as it goes now. True once, when it has ended: `answer` is filled in. */
extern bool ha_webhook_serve(HaWebhook *hook, HaNow now, HaWebhookAnswer *answer);

/*
 * Checks a URL before it is used: NULL, or what is wrong with it, without the URL. Asked when settings are read, so
 * that a mistake is told at once.
 */
extern const char *ha_webhook_check_url(const char *url, bool local);

/* The same for the address of a mail server: smtps://host:465, or smtp://host:587. */
extern const char *ha_webhook_check_mail_url(const char *url);

#endif
