-- On a primary without a cluster, without standbys. What needs several servers stands in the story 130_replication.

-- Nobody is behind.
SELECT * FROM haops.replication_lag;

-- RP2 a slot that a standby has left is a row of its own, and no number pretends to know.
SELECT slot_name FROM pg_create_physical_replication_slot('regress_standby', true);
SELECT standby, state, lag_bytes, lag, flush_lag_bytes, slot, this_server, note FROM haops.replication_lag;
SELECT slot, kind, active, state, severity, wal_status, retained_bytes >= 0 AS retains, safe_bytes, time_to_loss,
	confirmed_lag_bytes, temporary, note FROM haops.replication_slots;
SELECT slot_name FROM pg_create_physical_replication_slot('regress_unused');
SELECT slot, state, severity, retained_bytes FROM haops.replication_slots WHERE slot = 'regress_unused';
SELECT pg_drop_replication_slot('regress_standby'), pg_drop_replication_slot('regress_unused');

-- RP12 archiving is off: nothing is wrong, and nothing waits.
SELECT state, severity, ready_files, ready_bytes, oldest_ready, oldest_ready_age, gap_files, complete
FROM haops.wal_archiving;

-- RP11 a primary has no conflicts, and 0 is not what is said of them.
SELECT canceled, by_snapshot, note FROM haops.recovery_conflicts WHERE database = current_database();

-- RP13 and with the role that reads.
CREATE ROLE regress_replication IN ROLE pg_monitor;
SET ROLE regress_replication;
SELECT count(*) FROM haops.replication_lag;
SELECT count(*) FROM haops.replication_slots;
SELECT count(*) FROM haops.wal_archiving;
SELECT count(*) > 0 AS some FROM haops.recovery_conflicts;
RESET ROLE;
DROP ROLE regress_replication;
