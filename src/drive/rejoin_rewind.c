/*
 * rejoin_rewind.c: the rewind of a rejoin; see rejoin_parts.h.
 *
 * Nothing is touched before the source has said once more, by the peers' protocol, that it leads in the term for which
 * the rewind was decided. pg_rewind's word that there is nothing to do does not count against the chains' (E9, E9b).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "drive/aside.h"
#include "drive/rejoin_parts.h"
#include "drive/rewind.h"
#include "io/files.h"
#include "io/process.h"

#define TRIES_MAX 3

/*
 * As it was before the first try, as far as pg_rewind looks at it: the control file that stayed behind, the WAL that
 * was kept. Even when that try seems to have ended: nobody knows what of it a loss of power has left.
 */
static bool
put_back(HaRejoin *r)
{
	char from[PATH_MAX];
	char to[PATH_MAX];

	if (!ha_files_path(from, r->local->data, "global/pg_control") ||
		!ha_files_path(to, r->work, "global/pg_control") || !ha_files_remove(r->work, "global/pg_control") ||
		!ha_files_copy(from, to) || !ha_files_remove(r->work, "backup_label"))
		return ha_fault(r->fault, NULL, "\"%s\" can't be put back: %s", to, strerror(errno));
	return ha_lost_restore(r->local->state, r->marker.lost, r->work, r->fault);
}

/* Asked while pg_rewind runs: from a source that answers nobody, or has lost its term, no rewind can come. */
static bool
source_stays(void *self)
{
	HaRejoin *r = self;

	return ha_rejoin_leader_stays(r) || ha_rejoin_leader_stays(r) || ha_rejoin_leader_stays(r);
}

static HaRewind
rewind_of(HaRejoin *r)
{
	return (HaRewind){r->local, ha_rejoin_leader(r), &r->contact.key, r->teller, source_stays, r};
}

/* The first time, or once more after it was cut off: then by the WAL that was kept, for its own is overwritten. */
static bool
rewind_once(HaRejoin *r, const HaRewind *rewind)
{
	bool again = r->marker.tries > 0;

	memset(r->fault, 0, sizeof(*r->fault));
	if (again && r->marker.lost[0] == '\0')
		return ha_fault(r->fault, NULL,
						"a rewind was cut off, and there was no room for the WAL that a second one needs");
	r->marker.tries++;
	return ha_rejoin_mark(r, HA_MARKER_REWIND, HA_MARKER_WORK) &&
		(!again || put_back(r)) && ha_rewind_run(rewind, r->work, r->fault);
}

HaRejoinResult
ha_rejoin_rewind_on(HaRejoin *r)
{
	const HaRewind rewind = rewind_of(r);

	if (!ha_aside_out(r->local->data, r->work, r->fault))
		return HA_REJOIN_FAILED;
	while (!rewind_once(r, &rewind))
	{
		ha_rejoin_tell(r, "%s", r->fault->text);
		if (ha_process_interrupted() || !ha_rejoin_leader_stays(r))
			return HA_REJOIN_FAILED;
		if (r->marker.tries >= TRIES_MAX || r->marker.lost[0] == '\0')
			return ha_rejoin_clone_or_hold(r);
	}
	if (!ha_rejoin_leader_stays(r))
	{
		ha_fault(r->fault, NULL, "the leader changed during the rewind");
		return ha_rejoin_clone_or_hold(r);
	}
	if (!ha_rejoin_save(r) || !ha_rejoin_mark(r, HA_MARKER_REWIND, HA_MARKER_IN))
		return HA_REJOIN_FAILED;
	return ha_rejoin_come_in(r);
}

/* Why it can't be rewound at all; true when it can. */
static bool
rewindable(HaRejoin *r)
{
	char label[PATH_MAX];

	if (!ha_pgdata_control(r->local->programs, r->local->data, &r->control, r->fault))
		return false;
	if (!r->control.checksums && !r->control.wal_log_hints)
		return ha_fault(r->fault, NULL,
						"pg_rewind needs data checksums or wal_log_hints, and this directory has neither");
	if (ha_files_path(label, r->local->data, "backup_label") && ha_files_exists(label))
		return ha_fault(r->fault, NULL, "the directory is an unfinished copy");
	if (r->control.state == HA_CONTROL_OTHER)
		ha_rejoin_tell(r, "the server was not shut down: crash recovery first");
	else if (r->control.min_recovery_tli > r->control.tli)
		/* To pg_rewind, which looks at the last checkpoint, it is still on the timeline before (E9b). */
		ha_rejoin_tell(r, "no checkpoint was completed on timeline %u: crash recovery first",
					   r->control.min_recovery_tli);
	else
		return true;
	return ha_rewind_shut_down(r->local, r->fault) &&
		ha_pgdata_control(r->local->programs, r->local->data, &r->control, r->fault);
}

/* Keeps what will be discarded and says what that is. */
static bool
keep_diverged(HaRejoin *r, const HaDivergence *d)
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
	ha_rejoin_tell(r, "%s", text);
	ha_files_write_line(r->local->state, HA_LOCAL_REJOINED, text);
	memcpy(r->marker.lost, lost.name, sizeof(lost.name));
	return true;
}

/* Nothing was touched yet. What was said of discarded WAL is not so. */
static HaRejoinResult
decide_anew(HaRejoin *r)
{
	ha_files_remove(r->local->state, HA_LOCAL_REJOINED);
	r->again = !ha_process_interrupted();
	ha_fault(r->fault, NULL, "%s does not lead in term %llu any more", ha_rejoin_leader(r)->name,
			 (unsigned long long) r->leader.term);
	return HA_REJOIN_START;
}

HaRejoinResult
ha_rejoin_rewind(HaRejoin *r)
{
	const HaRewind rewind = rewind_of(r);
	HaDivergence divergence;

	ha_rejoin_tell(r, "rewinding to %s, which leads in term %llu", rewind.leader->name,
				   (unsigned long long) r->leader.term);
	if (!rewindable(r))
		return ha_rejoin_clone_or_hold(r);
	if (r->control.system_id != r->leader.system_id)
	{
		ha_fault(r->fault, NULL, "the leader is of another PostgreSQL system");
		return ha_rejoin_clone_or_hold(r);
	}
	if (!ha_rewind_check(&rewind, &divergence, r->fault))
		return source_stays(r) ? ha_rejoin_clone_or_hold(r) : decide_anew(r);
	if (divergence.same_timeline || !divergence.needed)
	{
		/* The chains say otherwise, and they know whose WAL it is. */
		ha_fault(r->fault, NULL,
				 "pg_rewind finds nothing to rewind on timeline %u, but this WAL is not the leader's",
				 ha_pgdata_control_tli(&r->control));
		return ha_rejoin_clone_or_hold(r);
	}
	if (!keep_diverged(r, &divergence))
		return HA_REJOIN_START;
	if (!source_stays(r))
		return decide_anew(r);
	if (!ha_rejoin_mark(r, HA_MARKER_REWIND, HA_MARKER_WORK))
		return HA_REJOIN_START;
	return ha_rejoin_rewind_on(r);
}
