/*
 * test_webhook.c: requests to a real receiver on this machine, test/receiver, and to a TLS server with a certificate
 * that nobody vouches for. Whatever hangs, a request ends in time (io/webhook).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "io/clock.h"
#include "io/feishu.h"

#define SECRET "a secret of the test"

static HaWebhook *hook;
static pid_t receiver;
static int receiver_port;
static char folder[64];

/* ---- The receiver ---- */

static void
write_secret(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "%s\n", SECRET);
	fclose(file);
}

/* The receiver's port, out of the line of JSON that it prints when it listens; 0 = it did not start. */
static int
read_port(int fd)
{
	FILE *said = fdopen(fd, "r");
	json_t *ready = said != NULL ? json_loadf(said, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	int port = (int) json_integer_value(json_object_get(ready, "http"));

	json_decref(ready);
	return port;
}

static int
start(void **state)
{
	char secret_file[96], secret_option[100];
	int out[2];

	(void) state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof(folder), "/tmp/test_webhook.XXXXXX");
	if (mkdtemp(folder) == NULL || pipe(out) != 0)
		return -1;
	snprintf(secret_file, sizeof(secret_file), "%s/secret", folder);
	snprintf(secret_option, sizeof(secret_option), "@%s", secret_file);
	write_secret(secret_file);
	receiver = fork();
	if (receiver == 0)
	{
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl("test/receiver/run", "run", "--no-limits", "--dir", folder, "--secret-feishu", secret_option, "--port",
			  "0", "--tls-port", "-1", "--smtp-port", "-1", "--smtps-port", "-1", NULL);
		_exit(127);
	}
	close(out[1]);
	receiver_port = read_port(out[0]);
	hook = ha_webhook_new();
	return hook != NULL && receiver_port > 0 ? 0 : -1;
}

