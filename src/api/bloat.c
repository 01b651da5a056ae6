/*
 * bloat.c: see bloat.sql.
 */
#include "server/compat.h"
