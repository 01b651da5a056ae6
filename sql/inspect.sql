-- RT3 every check runs, or says why not: on a primary that is no member of a cluster only what a standby knows is left.
SELECT "check", finding FROM haops.inspect() WHERE severity = 'not checked' ORDER BY 1;
SELECT severity, findings >= checks OR findings = 0 AS findings FROM haops.inspect_summary;

-- RT3 for a member of pg_monitor alone one more, which says so.
CREATE ROLE regress_watcher IN ROLE pg_monitor;
SET ROLE regress_watcher;
SELECT "check", finding FROM haops.inspect() WHERE severity = 'not checked' ORDER BY 1;
RESET ROLE;
DROP ROLE regress_watcher;

-- Limits that make no sense.
SELECT * FROM haops.inspect(check_limit => '0');
SELECT * FROM haops.inspect(total_limit => '2 days');
SELECT * FROM haops.inspect(rows_limit => 0);

-- RT3, RT5 whatever a check does, the others run: an error, no end, rows and texts too many, a write, two
-- commands, no query at all, columns that are not there.
CREATE TABLE regress_written (i int);
CREATE FUNCTION regress_write() RETURNS int LANGUAGE sql AS 'INSERT INTO public.regress_written VALUES (1) RETURNING i';
BEGIN;
CREATE OR REPLACE FUNCTION haops.inspect_checks(
	OUT number integer, OUT "check" text, OUT only_on text, OUT why text, OUT query text)
RETURNS SETOF record LANGUAGE SQL SET search_path = pg_catalog, pg_temp
AS $$
	SELECT v.number, v.name, v.only_on, 'why ' || v.number, CASE WHEN v.raw THEN v.query ELSE
		$q$SELECT 'info' AS severity, '' AS object, '' AS finding, '' AS fix, '' AS undo, $q$ || v.query END
	FROM (VALUES
		(1, 'error', NULL, false, '1/0 AS weight'),
		(2, 'endless', NULL, false, 'count(*) AS weight FROM generate_series(1, 1000000000000)'),
		(3, 'asleep', NULL, false, '0 AS weight FROM pg_sleep(600)'),
		(4, 'writes', NULL, false, 'public.regress_write() AS weight'),
		(5, 'deletes', NULL, true, 'DELETE FROM public.regress_written'),
		(6, 'two commands', NULL, true, 'SELECT 1) AS f; CREATE TABLE public.regress_made (i int); SELECT (1'),
		(7, 'no query', NULL, true, 'nonsense'),
		(8, 'no columns', NULL, true, 'SELECT 1 AS one'),
		(9, 'gone', NULL, true, 'SELECT * FROM haops.never_was'),
		(10, 'many', NULL, true, $q$
			SELECT (ARRAY['info', 'critical', 'warning'])[g % 3 + 1] AS severity, 'object ' || g AS object,
				repeat('x', 100000) AS finding, 'fix ' || g AS fix, repeat('y', 601) AS undo, g AS weight
			FROM generate_series(1, 30) AS g $q$),
		(11, 'nothing', NULL, false, '0 AS weight WHERE false'),
		(12, 'of a standby', 'standby', true, 'SELECT 1'),
		(13, 'the last', 'primary', true, $q$
			SELECT 'info' AS severity, E'a\nb' AS object, 'found' AS finding, 'fix' AS fix, 'undo' AS undo, 0 AS weight
			$q$)) AS v (number, name, only_on, raw, query)
	WHERE v.number NOT IN (2, 3) OR current_setting('regress.endless')::boolean
