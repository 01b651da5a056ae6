/*
 * trace.c: see trace.h.
 */
#include <inttypes.h>

#include "trace.h"

static const char *const message_name[HA_MESSAGE_TYPE_MAX + 1] = {
	[HA_MESSAGE_PREVOTE] = "prevote",
	[HA_MESSAGE_PREVOTE_R] = "prevote-answer",
	[HA_MESSAGE_VOTE] = "vote",
	[HA_MESSAGE_VOTE_R] = "vote-answer",
	[HA_MESSAGE_BEAT] = "beat",
	[HA_MESSAGE_BEAT_R] = "beat-answer",
	[HA_MESSAGE_TIMEOUT_NOW] = "timeout-now",
	[HA_MESSAGE_RESIGN] = "resign",
};

static void
trace_set(FILE *out, const char *word, HaSet set)
{
	fprintf(out, "%s", word);
	for (HaSet s = set; s != 0; s &= s - 1)
		fprintf(out, " n%" PRIu32, ha_set_first(s));
}

static void
trace_rule(FILE *out, const HaSyncRule *rule)
{
	if (!rule->sync)
		fprintf(out, " async");
	else
	{
		fprintf(out, " sync %" PRIu32, rule->k);
		trace_set(out, " of", rule->sync_set);
	}
}

static void
trace_hard(FILE *out, const HaHard *hard)
{
	const HaRegister *reg = &hard->reg;

	fprintf(out, "persist run %" PRIu64 " term %" PRIu64 " vote %" PRIu32 " joined %" PRIu64 " led %" PRIu64, hard->run,
			hard->term, hard->voted_for, hard->joined_term, hard->led_term);
	fprintf(out, ", register %" PRIu64 ".%" PRIu64 " by %" PRIu32, reg->version.term, reg->version.number, reg->leader);
	trace_set(out, ", voters", reg->voters);
	trace_rule(out, &reg->rule);
	fprintf(out, ", checkpoint %" PRIu64 ", chain", reg->checkpoint_term);
	for (uint32_t i = 0; i < hard->chain.count; i++)
		fprintf(out, " %" PRIu64 ":%" PRIu32 "@%" PRIu64, hard->chain.epoch[i].term, hard->chain.epoch[i].tli,
				hard->chain.epoch[i].start);
	fputc('\n', out);
}

static void
trace_send(FILE *out, const HaSend *send)
{
	const HaMessage *m = &send->message;

	fprintf(out, "send %s term %" PRIu64, message_name[m->type], m->term);
	trace_set(out, " to", send->to);
	fprintf(out, ", round %" PRId64 ", at %" PRIu64 ":%" PRIu64, m->round_us, m->position.wal_term, m->position.lsn);
	if (m->refusal != HA_REFUSAL_NONE)
		fprintf(out, ", refusal %d", (int) m->refusal);
	if (m->token.term != 0)
		fprintf(out, ", token %" PRIu64 ":%" PRId64, m->token.term, m->token.round_us);
	if (m->reg != NULL)
		fprintf(out, ", register %" PRIu64 ".%" PRIu64, m->reg->version.term, m->reg->version.number);
	fputc('\n', out);
}

static void
trace_acts(FILE *out, const HaNode *node, const HaEffects *fx)
{
	fprintf(out, "act");
	if (fx->acts & HA_ACT_LEASE)
		fprintf(out, " lease %" PRId64, node->lease_until_us);
	if (fx->acts & HA_ACT_GATE)
	{
		fprintf(out, " gate %" PRIu64 " %s", node->gate.generation, node->gate.open ? "open" : "closed");
		for (uint32_t i = 0; i < node->gate.rule_count; i++)
			trace_rule(out, &node->gate.rule[i]);
		trace_set(out, " joined", node->gate.joined);
	}
	if (fx->acts & HA_ACT_PROMOTE)
		fprintf(out, " promote");
	if (fx->acts & HA_ACT_CHECKPOINT)
		fprintf(out, " checkpoint");
	if (fx->acts & HA_ACT_REJOIN)
		fprintf(out, " rejoin %d from %" PRIu64 " of n%" PRIu32, (int) fx->rejoin.lineage, fx->rejoin.fork,
				fx->rejoin_leader);
	if (fx->acts & HA_ACT_REPLY)
		fprintf(out, " answer %d", (int) fx->answer);
	fputc('\n', out);
}

/* The beginning of each line: when, who, as what. */
static FILE *
line(FILE *out, HaUs now_us, const HaNode *node)
{
	fprintf(out, "%8.3f n%" PRIu32 " %-12s ", (double) now_us / 1e6, node->hard.id, ha_role_name(node->role));
	return out;
}

void
trace_effects(FILE *out, HaUs now_us, const HaNode *node, const HaEffects *fx)
{
	if (fx->close_lease)
		fprintf(line(out, now_us, node), "close\n");
	if (fx->persist)
		trace_hard(line(out, now_us, node), &node->hard);
	for (uint32_t i = 0; i < fx->send_count; i++)
		trace_send(line(out, now_us, node), &fx->send[i]);
	if (fx->acts != 0)
		trace_acts(line(out, now_us, node), node, fx);
	for (uint32_t i = 0; i < fx->note_count; i++)
	{
		char text[300];

		ha_note_text(&fx->note[i], NULL, text, sizeof(text));
		fprintf(line(out, now_us, node), "note %s: %s\n", ha_note_name(fx->note[i].kind), text);
	}
}
