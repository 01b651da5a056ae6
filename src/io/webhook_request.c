/*
 * webhook_request.c: what libcurl gets for a request, and what it calls; URLs are checked here (see webhook.h).
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "io/address.h"
#include "io/webhook_parts.h"

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
		if (*c <= ' ' || *c > '~' || *c == '#')
			return "The URL holds a character that must be percent-encoded.";
	if (http && !local)
		return "The URL begins with http://, which is allowed for local receivers only.";
	return NULL;
}

const char *
ha_webhook_check_mail_url(const char *url)
{
	if (strlen(url) > HA_WEBHOOK_URL_MAX)
		return "The URL is too long.";
	if (strncasecmp(url, "smtps://", 8) != 0 && strncasecmp(url, "smtp://", 7) != 0)
		return "The URL begins neither with smtps:// nor with smtp://.";
	for (const char *c = url; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return "The URL holds a character that must be percent-encoded.";
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
		count = sizeof(hook->answer) - hook->answer_bytes;
	}
	memcpy(hook->answer + hook->answer_bytes, bytes, count);
	hook->answer_bytes += count;
	return hook->overflow ? 0 : count;
}

static size_t
give_mail(char *bytes, size_t one, size_t count, void *data)
{
	HaWebhook *hook = data;
	size_t left = hook->mail_bytes - hook->mail_read;

	assert(one == 1);
	if (count > left)
		count = left;
	memcpy(bytes, hook->mail + hook->mail_read, count);
	hook->mail_read += count;
	return count;
}

/* What a mail server says, line by line. */
static size_t
hear_line(char *bytes, size_t one, size_t count, void *data)
{
	HaWebhook *hook = data;

	if (hook->mail != NULL && count > 3 && (bytes[0] == '4' || bytes[0] == '5') && bytes[3] != '-')
		hook->refused_lines++;
	return one * count;
}

/* ---- The options ---- */

/* Every option is checked; the first that fails is named. */
#define SET(option, value) \
	do \
	{ \
		if (curl_easy_setopt(hook->easy, CURLOPT_##option, (value)) != CURLE_OK) \
			return #option; \
	} while (0)

/* What libcurl may do at all. NULL, or the name of the option that it does not know. */
static const char *
set_limits(HaWebhook *hook, const HaWebhookRequest *request)
{
	if (request->mail != NULL)
		SET(PROTOCOLS_STR, "smtp,smtps");
	else
		SET(PROTOCOLS_STR, hook->local ? "https,http" : "https");
	SET(REDIR_PROTOCOLS_STR, "https");
	SET(QUICK_EXIT, 1L);		/* a name server that does not answer must not hold up the end */
	SET(FOLLOWLOCATION, 0L);
	SET(USE_SSL, (long) CURLUSESSL_ALL);	/* never in clear text when the other side does not offer TLS */
	SET(SSL_VERIFYPEER, 1L);
	SET(SSL_VERIFYHOST, 2L);
	SET(SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
	if (request->ca_file != NULL && request->ca_file[0] != '\0')
		SET(CAINFO, request->ca_file);
	SET(HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(NOSIGNAL, 1L);			/* SIGALRM is PostgreSQL's */
	SET(CONNECTTIMEOUT_MS, (long) HA_WEBHOOK_CONNECT_MS);
	SET(TIMEOUT_MS, (long) (request->mail != NULL ? HA_WEBHOOK_MAIL_TIMEOUT_MS : HA_WEBHOOK_TIMEOUT_MS));
	SET(MAXFILESIZE, (long) HA_WEBHOOK_ANSWER_MAX);
	SET(FORBID_REUSE, 1L);		/* posts are rare: no idle connection is kept */
	SET(PROXY, "");				/* not from the environment either */
	SET(NETRC, (long) CURL_NETRC_IGNORED);
	SET(DISALLOW_USERNAME_IN_URL, 1L);
	return NULL;
}

static const char *
set_callbacks(HaWebhook *hook)
{
	SET(ERRORBUFFER, hook->error);
	SET(OPENSOCKETFUNCTION, open_socket);
	SET(OPENSOCKETDATA, hook);
	SET(WRITEFUNCTION, take_answer);
	SET(WRITEDATA, hook);
	SET(HEADERFUNCTION, hear_line);
	SET(HEADERDATA, hook);
	SET(USERAGENT, "pg_haops/1.0");
	SET(URL, hook->url);
	return NULL;
}

static bool
add_to_list(struct curl_slist **list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(*list, text);

	if (longer == NULL)
		return false;
	*list = longer;
	return true;
}

static const char *
set_post(HaWebhook *hook, const HaWebhookRequest *request)
{
	char header[128];

	snprintf(header, sizeof(header), "Content-Type: %s", request->type);
	if (!add_to_list(&hook->headers, header) || !add_to_list(&hook->headers, "Expect:"))
		return "memory";
	SET(POST, 1L);
	SET(POSTFIELDSIZE_LARGE, (curl_off_t) request->body_bytes);
	SET(COPYPOSTFIELDS, request->body);
	SET(HTTPHEADER, hook->headers);
	return NULL;
}

static const char *
set_mail(HaWebhook *hook, const HaWebhookRequest *request)
{
	const HaWebhookMail *mail = request->mail;
	char address[300];

	hook->mail = malloc(request->body_bytes > 0 ? request->body_bytes : 1);
	if (hook->mail == NULL)
		return "memory";
	memcpy(hook->mail, request->body, request->body_bytes);
	hook->mail_bytes = request->body_bytes;
	hook->mail_read = 0;
	for (uint32_t i = 0; i < mail->to_count; i++)
	{
		snprintf(address, sizeof(address), "<%s>", mail->to[i]);
		if (!add_to_list(&hook->recipients, address))
			return "memory";
	}
	snprintf(address, sizeof(address), "<%s>", mail->from);
	SET(MAIL_FROM, address);
	SET(MAIL_RCPT, hook->recipients);
	SET(MAIL_RCPT_ALLLOWFAILS, 1L);	/* one that is refused does not stop the others */
	SET(UPLOAD, 1L);
	SET(READFUNCTION, give_mail);
	SET(READDATA, hook);
	SET(INFILESIZE_LARGE, (curl_off_t) request->body_bytes);
	if (mail->user[0] != '\0')
	{
		SET(USERNAME, mail->user);
		SET(PASSWORD, mail->password);
	}
	if (mail->auth[0] != '\0')
	{
		snprintf(address, sizeof(address), "AUTH=%s", mail->auth);
		SET(LOGIN_OPTIONS, address);
	}
	return NULL;
}

const char *
ha_webhook_set_up(HaWebhook *hook, const HaWebhookRequest *request)
{
	const char *wrong = set_limits(hook, request);

	if (wrong == NULL)
		wrong = set_callbacks(hook);
	if (wrong == NULL)
		wrong = request->mail != NULL ? set_mail(hook, request) : set_post(hook, request);
	return wrong;
}
