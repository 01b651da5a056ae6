/*
 * pulse.h: can this server still do a leader's work? Its ha worker may be well while nothing else is.
 *
 * Two signs, each only when it lasts: WAL is there to be written and no byte of it reaches the disk (a disk that hangs,
 * S7, S8); the postmaster is stopped (S3, E13). Then a leader gives its term back instead of holding it for ever.
 * Nothing here waits, and nothing is read from a disk. Of the ha worker.
 */
#ifndef HA_SERVER_PULSE_H
#define HA_SERVER_PULSE_H

#include "core/types.h"

/*
 * Looks, at most a few times a second. What has been wrong for limit_ms, as a sentence; NULL when nothing has, or when
 * limit_ms is 0. To be called at every turn of a primary; a pause in the calls is counted as a pause.
 */
extern const char *ha_pulse_trouble(HaUs now_us, uint32_t limit_ms);

#endif
