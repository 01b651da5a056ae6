-- inspect_checks.sql: the checks of haops.inspect(), one entry each.
--
-- An entry is: number (the order), name, only_on ('primary', 'standby', or NULL: both), why it matters, and a query
-- with the columns severity (critical, warning, info), object, finding (with its figure), fix and undo (a statement
-- that can be run as it is, or NULL), weight (the largest is shown first). A query runs with the caller's rights and
-- search_path pg_catalog, read-only and within a limit of time; when it fails, the others still run. Names in
-- statements are quoted by format(); no name stands in a comment of a statement, where a line break in it would end
-- the comment.

CREATE FUNCTION haops.inspect_checks(
	OUT number integer, OUT "check" text, OUT only_on text, OUT why text, OUT query text)
RETURNS SETOF record
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 50
SET search_path = pg_catalog, pg_temp
AS $checks$ VALUES

-- ---- Availability ----

(100, 'cluster_members', NULL, 'A member that is missing makes the next failure an outage.', $q$
	SELECT CASE WHEN state IN ('fenced', 'deposed primary') OR last_seen > interval '10 minutes' THEN 'critical'
			ELSE 'warning' END AS severity,
		format('member %I', member) AS object,
		concat_ws(', ', state, 'last seen ' || date_trunc('second', last_seen) || ' ago',
			'blocked: ' || array_to_string(blocks, ', ')) AS finding,
		NULL AS fix, NULL AS undo, extract(epoch FROM last_seen) AS weight
	FROM haops.cluster
	WHERE state IN ('fenced', 'deposed primary', 'silent', 'unknown', 'joining', 'blocked') $q$),
(110, 'failover_readiness', 'primary', 'If the primary failed now, nobody would take over.', $q$
	SELECT 'critical' AS severity, 'cluster' AS object, 'no failover is possible: ' || reason AS finding,
		NULL AS fix, NULL AS undo, 1 AS weight
	FROM haops.readiness WHERE NOT ready $q$),
(120, 'fence', NULL, 'Commits that the quorum does not back are not acknowledged.', $q$
	SELECT CASE WHEN NOT open THEN 'critical' ELSE 'info' END AS severity, 'this server' AS object,
		CASE WHEN NOT open THEN 'it refuses commits: it has no lease'
			ELSE format('%s commits refused and %s not acknowledged since its start', refused, unacknowledged) END
			AS finding,
		NULL AS fix, NULL AS undo, 1 AS weight
	FROM haops.fence
	WHERE member AND ((NOT open AND NOT pg_is_in_recovery()) OR refused > 0 OR unacknowledged > 0) $q$),
(130, 'replication_lag', NULL, 'A standby far behind loses more at a failover and reads old data.', $q$
	SELECT CASE WHEN state IN ('wal_missing', 'no_receiver') OR lag_bytes > 1073741824 OR lag > interval '5 minutes'
			THEN 'critical' ELSE 'warning' END AS severity,
		CASE WHEN this_server THEN 'this server' ELSE format('standby %I', standby) END AS object,
		concat_ws(', ', state, pg_size_pretty(lag_bytes) || ' behind',
			date_trunc('second', lag) || ' behind', note) AS finding,
		CASE WHEN state = 'paused' AND this_server THEN 'SELECT pg_wal_replay_resume()' END AS fix,
		CASE WHEN state = 'paused' AND this_server THEN 'SELECT pg_wal_replay_pause()' END AS undo,
		lag_bytes AS weight
	FROM haops.replication_lag
	WHERE state IN ('wal_missing', 'no_receiver', 'paused', 'stalled', 'unknown')
		OR lag_bytes > 67108864 OR lag > interval '30 seconds' $q$),
(140, 'replication_slots', NULL, 'A slot keeps WAL until the disk is full, or loses what its reader needs.', $q$
	SELECT severity, format('slot %I', slot) AS object,
		concat_ws(', ', state, 'keeps ' || pg_size_pretty(retained_bytes),
			pg_size_pretty(safe_bytes) || ' until it loses WAL',
			'loses WAL in ' || date_trunc('second', time_to_loss), note) AS finding,
		CASE WHEN NOT active THEN format('SELECT pg_drop_replication_slot(%L)', slot) END AS fix, NULL AS undo,
		retained_bytes AS weight
	FROM haops.replication_slots WHERE severity <> 'ok' $q$),
