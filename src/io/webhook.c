/*
 * webhook.c: see webhook.h.
 */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/webhook_parts.h"

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed: older ones wait for their resolver thread"
#endif

/* ---- What libcurl tells of its sockets and its timer ---- */

static int
watch_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *mark)
{
	HaWebhook *hook = data;
	struct epoll_event event = {.events = 0, .data.fd = fd};

	(void) easy;
	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(hook->epoll, EPOLL_CTL_DEL, fd, NULL);	/* libcurl may have closed it already */
		return 0;
	}
	event.events = (what & CURL_POLL_IN ? EPOLLIN : 0) | (what & CURL_POLL_OUT ? EPOLLOUT : 0);
	if (epoll_ctl(hook->epoll, mark == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0)
		return -1;
	curl_multi_assign(hook->multi, fd, hook);
	return 0;
}

static int
set_timer(CURLM *multi, long timeout_ms, void *data)
{
	HaWebhook *hook = data;

	(void) multi;
	hook->timer_us = timeout_ms < 0 ? HA_US_NEVER : hook->now_us + timeout_ms * HA_US_PER_MS;
	return 0;
}

/* ---- Its life ---- */

/* Before and after every call that may start libcurl's resolver thread. */
static void
block_signals(sigset_t *before)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, before);
}

static void
unblock_signals(const sigset_t *before)
{
	pthread_sigmask(SIG_SETMASK, before, NULL);
}

