-- Bloat: what is known for certain of small relations, whose pages are all read. The truth on larger ones and what
-- takes several sessions stand in test/t/110_bloat.pl.
CREATE FUNCTION regress_bloat(relation regclass, of_part text)
RETURNS TABLE (reclaimable double precision, by text, verdict text, method text, dead bigint, dropped bigint,
	reserve bigint, deleted bigint, note text) LANGUAGE sql AS $$
	SELECT reclaimable_percent, reclaimable_by, verdict, method, dead_bytes, dropped_column_bytes,
		fillfactor_reserve_bytes, deleted_pages_bytes, note
	FROM haops.relation_bloat(relation) WHERE part = of_part
$$;

-- BL1 alignment between columns is no bloat
CREATE TABLE regress_padded (a bool, b bigint, c bool, d bigint, e bool, f bigint) WITH (autovacuum_enabled = off);
INSERT INTO regress_padded SELECT true, g, false, g, true, g FROM generate_series(1, 50000) AS g;
VACUUM ANALYZE regress_padded;
SELECT reclaimable < 2 AS none, by, verdict, method FROM regress_bloat('regress_padded', 'table');
SELECT reclaimable_percent < 2 AS none, verdict, padding_bytes = 50000 * 21 AS padding, method
FROM haops.table_bloat WHERE relation = 'regress_padded'::regclass;
SELECT padding_bytes = 50000 * 21 AS padding FROM haops.relation_bloat('regress_padded') WHERE part = 'table';

-- BL2 a dropped column goes with a rewrite, not with VACUUM
CREATE TABLE regress_dropped (id int, t text, n int) WITH (autovacuum_enabled = off);
INSERT INTO regress_dropped SELECT g, md5(g::text), g FROM generate_series(1, 30000) AS g;
ALTER TABLE regress_dropped DROP t;
VACUUM ANALYZE regress_dropped;
SELECT reclaimable > 45 AS much, by, verdict, dead, dropped > 30000 * 32 AS dropped
FROM regress_bloat('regress_dropped', 'table');
SELECT dropped_columns, reclaimable_by, note FROM haops.table_bloat WHERE relation = 'regress_dropped'::regclass;
VACUUM FULL regress_dropped;
SELECT reclaimable, dropped FROM regress_bloat('regress_dropped', 'table');

-- BL3 the reserve of the fillfactor is no bloat
CREATE TABLE regress_filled (id int, t text) WITH (fillfactor = 50, autovacuum_enabled = off);
INSERT INTO regress_filled SELECT g, md5(g::text) FROM generate_series(1, 30000) AS g;
VACUUM ANALYZE regress_filled;
SELECT reclaimable < 1 AS none, by, verdict, reserve > 1500000 AS reserve FROM regress_bloat('regress_filled', 'table');
SELECT reclaimable_percent < 1 AS none, verdict FROM haops.table_bloat WHERE relation = 'regress_filled'::regclass;

-- BL4 what was never vacuumed nor analyzed is not estimated, but can be read
CREATE TABLE regress_new (id int, t text) WITH (autovacuum_enabled = off);
INSERT INTO regress_new SELECT g, md5(g::text) FROM generate_series(1, 1000) AS g;
SELECT bytes, expected_bytes, reclaimable_bytes, reclaimable_percent, verdict, method, note
FROM haops.table_bloat WHERE relation = 'regress_new'::regclass;
SELECT reclaimable, verdict, method FROM regress_bloat('regress_new', 'table');
-- and neither is one with a column without statistics
ALTER TABLE regress_new ALTER t SET STATISTICS 0;
ANALYZE regress_new;
SELECT reclaimable_percent, verdict, method, note FROM haops.table_bloat WHERE relation = 'regress_new'::regclass;

