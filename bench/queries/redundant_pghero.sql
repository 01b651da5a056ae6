-- What PgHero reads of all indexes (methods/indexes): columns and method cut out of the definition that the server
-- writes, three times for each. The rest, which compares each pair by these texts, is done in its own process and does
-- not count here.
SELECT s.schemaname, t.relname AS relation, x.relname AS name,
	regexp_replace(pg_get_indexdef(i.indexrelid), '^[^\(]*\((.*)\)$', '\1') AS columns,
	regexp_replace(pg_get_indexdef(i.indexrelid), '.* USING ([^ ]*) \(.*', '\1') AS method,
	i.indisunique, i.indisprimary, i.indisvalid, i.indexprs::text, i.indpred::text,
	pg_get_indexdef(i.indexrelid) AS definition
FROM pg_index i
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_class x ON x.oid = i.indexrelid
LEFT JOIN pg_stat_user_indexes s ON s.indexrelid = i.indexrelid
WHERE s.schemaname IS NOT NULL
ORDER BY 1, 2
