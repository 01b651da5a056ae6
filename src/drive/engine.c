/*
 * engine.c: see engine.h. The door, and the table of engines behind it.
 */
#include "drive/engine_parts.h"

#include <stdio.h>

static const HaEngineKind *const kinds[] = {&ha_builtin_engine};

HaEngine *
ha_engine_open(const char *engine_name, const HaEngineOptions *options, const HaWorld *world, char *error,
			   size_t error_size)
{
	assert(world->fatal != NULL);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
	{
		if (strcmp(kinds[i]->name, engine_name) == 0)
			return kinds[i]->open(options, world, error, error_size);
	}
	snprintf(error, error_size, "there is no engine of that name");
	return NULL;
}

void
ha_engine_close(HaEngine *engine)
{
	engine->kind->close(engine);
}

void
ha_engine_facts(HaEngine *engine, const HaPg *pg)
{
	HaEvent event = {.kind = HA_EVENT_PG, .pg = pg};

	engine->kind->event(engine, &event);
}

void
ha_engine_drained(HaEngine *engine, uint64_t generation, HaLsn lsn)
{
	HaEvent event = {.kind = HA_EVENT_DRAINED, .generation = generation, .lsn = lsn};

	engine->kind->event(engine, &event);
}

void
ha_engine_resign(HaEngine *engine, HaResignReason reason)
{
	HaEvent event = {.kind = HA_EVENT_RESIGN, .reason = reason};

	engine->kind->event(engine, &event);
}

void
ha_engine_serve(HaEngine *engine)
{
	engine->kind->serve(engine);
}

int
ha_engine_fd(const HaEngine *engine)
{
	return engine->kind->fd(engine);
}

HaUs
ha_engine_wake_us(const HaEngine *engine)
{
	return engine->kind->wake_us(engine);
}

void
ha_engine_flush(HaEngine *engine, HaUs limit_us)
{
	engine->kind->flush(engine, limit_us);
}

void
ha_engine_request(HaEngine *engine, const HaRequest *request)
{
	engine->kind->request(engine, request);
}

void
ha_engine_set_times(HaEngine *engine, HaTimes times)
{
	engine->kind->set_times(engine, times);
}

void
ha_engine_say(HaEngine *engine, uint32_t kind, HaSeverity severity, const char *text)
{
	engine->kind->say(engine, kind, severity, text);
}

void
ha_engine_restore(HaEngine *engine, const HaEventRecord *record)
{
	engine->kind->restore(engine, record);
}

void
ha_engine_status(const HaEngine *engine, HaStatus *status)
{
	engine->kind->status(engine, status);
}

const HaNode *
ha_engine_node(const HaEngine *engine)
{
	return engine->kind->node(engine);
}

uint32_t
ha_engine_event_count(const HaEngine *engine)
{
	return engine->kind->events(engine)->count;
}

const HaEventRecord *
ha_engine_event(const HaEngine *engine, uint32_t index)
{
	const HaGossip *gossip = engine->kind->events(engine);

	return index < gossip->count ? &gossip->record[index] : NULL;
}
