/*
 * replication.c: see replication.sql.
 */
#include "server/compat.h"