(150, 'wal_archiving', NULL, 'Without the archive there is no point-in-time recovery, and WAL fills the disk.', $q$
	SELECT severity, 'archive' AS object,
		concat_ws(', ', state, ready_files || ' files wait',
			'the oldest since ' || date_trunc('second', oldest_ready_age),
			'last failed ' || last_failed, nullif(gap_files, 0) || ' missing from ' || first_gap || ' on') AS finding,
		NULL AS fix, NULL AS undo, ready_files AS weight
	FROM haops.wal_archiving WHERE severity <> 'ok' $q$),
(160, 'recovery_conflicts', 'standby', 'Replay ends queries on this standby.', $q$
	SELECT 'info' AS severity, format('database %I', database) AS object,
		concat_ws(', ', format('%s queries canceled since %s', canceled,
			coalesce(date_trunc('second', stats_reset)::text, 'the counters began')), note) AS finding,
		CASE WHEN by_snapshot > 0 AND NOT current_setting('hot_standby_feedback')::boolean
			THEN 'ALTER SYSTEM SET hot_standby_feedback = on' END AS fix,
		CASE WHEN by_snapshot > 0 AND NOT current_setting('hot_standby_feedback')::boolean
			THEN 'ALTER SYSTEM SET hot_standby_feedback = off' END AS undo, canceled AS weight
	FROM haops.recovery_conflicts WHERE canceled > 0 $q$),
(170, 'unlogged_tables', NULL, 'Unlogged tables are empty after a crash and after every failover.', $q$
	SELECT 'warning' AS severity, format('%I.%I', n.nspname, c.relname) AS object,
		format('unlogged, %s', pg_size_pretty(c.relpages * current_setting('block_size')::bigint)) AS finding,
		format('ALTER TABLE %I.%I SET LOGGED', n.nspname, c.relname) AS fix,
		format('ALTER TABLE %I.%I SET UNLOGGED', n.nspname, c.relname) AS undo, c.relpages AS weight
	FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind = 'r' AND c.relpersistence = 'u' $q$),

-- ---- Limits that stop the server ----

(200, 'wraparound', NULL, 'At 100 percent the server takes no more writes.', $q$
	SELECT CASE WHEN greatest(xid_age, mxid_age) > 1200000000 THEN 'critical' ELSE 'warning' END AS severity,
		format('database %I', database) AS object,
		format('%s percent of the transactions used up, %s of the multixacts (ages %s and %s)%s', xid_percent,
			mxid_percent, xid_age, mxid_age,
			CASE WHEN NOT allows_connections THEN '; allows no connections' ELSE '' END) AS finding,
		CASE WHEN NOT allows_connections THEN format('ALTER DATABASE %I ALLOW_CONNECTIONS true', database)
			WHEN database = current_database() THEN 'VACUUM (FREEZE)' END AS fix,
		CASE WHEN NOT allows_connections THEN format('ALTER DATABASE %I ALLOW_CONNECTIONS false', database) END AS undo,
		greatest(xid_percent, mxid_percent) AS weight
	FROM haops.wraparound WHERE greatest(xid_age, mxid_age) > 500000000 $q$),
(210, 'old_tables', 'primary', 'Autovacuum does not keep up with freezing: the way to wraparound begins here.', $q$
	SELECT 'warning' AS severity, format('%I.%I', schema, "table") AS object,
		format('%s transactions old, %s percent of autovacuum_freeze_max_age%s', xid_age, forced_vacuum_percent,
			CASE WHEN toast_is_older THEN ', in its TOAST table' ELSE '' END) AS finding,
		format('VACUUM (FREEZE) %I.%I', schema, "table") AS fix, NULL AS undo, xid_age AS weight
	FROM haops.table_age WHERE forced_vacuum_percent > 125 $q$),