-- BL5 duplicates are merged in a fresh index, and again when it is rebuilt
CREATE TABLE regress_dedup (id int, d int) WITH (autovacuum_enabled = off);
INSERT INTO regress_dedup SELECT g, g % 10 FROM generate_series(1, 200000) AS g;
CREATE INDEX regress_dedup_d ON regress_dedup (d);
CREATE INDEX regress_dedup_id ON regress_dedup (id);
VACUUM ANALYZE regress_dedup;
SELECT reclaimable, verdict FROM regress_bloat('regress_dedup_d', 'index');
SELECT reclaimable_percent BETWEEN 0 AND 2 AS none FROM haops.index_bloat WHERE relation = 'regress_dedup_d'::regclass;
DELETE FROM regress_dedup WHERE id % 5 <> 0;
VACUUM ANALYZE regress_dedup;
SELECT reclaimable BETWEEN 76 AND 82 AS right, by, verdict FROM regress_bloat('regress_dedup_d', 'index');
SELECT reclaimable_percent BETWEEN 60 AND 85 AS right, verdict
FROM haops.index_bloat WHERE relation = 'regress_dedup_d'::regclass;

-- BL6 deleted pages count, although the leaves that are left are full
CREATE TABLE regress_queue (id int) WITH (autovacuum_enabled = off);
INSERT INTO regress_queue SELECT g FROM generate_series(1, 100000) AS g;
CREATE INDEX regress_queue_id ON regress_queue (id);
DELETE FROM regress_queue WHERE id <= 80000;
VACUUM regress_queue;
SELECT reclaimable BETWEEN 78 AND 82 AS right, by, verdict, deleted > 1700000 AS deleted
FROM regress_bloat('regress_queue_id', 'index');

-- BL7 what comes in no order leaves an index at seventy percent, and that is well
CREATE TABLE regress_random (id text) WITH (autovacuum_enabled = off);
CREATE INDEX regress_random_id ON regress_random (id);
INSERT INTO regress_random SELECT md5(g::text) FROM generate_series(1, 50000) AS g;
SELECT reclaimable BETWEEN 15 AND 30 AS right, verdict FROM regress_bloat('regress_random_id', 'index');

-- BL8 every kind of index is there, sampled or said not to be estimated
CREATE TABLE regress_kinds (id int, a int[], p point, n name, t text, j jsonb) WITH (autovacuum_enabled = off);
INSERT INTO regress_kinds SELECT g, ARRAY[g, g % 10], point(g, g % 100), 'n' || g, md5(g::text)
FROM generate_series(1, 3000) AS g;
CREATE INDEX regress_kinds_brin ON regress_kinds USING brin (id);
CREATE INDEX regress_kinds_btree ON regress_kinds (id);
CREATE INDEX regress_kinds_expression ON regress_kinds ((id * 2));
CREATE INDEX regress_kinds_gin ON regress_kinds USING gin (a);
CREATE INDEX regress_kinds_gist ON regress_kinds USING gist (p);
CREATE INDEX regress_kinds_hash ON regress_kinds USING hash (id);
CREATE INDEX regress_kinds_include ON regress_kinds (id) INCLUDE (t);
CREATE INDEX regress_kinds_name ON regress_kinds (n);
CREATE INDEX regress_kinds_spgist ON regress_kinds USING spgist (p);
SELECT CASE WHEN part !~ 'toast' THEN relation END AS relation, part, access_method,
	reclaimable_percent IS NOT NULL AS known, method
FROM haops.relation_bloat('regress_kinds') ORDER BY part, relation::text COLLATE "C";
SELECT index, method, note FROM haops.index_bloat WHERE "table" = 'regress_kinds' ORDER BY index COLLATE "C";
VACUUM ANALYZE regress_kinds;
SELECT index, reclaimable_percent < 5 AS none, method, note FROM haops.index_bloat
WHERE "table" = 'regress_kinds' ORDER BY index COLLATE "C";
INSERT INTO regress_kinds SELECT g, ARRAY[g, g % 10], point(g, g), 'n' || g FROM generate_series(1, 30000) AS g;
ANALYZE regress_kinds;
SELECT relation, note ~ '^about \d+ (bytes wait in the pending list|of \d+ ranges are not summarized)$' AS note
FROM haops.relation_bloat('regress_kinds') WHERE note IS NOT NULL ORDER BY relation::text COLLATE "C";

