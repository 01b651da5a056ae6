/*
 * marker.h: the file that says that a rewind or a clone is under way, and how far it has come (S43).
 *
 * As long as it is there the data directory is not whole: the library hands every start of the server over to the
 * program, which goes on from the phase that the marker names.
 */
#ifndef HA_DRIVE_MARKER_H
#define HA_DRIVE_MARKER_H

#include "core/types.h"
#include "drive/lost.h"

#define HA_MARKER_FILE "rewinding"

typedef enum HaMarkerMethod
{
	HA_MARKER_REWIND,
	HA_MARKER_CLONE
} HaMarkerMethod;

typedef enum HaMarkerPhase
{
	HA_MARKER_WORK,				/* rewind: moved aside, pg_rewind at work. Clone: the copy is whole, the old goes out */
	HA_MARKER_IN				/* the new moves in */
} HaMarkerPhase;

typedef struct HaMarker
{
	HaMarkerMethod method;
	HaMarkerPhase phase;
	HaId leader;				/* that the directory becomes a copy of */
	HaTerm term;				/* in which it led */
	unsigned tries;				/* of pg_rewind so far */
	char lost[HA_LOST_NAME_SIZE];	/* the kept WAL; empty = none */
} HaMarker;

/* Text to marker and back, for the file and its test. */
extern bool ha_marker_parse(const char *text, HaMarker *marker);
extern void ha_marker_text(const HaMarker *marker, char *text, size_t size);

/* *there says whether there is one; a marker that can't be understood is a fault. */
extern bool ha_marker_read(const char *state, HaMarker *marker, bool *there, HaFault *fault);

extern bool ha_marker_write(const char *state, const HaMarker *marker, HaFault *fault);
extern bool ha_marker_remove(const char *state, HaFault *fault);

#endif
