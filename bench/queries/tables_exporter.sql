-- What postgres_exporter's collector of user tables asks: the statistics view, and two sizes of each table.
SELECT current_database() AS datname, schemaname, relname, seq_scan, seq_tup_read, idx_scan, idx_tup_fetch, n_tup_ins,
	n_tup_upd, n_tup_del, n_tup_hot_upd, n_live_tup, n_dead_tup, n_mod_since_analyze, last_vacuum, last_autovacuum,
	last_analyze, last_autoanalyze, vacuum_count, autovacuum_count, analyze_count, autoanalyze_count,
	pg_indexes_size(relid) AS indexes_size, pg_table_size(relid) AS table_size
FROM pg_stat_user_tables
