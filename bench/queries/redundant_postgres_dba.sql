-- The redundant ones of postgres_dba (i2): pairs of one table by texts of columns padded to three digits and of
-- operator classes, joined with names, sizes, definitions and use; whether a foreign key needs them, by another such
-- join for each row; pairs that name each other are cut, and the reasons of each index put together.
WITH for_keys AS (
	SELECT (k.confrelid::regclass)::text AS referenced, array_to_string(i.indclass, ', ') AS classes
	FROM pg_index i
	JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i'
	JOIN pg_class t ON t.oid = i.indrelid AND t.relkind = 'r'
	JOIN pg_namespace n ON n.oid = x.relnamespace
	JOIN pg_constraint k ON k.conrelid = t.oid
	LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
	WHERE k.contype = 'f' AND i.indisunique IS FALSE AND k.conkey IS NOT NULL AND x.relpages > 0 AND s.idx_scan < 10),
described AS (
	SELECT i.*, (SELECT string_agg(lpad(n, 3, '0'), ' ')
			FROM unnest(string_to_array(i.indkey::text, ' ')) AS n) AS columns,
		array_to_string(i.indclass, ', ') AS classes
	FROM pg_index i
	JOIN pg_class x ON x.oid = i.indexrelid AND x.relkind = 'i'
	WHERE i.indisvalid AND x.relpages > 0),
pairs AS (
	SELECT a.indexrelid AS index, n.nspname AS schema, t.relname AS relation, pg_relation_size(t.oid) AS table_bytes,
		x.relname AS name, m.amname AS method, (b.indexrelid::regclass)::text AS reason, b.indexrelid AS reason_index,
		pg_get_indexdef(b.indexrelid) AS reason_definition,
		pg_size_pretty(pg_relation_size(b.indexrelid)) AS reason_bytes, pg_get_indexdef(a.indexrelid) AS definition,
		pg_relation_size(a.indexrelid) AS bytes, s.idx_scan, a.classes
	FROM described b
	JOIN described a ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
	JOIN pg_opclass bc ON bc.oid = b.indclass[0]
	JOIN pg_opclass ac ON ac.oid = a.indclass[0]
	JOIN pg_am m ON m.oid = bc.opcmethod
	JOIN pg_am am ON am.oid = ac.opcmethod
	JOIN pg_stat_user_indexes s ON s.indexrelid = a.indexrelid
	JOIN pg_class t ON t.oid = a.indrelid
	JOIN pg_namespace n ON n.oid = t.relnamespace
	JOIN pg_class x ON x.oid = a.indexrelid
	WHERE NOT a.indisprimary AND NOT (a.indisunique AND NOT b.indisprimary) AND m.amname = am.amname
		AND b.columns LIKE (a.columns || '%') AND b.classes LIKE (a.classes || '%')
		AND pg_get_expr(b.indexprs, b.indrelid) IS NOT DISTINCT FROM pg_get_expr(a.indexprs, a.indrelid)
		AND pg_get_expr(b.indpred, b.indrelid) IS NOT DISTINCT FROM pg_get_expr(a.indpred, a.indrelid)),
numbered AS (
	SELECT row_number() OVER () AS number, q.*
	FROM (
		SELECT p.*, (SELECT count(1) FROM for_keys f
			WHERE f.referenced = p.relation AND f.classes LIKE (p.classes || '%')) > 0 AS serves_key
		FROM pairs p) AS q
	ORDER BY q.index),
cut AS (
	SELECT DISTINCT one.*, other.number AS other_number
	FROM numbered one
	LEFT JOIN numbered other ON other.reason_index = one.index AND one.reason_index = other.index
	WHERE one.number < other.number OR other.number IS NULL)
SELECT c.schema, c.relation, c.table_bytes, c.name, c.method, string_agg(DISTINCT c.reason, ', ') AS reasons,
	string_agg(c.reason_definition, ', ') AS reason_definitions, string_agg(c.reason_bytes, ', ') AS reason_bytes,
	c.definition, c.bytes, c.idx_scan, c.serves_key
FROM cut c
GROUP BY c.index, c.schema, c.relation, c.table_bytes, c.name, c.method, c.definition, c.bytes, c.idx_scan, c.serves_key
ORDER BY c.bytes DESC