(220, 'sequences', NULL, 'At its end every INSERT fails.', $q$
	SELECT CASE WHEN percent > 90 THEN 'critical' ELSE 'warning' END AS severity,
		coalesce("column", format('%I.%I', schema, "sequence")) AS object,
		format('%s percent used up: %s of %s%s', percent, last_value, "limit", '; ' || note) AS finding,
		NULL AS fix, NULL AS undo, percent AS weight
	FROM haops.sequences WHERE percent > 75 $q$),
(230, 'disk_space', NULL, 'When the disk of the WAL is full the server stops.', $q$
	SELECT DISTINCT ON (filesystem) CASE WHEN used_percent > 90 THEN 'critical' ELSE 'warning' END AS severity,
		concat_ws(' ', place, name, path) AS object,
		format('%s percent used, %s of %s free', used_percent, pg_size_pretty(free_bytes), pg_size_pretty(total_bytes))
			AS finding, NULL AS fix, NULL AS undo, used_percent AS weight
	FROM haops.disk_space WHERE used_percent > 80 ORDER BY filesystem, place $q$),
(240, 'connections', NULL, 'At the limit nobody else gets in.', $q$
	SELECT CASE WHEN percent > 95 THEN 'critical' ELSE 'warning' END AS severity,
		CASE WHEN scope = 'server' THEN 'server' ELSE format('%s %I', scope, name) END AS object,
		format('%s of %s used (%s percent): %s active, %s idle, %s idle in transaction', used, "limit", percent, active,
			idle, idle_in_transaction) AS finding, NULL AS fix, NULL AS undo, percent AS weight
	FROM haops.connections WHERE percent > 80 $q$),
(250, 'checksum_failures', NULL, 'Data on the disk is damaged; each further read or VACUUM may fail or spread it.', $q$
	SELECT CASE WHEN failures > 0 THEN 'critical' ELSE 'info' END AS severity,
		coalesce('database ' || quote_ident(database), 'shared catalog') AS object,
		CASE WHEN failures > 0 THEN format('%s pages with a wrong checksum, the last at %s', failures, last_failure)
			ELSE 'checksums are off: damage is not noticed' END AS finding,
		NULL AS fix, NULL AS undo, failures AS weight
	FROM haops.checksum_failures
	WHERE failures > 0 OR (NOT checksums_enabled AND database = current_database()) $q$),

-- ---- Transactions and locks ----

(300, 'blockers', NULL, 'One transaction holds up the work of others.', $q$
	SELECT CASE WHEN held_up >= 10 OR longest_wait > interval '5 minutes' THEN 'critical' ELSE 'warning' END
			AS severity,
		coalesce('process ' || pid, format('prepared transaction %L', gid)) AS object,
		format('holds up %s, the longest for %s; %s', held_up, date_trunc('second', longest_wait), remedy_note)
			AS finding,
		remedy AS fix, NULL AS undo, held_up AS weight
	FROM haops.blockers WHERE longest_wait > interval '1 minute' OR held_up >= 10 $q$),
(310, 'long_transactions', NULL, 'It keeps locks, and rows that VACUUM could remove.', $q$
	SELECT CASE WHEN xact_age > interval '2 hours' OR (state LIKE 'idle%' AND state_age > interval '15 minutes')
			THEN 'critical' ELSE 'warning' END AS severity,
		format('process %s of %s in %s', pid, quote_ident(username), quote_ident(database)) AS object,
		format('%s, transaction open for %s%s%s', state, date_trunc('second', xact_age),
			CASE WHEN holds_horizon THEN ', keeps dead rows' ELSE '' END, ': ' || left(query, 100)) AS finding,
		format('SELECT pg_terminate_backend(%s)', pid) AS fix, NULL AS undo, extract(epoch FROM xact_age) AS weight
	FROM haops.long_transactions
	WHERE pid IS NOT NULL AND (xact_age > interval '30 minutes'
		OR (state LIKE 'idle in transaction%' AND holds_horizon AND state_age > interval '5 minutes')) $q$),