$$;
SET LOCAL regress.endless = on;
SELECT "check", severity, object, left(finding, 80) AS finding, length(finding) AS length, why, fix, undo
FROM haops.inspect(check_limit => '100 ms', rows_limit => 2);
SET LOCAL regress.endless = off;
SELECT severity, findings, checks, checks_named FROM haops.inspect_summary;
SET LOCAL regress.endless = on;
-- What the limit of all leaves no time for is said, and it holds.
SELECT DISTINCT finding FROM haops.inspect(total_limit => '50 ms') WHERE severity = 'not checked' AND "check" > 'no';
-- The transaction can write again, and a cancel by the caller's own statement_timeout is one of the whole.
INSERT INTO regress_written VALUES (2);
SELECT * FROM regress_written;
SELECT to_regclass('regress_made');
SET LOCAL statement_timeout = '100ms';
\set VERBOSITY terse
SELECT count(*) FROM haops.inspect(check_limit => '1 hour', total_limit => '1 hour');
\set VERBOSITY default
ROLLBACK;
DROP FUNCTION regress_write();
DROP TABLE regress_written;

-- What is to be found, is; what each row says is to be done makes it vanish; what undoes that brings it back.
CREATE UNLOGGED TABLE "regress ""unlogged'
DROP TABLE x; --" (id int PRIMARY KEY);
CREATE TABLE regress_constraint (id int PRIMARY KEY, i int);
ALTER TABLE regress_constraint ADD CONSTRAINT "regress c'" CHECK (i > 0) NOT VALID;
CREATE FUNCTION regress_trigger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER "regress t" BEFORE INSERT ON regress_constraint FOR EACH ROW EXECUTE FUNCTION regress_trigger();
ALTER TABLE regress_constraint DISABLE TRIGGER "regress t";
CREATE TABLE regress_serial (id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY);
SELECT setval('regress_serial_id_seq', 2100000000);
CREATE TABLE regress_off (id int PRIMARY KEY) WITH (autovacuum_enabled = off);
INSERT INTO regress_off SELECT generate_series(1, 1000);
DELETE FROM regress_off;
CREATE TABLE regress_parent (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE regress_part PARTITION OF regress_parent DEFAULT;
CREATE TABLE regress_keyless (i int);
CREATE TABLE regress_broken (id int PRIMARY KEY, i int);
INSERT INTO regress_broken VALUES (1, 1), (2, 1);
CREATE UNIQUE INDEX CONCURRENTLY "regress i'x" ON regress_broken (i);
CREATE SCHEMA "regress Open";
GRANT CREATE ON SCHEMA "regress Open" TO PUBLIC;
CREATE FUNCTION "regress Open".definer(IN a text, b int) RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
CREATE FUNCTION "regress Open".pinned() RETURNS int LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS 'SELECT 1';
CREATE ROLE "regress Super" SUPERUSER LOGIN VALID UNTIL '2020-01-01 00:00:00';
SELECT pg_stat_force_next_flush();
CREATE VIEW regress_found AS
	SELECT "check", severity, object, finding, fix, undo FROM haops.inspect(rows_limit => 1000)
	WHERE object || finding LIKE '%regress%' AND object NOT LIKE 'database %' AND "check" <> 'client_authentication';
SELECT "check", severity, object, finding FROM regress_found ORDER BY "check" COLLATE "C", object COLLATE "C", finding;
CREATE TABLE regress_before AS SELECT * FROM regress_found;
UPDATE regress_broken SET i = id;
SELECT fix FROM regress_before WHERE fix IS NOT NULL ORDER BY fix COLLATE "C" \gexec
SELECT pg_stat_force_next_flush();
SELECT "check", object, finding, fix FROM regress_found WHERE fix IS NOT NULL;
SELECT undo FROM regress_before WHERE undo IS NOT NULL ORDER BY undo COLLATE "C" \gexec
SELECT "check", object FROM regress_before WHERE undo IS NOT NULL AND "check" <> 'autovacuum'
EXCEPT SELECT "check", object FROM regress_found;
DROP VIEW regress_found;
DROP TABLE regress_before, "regress ""unlogged'
DROP TABLE x; --", regress_constraint, regress_serial, regress_off, regress_parent, regress_keyless, regress_broken;
DROP FUNCTION "regress Open".definer(text, int), "regress Open".pinned();
DROP SCHEMA "regress Open";
DROP FUNCTION regress_trigger();
DROP ROLE "regress Super";
