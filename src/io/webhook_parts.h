/*
 * webhook_parts.h: what the files of webhook.h share: a request's state, and the options that libcurl gets for it.
 */
#ifndef HA_IO_WEBHOOK_PARTS_H
#define HA_IO_WEBHOOK_PARTS_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "io/webhook.h"

struct HaWebhook
{
	CURLM *multi;
	int epoll;
	CURL *easy;					/* the request under way, NULL = none */
	struct curl_slist *headers;
	struct curl_slist *recipients;
	char *mail;					/* what is still to be read of it is at mail + mail_read */
	size_t mail_bytes;
	size_t mail_read;
	bool mail_carried;			/* the request is the thread's: only these flags may be looked at */
	pthread_t mail_thread;
	int mail_fd;				/* readable when the thread has done its work */
	HaUs mail_until_us;			/* monotonic */
	CURLcode mail_code;
	atomic_bool mail_ended;
	atomic_bool mail_cancelled;
	HaUs now_us;				/* of the call that is being served, as its caller says */
	HaUs timer_us;				/* when libcurl wants to be called, HA_US_NEVER = not by time */
	bool local;
	bool refused;				/* the address was not public */
	bool overflow;				/* the answer was longer than the limit */
	uint32_t refused_lines;		/* mail: lines of the server that begin with 4 or 5 */
	size_t answer_bytes;
	char url[HA_WEBHOOK_URL_MAX + 1];
	char error[CURL_ERROR_SIZE];
	char answer[HA_WEBHOOK_ANSWER_MAX];
};

/*
 * Sets what libcurl may do at all, what it calls, and the request itself, on hook->easy. NULL, or the name of the first
 * option that could not be set.
 */
extern const char *ha_webhook_set_up(HaWebhook *hook, const HaWebhookRequest *request);

/* Gives the request, a mail, to a thread. NULL, or what there is not. */
extern const char *ha_webhook_mail_begin(HaWebhook *hook);

/* True when the thread has come to its end and is no more. */
extern bool ha_webhook_mail_ended(HaWebhook *hook, CURLcode *code);

/* Takes the request back; what is under way is broken off, within about a second. */
extern void ha_webhook_mail_join(HaWebhook *hook);

#endif