(320, 'prepared_transactions', NULL, 'A forgotten one keeps its locks for ever, over restarts too.', $q$
	SELECT CASE WHEN xact_age > interval '1 hour' THEN 'critical' ELSE 'warning' END AS severity,
		format('prepared transaction %L in database %I', gid, database) AS object,
		'prepared ' || date_trunc('second', xact_age) || ' ago' AS finding,
		CASE WHEN database = current_database() THEN format('ROLLBACK PREPARED %L', gid) END AS fix, NULL AS undo,
		extract(epoch FROM xact_age) AS weight
	FROM haops.long_transactions WHERE gid IS NOT NULL AND xact_age > interval '5 minutes' $q$),
(330, 'horizon', NULL, 'VACUUM can remove no row that died since then, in any table.', $q$
	SELECT 'warning' AS severity, concat_ws(' ', kind, coalesce(quote_ident(name), application), pid) AS object,
		format('keeps what died in the last %s transactions, since %s', xid_age,
			coalesce(date_trunc('second', since)::text, 'nobody knows when')) AS finding,
		CASE WHEN kind <> 'prepared transaction' OR database = current_database() THEN remedy END AS fix, NULL AS undo,
		xid_age AS weight
	FROM haops.horizon WHERE xid_age > 10000000 $q$),

-- ---- Space and vacuum ----

(400, 'autovacuum', 'primary', 'Tables grow and plans get worse while nobody vacuums and analyzes.', $q$
	SELECT CASE WHEN due = '{"analyze by hand"}' THEN 'info' ELSE 'warning' END AS severity,
		format('%I.%I', schema, "table") AS object,
		concat_ws(', ', 'due: ' || array_to_string(due, ', '),
			dead_rows || ' dead rows, ' || dead_ratio || ' times the limit',
			'last vacuum ' || date_trunc('second', last_vacuum), note) AS finding,
		CASE WHEN NOT enabled AND note = 'autovacuum is off' AND current_setting('autovacuum')::boolean
			THEN format('ALTER TABLE %I.%I RESET (autovacuum_enabled)', schema, "table")
			WHEN due = '{"analyze by hand"}' THEN format('ANALYZE %I.%I', schema, "table")
			ELSE format('VACUUM (ANALYZE) %I.%I', schema, "table") END AS fix,
		CASE WHEN NOT enabled AND note = 'autovacuum is off' AND current_setting('autovacuum')::boolean
			THEN format('ALTER TABLE %I.%I SET (autovacuum_enabled = off)', schema, "table") END AS undo,
		dead_rows AS weight
	FROM haops.autovacuum_queue
	WHERE pid IS NULL AND due <> '{}' AND (NOT enabled OR 'analyze by hand' = ANY (due)
		OR (dead_ratio >= 10 AND coalesce(last_vacuum, pg_postmaster_start_time()) < now() - interval '1 day')) $q$),
(410, 'statistics_lost', 'primary', 'After a crash autovacuum knows of no dead rows and begins to count anew.', $q$
	SELECT 'info' AS severity, format('database %I', current_database()) AS object,
		format('of %s tables it is unknown how many dead rows they have', count(*)) AS finding,
		'VACUUM (ANALYZE)' AS fix, NULL AS undo, count(*) AS weight
	FROM haops.autovacuum_queue
	WHERE note LIKE 'statistics were lost%' AND schema <> 'information_schema' AND schema !~ '^pg_'
	HAVING count(*) > 0 $q$),
(420, 'table_bloat', NULL, 'Every scan and every cache pays for the space.', $q$
	SELECT 'warning' AS severity, format('%I.%I', schema, "table") AS object,
		format('%s of %s could be given back (%s percent, estimated)', pg_size_pretty(reclaimable_bytes),
			pg_size_pretty(bytes), reclaimable_percent) AS finding,
		format('SELECT * FROM haops.relation_bloat(%L)', format('%I.%I', schema, "table")) AS fix, NULL AS undo,
		reclaimable_bytes AS weight
	FROM haops.table_bloat WHERE reclaimable_bytes > 1073741824 AND reclaimable_percent > 30 $q$),
