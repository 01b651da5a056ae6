-- Sizes by the files are what PostgreSQL's own functions say.
CREATE TABLE regress_sized (id integer PRIMARY KEY, t text);
INSERT INTO regress_sized SELECT i, repeat(md5(i::text), 400) FROM generate_series(1, 200) AS i;
ALTER TABLE regress_sized ALTER t SET STORAGE EXTERNAL;
INSERT INTO regress_sized SELECT i, repeat(md5(i::text), 400) FROM generate_series(201, 400) AS i;
CREATE INDEX ON regress_sized (md5(t));
CREATE UNLOGGED TABLE regress_unlogged AS SELECT 1 AS i;
CREATE TEMP TABLE regress_temporary AS SELECT 1 AS i;
VACUUM ANALYZE regress_sized;

SELECT "table", total_bytes = pg_total_relation_size(relation) AS total, indexes,
	table_bytes = pg_table_size(relation) - toast_bytes AS alone, index_bytes = pg_indexes_size(relation) AS of_indexes,
	toast_bytes > 2000000 AS toast, rows_estimated, last_vacuum IS NOT NULL AS vacuumed
FROM haops.table_stats WHERE "table" LIKE 'regress%' ORDER BY 1;

-- A mapped relation has its number elsewhere.
SELECT table_bytes = pg_table_size('pg_class') AS same FROM haops.table_sizes() WHERE relation = 'pg_class'::regclass;

-- Nobody waits for a table that somebody has locked.
BEGIN;
LOCK TABLE regress_sized IN ACCESS EXCLUSIVE MODE;
SELECT count(*) FROM haops.table_stats WHERE "table" = 'regress_sized';
SELECT mode FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'regress_sized'::regclass;
COMMIT;
DROP TABLE regress_sized, regress_unlogged, regress_temporary;
