-- The exact matches of pgx_scripts (indexes/duplicate_indexes): grouped by the table and the numbers of the columns,
-- and nothing else: what differs in method, operator class, expression, predicate or uniqueness counts as the same.
SELECT i.indrelid::regclass AS relation, array_agg(i.indexrelid::regclass) AS duplicates
FROM pg_index i
GROUP BY i.indrelid, i.indkey
HAVING count(*) > 1
ORDER BY i.indrelid::regclass
