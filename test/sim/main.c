/*
 * main.c: the command line of the simulator.
 *
 *	sim [--topology 3|2w|5|4w|7|all] [--mode async|sync|both] [--seeds N] [--first S] [--mutant NAME]
 *		[--without FAULT]... [--trace]
 *	sim mutants [--limit N] [--mutant NAME]
 *	sim alerts [--seeds N] [--first S] [--mutant NAME] [--trace]
 *	sim alert-mutants [--limit N] [--mutant NAME]
 *
 * Ends with 0 when nothing was violated (or every seeded bug was found), 1 otherwise, 2 for a wrong command line.
 */
#include "test/sim/alerts.h"
#include "test/sim/run.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct Options
{
	const char *topology;
	const char *mode;
	const char *mutant;
	uint64_t seeds;
	uint64_t first;
	uint64_t limit;
	bool trace;
	const char *what;			/* NULL = schedules of members */
} Options;

static bool
number(const char *text, uint64_t *value)
{
	char *end;

	*value = strtoull(text, &end, 10);
	return end != text && *end == '\0';
}

static bool
is_known(const char *what)
{
	return strcmp(what, "mutants") == 0 || strcmp(what, "alerts") == 0 || strcmp(what, "alert-mutants") == 0;
}

static bool
read_options(int argc, char **argv, Options *o)
{
	static const struct option table[] = {
		{"topology", required_argument, NULL, 't'},
		{"mode", required_argument, NULL, 'm'},
		{"seeds", required_argument, NULL, 'n'},
		{"first", required_argument, NULL, 'f'},
		{"limit", required_argument, NULL, 'l'},
		{"mutant", required_argument, NULL, 'b'},
		{"without", required_argument, NULL, 'w'},
		{"trace", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	bool right = true;
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1)
	{
		switch (c)
		{
			case 't':
				o->topology = optarg;
				break;
			case 'm':
				o->mode = optarg;
				break;
			case 'n':
				right = number(optarg, &o->seeds) && right;
				break;
			case 'f':
				right = number(optarg, &o->first) && right;
				break;
			case 'l':
				right = number(optarg, &o->limit) && right;
				break;
			case 'b':
				o->mutant = optarg;
				break;
			case 'w':
				right = sim_fault_by_name(optarg) >= 0 && right;
				sim_run_without |= (uint64_t) 1 << (sim_fault_by_name(optarg) & 63);
				break;
			case 'v':
				o->trace = true;
				break;
			default:
				right = false;
				break;
		}
	}
	o->what = optind < argc ? argv[optind] : NULL;
	return right && (optind == argc || (is_known(o->what) && optind + 1 == argc));
}

static int
run(SimWorld *w, const Options *o)
{
	bool found = false;
	bool well = true;

	for (uint32_t i = 0; i < sim_topology_count; i++)
	{
		if (strcmp(o->topology, sim_topologies[i].name) != 0 && strcmp(o->topology, "all") != 0)
			continue;
		found = true;
		if (strcmp(o->mode, "async") != 0)
			well = sim_run_many(w, &sim_topologies[i], true, o->first, o->seeds, o->trace) && well;
		if (strcmp(o->mode, "sync") != 0)
			well = sim_run_many(w, &sim_topologies[i], false, o->first, o->seeds, o->trace) && well;
		fflush(stdout);
	}
	if (!found)
		fprintf(stderr, "sim: no topology \"%s\"\n", o->topology);
	return !found ? 2 : well ? 0 : 1;
}

int
main(int argc, char **argv)
{
	static SimWorld world;
	Options o = {.topology = "all", .mode = "both", .seeds = 1000, .first = 1, .limit = 1000000};

	if (!read_options(argc, argv, &o))
	{
		fprintf(stderr, "usage: sim [--topology 3|2w|5|4w|7|all] [--mode async|sync|both] [--seeds N] [--first S]"
				" [--mutant NAME] [--without FAULT]... [--trace]\n       sim mutants [--limit N] [--mutant NAME]\n"
				"       sim alerts [--seeds N] [--first S] [--mutant NAME] [--trace]\n"
				"       sim alert-mutants [--limit N] [--mutant NAME]\n");
		return 2;
	}
	if (o.what != NULL && strcmp(o.what, "alerts") == 0)
		return alerts_run_many(o.first, o.seeds, o.trace, o.mutant) ? 0 : 1;
	if (o.what != NULL && strcmp(o.what, "alert-mutants") == 0)
		return alerts_mutants_run(o.limit, o.mutant) ? 0 : 1;
	if (o.what != NULL)
		return sim_mutants_run(&world, o.limit, o.mutant) ? 0 : 1;
	if (!sim_mutants_choose(o.mutant))
	{
		fprintf(stderr, "sim: no seeded bug \"%s\" in this build\n", o.mutant);
		return 2;
	}
	return run(&world, &o);
}
