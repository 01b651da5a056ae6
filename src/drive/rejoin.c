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
#include "drive/rejoin_parts.h"
#include "io/clock.h"
#include "io/files.h"
#include "io/process.h"

#define ASK_AGAIN_US (300 * HA_US_PER_MS)
#define DECISIONS_MAX 3


void
ha_rejoin_tell(const HaRejoin *r, const char *format, ...)
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

const HaMember *
ha_rejoin_leader(const HaRejoin *r)
{
	return ha_register_member(&r->leader.reg, r->leader.id);
}

/* ---- Beginning ---- */

/* Opens and locks the state, and learns whom to ask. */
static bool
open_member(HaRejoin *r)
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
await_leader(HaRejoin *r)
{
	HaUs until_us = ha_clock_now().mono_us + r->order->patience_us;

	for (;;)
	{
		HaUs left_us = until_us - ha_clock_now().mono_us;

		if (!ha_contact_leader(&r->contact, &r->leader, NULL, left_us > 0 ? left_us : 1, r->fault))
			return false;
		if (r->leader.reg.checkpoint_term == r->leader.term && r->leader.id != r->store.hard.id &&
			ha_rejoin_leader(r) != NULL)
		{
			memset(r->fault, 0, sizeof(*r->fault));
			return true;
		}
		if (left_us <= 0 || !ha_process_pause(ASK_AGAIN_US))
			return ha_fault(r->fault, NULL, "member %u leads, but has not completed its first checkpoint",
							(unsigned) r->leader.id);
	}
}

bool
ha_rejoin_leader_stays(HaRejoin *r)
{
	HaStatus now;
	HaFault ignored;

	return ha_contact_member(&r->contact, ha_rejoin_leader(r), &now, HA_CONTACT_ONE_US, &ignored) &&
		ha_contact_leads(&now) && now.term == r->leader.term;
}

/* ---- State ---- */

bool
ha_rejoin_save(HaRejoin *r)
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

bool
ha_rejoin_mark(HaRejoin *r, HaMarkerMethod method, HaMarkerPhase phase)
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

HaRejoinResult
ha_rejoin_come_in(HaRejoin *r)
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
	ha_rejoin_tell(r, "the data directory is a standby's of member %u, term %llu", (unsigned) r->marker.leader,
		 (unsigned long long) r->marker.term);
	return HA_REJOIN_START;
}

/* ---- Clone ---- */

static HaRejoinResult
clone_swap(HaRejoin *r)
{
	if (r->marker.phase == HA_MARKER_WORK &&
		(!ha_aside_out(r->local->data, r->work, r->fault) || !ha_rejoin_mark(r, HA_MARKER_CLONE, HA_MARKER_IN)))
		return HA_REJOIN_FAILED;
	return ha_rejoin_come_in(r);
}

