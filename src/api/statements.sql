-- statements.sql: what statements cost, from pg_stat_statements of any version from 1.8 on. Nobody's counters are
-- reset.
-- haops.statement_take() keeps what was added since the last take, of the statements of this database that ran.

-- Only a function that belongs to the extension is called: anybody may have made one of that name beside it. It catches
-- an error, for which there is no way in a parallel query.
CREATE FUNCTION haops.statement_counters(texts boolean, OUT counters jsonb)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE STRICT PARALLEL UNSAFE ROWS 5000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place name := (SELECT n.nspname FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
		JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE e.extname = 'pg_stat_statements' AND p.proname = 'pg_stat_statements' AND p.proargtypes =
			'16'::oidvector);
BEGIN
	IF place IS NOT NULL THEN
		RETURN QUERY EXECUTE format('SELECT to_jsonb(s) FROM %I.pg_stat_statements($1) AS s', place) USING texts;
	END IF;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RAISE WARNING 'pg_stat_statements is not in shared_preload_libraries: no statement is counted';
END
$$;
COMMENT ON FUNCTION haops.statement_counters(boolean) IS
'the rows of pg_stat_statements, with the columns that its version has; nothing where it is not installed; since 1.0';

CREATE FUNCTION haops.statement_counters_info(OUT evictions bigint, OUT reset_at timestamptz)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	place name := (SELECT n.nspname FROM pg_extension e
		JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'e'
		JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
		JOIN pg_namespace n ON n.oid = p.pronamespace
		WHERE e.extname = 'pg_stat_statements' AND p.proname = 'pg_stat_statements_info' AND p.pronargs = 0);
BEGIN
	IF place IS NOT NULL THEN
		EXECUTE format('SELECT i.dealloc, i.stats_reset FROM %I.pg_stat_statements_info() AS i', place)
		INTO evictions, reset_at;
	END IF;
EXCEPTION WHEN object_not_in_prerequisite_state THEN
	RETURN;
END
$$;
COMMENT ON FUNCTION haops.statement_counters_info() IS
'how often pg_stat_statements threw entries out, and when it was reset; NULL before its version 1.9; since 1.0';

CREATE VIEW haops.slow_statements AS
	WITH counted AS (
		SELECT r.*, s.counters,
			coalesce(r.total_exec_time, 0) + coalesce(r.total_plan_time, 0) AS total_ms
		FROM haops.statement_counters(true) AS s(counters)
		CROSS JOIN LATERAL pg_catalog.jsonb_to_record(s.counters) AS r(userid oid, dbid oid, toplevel boolean,
			queryid bigint, query text, calls bigint, rows bigint, total_exec_time double precision,
			total_plan_time double precision, max_exec_time double precision, stddev_exec_time double precision,
			shared_blks_hit bigint, shared_blks_read bigint, shared_blks_dirtied bigint, temp_blks_read bigint,
			temp_blks_written bigint, wal_bytes numeric, blk_read_time double precision,
			blk_write_time double precision, shared_blk_read_time double precision,
			shared_blk_write_time double precision, jit_generation_time double precision,
			jit_inlining_time double precision, jit_optimization_time double precision,
			jit_emission_time double precision, jit_deform_time double precision, stats_since timestamptz))
	SELECT d.datname AS database, c.userid::pg_catalog.regrole::text AS "user", c.queryid, c.toplevel, c.calls,
		c.total_ms, c.total_ms / nullif(c.calls, 0) AS mean_ms, c.max_exec_time AS max_ms,
		c.stddev_exec_time AS stddev_ms,
		100 * c.total_ms / nullif(sum(c.total_ms) OVER (), 0) AS share_percent,
		c.total_exec_time AS exec_ms, c.total_plan_time AS plan_ms, c.rows,
		c.shared_blks_hit AS blocks_hit, c.shared_blks_read AS blocks_read, c.shared_blks_dirtied AS blocks_dirtied,
		c.temp_blks_read + c.temp_blks_written AS temp_blocks, c.wal_bytes,
		coalesce(c.shared_blk_read_time, c.blk_read_time) + coalesce(c.shared_blk_write_time, c.blk_write_time) AS
			io_ms,
		c.jit_generation_time + c.jit_inlining_time + c.jit_optimization_time + c.jit_emission_time AS jit_ms,
		c.stats_since AS counted_since, c.query
	FROM counted c LEFT JOIN pg_catalog.pg_database d ON d.oid = c.dbid;
