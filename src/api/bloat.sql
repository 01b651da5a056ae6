-- bloat.sql: where the space went, and what would give it back.

CREATE FUNCTION haops.relation_bloat(of_relation regclass,
	OUT relation regclass, OUT part text, OUT access_method text, OUT bytes bigint, OUT live_bytes bigint,
	OUT padding_bytes bigint, OUT dropped_column_bytes bigint, OUT dead_bytes bigint, OUT held_bytes bigint,
	OUT free_bytes bigint, OUT fillfactor_reserve_bytes bigint, OUT deleted_pages_bytes bigint,
	OUT reclaimable_bytes bigint, OUT reclaimable_percent double precision, OUT low_percent double precision,
	OUT high_percent double precision, OUT lasting_percent double precision, OUT reclaimable_by text,
	OUT verdict text, OUT method text, OUT pages_read bigint, OUT pages_total bigint, OUT note text)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE ROWS 5
AS 'MODULE_PATHNAME', 'ha_api_relation_bloat';
COMMENT ON FUNCTION haops.relation_bloat(regclass) IS
'bloat of a table with its TOAST table and indexes, or of one index, from at most 1,000 pages of each; waits for no lock
and writes nothing; since 1.0';

CREATE FUNCTION haops.row_widths(of_indexes boolean, OUT relation oid, OUT row_bytes double precision,
	OUT padding_bytes double precision, OUT columns_unknown integer, OUT varying boolean,
	OUT columns_dropped integer, OUT columns_added integer,
	OUT distinct_count double precision, OUT distinct_share double precision, OUT null_share double precision,
	OUT deduplicates boolean)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED ROWS 100000
AS 'MODULE_PATHNAME', 'ha_api_row_widths';
COMMENT ON FUNCTION haops.row_widths(boolean) IS
'how long a row of each table, or an entry of each index, is by what ANALYZE knows of their columns; since 1.0';

