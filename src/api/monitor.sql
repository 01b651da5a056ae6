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
COMMENT ON COLUMN haops.monitor.duty IS 'what was sampled: health, statements, indexes or settings; since 1.0';
COMMENT ON COLUMN haops.monitor.outcome IS
'done; failed: see the message; no extension: pg_haops is not installed in that database in this version; since 1.0';
COMMENT ON COLUMN haops.monitor.started_at IS 'when it began; since 1.0';
COMMENT ON COLUMN haops.monitor.took IS 'how long it took; since 1.0';
COMMENT ON COLUMN haops.monitor.message IS 'why it failed; since 1.0';

-- Without a cluster, or where the library is not preloaded, there is this server alone.
CREATE FUNCTION haops.data_members(OUT member text, OUT this_server boolean) RETURNS SETOF record
LANGUAGE plpgsql STABLE STRICT PARALLEL RESTRICTED ROWS 3
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	BEGIN
		RETURN QUERY SELECT c.member, c.this_server FROM haops.cluster c WHERE c.kind = 'data';
		IF FOUND THEN
			RETURN;
		END IF;
	EXCEPTION WHEN object_not_in_prerequisite_state THEN
		NULL;
	END;
	RETURN QUERY SELECT 'this server', true;
END
$$;
COMMENT ON FUNCTION haops.data_members() IS
'the members that samples are taken of; one row, "this server", where there is no cluster; since 1.0';

GRANT SELECT ON haops.monitor TO pg_monitor, haops_operator;
GRANT EXECUTE ON FUNCTION haops.monitor_runs(), haops.data_members() TO pg_monitor, haops_operator;
