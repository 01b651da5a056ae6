-- Ours, and published nowhere: the least that a query can do for prefixes. An index whose key is the beginning of
-- another one's, on the same table: pairs, compared as text.
SELECT a.indexrelid, b.indexrelid AS covered_by, pg_relation_size(a.indexrelid) AS bytes
FROM pg_index a
JOIN pg_index b ON a.indrelid = b.indrelid AND a.indexrelid <> b.indexrelid
	AND (a.indkey::text = b.indkey::text AND a.indexrelid > b.indexrelid
		OR b.indkey::text LIKE a.indkey::text || ' %')
	AND coalesce(a.indexprs::text, '') = coalesce(b.indexprs::text, '')
	AND coalesce(a.indpred::text, '') = coalesce(b.indpred::text, '')
JOIN pg_class i ON i.oid = a.indexrelid
JOIN pg_class j ON j.oid = b.indexrelid AND j.relam = i.relam
WHERE NOT a.indisprimary AND NOT a.indisunique
