-- VA1 every database is there, those too that nobody can connect to.
SELECT database, allows_connections, xid_age >= 0 AS xid, mxid_age >= 0 AS mxid, xid_percent < 1 AS far
FROM haops.wraparound WHERE database IN ('template0', 'template1') ORDER BY 1;

-- VA2 the TOAST table counts when it is older; VA3 so do multixacts.
CREATE TABLE regress_toasted (i int, t text);
SELECT count(*) FROM generate_series(1, 3) AS g, LATERAL (SELECT pg_current_xact_id()) AS x;
VACUUM FREEZE regress_toasted;
CREATE TABLE regress_toast_only (i int, t text);
SELECT pg_current_xact_id() IS NOT NULL AS one_more;
VACUUM (FREEZE, PROCESS_TOAST off) regress_toast_only;
SELECT "table", toast_is_older, xid_age > 0 AS aged, mxid_age >= 0 AS multi FROM haops.table_age
WHERE "table" IN ('regress_toasted', 'regress_toast_only') ORDER BY 1;

-- VA6 by reltuples and by the table's own options; a table on which autovacuum is off is named, too.
CREATE TABLE regress_due (i int) WITH (autovacuum_enabled = off);
INSERT INTO regress_due SELECT generate_series(1, 10000);
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE regress_due;
DELETE FROM regress_due WHERE i <= 2100;
CREATE TABLE regress_own (i int)
	WITH (autovacuum_enabled = off, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10);
INSERT INTO regress_own SELECT generate_series(1, 1000);
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE regress_own;
DELETE FROM regress_own WHERE i <= 11;
CREATE TABLE regress_quiet (i int);
INSERT INTO regress_quiet SELECT generate_series(1, 1000);
SELECT pg_stat_force_next_flush();
VACUUM ANALYZE regress_quiet;
SELECT pg_stat_force_next_flush();
SELECT "table", due, enabled, dead_rows, dead_limit, dead_ratio, note FROM haops.autovacuum_queue
WHERE "table" LIKE 'regress%' ORDER BY 1;

-- VA11 nobody vacuums the parent of partitions, and that is well; that nobody has analyzed it is not.
CREATE TABLE regress_parent (i int) PARTITION BY RANGE (i);
CREATE TABLE regress_part PARTITION OF regress_parent FOR VALUES FROM (0) TO (1000);
SELECT "table", due, note FROM haops.autovacuum_queue WHERE "table" = 'regress_parent';
ANALYZE regress_parent;
SELECT pg_stat_force_next_flush();
SELECT "table", due, note FROM haops.autovacuum_queue WHERE "table" = 'regress_parent';

-- VA8 the column behind the sequence decides; VA9 those that count down, cycle, or were never called.
CREATE SEQUENCE regress_big;
CREATE TABLE regress_fed (i integer DEFAULT nextval('regress_big'), s smallserial, b bigserial);
SELECT setval('regress_big', 2100000000);
CREATE SEQUENCE regress_down INCREMENT -1 MINVALUE -100 MAXVALUE -1;
SELECT setval('regress_down', -91);
CREATE SEQUENCE regress_cycle MAXVALUE 10 CYCLE;
SELECT setval('regress_cycle', 10);
CREATE SEQUENCE regress_new;
SELECT sequence, "column", last_value, "limit", percent, note FROM haops.sequences
WHERE sequence LIKE 'regress%' ORDER BY 1;

-- VA10 background processes are no connections.
SELECT name, used, "limit" = current_setting('max_connections')::int
	- current_setting('superuser_reserved_connections')::int
	- coalesce(current_setting('reserved_connections', true), '0')::int AS usable, active
FROM haops.connections WHERE scope = 'server';

-- The rest answers.
SELECT place, name, total_bytes > 0 AS total, free_bytes > 0 AS free, used_percent BETWEEN 0 AND 100 AS percent
FROM haops.disk_space ORDER BY 1;
SELECT timed >= 0 AS timed, requested >= 0 AS requested, done IS NULL OR done >= 0 AS done, since IS NOT NULL AS since
FROM haops.checkpoints;
SELECT tablespace, files >= 0 AS files FROM haops.temp_files;
SELECT count(*) FROM haops.checksum_failures WHERE failures > 0;
SELECT count(*) FROM haops.settings_pending;
SELECT count(*) FROM haops.extensions_outdated WHERE extension = 'pg_haops';
SELECT haops.health_take();
SELECT count(*) > 0 AS sampled FROM haops.health_sample;
SELECT count(*) FROM haops.cache_hit;

DROP TABLE regress_toasted, regress_toast_only, regress_due, regress_own, regress_quiet, regress_parent, regress_fed;
DROP SEQUENCE regress_big, regress_down, regress_cycle, regress_new;
