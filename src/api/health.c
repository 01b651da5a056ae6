/*
 * health.c: see health.sql.
 */
#include "server/compat.h"