(430, 'index_bloat', NULL, 'Every insert and every cache pays for the space.', $q$
	SELECT CASE WHEN reclaimable_bytes > 1073741824 THEN 'warning' ELSE 'info' END AS severity,
		format('%I.%I', schema, "index") AS object,
		format('%s of %s could be given back (%s percent, estimated)', pg_size_pretty(reclaimable_bytes),
			pg_size_pretty(bytes), reclaimable_percent) AS finding,
		format('REINDEX INDEX CONCURRENTLY %I.%I', schema, "index") AS fix, NULL AS undo, reclaimable_bytes AS weight
	FROM haops.index_bloat WHERE verdict = 'bloated' AND reclaimable_bytes > 104857600 $q$),
(440, 'temporary_files', NULL, 'Sorts and hashes do not fit into work_mem.', $q$
	SELECT 'info' AS severity, format('tablespace %I', tablespace) AS object,
		format('%s in %s files, the oldest of %s', pg_size_pretty(bytes), files, date_trunc('second', oldest))
			AS finding,
		NULL AS fix, NULL AS undo, bytes AS weight
	FROM haops.temp_files WHERE bytes > 10737418240 $q$),
(450, 'checkpoints', 'primary', 'Checkpoints forced by the volume of WAL write more WAL, and more often.', $q$
	SELECT 'warning' AS severity, 'max_wal_size' AS object,
		format('%s percent of %s checkpoints were requested, not timed; max_wal_size is %s', requested_percent,
			timed + requested, current_setting('max_wal_size')) AS finding,
		format('ALTER SYSTEM SET max_wal_size = %L',
			(2 * (SELECT s.setting::bigint FROM pg_settings s WHERE s.name = 'max_wal_size')) || 'MB') AS fix,
		format('ALTER SYSTEM SET max_wal_size = %L', current_setting('max_wal_size')) AS undo,
		requested_percent AS weight
	FROM haops.checkpoints WHERE enough_to_judge AND requested_percent > 50 $q$),
(460, 'activity', 'primary', 'What the last hour of samples shows.', $q$
	SELECT f.severity, format('database %I', c.database) AS object, f.finding, NULL AS fix, NULL AS undo,
		f.place AS weight
	FROM haops.cache_hit c
	CROSS JOIN LATERAL (VALUES
		(3, 'warning', CASE WHEN c.deadlocks * 3600 > 60 * extract(epoch FROM c.over) AND c.deadlocks > 5
			THEN format('%s deadlocks in %s', c.deadlocks, date_trunc('second', c.over)) END),
		(2, 'info', CASE WHEN c.hit_percent < 95 THEN format('%s percent of %s pages found in shared buffers',
			c.hit_percent, c.blocks_hit + c.blocks_read) END),
		(1, 'info', CASE WHEN c.rollbacks * 10 > c.commits + c.rollbacks
				AND c.commits + c.rollbacks > 10 * extract(epoch FROM c.over)
			THEN format('%s of %s transactions rolled back', c.rollbacks, c.commits + c.rollbacks) END),
		(0, 'info', CASE WHEN c.temp_bytes > 10737418240 * extract(epoch FROM c.over) / 3600 AND c.temp_files > 0
			THEN format('%s written to %s temporary files', pg_size_pretty(c.temp_bytes), c.temp_files) END))
		AS f (place, severity, finding)
	WHERE f.finding IS NOT NULL $q$),

-- ---- Objects ----

(500, 'invalid_indexes', NULL, 'It costs every write, and serves no query and no constraint.', $q$
	SELECT CASE state WHEN 'incomplete' THEN 'info' ELSE 'warning' END AS severity,
		format('%I.%I', schema, index) AS object,
		format('%s, %s, on %I: %s', state, pg_size_pretty(bytes), "table", why) AS finding,
		CASE WHEN state = 'failed' THEN repair_statement ELSE drop_statement END AS fix, NULL AS undo, bytes AS weight
	FROM haops.invalid_indexes WHERE state NOT IN ('building', 'in progress') $q$),
