/*
 * webhook_mail.c: a mail goes in a thread of its own (see webhook_parts.h).
 *
 * libcurl's SMTP waits, in the midst of a call that is not to wait, for the server's answer to the mail, and for two
 * minutes for its answer to QUIT: a slow mail server would hold up every other channel. Between pthread_create() and
 * pthread_join() the request belongs to the thread; the two talk by two flags and a descriptor. The thread sees no
 * signal, and calls nothing but libcurl and the callbacks of webhook_request.c.
 */
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/webhook_parts.h"

/* libcurl asks about once a second whether to go on. */
static int
leave(void *data, curl_off_t to_get, curl_off_t got, curl_off_t to_send, curl_off_t sent)
{
	HaWebhook *hook = data;

	(void) to_get, (void) got, (void) to_send, (void) sent;
	return atomic_load(&hook->mail_cancelled) || ha_clock_now().mono_us > hook->mail_until_us;
}

static void *
carry(void *data)
{
	HaWebhook *hook = data;

	hook->mail_code = curl_easy_perform(hook->easy);
	atomic_store(&hook->mail_ended, true);
	(void) eventfd_write(hook->mail_fd, 1);
	return NULL;
}

const char *
ha_webhook_mail_begin(HaWebhook *hook)
{
	struct epoll_event event = {.events = EPOLLIN};

	hook->mail_until_us = ha_clock_now().mono_us + HA_WEBHOOK_MAIL_TIMEOUT_MS * HA_US_PER_MS;
	atomic_store(&hook->mail_cancelled, false);
	atomic_store(&hook->mail_ended, false);
	if (curl_easy_setopt(hook->easy, CURLOPT_XFERINFOFUNCTION, leave) != CURLE_OK ||
		curl_easy_setopt(hook->easy, CURLOPT_XFERINFODATA, hook) != CURLE_OK ||
		curl_easy_setopt(hook->easy, CURLOPT_NOPROGRESS, 0L) != CURLE_OK)
		return "XFERINFOFUNCTION";
	hook->mail_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (hook->mail_fd < 0)
		return "descriptor";
	event.data.fd = hook->mail_fd;
	if (epoll_ctl(hook->epoll, EPOLL_CTL_ADD, hook->mail_fd, &event) == 0 &&
		pthread_create(&hook->mail_thread, NULL, carry, hook) == 0)
	{
		hook->mail_carried = true;
		return NULL;
	}
	close(hook->mail_fd);
	return "thread";
}

bool
ha_webhook_mail_ended(HaWebhook *hook, CURLcode *code)
{
	if (!atomic_load(&hook->mail_ended))
		return false;
	ha_webhook_mail_join(hook);
	*code = hook->mail_code;
	return true;
}

void
ha_webhook_mail_join(HaWebhook *hook)
{
	atomic_store(&hook->mail_cancelled, true);
	pthread_join(hook->mail_thread, NULL);
	hook->mail_carried = false;
	close(hook->mail_fd);
}
