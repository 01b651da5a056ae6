-- What the PostgreSQL wiki's page Index Maintenance asks for duplicate indexes, and with it most of the collections
-- that are handed around: one long text for each index (table, operator classes, columns, expressions, predicate),
-- grouped; the sizes of each group summed and written out, the names of up to four. Exact duplicates only.
SELECT pg_size_pretty(sum(pg_relation_size(k.index))::bigint) AS bytes, (array_agg(k.index))[1] AS first,
	(array_agg(k.index))[2] AS second, (array_agg(k.index))[3] AS third, (array_agg(k.index))[4] AS fourth
FROM (
	SELECT i.indexrelid::regclass AS index, i.indrelid::text || E'\n' || i.indclass::text || E'\n' || i.indkey::text
		|| E'\n' || coalesce(i.indexprs::text, '') || E'\n' || coalesce(i.indpred::text, '') AS key
	FROM pg_index i) AS k
GROUP BY k.key
HAVING count(*) > 1
ORDER BY sum(pg_relation_size(k.index)) DESC