(502, 'redundant_indexes', NULL, 'It costs every write, and another one serves all that it serves.', $q$
	SELECT 'info' AS severity, format('%I.%I', schema, index) AS object,
		format('%s, on %I: %s as %I', pg_size_pretty(bytes), "table", why, covered_by) AS finding,
		CASE WHEN warnings IS NULL THEN drop_statement END AS fix, create_statement AS undo, bytes AS weight
	FROM haops.redundant_indexes WHERE verdict = 'redundant' AND bytes > 1048576 $q$),
(504, 'unused_indexes', NULL, 'It costs every write, and no query on any member has used it.', $q$
	SELECT 'info' AS severity, format('%I.%I', schema, index) AS object,
		format('%s, on %I: %s', pg_size_pretty(bytes), "table", why) AS finding,
		CASE WHEN warnings IS NULL THEN drop_statement END AS fix, create_statement AS undo, bytes AS weight
	FROM haops.unused_indexes WHERE verdict = 'unused' AND bytes > 1048576 $q$),
(506, 'unindexed_foreign_keys', NULL, 'Each change of a referenced row reads the whole referencing table.', $q$
	SELECT CASE WHEN referenced_changes > 0 THEN 'warning' ELSE 'info' END AS severity,
		format('%I.%I', schema, "table") AS object,
		format('no index serves the foreign key %I: about %s rows, and %s changes of referenced rows so far',
			"constraint", rows_estimated, referenced_changes) AS finding,
		create_statement AS fix, NULL AS undo, rows_estimated::numeric * (1 + referenced_changes) AS weight
	FROM haops.unindexed_foreign_keys WHERE rows_estimated > 10000 $q$),
(510, 'constraints_not_valid', NULL, 'Older rows may break it, and the planner does not trust it.', $q$
	SELECT 'info' AS severity, format('%I.%I', n.nspname, t.relname) AS object,
		format('constraint %I was never validated', c.conname) AS finding,
		format('ALTER TABLE %I.%I VALIDATE CONSTRAINT %I', n.nspname, t.relname, c.conname) AS fix, NULL AS undo,
		t.relpages AS weight
	FROM pg_constraint c
	JOIN pg_class t ON t.oid = c.conrelid
	JOIN pg_namespace n ON n.oid = t.relnamespace
	WHERE NOT c.convalidated AND c.contype IN ('c', 'f', 'n')
		AND coalesce((to_jsonb(c) ->> 'conenforced')::boolean, true) $q$),
(520, 'no_primary_key', NULL, 'No logical replication of changes, no online rewrite, no name for a row.', $q$
	SELECT 'info' AS severity, format('%I.%I', n.nspname, c.relname) AS object,
		format('no primary key, %s', pg_size_pretty(c.relpages * current_setting('block_size')::bigint)) AS finding,
		NULL AS fix, NULL AS undo, c.relpages AS weight
	FROM pg_class c
	JOIN pg_namespace n ON n.oid = c.relnamespace
	WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition
		AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
		AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
			AND d.objsubid = 0 AND d.deptype = 'e') $q$),
(530, 'disabled_triggers', NULL, 'What it is to enforce is not enforced.', $q$
	SELECT CASE WHEN g.tgisinternal THEN 'warning' ELSE 'info' END AS severity,
		format('%I.%I', n.nspname, c.relname) AS object,
		CASE WHEN g.tgisinternal THEN format('the trigger of foreign key %I is disabled', k.conname)
			ELSE format('trigger %I is disabled', g.tgname) END AS finding,
		CASE WHEN g.tgisinternal THEN format('ALTER TABLE %I.%I ENABLE TRIGGER ALL', n.nspname, c.relname)
			ELSE format('ALTER TABLE %I.%I ENABLE TRIGGER %I', n.nspname, c.relname, g.tgname) END AS fix,
		CASE WHEN g.tgisinternal THEN NULL
			ELSE format('ALTER TABLE %I.%I DISABLE TRIGGER %I', n.nspname, c.relname, g.tgname) END AS undo, 0 AS weight
	FROM pg_trigger g
	JOIN pg_class c ON c.oid = g.tgrelid
	JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_constraint k ON k.oid = g.tgconstraint
	WHERE g.tgenabled = 'D' AND (NOT g.tgisinternal OR k.conname IS NOT NULL) $q$),