/* The copy must be of the leader that was found, from its first byte to its last. */
static bool
clone_copy(HaRejoin *r)
{
	const HaMember *self = ha_register_member(&r->leader.reg, r->store.hard.id);
	HaClone clone = {
		.programs = r->local->programs,
		.major = r->local->major,
		.target = r->clone,
		.member = self != NULL ? self->name : "",
		.receiver = {r->leader.term, r->store.hard.incarnation},
		.leader = ha_rejoin_leader(r),
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
	return ha_rejoin_leader_stays(r) || ha_fault(r->fault, NULL, "the leader changed during the copy");
}

static HaRejoinResult
clone(HaRejoin *r)
{
	ha_rejoin_tell(r, "cloning from %s", ha_rejoin_leader(r)->name);
	if (!clone_copy(r))
	{
		ha_files_remove_tree(r->clone);
		return r->marked ? HA_REJOIN_FAILED : HA_REJOIN_START;
	}
	if (!ha_rejoin_save(r) || !ha_rejoin_mark(r, HA_MARKER_CLONE, HA_MARKER_WORK))
		return HA_REJOIN_FAILED;
	return clone_swap(r);
}

HaRejoinResult
ha_rejoin_clone_or_hold(HaRejoin *r)
{
	char why[sizeof(r->fault->text)];

	memcpy(why, r->fault->text, sizeof(why));
	if (ha_process_interrupted())
		return HA_REJOIN_FAILED;
	if (r->order->allow_clone)
	{
		ha_rejoin_tell(r, "%s", why);
		memset(r->fault, 0, sizeof(*r->fault));
		return clone(r);
	}
	ha_files_write_line(r->local->state, HA_LOCAL_NEEDS_CLONE, why);
	ha_fault(r->fault, "stop the server and run pg_haops rejoin --clone", "this member needs a clone: %.900s", why);
	return r->marked ? HA_REJOIN_FAILED : HA_REJOIN_HOLD;
}

/* ---- All of it ---- */

static HaRejoinResult
go_on(HaRejoin *r)
{
	if (r->marker.method == HA_MARKER_CLONE)
		return clone_swap(r);
	if (r->marker.phase == HA_MARKER_IN)
		return ha_rejoin_come_in(r);
	ha_rejoin_tell(r, "a rewind was cut off: it is taken up again");
	if (!await_leader(r))
		return HA_REJOIN_FAILED;
	if (r->leader.id == r->marker.leader && r->leader.term == r->marker.term)
		return ha_rejoin_rewind_on(r);
	ha_fault(r->fault, NULL, "a rewind was cut off, and its source no longer leads in the same term");
	return ha_rejoin_clone_or_hold(r);
}

/*
 * The member decided for the term in its state file. For a later one, led by somebody else, its chain is compared anew
 * with that leader's. The end of its WAL is known here from below only, so that "part of the leader's" may be wrong;
 * then the member, which knows, asks again.
 */
static HaLineage
decide(HaRejoin *r)
{
	const HaHard *hard = &r->store.hard;
	HaLineage lineage = r->order->lineage;

	if (r->order->lineage != HA_LINEAGE_REWIND || (!r->again && r->leader.term == hard->term))
		return lineage;
	if (ha_pgdata_control(r->local->programs, r->local->data, &r->control, r->fault))
		lineage = ha_rejoin_compare(&hard->chain, &r->control, &r->leader.reg.chain);
	ha_rejoin_tell(r, "%s leads in term %llu now, and it was decided for another one: to be %s",
				   ha_rejoin_leader(r)->name, (unsigned long long) r->leader.term,
				   lineage == HA_LINEAGE_STREAM ? "followed as it is" :
				   lineage == HA_LINEAGE_REWIND ? "rewound" : "cloned");
	return lineage;
}

HaLineage
ha_rejoin_compare(const HaChain *own, const HaControl *control, const HaChain *leader)
{
	HaLsn end = control->checkpoint + 1;

	if (control->min_recovery > end)
		end = control->min_recovery;
	return ha_chain_compare(own, end, ha_pgdata_control_tli(control), 0, leader).lineage;
}

static HaRejoinResult
begin(HaRejoin *r)
{
	HaRejoinResult result = HA_REJOIN_START;

	for (int decisions = 0; decisions < DECISIONS_MAX; decisions++)
	{
		HaLineage lineage;

		if (!await_leader(r))
			break;
		lineage = decide(r);
		r->again = false;
		if (lineage == HA_LINEAGE_REWIND)
			result = ha_rejoin_rewind(r);
		else if (lineage == HA_LINEAGE_STREAM)
			result = HA_REJOIN_START;
		else if (r->order->allow_clone)
			result = clone(r);
		else
		{
			ha_fault(r->fault, NULL, "its WAL and the leader's have no common history, or one timeline number for two");
			result = ha_rejoin_clone_or_hold(r);
		}
		if (!r->again)
			break;
		ha_rejoin_tell(r, "%s", r->fault->text);
	}
	return result;
}

HaRejoinResult
ha_rejoin_run(const HaLocal *local, const HaRejoinOrder *order, HaTeller teller, HaFault *fault)
{
	HaRejoin r = {.local = local, .order = order, .teller = teller, .fault = fault};
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
