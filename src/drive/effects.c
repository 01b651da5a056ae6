/*
 * effects.c: the one place where decisions reach the world, in the one order that node.h prescribes: close the lease,
 * persist, send, act. Each step's effects are carried out to their end before the next step begins.
 */
#include "drive/engine_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/clock.h"

/* Never returns, whatever the world does: what is not durable must not be spoken of (R4). */
static _Noreturn void
give_up(HaBuiltin *b, HaStoreError error)
{
	char text[HA_EVENT_TEXT_SIZE];

	snprintf(text, sizeof(text), "the state can not be saved: %s (%s)", ha_store_text(error), strerror(errno));
	if (b->world.close_lease != NULL)
		b->world.close_lease(b->world.self);
	b->world.fatal(b->world.self, text);
	abort();
}

static void
send_messages(HaBuiltin *b)
{
	for (uint32_t i = 0; b->peers != NULL && i < b->effects.send_count; i++)
	{
		HaSend *send = &b->effects.send[i];
		HaId to;

		for (HaSet rest = send->to; (to = ha_set_first(rest)) != 0; rest &= rest - 1)
		{
			HaWriter *writer = ha_peers_begin(b->peers, to, HA_FRAME_MESSAGE);

			if (writer == NULL)
				continue;
			send->message.to = to;
			ha_put_message(writer, &send->message);
			if (writer->bad && b->world.log != NULL)
				b->world.log(b->world.self, HA_SEVERITY_WARNING, "a message was not sent: it breaks its own rules");
			(void) ha_peers_end(b->peers);
		}
	}
}

void
ha_effects_event(HaBuiltin *b, HaEventRecord *record)
{
	HaId to;

	ha_gossip_own(&b->gossip, record, ha_clock_wall_us());
	if (b->world.event != NULL)
		b->world.event(b->world.self, record, true);
	if (b->peers == NULL)
		return;
	for (HaSet rest = ha_register_members(&b->node.hard.reg); (to = ha_set_first(rest)) != 0; rest &= rest - 1)
	{
		HaWriter *writer = ha_peers_begin(b->peers, to, HA_FRAME_EVENTS);

		if (writer == NULL)
			continue;
		ha_put_bool(writer, false);
		ha_put_u32(writer, 1);
		ha_put_event(writer, record);
		(void) ha_peers_end(b->peers);
	}
}

static void
tell_notes(HaBuiltin *b)
{
	for (uint32_t i = 0; i < b->effects.note_count; i++)
	{
		const HaNote *note = &b->effects.note[i];
		const HaMember *member = ha_register_member(&b->node.hard.reg, note->member);
		char text[HA_EVENT_TEXT_SIZE];
		HaEventRecord record = {
			.term = note->term < HA_TERM_MAX ? note->term : 0,
			.kind = note->kind,
			.severity = ha_note_severity(note->kind),
			.member = note->member <= HA_ID_MAX ? note->member : 0,
			.lsn = note->lsn,
			.value = note->value,
		};

		ha_note_text(note, member != NULL ? member->name : NULL, text, sizeof(text));
		ha_event_set_text(&record, text);
		ha_effects_event(b, &record);
	}
}

/* What the node declares rather than asks for: told when it has changed. */
static void
tell_declared(HaBuiltin *b)
{
	const HaWorld *world = &b->world;

	if (ha_version_compare(b->members, b->node.hard.reg.version) != 0)
	{
		b->members = b->node.hard.reg.version;
		if (b->peers != NULL)
			ha_peers_set_members(b->peers, &b->node.hard.reg);
		if (world->members != NULL)
			world->members(world->self, &b->node);
	}
	if (!b->upstream_told || b->upstream != b->node.upstream)
	{
		b->upstream_told = true;
		b->upstream = b->node.upstream;
		if (world->upstream != NULL)
			world->upstream(world->self, &b->node, b->upstream);
	}
}

static void
act(HaBuiltin *b)
{
	const HaWorld *world = &b->world;
	uint32_t acts = b->effects.acts;

	if ((acts & HA_ACT_GATE) && world->publish_gate != NULL)
		world->publish_gate(world->self, &b->node);
	if ((acts & HA_ACT_LEASE) && world->publish_lease != NULL)
		world->publish_lease(world->self, &b->node);
	tell_declared(b);
	if ((acts & HA_ACT_PROMOTE) && world->promote != NULL)
		world->promote(world->self, &b->node);
	if ((acts & HA_ACT_CHECKPOINT) && world->checkpoint != NULL)
		world->checkpoint(world->self, &b->node);
	if ((acts & HA_ACT_REJOIN) && world->rejoin != NULL)
		world->rejoin(world->self, &b->node, b->effects.rejoin, b->effects.rejoin_leader);
	if (acts & HA_ACT_REPLY)
		ha_ask_answered(b);
	tell_notes(b);
}

void
ha_effects_run(HaBuiltin *b)
{
	if (b->effects.close_lease && b->world.close_lease != NULL)
		b->world.close_lease(b->world.self);
	if (b->effects.persist)
	{
		HaStoreError error = ha_store_save(b->store, &b->node.hard);

		if (error != HA_STORE_OK)
			give_up(b, error);
	}
	send_messages(b);
	act(b);
}
