-- tables.sql: sizes and statistics of all tables, without opening or locking any of them.

CREATE FUNCTION haops.relation_files(OUT tablespace oid, OUT filenode oid, OUT bytes bigint)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 100000
AS 'MODULE_PATHNAME', 'ha_api_relation_files';
COMMENT ON FUNCTION haops.relation_files() IS
'bytes of all forks and segments of each relation of this database, read from its directories; not of temporary tables;
since 1.0';

CREATE VIEW haops.relation_sizes AS
	SELECT c.oid AS relation, f.bytes
	FROM pg_catalog.pg_class c
	JOIN haops.relation_files() f ON f.filenode =
			CASE WHEN c.relfilenode = 0 THEN pg_catalog.pg_relation_filenode(c.oid) ELSE c.relfilenode END
		AND f.tablespace = CASE WHEN c.reltablespace <> 0 THEN c.reltablespace ELSE
			(SELECT d.dattablespace FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()) END
	WHERE c.relpersistence <> 't' AND c.relkind IN ('r', 't', 'i', 'm', 'S') AND NOT c.relisshared;
COMMENT ON VIEW haops.relation_sizes IS
'bytes on disk of each relation of this database; no relation is opened or locked for it; since 1.0';
COMMENT ON COLUMN haops.relation_sizes.relation IS 'pg_class.oid; since 1.0';
COMMENT ON COLUMN haops.relation_sizes.bytes IS 'all its files: data, free space map, visibility map; since 1.0';

CREATE VIEW haops.table_stats AS
	WITH size AS MATERIALIZED (SELECT * FROM haops.relation_sizes),
	index_size AS (
		SELECT i.indrelid AS relation, sum(s.bytes)::bigint AS bytes, count(*)::integer AS indexes
		FROM pg_catalog.pg_index i LEFT JOIN size s ON s.relation = i.indexrelid
		GROUP BY i.indrelid)
	SELECT n.nspname AS schema, c.relname AS "table", c.oid AS relation,
		s.bytes + coalesce(t.bytes + ti.bytes, 0) + coalesce(i.bytes, 0) AS total_bytes,
		s.bytes AS table_bytes, t.bytes + ti.bytes AS toast_bytes, coalesce(i.bytes, 0) AS index_bytes,
		coalesce(i.indexes, 0) AS indexes,
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
	LEFT JOIN size s ON s.relation = c.oid
	LEFT JOIN size t ON t.relation = c.reltoastrelid AND c.reltoastrelid <> 0
	LEFT JOIN index_size ti ON ti.relation = c.reltoastrelid AND c.reltoastrelid <> 0
	LEFT JOIN index_size i ON i.relation = c.oid
	WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't'
		AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_';
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

GRANT SELECT ON haops.relation_sizes, haops.table_stats TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.relation_files() TO pg_monitor, haops_operator;