-- BL9 TOAST is measured as a relation of its own, and added to the table
CREATE TABLE regress_toast (id int, v text) WITH (autovacuum_enabled = off);
ALTER TABLE regress_toast ALTER v SET STORAGE external;
INSERT INTO regress_toast SELECT g, repeat(md5(g::text), 70) FROM generate_series(1, 2000) AS g;
SELECT reclaimable < 1 AS none FROM regress_bloat('regress_toast', 'toast');
DELETE FROM regress_toast WHERE id % 2 = 0;
VACUUM ANALYZE regress_toast;
SELECT part, reclaimable_percent BETWEEN 45 AND 52 AS right, verdict
FROM haops.relation_bloat('regress_toast') WHERE part <> 'toast index' ORDER BY part;
SELECT (SELECT sum(bytes) FROM haops.relation_bloat('regress_toast') WHERE part <> 'total')
	= (SELECT bytes FROM haops.relation_bloat('regress_toast') WHERE part = 'total') AS added;
SELECT toast_bytes > 4000000 AS toast, toast_reclaimable_bytes > 1000000 AS reclaimable
FROM haops.table_bloat WHERE relation = 'regress_toast'::regclass;

-- BL10 a partitioned table or index is the sum of its partitions
CREATE TABLE regress_parts (id int, t text) PARTITION BY RANGE (id);
CREATE TABLE regress_parts_1 PARTITION OF regress_parts FOR VALUES FROM (0) TO (10000) WITH (autovacuum_enabled = off);
CREATE TABLE regress_parts_2 PARTITION OF regress_parts FOR VALUES FROM (10000) TO (20001)
WITH (autovacuum_enabled = off);
CREATE INDEX regress_parts_id ON regress_parts (id);
INSERT INTO regress_parts SELECT g, md5(g::text) FROM generate_series(1, 20000) AS g;
DELETE FROM regress_parts WHERE id % 2 = 0;
VACUUM ANALYZE regress_parts;
SELECT part, method, verdict, reclaimable_percent BETWEEN 45 AND 52 AS right, note
FROM haops.relation_bloat('regress_parts');
SELECT (SELECT bytes FROM haops.relation_bloat('regress_parts')) =
	(SELECT sum(bytes) FROM pg_partition_tree('regress_parts') AS p, haops.relation_bloat(p.relid) AS b
	WHERE p.isleaf AND b.part = 'total') AS summed;
SELECT part, method, bytes > 0 AS bytes FROM haops.relation_bloat('regress_parts_id');
SELECT "table", method, note, bytes > 0 AS bytes FROM haops.table_bloat WHERE "table" ~ '^regress_parts'
ORDER BY "table" COLLATE "C";

-- BL11 what is smaller than 1 MB is never bloated
CREATE TABLE regress_small (id int) WITH (autovacuum_enabled = off);
INSERT INTO regress_small SELECT g FROM generate_series(1, 20000) AS g;
DELETE FROM regress_small WHERE id < 19990;
VACUUM ANALYZE regress_small;
SELECT reclaimable > 90 AS much, verdict FROM regress_bloat('regress_small', 'table');
SELECT reclaimable_percent > 90 AS much, verdict FROM haops.table_bloat WHERE relation = 'regress_small'::regclass;

-- What is dead is for VACUUM; then it is free, and for a rewrite. An empty table is nothing.
CREATE TABLE regress_dead (id int, t text) WITH (autovacuum_enabled = off);
SELECT reclaimable, verdict, method FROM regress_bloat('regress_dead', 'table');
INSERT INTO regress_dead SELECT g, md5(g::text) FROM generate_series(1, 30000) AS g;
CREATE INDEX regress_dead_id ON regress_dead (id);
DELETE FROM regress_dead WHERE id % 2 = 0;
SELECT reclaimable, note FROM regress_bloat('regress_dead', 'index');
SELECT reclaimable BETWEEN 49 AND 51 AS right, by, dead > 900000 AS dead FROM regress_bloat('regress_dead', 'table');
VACUUM regress_dead;
SELECT reclaimable > 45 AS much, note FROM regress_bloat('regress_dead', 'index');
SELECT reclaimable BETWEEN 49 AND 51 AS right, by, dead FROM regress_bloat('regress_dead', 'table');

