/*
 * template.h: texts with places for labels: {name} is a label's value, {value} what was measured; {{ and }} are braces.
 *
 * Pure. What is filled in is foreign text and is escaped as such; a name that is no label stays as it is written.
 */
#ifndef HA_OPS_TEMPLATE_H
#define HA_OPS_TEMPLATE_H

#include "ops/episode.h"
#include "ops/text.h"

extern void ha_template_expand(HaText *out, const char *pattern, const HaLabelText *labels, uint32_t count,
							   const char *value);

/* What is wrong with it, never freed; NULL = nothing. */
extern const char *ha_template_check(const char *pattern);

#endif
