/*
 * statements.c: see statements.sql.
 */
#include "server/compat.h"
