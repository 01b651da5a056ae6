-- replication.sql: standbys, slots, the archive, conflicts: how far behind, what is kept for whom, what is in danger.

-- ---- How far behind is each standby ----

CREATE FUNCTION haops.replication_lag_rows(
	OUT standby text, OUT state text, OUT lag_bytes bigint, OUT lag interval, OUT flush_lag_bytes bigint,
	OUT upstream text, OUT upstream_lag_bytes bigint, OUT flush_lsn pg_lsn, OUT replay_lsn pg_lsn,
	OUT primary_lsn pg_lsn, OUT timeline integer, OUT primary_timeline integer, OUT heard interval, OUT slot text,
	OUT pid integer, OUT this_server boolean, OUT note text)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_replication_lag';
COMMENT ON FUNCTION haops.replication_lag_rows() IS 'source of haops.replication_lag; since 1.0';

CREATE VIEW haops.replication_lag AS SELECT * FROM haops.replication_lag_rows();
COMMENT ON VIEW haops.replication_lag IS
'a row for each standby that this server feeds or should feed (on the leader: each member), and for itself when it is
one; measured against the primary at any depth of a cascade; NULL where nobody can know; since 1.0';
COMMENT ON COLUMN haops.replication_lag.standby IS
'name of the member, else its application_name, else the name of the slot that it left; since 1.0';
COMMENT ON COLUMN haops.replication_lag.state IS
'streaming; catchup: receives, far behind; stalled: connected, takes no WAL; paused; no_receiver; wal_missing: must be
made anew; archive_only; joining: not compared with the leader yet; unknown: not heard of; since 1.0';
COMMENT ON COLUMN haops.replication_lag.lag_bytes IS
'bytes of WAL that the primary has and it has not replayed; NULL: not known, see note; since 1.0';
COMMENT ON COLUMN haops.replication_lag.lag IS
'time since the primary is beyond what it has replayed, 0 when level, to within a beat of the leader, or a second
without a cluster; NULL: not known, see note; since 1.0';
COMMENT ON COLUMN haops.replication_lag.flush_lag_bytes IS
'bytes of WAL that the primary has and it has not on disk: what a failover to it would lose; since 1.0';
COMMENT ON COLUMN haops.replication_lag.upstream IS 'from whom it receives its WAL; since 1.0';
COMMENT ON COLUMN haops.replication_lag.upstream_lag_bytes IS
'bytes of WAL that this source has and it has not replayed; since 1.0';
COMMENT ON COLUMN haops.replication_lag.flush_lsn IS 'end of the WAL that it holds on disk; since 1.0';
COMMENT ON COLUMN haops.replication_lag.replay_lsn IS
'end of the WAL that it has replayed; NULL: it replays none; since 1.0';
COMMENT ON COLUMN haops.replication_lag.primary_lsn IS 'end of the primary''s WAL, that it is measured by; since 1.0';
COMMENT ON COLUMN haops.replication_lag.timeline IS 'timeline of its WAL; since 1.0';
COMMENT ON COLUMN haops.replication_lag.primary_timeline IS 'timeline of the primary; since 1.0';
COMMENT ON COLUMN haops.replication_lag.heard IS
'time since it was heard, on its own row: since the leader or its source was; since 1.0';
COMMENT ON COLUMN haops.replication_lag.slot IS 'replication slot that keeps WAL for it; since 1.0';
COMMENT ON COLUMN haops.replication_lag.pid IS
'process that feeds it, on its own row: that receives for it; since 1.0';
COMMENT ON COLUMN haops.replication_lag.this_server IS 'whether it is the one that answers; since 1.0';
COMMENT ON COLUMN haops.replication_lag.note IS 'why something is as it is, or is not known; since 1.0';

-- ---- Slots ----

CREATE FUNCTION haops.wal_rate() RETURNS bigint
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_wal_rate';
COMMENT ON FUNCTION haops.wal_rate() IS
'bytes of WAL a second that the primary writes, over the last 5 minutes; NULL: not known; since 1.0';

