-- The usual query: no index of the table begins with the columns of the key, compared as sets of numbers.
SELECT k.conrelid::regclass, k.conname, pg_relation_size(k.conrelid) AS bytes
FROM pg_constraint k
WHERE k.contype = 'f' AND NOT EXISTS (
	SELECT FROM pg_index i
	WHERE i.indrelid = k.conrelid
		AND (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey)
