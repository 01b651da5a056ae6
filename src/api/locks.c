/*
 * locks.c: see locks.sql.
 */
#include "server/compat.h"