-- What differs between the versions of PostgreSQL is asked of the row as JSON: where a column is missing it is NULL.
CREATE VIEW haops.replication_slots AS
	WITH here AS MATERIALIZED (
		SELECT r.standby, haops.wal_rate() AS rate,
			pg_catalog.pg_size_bytes(pg_catalog.current_setting('max_slot_wal_keep_size')) AS limit_bytes,
			CASE WHEN r.standby
				THEN greatest(pg_catalog.pg_last_wal_receive_lsn(), pg_catalog.pg_last_wal_replay_lsn())
				ELSE pg_catalog.pg_current_wal_lsn() END AS lsn
		FROM (SELECT pg_catalog.pg_is_in_recovery() AS standby) AS r),
	slot AS (
		SELECT s.*, h.*, pg_catalog.to_jsonb(s) AS j,
			CASE WHEN h.standby THEN NULL ELSE s.safe_wal_size END AS safe_bytes
		FROM pg_catalog.pg_replication_slots s CROSS JOIN here h),
	told AS (
		SELECT s.*, CASE WHEN s.restart_lsn <= s.lsn THEN pg_catalog.pg_wal_lsn_diff(s.lsn, s.restart_lsn)::bigint
				WHEN s.restart_lsn > s.lsn THEN 0 END AS retained_bytes,
			CASE
				WHEN s.wal_status = 'lost' OR s.j ->> 'invalidation_reason' IS NOT NULL
					OR (s.j ->> 'conflicting')::boolean THEN 'lost'
				WHEN (s.wal_status = 'unreserved' AND NOT s.standby) OR s.safe_bytes <= 0 THEN 'losing'
				WHEN s.safe_bytes < s.limit_bytes / 4 THEN 'near'
				WHEN s.active THEN 'active'
				WHEN s.restart_lsn IS NULL THEN 'unused'
				ELSE 'inactive'
			END AS verdict
		FROM slot s)
	SELECT slot_name::text AS slot, slot_type AS kind, database::text, active, active_pid AS pid, verdict AS state,
		CASE
			WHEN verdict IN ('lost', 'losing') THEN 'critical'
			WHEN verdict = 'near' OR (verdict = 'inactive' AND retained_bytes > 1073741824) THEN 'warning'
			ELSE 'ok'
		END AS severity,
		wal_status, retained_bytes, safe_bytes,
		CASE
			WHEN verdict = 'lost' THEN interval '0'
			WHEN safe_bytes <= 0 THEN interval '0'
			WHEN rate > 0 AND safe_bytes > 0 THEN
				pg_catalog.make_interval(secs => least(safe_bytes::double precision / rate, 315360000))
		END AS time_to_loss,
		confirmed_flush_lsn AS confirmed_lsn,
		CASE WHEN confirmed_flush_lsn <= lsn THEN pg_catalog.pg_wal_lsn_diff(lsn, confirmed_flush_lsn)::bigint
			WHEN confirmed_flush_lsn > lsn THEN 0 END AS confirmed_lag_bytes,
		restart_lsn, pg_catalog.age(xmin) AS xmin_age, pg_catalog.age(catalog_xmin) AS catalog_xmin_age,
		(j ->> 'inactive_since')::timestamptz AS inactive_since, temporary,
		CASE
			WHEN verdict = 'lost' THEN coalesce('invalidated: ' || (j ->> 'invalidation_reason'),
				CASE WHEN (j ->> 'conflicting')::boolean THEN 'invalidated by a conflict with recovery' END,
				'its WAL is removed') || '; who used it must be made anew'
			WHEN verdict = 'losing' THEN 'the next checkpoint may remove WAL that it needs'
			WHEN standby THEN 'a standby does not tell how much more may be kept'
			WHEN limit_bytes < 0 AND verdict = 'inactive' THEN
				'max_slot_wal_keep_size sets no limit: it keeps WAL until the disk is full'
			WHEN limit_bytes >= 0 AND rate IS NULL THEN 'the rate of WAL is not known'
		END AS note
	FROM told;
