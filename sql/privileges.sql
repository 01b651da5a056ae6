-- Reading is for pg_monitor, changing the cluster for haops_operator, and for nobody else.
CREATE ROLE regress_nobody;
CREATE ROLE regress_monitor IN ROLE pg_monitor;
CREATE ROLE regress_operator IN ROLE haops_operator;

SELECT p.oid::regprocedure AS function,
	has_function_privilege('regress_nobody', p.oid, 'EXECUTE') AS nobody,
	has_function_privilege('regress_monitor', p.oid, 'EXECUTE') AS monitor,
	has_function_privilege('regress_operator', p.oid, 'EXECUTE') AS operator
FROM pg_proc p WHERE p.pronamespace = 'haops'::regnamespace
ORDER BY p.oid::regprocedure::text COLLATE "C";

SELECT c.relname AS view,
	has_table_privilege('regress_nobody', c.oid, 'SELECT') AS nobody,
	has_table_privilege('regress_monitor', c.oid, 'SELECT') AS monitor,
	has_table_privilege('regress_operator', c.oid, 'SELECT') AS operator,
	has_table_privilege('regress_operator', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS changes
FROM pg_class c WHERE c.relnamespace = 'haops'::regnamespace AND c.relkind = 'v'
ORDER BY c.relname COLLATE "C";

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

DROP ROLE regress_nobody, regress_monitor, regress_operator;