-- OFFSET 0 keeps what a step reckons from being reckoned again wherever the next ones mention it.
CREATE VIEW haops.table_bloat AS
	WITH leaf AS (
		SELECT c.oid, c.relnamespace, c.relname, c.relispartition, c.relpages::bigint * b.size AS bytes,
			b.size, c.reltuples,
			t.relpages::bigint * b.size AS toast_bytes,
			CASE WHEN t.reltuples > 0 OR t.relpages > 0 AND t.reltuples = 0 THEN
				greatest(t.relpages - ceil(t.reltuples / 4), 0)::bigint * b.size END AS toast_reclaimable_bytes,
			CASE WHEN c.reloptions IS NULL THEN 0 ELSE b.size * (100 -
				coalesce(substring(c.reloptions::text FROM '[{,]fillfactor=([0-9]+)')::integer, 100)) / 100
			END AS reserve,
			w.row_bytes + 4 AS row_bytes, w.padding_bytes, w.columns_unknown, w.varying, w.columns_dropped,
			w.columns_added,
			c.relpages > 0 AND c.reltuples >= 0 AND w.columns_unknown = 0 AS known
		FROM pg_catalog.pg_class c
		CROSS JOIN (SELECT pg_catalog.current_setting('block_size')::integer AS size) b
		JOIN haops.row_widths(false) w ON w.relation = c.oid
		LEFT JOIN pg_catalog.pg_class t ON t.oid = c.reltoastrelid AND c.reltoastrelid <> 0
		WHERE c.relkind IN ('r', 'm')),
	estimate AS (
		SELECT leaf.*,
			CASE WHEN known THEN size * ceil(reltuples / greatest(1, CASE WHEN varying AND row_bytes < size / 8
				THEN (size - 24 - reserve - row_bytes / 2) / row_bytes
				ELSE floor((size - 24 - reserve) / row_bytes) END)) END AS expected
		FROM leaf OFFSET 0),
	one AS (
		SELECT oid, relnamespace, relname, relispartition, bytes, toast_bytes, expected::bigint AS expected_bytes,
			CASE WHEN known THEN greatest(bytes - expected, 0)::bigint END AS reclaimable_bytes,
			toast_reclaimable_bytes,
			CASE WHEN known THEN (reserve * expected / size)::bigint END AS fillfactor_reserve_bytes,
			CASE WHEN known THEN (padding_bytes * reltuples)::bigint END AS padding_bytes,
			columns_dropped, 1::bigint AS tables, known,
			CASE WHEN reltuples < 0 OR bytes = 0 THEN 'never vacuumed nor analyzed, or empty then'
				WHEN columns_unknown > 0 THEN 'columns without statistics: ' || columns_unknown
				WHEN columns_dropped > 0 THEN 'dropped columns, which older rows keep: ' || columns_dropped
				WHEN columns_added > 0 THEN 'columns added with a default, which older rows lack: ' || columns_added
			END AS note
		FROM estimate),
	part AS (
		SELECT pg_catalog.pg_partition_root(oid)::oid AS oid, sum(bytes)::bigint AS bytes,
			sum(toast_bytes)::bigint AS toast_bytes, sum(expected_bytes)::bigint AS expected_bytes,
			sum(reclaimable_bytes)::bigint AS reclaimable_bytes,
			sum(toast_reclaimable_bytes)::bigint AS toast_reclaimable_bytes,
			sum(fillfactor_reserve_bytes)::bigint AS fillfactor_reserve_bytes,
			sum(padding_bytes)::bigint AS padding_bytes, max(columns_dropped) AS columns_dropped, count(*) AS tables,
			bool_or(known) AS known, count(*) FILTER (WHERE NOT known) AS unknown
		FROM one WHERE relispartition GROUP BY 1),
	every AS (
		SELECT * FROM one
		UNION ALL
		SELECT p.oid, c.relnamespace, c.relname, false, p.bytes, p.toast_bytes, p.expected_bytes, p.reclaimable_bytes,
			p.toast_reclaimable_bytes, p.fillfactor_reserve_bytes, p.padding_bytes, p.columns_dropped, p.tables,
			p.known,
			'sum of ' || p.tables || ' partitions' ||
				CASE WHEN p.unknown > 0 THEN ', ' || p.unknown || ' of which are not estimated' ELSE '' END
		FROM part p JOIN pg_catalog.pg_class c ON c.oid = p.oid)
	SELECT n.nspname AS schema, e.relname AS "table", e.oid AS relation, e.bytes, e.toast_bytes, e.expected_bytes,
		e.reclaimable_bytes,
		round(1000 * e.reclaimable_bytes::double precision / nullif(e.bytes, 0)) / 10 AS reclaimable_percent,
		e.toast_reclaimable_bytes, e.fillfactor_reserve_bytes, e.padding_bytes, e.columns_dropped AS dropped_columns,
		CASE WHEN e.reclaimable_bytes > 0 THEN 'rewrite' END AS reclaimable_by,
		CASE WHEN NOT e.known THEN NULL WHEN e.bytes < 1048576 THEN 'small'
			WHEN e.reclaimable_bytes * 10 >= e.bytes * 3 THEN 'bloated' ELSE 'ok' END AS verdict,
		CASE WHEN e.known THEN 'estimate' ELSE 'not estimated' END AS method, e.note
	FROM every e JOIN pg_catalog.pg_namespace n ON n.oid = e.relnamespace;
