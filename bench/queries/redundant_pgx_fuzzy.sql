-- The inexact ones of pgx_scripts (indexes/duplicate_indexes_fuzzy): another index of the table begins with the same
-- column, and one of the two has all columns of the other; with names, definition and use of each.
WITH named AS (
	SELECT p.attrelid, array_agg(p.attname) AS columns
	FROM (
		SELECT a.attrelid, a.attnum, a.attname
		FROM pg_attribute a
		JOIN pg_index i ON i.indexrelid = a.attrelid
		WHERE i.indkey[0] > 0
		ORDER BY a.attrelid, a.attnum) AS p
	GROUP BY p.attrelid),
alike AS (
	SELECT i.indexrelid
	FROM pg_index i
	WHERE EXISTS (
		SELECT FROM pg_index o
		WHERE o.indrelid = i.indrelid AND (i.indkey @> o.indkey OR i.indkey <@ o.indkey)
			AND i.indkey[0] = o.indkey[0] AND i.indkey <> o.indkey AND i.indexrelid <> o.indexrelid))
SELECT s.schemaname, s.relname, s.indexrelname, array_to_string(n.columns, ', ') AS columns, d.indexdef, s.idx_scan
FROM pg_stat_user_indexes s
JOIN named n ON n.attrelid = s.indexrelid
JOIN alike l ON l.indexrelid = s.indexrelid
JOIN pg_indexes d ON d.schemaname = s.schemaname AND d.indexname = s.indexrelname
ORDER BY s.schemaname, s.relname, n.columns, s.indexrelname
