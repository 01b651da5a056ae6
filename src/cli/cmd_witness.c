/*
 * cmd_witness.c: see cmd_witness.h.
 */
#include "cli/cmd_witness.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "drive/witness.h"
#include "io/address.h"
#include "io/clock.h"
#include "io/operator.h"

#define JOIN_US (60 * 1000 * HA_US_PER_MS)

enum
{
	EXIT_OK = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2
};

static const char usage[] =
	"pg_haops witness: a member that votes and keeps the register, and has no data\n"
	"\n"
	"First start, which joins the cluster:\n"
	"  pg_haops witness --state DIR --name NAME --key FILE --listen HOST:PORT --join HOST:PORT\n"
	"Later starts:\n"
	"  pg_haops witness --state DIR\n"
	"\n"
	"  --state DIR         its state directory; made when it is missing\n"
	"  --name NAME         its name in the cluster\n"
	"  --key FILE          the cluster's key file; copied into the state directory\n"
	"  --listen HOST:PORT  where it listens; numeric\n"
	"  --address HOST:PORT where the others reach it, when that is not where it listens; numeric\n"
	"  --join HOST:PORT    peer address of any member; numeric\n"
	"\n"
	"It runs until SIGTERM or SIGINT and logs to standard error.\n";

/* What the command line says; NULL = not given. */
typedef struct Options
{
	const char *state;
	const char *name;
	const char *key;
	const char *listen;
	const char *address;
	const char *join;
} Options;

/* One line: time, severity, text. */
static void
log_line(HaSeverity severity, const char *text)
{
	static const char *const word[] = {"LOG", "WARNING", "CRITICAL"};
	int64_t wall_us = ha_clock_wall_us();
	time_t seconds = (time_t) (wall_us / 1000000);
	char when[32] = "";
	struct tm parts;

	if (gmtime_r(&seconds, &parts) != NULL)
		(void) strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &parts);
	fprintf(stderr, "%s.%03d UTC [%d] %s:  %s\n", when, (int) (wall_us / 1000 % 1000), (int) getpid(), word[severity],
			text);
}

static int
fail(const HaFault *fault)
{
	fprintf(stderr, "pg_haops witness: %s\n", fault->text);
	if (fault->hint[0] != '\0')
		fprintf(stderr, "Hint: %s\n", fault->hint);
	return EXIT_FAILED;
}

static int
misused(const char *why)
{
	fprintf(stderr, "pg_haops witness: %s\nTry \"pg_haops witness --help\".\n", why);
	return EXIT_USAGE;
}

/* Returns an exit code when there is nothing more to do, else -1. */
static int
read_options(int argc, char **argv, Options *options)
{
	static const struct option known[] = {
		{"state", required_argument, NULL, 's'}, {"name", required_argument, NULL, 'n'},
		{"key", required_argument, NULL, 'k'}, {"listen", required_argument, NULL, 'l'},
		{"address", required_argument, NULL, 'a'}, {"join", required_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0},
	};
	int letter;

	memset(options, 0, sizeof(*options));
	optind = 1;
	while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1)
	{
		switch (letter)
		{
			case 's':
				options->state = optarg;
				break;
			case 'n':
				options->name = optarg;
				break;
			case 'k':
				options->key = optarg;
				break;
			case 'l':
				options->listen = optarg;
				break;
			case 'a':
				options->address = optarg;
				break;
			case 'j':
				options->join = optarg;
				break;
			case 'h':
				fputs(usage, stdout);
				return EXIT_OK;
			default:
				return misused("the command line is not understood");
		}
	}
	if (optind < argc)
		return misused("it takes options only");
	return options->state == NULL ? misused("--state is missing") : -1;
}

/* An address of the command line; `what` names the option in the fault. */
static bool
read_address(const char *text, const char *what, char host[HA_HOST_SIZE], uint16_t *port, HaFault *fault)
{
	*port = 0;
	if (ha_address_split(text, host, port))
		return true;
	return ha_fault(fault, "write it as 10.0.0.3:7000 or [fd00::3]:7000",
					"%s: \"%s\" is no numeric address with a port", what, text);
}

static bool
is_wildcard(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* The first start: everything must be said. */
static bool
join(const Options *options, const char *listen_host, uint16_t listen_port, HaFault *fault)
{
	HaWitnessPlan plan = {.state = options->state, .key = options->key, .peer_port = listen_port};

	if (options->name == NULL || options->key == NULL || options->listen == NULL || options->join == NULL)
		return ha_fault(fault, "the first start needs --name, --key, --listen and --join",
						"\"%s\" holds no state of a witness", options->state);
	if (strlen(options->name) >= sizeof(plan.name))
		return ha_fault(fault, "1 to 31 letters, digits, - or _", "the name is too long");
	snprintf(plan.name, sizeof(plan.name), "%s", options->name);
	snprintf(plan.peer_host, sizeof(plan.peer_host), "%s", listen_host);
	if (options->address != NULL &&
		!read_address(options->address, "--address", plan.peer_host, &plan.peer_port, fault))
		return false;
	if (is_wildcard(plan.peer_host))
		return ha_fault(fault, "say --address HOST:PORT", "the others can not reach a witness at \"%s\"",
						plan.peer_host);
	if (!read_address(options->join, "--join", plan.through_host, &plan.through_port, fault))
		return false;
	if (!ha_witness_join(&plan, JOIN_US, fault))
		return false;
	log_line(HA_SEVERITY_INFO, "the witness was added to the cluster");
	return true;
}

int
ha_cmd_witness(int argc, char **argv)
{
	Options options;
	HaFault fault = {0};
	char listen_host[HA_HOST_SIZE] = "";
	uint16_t listen_port = 0;
	int code = read_options(argc, argv, &options);

	if (code >= 0)
		return code;
	if (options.listen != NULL && !read_address(options.listen, "--listen", listen_host, &listen_port, &fault))
		return fail(&fault);
	if (!ha_witness_has_joined(options.state) && !join(&options, listen_host, listen_port, &fault))
		return fail(&fault);
	if (!ha_witness_run(options.state, listen_host, listen_port, log_line, &fault))
		return fail(&fault);
	return EXIT_OK;
}
