/*
 * event.h: what happened, as it is kept, passed on among members, shown in haops.events and sent to people.
 *
 * An event is known by its key. Every member keeps the newest HA_EVENTS_KEPT of those that it has heard of, in the
 * order of ha_event_compare(): so members that can talk to each other come to hold the same (drive/gossip).
 */
#ifndef HA_WIRE_EVENT_H
#define HA_WIRE_EVENT_H

#include "core/note.h"
#include "wire/codec.h"

#define HA_EVENTS_KEPT 256
#define HA_EVENTS_PER_FRAME 128
#define HA_EVENT_TEXT_SIZE 256

/* Kinds below HA_EVENT_KIND_OTHER are HaNoteKind; a newer member may send kinds that this code has no name for. */
#define HA_EVENT_KIND_OTHER 1000
#define HA_EVENT_KIND_HOOK 1000		/* a hook's program ended */
#define HA_EVENT_KIND_ALERT 1001	/* a message to people was posted, or could not be delivered (ops/alert) */
#define HA_EVENT_KIND_SERVER 1002	/* of the server: settings, slots, rejoin */
#define HA_EVENT_KIND_PEER 1003		/* of the connections between members */
#define HA_EVENT_KIND_READINESS 1004	/* the next failure would not fail over (warning), or would again (info) */
#define HA_EVENT_KIND_MAX 65535

typedef struct HaEventKey
{
	HaId origin;				/* the member that it happened on */
	uint64_t run;				/* that member's starts so far */
	uint64_t number;			/* within the run, from 1 on */
	int64_t wall_us;			/* since 1970 by the origin's wall clock: for people and for the order only */
} HaEventKey;

typedef struct HaEventRecord
{
	HaEventKey key;
	HaTerm term;
	uint32_t kind;				/* HaNoteKind, or HA_EVENT_KIND_... */
	HaSeverity severity;
	HaId member;				/* that it speaks of, 0 = none or the origin */
	HaLsn lsn;
	int64_t value;
	char text[HA_EVENT_TEXT_SIZE];	/* a sentence in printable ASCII */
} HaEventRecord;

/* -1, 0 or 1: by time, then by origin, run and number. 0 only for the same event. */
extern int ha_event_compare(const HaEventKey *a, const HaEventKey *b);

/* A short name without spaces, as in haops.events and for hooks; "event" for kinds without one. */
extern const char *ha_event_name(uint32_t kind);

/* Copies text into record->text: cut if need be; bytes that are not printable ASCII become '?'. */
extern void ha_event_set_text(HaEventRecord *record, const char *text);

extern void ha_put_event(HaWriter *writer, const HaEventRecord *record);
extern void ha_get_event(HaReader *reader, HaEventRecord *record);

/* The body of HA_FRAME_EVENTS. `count` <= HA_EVENTS_PER_FRAME. */
typedef struct HaEventBatch
{
	bool more;					/* another batch of the same answer follows */
	uint32_t count;
	HaEventRecord record[HA_EVENTS_PER_FRAME];
} HaEventBatch;

extern void ha_put_event_batch(HaWriter *writer, const HaEventBatch *batch);
extern void ha_get_event_batch(HaReader *reader, HaEventBatch *batch);

/* The body of HA_FRAME_EVENTS_ASK: what the sender holds. The answer is what it lacks; count = 0 asks for all. */
typedef struct HaEventKeys
{
	uint32_t count;				/* <= HA_EVENTS_KEPT; when equal, nothing older than key[0] is wanted */
	HaEventKey key[HA_EVENTS_KEPT];	/* in ascending order */
} HaEventKeys;

extern void ha_put_event_keys(HaWriter *writer, const HaEventKeys *keys);
extern void ha_get_event_keys(HaReader *reader, HaEventKeys *keys);

#endif