-- A row that was inserted by a transaction that failed is dead, one that is being inserted is not.
CREATE TABLE regress_failed (id int) WITH (autovacuum_enabled = off);
BEGIN;
INSERT INTO regress_failed SELECT g FROM generate_series(1, 1000) AS g;
SELECT dead FROM regress_bloat('regress_failed', 'table');
SAVEPOINT one;
DELETE FROM regress_failed;
SELECT dead FROM regress_bloat('regress_failed', 'table');
ROLLBACK;
SELECT dead > 30000 AS dead FROM regress_bloat('regress_failed', 'table');

-- The columns add up to the size.
SELECT relation, part FROM pg_class AS c, haops.relation_bloat(c.oid) AS b
WHERE c.relname ~ '^regress_' AND c.relkind IN ('r', 'i', 'p') AND method <> 'skipped'
	AND abs(b.bytes - live_bytes - padding_bytes - dropped_column_bytes - dead_bytes - held_bytes - free_bytes
		- fillfactor_reserve_bytes - deleted_pages_bytes) > 8;

-- Bad input: what has no pages, or is not there.
CREATE VIEW regress_view AS SELECT 1 AS one;
CREATE SEQUENCE regress_sequence;
CREATE TYPE regress_type AS (a int);
CREATE FOREIGN DATA WRAPPER regress_wrapper;
CREATE SERVER regress_server FOREIGN DATA WRAPPER regress_wrapper;
CREATE FOREIGN TABLE regress_foreign (a int) SERVER regress_server;
SELECT relation, part, method, reclaimable_percent, note FROM
	unnest(ARRAY['regress_view', 'regress_sequence', 'regress_type', 'regress_foreign']::regclass[]) AS r,
	haops.relation_bloat(r);
SELECT method, note FROM haops.relation_bloat(4294967290);
SELECT count(*) FROM haops.relation_bloat(NULL);
CREATE TEMP TABLE regress_temp AS SELECT g FROM generate_series(1, 1000) AS g;
SELECT part, method FROM haops.relation_bloat('regress_temp');
DO $$ BEGIN EXECUTE 'CREATE TABLE regress_wide (' ||
	(SELECT string_agg(format('c%s int', g), ', ') FROM generate_series(1, 1600) AS g) || ')'; END $$;
INSERT INTO regress_wide (c1, c1600) SELECT g, g FROM generate_series(1, 100) AS g;
ANALYZE regress_wide;
SELECT method, reclaimable_percent < 10 AS none FROM haops.table_bloat WHERE "table" = 'regress_wide';
SELECT part, method, reclaimable_percent FROM haops.relation_bloat('regress_wide');

-- A member of pg_monitor sees others' tables.
CREATE ROLE regress_bloat_reader IN ROLE pg_monitor;
REVOKE ALL ON regress_padded FROM PUBLIC;
SET ROLE regress_bloat_reader;
SELECT reclaimable_percent < 2 AS none FROM haops.relation_bloat('regress_padded') WHERE part = 'table';
SELECT reclaimable_percent < 2 AS none FROM haops.table_bloat WHERE relation = 'regress_padded'::regclass;
SELECT count(*) > 0 AS some FROM haops.index_bloat WHERE "table" = 'regress_dedup';
RESET ROLE;

DROP ROLE regress_bloat_reader;
DROP FOREIGN DATA WRAPPER regress_wrapper CASCADE;
DROP VIEW regress_view;
DROP SEQUENCE regress_sequence;
DROP TYPE regress_type;
DROP TABLE regress_padded, regress_dropped, regress_filled, regress_new, regress_dedup, regress_queue, regress_random,
	regress_kinds, regress_toast, regress_parts, regress_small, regress_dead, regress_failed, regress_wide;
DROP FUNCTION regress_bloat(regclass, text);
