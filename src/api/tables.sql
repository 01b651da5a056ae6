-- tables.sql: sizes and statistics of all tables, without opening or locking any of them.

CREATE FUNCTION haops.table_sizes(
	OUT relation oid, OUT table_bytes bigint, OUT toast_bytes bigint, OUT index_bytes bigint, OUT indexes integer)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 10000
AS 'MODULE_PATHNAME', 'ha_api_table_sizes';
COMMENT ON FUNCTION haops.table_sizes() IS 'source of the sizes in haops.table_stats; since 1.0';

CREATE VIEW haops.table_stats AS
	SELECT n.nspname AS schema, c.relname AS "table", c.oid AS relation,
		s.table_bytes + coalesce(s.toast_bytes, 0) + s.index_bytes AS total_bytes,
		s.table_bytes, s.toast_bytes, s.index_bytes, s.indexes,
		nullif(c.reltuples, -1)::bigint AS rows_estimated,
		pg_catalog.pg_stat_get_live_tuples(c.oid) AS live_rows,
		pg_catalog.pg_stat_get_dead_tuples(c.oid) AS dead_rows,
		pg_catalog.pg_stat_get_mod_since_analyze(c.oid) AS changed_since_analyze,
		pg_catalog.pg_stat_get_ins_since_vacuum(c.oid) AS inserted_since_vacuum,
		pg_catalog.pg_stat_get_numscans(c.oid) AS sequential_scans,
		pg_catalog.pg_stat_get_tuples_returned(c.oid) AS sequential_rows,
		pg_catalog.pg_stat_get_tuples_inserted(c.oid) AS inserted,
		pg_catalog.pg_stat_get_tuples_updated(c.oid) AS updated,
		pg_catalog.pg_stat_get_tuples_hot_updated(c.oid) AS hot_updated,
		pg_catalog.pg_stat_get_tuples_deleted(c.oid) AS deleted,
		greatest(pg_catalog.pg_stat_get_last_vacuum_time(c.oid),
			pg_catalog.pg_stat_get_last_autovacuum_time(c.oid)) AS last_vacuum,
		greatest(pg_catalog.pg_stat_get_last_analyze_time(c.oid),
			pg_catalog.pg_stat_get_last_autoanalyze_time(c.oid)) AS last_analyze
	FROM pg_catalog.pg_class c
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	JOIN haops.table_sizes() s ON s.relation = c.oid
	WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_';
COMMENT ON VIEW haops.table_stats IS
'sizes and statistics of each table and materialized view of this database, but temporary ones and the system''s own;
what is counted begins anew after a crash and on each server; since 1.0';
COMMENT ON COLUMN haops.table_stats.schema IS 'its schema; since 1.0';
COMMENT ON COLUMN haops.table_stats."table" IS 'its name; since 1.0';
COMMENT ON COLUMN haops.table_stats.relation IS 'pg_class.oid; since 1.0';
COMMENT ON COLUMN haops.table_stats.total_bytes IS 'table, TOAST and indexes; since 1.0';
COMMENT ON COLUMN haops.table_stats.table_bytes IS 'the table alone, with its maps; since 1.0';
COMMENT ON COLUMN haops.table_stats.toast_bytes IS 'its TOAST table with its index; NULL: it has none; since 1.0';
COMMENT ON COLUMN haops.table_stats.index_bytes IS 'all its indexes; since 1.0';
COMMENT ON COLUMN haops.table_stats.indexes IS 'number of its indexes; since 1.0';
COMMENT ON COLUMN haops.table_stats.rows_estimated IS
'rows as the planner knows them; NULL: never vacuumed nor analyzed; since 1.0';
COMMENT ON COLUMN haops.table_stats.live_rows IS 'rows as the statistics count them; since 1.0';
COMMENT ON COLUMN haops.table_stats.dead_rows IS
'row versions that nobody needs, as the statistics count them; since 1.0';
COMMENT ON COLUMN haops.table_stats.changed_since_analyze IS 'rows changed since it was last analyzed; since 1.0';
COMMENT ON COLUMN haops.table_stats.inserted_since_vacuum IS 'rows inserted since it was last vacuumed; since 1.0';
COMMENT ON COLUMN haops.table_stats.sequential_scans IS 'sequential scans begun; since 1.0';
COMMENT ON COLUMN haops.table_stats.sequential_rows IS 'rows read by them; since 1.0';
COMMENT ON COLUMN haops.table_stats.inserted IS 'rows inserted; since 1.0';
COMMENT ON COLUMN haops.table_stats.updated IS 'rows updated; since 1.0';
COMMENT ON COLUMN haops.table_stats.hot_updated IS 'of these, without a new index entry; since 1.0';
COMMENT ON COLUMN haops.table_stats.deleted IS 'rows deleted; since 1.0';
COMMENT ON COLUMN haops.table_stats.last_vacuum IS 'last vacuum, by hand or by autovacuum, not FULL; since 1.0';
COMMENT ON COLUMN haops.table_stats.last_analyze IS 'last analyze, by hand or by autovacuum; since 1.0';

GRANT SELECT ON haops.table_stats TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.table_sizes() TO pg_monitor, haops_operator;
