/*
 * control.h: how the ha worker makes PostgreSQL do what was decided.
 *
 * All but the writing of server.conf are signals and words in shared memory. Settings go through server.conf in the
 * state directory, which postgresql.conf includes at its end: written whole, renamed into place, then SIGHUP to the
 * postmaster. Its last line is a number that the startup process repeats into shared memory when it has read it
 * (guc.c), so that it is certain from when on no receiver is started by older settings (R13).
 */
#ifndef HA_SERVER_CONTROL_H
#define HA_SERVER_CONTROL_H

#include "server/shmem.h"

/* ---- Settings ---- */

/*
 * Brings server.conf in line with the node: the upstream (`upstream` = 0: primary_conninfo and restore_command empty),
 * and synchronous_standby_names by the strictest rule of the gate. Cheap when nothing changed. When the file can't be
 * written it is tried again by ha_control_progress().
 */
extern void ha_control_order(const HaNode *node, HaId upstream);

/* Number and upstream of the orders that are in the file. */
extern uint32_t ha_control_orders_number(void);
extern HaId ha_control_orders_upstream(void);

/*
 * Writes a server.conf with no upstream, before recovery starts: what this member followed in another life of the
 * server may be something else now. Of the postmaster. Raises an error when the file can't be written.
 */
extern void ha_control_write_first(void);

/* ---- Acts ---- */

/* Asks for the promotion, and again every 30 ms until PostgreSQL has left recovery (design.md 4.2). */
extern void ha_control_promote(void);

/* Asks the keeper for a checkpoint; does not wait. */
extern void ha_control_checkpoint(void);

/*
 * Stops the server so that it comes back as a standby. When its WAL is the leader's so far: at once, for a shutdown in
 * good order would write a checkpoint, and that would have to be rewound. Else in good order: walsenders first, so that
 * a silent standby does not hold it up; then the postmaster, fast. See ha_control_may_leave().
 */
extern void ha_control_rejoin(HaComparison comparison, HaId leader);

/*
 * For the ha worker while it is the last to leave a server that rejoins: true when it may go, because nobody else is
 * left, or because after 5 s the postmaster was told to stop immediately.
 */
extern bool ha_control_may_leave(HaUs now_us);

/*
 * What has to be said again; every turn. `promoting`: the promotion is still wanted. Returns BOOTTIME at which it wants
 * to be called next.
 */
extern HaUs ha_control_progress(HaUs now_us, bool promoting);

#endif
