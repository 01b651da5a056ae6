/*
 * mute.h: which alerts people are not told of for now: silenced by an operator, or explained by another alert.
 *
 * Pure. A matcher compares one label with a text: equal, different, or by a pattern with * (any characters) and ?
 * (one); a label that an alert does not have is empty. The labels "rule", "severity" and "node" always exist.
 */
#ifndef HA_OPS_MUTE_H
#define HA_OPS_MUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "ops/episode.h"

typedef enum HaMatch
{
	HA_MATCH_EQUAL,				/* = */
	HA_MATCH_DIFFERENT,			/* != */
	HA_MATCH_LIKE,				/* ~ */
	HA_MATCH_UNLIKE				/* !~ */
} HaMatch;

typedef struct HaMatcher
{
	const char *name;
	HaMatch match;
	const char *text;
} HaMatcher;

/* Holds while starts_us <= now < ends_us, for alerts that all matchers fit; without matchers: for all. */
typedef struct HaSilence
{
	int64_t starts_us;
	int64_t ends_us;
	const HaMatcher *matcher;
	uint32_t matcher_count;
} HaSilence;

extern bool ha_mute_matches(const HaMatcher *matcher, uint32_t count, const HaLabelText *labels, uint32_t label_count);
extern bool ha_mute_silenced(const HaSilence *silence, const HaLabelText *labels, uint32_t label_count, int64_t now_us);

/*
 * Inhibition: true when the alert `source`, which fires, explains `target`: it is another alert, its rule is one of
 * those that the target's rule names, and all labels of `equal` have the same, non-empty value in both.
 */
extern bool ha_mute_inhibits(const char *source_rule, const HaLabelText *source, uint32_t source_count,
							 const char *const *inhibited_by, uint32_t inhibited_by_count,
							 const char *const *equal, uint32_t equal_count,
							 const HaLabelText *target, uint32_t target_count);

/*
 * Fits the whole text? * any characters, ? one (of UTF-8), \ takes the next one as it is. Takes no longer than the
 * product of both lengths, whatever the pattern.
 */
extern bool ha_mute_like(const char *pattern, const char *text);

#endif
