-- The intersections of pg-index-health (intersected_indexes), for one schema: pairs of one table of which one's
-- columns, as text, are the beginning of the other one's, with the same predicate; names and sizes of all indexes
-- beforehand.
WITH described AS (
	SELECT i.indrelid, i.indexrelid, array_to_string(i.indkey, ' ') AS columns,
		'idx=' || i.indexrelid::regclass || ', size=' || pg_relation_size(i.indexrelid) AS text,
		coalesce(pg_get_expr(i.indpred, i.indrelid, true), '') AS predicate
	FROM pg_catalog.pg_index i
	JOIN pg_catalog.pg_stat_all_indexes s ON s.indexrelid = i.indexrelid
	WHERE s.schemaname = 'public')
SELECT a.indrelid::regclass AS relation, a.text || '; ' || b.text AS pair
FROM described a
JOIN described b ON b.indrelid = a.indrelid AND a.indexrelid > b.indexrelid AND a.predicate = b.predicate
	AND (a.columns LIKE b.columns || '%' AND coalesce(substr(a.columns, length(b.columns) + 1, 1), ' ') = ' '
		OR b.columns LIKE a.columns || '%' AND coalesce(substr(b.columns, length(a.columns) + 1, 1), ' ') = ' ')
ORDER BY a.indrelid::regclass::text
