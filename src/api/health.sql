-- health.sql: ages, horizons, queues and limits of this server. Nothing here waits, and nothing is opened or locked but
-- what is said.

CREATE FUNCTION haops.sequence_value(sequence oid, OUT last_value bigint, OUT reason text)
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_sequence_value';
COMMENT ON FUNCTION haops.sequence_value(oid) IS
'the last value that a sequence gave out; NULL and the reason when there is none, or when somebody has locked it;
since 1.0';

CREATE FUNCTION haops.filesystems(
	OUT place text, OUT name text, OUT path text, OUT total_bytes bigint, OUT free_bytes bigint, OUT filesystem bigint)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 3
AS 'MODULE_PATHNAME', 'ha_api_filesystems';
COMMENT ON FUNCTION haops.filesystems() IS 'source of haops.disk_space; since 1.0';

-- Roles without the right to see the files see no more than that something waits.
CREATE FUNCTION haops.file_settings(
	OUT seqno integer, OUT name text, OUT setting text, OUT sourcefile text, OUT sourceline integer, OUT error text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL RESTRICTED ROWS 50
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF pg_catalog.has_function_privilege('pg_catalog.pg_show_all_file_settings()', 'EXECUTE') THEN
		RETURN QUERY SELECT f.seqno, f.name, f.setting, f.sourcefile, f.sourceline, f.error
			FROM pg_show_all_file_settings() f;
	END IF;
END
$$;
COMMENT ON FUNCTION haops.file_settings() IS
'pg_file_settings, or nothing for roles that may not see it; since 1.0';

-- 17 has a view of its own for them, 18 counts more.
CREATE FUNCTION haops.checkpoint_counters(
	OUT timed bigint, OUT requested bigint, OUT done bigint, OUT restartpoints bigint, OUT write_s double precision,
	OUT sync_s double precision, OUT buffers_written bigint, OUT buffers_by_backends bigint, OUT since timestamptz)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	version integer := current_setting('server_version_num')::integer;
BEGIN
	EXECUTE CASE WHEN version < 170000 THEN
		'SELECT checkpoints_timed, checkpoints_req, NULL::bigint, NULL::bigint, checkpoint_write_time / 1000,
			checkpoint_sync_time / 1000, buffers_checkpoint, buffers_backend, stats_reset FROM pg_stat_bgwriter'
	ELSE
		format('SELECT num_timed, num_requested, %s, restartpoints_done, write_time / 1000, sync_time / 1000,
			buffers_written, NULL::bigint, stats_reset FROM pg_stat_checkpointer',
			CASE WHEN version >= 180000 THEN 'num_done' ELSE 'NULL::bigint' END)
	END INTO timed, requested, done, restartpoints, write_s, sync_s, buffers_written, buffers_by_backends, since;
END
$$;
COMMENT ON FUNCTION haops.checkpoint_counters() IS 'source of haops.checkpoints; since 1.0';

CREATE VIEW haops.wraparound AS
	SELECT d.datname AS database, d.datallowconn AS allows_connections, age(d.datfrozenxid) AS xid_age,
		mxid_age(d.datminmxid) AS mxid_age,
		round(100 * age(d.datfrozenxid) / (2147483648.0 - 3000000), 2) AS xid_percent,
		round(100 * mxid_age(d.datminmxid) / (2147483648.0 - 3000000), 2) AS mxid_percent,
		round(100.0 * age(d.datfrozenxid) / current_setting('autovacuum_freeze_max_age')::numeric, 1)
			AS forced_vacuum_percent
	FROM pg_catalog.pg_database d;
COMMENT ON VIEW haops.wraparound IS
'age of the oldest transaction of each database, of those too that nobody can connect to; at 100 percent the
server takes no more writes; since 1.0';
COMMENT ON COLUMN haops.wraparound.database IS 'name; since 1.0';
COMMENT ON COLUMN haops.wraparound.allows_connections IS
'false: it ages like the others, and only autovacuum gets at it; since 1.0';
COMMENT ON COLUMN haops.wraparound.xid_age IS 'transactions since the oldest that is not frozen; since 1.0';
COMMENT ON COLUMN haops.wraparound.mxid_age IS 'the same for multixacts; since 1.0';
COMMENT ON COLUMN haops.wraparound.xid_percent IS
'of what there is until the server refuses new transactions; since 1.0';
COMMENT ON COLUMN haops.wraparound.mxid_percent IS 'the same for multixacts; since 1.0';
COMMENT ON COLUMN haops.wraparound.forced_vacuum_percent IS
'of autovacuum_freeze_max_age; from 100 on tables are vacuumed whether autovacuum is on or not; since 1.0';

CREATE VIEW haops.table_age AS
	SELECT n.nspname AS schema, c.relname AS "table", c.oid AS relation,
		greatest(age(c.relfrozenxid), age(t.relfrozenxid)) AS xid_age,
		greatest(mxid_age(c.relminmxid), mxid_age(t.relminmxid)) AS mxid_age,
		coalesce(age(t.relfrozenxid) > age(c.relfrozenxid), false) AS toast_is_older,
		round(100.0 * greatest(age(c.relfrozenxid), age(t.relfrozenxid))
			/ current_setting('autovacuum_freeze_max_age')::numeric, 1) AS forced_vacuum_percent
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid AND t.relfrozenxid <> '0'
	WHERE c.relkind IN ('r', 'm') AND c.relfrozenxid <> '0';
COMMENT ON VIEW haops.table_age IS
'age of the oldest transaction of each table of this database with its TOAST, the system''s own included;
since 1.0';
COMMENT ON COLUMN haops.table_age.schema IS 'its schema; since 1.0';
COMMENT ON COLUMN haops.table_age."table" IS 'its name; since 1.0';
COMMENT ON COLUMN haops.table_age.relation IS 'pg_class.oid; since 1.0';
COMMENT ON COLUMN haops.table_age.xid_age IS
'transactions since the oldest that is not frozen, in the table or its TOAST; since 1.0';
COMMENT ON COLUMN haops.table_age.mxid_age IS 'the same for multixacts; since 1.0';
COMMENT ON COLUMN haops.table_age.toast_is_older IS 'the TOAST table decides, not the table; since 1.0';
COMMENT ON COLUMN haops.table_age.forced_vacuum_percent IS 'of autovacuum_freeze_max_age; since 1.0';

CREATE VIEW haops.horizon AS
	SELECT h.kind, h.pid, h.name, h.database, h.username, h.application, h.client, h.state, h.xmin,
		age(h.xmin) AS xid_age, h.since, age(h.xmin) = max(age(h.xmin)) OVER () AS is_oldest, h.remedy
	FROM (
		SELECT CASE a.backend_type WHEN 'walsender' THEN 'standby' ELSE 'session' END AS kind, a.pid,
			NULL::text AS name, a.datname::text AS database, a.usename::text AS username,
			a.application_name AS application,
			host(a.client_addr) AS client, a.state,
			CASE WHEN a.backend_xmin IS NULL OR age(a.backend_xid) > age(a.backend_xmin)
				THEN a.backend_xid ELSE a.backend_xmin END AS xmin,
			coalesce(a.xact_start, a.backend_start) AS since,
			CASE WHEN a.backend_type = 'client backend'
				THEN format('SELECT pg_terminate_backend(%s)', a.pid) END AS remedy
		FROM pg_catalog.pg_stat_activity a
		WHERE (a.backend_xmin IS NOT NULL OR a.backend_xid IS NOT NULL) AND a.pid <> pg_backend_pid()
			AND a.pid NOT IN (SELECT v.pid FROM pg_catalog.pg_stat_progress_vacuum v)
		UNION ALL
		SELECT 'prepared transaction', NULL, p.gid, p.database, p.owner, NULL, NULL, 'prepared', p.transaction,
			p.prepared, format('ROLLBACK PREPARED %L', p.gid)
		FROM pg_catalog.pg_prepared_xacts p
		UNION ALL
		SELECT 'slot', s.active_pid, s.slot_name, s.database, NULL, NULL, NULL,
			CASE WHEN s.active THEN 'active' ELSE 'inactive' END,
			CASE WHEN s.xmin IS NULL OR age(s.catalog_xmin) > age(s.xmin) THEN s.catalog_xmin ELSE s.xmin END, NULL,
			CASE WHEN NOT s.active THEN format('SELECT pg_drop_replication_slot(%L)', s.slot_name) END
		FROM pg_catalog.pg_replication_slots s
		WHERE s.xmin IS NOT NULL OR s.catalog_xmin IS NOT NULL) AS h;
COMMENT ON VIEW haops.horizon IS
'who keeps VACUUM from removing dead rows: everyone with a snapshot or a transaction of its own, the oldest
decides; a session that is merely idle in a transaction keeps nothing; since 1.0';
COMMENT ON COLUMN haops.horizon.kind IS
'session, standby (by hot_standby_feedback without a slot), prepared transaction, or slot; since 1.0';
COMMENT ON COLUMN haops.horizon.pid IS 'of the session, or of who uses the slot; since 1.0';
COMMENT ON COLUMN haops.horizon.name IS 'of the prepared transaction or the slot; since 1.0';
COMMENT ON COLUMN haops.horizon.database IS 'where; a slot or a standby without one holds all databases; since 1.0';
COMMENT ON COLUMN haops.horizon.username IS 'of the session, or owner; since 1.0';
COMMENT ON COLUMN haops.horizon.application IS 'of the session; of a standby its name; since 1.0';
COMMENT ON COLUMN haops.horizon.client IS 'address of the session; since 1.0';
COMMENT ON COLUMN haops.horizon.state IS 'of the session; active or inactive for a slot; since 1.0';
COMMENT ON COLUMN haops.horizon.xmin IS
'oldest transaction that it keeps; of a slot the older of xmin and catalog_xmin; since 1.0';
COMMENT ON COLUMN haops.horizon.xid_age IS 'transactions since then; since 1.0';
COMMENT ON COLUMN haops.horizon.since IS 'when it began; NULL: not known; since 1.0';
COMMENT ON COLUMN haops.horizon.is_oldest IS 'it decides; since 1.0';
COMMENT ON COLUMN haops.horizon.remedy IS 'the statement that would end it; NULL: none is to be given; since 1.0';

CREATE VIEW haops.long_transactions AS
	SELECT a.pid, NULL::text AS gid, a.datname::text AS database, a.usename::text AS username,
		a.application_name AS application, host(a.client_addr) AS client, a.state,
		clock_timestamp() - a.xact_start AS xact_age, clock_timestamp() - a.state_change AS state_age,
		a.backend_xid IS NOT NULL AS has_written,
		a.backend_xid IS NOT NULL OR a.backend_xmin IS NOT NULL AS holds_horizon,
		a.query
	FROM pg_catalog.pg_stat_activity a
	WHERE a.xact_start IS NOT NULL AND a.backend_type IN ('client backend', 'parallel worker', 'background worker')
		AND a.pid <> pg_backend_pid()
	UNION ALL
	SELECT NULL, p.gid, p.database::text, p.owner::text, NULL, NULL, 'prepared', clock_timestamp() - p.prepared,
		clock_timestamp() - p.prepared, true, true, NULL
	FROM pg_catalog.pg_prepared_xacts p;
COMMENT ON VIEW haops.long_transactions IS
'every open transaction, prepared ones included; how long, and whether it holds anything up; since 1.0';
COMMENT ON COLUMN haops.long_transactions.pid IS 'of the session; NULL: a prepared transaction; since 1.0';
COMMENT ON COLUMN haops.long_transactions.gid IS 'name of a prepared transaction; since 1.0';
COMMENT ON COLUMN haops.long_transactions.database IS 'where; since 1.0';
COMMENT ON COLUMN haops.long_transactions.username IS 'of the session, or owner; since 1.0';
COMMENT ON COLUMN haops.long_transactions.application IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.long_transactions.client IS 'address of the session; since 1.0';
COMMENT ON COLUMN haops.long_transactions.state IS 'of the session; since 1.0';
COMMENT ON COLUMN haops.long_transactions.xact_age IS 'since its transaction began; since 1.0';
COMMENT ON COLUMN haops.long_transactions.state_age IS 'since it is in this state: how long it is idle; since 1.0';
COMMENT ON COLUMN haops.long_transactions.has_written IS
'it has a transaction number: locks on rows, and bloat while it lasts; since 1.0';
COMMENT ON COLUMN haops.long_transactions.holds_horizon IS 'VACUUM can''t remove what it may still see; since 1.0';
COMMENT ON COLUMN haops.long_transactions.query IS 'its statement, the last one when it is idle; since 1.0';

CREATE VIEW haops.connections AS
	WITH usable AS (
		SELECT current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
			- coalesce(current_setting('reserved_connections', true), '0')::integer AS usable),
	client AS MATERIALIZED (
		SELECT a.datid, a.usesysid, a.state FROM pg_catalog.pg_stat_activity a WHERE a.backend_type = 'client backend')
	SELECT 'server' AS scope, NULL::text AS name, count(c.*)::integer AS used, u.usable AS "limit",
		round(100.0 * count(c.*) / nullif(u.usable, 0), 1) AS percent,
		count(*) FILTER (WHERE c.state = 'active')::integer AS active,
		count(*) FILTER (WHERE c.state = 'idle')::integer AS idle,
		count(*) FILTER (WHERE c.state LIKE 'idle in transaction%')::integer AS idle_in_transaction
	FROM usable u LEFT JOIN client c ON true GROUP BY u.usable
	UNION ALL
	SELECT 'database', d.datname, count(c.*)::integer, nullif(d.datconnlimit, -1),
		round(100.0 * count(c.*) / nullif(nullif(d.datconnlimit, -1), 0), 1),
		count(*) FILTER (WHERE c.state = 'active')::integer, count(*) FILTER (WHERE c.state = 'idle')::integer,
		count(*) FILTER (WHERE c.state LIKE 'idle in transaction%')::integer
	FROM pg_catalog.pg_database d LEFT JOIN client c ON c.datid = d.oid
	GROUP BY d.oid, d.datname, d.datconnlimit HAVING count(c.*) > 0 OR d.datconnlimit >= 0
	UNION ALL
	SELECT 'role', r.rolname, count(c.*)::integer, nullif(r.rolconnlimit, -1),
		round(100.0 * count(c.*) / nullif(nullif(r.rolconnlimit, -1), 0), 1),
		count(*) FILTER (WHERE c.state = 'active')::integer, count(*) FILTER (WHERE c.state = 'idle')::integer,
		count(*) FILTER (WHERE c.state LIKE 'idle in transaction%')::integer
	FROM pg_catalog.pg_roles r LEFT JOIN client c ON c.usesysid = r.oid
	GROUP BY r.oid, r.rolname, r.rolconnlimit HAVING count(c.*) > 0 OR r.rolconnlimit >= 0;
COMMENT ON VIEW haops.connections IS
'clients'' connections against what they may use: of the server, of each database and of each role; background
processes and standbys do not count; since 1.0';
COMMENT ON COLUMN haops.connections.scope IS 'server, database or role; since 1.0';
COMMENT ON COLUMN haops.connections.name IS 'of the database or role; NULL: the server; since 1.0';
COMMENT ON COLUMN haops.connections.used IS 'connections of clients; since 1.0';
COMMENT ON COLUMN haops.connections."limit" IS
'that an ordinary role may use: of the server without the reserved ones; NULL: no limit of its own; since 1.0';
COMMENT ON COLUMN haops.connections.percent IS 'used of the limit; since 1.0';
COMMENT ON COLUMN haops.connections.active IS 'that do something now; visible to pg_monitor; since 1.0';
COMMENT ON COLUMN haops.connections.idle IS 'that do nothing; since 1.0';
COMMENT ON COLUMN haops.connections.idle_in_transaction IS 'that do nothing, in an open transaction; since 1.0';

CREATE VIEW haops.checkpoints AS
	SELECT c.timed, c.requested, c.done, round(100.0 * c.requested / nullif(c.timed + c.requested, 0), 1)
			AS requested_percent,
		c.timed + c.requested >= 10 AS enough_to_judge, c.restartpoints, c.write_s, c.sync_s, c.buffers_written,
		c.buffers_by_backends, c.since
	FROM haops.checkpoint_counters() c;
COMMENT ON VIEW haops.checkpoints IS
'checkpoints since the counters began; many requested ones mean that max_wal_size is too small; since 1.0';
COMMENT ON COLUMN haops.checkpoints.timed IS
'by checkpoint_timeout; PostgreSQL counts here those that had nothing to do, too; since 1.0';
COMMENT ON COLUMN haops.checkpoints.requested IS 'by WAL volume, by command, at a backup; since 1.0';
COMMENT ON COLUMN haops.checkpoints.done IS 'that were carried out; NULL before PostgreSQL 18; since 1.0';
COMMENT ON COLUMN haops.checkpoints.requested_percent IS 'requested ones of all; since 1.0';
COMMENT ON COLUMN haops.checkpoints.enough_to_judge IS 'ten or more were counted; since 1.0';
COMMENT ON COLUMN haops.checkpoints.restartpoints IS
'of a standby that were carried out; NULL before PostgreSQL 17; since 1.0';
COMMENT ON COLUMN haops.checkpoints.write_s IS 'seconds spent with writing; since 1.0';
COMMENT ON COLUMN haops.checkpoints.sync_s IS 'seconds spent with syncing; since 1.0';
COMMENT ON COLUMN haops.checkpoints.buffers_written IS 'pages written by checkpoints; since 1.0';
COMMENT ON COLUMN haops.checkpoints.buffers_by_backends IS
'pages that backends had to write themselves; NULL from PostgreSQL 17 on, see pg_stat_io; since 1.0';
COMMENT ON COLUMN haops.checkpoints.since IS 'when these counters began; since 1.0';

CREATE VIEW haops.temp_files AS
	SELECT t.spcname AS tablespace, count(f.*)::integer AS files, coalesce(sum(f.size), 0)::bigint AS bytes,
		min(f.modification) AS oldest
	FROM pg_catalog.pg_tablespace t
	LEFT JOIN LATERAL pg_catalog.pg_ls_tmpdir(t.oid) f ON true
	WHERE t.spcname <> 'pg_global'
	GROUP BY t.spcname;
COMMENT ON VIEW haops.temp_files IS 'temporary files that lie on the disk now, by tablespace; since 1.0';
COMMENT ON COLUMN haops.temp_files.tablespace IS 'where; since 1.0';
COMMENT ON COLUMN haops.temp_files.files IS 'how many; since 1.0';
COMMENT ON COLUMN haops.temp_files.bytes IS 'how large together; since 1.0';
COMMENT ON COLUMN haops.temp_files.oldest IS 'when the oldest was written to last; since 1.0';

CREATE VIEW haops.sequences AS
	SELECT n.nspname AS schema, c.relname AS "sequence", c.oid AS relation,
		CASE WHEN a.attnum IS NOT NULL THEN format('%I.%I.%I', tn.nspname, t.relname, a.attname) END AS "column",
		v.last_value, l.largest AS "limit", s.seqincrement AS increment, s.seqcycle AS cycles,
		CASE WHEN s.seqcycle AND l.largest = CASE WHEN s.seqincrement > 0 THEN s.seqmax ELSE s.seqmin END
				OR v.last_value IS NULL THEN NULL
			ELSE round(100 * (v.last_value::numeric - l.start) / nullif(l.largest::numeric - l.start, 0), 2)
		END AS percent,
		CASE WHEN v.last_value IS NULL THEN v.reason
			WHEN s.seqcycle AND l.largest = CASE WHEN s.seqincrement > 0 THEN s.seqmax ELSE s.seqmin END THEN 'cycles'
			WHEN l.largest <> CASE WHEN s.seqincrement > 0 THEN s.seqmax ELSE s.seqmin END
				THEN 'the column ends before the sequence' END AS note
	FROM pg_catalog.pg_sequence s
	JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN LATERAL (
		SELECT d.refobjid AS relid, d.refobjsubid AS attnum
		FROM pg_catalog.pg_depend d
		WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
			AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
		UNION
		SELECT ad.adrelid, ad.adnum
		FROM pg_catalog.pg_depend d
		JOIN pg_catalog.pg_attrdef ad ON ad.oid = d.objid
		WHERE d.classid = 'pg_catalog.pg_attrdef'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass
			AND d.refobjid = c.oid) AS used ON true
	LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = used.relid AND a.attnum = used.attnum AND NOT a.attisdropped
	LEFT JOIN pg_catalog.pg_class t ON t.oid = a.attrelid
	LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
	CROSS JOIN LATERAL (
		SELECT CASE WHEN s.seqincrement > 0 THEN s.seqmin ELSE s.seqmax END AS start,
			CASE WHEN s.seqincrement > 0
				THEN least(s.seqmax, CASE a.atttypid WHEN 21 THEN 32767 WHEN 23 THEN 2147483647 END)
				ELSE greatest(s.seqmin, CASE a.atttypid WHEN 21 THEN -32768 WHEN 23 THEN -2147483648 END)
			END AS largest) AS l
	CROSS JOIN LATERAL haops.sequence_value(c.oid) AS v;
COMMENT ON VIEW haops.sequences IS
'how far each sequence is, judged by the column behind it where that ends earlier; a row for each column;
since 1.0';
COMMENT ON COLUMN haops.sequences.schema IS 'its schema; since 1.0';
COMMENT ON COLUMN haops.sequences."sequence" IS 'its name; since 1.0';
COMMENT ON COLUMN haops.sequences.relation IS 'pg_class.oid; since 1.0';
COMMENT ON COLUMN haops.sequences."column" IS 'the column that it feeds; NULL: none is known; since 1.0';
COMMENT ON COLUMN haops.sequences.last_value IS 'the last value given out; NULL: see note; since 1.0';
COMMENT ON COLUMN haops.sequences."limit" IS 'the last value that the sequence or the column can take; since 1.0';
COMMENT ON COLUMN haops.sequences.increment IS 'between two values; below 0: it counts down; since 1.0';
COMMENT ON COLUMN haops.sequences.cycles IS 'it begins anew at its end; since 1.0';
COMMENT ON COLUMN haops.sequences.percent IS 'used up; NULL: it cycles, or nothing was given out; since 1.0';
COMMENT ON COLUMN haops.sequences.note IS 'what is to be known; since 1.0';

CREATE VIEW haops.checksum_failures AS
	SELECT d.datname AS database, current_setting('data_checksums')::boolean AS checksums_enabled,
		d.checksum_failures AS failures,
		d.checksum_last_failure AS last_failure
	FROM pg_catalog.pg_stat_database d
	WHERE d.datid <> 0 OR d.checksum_failures > 0;
COMMENT ON VIEW haops.checksum_failures IS
'pages whose checksum was wrong when they were read; any is an emergency; since 1.0';
COMMENT ON COLUMN haops.checksum_failures.database IS 'where; NULL: in the catalog that all share; since 1.0';
COMMENT ON COLUMN haops.checksum_failures.checksums_enabled IS 'false: nothing is checked; since 1.0';
COMMENT ON COLUMN haops.checksum_failures.failures IS 'since the counters began; NULL: nothing is checked; since 1.0';
COMMENT ON COLUMN haops.checksum_failures.last_failure IS 'when; since 1.0';

CREATE VIEW haops.settings_pending AS
	SELECT s.name, s.setting, s.unit, s.context, f.setting AS file_setting, f.sourcefile AS file, f.sourceline AS line,
		CASE WHEN f.error IS NOT NULL AND f.error <> 'setting could not be applied' THEN f.error
			ELSE 'needs a restart' END AS reason
	FROM pg_catalog.pg_settings s
	LEFT JOIN LATERAL (
		SELECT p.setting, p.sourcefile, p.sourceline, p.error FROM haops.file_settings() p
		WHERE p.name = s.name ORDER BY p.seqno DESC LIMIT 1) AS f ON true
	WHERE s.pending_restart;
COMMENT ON VIEW haops.settings_pending IS 'settings whose new value waits for a restart; since 1.0';
COMMENT ON COLUMN haops.settings_pending.name IS 'of the setting; since 1.0';
COMMENT ON COLUMN haops.settings_pending.setting IS 'the value in force; since 1.0';
COMMENT ON COLUMN haops.settings_pending.unit IS 'of the value; since 1.0';
COMMENT ON COLUMN haops.settings_pending.context IS 'when it can be changed; since 1.0';
COMMENT ON COLUMN haops.settings_pending.file_setting IS
'the value that waits; NULL: not to be seen by this role; since 1.0';
COMMENT ON COLUMN haops.settings_pending.file IS 'where it stands; since 1.0';
COMMENT ON COLUMN haops.settings_pending.line IS 'where it stands; since 1.0';
COMMENT ON COLUMN haops.settings_pending.reason IS 'why it is not in force; since 1.0';

CREATE VIEW haops.extensions_outdated AS
	SELECT e.extname AS extension, e.extversion AS installed, a.default_version AS available,
		CASE WHEN a.default_version IS NOT NULL THEN format('ALTER EXTENSION %I UPDATE', e.extname) END AS remedy
	FROM pg_catalog.pg_extension e
	LEFT JOIN pg_catalog.pg_available_extensions() a ON a.name = e.extname
	WHERE a.default_version IS DISTINCT FROM e.extversion;
COMMENT ON VIEW haops.extensions_outdated IS
'extensions of this database whose files are of another version; since 1.0';
COMMENT ON COLUMN haops.extensions_outdated.extension IS 'its name; since 1.0';
COMMENT ON COLUMN haops.extensions_outdated.installed IS 'version in this database; since 1.0';
COMMENT ON COLUMN haops.extensions_outdated.available IS
'version of the files; NULL: there are none, a restore elsewhere or an upgrade would fail; since 1.0';
COMMENT ON COLUMN haops.extensions_outdated.remedy IS 'the statement that brings it up to date; since 1.0';

CREATE VIEW haops.disk_space AS
	SELECT f.place, f.name, f.path, f.total_bytes, f.free_bytes,
		round(100.0 * (f.total_bytes - f.free_bytes) / nullif(f.total_bytes, 0), 1) AS used_percent, f.filesystem
	FROM haops.filesystems() f;
COMMENT ON VIEW haops.disk_space IS 'the file systems under the data directory, the WAL and each tablespace; since 1.0';
COMMENT ON COLUMN haops.disk_space.place IS 'data directory, wal or tablespace; since 1.0';
COMMENT ON COLUMN haops.disk_space.name IS 'of the tablespace; since 1.0';
COMMENT ON COLUMN haops.disk_space.path IS 'where it lies; since 1.0';
COMMENT ON COLUMN haops.disk_space.total_bytes IS 'of the file system; since 1.0';
COMMENT ON COLUMN haops.disk_space.free_bytes IS 'that this server may still write; since 1.0';
COMMENT ON COLUMN haops.disk_space.used_percent IS 'of the file system; since 1.0';
COMMENT ON COLUMN haops.disk_space.filesystem IS
'number of the file system: places with the same one share it; since 1.0';

GRANT SELECT ON
	haops.wraparound, haops.table_age, haops.horizon, haops.long_transactions, haops.connections,
	haops.checkpoints, haops.temp_files, haops.sequences, haops.checksum_failures, haops.settings_pending,
	haops.extensions_outdated, haops.disk_space
	TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION
	haops.sequence_value(oid), haops.filesystems(), haops.file_settings(), haops.checkpoint_counters()
	TO pg_monitor, haops_operator;
