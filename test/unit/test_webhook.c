/*
 * test_webhook.c: requests to a real receiver on this machine: test/receiver, and a TLS server with a certificate that
 * nobody vouches for. Whatever hangs, a request ends in time (io/webhook).
 */
#include <arpa/inet.h>
#include <fcntl.h>
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

static int
start(void **state)
{
	char secret_file[96];
	int out[2];
	FILE *said;

	(void) state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(folder, sizeof(folder), "/tmp/test_webhook.XXXXXX");
	if (mkdtemp(folder) == NULL || pipe(out) != 0)
		return -1;
	snprintf(secret_file, sizeof(secret_file), "%s/secret", folder);
	write_secret(secret_file);
	receiver = fork();
	if (receiver == 0)
	{
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		execl("test/receiver", "receiver", "--quiet", "--no-limits", "--store", folder, "--secret-file", secret_file,
			  NULL);
		_exit(127);
	}
	close(out[1]);
	said = fdopen(out[0], "r");
	if (said == NULL || fscanf(said, "listening on 127.0.0.1:%d", &receiver_port) != 1)
		return -1;
	hook = ha_webhook_new();
	return hook != NULL ? 0 : -1;
}

static int
stop(void **state)
{
	char command[128];

	(void) state;
	ha_webhook_free(hook);
	kill(receiver, SIGKILL);
	waitpid(receiver, NULL, 0);
	for (int i = 0; i < 64; i++)
	{
		snprintf(command, sizeof(command), "%s/%d.json", folder, i);
		unlink(command);
	}
	snprintf(command, sizeof(command), "%s/log", folder);
	unlink(command);
	snprintf(command, sizeof(command), "%s/secret", folder);
	unlink(command);
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

	assert_true(ha_webhook_post(hook, url, HA_FEISHU_TYPE, body, strlen(body), local, ha_clock_now(), error,
								sizeof(error)));
	return await(answer);
}

/* Posts a signed card to the receiver, which answers as wished. */
static HaVerdict
post_card(const char *wish, const char *secret, int64_t wall_s, char *reason, size_t size)
{
	static char body[HA_FEISHU_BODY_MAX + 1];
	char url[200];
	HaWebhookAnswer answer;
	HaCard card = {.colour = HA_CARD_BLUE, .title = "[pg_haops] 测试", .sentence = "a sentence", .note = "event 1/2/3"};

	card.field_count = 1;
	snprintf(card.field[0].name, sizeof(card.field[0].name), "Member");
	snprintf(card.field[0].value, sizeof(card.field[0].value), "n1");
	body[ha_feishu_body(&card, false, secret, wall_s, body, sizeof(body) - 1)] = '\0';
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/open-apis/bot/v2/hook/token%s%s", receiver_port,
			 wish[0] != '\0' ? "?answer=" : "", wish);
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
	assert_int_equal(post_card("legacy", SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_DELIVERED);
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
	assert_int_equal(post_card("code:11232", SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_THROTTLE);
	assert_int_equal(post_card("code:11246", SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_PLAIN);
}

static void
test_bad_answers(void **state)
{
	static const char *const wish[] = {"empty", "{}", "html", "truncated", "wordy", "close", "http:502"};
	char reason[300];

	(void) state;
	for (size_t i = 0; i < sizeof(wish) / sizeof(wish[0]); i++)
		assert_int_equal(post_card(wish[i], SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_RETRY);
	assert_int_equal(post_card("http:429", SECRET, now_s(), reason, sizeof(reason)), HA_VERDICT_THROTTLE);
	assert_int_equal(post_card("redirect:http://169.254.169.254/", SECRET, now_s(), reason, sizeof(reason)),
					 HA_VERDICT_BROKEN);
}

/* A receiver that accepts and says nothing, one byte a second, or without an end. */
static void
test_hanging(void **state)
{
	static const char *const wish[] = {"hang", "drip", "endless"};
	char url[200];

	(void) state;
	for (size_t i = 0; i < 3; i++)
	{
		HaWebhookAnswer answer;
		int took_ms;

		snprintf(url, sizeof(url), "http://127.0.0.1:%d/open-apis/bot/v2/hook/token?answer=%s", receiver_port, wish[i]);
		took_ms = post_to(url, "{}", true, &answer);
		assert_false(answer.arrived);
		assert_true(took_ms < HA_WEBHOOK_TIMEOUT_MS + 500);
		assert_non_null(strstr(answer.error, i == 2 ? "64 KiB" : "imed out"));
	}
}

/* Broken off in the middle, the next one works. */
static void
test_broken_off(void **state)
{
	char url[200], error[256];
	HaUs began_us;

	(void) state;
	snprintf(url, sizeof(url), "http://127.0.0.1:%d/open-apis/bot/v2/hook/token?answer=hang", receiver_port);
	assert_true(ha_webhook_post(hook, url, HA_FEISHU_TYPE, "{}", 2, true, ha_clock_now(), error, sizeof(error)));
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
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_private_addresses),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_certificate_is_verified),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
