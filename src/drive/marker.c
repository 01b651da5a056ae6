/*
 * marker.c: see marker.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "drive/marker.h"
#include "io/files.h"

#define FILE_BYTES_MAX 512

static const char *const methods[] = {"rewind", "clone"};
static const char *const phases[] = {"work", "in"};

static int
find_word(const char *const words[2], const char *word)
{
	return strcmp(word, words[0]) == 0 ? 0 : strcmp(word, words[1]) == 0 ? 1 : -1;
}

bool
ha_marker_parse(const char *text, HaMarker *marker)
{
	char method[16];
	char phase[16];
	unsigned leader;
	unsigned tries;
	unsigned long long term;
	int used = 0;

	memset(marker, 0, sizeof(*marker));
	if (sscanf(text, "method=%15s phase=%15s leader=%u term=%llu tries=%u lost=%n", method, phase, &leader, &term,
			   &tries, &used) != 5 ||
		used == 0 || find_word(methods, method) < 0 || find_word(phases, phase) < 0 || leader < 1 ||
		leader > HA_ID_MAX || term >= HA_TERM_MAX)
		return false;
	text += used;
	if (strcspn(text, "\n") >= sizeof(marker->lost) || strcspn(text, "/.\n") != strcspn(text, "\n"))
		return false;
	memcpy(marker->lost, text, strcspn(text, "\n"));
	marker->method = (HaMarkerMethod) find_word(methods, method);
	marker->phase = (HaMarkerPhase) find_word(phases, phase);
	marker->leader = leader;
	marker->term = term;
	marker->tries = tries;
	return true;
}

void
ha_marker_text(const HaMarker *marker, char *text, size_t size)
{
	snprintf(text, size, "method=%s phase=%s leader=%u term=%llu tries=%u lost=%s\n", methods[marker->method],
			 phases[marker->phase], (unsigned) marker->leader, (unsigned long long) marker->term, marker->tries,
			 marker->lost);
}

bool
ha_marker_read(const char *state, HaMarker *marker, bool *there, HaFault *fault)
{
	char path[PATH_MAX];
	char *text = ha_files_path(path, state, HA_MARKER_FILE) ? ha_files_read(path, FILE_BYTES_MAX, NULL) : NULL;
	int error = errno;
	bool ok;

	*there = text != NULL;
	if (text == NULL && error == ENOENT)
		return true;
	ok = text != NULL && ha_marker_parse(text, marker);
	*there = true;
	free(text);
	return ok || ha_fault(fault, "clone this member anew with pg_haops rejoin --clone",
						  "the marker \"%s\" can't be read", path);
}

bool
ha_marker_write(const char *state, const HaMarker *marker, HaFault *fault)
{
	char path[PATH_MAX];
	char text[FILE_BYTES_MAX];

	ha_marker_text(marker, text, sizeof(text));
	if (ha_files_path(path, state, HA_MARKER_FILE) && ha_files_write(path, text, strlen(text), 0600))
		return true;
	return ha_fault(fault, NULL, "the marker \"%s\" can't be written: %s", path, strerror(errno));
}

bool
ha_marker_remove(const char *state, HaFault *fault)
{
	char path[PATH_MAX];

	if (ha_files_path(path, state, HA_MARKER_FILE) && (unlink(path) == 0 || errno == ENOENT) &&
		ha_files_sync_directory(state))
		return true;
	return ha_fault(fault, NULL, "the marker \"%s\" can't be removed: %s", path, strerror(errno));
}