COMMENT ON VIEW haops.slow_statements IS
'what each statement cost since its counters began, in all databases of this server; since 1.0';
COMMENT ON COLUMN haops.slow_statements.database IS
'name; NULL: dropped; since 1.0';
COMMENT ON COLUMN haops.slow_statements."user" IS
'who ran it; a number: dropped; since 1.0';
COMMENT ON COLUMN haops.slow_statements.queryid IS
'NULL: of somebody else, and not for the caller; since 1.0';
COMMENT ON COLUMN haops.slow_statements.toplevel IS
'false: run by a function; NULL: the extension is older than 1.9; since 1.0';
COMMENT ON COLUMN haops.slow_statements.calls IS
'runs; since 1.0';
COMMENT ON COLUMN haops.slow_statements.total_ms IS
'planning and executing, in ms; since 1.0';
COMMENT ON COLUMN haops.slow_statements.mean_ms IS
'total_ms of one run; since 1.0';
COMMENT ON COLUMN haops.slow_statements.max_ms IS
'the longest execution, in ms; since 1.0';
COMMENT ON COLUMN haops.slow_statements.stddev_ms IS
'deviation of the time executing, in ms; since 1.0';
COMMENT ON COLUMN haops.slow_statements.share_percent IS
'of the total_ms of all statements; since 1.0';
COMMENT ON COLUMN haops.slow_statements.exec_ms IS
'time executing, in ms; since 1.0';
COMMENT ON COLUMN haops.slow_statements.plan_ms IS
'time planning, in ms; 0 unless pg_stat_statements.track_planning is on; since 1.0';
COMMENT ON COLUMN haops.slow_statements.rows IS
'rows returned or changed; since 1.0';
COMMENT ON COLUMN haops.slow_statements.blocks_hit IS
'shared pages found in shared buffers; since 1.0';
COMMENT ON COLUMN haops.slow_statements.blocks_read IS
'shared pages asked of the kernel; since 1.0';
COMMENT ON COLUMN haops.slow_statements.blocks_dirtied IS
'shared pages dirtied; since 1.0';
COMMENT ON COLUMN haops.slow_statements.temp_blocks IS
'pages of temporary files read and written; since 1.0';
COMMENT ON COLUMN haops.slow_statements.wal_bytes IS
'WAL written; since 1.0';
COMMENT ON COLUMN haops.slow_statements.io_ms IS
'time reading and writing shared pages, in ms; 0 unless track_io_timing is on; since 1.0';
COMMENT ON COLUMN haops.slow_statements.jit_ms IS
'time of JIT compilation, in ms; NULL: the extension is older than 1.10; since 1.0';
COMMENT ON COLUMN haops.slow_statements.counted_since IS
'when its counters began; NULL before version 1.11; since 1.0';
COMMENT ON COLUMN haops.slow_statements.query IS
'normalized text; since 1.0';

CREATE TABLE haops.statement_run (
	taken_at timestamptz NOT NULL, started_at timestamptz NOT NULL, evictions bigint, reset_at timestamptz);
COMMENT ON TABLE haops.statement_run IS 'one row: the last take; since 1.0';
COMMENT ON COLUMN haops.statement_run.taken_at IS
'when; since 1.0';
COMMENT ON COLUMN haops.statement_run.started_at IS
'start of that server: another one has other counters; since 1.0';
COMMENT ON COLUMN haops.statement_run.evictions IS
'pg_stat_statements_info.dealloc then; since 1.0';
COMMENT ON COLUMN haops.statement_run.reset_at IS
'its stats_reset then; since 1.0';

