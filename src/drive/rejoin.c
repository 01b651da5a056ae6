/*
 * rejoin.c: see rejoin.h.
 *
 *	nothing -> marker WORK -> marker IN -> nothing
 *
 * Rewind: WORK = PostgreSQL's folders are in `work`, pg_rewind works on them; IN = it has ended, they come back.
 * Clone: WORK = the copy in `clone` is whole, the old goes to `work`; IN = the new comes in. The state file gets the
 * leader's chain before IN is written: once the directory is whole again it says whose WAL is in it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "drive/aside.h"
#include "drive/contact.h"
#include "drive/marker.h"
#include "drive/rejoin.h"
#include "drive/rewind.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/process.h"

#define ASK_AGAIN_US (300 * HA_US_PER_MS)
#define TRIES_MAX 3

typedef struct Rejoin
{
	const HaLocal *local;
	const HaRejoinOrder *order;
	HaTeller teller;
	HaFault *fault;
	HaStore store;
	HaContact contact;
	HaStatus leader;			/* as it was when it was found, term and chain */
	HaControl control;
	bool marked;
	HaMarker marker;
	char work[PATH_MAX];
	char clone[PATH_MAX];
} Rejoin;

static void tell(const Rejoin *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
tell(const Rejoin *r, const char *format, ...)
{
	char text[1024];
	va_list args;

	if (r->teller.tell == NULL)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	r->teller.tell(r->teller.self, text);
}

static const HaMember *
leader_member(const Rejoin *r)
{
	return ha_register_member(&r->leader.reg, r->leader.id);
}

/* ---- Beginning ---- */

/* Opens and locks the state, and learns whom to ask. */
static bool
open_member(Rejoin *r)
{
	HaStoreError error = ha_store_open(&r->store, r->local->state, NULL);
	pid_t pid;

	if (error != HA_STORE_OK)
		return ha_local_store_fault(r->local, error, r->fault);
	if (ha_pgdata_in_use(r->local->data, &pid))
		return ha_fault(r->fault, "stop it first", "process %d of PostgreSQL still works in \"%s\"", (int) pid,
						r->local->data);
	if (!ha_local_read_key(r->local->key_file, &r->contact.key, r->fault))
		return false;
	ha_contact_add_register(&r->contact, &r->store.hard.reg);
	return true;
}

/* Another member that leads and has a checkpoint on its timeline (S45). */
static bool
await_leader(Rejoin *r)
{
	HaUs until_us = ha_clock_now().mono_us + r->order->patience_us;

	for (;;)
	{
		HaUs left_us = until_us - ha_clock_now().mono_us;

		if (!ha_contact_leader(&r->contact, &r->leader, NULL, left_us > 0 ? left_us : 1, r->fault))
			return false;
		if (r->leader.reg.checkpoint_term == r->leader.term && r->leader.id != r->store.hard.id &&
			leader_member(r) != NULL)
		{
			memset(r->fault, 0, sizeof(*r->fault));
			return true;
		}
		if (left_us <= 0 || !ha_process_pause(ASK_AGAIN_US))
			return ha_fault(r->fault, NULL, "member %u leads, but has not completed its first checkpoint",
							(unsigned) r->leader.id);
	}
}

/* Does the leader that was found still lead, in the same term? */
static bool
leader_stays(Rejoin *r)
{
	HaStatus now;
	HaFault ignored;

	return ha_contact_member(&r->contact, leader_member(r), &now, HA_CONTACT_ONE_US, &ignored) &&
		ha_contact_leads(&now) && now.term == r->leader.term;
}

/* ---- State ---- */

/* From now on the member holds the leader's WAL, and may receive more of it: it need not compare (R33). */
static bool
save_state(Rejoin *r)
{
	HaHard hard = r->store.hard;
	HaStoreError error;

	hard.chain = r->leader.reg.chain;
	if (r->leader.term > hard.term)
	{
		hard.term = r->leader.term;
		hard.voted_for = 0;
	}
	hard.joined_term = r->leader.term;
	error = ha_store_save(&r->store, &hard);
	return error == HA_STORE_OK || ha_local_store_fault(r->local, error, r->fault);
}

static bool
mark(Rejoin *r, HaMarkerMethod method, HaMarkerPhase phase)
{
	r->marker.method = method;
	r->marker.phase = phase;
	if (r->leader.id != 0)
	{
		r->marker.leader = r->leader.id;
		r->marker.term = r->leader.term;
	}
	if (!ha_marker_write(r->local->state, &r->marker, r->fault))
		return false;
	r->marked = true;
	return true;
}

/* ---- The end: what is new comes in ---- */

static HaRejoinResult
come_in(Rejoin *r)
{
	const char *from = r->marker.method == HA_MARKER_REWIND ? r->work : r->clone;
	char standby[PATH_MAX];

	if (!ha_aside_in(from, r->local->data, r->fault))
		return HA_REJOIN_FAILED;
	if (!ha_files_path(standby, r->local->data, HA_PGDATA_SIGNAL_STANDBY) ||
		!ha_files_write(standby, "", 0, 0600))
	{
		ha_fault(r->fault, NULL, "\"%s\" can't be written: %s", standby, strerror(errno));
		return HA_REJOIN_FAILED;
	}
	ha_files_remove(r->local->state, HA_LOCAL_NEEDS_CLONE);
	if (!ha_marker_remove(r->local->state, r->fault))
		return HA_REJOIN_FAILED;
	r->marked = false;
	ha_files_remove_tree(r->work);
	ha_files_remove_tree(r->clone);
	ha_lost_prune(r->local->state, r->marker.lost);
	tell(r, "the data directory is a standby's of member %u, term %llu", (unsigned) r->marker.leader,
		 (unsigned long long) r->marker.term);
	return HA_REJOIN_START;
}

/* ---- Clone ---- */

static HaRejoinResult
clone_swap(Rejoin *r)
{
	if (r->marker.phase == HA_MARKER_WORK &&
		(!ha_aside_out(r->local->data, r->work, r->fault) || !mark(r, HA_MARKER_CLONE, HA_MARKER_IN)))
		return HA_REJOIN_FAILED;
	return come_in(r);
}

/* The copy must be of the leader that was found, from its first byte to its last. */
static bool
clone_copy(Rejoin *r)
{
	const HaMember *self = ha_register_member(&r->leader.reg, r->store.hard.id);
	HaClone clone = {
		.programs = r->local->programs,
		.major = r->local->major,
		.target = r->clone,
		.member = self != NULL ? self->name : "",
		.receiver = {r->leader.term, r->store.hard.incarnation},
		.leader = leader_member(r),
		.key = &r->contact.key,
		.teller = r->teller,
	};
	HaControl control;

	if (self == NULL || !ha_uuid_equal(&self->incarnation, &r->store.hard.incarnation))
		return ha_fault(r->fault, "join it anew with pg_haops join", "this member is not in the cluster any more");
	if (ha_pgdata_has_links(r->local->data) || ha_pgdata_has_links(r->work))
		return ha_fault(r->fault, "take it out with pg_haops leave, and join it anew with pg_haops join",
						"a directory with tablespaces, or with its WAL elsewhere, can't be cloned in place");
	if (!ha_files_remove_tree(r->clone))
		return ha_fault(r->fault, NULL, "\"%s\" can't be removed: %s", r->clone, strerror(errno));
	if (!ha_clone_check(&clone, r->fault) || !ha_clone_run(&clone, r->fault) ||
		!ha_pgdata_control(r->local->programs, r->clone, &control, r->fault))
		return false;
	if (control.system_id != r->store.hard.system_id)
		return ha_fault(r->fault, NULL, "what was copied is of another PostgreSQL system");
	return leader_stays(r) || ha_fault(r->fault, NULL, "the leader changed during the copy");
}

static HaRejoinResult
clone(Rejoin *r)
{
	tell(r, "cloning from %s", leader_member(r)->name);
	if (!clone_copy(r))
	{
		ha_files_remove_tree(r->clone);
		return r->marked ? HA_REJOIN_FAILED : HA_REJOIN_START;
	}
	if (!save_state(r) || !mark(r, HA_MARKER_CLONE, HA_MARKER_WORK))
		return HA_REJOIN_FAILED;
	return clone_swap(r);
}

/* What can't be rewound is cloned, when that is allowed; r->fault says why it can't. */
static HaRejoinResult
give_up(Rejoin *r)
{
	char why[sizeof(r->fault->text)];

	memcpy(why, r->fault->text, sizeof(why));
	if (ha_process_interrupted())
		return HA_REJOIN_FAILED;
	if (r->order->allow_clone)
	{
		tell(r, "%s", why);
		memset(r->fault, 0, sizeof(*r->fault));
		return clone(r);
	}
	ha_files_write_line(r->local->state, HA_LOCAL_NEEDS_CLONE, why);
	ha_fault(r->fault, "stop the server and run pg_haops rejoin --clone", "this member needs a clone: %.900s", why);
	return r->marked ? HA_REJOIN_FAILED : HA_REJOIN_HOLD;
}

/* ---- Rewind ---- */

/* pg_rewind writes the control file last, and its target is clean before. */
static bool
rewind_ended(Rejoin *r)
{
	char label[PATH_MAX];

	return ha_pgdata_control(r->local->programs, r->work, &r->control, r->fault) &&
		r->control.state == HA_CONTROL_OTHER && ha_files_path(label, r->work, "backup_label") &&
		ha_files_exists(label);
}

/* The first time, or once more after it was cut off: then by the WAL that was kept, for its own is overwritten. */
static bool
rewind_once(Rejoin *r, const HaRewind *rewind)
{
	bool again = r->marker.tries > 0;

	if (again && rewind_ended(r))
		return ha_rewind_sync(rewind, r->work, r->fault);
	memset(r->fault, 0, sizeof(*r->fault));
	r->marker.tries++;
	return mark(r, HA_MARKER_REWIND, HA_MARKER_WORK) &&
		(!again || ha_lost_restore(r->local->state, r->marker.lost, r->work, r->fault)) &&
		ha_rewind_run(rewind, r->work, r->fault);
}

static HaRejoinResult
rewind_work(Rejoin *r)
{
	const HaRewind rewind = {r->local, leader_member(r), &r->contact.key, r->teller};

	if (!ha_aside_out(r->local->data, r->work, r->fault))
		return HA_REJOIN_FAILED;
	while (!rewind_once(r, &rewind))
	{
		tell(r, "%s", r->fault->text);
		if (ha_process_interrupted() || !leader_stays(r))
			return HA_REJOIN_FAILED;
		if (r->marker.tries >= TRIES_MAX || r->marker.lost[0] == '\0')
			return give_up(r);
	}
	if (!leader_stays(r))
	{
		ha_fault(r->fault, NULL, "the leader changed during the rewind");
		return give_up(r);
	}
	if (!save_state(r) || !mark(r, HA_MARKER_REWIND, HA_MARKER_IN))
		return HA_REJOIN_FAILED;
	return come_in(r);
}

/* Why it can't be rewound at all; true when it can. */
static bool
rewindable(Rejoin *r)
{
	char label[PATH_MAX];

	if (!ha_pgdata_control(r->local->programs, r->local->data, &r->control, r->fault))
		return false;
	if (!r->control.checksums && !r->control.wal_log_hints)
		return ha_fault(r->fault, NULL,
						"pg_rewind needs data checksums or wal_log_hints, and this directory has neither");
	if (ha_files_path(label, r->local->data, "backup_label") && ha_files_exists(label))
		return ha_fault(r->fault, NULL, "the directory is an unfinished copy");
	if (r->control.state != HA_CONTROL_OTHER)
		return true;
	tell(r, "the server was not shut down: crash recovery first");
	return ha_rewind_shut_down(r->local, r->fault) &&
		ha_pgdata_control(r->local->programs, r->local->data, &r->control, r->fault);
}

/* Keeps what will be discarded and says what that is. */
static bool
keep_diverged(Rejoin *r, const HaDivergence *d)
{
	HaLost lost = {
		.programs = r->local->programs,
		.state = r->local->state,
		.segment_bytes = r->control.segment_bytes,
		.tli = ha_pgdata_control_tli(&r->control),
		.checkpoint = d->checkpoint,
		.fork = d->fork,
		.end = r->control.checkpoint > r->control.min_recovery ? r->control.checkpoint : r->control.min_recovery,
	};
	char text[512];
	char commits[64] = "an unknown number of commits";

	if (!ha_lost_keep(&lost, r->local->data, r->fault))
		return false;
	ha_lost_count(&lost, r->local->data);
	if (lost.commits >= 0)
		snprintf(commits, sizeof(commits), "%ld commit%s", lost.commits, lost.commits == 1 ? "" : "s");
	snprintf(text, sizeof(text), "WAL from %X/%X to %X/%X on timeline %u was discarded, with %s%s%s",
			 (unsigned) (d->fork >> 32), (unsigned) d->fork, (unsigned) (lost.end >> 32), (unsigned) lost.end,
			 lost.tli, commits, lost.name[0] != '\0' ? "; it is kept in lost/" : "; there was no room to keep it",
			 lost.name);
	tell(r, "%s", text);
	ha_files_write_line(r->local->state, HA_LOCAL_REJOINED, text);
	memcpy(r->marker.lost, lost.name, sizeof(lost.name));
	return true;
}

static HaRejoinResult
rewind_begin(Rejoin *r)
{
	const HaRewind rewind = {r->local, leader_member(r), &r->contact.key, r->teller};
	HaDivergence divergence;

	tell(r, "rewinding to %s, which leads in term %llu", rewind.leader->name, (unsigned long long) r->leader.term);
	if (!rewindable(r))
		return give_up(r);
	if (r->control.system_id != r->leader.system_id)
	{
		ha_fault(r->fault, NULL, "the leader is of another PostgreSQL system");
		return give_up(r);
	}
	if (!ha_rewind_check(&rewind, &divergence, r->fault))
		return leader_stays(r) ? give_up(r) : HA_REJOIN_START;
	if (divergence.same_timeline)
	{
		ha_fault(r->fault, NULL, "both are on timeline %u, with two histories", ha_pgdata_control_tli(&r->control));
		return give_up(r);
	}
	if (!divergence.needed)
	{
		tell(r, "pg_rewind finds nothing to rewind");
		return HA_REJOIN_START;
	}
	if (!keep_diverged(r, &divergence) || !mark(r, HA_MARKER_REWIND, HA_MARKER_WORK))
		return HA_REJOIN_START;
	return rewind_work(r);
}

/* ---- All of it ---- */

static HaRejoinResult
go_on(Rejoin *r)
{
	if (r->marker.method == HA_MARKER_CLONE)
		return clone_swap(r);
	if (r->marker.phase == HA_MARKER_IN)
		return come_in(r);
	tell(r, "a rewind was cut off: it is taken up again");
	if (!await_leader(r))
		return HA_REJOIN_FAILED;
	if (r->leader.id == r->marker.leader && r->leader.term == r->marker.term)
		return rewind_work(r);
	ha_fault(r->fault, NULL, "a rewind was cut off, and its source no longer leads in the same term");
	return give_up(r);
}

static HaRejoinResult
begin(Rejoin *r)
{
	if (!await_leader(r))
		return HA_REJOIN_START;
	if (r->order->lineage == HA_LINEAGE_REWIND)
		return rewind_begin(r);
	if (r->order->allow_clone)
		return clone(r);
	ha_fault(r->fault, NULL, "its WAL and the leader's have no common history, or one timeline number for two");
	return give_up(r);
}

HaRejoinResult
ha_rejoin_run(const HaLocal *local, const HaRejoinOrder *order, HaTeller teller, HaFault *fault)
{
	Rejoin r = {.local = local, .order = order, .teller = teller, .fault = fault};
	HaRejoinResult result;

	memset(fault, 0, sizeof(*fault));
	r.store.fd = -1;
	if (!ha_marker_read(local->state, &r.marker, &r.marked, fault))
		return HA_REJOIN_FAILED;
	if (!r.marked && order->lineage == HA_LINEAGE_STREAM)
		return HA_REJOIN_START;
	/* On the data directory's own file system, wherever the state directory is. */
	if (!ha_files_path(r.work, local->data, HA_LOCAL_STATE "/work") ||
		!ha_files_path(r.clone, local->data, HA_LOCAL_STATE "/clone") || !open_member(&r))
		result = r.marked ? HA_REJOIN_FAILED : HA_REJOIN_START;
	else
		result = r.marked ? go_on(&r) : begin(&r);
	ha_store_close(&r.store);
	ha_contact_end(&r.contact);
	return result;
}
