-- The method of ioguix's two estimates: widths from pg_stats summed over the columns of each table and each btree, and
-- the pages that so many rows of that width should take.
SELECT 1 AS kind, s.relation, s.relpages, ceil(s.reltuples / ((8192 - 24) / s.row_bytes)) AS expected
FROM (
	SELECT c.oid AS relation, c.relpages, c.reltuples,
		(27 + 8 + sum((1 - coalesce(p.null_frac, 0)) * coalesce(p.avg_width, 0)))::numeric AS row_bytes
	FROM pg_attribute a
	JOIN pg_class c ON c.oid = a.attrelid
	JOIN pg_namespace n ON n.oid = c.relnamespace
	LEFT JOIN pg_stats p ON p.schemaname = n.nspname AND p.tablename = c.relname AND NOT p.inherited
		AND p.attname = a.attname
	LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
	WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'm')
	GROUP BY c.oid, c.relpages, c.reltuples) AS s
UNION ALL
SELECT 2, s.relation, s.relpages, ceil(s.reltuples / ((8192 - 16 - 24) / s.row_bytes))
FROM (
	SELECT i.indexrelid AS relation, i.relpages, i.reltuples,
		(8 + sum((1 - coalesce(p.null_frac, 0)) * coalesce(p.avg_width, 1024)) + 6)::numeric AS row_bytes
	FROM (
		SELECT x.indexrelid, x.indrelid, c.relname AS index_name, t.relname AS table_name, n.nspname, c.relpages,
			c.reltuples, generate_series(1, x.indnatts) AS position, string_to_array(x.indkey::text, ' ')::int[] AS key
		FROM pg_index x
		JOIN pg_class c ON c.oid = x.indexrelid
		JOIN pg_class t ON t.oid = x.indrelid
		JOIN pg_namespace n ON n.oid = t.relnamespace
		WHERE c.relam = (SELECT oid FROM pg_am WHERE amname = 'btree') AND c.relpages > 0) AS i
	LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND i.key[i.position] <> 0 AND a.attnum = i.key[i.position]
	LEFT JOIN pg_attribute e ON e.attrelid = i.indexrelid AND i.key[i.position] = 0 AND e.attnum = i.position
	JOIN pg_stats p ON p.schemaname = i.nspname
		AND p.tablename = CASE WHEN i.key[i.position] = 0 THEN i.index_name ELSE i.table_name END
		AND p.attname = coalesce(a.attname, e.attname)
	GROUP BY i.indexrelid, i.relpages, i.reltuples) AS s