CREATE TABLE haops.statement_last (
	userid oid NOT NULL, toplevel boolean NOT NULL, queryid bigint NOT NULL, counted_since timestamptz,
	calls bigint NOT NULL, rows bigint NOT NULL, exec_ms double precision NOT NULL,
	plan_ms double precision NOT NULL, blocks_hit bigint NOT NULL, blocks_read bigint NOT NULL, blocks_dirtied bigint
		NOT NULL,
	temp_blocks bigint NOT NULL, wal_bytes numeric NOT NULL,
	PRIMARY KEY (queryid, userid, toplevel));
COMMENT ON TABLE haops.statement_last IS 'the counters of this database at the last take; since 1.0';
COMMENT ON COLUMN haops.statement_last.userid IS
'pg_authid.oid; since 1.0';
COMMENT ON COLUMN haops.statement_last.toplevel IS
'false: run by a function; since 1.0';
COMMENT ON COLUMN haops.statement_last.queryid IS
'as in pg_stat_statements; since 1.0';
COMMENT ON COLUMN haops.statement_last.counted_since IS
'stats_since; NULL before version 1.11; since 1.0';
COMMENT ON COLUMN haops.statement_last.calls IS
'runs; since 1.0';
COMMENT ON COLUMN haops.statement_last.rows IS
'rows returned or changed; since 1.0';
COMMENT ON COLUMN haops.statement_last.exec_ms IS
'time executing, in ms; since 1.0';
COMMENT ON COLUMN haops.statement_last.plan_ms IS
'time planning, in ms; 0 unless pg_stat_statements.track_planning is on; since 1.0';
COMMENT ON COLUMN haops.statement_last.blocks_hit IS
'shared pages found in shared buffers; since 1.0';
COMMENT ON COLUMN haops.statement_last.blocks_read IS
'shared pages asked of the kernel; since 1.0';
COMMENT ON COLUMN haops.statement_last.blocks_dirtied IS
'shared pages dirtied; since 1.0';
COMMENT ON COLUMN haops.statement_last.temp_blocks IS
'pages of temporary files read and written; since 1.0';
COMMENT ON COLUMN haops.statement_last.wal_bytes IS
'WAL written; since 1.0';

CREATE TABLE haops.statement_sample (
	taken_at timestamptz NOT NULL, since timestamptz NOT NULL, userid oid NOT NULL, toplevel boolean NOT NULL, queryid
		bigint NOT NULL,
	partial boolean NOT NULL,
	calls bigint NOT NULL, rows bigint NOT NULL, exec_ms double precision NOT NULL,
	plan_ms double precision NOT NULL, blocks_hit bigint NOT NULL, blocks_read bigint NOT NULL, blocks_dirtied bigint
		NOT NULL,
	temp_blocks bigint NOT NULL, wal_bytes numeric NOT NULL);
CREATE INDEX statement_sample_taken_at ON haops.statement_sample USING brin (taken_at);
COMMENT ON TABLE haops.statement_sample IS 'what each statement of this database added between two takes; since 1.0';
COMMENT ON COLUMN haops.statement_sample.taken_at IS
'the later take; since 1.0';
COMMENT ON COLUMN haops.statement_sample.since IS
'the earlier take; since 1.0';
COMMENT ON COLUMN haops.statement_sample.userid IS
'pg_authid.oid; since 1.0';
COMMENT ON COLUMN haops.statement_sample.toplevel IS
'false: run by a function; since 1.0';
COMMENT ON COLUMN haops.statement_sample.queryid IS
'as in pg_stat_statements; since 1.0';
COMMENT ON COLUMN haops.statement_sample.partial IS
'counters began anew in between: it may be more; since 1.0';
COMMENT ON COLUMN haops.statement_sample.calls IS
'runs; since 1.0';
COMMENT ON COLUMN haops.statement_sample.rows IS
'rows returned or changed; since 1.0';
COMMENT ON COLUMN haops.statement_sample.exec_ms IS
'time executing, in ms; since 1.0';
COMMENT ON COLUMN haops.statement_sample.plan_ms IS
'time planning, in ms; 0 unless pg_stat_statements.track_planning is on; since 1.0';
COMMENT ON COLUMN haops.statement_sample.blocks_hit IS
'shared pages found in shared buffers; since 1.0';
COMMENT ON COLUMN haops.statement_sample.blocks_read IS
'shared pages asked of the kernel; since 1.0';
COMMENT ON COLUMN haops.statement_sample.blocks_dirtied IS
'shared pages dirtied; since 1.0';
COMMENT ON COLUMN haops.statement_sample.temp_blocks IS
'pages of temporary files read and written; since 1.0';
COMMENT ON COLUMN haops.statement_sample.wal_bytes IS
'WAL written; since 1.0';

