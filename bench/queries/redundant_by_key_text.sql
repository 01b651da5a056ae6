-- Ours, and published nowhere: about the least that a query can do. Exact duplicates only: one group for each table,
-- key, operator classes, expressions and predicate as they are stored.
SELECT indrelid, array_agg(indexrelid) AS duplicates
FROM pg_index
GROUP BY indrelid, indkey::text, indclass::text, coalesce(indexprs::text, ''), coalesce(indpred::text, '')
HAVING count(*) > 1
