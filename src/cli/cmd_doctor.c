/*
 * cmd_doctor.c: `pg_haops doctor`: what stands against a failover, or against this member's return, and what to do.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/commands.h"
#include "cli/findings.h"

static struct
{
	HaReach reach;
	bool json;
	bool quiet;
} given = {.reach = {.timeout_s = HA_REACH_TIMEOUT_S}};

static const HaOption options[] = {
	HA_REACH_OPTIONS(given.reach),
	{"json", HA_OPTION_FLAG, &given.json, NULL, "one JSON object", 0, 0},
	{"quiet", HA_OPTION_FLAG, &given.quiet, NULL, "only what is not good", 0, 0},
	{NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand command = {
	"doctor", "[--data DIR | --through HOST:PORT --key FILE] [OPTION]...",
	"Looks at the member on this machine and at all the others, and says what stands against a failover and\n"
	"what to do about it. Exit code 3: something does.",
	options, false};

static const char *const words[] = {"good", "warning", "BAD"};

void
ha_findings_add(HaFindings *findings, HaFindingLevel level, const char *remedy, const char *format, ...)
{
	HaFinding *finding = &findings->finding[findings->count];
	va_list args;

	if (findings->count == HA_FINDINGS_MAX)
		return;
	findings->count++;
	finding->level = level;
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	snprintf(finding->remedy, sizeof(finding->remedy), "%s", remedy != NULL ? remedy : "");
}

void
ha_findings_add_fault(HaFindings *findings, HaFindingLevel level, const HaFault *fault)
{
	ha_findings_add(findings, level, fault->hint, "%.500s", fault->text);
}

static void
show_text(const HaFindings *findings)
{
	for (int i = 0; i < findings->count; i++)
	{
		const HaFinding *finding = &findings->finding[i];

		if (given.quiet && finding->level == HA_FINDING_GOOD)
			continue;
		printf("%-8s %s\n", words[finding->level], finding->text);
		if (finding->remedy[0] != '\0')
			printf("         -> %s\n", finding->remedy);
	}
}

static void
show_json(const HaFindings *findings)
{
	json_t *object = json_pack("{}");
	json_t *list = json_array();

	for (int i = 0; i < findings->count; i++)
	{
		const HaFinding *finding = &findings->finding[i];
		json_t *one = json_pack("{}");

		json_object_set_new(one, "level",
							json_string(finding->level == HA_FINDING_BAD ? "bad" : words[finding->level]));
		json_object_set_new(one, "text", json_string(finding->text));
		json_object_set_new(one, "remedy", finding->remedy[0] != '\0' ? json_string(finding->remedy) : json_null());
		json_array_append_new(list, one);
	}
	json_object_set_new(object, "findings", list);
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

int
ha_cmd_doctor(int argc, char **argv)
{
	static HaFindings findings;
	HaExit code;
	int operand;

	if (!ha_command_read(&command, argc, argv, &operand, &code) || !ha_reach_open(&given.reach, &command, &code))
		return code;
	if (given.reach.is_local)
		ha_doctor_local(&given.reach, &findings);
	ha_doctor_cluster(&given.reach, &findings);
	ha_reach_close(&given.reach);
	if (given.json)
		show_json(&findings);
	else
		show_text(&findings);
	for (int i = 0; i < findings.count; i++)
	{
		if (findings.finding[i].level == HA_FINDING_BAD)
			return HA_EXIT_UNHEALTHY;
	}
	return HA_EXIT_OK;
}