(540, 'collation_versions', NULL, 'Text sorts otherwise than when the indexes were built: they may miss rows.', $q$
	SELECT 'critical' AS severity, format('database %I', d.datname) AS object,
		format('made with version %s of its collation, the system now has %s: first REINDEX what has text',
			d.datcollversion, v.actual) AS finding,
		format('ALTER DATABASE %I REFRESH COLLATION VERSION', d.datname) AS fix, NULL AS undo, 2 AS weight
	FROM pg_database d CROSS JOIN LATERAL (SELECT pg_database_collation_actual_version(d.oid) AS actual) AS v
	WHERE d.datcollversion <> v.actual
	UNION ALL
	SELECT 'warning', format('collation %I.%I', n.nspname, c.collname),
		format('version %s in the catalog, %s in the system: first REINDEX what uses it', c.collversion, v.actual),
		format('ALTER COLLATION %I.%I REFRESH VERSION', n.nspname, c.collname), NULL, 1
	FROM pg_collation c
	JOIN pg_namespace n ON n.oid = c.collnamespace
	CROSS JOIN LATERAL (SELECT pg_collation_actual_version(c.oid) AS actual) AS v
	WHERE c.collversion <> v.actual AND EXISTS (SELECT FROM pg_depend d
		WHERE d.refclassid = 'pg_collation'::regclass AND d.refobjid = c.oid) $q$),
(550, 'extensions_outdated', NULL, 'The files are of another version than the objects in the database.', $q$
	SELECT CASE WHEN available IS NULL THEN 'warning' ELSE 'info' END AS severity,
		format('extension %I', extension) AS object,
		format('version %s, the files have %s', installed, coalesce(available::text, 'none')) AS finding, remedy AS fix,
		NULL AS undo, 0 AS weight
	FROM haops.extensions_outdated $q$),

-- ---- Settings and access ----

(600, 'settings_pending', NULL, 'The next restart changes more than who restarts may expect.', $q$
	SELECT 'info' AS severity, name AS object,
		concat_ws(', ', 'in force: ' || setting || coalesce(' ' || unit, ''), 'waiting: ' || file_setting, reason)
			AS finding, NULL AS fix, NULL AS undo, 0 AS weight
	FROM haops.settings_pending $q$),
(605, 'settings_drift', NULL, 'A failover changes it for all clients, or the member can not follow.', $q$
	SELECT CASE WHEN note LIKE 'a standby with less%' THEN 'warning' ELSE 'info' END AS severity,
		'setting ' || name AS object,
		(SELECT string_agg(format('%s on %s', coalesce(nullif(v.value, ''), '(empty)'), v.key), ', ' ORDER BY v.key)
			FROM jsonb_each_text("values") AS v) || coalesce(', in ' || unit, '') AS finding,
		NULL AS fix, NULL AS undo, 1 AS weight
	FROM haops.settings_drift $q$),
(610, 'unsafe_settings', NULL, 'With it a crash, or damage that nobody notices, costs data.', $q$
	SELECT u.severity, s.name AS object, format('%s is %s: %s', s.name, s.reset_val, u.because) AS finding,
		format('ALTER SYSTEM SET %s = %L', s.name, u.good) AS fix,
		CASE WHEN s.sourcefile LIKE '%/postgresql.auto.conf'
			THEN format('ALTER SYSTEM SET %s = %L', s.name, s.reset_val)
			ELSE format('ALTER SYSTEM RESET %s', s.name) END AS undo, 0 AS weight
	FROM (VALUES
		('fsync', 'off', 'on', 'critical', 'a crash of the system corrupts the cluster'),
		('full_page_writes', 'off', 'on', 'critical', 'a crash of the system corrupts pages'),
		('zero_damaged_pages', 'on', 'off', 'critical', 'damaged pages are emptied'),
		('ignore_checksum_failure', 'on', 'off', 'critical', 'damaged pages are read as if they were sound'),
		('ignore_system_indexes', 'on', 'off', 'warning', 'every look into the catalog is slow'),
		('allow_system_table_mods', 'on', 'off', 'warning', 'the catalog is not protected'),
		('autovacuum', 'off', 'on', 'critical', 'nothing is vacuumed but against wraparound'),
		('track_counts', 'off', 'on', 'critical', 'autovacuum does not know where to work'),
		('track_activities', 'off', 'on', 'warning', 'nobody can see who blocks whom'),
		('password_encryption', 'md5', 'scram-sha-256', 'warning', 'new passwords get a weak hash'))
		AS u (name, bad, good, severity, because)
	JOIN pg_settings s ON s.name = u.name AND s.reset_val = u.bad $q$),
