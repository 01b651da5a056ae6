-- The join of pg-utils (sql/redundant_indexes): pairs of one table of which one's columns are the beginning of the
-- other one's, by arrays of numbers; expressions and predicates as they are stored, without where they stood in the
-- text; both definitions and a size, the largest first. Methods, classes, collations and orders are not looked at.
WITH keyed AS (
	SELECT i.*, string_to_array(i.indkey::text, ' ') AS key,
		array_length(string_to_array(i.indkey::text, ' '), 1) AS keys
	FROM pg_index i)
SELECT b.indrelid::regclass::text AS relation, pg_get_indexdef(b.indexrelid) AS covering,
	pg_get_indexdef(a.indexrelid) AS redundant, pg_size_pretty(pg_relation_size(a.indexrelid)) AS bytes
FROM keyed b
JOIN keyed a ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
WHERE regexp_replace(b.indpred, 'location \d+', 'location', 'g')
		IS NOT DISTINCT FROM regexp_replace(a.indpred, 'location \d+', 'location', 'g')
	AND regexp_replace(b.indexprs, 'location \d+', 'location', 'g')
		IS NOT DISTINCT FROM regexp_replace(a.indexprs, 'location \d+', 'location', 'g')
	AND (b.keys > a.keys AND NOT a.indisunique
		OR b.keys = a.keys AND (b.indisunique AND a.indisunique AND b.indexrelid > a.indexrelid
			OR NOT b.indisunique AND NOT a.indisunique AND b.indexrelid > a.indexrelid
			OR b.indisunique AND NOT a.indisunique))
	AND b.key[1:a.keys] = a.key
ORDER BY pg_relation_size(a.indexrelid) DESC, b.indexrelid::regclass::text, a.indexrelid::regclass::text
