-- A server that is no member: nothing to see, nothing to ask, nothing fenced.
SELECT count(*) FROM haops.cluster;
SELECT count(*) FROM haops.events;
SELECT count(*) FROM haops.readiness;
SELECT * FROM haops.fence;

SELECT haops.switchover();
SELECT haops.switchover('n2');
SELECT haops.pause();
SELECT haops.resume();
SELECT haops.set_priority('n2', 1);
SELECT haops.set_priority('n2', -1);
SELECT haops.set_sync(1);
SELECT haops.set_sync(1, 2);

CREATE TABLE written (i int);
INSERT INTO written VALUES (1);
SELECT * FROM written;
DROP TABLE written;

-- What the views are made of.
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod) AS type
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'haops'::regnamespace AND c.relkind = 'v' AND a.attnum > 0
	AND c.relname IN ('cluster', 'events', 'readiness', 'fence', 'roles')
ORDER BY c.relname COLLATE "C", a.attnum;
