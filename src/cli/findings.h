/*
 * findings.h: what `pg_haops doctor` found: one sentence each, and what to do about it.
 */
#ifndef HA_CLI_FINDINGS_H
#define HA_CLI_FINDINGS_H

#include "cli/reach.h"

typedef enum HaFindingLevel
{
	HA_FINDING_GOOD,
	HA_FINDING_WARN,			/* it works, and something should be done */
	HA_FINDING_BAD				/* a failover, or this member's return, would not work */
} HaFindingLevel;

typedef struct HaFinding
{
	HaFindingLevel level;
	char text[512];
	char remedy[512];			/* empty = nothing to be done */
} HaFinding;

#define HA_FINDINGS_MAX 128

typedef struct HaFindings
{
	int count;
	HaFinding finding[HA_FINDINGS_MAX];
} HaFindings;

/* Adds one; what does not fit any more is dropped. `remedy` may be NULL. */
extern void ha_findings_add(HaFindings *findings, HaFindingLevel level, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

extern void ha_findings_add_fault(HaFindings *findings, HaFindingLevel level, const HaFault *fault);

/* ---- The checks ---- */

/* doctor_local.c: settings, files, space and service manager of the member on this machine. */
extern void ha_doctor_local(HaReach *reach, HaFindings *findings);

/* doctor_cluster.c: the other members: versions, clocks, who reaches whom, PostgreSQL's ports and pg_hba. */
extern void ha_doctor_cluster(HaReach *reach, HaFindings *findings);

#endif
