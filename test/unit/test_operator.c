/*
 * test_operator.c: the program's questions to members, over real sockets (io/operator, drive/contact).
 *
 * The questions block, so a child asks them while this process turns the members.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "drive/contact.h"
#include "io/mac.h"
#include "io/socket.h"
#include "test/unit/support/crew.h"

#define LIMIT_US (10 * 1000 * HA_US_PER_MS)

static HaFault fault;

/* In the child: says what was wrong, so that a failure can be understood. */
static bool
claim(bool ok, const char *what)
{
	if (!ok)
		fprintf(stderr, "test_operator: %s (%s)\n", what, fault.text);
	return ok;
}

#define CLAIM(condition) \
	do { \
		if (!claim(condition, #condition)) \
			return false; \
	} while (0)

/* Runs `ask` in a child while the crew turns; it must return true. */
static void
ask_crew(bool (*ask) (void))
{
	pid_t pid = fork();
	int status = 0;
	pid_t ended = 0;

	if (pid == 0)
	{
		crew_forget();
		_exit(ask() ? 0 : 1);
	}
	assert_true(pid > 0);
	CREW_UNTIL((ended = waitpid(pid, &status, WNOHANG)) != 0);
	assert_int_equal(ended, pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static uint16_t port_1;
static uint16_t port_2;
static uint16_t nobody;

static bool
ask_status(void)
{
	HaOperator *op = ha_operator_open(crew_key(), "127.0.0.1", port_1, LIMIT_US, &fault);
	static HaEventRecord events[HA_EVENTS_KEPT];
	uint32_t count = 0;
	HaStatus status;

	CLAIM(op != NULL);
	CLAIM(ha_operator_member(op) == 1);
	CLAIM(ha_operator_status(op, &status, LIMIT_US, &fault));
	CLAIM(status.id == 1 && status.has_register && status.reg.member_count == 3);
	CLAIM(ha_operator_events(op, events, &count, LIMIT_US, &fault));
	CLAIM(count > 0);
	CLAIM(ha_operator_status(op, &status, LIMIT_US, &fault));
	ha_operator_close(op);
	ha_operator_close(NULL);
	return true;
}

/* A key of another cluster: hung up on, with a sentence that says so. */
static bool
ask_with_another_key(void)
{
	HaKey key = *crew_key();

	key.byte[0] ^= 1;
	CLAIM(ha_operator_open(&key, "127.0.0.1", port_1, LIMIT_US, &fault) == NULL);
	CLAIM(strstr(fault.text, "the key is another") != NULL && fault.hint[0] != '\0');
	return true;
}

static bool
ask_nobody(void)
{
	CLAIM(ha_operator_open(crew_key(), "127.0.0.1", nobody, LIMIT_US, &fault) == NULL);
	CLAIM(strstr(fault.text, "Connection refused") != NULL);
	CLAIM(ha_operator_open(crew_key(), "localhost", port_1, LIMIT_US, &fault) == NULL);
	CLAIM(strstr(fault.text, "no numeric address") != NULL);
	return true;
}

/* From any member to the leader, although the first address is nobody's and the second not the leader's. */
static bool
find_leader(void)
{
	HaContact contact = {.key = *crew_key()};
	HaRequest request = {.kind = HA_REQUEST_SET_PRIORITY, .member = {.id = 2, .priority = 7}};
	HaReply reply;
	HaStatus status;

	ha_contact_add(&contact, "127.0.0.1", port_1);
	ha_contact_add(&contact, "127.0.0.1", port_2);
	ha_contact_add(&contact, "127.0.0.1", nobody);
	CLAIM(contact.count == 3);
	CLAIM(ha_contact_leader(&contact, &status, NULL, LIMIT_US, &fault));
	CLAIM(ha_contact_leads(&status));
	CLAIM(ha_contact_request(&contact, 0, &request, &reply, LIMIT_US, &fault));
	CLAIM(ha_contact_leader(&contact, &status, NULL, LIMIT_US, &fault));
	CLAIM(ha_register_member(&status.reg, 2)->priority == 7);

	request.member.id = 9;
	CLAIM(!ha_contact_request(&contact, 0, &request, &reply, LIMIT_US, &fault));
	CLAIM(reply.answer == HA_ANSWER_NO_SUCH_MEMBER);
	CLAIM(ha_contact_member(&contact, ha_register_member(&status.reg, 2), &status, LIMIT_US, &fault));
	CLAIM(status.id == 2);
	ha_contact_end(&contact);
	CLAIM(contact.count == 0);
	return true;
}

static void
test_members(void **state)
{
	(void) state;
	crew_begin(3, 0);
	CREW_UNTIL(crew_leader() != 0 && crew_agrees(crew_leader()));
	port_1 = crew_port(1);
	port_2 = crew_port(2);
	nobody = crew_free_port();
	ask_crew(ask_status);
	ask_crew(ask_with_another_key);
	ask_crew(ask_nobody);
	ask_crew(find_leader);
	crew_end();
}

/* Whoever listens and says nothing is waited for no longer than was said. */
static void
test_silence(void **state)
{
	HaSocketAddress address;
	HaKey key = {{1}};
	HaUs began_us = ha_clock_now().mono_us;
	int listener;

	(void) state;
	assert_true(ha_socket_address("127.0.0.1", 0, &address));
	listener = ha_socket_listen(&address);
	assert_true(listener >= 0);
	assert_null(ha_operator_open(&key, "127.0.0.1", ha_socket_port(listener), 300 * HA_US_PER_MS, &fault));
	assert_non_null(strstr(fault.text, "does not answer in time"));
	assert_true(ha_clock_now().mono_us - began_us >= 300 * HA_US_PER_MS);
	assert_true(ha_clock_now().mono_us - began_us < LIMIT_US);
	close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