CREATE TABLE haops.statement_text (queryid bigint PRIMARY KEY, seen_at timestamptz NOT NULL, query text);
COMMENT ON TABLE haops.statement_text IS 'the texts of the statements in the samples, each once; since 1.0';
COMMENT ON COLUMN haops.statement_text.queryid IS
'as in pg_stat_statements; since 1.0';
COMMENT ON COLUMN haops.statement_text.seen_at IS
'when it came here; since 1.0';
COMMENT ON COLUMN haops.statement_text.query IS
'normalized text; since 1.0';

CREATE VIEW haops.statement_texts AS
	SELECT t.queryid, CASE WHEN pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN t.query END AS query
	FROM haops.statement_text t;
COMMENT ON VIEW haops.statement_texts IS 'the texts kept with the samples; since 1.0';
COMMENT ON COLUMN haops.statement_texts.queryid IS
'as in pg_stat_statements; since 1.0';
COMMENT ON COLUMN haops.statement_texts.query IS
'normalized text; NULL: not for the caller; since 1.0';

-- An entry goes on where it began when the last take saw it, or, where that is not said, when nothing became less. All
-- that was thrown out, or reset, and came back has to be counted from nothing, and is partial.
CREATE FUNCTION haops.statement_take()
RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	last haops.statement_run;
	info record;
	now_at timestamptz := clock_timestamp();
	same boolean;
	oldest timestamptz := now_at - make_interval(secs => coalesce(
		(SELECT p.setting FROM pg_settings p WHERE p.name = 'pg_haops.sample_retention'), '604800')::float8);
