/*
 * alert.h: which events people are told of, and in what order of urgency.
 *
 * An alert is not a thing that is kept: it is read out of the events, which are the same on all members. What was
 * posted to which channel is an event too (a mark, see ha_alert_mark_text()). So every member knows what is still to be
 * said, and a new leader goes on where the old one stopped; nothing else has to survive.
 *
 * All functions are pure. A log is an array of events in the order of ha_event_compare(), as the shared memory of a
 * member holds it; alerts point into it.
 */
#ifndef HA_OPS_ALERT_H
#define HA_OPS_ALERT_H

#include "wire/event.h"

/* kind, short name, how long the event must stand before it is posted (ms), shown as mended */
#define HA_ALERT_LIST(X) \
	X(FIRST_LEADER, "leader", 0, true) \
	X(FAILOVER, "failover", 0, false) \
	X(SWITCHOVER, "switchover", 0, true) \
	X(FENCED, "majority-lost", 3000, false) \
	X(UNFENCED, "majority-back", 0, true) \
	X(NO_LEADER, "no-leader", 10000, false) \
	X(REJOINED, "rejoined", 0, true) \
	X(UNREADY, "not-ready", 0, false) \
	X(READY, "ready", 0, true) \
	X(PAUSED, "paused", 0, false) \
	X(RESUMED, "resumed", 0, true) \
	X(MUST_CLONE, "must-clone", 0, false) \
	X(ROGUE, "rogue", 0, false) \
	X(FORCED, "forced", 0, false) \
	X(TROUBLE, "trouble", 0, false) \
	X(HOOK_FAILED, "hook-failed", 0, false)

typedef enum HaAlertKind
{
#define HA_ALERT_ENUM(kind, name, hold_ms, mended) HA_ALERT_##kind,
	HA_ALERT_LIST(HA_ALERT_ENUM)
#undef HA_ALERT_ENUM
	HA_ALERT_COUNT
} HaAlertKind;

/* What is older than a day is not posted any more; it still stands in haops.events. */
#define HA_ALERT_AGE_MAX_US (INT64_C(86400) * 1000 * 1000)

typedef struct HaEventLog
{
	uint32_t count;
	const HaEventRecord *record;
	const char *channel;		/* whose marks count; NULL = those of any */
} HaEventLog;

typedef struct HaAlert
{
	HaAlertKind kind;
	HaSeverity severity;
	bool mended;				/* good news: something that was wrong is not any more */
	const HaEventRecord *event;
	HaId previous;				/* FAILOVER, SWITCHOVER: who led before, else 0 */
} HaAlert;

extern const char *ha_alert_name(HaAlertKind kind);

/*
 * True when record `index` of the log is worth a message, by what the log holds and whatever the time: `alert` says
 * which. A fence that was lifted, a leader that was missed and then found, are worth none unless they were posted.
 */
extern bool ha_alert_of(HaEventLog log, uint32_t index, HaAlert *alert);

/* Wall time in microseconds from which on the alert is to be posted: its event's, and the hold of its kind. */
extern int64_t ha_alert_from_us(const HaAlert *alert);

/*
 * True when the log holds a mark of its channel for the record, or for another one that tells the same (two members
 * miss a leader).
 */
extern bool ha_alert_marked(HaEventLog log, uint32_t index);

/*
 * The text of a mark: an event of kind HA_EVENT_KIND_ALERT and severity INFO that says that this alert was taken by
 * the channel's receiver. Ours both ways: ha_alert_mark_key() reads what ha_alert_mark_text() wrote, and gives false
 * for anything else, and for a mark of another channel than `channel` (NULL = any).
 */
extern void ha_alert_mark_text(const HaAlert *alert, const char *channel, char text[HA_EVENT_TEXT_SIZE]);
extern bool ha_alert_mark_key(const HaEventRecord *record, const char *channel, HaEventKey *key);

/*
 * A member "came back" with this event when it joined a leader's WAL after a restart or after it had led itself;
 * joining each new leader as a standby is no coming back.
 */
extern bool ha_alert_came_back(HaEventLog log, uint32_t index);

#endif
