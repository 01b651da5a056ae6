-- vacuum.sql: what autovacuum has to do, by the rules that it goes by itself.

CREATE FUNCTION haops.autovacuum_limits(
	OUT relation oid, OUT enabled boolean, OUT dead_limit double precision, OUT insert_limit double precision,
	OUT analyze_limit double precision, OUT freeze_limit bigint)
RETURNS SETOF record
LANGUAGE SQL STABLE PARALLEL RESTRICTED ROWS 1000
SET search_path = pg_catalog, pg_temp
AS $$
	WITH setting AS MATERIALIZED (
		SELECT current_setting('autovacuum')::boolean AS enabled,
			current_setting('autovacuum_vacuum_threshold')::float8 AS dead_base,
			current_setting('autovacuum_vacuum_scale_factor')::float8 AS dead_scale,
			coalesce(nullif(current_setting('autovacuum_vacuum_max_threshold', true), '-1')::float8, 'Infinity')
				AS dead_most,
			current_setting('autovacuum_vacuum_insert_threshold')::float8 AS insert_base,
			current_setting('autovacuum_vacuum_insert_scale_factor')::float8 AS insert_scale,
			current_setting('autovacuum_analyze_threshold')::float8 AS analyze_base,
			current_setting('autovacuum_analyze_scale_factor')::float8 AS analyze_scale,
			current_setting('autovacuum_freeze_max_age')::bigint AS freeze_age),
	option AS (
		SELECT c.oid, greatest(c.reltuples, 0)::float8 AS rows, c.relkind,
			(SELECT jsonb_object_agg(o.option_name, o.option_value)
				FROM pg_options_to_table(coalesce(c.reloptions, m.reloptions)) o) AS own
		FROM pg_class c
		LEFT JOIN pg_class m ON c.relkind = 't' AND m.reltoastrelid = c.oid
		WHERE c.relkind IN ('r', 'm', 't', 'p'))
	SELECT o.oid, s.enabled AND coalesce((o.own ->> 'autovacuum_enabled')::boolean, true),
		least(coalesce((o.own ->> 'autovacuum_vacuum_threshold')::float8, s.dead_base)
			+ coalesce((o.own ->> 'autovacuum_vacuum_scale_factor')::float8, s.dead_scale) * o.rows,
			coalesce(nullif(o.own ->> 'autovacuum_vacuum_max_threshold', '-1')::float8, s.dead_most)),
		nullif(coalesce((o.own ->> 'autovacuum_vacuum_insert_threshold')::float8, s.insert_base), -1)
			+ coalesce((o.own ->> 'autovacuum_vacuum_insert_scale_factor')::float8, s.insert_scale) * o.rows,
		CASE WHEN o.relkind <> 't' THEN coalesce((o.own ->> 'autovacuum_analyze_threshold')::float8, s.analyze_base)
			+ coalesce((o.own ->> 'autovacuum_analyze_scale_factor')::float8, s.analyze_scale) * o.rows END,
		least((o.own ->> 'autovacuum_freeze_max_age')::bigint, s.freeze_age)
	FROM option o, setting s
$$;
COMMENT ON FUNCTION haops.autovacuum_limits() IS
'from how many rows on autovacuum works on each table, by its own options and the settings; since 1.0';

CREATE VIEW haops.autovacuum_queue AS
	SELECT q.schema, q."table", q.relation, q.due, q.enabled, q.dead_rows, q.dead_limit::bigint AS dead_limit,
		round((q.dead_rows / nullif(q.dead_limit, 0))::numeric, 2) AS dead_ratio, q.last_vacuum, q.last_analyze,
		p.pid, p.phase, round(100.0 * p.heap_blks_scanned / nullif(p.heap_blks_total, 0), 1) AS scanned_percent, q.note
	FROM (
		SELECT n.nspname AS schema, coalesce(m.relname, c.relname) AS "table", c.oid AS relation, l.enabled,
			s.dead_rows, l.dead_limit, s.last_vacuum, s.last_analyze,
			pg_catalog.array_remove(ARRAY[
				CASE WHEN c.relkind <> 'p' AND age(c.relfrozenxid) > l.freeze_limit THEN 'wraparound' END,
				CASE WHEN s.dead_rows > l.dead_limit THEN 'dead rows' END,
				CASE WHEN s.inserted_rows > l.insert_limit THEN 'inserted rows' END,
				CASE WHEN s.changed_rows > l.analyze_limit THEN 'analyze' END,
				CASE WHEN c.relkind = 'p' AND s.last_analyze IS NULL AND c.relhassubclass THEN 'analyze by hand' END],
				NULL) AS due,
			CASE WHEN c.relkind = 'p' THEN 'autovacuum never analyzes the parent of partitions'
				WHEN s.dead_rows IS NULL AND c.oid >= 16384
					THEN 'statistics were lost, in a crash or by a reset: unknown until the next VACUUM'
				WHEN c.relkind = 't' THEN 'its TOAST table'
				WHEN NOT l.enabled THEN 'autovacuum is off' END AS note
		FROM pg_catalog.pg_class c
		JOIN haops.autovacuum_limits() l ON l.relation = c.oid
		LEFT JOIN pg_catalog.pg_class m ON c.relkind = 't' AND m.reltoastrelid = c.oid
		JOIN pg_catalog.pg_namespace n ON n.oid = coalesce(m.relnamespace, c.relnamespace)
		CROSS JOIN LATERAL (
			SELECT greatest(pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
					pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)) AS last_vacuum,
				greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid),
					pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)) AS last_analyze,
				pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead,
				pg_catalog.pg_stat_get_live_tuples(c.oid) AS live,
				pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) AS inserted_rows,
				pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS changed_rows) AS t
		CROSS JOIN LATERAL (
			SELECT t.last_vacuum, t.last_analyze, t.inserted_rows, t.changed_rows,
				CASE WHEN c.relkind = 'p' OR t.live + t.dead = 0 AND c.reltuples > 0 AND t.last_vacuum IS NULL
						AND t.last_analyze IS NULL THEN NULL
					ELSE t.dead END AS dead_rows) AS s
		WHERE c.relpersistence <> 't') AS q
	LEFT JOIN pg_catalog.pg_stat_progress_vacuum p ON p.relid = q.relation
	WHERE q.due <> '{}' OR p.pid IS NOT NULL OR (q.dead_rows IS NULL AND q.note LIKE 'statistics%');
COMMENT ON VIEW haops.autovacuum_queue IS
'the tables of this database on which autovacuum has something to do, or would have if it were on, and those of which
that can''t be known; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.schema IS 'its schema; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue."table" IS 'its name; of a TOAST table that of its owner; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.relation IS 'pg_class.oid; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.due IS
'why: wraparound, dead rows, inserted rows, analyze; analyze by hand: nobody else does; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.enabled IS
'false: nothing will be done but against wraparound, by the setting or by the table''s own option; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.dead_rows IS
'row versions that nobody needs, as counted; NULL: the counters were lost; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.dead_limit IS 'from how many of them on it is vacuumed; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.dead_ratio IS 'dead_rows / dead_limit; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.last_vacuum IS 'last vacuum, by hand or not; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.last_analyze IS 'last analyze, by hand or not; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.pid IS 'who vacuums it now; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.phase IS 'of the vacuum that runs; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.scanned_percent IS 'of the pages, in its first phase; since 1.0';
COMMENT ON COLUMN haops.autovacuum_queue.note IS 'what is to be known; since 1.0';

GRANT SELECT ON haops.autovacuum_queue TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.autovacuum_limits() TO pg_monitor, haops_operator;
