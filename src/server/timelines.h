/*
 * timelines.h: what an unfinished promotion leaves behind.
 *
 * A promotion writes the history file of its new timeline first. When it ends there (undone by hand, S34; killed; the
 * term was lost) the timeline has no WAL of its own, and yet the next recovery would take it for its goal
 * (recovery_target_timeline = latest), and could never follow a leader again: "highest timeline of the primary is
 * behind recovery timeline".
 */
#ifndef HA_SERVER_TIMELINES_H
#define HA_SERVER_TIMELINES_H

/*
 * Removes history files and WAL files of timelines that neither the control file nor this member's chain nor the
 * register's chain knows. Before recovery, in the postmaster. When the state can't be read nothing is touched.
 */
extern void ha_timelines_tidy(void);

#endif
