/*
 * webhook.c: see webhook.h.
 */
#include <assert.h>
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "io/address.h"
#include "io/webhook.h"

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed: older ones wait for their resolver thread"
#endif

struct HaWebhook
{
	CURLM *multi;
	int epoll;
	CURL *easy;					/* the request under way, NULL = none */
	struct curl_slist *headers;
	HaUs now_us;				/* of the call that is being served */
	HaUs timer_us;				/* when libcurl wants to be called, HA_US_NEVER = not by time */
	bool local;
	bool refused;				/* the address was not public */
	bool overflow;				/* the answer was longer than the limit */
	size_t answer_bytes;
	char url[HA_WEBHOOK_URL_MAX + 1];
	char error[CURL_ERROR_SIZE];
	char answer[HA_WEBHOOK_ANSWER_MAX];
};

/* ---- The URL ---- */

const char *
ha_webhook_check_url(const char *url, bool local)
{
	bool https = strncasecmp(url, "https://", 8) == 0;
	bool http = strncasecmp(url, "http://", 7) == 0;

	if (strlen(url) > HA_WEBHOOK_URL_MAX)
		return "The URL is too long.";
	if (!https && !http)
		return "The URL does not begin with https://.";
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return "The URL holds a character that must be percent-encoded.";
	if (http && !local)
		return "The URL begins with http://, which is allowed for local receivers only.";
	return NULL;
}

/* ---- What libcurl calls: these only copy and note down ---- */

static curl_socket_t
open_socket(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	HaWebhook *hook = data;

	if (purpose != CURLSOCKTYPE_IPCXN || (!hook->local && !ha_address_public(&address->addr)))
	{
		hook->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t
take_answer(char *bytes, size_t one, size_t count, void *data)
{
	HaWebhook *hook = data;

	assert(one == 1);
	if (count > sizeof(hook->answer) - hook->answer_bytes)
	{
		hook->overflow = true;
		return 0;
	}
	memcpy(hook->answer + hook->answer_bytes, bytes, count);
	hook->answer_bytes += count;
	return count;
}

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
	if (hook->easy != NULL)
	{
		curl_multi_remove_handle(hook->multi, hook->easy);
		curl_easy_cleanup(hook->easy);
		hook->easy = NULL;
	}
	curl_slist_free_all(hook->headers);
	hook->headers = NULL;
	hook->timer_us = HA_US_NEVER;
	memset(hook->url, 0, sizeof(hook->url));
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

/* Every option is checked; the first that fails is named. */
#define SET(option, value) \
	do \
	{ \
		if (curl_easy_setopt(hook->easy, CURLOPT_##option, (value)) != CURLE_OK) \
			return #option; \
	} while (0)

/* What libcurl may do at all. NULL, or the name of the option that it does not know. */
static const char *
set_limits(HaWebhook *hook)
{
	SET(PROTOCOLS_STR, hook->local ? "https,http" : "https");
	SET(REDIR_PROTOCOLS_STR, "https");
	SET(QUICK_EXIT, 1L);		/* a name server that does not answer must not hold up the end */
	SET(FOLLOWLOCATION, 0L);
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	SET(HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(NOSIGNAL, 1L);			/* SIGALRM is PostgreSQL's */
	SET(CONNECTTIMEOUT_MS, (long) HA_WEBHOOK_CONNECT_MS);
	SET(TIMEOUT_MS, (long) HA_WEBHOOK_TIMEOUT_MS);
	SET(MAXFILESIZE, (long) HA_WEBHOOK_ANSWER_MAX);
	SET(FORBID_REUSE, 1L);		/* posts are rare: no idle connection is kept */
	SET(PROXY, "");				/* not from the environment either */
	SET(NETRC, (long) CURL_NETRC_IGNORED);
	SET(DISALLOW_USERNAME_IN_URL, 1L);
	return NULL;
}

static const char *
set_request(HaWebhook *hook, const void *body, size_t body_bytes)
{
	SET(ERRORBUFFER, hook->error);
	SET(OPENSOCKETFUNCTION, open_socket);
	SET(OPENSOCKETDATA, hook);
	SET(WRITEFUNCTION, take_answer);
	SET(WRITEDATA, hook);
	SET(USERAGENT, "pg_haops");
	SET(URL, hook->url);
	SET(POST, 1L);
	SET(POSTFIELDSIZE_LARGE, (curl_off_t) body_bytes);
	SET(COPYPOSTFIELDS, body);
	SET(HTTPHEADER, hook->headers);
	return NULL;
}

static bool
add_header(HaWebhook *hook, const char *header)
{
	struct curl_slist *longer = curl_slist_append(hook->headers, header);

	if (longer == NULL)
		return false;
	hook->headers = longer;
	return true;
}

bool
ha_webhook_post(HaWebhook *hook, const char *url, const char *type, const void *body, size_t body_bytes, bool local,
				HaNow now, char *error, size_t error_size)
{
	const char *wrong = ha_webhook_check_url(url, local);
	char header[128];
	sigset_t before;

	assert(hook->easy == NULL);
	if (wrong != NULL)
	{
		snprintf(error, error_size, "%s", wrong);
		return false;
	}
	hook->now_us = now.mono_us;
	hook->local = local;
	hook->refused = hook->overflow = false;
	hook->answer_bytes = 0;
	hook->error[0] = '\0';
	snprintf(hook->url, sizeof(hook->url), "%s", url);
	snprintf(header, sizeof(header), "Content-Type: %s", type);
	block_signals(&before);
	hook->easy = curl_easy_init();
	if (hook->easy == NULL || !add_header(hook, header) || !add_header(hook, "Expect:"))
		wrong = "memory";
	if (wrong == NULL)
		wrong = set_limits(hook);
	if (wrong == NULL)
		wrong = set_request(hook, body, body_bytes);
	if (wrong == NULL && curl_multi_add_handle(hook->multi, hook->easy) != CURLM_OK)
		wrong = "multi handle";
	if (wrong != NULL)
	{
		snprintf(error, error_size, "libcurl can't be set up: %s.", wrong);
		end_request(hook);
	}
	unblock_signals(&before);
	return wrong == NULL;
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
		said = "its address is not public, and pg_haops.webhook_local is off";
	else if (hook->overflow || code == CURLE_FILESIZE_EXCEEDED)
		said = "the answer is longer than 64 KiB";
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
	answer->arrived = code == CURLE_OK;
	if (!answer->arrived)
		say_failure(hook, code, answer);
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

bool
ha_webhook_serve(HaWebhook *hook, HaNow now, HaWebhookAnswer *answer)
{
	CURLMsg *message;
	int left;
	bool ended = false;
	sigset_t before;

	if (hook->easy == NULL)
		return false;
	hook->now_us = now.mono_us;
	block_signals(&before);
	turn(hook);
	while (!ended && (message = curl_multi_info_read(hook->multi, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
		{
			read_answer(hook, message->data.result, answer);
			end_request(hook);
			ended = true;
		}
	unblock_signals(&before);
	return ended;
}
