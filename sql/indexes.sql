-- Which of these indexes can go. Each case is a table of its own, named after its code; nothing else may be reported.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_haops;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE SCHEMA ix;
SET search_path = ix;

-- IX1 a shorter key
CREATE TABLE ix1 (a int, b int, c int);
CREATE INDEX ix1_a ON ix1 (a);
CREATE INDEX ix1_ab ON ix1 (a, b);
CREATE INDEX ix1_b ON ix1 (b);
-- IX2 a unique index is more than the beginning of a longer one
CREATE TABLE ix2 (a int, b int, PRIMARY KEY (a, b));
CREATE UNIQUE INDEX ix2_a ON ix2 (a);
-- IX3 constraints stay, their plain twins don't
CREATE TABLE ix3 (a int PRIMARY KEY, b int UNIQUE, c int4range, EXCLUDE USING gist (c WITH &&));
CREATE INDEX ix3_a ON ix3 (a);
CREATE INDEX ix3_b ON ix3 (b);
CREATE INDEX ix3_c ON ix3 USING gist (c);
-- IX4 the target of a foreign key stays, be it of no constraint of its table
CREATE TABLE ix4 (a int PRIMARY KEY, b int);
CREATE UNIQUE INDEX ix4_target ON ix4 (b);
CREATE TABLE ix4_child (b int REFERENCES ix4 (b), a int REFERENCES ix4);
CREATE UNIQUE INDEX ix4_a ON ix4 (a);
CREATE UNIQUE INDEX ix4_b ON ix4 (b);
CREATE TABLE ix4_more (a int, b int);
CREATE UNIQUE INDEX ix4_more_target ON ix4_more (b);
CREATE TABLE ix4_more_child (b int UNIQUE REFERENCES ix4_more (b));
CREATE UNIQUE INDEX ix4_more_with ON ix4_more (b) INCLUDE (a);
-- IX5 backwards
CREATE TABLE ix5 (a int, b int, c int, d int);
CREATE INDEX ix5_a ON ix5 (a);
CREATE INDEX ix5_a_desc ON ix5 (a DESC);
CREATE INDEX ix5_cd ON ix5 (c, d);
CREATE INDEX ix5_cd_desc ON ix5 (c DESC, d DESC);
CREATE INDEX ix5_cd_one ON ix5 (c, d DESC);
-- IX6 the place of NULLs
CREATE TABLE ix6 (a int, b int NOT NULL);
CREATE INDEX ix6_a ON ix6 (a);
CREATE INDEX ix6_a_first ON ix6 (a NULLS FIRST);
CREATE INDEX ix6_b ON ix6 (b);
CREATE INDEX ix6_b_first ON ix6 (b NULLS FIRST);
-- IX7 operator classes: of one family and type or not
CREATE TABLE ix7 (a text, b varchar);
CREATE INDEX ix7_a ON ix7 (a);
CREATE INDEX ix7_a_pattern ON ix7 (a text_pattern_ops);
CREATE INDEX ix7_b_text ON ix7 (b text_ops);
CREATE INDEX ix7_b_varchar ON ix7 (b varchar_ops);
-- IX8 collations
CREATE TABLE ix8 (a text COLLATE "C");
CREATE INDEX ix8_a ON ix8 (a);
CREATE INDEX ix8_a_posix ON ix8 (a COLLATE "POSIX");
-- IX9 IX10 IX11 included columns
CREATE TABLE ix9 (a int, b int, c int UNIQUE, d int);
CREATE INDEX ix9_a ON ix9 (a);
CREATE INDEX ix9_a_with ON ix9 (a) INCLUDE (b);
CREATE UNIQUE INDEX ix9_c_with ON ix9 (c) INCLUDE (d);
CREATE TABLE ix10 (a int, b int);
CREATE INDEX ix10_with ON ix10 (a) INCLUDE (b);
CREATE INDEX ix10_key ON ix10 (a, b);
CREATE TABLE ix11 (a int, b int, c int);
CREATE INDEX ix11_bc ON ix11 (a) INCLUDE (b, c);
CREATE INDEX ix11_cb ON ix11 (a) INCLUDE (c, b);
-- IX12 IX13 predicates
CREATE TABLE ix12 (a int, b int);
CREATE INDEX ix12_short ON ix12 (a) WHERE b > 0 AND a IS NOT NULL;
CREATE INDEX ix12_of_a_much_longer_name_that_moves_the_text ON ix12 (a) WHERE b > 0 AND a IS NOT NULL;
CREATE TABLE ix13 (a int, b int);
CREATE INDEX ix13_a ON ix13 (a);
CREATE INDEX ix13_partial ON ix13 (a) WHERE b > 0;
CREATE INDEX ix13_other ON ix13 (a, b) WHERE b > 1;
-- IX14 IX27 expressions
CREATE TABLE ix14 (a int, b int, t text);
CREATE INDEX ix14_lower ON ix14 (lower(t));
CREATE INDEX ix14_lower_again ON ix14 (lower(t));
CREATE INDEX ix14_b ON ix14 (b);
CREATE INDEX ix14_b_lower ON ix14 (b, lower(t));
CREATE INDEX ix14_sum ON ix14 ((a + b));
CREATE INDEX ix14_mus ON ix14 ((b + a));
-- IX15 methods
CREATE TABLE ix15 (a int);
CREATE INDEX ix15_btree ON ix15 (a);
CREATE INDEX ix15_hash ON ix15 USING hash (a);
CREATE INDEX ix15_brin ON ix15 USING brin (a);
-- IX16 sets, and GiST
CREATE TABLE ix16 (a int, b int, p point, q point);
CREATE INDEX ix16_gin ON ix16 USING gin (a);
CREATE INDEX ix16_gin_more ON ix16 USING gin (b, a);
CREATE INDEX ix16_brin ON ix16 USING brin (a);
CREATE INDEX ix16_brin_other ON ix16 USING brin (b, a) WITH (pages_per_range = 64);
CREATE INDEX ix16_brin_b ON ix16 USING brin (b) WITH (pages_per_range = 64);
CREATE INDEX ix16_gist ON ix16 USING gist (p);
CREATE INDEX ix16_gist_more ON ix16 USING gist (p, q);
-- IX17 parameters of classes
CREATE TABLE ix17 (v tsvector);
CREATE INDEX ix17_short ON ix17 USING gist (v tsvector_ops (siglen = 32));
CREATE INDEX ix17_long ON ix17 USING gist (v tsvector_ops (siglen = 256));
CREATE INDEX ix17_long_again ON ix17 USING gist (v tsvector_ops (siglen = 256));
-- IX18 invalid ones
CREATE TABLE ix18 (a int, b int);
CREATE INDEX ix18_a ON ix18 (a);
CREATE INDEX ix18_ab ON ix18 (a, b);
CREATE INDEX ix18_b ON ix18 (b);
CREATE INDEX ix18_ba ON ix18 (b, a);
UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = 'ix18_ab'::regclass;
UPDATE pg_catalog.pg_index SET indisready = false WHERE indexrelid = 'ix18_b'::regclass;
-- IX19 IX20 partitions
CREATE TABLE ix19 (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE ix19_1 PARTITION OF ix19 FOR VALUES FROM (1) TO (2);
CREATE TABLE ix19_2 PARTITION OF ix19 FOR VALUES FROM (2) TO (3) PARTITION BY LIST (b);
CREATE TABLE ix19_21 PARTITION OF ix19_2 FOR VALUES IN (1);
CREATE INDEX ix19_a ON ix19 (a);
CREATE INDEX ix19_ab ON ix19 (a, b);
CREATE TABLE ix20 (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE ix20_1 PARTITION OF ix20 FOR VALUES FROM (1) TO (2);
CREATE INDEX ix20_a ON ix20 (a);
CREATE INDEX ix20_local ON ix20_1 (a, b);
-- IX21 replica identity, CLUSTER
CREATE TABLE ix21 (a int NOT NULL, b int);
CREATE UNIQUE INDEX ix21_identity ON ix21 (a);
CREATE UNIQUE INDEX ix21_twin ON ix21 (a);
ALTER TABLE ix21 REPLICA IDENTITY USING INDEX ix21_identity;
CREATE TABLE ix21_c (a int, b int, c int);
CREATE INDEX ix21_plain ON ix21_c (a);
CREATE INDEX ix21_clustered ON ix21_c (a);
CREATE INDEX ix21_on_c ON ix21_c (c);
ALTER TABLE ix21_c CLUSTER ON ix21_clustered;
CREATE TABLE ix21_d (a int, b int);
CREATE INDEX ix21_d_short ON ix21_d (a);
CREATE INDEX ix21_d_longer ON ix21_d (a, b);
ALTER TABLE ix21_d CLUSTER ON ix21_d_short;
-- IX22 deferrable
CREATE TABLE ix22 (a int UNIQUE DEFERRABLE, b int);
CREATE UNIQUE INDEX ix22_a ON ix22 (a);
-- IX23 NULLS NOT DISTINCT
CREATE TABLE ix23 (a int, b int UNIQUE NULLS NOT DISTINCT);
CREATE UNIQUE INDEX ix23_a ON ix23 (a);
CREATE UNIQUE INDEX ix23_a_strict ON ix23 (a) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX ix23_b ON ix23 (b);
CREATE TABLE ix23_c (b int UNIQUE);
CREATE UNIQUE INDEX ix23_c_strict ON ix23_c (b) NULLS NOT DISTINCT;
-- IX24 high numbers of columns
DO $$ BEGIN EXECUTE (SELECT format('CREATE TABLE ix24 (%s)', string_agg('c' || i || ' int', ', ' ORDER BY i))
	FROM generate_series(1, 1005) AS i); END $$;
CREATE INDEX ix24_100 ON ix24 (c100);
CREATE INDEX ix24_1000 ON ix24 (c1000);
CREATE INDEX ix24_1000_1 ON ix24 (c1000, c1);
CREATE INDEX ix24_10 ON ix24 (c10, c1);
-- IX25 a chain, twins
CREATE TABLE ix25 (a int, b int, c int);
CREATE INDEX ix25_ab ON ix25 (a, b);
CREATE INDEX ix25_a ON ix25 (a);
CREATE INDEX ix25_a_twin ON ix25 (a);
CREATE INDEX ix25_abc ON ix25 (a, b, c);
CREATE INDEX ix25_c ON ix25 (c);
CREATE INDEX ix25_c_2 ON ix25 (c);
CREATE INDEX ix25_c_3 ON ix25 (c);
-- IX26 fillfactor
CREATE TABLE ix26 (a int);
CREATE INDEX ix26_a ON ix26 (a);
CREATE INDEX ix26_a_loose ON ix26 (a) WITH (fillfactor = 50, deduplicate_items = off);
-- IX28 temporary tables; names that need quotes; the same names in two schemas
CREATE TEMP TABLE ix28 (a int);
CREATE INDEX ON ix28 (a);
CREATE INDEX ON ix28 (a);
CREATE SCHEMA "ix 2";
CREATE TABLE ix28 (a int, b int);
CREATE INDEX ix28_a ON ix.ix28 (a);
CREATE TABLE "ix 2".ix28 (a int, "b ""c" int);
CREATE INDEX ix28_a ON "ix 2".ix28 (a, "b ""c");
CREATE INDEX "ix28 ""q" ON "ix 2".ix28 (a) TABLESPACE pg_default;

SELECT index, covered_by, verdict, why FROM haops.redundant_indexes WHERE schema LIKE 'ix%' ORDER BY index COLLATE "C";
SELECT index, warnings FROM haops.redundant_indexes WHERE warnings IS NOT NULL ORDER BY index COLLATE "C";
SELECT drop_statement FROM haops.redundant_indexes WHERE schema LIKE 'ix%' ORDER BY index COLLATE "C";
SELECT create_statement FROM haops.redundant_indexes WHERE schema LIKE 'ix%' ORDER BY index COLLATE "C";

-- What is dropped comes back as it was; then the same indexes are redundant again.
CREATE TABLE public.before AS
SELECT index, verdict, drop_statement, create_statement FROM haops.redundant_indexes WHERE schema LIKE 'ix%';
SELECT index FROM haops.redundant_indexes WHERE schema LIKE 'ix%'
	AND pg_get_indexdef(index_relation) <>
		replace(replace(create_statement, 'CONCURRENTLY ', ''), 'ON ix.ix19 ', 'ON ONLY ix.ix19 ');
SELECT string_agg(replace(drop_statement, 'CONCURRENTLY ', ''), '; ') AS drops,
	string_agg(replace(create_statement, 'CONCURRENTLY ', ''), '; ') AS creates
FROM public.before WHERE verdict = 'redundant'
\gset
:drops;
SELECT index, verdict FROM haops.redundant_indexes WHERE schema LIKE 'ix%' ORDER BY index COLLATE "C";
:creates;
SELECT count(*) = (SELECT count(*) FROM public.before) AS all_again
FROM haops.redundant_indexes WHERE schema LIKE 'ix%';

-- Sizes are those of the files.
INSERT INTO ix19 SELECT 1 + g % 2, 1 FROM generate_series(1, 5000) AS g;
INSERT INTO ix1 SELECT g, g, g FROM generate_series(1, 5000) AS g;
SELECT r.index,
	r.bytes = (SELECT sum(pg_relation_size(t.relid)) FROM pg_partition_tree(r.index_relation) AS t) AS right,
	r.bytes > 60000 AS big
FROM haops.redundant_indexes r WHERE r.index IN ('ix19_a') UNION ALL
SELECT r.index, r.bytes = pg_relation_size(r.index_relation), r.bytes > 60000
FROM haops.redundant_indexes r WHERE r.index = 'ix1_a' ORDER BY 1;
DROP TABLE public.before;


-- Invalid indexes: what is known of each; names alone decide nothing.
CREATE TABLE un (a int, b int, c int);
INSERT INTO un VALUES (1, 1, 1), (1, 1, 1);
CREATE INDEX un_a ON un (a);
CREATE INDEX un_a_ccnew ON un (a);
CREATE INDEX un_a_ccold1 ON un (a);
CREATE INDEX un_b_ccnew ON un (b);
CREATE INDEX un_c_ccnew ON un (c);
CREATE INDEX un_dropped ON un (b, c);
-- UN9 a unique index that failed is no leftover
CREATE UNIQUE INDEX CONCURRENTLY un_failed ON un (b);
UPDATE pg_catalog.pg_index SET indisvalid = false
WHERE indexrelid IN ('un_a_ccnew'::regclass, 'un_a_ccold1'::regclass, 'un_b_ccnew'::regclass, 'un_dropped'::regclass);
UPDATE pg_catalog.pg_index SET indislive = false, indisready = false WHERE indexrelid = 'un_dropped'::regclass;
-- UN10 a parent that was made ON ONLY
CREATE INDEX un_only ON ONLY ix19 (b);
-- UN10 an invalid part of it can only be repaired: PostgreSQL would refuse to drop it
CREATE INDEX un_part ON ix19_1 (b);
UPDATE pg_catalog.pg_index SET indisvalid = false WHERE indexrelid = 'un_part'::regclass;
ALTER INDEX un_only ATTACH PARTITION un_part;
-- UN10 UN11
SELECT index, state, why, drop_statement, repair_statement FROM haops.invalid_indexes WHERE schema = 'ix'
ORDER BY index COLLATE "C";
SELECT index, bytes > 0 AS bytes, costs_writes FROM haops.invalid_indexes WHERE schema = 'ix'
ORDER BY index COLLATE "C";

-- Foreign keys that need an index.
CREATE TABLE fk (a int, b int, c text, PRIMARY KEY (a, b), UNIQUE (a), UNIQUE (c));
CREATE TABLE fk_none (x int CONSTRAINT fk_none REFERENCES fk (a), y int);
CREATE TABLE fk_other_order (a int, b int, CONSTRAINT fk_other_order FOREIGN KEY (a, b) REFERENCES fk);
CREATE INDEX ON fk_other_order (b, a);
CREATE TABLE fk_part (a int, b int, c int, CONSTRAINT fk_part FOREIGN KEY (a, b) REFERENCES fk);
CREATE INDEX fk_part_a ON fk_part (a, c, b);
CREATE TABLE fk_partial (x int CONSTRAINT fk_partial REFERENCES fk (a), y int);
CREATE INDEX ON fk_partial (x) WHERE y > 0;
CREATE TABLE fk_not_null (x int CONSTRAINT fk_not_null REFERENCES fk (a));
CREATE INDEX ON fk_not_null (x) WHERE x IS NOT NULL;
CREATE TABLE fk_wider (x bigint CONSTRAINT fk_wider REFERENCES fk (a));
CREATE INDEX ON fk_wider (x);
CREATE TABLE fk_gin (x int CONSTRAINT fk_gin REFERENCES fk (a));
CREATE INDEX ON fk_gin USING gin (x);
CREATE TABLE fk_hash (x int CONSTRAINT fk_hash REFERENCES fk (a));
CREATE INDEX ON fk_hash USING hash (x);
CREATE TABLE fk_pattern (x text CONSTRAINT fk_pattern REFERENCES fk (c),
	y text CONSTRAINT fk_collated REFERENCES fk (c));
CREATE INDEX ON fk_pattern (x text_pattern_ops);
CREATE INDEX ON fk_pattern (y COLLATE "POSIX");
CREATE TABLE "fk Parted" (x int, "y Y" int CONSTRAINT fk_parted REFERENCES fk (a)) PARTITION BY LIST (x);
CREATE TABLE fk_parted_1 PARTITION OF "fk Parted" FOR VALUES IN (1);
CREATE TABLE fk_parts (x int, y int CONSTRAINT fk_parts REFERENCES fk (a)) PARTITION BY LIST (x);
CREATE TABLE fk_parts_1 (y int, x int);
CREATE INDEX ON fk_parts_1 (y);
ALTER TABLE fk_parts ATTACH PARTITION fk_parts_1 FOR VALUES IN (1);
CREATE TABLE fk_parts_2 PARTITION OF fk_parts FOR VALUES IN (2) PARTITION BY LIST (y);
CREATE TABLE fk_parts_21 PARTITION OF fk_parts_2 DEFAULT;
CREATE INDEX ON fk_parts_21 (y);
CREATE TABLE fk_some_parts (x int, y int CONSTRAINT fk_some_parts REFERENCES fk (a)) PARTITION BY LIST (x);
CREATE TABLE fk_some_parts_1 PARTITION OF fk_some_parts FOR VALUES IN (1);
CREATE INDEX ON fk_some_parts_1 (y);
CREATE TABLE fk_some_parts_2 PARTITION OF fk_some_parts FOR VALUES IN (2);
SELECT "table", "constraint", columns, partly_by, create_statement FROM haops.unindexed_foreign_keys WHERE schema = 'ix'
ORDER BY "constraint" COLLATE "C";
-- A row that is none of PostgreSQL's own serves nothing, whoever hands it over.
SELECT part, haops.index_serves_key(jsonb_populate_record(i, part), '{1}', '{96}', false) AS serves
FROM pg_catalog.pg_index i, unnest(ARRAY['{}', '{"indclass": null}', '{"indcollation": null}', '{"indkey": null}',
	'{"indrelid": null}', '{"indnkeyatts": 30000}', '{"indkey": ""}', '{"indclass": ""}',
	'{"indcollation": ""}']::jsonb[]) AS part
WHERE i.indexrelid = 'ix.ix1_a'::regclass;
SELECT haops.index_serves_key(ROW(i.*)::pg_catalog.pg_index, array_fill(1::smallint, '{30000}'),
	array_fill(96::oid, '{30000}'), false) AS serves
FROM (SELECT (jsonb_populate_record(i, '{"indnkeyatts": 30000}')).* FROM pg_catalog.pg_index i
	WHERE i.indexrelid = 'ix.ix1_a'::regclass) AS i;

SET client_min_messages = error;
DROP SCHEMA ix, "ix 2" CASCADE;