(620, 'client_authentication', NULL, 'Who reaches the port gets in.', $q$
	SELECT CASE WHEN h.auth_method = 'trust' AND h.type <> 'local'
				AND coalesce(h.address, '') NOT IN ('127.0.0.1', '::1')
			THEN 'critical' WHEN h.error IS NOT NULL THEN 'critical' ELSE 'warning' END AS severity,
		'pg_hba.conf line ' || h.line_number AS object,
		coalesce('the line is not valid: ' || h.error, concat_ws(' ', h.type, array_to_string(h.database, ','),
			array_to_string(h.user_name, ','), h.address, h.auth_method)) AS finding,
		NULL AS fix, NULL AS undo, 10000 - h.line_number AS weight
	FROM pg_hba_file_rules h
	WHERE h.error IS NOT NULL OR h.auth_method IN ('trust', 'password', 'md5', 'ident') $q$),
(630, 'roles', NULL, 'More rights than somebody needs are somebody else''s way in.', $q$
	SELECT f.severity, format('role %I', r.rolname) AS object, f.finding, f.fix, f.undo, 0 AS weight
	FROM pg_roles r
	CROSS JOIN LATERAL (VALUES
		('info', CASE WHEN r.rolsuper AND r.rolcanlogin AND r.oid <> 10 THEN 'may log in as a superuser' END,
			format('ALTER ROLE %I NOSUPERUSER', r.rolname), format('ALTER ROLE %I SUPERUSER', r.rolname)),
		('info', CASE WHEN r.rolcanlogin AND r.rolvaliduntil < now() + interval '7 days'
			THEN format('its password ends, or ended, at %s', date_trunc('second', r.rolvaliduntil)) END, NULL, NULL))
		AS f (severity, finding, fix, undo)
	WHERE f.finding IS NOT NULL $q$),
(640, 'open_schemas', NULL, 'Whoever can create objects there can have others run them.', $q$
	SELECT 'warning' AS severity, format('schema %I', n.nspname) AS object,
		'everybody may create objects in it' AS finding,
		format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname) AS fix,
		format('GRANT CREATE ON SCHEMA %I TO PUBLIC', n.nspname) AS undo, 0 AS weight
	FROM pg_namespace n
	WHERE has_schema_privilege('public', n.oid, 'CREATE') $q$),
(650, 'definer_functions', NULL, 'Its caller chooses what runs with the rights of its owner.', $q$
	SELECT CASE WHEN r.rolsuper THEN 'warning' ELSE 'info' END AS severity,
		format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS object,
		format('SECURITY DEFINER of %I without a search_path of its own', r.rolname) AS finding,
		format('ALTER %s %I.%I(%s) SET search_path = pg_catalog, %I, pg_temp',
			CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END, n.nspname, p.proname,
			pg_get_function_identity_arguments(p.oid), n.nspname) AS fix,
		format('ALTER %s %I.%I(%s) RESET search_path', CASE p.prokind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END,
			n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) AS undo, 0 AS weight
	FROM pg_proc p
	JOIN pg_namespace n ON n.oid = p.pronamespace
	JOIN pg_roles r ON r.oid = p.proowner
	WHERE p.prosecdef AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS o (setting) WHERE setting LIKE 'search_path=%')
		AND n.nspname <> 'pg_catalog' $q$)
$checks$;
COMMENT ON FUNCTION haops.inspect_checks() IS
'the checks of haops.inspect(): name, where it is made, why it matters, and its query; since 1.0';