COMMENT ON VIEW haops.table_bloat IS
'bloat of each table and materialized view of this database, estimated from the catalog without reading or locking it:
for ranking, haops.relation_bloat() measures; partitioned tables as the sum of their partitions; since 1.0';
COMMENT ON COLUMN haops.table_bloat.schema IS 'its schema; since 1.0';
COMMENT ON COLUMN haops.table_bloat."table" IS 'its name; since 1.0';
COMMENT ON COLUMN haops.table_bloat.relation IS 'pg_class.oid; since 1.0';
COMMENT ON COLUMN haops.table_bloat.bytes IS 'its size at the last VACUUM or ANALYZE, without TOAST; since 1.0';
COMMENT ON COLUMN haops.table_bloat.toast_bytes IS
'size of its TOAST table at the last VACUUM; NULL: it has none; since 1.0';
COMMENT ON COLUMN haops.table_bloat.expected_bytes IS
'what so many rows of that width take; NULL: not estimated; since 1.0';
COMMENT ON COLUMN haops.table_bloat.reclaimable_bytes IS
'what a rewrite would give back, without TOAST; since 1.0';
COMMENT ON COLUMN haops.table_bloat.reclaimable_percent IS 'of bytes; since 1.0';
COMMENT ON COLUMN haops.table_bloat.toast_reclaimable_bytes IS
'what a rewrite would give back of its TOAST table at least: the values may be shorter than assumed; NULL: it has
none, or was never vacuumed; since 1.0';
COMMENT ON COLUMN haops.table_bloat.fillfactor_reserve_bytes IS 'free because the fillfactor says so; since 1.0';
COMMENT ON COLUMN haops.table_bloat.padding_bytes IS
'lost to the alignment of columns; another order of the columns would save a part of it; since 1.0';
COMMENT ON COLUMN haops.table_bloat.dropped_columns IS
'columns that were dropped: their values stay in older rows until a rewrite; since 1.0';
COMMENT ON COLUMN haops.table_bloat.reclaimable_by IS
'rewrite, or NULL: nothing to win; whether VACUUM is enough is told by haops.relation_bloat(); since 1.0';
COMMENT ON COLUMN haops.table_bloat.verdict IS
'small: below 1 MB; bloated: 30 % or more; ok; NULL: not estimated; since 1.0';
COMMENT ON COLUMN haops.table_bloat.method IS 'estimate, not estimated; since 1.0';
COMMENT ON COLUMN haops.table_bloat.note IS 'why not, or what makes the estimate doubtful; since 1.0';

CREATE VIEW haops.index_bloat AS
	WITH base AS (
		SELECT c.oid, c.relnamespace, c.relname, r.relname AS table_name, c.relam,
			c.relpages::bigint * b.size AS bytes, b.size, c.reltuples AS entries, w.row_bytes, w.columns_unknown,
			b.size * CASE WHEN c.reloptions IS NULL THEN 90 ELSE
				coalesce(substring(c.reloptions::text FROM '[{,]fillfactor=([0-9]+)')::integer, 90) END / 100 AS filled,
			w.deduplicates AND (c.reloptions IS NULL OR
				c.reloptions::text !~ '[{,]deduplicate_items=(off|false|no|0)') AS deduplicates,
			least(c.reltuples * (1 - w.null_share),
				w.distinct_count * CASE WHEN w.distinct_share > 0 THEN w.distinct_share * c.reltuples ELSE 1 END)
				AS distinct_keys,
			c.reltuples * w.null_share AS nulls,
			floor((b.size / 10 - 8 - w.row_bytes) / 6) AS posting_max,
			c.relam = 403 AND c.relpages > 0 AND c.reltuples >= 0 AND w.columns_unknown = 0 AS known
		FROM pg_catalog.pg_class c
		CROSS JOIN (SELECT pg_catalog.current_setting('block_size')::integer AS size) b
		JOIN pg_catalog.pg_index i ON i.indexrelid = c.oid
		JOIN pg_catalog.pg_class r ON r.oid = i.indrelid AND r.relkind <> 't'
		JOIN haops.row_widths(true) w ON w.relation = c.oid
		WHERE c.relkind = 'i'),
	leaf AS (
		SELECT base.*,
			CASE WHEN NOT known THEN NULL
				WHEN deduplicates AND posting_max > 1 AND entries > 0 THEN
					greatest(distinct_keys, (entries - nulls) / posting_max, 1) * (row_bytes + 4) +
					CASE WHEN entries - nulls > distinct_keys * 1.01 THEN (entries - nulls) * 6 ELSE 0 END +
					nulls / posting_max * 20 + nulls * 6
				ELSE entries * (row_bytes + 4) END AS leaf_bytes
		FROM base OFFSET 0),
	estimate AS (
		SELECT leaf.*,
			CASE WHEN NOT known THEN NULL WHEN deduplicates THEN leaf_bytes / (filled - 44 - row_bytes / 2)
				ELSE entries / greatest(floor((filled - 44) / (row_bytes + 4)), 1) END AS leaves
		FROM leaf OFFSET 0),
	one AS (
		SELECT estimate.*, CASE WHEN known THEN (size * least(1 + ceil(leaves) +
			CASE WHEN leaves > 1 THEN ceil(leaves * (row_bytes + 4) / (size * 0.7::double precision)) ELSE 0 END,
			bytes / size))::bigint END AS expected_bytes
		FROM estimate OFFSET 0)
	SELECT n.nspname AS schema, o.table_name AS "table", o.relname AS index, o.oid AS relation,
		a.amname AS access_method,
		o.bytes, o.expected_bytes, o.bytes - o.expected_bytes AS reclaimable_bytes,
		round(1000 * (o.bytes - o.expected_bytes)::double precision / nullif(o.bytes, 0)) / 10 AS reclaimable_percent,
		CASE WHEN o.known THEN
			round(1000 * greatest(o.bytes - o.leaf_bytes / 0.7, 0) / o.bytes) / 10 END AS lasting_percent,
		CASE WHEN o.bytes > o.expected_bytes THEN 'reindex' END AS reclaimable_by,
		CASE WHEN NOT o.known THEN NULL WHEN o.bytes < 1048576 THEN 'small'
			WHEN o.leaf_bytes <= o.bytes * 0.49::double precision THEN 'bloated' ELSE 'ok' END AS verdict,
		CASE WHEN o.known THEN 'estimate' ELSE 'not estimated' END AS method,
		CASE WHEN o.relam <> 403 THEN 'only a btree can be estimated: see haops.relation_bloat()'
			WHEN o.entries < 0 OR o.bytes = 0 THEN 'never vacuumed nor analyzed, or empty then'
			WHEN o.columns_unknown > 0 THEN 'columns without statistics, or of type name: ' || o.columns_unknown
		END AS note
	FROM one o
	JOIN pg_catalog.pg_namespace n ON n.oid = o.relnamespace
	JOIN pg_catalog.pg_am a ON a.oid = o.relam;