COMMENT ON VIEW haops.replication_slots IS
'each replication slot of this server: what it keeps, and whether it loses what its reader needs; since 1.0';
COMMENT ON COLUMN haops.replication_slots.slot IS 'its name; since 1.0';
COMMENT ON COLUMN haops.replication_slots.kind IS 'physical or logical; since 1.0';
COMMENT ON COLUMN haops.replication_slots.database IS 'that a logical one decodes; since 1.0';
COMMENT ON COLUMN haops.replication_slots.active IS 'whether somebody reads from it now; since 1.0';
COMMENT ON COLUMN haops.replication_slots.pid IS 'process that does; since 1.0';
COMMENT ON COLUMN haops.replication_slots.state IS
'lost: for good; losing: beyond max_slot_wal_keep_size; near: less than a quarter of that is left; active; inactive;
unused: it never kept anything; since 1.0';
COMMENT ON COLUMN haops.replication_slots.severity IS
'critical: lost, losing; warning: near, or inactive with more than 1 GB kept; else ok; since 1.0';
COMMENT ON COLUMN haops.replication_slots.wal_status IS 'as PostgreSQL says it; since 1.0';
COMMENT ON COLUMN haops.replication_slots.retained_bytes IS 'bytes of WAL that it keeps; NULL: none; since 1.0';
COMMENT ON COLUMN haops.replication_slots.safe_bytes IS
'bytes of WAL that may still be written before it loses some, below 0: too many already; NULL: no limit, lost, or a
standby; since 1.0';
COMMENT ON COLUMN haops.replication_slots.time_to_loss IS
'until that is written at the rate of the last 5 minutes, if it does not move; NULL: never, or not known; since 1.0';
COMMENT ON COLUMN haops.replication_slots.confirmed_lsn IS 'what the reader of a logical one has confirmed; since 1.0';
COMMENT ON COLUMN haops.replication_slots.confirmed_lag_bytes IS
'bytes of WAL written since that, of a logical one; since 1.0';
COMMENT ON COLUMN haops.replication_slots.restart_lsn IS 'oldest WAL that it keeps; since 1.0';
COMMENT ON COLUMN haops.replication_slots.xmin_age IS
'transactions since the oldest whose rows it keeps from being vacuumed; since 1.0';
COMMENT ON COLUMN haops.replication_slots.catalog_xmin_age IS 'the same for rows of the catalog; since 1.0';
COMMENT ON COLUMN haops.replication_slots.inactive_since IS 'since when nobody reads; NULL before 17; since 1.0';
COMMENT ON COLUMN haops.replication_slots.temporary IS 'whether it goes with its session; since 1.0';
COMMENT ON COLUMN haops.replication_slots.note IS 'what that means, or why something is not known; since 1.0';

-- ---- The archive ----

CREATE FUNCTION haops.archive_files(
	OUT ready bigint, OUT oldest_ready text, OUT oldest_ready_age interval, OUT unmarked bigint,
	OUT first_unmarked text, OUT complete boolean)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 1
AS 'MODULE_PATHNAME', 'ha_api_archive_files';
COMMENT ON FUNCTION haops.archive_files() IS
'what waits for the archive by the names in pg_wal, a million of them at the most; source of haops.wal_archiving;
since 1.0';

CREATE VIEW haops.wal_archiving AS
	WITH here AS MATERIALIZED (
		SELECT a.*, f.*, pg_catalog.pg_is_in_recovery() AS standby,
			pg_catalog.current_setting('archive_mode') AS mode,
			pg_catalog.current_setting('archive_command') = '' AND pg_catalog.current_setting('archive_library') = ''
				AS no_way,
			a.last_failed_time IS NOT NULL
				AND (a.last_archived_time IS NULL OR a.last_failed_time > a.last_archived_time) AS fails
		FROM pg_catalog.pg_stat_archiver a CROSS JOIN haops.archive_files() f)
	SELECT
		CASE
			WHEN mode = 'off' THEN 'off'
			WHEN standby AND mode <> 'always' THEN 'standby'
			WHEN fails THEN 'failing'
			WHEN no_way AND ready > 0 THEN 'no command'
			WHEN unmarked > 0 THEN 'gap'
			WHEN oldest_ready_age > interval '15 minutes' THEN 'stuck'
			WHEN ready > 0 THEN 'waiting'
			ELSE 'done'
		END AS state,
		CASE
			WHEN mode = 'off' OR (standby AND mode <> 'always') THEN 'ok'
			WHEN fails OR unmarked > 0 THEN 'critical'
			WHEN (no_way AND ready > 0) OR oldest_ready_age > interval '15 minutes' THEN 'warning'
			ELSE 'ok'
		END AS severity,
		ready AS ready_files,
		ready * pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size')) AS ready_bytes,
		oldest_ready, oldest_ready_age, unmarked AS gap_files, first_unmarked AS first_gap, complete,
		archived_count AS archived_files, last_archived_wal AS last_archived, last_archived_time AS last_archived_at,
		failed_count AS failures, last_failed_wal AS last_failed, last_failed_time AS last_failed_at, stats_reset
	FROM here;
