/*
 * gossip.c: see gossip.h.
 */
#include "drive/gossip.h"

void
ha_gossip_start(HaGossip *gossip, HaId self, uint64_t run)
{
	memset(gossip, 0, sizeof(*gossip));
	gossip->self = self;
	gossip->run = run;
}

bool
ha_gossip_add(HaGossip *gossip, const HaEventRecord *record)
{
	uint32_t at = gossip->count;

	while (at > 0 && ha_event_compare(&gossip->record[at - 1].key, &record->key) > 0)
		at--;
	if (at > 0 && ha_event_compare(&gossip->record[at - 1].key, &record->key) == 0)
		return false;
	if (gossip->count == HA_EVENTS_KEPT)
	{
		if (at == 0)
			return false;
		memmove(&gossip->record[0], &gossip->record[1], sizeof(HaEventRecord) * (at - 1));
		at--;
	}
	else
	{
		memmove(&gossip->record[at + 1], &gossip->record[at], sizeof(HaEventRecord) * (gossip->count - at));
		gossip->count++;
	}
	gossip->record[at] = *record;
	return true;
}

void
ha_gossip_own(HaGossip *gossip, HaEventRecord *record, int64_t wall_us)
{
	if (wall_us > gossip->wall_us)
		gossip->wall_us = wall_us;
	record->key = (HaEventKey){gossip->self, gossip->run, ++gossip->number, gossip->wall_us};
	(void) ha_gossip_add(gossip, record);
}

void
ha_gossip_keys(const HaGossip *gossip, HaEventKeys *keys)
{
	keys->count = gossip->count;
	for (uint32_t i = 0; i < gossip->count; i++)
		keys->key[i] = gossip->record[i].key;
}

uint32_t
ha_gossip_missing(const HaGossip *gossip, const HaEventKeys *keys, uint32_t from, HaEventBatch *batch)
{
	uint32_t k = 0;

	batch->more = false;
	batch->count = 0;
	for (uint32_t i = from; i < gossip->count; i++)
	{
		const HaEventRecord *record = &gossip->record[i];

		while (k < keys->count && ha_event_compare(&keys->key[k], &record->key) < 0)
			k++;
		if (k < keys->count && ha_event_compare(&keys->key[k], &record->key) == 0)
			continue;
		/* A full set would only throw away what is older than its oldest. */
		if (keys->count == HA_EVENTS_KEPT && k == 0)
			continue;
		if (batch->count == HA_EVENTS_PER_FRAME)
		{
			batch->more = true;
			return i;
		}
		batch->record[batch->count++] = *record;
	}
	return 0;
}