static int
stop(void **state)
{
	char path[128];

	(void) state;
	ha_webhook_free(hook);
	kill(receiver, SIGKILL);
	waitpid(receiver, NULL, 0);
	snprintf(path, sizeof(path), "%s/requests.jsonl", folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/secret", folder);
	unlink(path);
	return rmdir(folder);
}

/* ---- Requests ---- */

/* Turns until the request has ended, 10 s at the most; returns how long it took in ms. */
static int
await(HaWebhookAnswer *answer)
{
	HaUs began_us = ha_clock_now().mono_us;
	HaUs took_us = 0;

	while (!ha_webhook_serve(hook, ha_clock_now(), answer))
	{
		struct pollfd wait = {ha_webhook_fd(hook), POLLIN, 0};
		int wait_ms = ha_webhook_wait_ms(hook, ha_clock_now());

		took_us = ha_clock_now().mono_us - began_us;
		assert_true(took_us < 10 * 1000 * HA_US_PER_MS);
		poll(&wait, 1, wait_ms < 0 || wait_ms > 1000 ? 1000 : wait_ms);
	}
	assert_false(ha_webhook_busy(hook));
	return (int) ((ha_clock_now().mono_us - began_us) / HA_US_PER_MS);
}

static int
post_to(const char *url, const char *body, bool local, HaWebhookAnswer *answer)
{
	char error[256];

	assert_true(ha_webhook_post(hook, url, "application/json", body, strlen(body), local, ha_clock_now(), error,
								sizeof(error)));
	return await(answer);
}

/* What goes wrong with the next request to the robot, see test/receiver/faults.py; empty = nothing. */
static void
wish(const char *fault)
{
	HaWebhookAnswer answer;
	char url[100];
	char body[300];

	if (fault[0] == '\0')
		return;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/control", receiver_port);
	snprintf(body, sizeof(body), "{\"channel\": \"feishu\", %s}", fault);
	post_to(url, body, true, &answer);
	assert_int_equal(answer.status, 200);
}

/* Posts a signed card to the receiver, which answers as wished. */
static HaVerdict
post_card(const char *fault, const char *secret, int64_t wall_s, char *reason, size_t size)
{
	static char body[HA_FEISHU_BODY_MAX + 1];
	static HaCard card = {
		.colour = HA_CARD_BLUE, .title = "[pg_haops] 测试", .sentence = "a sentence", .note = "event 1/2/3"
	};
	HaChannel channel = {.type = HA_CHANNEL_FEISHU};
	HaLayout layout = {
		.channel = &channel, .card = &card, .lines = 1, .wall_us = wall_s * 1000000, .body = body,
		.size = sizeof(body) - 1,
	};
	char url[200];
	HaWebhookAnswer answer;

	card.field_count = 1;
	snprintf(card.field[0].name, sizeof(card.field[0].name), "Member");
	snprintf(card.field[0].value, sizeof(card.field[0].value), "n1");
	snprintf(channel.secret, sizeof(channel.secret), "%s", secret);
	body[ha_feishu_layout(&layout)] = '\0';
	wish(fault);
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/open-apis/bot/v2/hook/token", receiver_port);
	post_to(url, body, true, &answer);
	return ha_feishu_judge(&answer, wall_s, reason, size);
}

static int64_t
now_s(void)
{
	return ha_clock_wall_us() / 1000000;
}

static void
test_delivers(void **state)
{
	char reason[300];

	(void) state;
	assert_int_equal(post_card("", SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_DELIVERED);
	assert_int_equal(post_card("\"what\": \"answer\", \"status\": 200,"
							   " \"body\": \"{\\\"StatusCode\\\":0,\\\"StatusMessage\\\":\\\"success\\\"}\"",
							   SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_DELIVERED);
}

static void
test_refused(void **state)
{
	char reason[300];

	(void) state;
	assert_int_equal(post_card("", "another secret", now_s(), reason, sizeof(reason)), HA_VERDICT_BROKEN);
	assert_non_null(strstr(reason, "19021"));
	assert_int_equal(post_card("", SECRET, now_s() - 7200, reason, sizeof(reason)), HA_VERDICT_BROKEN);
	assert_non_null(strstr(reason, "behind"));
	assert_int_equal(post_card("\"what\": \"code\", \"code\": 11232", SECRET, now_s(), reason, sizeof(reason)),
					 HA_VERDICT_THROTTLE);
	assert_int_equal(post_card("\"what\": \"code\", \"code\": 11246", SECRET, now_s(), reason, sizeof(reason)),
					 HA_VERDICT_PLAIN);
}

/* Case 2. */
static void
test_bad_answers(void **state)
{
	static const char *const fault[] = {
		"\"what\": \"answer\", \"status\": 200, \"body\": \"\"",
		"\"what\": \"answer\", \"status\": 200, \"body\": \"{}\"",
		"\"what\": \"answer\", \"status\": 200, \"body\": \"<html>502</html>\"",
		"\"what\": \"answer\", \"status\": 200, \"body\": \"{\\\"msg\\\":\\\"success\\\"}\"",
		"\"what\": \"answer\", \"status\": 204, \"body\": \"\"",
		"\"what\": \"answer\", \"status\": 502, \"body\": \"\"",
		"\"what\": \"truncated\"", "\"what\": \"drop_before\"", "\"what\": \"endless\"",
	};
	char reason[300];

	(void) state;
	for (size_t i = 0; i < sizeof(fault) / sizeof(fault[0]); i++)
		assert_int_equal(post_card(fault[i], SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_RETRY);
	assert_int_equal(post_card("\"what\": \"answer\", \"status\": 429, \"body\": \"\"", SECRET, now_s(), reason,
							   sizeof(reason)), HA_VERDICT_THROTTLE);
	assert_int_equal(post_card("\"what\": \"redirect\", \"location\": \"http://169.254.169.254/\"", SECRET, now_s(),
							   reason, sizeof(reason)), HA_VERDICT_BROKEN);
}

/* A receiver that accepts and says nothing, or one byte a second. */
static void
test_hanging(void **state)
{
	static const char *const fault[] = {"\"what\": \"nothing\"", "\"what\": \"drip\""};
	char url[200];

	(void) state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/open-apis/bot/v2/hook/token", receiver_port);
	for (size_t i = 0; i < 2; i++)
	{
		HaWebhookAnswer answer;
		int took_ms;

		wish(fault[i]);
		took_ms = post_to(url, "{}", true, &answer);
		assert_false(answer.arrived);
		assert_true(took_ms < HA_WEBHOOK_TIMEOUT_MS + 500);
		assert_non_null(strstr(answer.error, "imed out"));
	}
}

/* Case 26: an answer without an end is judged by its first 64 KiB. */
static void
test_endless(void **state)
{
	HaWebhookAnswer answer;
	char url[200];

	(void) state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/open-apis/bot/v2/hook/token", receiver_port);
	wish("\"what\": \"endless\"");
	assert_true(post_to(url, "{}", true, &answer) < HA_WEBHOOK_TIMEOUT_MS);
	assert_true(answer.arrived);
	assert_int_equal(answer.status, 200);
	assert_int_equal(answer.body_bytes, HA_WEBHOOK_ANSWER_MAX);
}

/* Broken off in the middle, the next one works. */
static void
test_broken_off(void **state)
{
	char url[200], error[256];
	HaUs began_us;

	(void) state;
	wish("\"what\": \"nothing\"");
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/open-apis/bot/v2/hook/token", receiver_port);
	assert_true(ha_webhook_post(hook, url, "application/json", "{}", 2, true, ha_clock_now(), error, sizeof(error)));
	for (int i = 0; i < 20; i++)
	{
		struct pollfd wait = {ha_webhook_fd(hook), POLLIN, 0};
		HaWebhookAnswer answer;

		assert_false(ha_webhook_serve(hook, ha_clock_now(), &answer));
		poll(&wait, 1, 10);
	}
	began_us = ha_clock_now().mono_us;
	ha_webhook_free(hook);
	assert_true(ha_clock_now().mono_us - began_us < 100 * HA_US_PER_MS);
	hook = ha_webhook_new();
	test_delivers(state);
}

static void
test_nobody_there(void **state)
{
	HaWebhookAnswer answer;

	(void) state;
	post_to("http://127.0.0.1:1/hook", "{}", true, &answer);
	assert_false(answer.arrived);
	assert_non_null(strstr(answer.error, "onnect"));
}

/* ---- What may not be reached ---- */

static void
test_private_addresses(void **state)
{
	static const char *const url[] = {
		"https://127.0.0.1/SECRETTOKEN", "https://localhost/SECRETTOKEN", "https://[::1]/SECRETTOKEN",
		"https://169.254.169.254/SECRETTOKEN", "https://0x7f.1/SECRETTOKEN", "https://10.0.0.1/SECRETTOKEN",
	};

	(void) state;
	for (size_t i = 0; i < sizeof(url) / sizeof(url[0]); i++)
	{
		HaWebhookAnswer answer;

		post_to(url[i], "{}", false, &answer);
		assert_false(answer.arrived);
		assert_null(strstr(answer.error, "SECRETTOKEN"));
		assert_non_null(strstr(answer.error, "not public"));
	}
}

static void
test_urls(void **state)
{
	char error[256];

	(void) state;
	assert_null(ha_webhook_check_url("https://open.feishu.cn/open-apis/bot/v2/hook/x", false));
	assert_null(ha_webhook_check_url("HTTPS://open.feishu.cn/", false));
	assert_null(ha_webhook_check_url("http://127.0.0.1:8080/", true));
	assert_non_null(ha_webhook_check_url("http://open.feishu.cn/", false));
	assert_non_null(ha_webhook_check_url("file:///etc/passwd", true));
	assert_non_null(ha_webhook_check_url("gopher://x/", true));
	assert_non_null(ha_webhook_check_url("https://x/a b", false));
	assert_non_null(ha_webhook_check_url("https://x/\r\nHost: y", false));
	assert_non_null(ha_webhook_check_url("", false));
	assert_false(ha_webhook_post(hook, "file:///etc/passwd", "x", "", 0, true, ha_clock_now(), error, sizeof(error)));
	assert_false(ha_webhook_busy(hook));
}

/* ---- TLS ---- */

static void
make_certificate(SSL_CTX *context)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *) "localhost", -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	X509_sign(certificate, key, EVP_sha256());
	SSL_CTX_use_certificate(context, certificate);
	SSL_CTX_use_PrivateKey(context, key);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

/* Serves one TLS connection; says 'x' into `told` when a request came through. */
static void
serve_tls(int listener, int told)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL *tls;
	char bytes[16];

	make_certificate(context);
	tls = SSL_new(context);
	SSL_set_fd(tls, accept(listener, NULL, NULL));
	if (SSL_accept(tls) == 1 && SSL_read(tls, bytes, sizeof(bytes)) > 0)
		(void) !write(told, "x", 1);
	_exit(0);
}

static void
test_certificate_is_verified(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int told[2];
	char url[64], byte;
	HaWebhookAnswer answer;
	pid_t server;

	(void) state;
	assert_int_equal(bind(listener, (struct sockaddr *) &address, size), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *) &address, &size), 0);
	assert_int_equal(pipe(told), 0);
	server = fork();
	if (server == 0)
		serve_tls(listener, told[1]);
	close(told[1]);
	snprintf(url, sizeof(url), "https://localhost:%d/SECRETTOKEN", ntohs(address.sin_port));
	post_to(url, "{}", true, &answer);
	assert_false(answer.arrived);
	assert_non_null(strstr(answer.error, "certificate"));
	assert_null(strstr(answer.error, "SECRETTOKEN"));
	assert_int_equal(waitpid(server, NULL, 0), server);
	assert_int_equal(read(told[0], &byte, 1), 0);	/* nothing was said before the certificate was believed */
	close(told[0]);
	close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivers),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hanging),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_private_addresses),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_certificate_is_verified),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