COMMENT ON VIEW haops.wal_archiving IS
'whether this server''s WAL comes into the archive, and what waits for it; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.state IS
'off; standby: archives nothing before its promotion; failing: the last try failed; no command; gap: WAL that nobody
will archive; stuck: waits for more than 15 minutes; waiting; done: nothing waits; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.severity IS
'critical: failing, gap; warning: stuck, no command; else ok; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.ready_files IS 'files that wait; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.ready_bytes IS 'bytes that these keep in pg_wal; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.oldest_ready IS 'the file that comes next; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.oldest_ready_age IS 'for how long that waits; NULL: nothing waits; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.gap_files IS
'complete segments of the present timeline that neither are archived nor wait, while an older one is or does; NULL: not
all names were read; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.first_gap IS 'the oldest of them; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.complete IS
'whether all names were read; else the counts are the least that it can be; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.archived_files IS 'files archived since stats_reset; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.last_archived IS 'the last of them; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.last_archived_at IS
'when that was; an idle server archives nothing, and nothing is wrong then; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.failures IS 'tries that failed since stats_reset; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.last_failed IS 'file of the last of them; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.last_failed_at IS 'when that was; since 1.0';
COMMENT ON COLUMN haops.wal_archiving.stats_reset IS 'since when is counted; since 1.0';

-- ---- Conflicts with recovery ----

CREATE VIEW haops.recovery_conflicts AS
	WITH here AS MATERIALIZED (SELECT pg_catalog.pg_is_in_recovery() AS standby),
	counted AS (
		SELECT c.*, h.standby, (pg_catalog.to_jsonb(c) ->> 'confl_active_logicalslot')::bigint AS logical_slots
		FROM pg_catalog.pg_stat_database_conflicts c CROSS JOIN here h)
	SELECT datname::text AS database,
		CASE WHEN standby THEN confl_tablespace + confl_lock + confl_snapshot + confl_bufferpin + confl_deadlock
			+ coalesce(logical_slots, 0) END AS canceled,
		CASE WHEN standby THEN confl_snapshot END AS by_snapshot,
		CASE WHEN standby THEN confl_lock END AS by_lock,
		CASE WHEN standby THEN confl_bufferpin END AS by_bufferpin,
		CASE WHEN standby THEN confl_deadlock END AS by_deadlock,
		CASE WHEN standby THEN confl_tablespace END AS by_tablespace,
		CASE WHEN standby THEN logical_slots END AS by_logical_slot,
		pg_catalog.pg_stat_get_db_stat_reset_time(datid) AS stats_reset,
		CASE
			WHEN NOT standby THEN 'this server is no standby: only standbys count conflicts, ask them'
			WHEN confl_snapshot > 0 AND NOT pg_catalog.current_setting('hot_standby_feedback')::boolean THEN
				'hot_standby_feedback is off: vacuum on the primary does not spare what is read here'
		END AS note
	FROM counted;
COMMENT ON VIEW haops.recovery_conflicts IS
'queries that this standby ended because its replay had to go on, a row for each database; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.database IS 'its name; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.canceled IS 'all together; NULL on a primary; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.by_snapshot IS 'vacuum on the primary removed rows; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.by_lock IS 'something on the primary locked exclusively; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.by_bufferpin IS 'a page was held that had to be cleaned; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.by_deadlock IS 'replay and query waited for each other; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.by_tablespace IS 'a tablespace was dropped; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.by_logical_slot IS
'a logical slot of the standby was invalidated; NULL before 16; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.stats_reset IS 'since when is counted; NULL: since ever; since 1.0';
COMMENT ON COLUMN haops.recovery_conflicts.note IS 'what that means; since 1.0';

GRANT SELECT ON haops.replication_lag, haops.replication_slots, haops.wal_archiving, haops.recovery_conflicts
	TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.replication_lag_rows(), haops.wal_rate(), haops.archive_files()
	TO pg_monitor, haops_operator;
