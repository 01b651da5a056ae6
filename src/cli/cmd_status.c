/*
 * cmd_status.c: `pg_haops status`: the cluster as its members see it, as a table or as JSON.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "cli/commands.h"
#include "cli/reach.h"
#include "io/clock.h"
#include "io/process.h"
#include "ops/members.h"
#include "ops/readiness.h"

#define AGAIN_US (200 * HA_US_PER_MS)

static struct
{
	HaReach reach;
	bool json;
	bool events;
	long wait_s;
} given = {.reach = {.timeout_s = HA_REACH_TIMEOUT_S}};

static const HaOption options[] = {
	HA_REACH_OPTIONS(given.reach),
	{"json", HA_OPTION_FLAG, &given.json, NULL, "one JSON object", 0, 0},
	{"events", HA_OPTION_FLAG, &given.events, NULL, "what happened, too: the newest events, oldest first", 0, 0},
	{"wait", HA_OPTION_NUMBER, &given.wait_s, "SECONDS", "wait until all is well, so long at the most", 0, 86400},
	{NULL, HA_OPTION_FLAG, NULL, NULL, NULL, 0, 0}};

static const HaCommand command = {
	"status", "[--data DIR | --through HOST:PORT --key FILE] [OPTION]...",
	"Shows who leads, and what each member is and holds. Exit code 3: there is no leader, or a member\n"
	"is not where it should be, or the next failure would not fail over.",
	options, false};

typedef struct View
{
	bool asked_answers;			/* the member that was asked for */
	HaStatus asked;
	HaStatus told;				/* by whom the table is: the leader, or whoever answers */
	bool has_leader;
	HaReadiness readiness;
	HaId candidate;
	bool well;
	uint32_t event_count;
	HaEventRecord event[HA_EVENTS_KEPT];
} View;

/* ---- Asking ---- */

static void
judge(View *view)
{
	const HaRegister *reg = &view->told.reg;
	bool alone = ha_set_count(ha_register_members(reg)) <= 1;

	view->readiness = ha_readiness(&view->told, &view->candidate);
	view->well = view->has_leader && !reg->paused && (alone || view->readiness == HA_READINESS_READY);
	for (uint32_t i = 0; view->has_leader && i < reg->member_count; i++)
		view->well = view->well && ha_members_row(&view->told, &reg->member[i]).well;
}

static void
ask_events(HaReach *reach, View *view)
{
	HaFault fault;
	HaOperator *op = ha_operator_open(&reach->contact.key, reach->contact.address[0].host,
									  reach->contact.address[0].port, reach->limit_us, &fault);

	if (op != NULL)
		ha_operator_events(op, view->event, &view->event_count, reach->limit_us, &fault);
	ha_operator_close(op);
}

/* The member on this machine, or at the address; then the leader, when it is another. */
static bool
ask(HaReach *reach, View *view, HaFault *fault)
{
	HaContact one = {.key = reach->contact.key, .count = 0};
	HaUs limit_us = reach->limit_us < HA_CONTACT_ONE_US ? reach->limit_us : HA_CONTACT_ONE_US;
	HaStatus leader;
	HaFault ignored;

	ha_contact_add(&one, reach->contact.address[0].host, reach->contact.address[0].port);
	view->asked_answers = ha_contact_any(&one, &view->asked, limit_us, fault);
	ha_contact_end(&one);
	view->has_leader = false;
	if (view->asked_answers)
		view->told = view->asked;
	else if (!ha_contact_any(&reach->contact, &view->told, reach->limit_us, fault))
		return false;
	if (!view->told.has_register)
		return ha_fault(fault, NULL, "the member that answers has no register yet");
	if (ha_contact_leads(&view->told))
		view->has_leader = true;
	else if (ha_contact_leader(&reach->contact, &leader, NULL, 2 * limit_us, &ignored))
	{
		view->told = leader;
		view->has_leader = true;
	}
	if (given.events)
		ask_events(reach, view);
	judge(view);
	return true;
}

/* ---- As a table ---- */

