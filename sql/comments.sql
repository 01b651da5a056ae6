-- Everything that a DBA sees in the schema says what it is, and since when; no row may come.
SELECT c.relname AS undocumented FROM pg_class c
WHERE c.relnamespace = 'haops'::regnamespace AND c.relkind IN ('v', 'r', 'p', 'm')
	AND coalesce(obj_description(c.oid, 'pg_class'), '') !~ 'since \d+\.\d+$'
ORDER BY 1;

SELECT c.relname AS relation, a.attname AS undocumented FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'haops'::regnamespace AND c.relkind IN ('v', 'r', 'p', 'm')
	AND a.attnum > 0 AND NOT a.attisdropped
	AND coalesce(col_description(c.oid, a.attnum), '') !~ 'since \d+\.\d+$'
ORDER BY 1, a.attnum;

SELECT p.oid::regprocedure AS undocumented FROM pg_proc p
WHERE p.pronamespace = 'haops'::regnamespace AND coalesce(obj_description(p.oid, 'pg_proc'), '') !~ 'since \d+\.\d+$'
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- A function that is not in C has its search_path pinned.
SELECT p.oid::regprocedure AS unpinned FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'haops'::regnamespace AND l.lanname <> 'c'
	AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
ORDER BY p.oid::regprocedure::text COLLATE "C";
