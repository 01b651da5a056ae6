-- inspect.sql: all checks of inspect_checks.sql in one go, each within its own limit of time.

-- What the findings say does not depend on the session's settings; no check waits for a lock, or takes a second core.
CREATE FUNCTION haops.inspect_rows(
	check_limit_ms integer, total_limit_ms integer, rows_limit integer,
	OUT number integer, OUT "check" text, OUT severity text, OUT object text, OUT finding text, OUT why text,
	OUT fix text, OUT undo text, OUT findings bigint)
RETURNS SETOF record
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE COST 1000000 ROWS 100
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '100ms'
SET intervalstyle = 'postgres'
SET datestyle = 'ISO'
SET jit = off
SET max_parallel_workers_per_gather = 0
AS 'MODULE_PATHNAME', 'ha_api_inspect_rows';
COMMENT ON FUNCTION haops.inspect_rows(integer, integer, integer) IS
'source of haops.inspect(): the checks without a finding, too; since 1.0';

CREATE FUNCTION haops.inspect(
	check_limit interval DEFAULT '5 seconds', total_limit interval DEFAULT '60 seconds', rows_limit integer DEFAULT 20,
	OUT "check" text, OUT severity text, OUT object text, OUT finding text, OUT why text, OUT fix text, OUT undo text)
RETURNS SETOF record
LANGUAGE SQL VOLATILE STRICT PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
	SELECT r."check", r.severity, r.object, r.finding, r.why, r.fix, r.undo
	FROM haops.inspect_rows((1000 * extract(epoch FROM check_limit))::integer,
		(1000 * extract(epoch FROM total_limit))::integer, rows_limit) WITH ORDINALITY AS r
	WHERE r.severity <> 'ok'
	ORDER BY array_position(ARRAY['critical', 'warning', 'info', 'not checked'], r.severity), r.ordinality
$$;
COMMENT ON FUNCTION haops.inspect(interval, interval, integer) IS
'inspects this server and this database: a row for each finding (critical, warning, info), the worst first, with the
statement that fixes it and the one that undoes that (NULL: there is none to be given); and a row for each check that
could not be made (not checked), with the reason. A check takes no longer than check_limit, all together no longer than
total_limit; of each severity a check shows rows_limit findings and says how many more there are. Nothing is written,
reset or waited for; since 1.0';

CREATE VIEW haops.inspect_summary AS
	SELECT s.severity, coalesce(r.findings, 0)::bigint AS findings, coalesce(r.checks, 0)::bigint AS checks,
		r.names AS checks_named
	FROM pg_catalog.unnest(ARRAY['critical', 'warning', 'info', 'not checked', 'ok']) WITH ORDINALITY
		AS s (severity, place)
	LEFT JOIN (
		SELECT i.severity, sum(i.findings) AS findings, count(DISTINCT i.number) AS checks,
			pg_catalog.array_agg(DISTINCT i."check" ORDER BY i."check") AS names
		FROM haops.inspect_rows(5000, 60000, 1) i GROUP BY i.severity) AS r USING (severity)
	ORDER BY s.place;
COMMENT ON VIEW haops.inspect_summary IS
'haops.inspect() in five rows; reading it makes the whole inspection; since 1.0';
COMMENT ON COLUMN haops.inspect_summary.severity IS
'critical, warning, info, not checked, or ok: checks that found nothing; since 1.0';
COMMENT ON COLUMN haops.inspect_summary.findings IS 'how many there are; since 1.0';
COMMENT ON COLUMN haops.inspect_summary.checks IS
'how many checks found them; one with findings of two severities counts in both; since 1.0';
COMMENT ON COLUMN haops.inspect_summary.checks_named IS 'their names; since 1.0';

GRANT SELECT ON haops.inspect_summary TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION
	haops.inspect_checks(), haops.inspect_rows(integer, integer, integer), haops.inspect(interval, interval, integer)
	TO pg_monitor, haops_operator;
