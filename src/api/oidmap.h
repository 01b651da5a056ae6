/*
 * oidmap.h: from the numbers of relations or of their files to places in an array, 1 and on.
 *
 * Such numbers come in runs, and are mostly asked for as they come. So 32 neighbours share a page, which is looked up
 * once for the whole run: a lookup is then hardly more than a read. Pages are hashed, so no run can fall onto another.
 * Some 4 to 8 bytes for each number of a run, 128 for one that stands alone.
 */
#ifndef HA_API_OIDMAP_H
#define HA_API_OIDMAP_H

#include "server/compat.h"

#include "common/hashfn.h"

#define HA_OIDMAP_PAGE 32

typedef struct HaOidPage
{
	uint32		number;			/* of its numbers, divided by HA_OIDMAP_PAGE */
	uint32		start;			/* of its slots, in pages */
	char		status;
} HaOidPage;

#define SH_PREFIX oidpage
#define SH_ELEMENT_TYPE HaOidPage
#define SH_KEY_TYPE uint32
#define SH_KEY number
#define SH_HASH_KEY(tb, key) murmurhash32(key)
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DEFINE
#define SH_DECLARE
#include "lib/simplehash.h"

typedef struct HaOidMap
{
	oidpage_hash *pages;
	uint32	   *slot;
	uint64		used;
	uint64		room;
	uint32		last_number;	/* of the page that was asked for last */
	uint64		last_start;		/* 0 = none */
} HaOidMap;

/* In the current memory context. */
static inline HaOidMap *
ha_oidmap_create(void)
{
	HaOidMap   *map = palloc0(sizeof(HaOidMap));

	map->pages = oidpage_create(CurrentMemoryContext, 1024, NULL);
	map->used = HA_OIDMAP_PAGE;	/* the first page is nobody's */
	map->room = 64 * HA_OIDMAP_PAGE;
	map->slot = palloc0(sizeof(uint32) * map->room);
	return map;
}

/* Place of the number, to be read, and to be set where it is 0; good until the next call. */
static inline uint32 *
ha_oidmap_at(HaOidMap *map, Oid number)
{
	uint32		page = number / HA_OIDMAP_PAGE;
	HaOidPage  *entry;
	bool		found;

	if (map->last_start == 0 || map->last_number != page)
	{
		entry = oidpage_insert(map->pages, page, &found);
		if (!found)
		{
			if (map->used == map->room)
			{
				map->room *= 2;
				map->slot = repalloc_huge(map->slot, sizeof(uint32) * map->room);
			}
			entry->start = (uint32) (map->used / HA_OIDMAP_PAGE);
			memset(map->slot + map->used, 0, sizeof(uint32) * HA_OIDMAP_PAGE);
			map->used += HA_OIDMAP_PAGE;
		}
		map->last_number = page;
		map->last_start = (uint64) entry->start * HA_OIDMAP_PAGE;
	}
	return &map->slot[map->last_start + number % HA_OIDMAP_PAGE];
}

/* Its place, 0 when it has none. */
static inline uint32
ha_oidmap_find(HaOidMap *map, Oid number)
{
	uint32		page = number / HA_OIDMAP_PAGE;
	const HaOidPage *entry;

	if (map->last_start == 0 || map->last_number != page)
	{
		entry = oidpage_lookup(map->pages, page);
		if (entry == NULL)
			return 0;
		map->last_number = page;
		map->last_start = (uint64) entry->start * HA_OIDMAP_PAGE;
	}
	return map->slot[map->last_start + number % HA_OIDMAP_PAGE];
}

#endif