BEGIN
	PERFORM FROM pg_extension e WHERE e.extname = 'pg_stat_statements';
	IF NOT FOUND THEN
		RETURN;
	END IF;
	LOCK TABLE haops.statement_run IN SHARE ROW EXCLUSIVE MODE;
	SELECT * INTO last FROM haops.statement_run;
	SELECT * INTO info FROM haops.statement_counters_info();
	same := last.evictions = info.evictions AND last.reset_at IS NOT DISTINCT FROM info.reset_at;
	IF last.started_at IS DISTINCT FROM pg_postmaster_start_time() THEN
		DELETE FROM haops.statement_last;
	END IF;

	-- All parts see the table as it was before.
	WITH now AS MATERIALIZED (
	SELECT r.userid, coalesce(r.toplevel, true) AS toplevel, r.queryid, r.stats_since AS counted_since, r.calls, r.rows,
		r.total_exec_time AS exec_ms, r.total_plan_time AS plan_ms, r.shared_blks_hit AS blocks_hit,
		r.shared_blks_read AS blocks_read, r.shared_blks_dirtied AS blocks_dirtied,
		r.temp_blks_read + r.temp_blks_written AS temp_blocks, r.wal_bytes
	FROM haops.statement_counters(false) AS s(counters)
	CROSS JOIN LATERAL jsonb_to_record(s.counters) AS r(userid oid, dbid oid, toplevel boolean, queryid bigint,
		calls bigint, rows bigint, total_exec_time double precision, total_plan_time double precision,
		shared_blks_hit bigint, shared_blks_read bigint, shared_blks_dirtied bigint, temp_blks_read bigint,
		temp_blks_written bigint, wal_bytes numeric, stats_since timestamptz)
	WHERE r.dbid = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()) AND r.queryid IS NOT NULL),
	added AS (
	INSERT INTO haops.statement_sample (taken_at, since, userid, toplevel, queryid, partial, calls, rows, exec_ms,
		plan_ms, blocks_hit, blocks_read, blocks_dirtied, temp_blocks, wal_bytes)
	SELECT now_at, last.taken_at, n.userid, n.toplevel, n.queryid,
		CASE WHEN n.counted_since IS NULL OR l.queryid IS NULL THEN NOT coalesce(same, false) OR (l.queryid IS NOT NULL
			AND NOT k.goes_on) ELSE NOT k.goes_on END,
		n.calls - CASE WHEN k.goes_on THEN l.calls ELSE 0 END,
		n.rows - CASE WHEN k.goes_on THEN l.rows ELSE 0 END,
		n.exec_ms - CASE WHEN k.goes_on THEN l.exec_ms ELSE 0 END,
		n.plan_ms - CASE WHEN k.goes_on THEN l.plan_ms ELSE 0 END,
		n.blocks_hit - CASE WHEN k.goes_on THEN l.blocks_hit ELSE 0 END,
		n.blocks_read - CASE WHEN k.goes_on THEN l.blocks_read ELSE 0 END,
		n.blocks_dirtied - CASE WHEN k.goes_on THEN l.blocks_dirtied ELSE 0 END,
		n.temp_blocks - CASE WHEN k.goes_on THEN l.temp_blocks ELSE 0 END,
		n.wal_bytes - CASE WHEN k.goes_on THEN l.wal_bytes ELSE 0 END
	FROM now n LEFT JOIN haops.statement_last l USING (queryid, userid, toplevel)
	CROSS JOIN LATERAL (SELECT l.queryid IS NOT NULL AND l.counted_since IS NOT DISTINCT FROM n.counted_since
			AND n.calls >= l.calls AND n.rows >= l.rows AND n.exec_ms >= l.exec_ms
			AND n.plan_ms >= l.plan_ms AND n.blocks_hit >= l.blocks_hit AND n.blocks_read >= l.blocks_read AND
				n.blocks_dirtied >= l.blocks_dirtied
			AND n.temp_blocks >= l.temp_blocks AND n.wal_bytes >= l.wal_bytes AS goes_on) AS k
	WHERE last.started_at = pg_postmaster_start_time() AND NOT (k.goes_on AND n.calls = l.calls)),
	gone AS (
	DELETE FROM haops.statement_last l WHERE NOT EXISTS (SELECT FROM now n
		WHERE (n.queryid, n.userid, n.toplevel) = (l.queryid, l.userid, l.toplevel)))
	INSERT INTO haops.statement_last AS l (userid, toplevel, queryid, counted_since, calls, rows, exec_ms, plan_ms,
		blocks_hit, blocks_read, blocks_dirtied, temp_blocks, wal_bytes)
	SELECT userid, toplevel, queryid, counted_since, calls, rows, exec_ms, plan_ms, blocks_hit, blocks_read,
		blocks_dirtied, temp_blocks, wal_bytes
	FROM now
	ON CONFLICT (queryid, userid, toplevel) DO UPDATE SET counted_since = excluded.counted_since, calls =
		excluded.calls, rows = excluded.rows, exec_ms = excluded.exec_ms, plan_ms = excluded.plan_ms,
		blocks_hit = excluded.blocks_hit, blocks_read = excluded.blocks_read, blocks_dirtied = excluded.blocks_dirtied,
		temp_blocks = excluded.temp_blocks, wal_bytes = excluded.wal_bytes
	WHERE (l.calls, l.exec_ms, l.counted_since) IS DISTINCT FROM
		(excluded.calls, excluded.exec_ms, excluded.counted_since);
	DELETE FROM haops.statement_run;
	INSERT INTO haops.statement_run VALUES (now_at, pg_postmaster_start_time(), info.evictions, info.reset_at);

	-- Texts cost much more than counters: they are read when there is a statement without one.
	IF EXISTS (SELECT FROM haops.statement_last l WHERE NOT EXISTS (
			SELECT FROM haops.statement_text t WHERE t.queryid = l.queryid)) THEN
		INSERT INTO haops.statement_text
		SELECT DISTINCT ON (r.queryid) r.queryid, now_at, r.query
		FROM haops.statement_counters(true) AS s(counters)
		CROSS JOIN LATERAL jsonb_to_record(s.counters) AS r(queryid bigint, query text)
		WHERE r.queryid IN (SELECT l.queryid FROM haops.statement_last l)
		ON CONFLICT (queryid) DO NOTHING;
	END IF;
	DELETE FROM haops.statement_sample s WHERE s.taken_at < oldest;
	DELETE FROM haops.statement_text t WHERE t.seen_at < oldest
		AND NOT EXISTS (SELECT FROM haops.statement_last l WHERE l.queryid = t.queryid)
		AND t.queryid NOT IN (SELECT s.queryid FROM haops.statement_sample s);