static void
lsn_text(HaLsn lsn, char text[32])
{
	if (lsn == 0)
		snprintf(text, 32, "-");
	else
		snprintf(text, 32, "%X/%X", (unsigned) (lsn >> 32), (unsigned) lsn);
}

static void
bytes_text(int64_t bytes, char text[32])
{
	if (bytes < 0)
		snprintf(text, 32, "-");
	else if (bytes < 10 * 1024)
		snprintf(text, 32, "%" PRId64 " B", bytes);
	else if (bytes < INT64_C(10) * 1024 * 1024)
		snprintf(text, 32, "%" PRId64 " kB", bytes / 1024);
	else
		snprintf(text, 32, "%" PRId64 " MB", bytes / (1024 * 1024));
}

static void
ms_text(int64_t ms, char text[32])
{
	if (ms < 0)
		snprintf(text, 32, "-");
	else if (ms < 10000)
		snprintf(text, 32, "%" PRId64 " ms", ms);
	else
		snprintf(text, 32, "%" PRId64 " s", ms / 1000);
}

static void
address_text(const char *host, uint16_t port, char text[96])
{
	if (host[0] == '\0')
		snprintf(text, 96, "-");
	else
		snprintf(text, 96, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

static void
show_row(const View *view, const HaMember *member)
{
	HaMemberRow row = ha_members_row(&view->told, member);
	char timeline[16] = "-";
	char lsn[32];
	char lag[32];
	char seen[32];
	char address[96];
	char peer[96];

	if (row.tli != 0)
		snprintf(timeline, sizeof(timeline), "%u", row.tli);
	lsn_text(row.lsn, lsn);
	bytes_text(member->id == view->told.leader ? -1 : row.lag_bytes, lag);
	ms_text(member->id == view->told.id ? -1 : row.seen_ms, seen);
	address_text(member->sql_host, member->sql_port, address);
	address_text(member->peer_host, member->peer_port, peer);
	printf("  %-16s %-8s %-16s %8s  %-14s %9s  %-7s %8s  %-22s %s\n", member->name, row.role, row.state, timeline, lsn,
		   lag, row.sync != NULL ? row.sync : "-", seen, address, peer);
}

static void
show_head(const View *view)
{
	const HaRegister *reg = &view->told.reg;
	const char *leader = ha_members_name(&view->told, view->told.leader);
	char lease[32];

	printf("cluster ");
	for (int i = 0; i < 4; i++)
		printf("%02x", view->told.cluster.byte[i]);
	ms_text(view->told.lease_left_us / HA_US_PER_MS, lease);
	if (!view->has_leader)
		printf(", term %" PRIu64 ": NO LEADER takes writes at the moment", view->told.term);
	else if (reg->paused)
		printf(", term %" PRIu64 ": %s leads; automatic failover is PAUSED", view->told.term, leader);
	else
		printf(", term %" PRIu64 ": %s leads, lease %s", view->told.term, leader, lease);
	if (reg->rule.sync)
		printf("; commits wait for %u of %d\n", reg->rule.k,
			   ha_set_count(reg->rule.sync_set & ~ha_set_of(view->told.leader)));
	else
		printf("; asynchronous\n");
}

static void
show_events(const View *view)
{
	for (uint32_t i = 0; i < view->event_count; i++)
	{
		const HaEventRecord *event = &view->event[i];
		const char *origin = ha_members_name(&view->told, event->key.origin);
		time_t seconds = (time_t) (event->key.wall_us / 1000000);
		char when[32] = "";
		struct tm parts;

		if (gmtime_r(&seconds, &parts) != NULL)
			strftime(when, sizeof(when), "%H:%M:%S", &parts);
		printf("  %s.%03d  %-12s term %-4" PRIu64 " %-16s %s\n", when, (int) (event->key.wall_us / 1000 % 1000),
			   origin != NULL ? origin : "?", event->term, ha_event_name(event->kind), event->text);
	}
}

static void
show_table(const View *view)
{
	show_head(view);
	printf("  %-16s %-8s %-16s %8s  %-14s %9s  %-7s %8s  %-22s %s\n", "member", "role", "state", "timeline", "lsn",
		   "lag", "sync", "seen", "address", "peer");
	for (uint32_t i = 0; i < view->told.reg.member_count; i++)
		show_row(view, &view->told.reg.member[i]);
	if (view->readiness == HA_READINESS_READY)
		printf("ready: %s, to %s\n", ha_readiness_text(view->readiness, false),
			   ha_members_name(&view->told, view->candidate));
	else
		printf("NOT ready: %s\n", ha_readiness_text(view->readiness, false));
	if (!view->asked_answers)
		printf("the member that was asked does not answer; this is the view of %s\n",
			   ha_members_name(&view->told, view->told.id));
	if (given.events)
		show_events(view);
}

/* ---- As JSON ---- */

static json_t *
text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *
number_or_null(int64_t number, bool known)
{
	return known ? json_integer(number) : json_null();
}

static json_t *
lsn_or_null(HaLsn lsn)
{
	char text[32];

	lsn_text(lsn, text);
	return lsn == 0 ? json_null() : json_string(text);
}

static json_t *
blocks_json(uint32_t blocks)
{
	json_t *list = json_array();
	const char *name;
	int bit = 0;

	while ((name = ha_members_next_block(blocks, &bit)) != NULL)
		json_array_append_new(list, json_string(name));
	return list;
}

static json_t *
member_json(const View *view, const HaMember *member)
{
	HaMemberRow row = ha_members_row(&view->told, member);
	bool data = (member->flags & HA_MEMBER_DATA) != 0;
	json_t *object = json_pack("{}");
	char text[96];

	json_object_set_new(object, "name", json_string(member->name));
	json_object_set_new(object, "id", json_integer(member->id));
	json_object_set_new(object, "kind", json_string(row.kind));
	json_object_set_new(object, "role", json_string(row.role));
	json_object_set_new(object, "state", json_string(row.state));
	json_object_set_new(object, "voter", json_boolean(row.votes));
	json_object_set_new(object, "well", json_boolean(row.well));
	json_object_set_new(object, "priority", json_integer(member->priority));
	json_object_set_new(object, "sync", text_or_null(row.sync));
	json_object_set_new(object, "term", number_or_null(row.lsn != 0 ? (int64_t) row.summary->position.wal_term : 0,
													   row.lsn != 0));
	json_object_set_new(object, "joined_term",
						number_or_null(row.summary != NULL ? (int64_t) row.summary->joined_term : 0,
									   row.summary != NULL));
	json_object_set_new(object, "timeline", number_or_null(row.tli, row.tli != 0));
	json_object_set_new(object, "lsn", lsn_or_null(row.lsn));
	json_object_set_new(object, "replay_lsn", lsn_or_null(row.lsn != 0 ? row.summary->replay_lsn : 0));
	json_object_set_new(object, "lag_bytes", number_or_null(row.lag_bytes, row.lag_bytes >= 0));
	json_object_set_new(object, "seen_ms", number_or_null(row.seen_ms, row.seen_ms >= 0));
	json_object_set_new(object, "blocks", blocks_json(row.summary != NULL ? row.summary->blocks : 0));
	address_text(member->sql_host, member->sql_port, text);
	json_object_set_new(object, "address", data ? json_string(text) : json_null());
	address_text(member->peer_host, member->peer_port, text);
	json_object_set_new(object, "peer", json_string(text));
	return object;
}

static json_t *
event_json(const View *view, const HaEventRecord *event)
{
	static const char *const severity[] = {"info", "warning", "critical"};
	json_t *object = json_pack("{}");

	json_object_set_new(object, "time_us", json_integer(event->key.wall_us));
	json_object_set_new(object, "member", text_or_null(ha_members_name(&view->told, event->key.origin)));
	json_object_set_new(object, "term", json_integer((json_int_t) event->term));
	json_object_set_new(object, "kind", json_string(ha_event_name(event->kind)));
	json_object_set_new(object, "severity", json_string(severity[event->severity]));
	json_object_set_new(object, "text", json_string(event->text));
	return object;
}

/* What the member that was asked says of itself; "down" when it does not answer. */
static void
asked_json(const View *view, const HaReach *reach, json_t *object)
{
	const HaStatus *asked = &view->asked;
	const HaMember *self = reach->is_local ? ha_register_member(&reach->hard.reg, reach->hard.id) : NULL;

	if (!view->asked_answers)
	{
		json_object_set_new(object, "member", text_or_null(self != NULL ? self->name : NULL));
		json_object_set_new(object, "role", json_string("down"));
		return;
	}
	json_object_set_new(object, "member", text_or_null(ha_members_name(asked, asked->id)));
	json_object_set_new(object, "role", json_string(ha_role_name(asked->role)));
	json_object_set_new(object, "term", json_integer((json_int_t) asked->term));
	json_object_set_new(object, "run", json_integer((json_int_t) asked->run));
	json_object_set_new(object, "lease_ms", json_integer(asked->lease_left_us / HA_US_PER_MS));
	json_object_set_new(object, "software", json_string(asked->software));
}

static void
show_json(const View *view, const HaReach *reach)
{
	const HaRegister *reg = &view->told.reg;
	json_t *object = json_pack("{}");
	json_t *members = json_array();
	char cluster[2 * sizeof(HaUuid) + 1];

	for (size_t i = 0; i < sizeof(HaUuid); i++)
		snprintf(cluster + 2 * i, 3, "%02x", view->told.cluster.byte[i]);
	json_object_set_new(object, "cluster", json_string(cluster));
	asked_json(view, reach, object);
	json_object_set_new(object, "told_by", text_or_null(ha_members_name(&view->told, view->told.id)));
	json_object_set_new(object, "leader",
						text_or_null(view->has_leader ? ha_members_name(&view->told, view->told.leader) : NULL));
	json_object_set_new(object, "cluster_term", json_integer((json_int_t) view->told.term));
	json_object_set_new(object, "well", json_boolean(view->well));
	json_object_set_new(object, "ready", json_boolean(view->readiness == HA_READINESS_READY));
	json_object_set_new(object, "candidate", text_or_null(ha_members_name(&view->told, view->candidate)));
	json_object_set_new(object, "readiness", json_string(ha_readiness_text(view->readiness, false)));
	json_object_set_new(object, "paused", json_boolean(reg->paused));
	json_object_set_new(object, "sync", json_boolean(reg->rule.sync));
	json_object_set_new(object, "k", json_integer(reg->rule.k));
	json_object_set_new(object, "k_wanted", json_integer(reg->k_wanted));
	for (uint32_t i = 0; i < reg->member_count; i++)
		json_array_append_new(members, member_json(view, &reg->member[i]));
	json_object_set_new(object, "members", members);
	if (given.events)
	{
		json_t *events = json_array();

		for (uint32_t i = 0; i < view->event_count; i++)
			json_array_append_new(events, event_json(view, &view->event[i]));
		json_object_set_new(object, "events", events);
	}
	json_dumpf(object, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(object);
}

/* ---- All of it ---- */

int
ha_cmd_status(int argc, char **argv)
{
	static View view;
	HaFault fault = {.text = ""};
	HaExit code;
	HaUs until_us;
	int operand;
	bool answered;

	if (!ha_command_read(&command, argc, argv, &operand, &code) || !ha_reach_open(&given.reach, &command, &code))
		return code;
	until_us = ha_clock_now().mono_us + (HaUs) given.wait_s * 1000 * HA_US_PER_MS;
	for (;;)
	{
		answered = ask(&given.reach, &view, &fault);
		if ((answered && view.well) || ha_clock_now().mono_us >= until_us || !ha_process_pause(AGAIN_US))
			break;
	}
	if (!answered)
		code = ha_command_fail(&command, &fault);
	else
	{
		if (given.json)
			show_json(&view, &given.reach);
		else
			show_table(&view);
		code = view.well ? HA_EXIT_OK : HA_EXIT_UNHEALTHY;
	}
	ha_reach_close(&given.reach);
	return code;
}
