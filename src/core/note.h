/*
 * note.h: what is worth telling people: the core's notes, one kind a sentence.
 *
 * The core says kind, member, term, position and a number; the texts stand in one table here, so that log, SQL view
 * and alerts say the same.
 */
#ifndef HA_CORE_NOTE_H
#define HA_CORE_NOTE_H

#include "core/types.h"

typedef enum HaSeverity
{
	HA_SEVERITY_INFO,
	HA_SEVERITY_WARNING,
	HA_SEVERITY_CRITICAL
} HaSeverity;

/* kind, short name (for haops.events and hooks), severity, sentence with %m member %t term %l position %v value */
#define HA_NOTE_LIST(X) \
	X(ROLE, "role", INFO, "%r") \
	X(LEADER_FOUND, "leader-change", INFO, "member %m leads in term %t") \
	X(LEADER_LOST, "leader-lost", WARNING, "the leader %m has not been heard for the length of the promise") \
	X(ELECTED, "elected", INFO, "this member was elected in term %t at %l") \
	X(PROMOTED, "promote", WARNING, "this member's PostgreSQL was promoted in term %t at %l, timeline %v") \
	X(OPENED, "open", INFO, "this member takes writes as the leader of term %t") \
	X(FENCED, "fence", CRITICAL, "the lease ran out: commits are refused until a majority answers") \
	X(UNFENCED, "unfence", INFO, "a majority answers again: commits are acknowledged") \
	X(DEPOSED, "demote", WARNING, "term %t has begun elsewhere: this member gives up its leadership") \
	X(RESIGNED, "resign", WARNING, "the leader %m resigned term %t at %l") \
	X(JOINED, "join", INFO, "this member follows %m in term %t from %l") \
	X(DIVERGED, "diverged", WARNING, "WAL from %l on is not the leader's of term %t: this member is rewound") \
	X(MUST_CLONE, "must-clone", CRITICAL, "this member's WAL has no common history with term %t: it must be cloned") \
	X(RESTART, "rejoin", WARNING, "this member's PostgreSQL restarts as a standby") \
	X(VOTER_ADDED, "voter-added", INFO, "member %m votes from now on") \
	X(MEMBER_ADDED, "member-added", INFO, "member %m was added") \
	X(MEMBER_DROPPED, "member-dropped", WARNING, "member %m was taken out of the cluster") \
	X(SYNC_CHANGED, "sync-change", INFO, "commits wait for %v members from now on") \
	X(SYNC_DEGRADED, "sync-degraded", WARNING, "too few synchronous members: commits wait for %v members from now on") \
	X(PAUSED, "pause", WARNING, "automatic failover is paused") \
	X(RESUMED, "resume", INFO, "automatic failover is on again") \
	X(HANDING_OVER, "hand-over", INFO, "the leadership is being handed over to %m") \
	X(HAND_OVER_ABORTED, "hand-over-aborted", WARNING, "%m did not take over in time: this member goes on leading") \
	X(PROMOTION_BAD, "promotion-bad", CRITICAL, "the promotion to timeline %v ended at %l, against the election") \
	X(WENT_BACK, "went-back", CRITICAL, "member %m came back with an older state than it had: it is not counted (R6)") \
	X(STRANGER, "stranger", WARNING, "a member with the number %m but another incarnation speaks: it must join anew") \
	X(NOT_ADOPTED, "not-adopted", CRITICAL, "the register does not name this member: it takes no part until it joins") \
	X(ROGUE, "rogue", CRITICAL, "PostgreSQL was promoted by hand, not by an election: it is rewound") \
	X(FORCED, "forced", CRITICAL, "an operator forced this member into the lead without a majority, term %t") \
	X(ASSERTION, "assertion", CRITICAL, "a rule that must hold does not (R%v): this member stops taking part")

typedef enum HaNoteKind
{
#define HA_NOTE_ENUM(kind, name, severity, text) HA_NOTE_##kind,
	HA_NOTE_LIST(HA_NOTE_ENUM)
#undef HA_NOTE_ENUM
	HA_NOTE_COUNT
} HaNoteKind;

typedef struct HaNote
{
	HaNoteKind kind;
	HaId member;
	HaTerm term;
	HaLsn lsn;
	int64_t value;
	const char *sentence;		/* ROLE: the transition's; else NULL */
} HaNote;

extern const char *ha_note_name(HaNoteKind kind);
extern HaSeverity ha_note_severity(HaNoteKind kind);

/*
 * Writes the sentence into `text` (always ended, cut if need be). `member_name` stands for %m; NULL: its number.
 */
extern void ha_note_text(const HaNote *note, const char *member_name, char *text, size_t size);

#endif
