/*
 * indexes.c: see indexes.sql.
 */
#include "server/compat.h"