HaWebhook *
ha_webhook_new(void)
{
	HaWebhook *hook = calloc(1, sizeof(*hook));

	if (hook == NULL)
		return NULL;
	hook->timer_us = HA_US_NEVER;
	hook->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (hook->epoll >= 0 && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
	{
		hook->multi = curl_multi_init();
		if (hook->multi != NULL &&
			curl_multi_setopt(hook->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
			curl_multi_setopt(hook->multi, CURLMOPT_SOCKETDATA, hook) == CURLM_OK &&
			curl_multi_setopt(hook->multi, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
			curl_multi_setopt(hook->multi, CURLMOPT_TIMERDATA, hook) == CURLM_OK)
			return hook;
	}
	ha_webhook_free(hook);
	return NULL;
}

/* Ends the request, whether it is over or not. */
static void
end_request(HaWebhook *hook)
{
	if (hook->mail_carried)
		ha_webhook_mail_join(hook);
	if (hook->easy != NULL)
	{
		curl_multi_remove_handle(hook->multi, hook->easy);
		curl_easy_cleanup(hook->easy);
		hook->easy = NULL;
	}
	curl_slist_free_all(hook->headers);
	curl_slist_free_all(hook->recipients);
	hook->headers = hook->recipients = NULL;
	free(hook->mail);
	hook->mail = NULL;
	hook->timer_us = HA_US_NEVER;
	memset(hook->url, 0, sizeof(hook->url));
}

void
ha_webhook_cancel(HaWebhook *hook)
{
	atomic_store(&hook->mail_cancelled, true);
}

void
ha_webhook_free(HaWebhook *hook)
{
	if (hook == NULL)
		return;
	end_request(hook);
	if (hook->multi != NULL)
		curl_multi_cleanup(hook->multi);
	if (hook->epoll >= 0)
		close(hook->epoll);
	free(hook);
}

int
ha_webhook_fd(const HaWebhook *hook)
{
	return hook->epoll;
}

bool
ha_webhook_busy(const HaWebhook *hook)
{
	return hook->easy != NULL;
}

int
ha_webhook_wait_ms(const HaWebhook *hook, HaNow now)
{
	HaUs left_us;

	if (hook->timer_us == HA_US_NEVER)
		return -1;
	left_us = hook->timer_us - now.mono_us;
	return left_us <= 0 ? 0 : (int) ((left_us + HA_US_PER_MS - 1) / HA_US_PER_MS);
}

/* ---- The request ---- */

/* What could not be done, NULL = it is on its way. */
static const char *
set_out(HaWebhook *hook, const HaWebhookRequest *request)
{
	const char *wrong;

	hook->easy = curl_easy_init();
	if (hook->easy == NULL)
		return "memory";
	wrong = ha_webhook_set_up(hook, request);
	if (wrong == NULL && request->mail != NULL)
		return ha_webhook_mail_begin(hook);
	if (wrong == NULL && curl_multi_add_handle(hook->multi, hook->easy) != CURLM_OK)
		wrong = "multi handle";
	return wrong;
}

bool
ha_webhook_begin(HaWebhook *hook, const HaWebhookRequest *request, HaNow now, char *error, size_t error_size)
{
	const char *wrong = request->mail != NULL ? ha_webhook_check_mail_url(request->url) :
		ha_webhook_check_url(request->url, request->local);
	sigset_t before;

	assert(hook->easy == NULL);
	if (wrong != NULL)
	{
		snprintf(error, error_size, "%s", wrong);
		return false;
	}
	hook->now_us = now.mono_us;
	hook->local = request->local;
	hook->refused = hook->overflow = false;
	hook->refused_lines = 0;
	hook->answer_bytes = 0;
	hook->error[0] = '\0';
	snprintf(hook->url, sizeof(hook->url), "%s", request->url);
	block_signals(&before);
	wrong = set_out(hook, request);
	if (wrong != NULL)
	{
		snprintf(error, error_size, "libcurl can't be set up: %s.", wrong);
		end_request(hook);
	}
	unblock_signals(&before);
	return wrong == NULL;
}

bool
ha_webhook_post(HaWebhook *hook, const char *url, const char *type, const void *body, size_t body_bytes, bool local,
				HaNow now, char *error, size_t error_size)
{
	HaWebhookRequest request = {.url = url, .type = type, .body = body, .body_bytes = body_bytes, .local = local};

	return ha_webhook_begin(hook, &request, now, error, error_size);
}

/* ---- The answer ---- */

/* libcurl's words, unless they hold a part of the URL that could be its secret. */
static void
say_failure(const HaWebhook *hook, CURLcode code, HaWebhookAnswer *answer)
{
	const char *said = hook->error[0] != '\0' ? hook->error : curl_easy_strerror(code);
	const char *host = strstr(hook->url, "://");
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;

	if (hook->refused)
		said = "its address is not public, and the channel does not say local = on";
	else if (path != NULL && path[1] != '\0' && strstr(said, path + 1) != NULL)
		said = curl_easy_strerror(code);
	snprintf(answer->error, sizeof(answer->error), "%s", said);
}

static void
read_answer(HaWebhook *hook, CURLcode code, HaWebhookAnswer *answer)
{
	long status = 0;
	curl_off_t retry_after_s = 0;
	struct curl_header *date = NULL;

	memset(answer, 0, sizeof(*answer));
	curl_easy_getinfo(hook->easy, CURLINFO_RESPONSE_CODE, &status);
	answer->status = (int) status;
	if (curl_easy_getinfo(hook->easy, CURLINFO_RETRY_AFTER, &retry_after_s) == CURLE_OK && retry_after_s > 0)
		answer->retry_after_s = (int64_t) retry_after_s;
	if (curl_easy_header(hook->easy, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK)
		answer->date_s = (int64_t) curl_getdate(date->value, NULL);
	if (answer->date_s < 0)
		answer->date_s = 0;
	answer->arrived = code == CURLE_OK || hook->overflow || code == CURLE_FILESIZE_EXCEEDED;
	if (!answer->arrived)
		say_failure(hook, code, answer);
	answer->refused_login = code == CURLE_LOGIN_DENIED;
	answer->refused_to = hook->mail != NULL && code == CURLE_OK ? hook->refused_lines : 0;
	answer->body = hook->answer;
	answer->body_bytes = hook->answer_bytes;
}

/* Lets libcurl act on its sockets and its timer. */
static void
turn(HaWebhook *hook)
{
	struct epoll_event ready[8];
	int running;
	int count = epoll_wait(hook->epoll, ready, 8, 0);

	for (int i = 0; i < count; i++)
	{
		int mask = (ready[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
			(ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0);

		if (ready[i].events & (EPOLLERR | EPOLLHUP))
			mask |= CURL_CSELECT_ERR | CURL_CSELECT_IN;
		curl_multi_socket_action(hook->multi, ready[i].data.fd, mask, &running);
	}
	if (hook->timer_us <= hook->now_us)
	{
		hook->timer_us = HA_US_NEVER;
		curl_multi_socket_action(hook->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	}
}

/* True when libcurl has come to the end of the request, with `code`. */
static bool
has_ended(HaWebhook *hook, CURLcode *code)
{
	CURLMsg *message;
	int left;

	if (hook->mail_carried)
		return ha_webhook_mail_ended(hook, code);
	turn(hook);
	while ((message = curl_multi_info_read(hook->multi, &left)) != NULL)
	{
		*code = message->data.result;
		if (message->msg == CURLMSG_DONE)
			return true;
	}
	return false;
}

bool
ha_webhook_serve(HaWebhook *hook, HaNow now, HaWebhookAnswer *answer)
{
	CURLcode code;
	bool ended;
	sigset_t before;

	if (hook->easy == NULL)
		return false;
	hook->now_us = now.mono_us;
	block_signals(&before);
	ended = has_ended(hook, &code);
	if (ended)
	{
		read_answer(hook, code, answer);
		end_request(hook);
	}
	unblock_signals(&before);
	return ended;
}
