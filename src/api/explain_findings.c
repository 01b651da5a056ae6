/*
 * explain_findings.c: what is wrong with the plan of a statement.
 */
#include "server/compat.h"

#include "api/explain_parts.h"
