-- monitor.sql: what the monitor did last. The samples themselves belong to the views that need them.

CREATE FUNCTION haops.monitor_runs(
	OUT database text, OUT duty text, OUT outcome text, OUT started_at timestamptz, OUT took interval, OUT message text)
RETURNS SETOF record
LANGUAGE C STABLE STRICT PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'ha_api_monitor';
COMMENT ON FUNCTION haops.monitor_runs() IS 'source of haops.monitor; since 1.0';

CREATE VIEW haops.monitor AS SELECT * FROM haops.monitor_runs();
COMMENT ON VIEW haops.monitor IS
'the last run of each duty of the monitor in each database, since this server began to take writes; since 1.0';
COMMENT ON COLUMN haops.monitor.database IS 'where the sample was taken; since 1.0';
COMMENT ON COLUMN haops.monitor.duty IS 'what was sampled: health, statements or indexes; since 1.0';
COMMENT ON COLUMN haops.monitor.outcome IS
'done; failed: see the message; no extension: pg_haops is not installed in that database in this version; since 1.0';
COMMENT ON COLUMN haops.monitor.started_at IS 'when it began; since 1.0';
COMMENT ON COLUMN haops.monitor.took IS 'how long it took; since 1.0';
COMMENT ON COLUMN haops.monitor.message IS 'why it failed; since 1.0';

GRANT SELECT ON haops.monitor TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.monitor_runs() TO pg_monitor, haops_operator;
