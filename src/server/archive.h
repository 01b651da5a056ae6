/*
 * archive.h: the archive gets WAL from whoever holds the lease, and from nobody else (R39).
 *
 * A deposed primary would archive WAL that is no part of the cluster's history: a restore that reads it ends up in a
 * past that never was. PostgreSQL's archiver asks nobody, so this library can be its module: archive_library =
 * 'pg_haops', and the command that archives stands in pg_haops.archive_command, with PostgreSQL's own meaning of %p, %f
 * and the exit status. Without a lease files wait, as they do when a command fails; what waits when a primary becomes a
 * standby is not archived by it. On a server that is no member the command runs as PostgreSQL would run it.
 *
 * There is nothing to call: PostgreSQL finds the module by its name, in the archiver process.
 */
#ifndef HA_SERVER_ARCHIVE_H
#define HA_SERVER_ARCHIVE_H

#endif
