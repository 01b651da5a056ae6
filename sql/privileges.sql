-- Reading is for pg_monitor, changing the cluster for haops_operator, and for nobody else.
CREATE ROLE regress_nobody;
CREATE ROLE regress_monitor IN ROLE pg_monitor;
CREATE ROLE regress_operator IN ROLE haops_operator;

-- Nothing is for everybody.
SELECT p.oid::regprocedure AS open_to_all FROM pg_proc p
WHERE p.pronamespace = 'haops'::regnamespace AND has_function_privilege('regress_nobody', p.oid, 'EXECUTE')
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- What an operator may call, a reader may too, but for what changes something.
SELECT p.oid::regprocedure AS function,
	has_function_privilege('regress_monitor', p.oid, 'EXECUTE') AS monitor,
	has_function_privilege('regress_operator', p.oid, 'EXECUTE') AS operator
FROM pg_proc p
WHERE p.pronamespace = 'haops'::regnamespace AND NOT
	(has_function_privilege('regress_monitor', p.oid, 'EXECUTE') AND
	has_function_privilege('regress_operator', p.oid, 'EXECUTE'))
ORDER BY p.oid::regprocedure::text COLLATE "C";

-- Every view can be read by both, and nobody changes anything through one.
SELECT c.relname AS view,
	has_table_privilege('regress_nobody', c.oid, 'SELECT') AS nobody,
	has_table_privilege('regress_monitor', c.oid, 'SELECT') AS monitor,
	has_table_privilege('regress_operator', c.oid, 'SELECT') AS operator,
	has_table_privilege('regress_operator', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS changes
FROM pg_class c WHERE c.relnamespace = 'haops'::regnamespace AND c.relkind = 'v'
	AND (has_table_privilege('regress_nobody', c.oid, 'SELECT')
	OR NOT has_table_privilege('regress_monitor', c.oid, 'SELECT')
	OR NOT has_table_privilege('regress_operator', c.oid, 'SELECT')
	OR has_table_privilege('regress_operator', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
ORDER BY c.relname COLLATE "C";

-- And it can be read indeed: a view whose functions a reader may not call would fail here.
CREATE FUNCTION regress_readable(name text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SELECT count(*) FROM (SELECT * FROM haops.%I LIMIT 5) AS v', name);
	RETURN NULL;
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLERRM;
END
$$;
CREATE TEMP TABLE views AS SELECT relname::text COLLATE "C" AS name FROM pg_class
WHERE relnamespace = 'haops'::regnamespace AND relkind = 'v';
GRANT SELECT ON views TO regress_monitor;
GRANT EXECUTE ON FUNCTION regress_readable(text) TO regress_monitor;
SET ROLE regress_monitor;
SELECT name, regress_readable(name) AS refused FROM views WHERE regress_readable(name) IS NOT NULL ORDER BY name;
RESET ROLE;

SET ROLE regress_nobody;
SELECT * FROM haops.cluster;
SELECT haops.switchover();
SET ROLE regress_monitor;
SELECT count(*) FROM haops.cluster;
SELECT haops.switchover();
SET ROLE regress_operator;
SELECT count(*) FROM haops.cluster;
SELECT haops.switchover();
RESET ROLE;

DROP FUNCTION regress_readable(text);
DROP TABLE views;
DROP ROLE regress_nobody, regress_monitor, regress_operator;