END
$$;
COMMENT ON FUNCTION haops.statement_take() IS
'takes what statements added into haops.statement_sample, and removes old samples; since 1.0';

CREATE FUNCTION haops.statement_activity(over interval DEFAULT '1 hour',
	OUT "user" text, OUT queryid bigint, OUT toplevel boolean, OUT calls bigint, OUT calls_per_s double precision,
	OUT total_ms double precision, OUT mean_ms double precision, OUT share_percent double precision, OUT rows bigint,
	OUT blocks_hit bigint, OUT blocks_read bigint, OUT blocks_dirtied bigint, OUT temp_blocks bigint,
	OUT wal_bytes numeric, OUT since timestamptz, OUT until timestamptz, OUT partial boolean, OUT query text)
RETURNS SETOF record
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
	WITH span AS (
		SELECT min(s.since) AS since, max(s.taken_at) AS until FROM haops.statement_sample s
		WHERE s.taken_at > clock_timestamp() - over),
	added AS (
		SELECT s.userid, s.queryid, s.toplevel, sum(s.calls)::bigint AS calls, sum(s.exec_ms + s.plan_ms) AS total_ms,
			sum(s.rows)::bigint AS rows, sum(s.blocks_hit)::bigint AS blocks_hit,
			sum(s.blocks_read)::bigint AS blocks_read, sum(s.blocks_dirtied)::bigint AS blocks_dirtied,
			sum(s.temp_blocks)::bigint AS temp_blocks, sum(s.wal_bytes) AS wal_bytes, bool_or(s.partial) AS partial
		FROM haops.statement_sample s WHERE s.taken_at > clock_timestamp() - over
		GROUP BY s.userid, s.queryid, s.toplevel)
	SELECT a.userid::regrole::text, a.queryid, a.toplevel, a.calls,
		a.calls / nullif(extract(epoch FROM p.until - p.since)::float8, 0), a.total_ms, a.total_ms / nullif(a.calls, 0),
		100 * a.total_ms / nullif(sum(a.total_ms) OVER (), 0), a.rows, a.blocks_hit, a.blocks_read, a.blocks_dirtied,
		a.temp_blocks, a.wal_bytes, p.since, p.until, a.partial, t.query
	FROM added a CROSS JOIN span p LEFT JOIN haops.statement_texts t USING (queryid)
	ORDER BY a.total_ms DESC
$$;
COMMENT ON FUNCTION haops.statement_activity(interval) IS
'what the statements of this database cost over the last so long, from samples; partial: it may be more; since 1.0';

GRANT SELECT ON haops.slow_statements, haops.statement_run, haops.statement_last, haops.statement_sample,
	haops.statement_texts TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.statement_counters(boolean), haops.statement_counters_info(),
	haops.statement_activity(interval) TO pg_monitor, haops_operator;