COMMENT ON VIEW haops.index_bloat IS
'bloat of each index of this database but those of TOAST tables, estimated from the catalog without reading or locking
it: for ranking, haops.relation_bloat() measures; since 1.0';
COMMENT ON COLUMN haops.index_bloat.schema IS 'its schema; since 1.0';
COMMENT ON COLUMN haops.index_bloat."table" IS 'the table that it belongs to; since 1.0';
COMMENT ON COLUMN haops.index_bloat.index IS 'its name; since 1.0';
COMMENT ON COLUMN haops.index_bloat.relation IS 'pg_class.oid; since 1.0';
COMMENT ON COLUMN haops.index_bloat.access_method IS 'btree, gin, ...; since 1.0';
COMMENT ON COLUMN haops.index_bloat.bytes IS 'its size at the last VACUUM or ANALYZE; since 1.0';
COMMENT ON COLUMN haops.index_bloat.expected_bytes IS
'what so many entries take in a fresh index; NULL: not estimated; since 1.0';
COMMENT ON COLUMN haops.index_bloat.reclaimable_bytes IS 'what REINDEX would give back; since 1.0';
COMMENT ON COLUMN haops.index_bloat.reclaimable_percent IS 'of bytes; since 1.0';
COMMENT ON COLUMN haops.index_bloat.lasting_percent IS
'what stays saved when it has become as loose again as random inserts make it: 70 % full; since 1.0';
COMMENT ON COLUMN haops.index_bloat.reclaimable_by IS 'reindex, or NULL: nothing to win; since 1.0';
COMMENT ON COLUMN haops.index_bloat.verdict IS
'small: below 1 MB; bloated: 30 % or more would stay saved; ok; NULL: not estimated; since 1.0';
COMMENT ON COLUMN haops.index_bloat.method IS 'estimate, not estimated; since 1.0';
COMMENT ON COLUMN haops.index_bloat.note IS 'why not; since 1.0';

GRANT SELECT ON haops.table_bloat, haops.index_bloat TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.relation_bloat(regclass), haops.row_widths(boolean) TO pg_monitor, haops_operator;
