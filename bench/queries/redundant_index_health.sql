-- The duplicates of pg-index-health (duplicated_indexes), for one schema: a text key with collations and with
-- expressions and predicates as the server writes them; names and sizes of each group. Exact duplicates only.
SELECT k.relation, string_agg('idx=' || k.index::text || ', size=' || pg_relation_size(k.index), '; ') AS duplicates
FROM (
	SELECT i.indexrelid::regclass AS index, i.indrelid::regclass::text AS relation,
		i.indrelid::text || ' ' || i.indclass::text || ' ' || i.indkey::text || ' ' || i.indcollation::text || ' '
			|| coalesce(pg_get_expr(i.indexprs, i.indrelid), '') || ' '
			|| coalesce(pg_get_expr(i.indpred, i.indrelid), '') AS key
	FROM pg_catalog.pg_index i
	JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
	JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
	WHERE n.nspname = 'public' AND NOT c.relispartition) AS k
GROUP BY k.relation, k.key
HAVING count(*) > 1
ORDER BY k.relation, sum(pg_relation_size(k.index)) DESC
